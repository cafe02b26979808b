// SPDX-License-Identifier: MIT
// Calls of compiled functions: from anywhere through func->vectorcall, and from native code, which hands its references
// over. Owns: making and popping the frame of such a call. Must not know: how code is compiled.
#include "vm/activation.h"
#include "vm/argument_binding.h"
#include "vm/cpython_3_13/generators.h"
#include "vm/function_watcher.h"
#include "vm/runtime/leave.h"
#include "vm/runtime/singletons.h"

namespace martlet::vm {
namespace {

vectorcallfunc defaultVectorcall = nullptr;
bool entriesWanted = true;

/// Arguments of a call from the interpreter that are moved; a call with more of them borrows.
constexpr size_t kRoom = 24;

/// How many arguments a call has, those for keyword names included.
size_t argumentCount(size_t positional, PyObject* names) {
  return positional + (names != nullptr ? static_cast<size_t>(PyTuple_GET_SIZE(names)) : 0);
}

/// True if a call may run natively now.
[[gnu::always_inline]] inline bool mayEnter(const PyThreadState* tstate, CodeData& data) {
  return data.callVersion != nullptr && mayActivate(tstate, data) && hasNativeStack();
}

/// A call that did not simply return.
[[gnu::noinline]] PyObject* finishCall(PyThreadState* tstate, port::Frame* frame, CodeData& data,
                                       NativeVersion* version, NativeResult result) {
  Leave leave;
  finishActivation(tstate, frame, data, version, result, leave);
  if (leave.kind == Leave::Returned || leave.kind == Leave::Unwind) {
    return endFrame(tstate, frame, leave, [&] { port::popFrame(tstate, frame, data.layout); });
  }
  ++tstate->py_recursion_remaining;  // the interpreter counts the frame itself
  return port::interpret(tstate, frame);
}

/// Runs the frame of a call, which is the running one.
[[gnu::always_inline]] inline PyObject* runFrame(PyThreadState* tstate, port::Frame* frame, CodeData& data) {
  NativeVersion* version = data.callVersion;
  --tstate->py_recursion_remaining;
  ++counters().entries;
  const NativeResult result = invoke(tstate, frame, data, data.callFunction, data.callIndex);
  if (leaveKind(result.status) != LeaveKind::Returned || localsWritesPending()) [[unlikely]]
    return finishCall(tstate, frame, data, version, result);
  data.activationEnded();
  ++tstate->py_recursion_remaining;
  port::popFrame(tstate, frame, data.layout);
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
  if (data == nullptr || !mayEnter(tstate, *data)) return _PyEval_EvalFrame(tstate, frame, 0);
  port::linkFrame(tstate, frame);
  return runFrame(tstate, frame, *data);
}

/// A call of a generator function, which makes a generator without a frame of its own. Consumes the function and the
/// arguments.
[[gnu::noinline]] PyObject* callGenerator(PyThreadState* tstate, PyFunctionObject* func, PyObject* const* args,
                                          size_t count, PyObject* names) {
  if (!port::canMakeGenerator(tstate, func)) return callSlowly(tstate, func, args, count, names);
  const auto* code = reinterpret_cast<const PyCodeObject*>(func->func_code);
  if (names == nullptr && plainArgumentsOf(code) == static_cast<Py_ssize_t>(count)) {
    return port::makeGenerator(func, args, count);
  }
  PyObject* bound[kBound];
  if (!bindArguments(func, args, count, names, bound)) return callSlowly(tstate, func, args, count, names);
  return port::makeGenerator(func, bound, parameterSlots(code));
}

/// True if a frame for a call may be pushed here and run natively now.
[[gnu::always_inline]] inline bool isReady(PyThreadState* tstate, CodeData& data) {
  return mayEnter(tstate, data) && port::hasFrameSpace(tstate, data.layout);
}

/// The data of a function's code if a frame for it may be pushed here and run natively now, or NULL.
[[gnu::always_inline]] inline CodeData* readyData(PyThreadState* tstate, const PyFunctionObject* func) {
  CodeData* data = CodeData::find(reinterpret_cast<PyCodeObject*>(func->func_code));
  return data != nullptr && isReady(tstate, *data) ? data : nullptr;
}

/// A call whose arguments are not just all parameters, of a function that may run natively. Consumes the function and
/// the arguments.
[[gnu::noinline]] PyObject* callBinding(PyThreadState* tstate, PyFunctionObject* func, CodeData& data,
                                        PyObject* const* args, size_t count, PyObject* names) {
  PyObject* bound[kBound];
  if (!bindArguments(func, args, count, names, bound)) return callSlowly(tstate, func, args, count, names);
  const size_t slots = parameterSlots(reinterpret_cast<const PyCodeObject*>(func->func_code));
  return runFrame(tstate, port::pushFrame(tstate, func, data.layout, bound, slots), data);
}

/// A call that leaves parameters to their defaults, of a function that has nothing but plain parameters and may run
/// natively. Consumes the function and the arguments.
[[gnu::noinline]] PyObject* callWithDefaults(PyThreadState* tstate, PyFunctionObject* func, CodeData& data,
                                             PyObject* const* args, size_t count) {
  const auto missing = data.plainArguments - static_cast<Py_ssize_t>(count);
  PyObject* defaults = func->func_defaults;
  if (defaults == nullptr || PyTuple_GET_SIZE(defaults) < missing)
    return callSlowly(tstate, func, args, count, nullptr);
  port::Frame* frame = port::pushFrame(tstate, func, data.layout, args, count);
  // Both behind the last one.
  PyObject* const* end = _PyTuple_ITEMS(defaults);
  end += PyTuple_GET_SIZE(defaults);
  PyObject** parameters = frame->localsplus;
  parameters += data.plainArguments;
#pragma clang loop unroll(disable)
  for (Py_ssize_t i = -missing; i < 0; ++i) parameters[i] = Py_NewRef(end[i]);
  return runFrame(tstate, frame, data);
}

/// A call of a function that may run natively.
[[gnu::always_inline]] inline PyObject* callReady(PyThreadState* tstate, PyFunctionObject* func, CodeData& data,
                                                  PyObject* const* args, size_t count, PyObject* names) {
  const auto given = static_cast<Py_ssize_t>(count);
  if (names != nullptr || data.plainArguments != given) [[unlikely]] {
    if (names == nullptr && given < data.plainArguments) return callWithDefaults(tstate, func, data, args, count);
    return callBinding(tstate, func, data, args, count, names);
  }
  return runFrame(tstate, port::pushFrame(tstate, func, data.layout, args, count), data);
}

PyObject* nativeVectorcall(PyObject* callable, PyObject* const* args, size_t nargsf, PyObject* names) {
  auto* func = reinterpret_cast<PyFunctionObject*>(callable);
  PyThreadState* tstate = PyThreadState_Get();
  const auto count = static_cast<size_t>(PyVectorcall_NARGS(nargsf));
  CodeData* data = readyData(tstate, func);
  if (data == nullptr && !hasNativeStack()) {
    // The interpreter inlines calls of functions with its own vectorcall, and needs no C stack for them.
    removeEntry(func);
    return defaultVectorcall(callable, args, nargsf, names);
  }
  Py_INCREF(callable);
  const size_t all = argumentCount(count, names);
  PyObject* room[kRoom];
  PyObject* const* mine = args;
  if (all > kRoom || !mayEnterNative(tstate) || !port::takeOperandsOfCall(tstate, func, args, all, room)) {
    for (size_t i = 0; i < all; ++i) Py_INCREF(args[i]);
  } else {
    mine = room;
  }
  if (data == nullptr) return callSlowly(tstate, func, mine, count, names);
  return callReady(tstate, func, *data, mine, count, names);
}

/// True unless the function's vectorcall belongs to somebody else. A function may have got its native code without
/// having got its entry yet: the interpreter has not called it since.
[[gnu::always_inline]] inline bool isOurs(const PyFunctionObject* func) {
  return func->vectorcall == nativeVectorcall || func->vectorcall == defaultVectorcall;
}

/// A call's cache did not know the function's code.
[[gnu::noinline]] void rememberCallee(PyFunctionObject* func, SiteCache* cache) {
  constexpr uint32_t kMostFills = 16;  // with more callees than that the cache is of no use
  if (cache == nullptr || cache->fills >= kMostFills) return;
  CodeData* data = CodeData::findOrCreate(reinterpret_cast<PyCodeObject*>(func->func_code));
  if (data == nullptr) return PyErr_Clear();
  if (data == cache->callee) return;
  noteFunction(func, *data);
  ++cache->fills;
  data->rememberAt(*cache);
}

/// A function whose vectorcall belongs to somebody else.
PyObject* callForeign(PyFunctionObject* func, PyObject* const* args, size_t count, PyObject* names) {
  auto* callable = reinterpret_cast<PyObject*>(func);
  PyObject* result = func->vectorcall(callable, args, count | PY_VECTORCALL_ARGUMENTS_OFFSET, names);
  const size_t all = argumentCount(count, names);
  Py_DECREF(callable);
  for (size_t i = 0; i < all; ++i) Py_DECREF(args[i]);
  return result;
}

}  // namespace

/// A call from a place that remembers whose code it called last.
[[gnu::always_inline]] static inline PyObject* callRemembered(PyThreadState* tstate, PyObject* function,
                                                              PyObject** args, size_t count, SiteCache* cache) {
  auto* func = reinterpret_cast<PyFunctionObject*>(function);
  CodeData* data = cache != nullptr ? cache->callee : nullptr;
  if (data != nullptr && reinterpret_cast<PyObject*>(data->code()) == func->func_code && isOurs(func) &&
      isReady(tstate, *data)) [[likely]] {
    return callReady(tstate, func, *data, args, count, nullptr);
  }
  rememberCallee(func, cache);
  return martlet_call_function(tstate, function, args, count, nullptr);
}

bool learnDefaultVectorcall(PyObject* function) {
  if (defaultVectorcall != nullptr) return true;
  defaultVectorcall = reinterpret_cast<PyFunctionObject*>(function)->vectorcall;
  martlet_singletons.usualEntries[0] = defaultVectorcall;
  martlet_singletons.usualEntries[1] = nativeVectorcall;
  return defaultVectorcall != nullptr;
}

bool entersThroughVectorcall(const PyCodeObject* code) {
  constexpr int kFunction = CO_OPTIMIZED | CO_NEWLOCALS;
  return !port::makesGenerator(code) && (code->co_flags & kFunction) == kFunction;
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
  if (!isOurs(func)) [[unlikely]]
    return callForeign(func, args, count, names);
  CodeData* data = readyData(tstate, func);
  if (data != nullptr) [[likely]]
    return callReady(tstate, func, *data, args, count, names);
  if (port::makesGenerator(reinterpret_cast<PyCodeObject*>(func->func_code))) {
    return callGenerator(tstate, func, args, count, names);
  }
  return callSlowly(tstate, func, args, count, names);
}

extern "C" PyObject* martlet_call_remembered(PyThreadState* tstate, PyObject* function, PyObject** args, size_t count,
                                             martlet::vm::SiteCache* cache) {
  return martlet::vm::callRemembered(tstate, function, args, count, cache);
}

extern "C" PyObject* martlet_call_at(PyThreadState* tstate, PyObject* function, PyObject** args, size_t count,
                                     martlet::vm::SiteCache* cache) {
  PyObject* result = martlet::vm::callRemembered(tstate, function, args, count, cache);
  if (result == nullptr) martlet_leave_state.calledFunction = true;
  return martlet::vm::leaveChecked(tstate, result, true);
}

extern "C" void martlet_note_callee(PyObject* function, martlet::vm::SiteCache* cache) {
  martlet::vm::rememberCallee(reinterpret_cast<PyFunctionObject*>(function), cache);
}
