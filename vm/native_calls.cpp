// SPDX-License-Identifier: MIT
// Calls of compiled functions: from anywhere through func->vectorcall, and from native code, which hands its references
// over. Owns: making and popping the frame of such a call. Must not know: how code is compiled.
#include "vm/activation.h"
#include "vm/runtime/leave.h"

namespace martlet::vm {
namespace {

vectorcallfunc defaultVectorcall = nullptr;
bool entriesWanted = true;

/// Arguments of a call from the interpreter that are moved; a call with more of them borrows.
constexpr size_t kRoom = 24;

/// A call that did not simply return.
[[gnu::noinline]] PyObject* finishCall(PyThreadState* tstate, port::Frame* frame, CodeData& data,
                                       NativeVersion* version, NativeResult result) {
  const Leave leave = finishActivation(tstate, frame, data, version, result);
  if (leave.kind == Leave::Returned || leave.kind == Leave::Unwind) {
    return endFrame(tstate, frame, leave, [&] { port::popFrame(tstate, frame); });
  }
  ++tstate->py_recursion_remaining;  // the interpreter counts the frame itself
  return port::interpret(tstate, frame);
}

/// Runs the frame of a call, which is the running one.
[[gnu::always_inline]] inline PyObject* runFrame(PyThreadState* tstate, port::Frame* frame, CodeData& data,
                                                 NativeVersion* version) {
  --tstate->py_recursion_remaining;
  ++counters().entries;
  const NativeResult result = invoke(tstate, frame, version, data.callIndex);
  if (leaveKind(result.status) != LeaveKind::Returned || localsWritesPending()) [[unlikely]]
    return finishCall(tstate, frame, data, version, result);
  data.activationEnded(version);
  ++tstate->py_recursion_remaining;
  port::popFrame(tstate, frame);
  return static_cast<PyObject*>(result.value);
}

/// Lets CPython bind the arguments; consumes the function and the arguments. NULL with an exception set.
port::Frame* bindFrame(PyThreadState* tstate, PyFunctionObject* func, PyObject* const* args, size_t count,
                       PyObject* names) {
  auto* code = reinterpret_cast<PyCodeObject*>(func->func_code);
  PyObject* locals = (code->co_flags & CO_OPTIMIZED) != 0 ? nullptr : Py_NewRef(func->func_globals);
  return _PyEvalFramePushAndInit(tstate, func, locals, args, count, names);
}

/// A call for which there is no short way: the arguments have to be bound, or the function is not compiled, or native
/// code may not be entered. Consumes the function and the arguments.
[[gnu::noinline]] PyObject* callSlowly(PyThreadState* tstate, PyFunctionObject* func, PyObject* const* args,
                                       size_t count, PyObject* names) {
  auto* code = reinterpret_cast<PyCodeObject*>(func->func_code);
  port::Frame* frame = bindFrame(tstate, func, args, count, names);
  if (frame == nullptr) return nullptr;
  // Only now: comparing keyword names may have run Python code, and that may have replaced the version.
  CodeData* data = CodeData::find(code);
  if (data == nullptr || data->callVersion == nullptr || !mayActivate(tstate, *data) || !hasNativeStack()) {
    return _PyEval_EvalFrame(tstate, frame, 0);
  }
  port::linkFrame(tstate, frame);
  return runFrame(tstate, frame, *data, data->callVersion);
}

/// The version to enter if `count` arguments are all that the function takes and nothing is in the way, or NULL.
[[gnu::always_inline]] inline NativeVersion* directVersion(PyThreadState* tstate, const PyFunctionObject* func,
                                                           CodeData** data, size_t count) {
  *data = CodeData::find(reinterpret_cast<PyCodeObject*>(func->func_code));
  if (*data == nullptr || (*data)->plainArguments != static_cast<Py_ssize_t>(count)) return nullptr;
  NativeVersion* version = (*data)->callVersion;
  if (version == nullptr || !mayActivate(tstate, **data) || !hasNativeStack()) return nullptr;
  return port::hasFrameSpace(tstate, (*data)->code()) ? version : nullptr;
}

PyObject* nativeVectorcall(PyObject* callable, PyObject* const* args, size_t nargsf, PyObject* names) {
  auto* func = reinterpret_cast<PyFunctionObject*>(callable);
  PyThreadState* tstate = PyThreadState_Get();
  const auto count = static_cast<size_t>(PyVectorcall_NARGS(nargsf));
  CodeData* data = nullptr;
  NativeVersion* version = names == nullptr ? directVersion(tstate, func, &data, count) : nullptr;
  if (version == nullptr && !hasNativeStack()) {
    // The interpreter inlines calls of functions with its own vectorcall, and needs no C stack for them.
    removeEntry(func);
    return defaultVectorcall(callable, args, nargsf, names);
  }
  Py_INCREF(callable);
  const size_t all = count + (names != nullptr ? static_cast<size_t>(PyTuple_GET_SIZE(names)) : 0);
  PyObject* room[kRoom];
  PyObject* const* mine = args;
  if (all > kRoom || !mayEnterNative(tstate) || !port::takeOperandsOfCall(tstate, func, args, all, room)) {
    for (size_t i = 0; i < all; ++i) Py_INCREF(args[i]);
  } else {
    mine = room;
  }
  if (version == nullptr) return callSlowly(tstate, func, mine, count, names);
  return runFrame(tstate, port::pushFrame(tstate, func, mine, count), *data, version);
}

/// A function whose vectorcall belongs to somebody else.
PyObject* callForeign(PyFunctionObject* func, PyObject* const* args, size_t count, PyObject* names) {
  auto* callable = reinterpret_cast<PyObject*>(func);
  PyObject* result = func->vectorcall(callable, args, count | PY_VECTORCALL_ARGUMENTS_OFFSET, names);
  const size_t all = count + (names != nullptr ? static_cast<size_t>(PyTuple_GET_SIZE(names)) : 0);
  Py_DECREF(callable);
  for (size_t i = 0; i < all; ++i) Py_DECREF(args[i]);
  return result;
}

}  // namespace

bool learnDefaultVectorcall(PyObject* function) {
  if (defaultVectorcall != nullptr) return true;
  defaultVectorcall = reinterpret_cast<PyFunctionObject*>(function)->vectorcall;
  return defaultVectorcall != nullptr;
}

bool entersThroughVectorcall(const PyCodeObject* code) {
  constexpr int kMakesGenerator = CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR;
  constexpr int kFunction = CO_OPTIMIZED | CO_NEWLOCALS;
  return (code->co_flags & kMakesGenerator) == 0 && (code->co_flags & kFunction) == kFunction;
}

void installEntry(PyFunctionObject* func) {
  if (entriesWanted && func->vectorcall == defaultVectorcall) PyFunction_SetVectorcall(func, nativeVectorcall);
}

void removeEntry(PyFunctionObject* func) {
  if (func->vectorcall == nativeVectorcall) PyFunction_SetVectorcall(func, defaultVectorcall);
}

void allowEntries(bool allowed) {
  if (entriesWanted && !allowed) {
    const auto visit = [](PyObject* object, void*) {
      if (PyFunction_Check(object)) removeEntry(reinterpret_cast<PyFunctionObject*>(object));
      return 1;
    };
    PyUnstable_GC_VisitObjects(visit, nullptr);
  }
  entriesWanted = allowed;
}

}  // namespace martlet::vm

extern "C" PyObject* martlet_call_function(PyThreadState* tstate, PyObject* function, PyObject** args, size_t count,
                                           PyObject* names) {
  using namespace martlet::vm;
  auto* func = reinterpret_cast<PyFunctionObject*>(function);
  if (names == nullptr && func->vectorcall == nativeVectorcall) [[likely]] {
    CodeData* data = nullptr;
    NativeVersion* version = directVersion(tstate, func, &data, count);
    if (version != nullptr) [[likely]]
      return runFrame(tstate, port::pushFrame(tstate, func, args, count), *data, version);
  }
  if (func->vectorcall != nativeVectorcall && func->vectorcall != defaultVectorcall) {
    return callForeign(func, args, count, names);
  }
  return callSlowly(tstate, func, args, count, names);
}
