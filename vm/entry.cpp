// SPDX-License-Identifier: MIT
#include "vm/entry.h"

#include <alloca.h>

#include <bit>
#include <utility>

#include "vm/leave_native.h"
#include "vm/runtime/runtime.h"
#include "vm/safepoint.h"
#include "vm/stress.h"

namespace martlet::vm {
namespace {

TieringHooks tieringHooks = {};
Counters theCounters;
vectorcallfunc defaultVectorcall = nullptr;
bool entriesWanted = true;

uint64_t* spillSpace(void* memory) {
  return static_cast<uint64_t*>(memory);
}

size_t spillBytes(const NativeVersion* version) {
  return (version->code.spillSlots + 1) * sizeof(uint64_t);
}

[[gnu::always_inline]] inline NativeResult invoke(PyThreadState* tstate, port::Frame* frame, NativeVersion* version,
                                                  uint32_t index, uint64_t* spill) {
  frame->stacktop = port::kNativeStackTop;
  ++version->active;
  return version->code.function(tstate, frame, index, spill);
}

/// Native code came back: brings the frame up to date.
[[gnu::noinline]] Leave afterNative(PyThreadState* tstate, port::Frame* frame, CodeData& data, NativeVersion* version,
                                    NativeResult result, uint64_t* spill) {
  Leave leave;
  if (leaveKind(result.status) == LeaveKind::Returned) {
    settleLocalsWrites(frame);
    leave = {Leave::Returned, static_cast<PyObject*>(result.value), leavePayload(result.status), 0, nullptr};
  } else {
    const uint32_t number = leavePayload(result.status);
    leave = leaveNative(tstate, frame, version->code.exits[number], leaveKind(result.status), spill);
    leave.reason = takeForcedExit() ? hir::ExitReason::Forced : leave.exit->reason;
    leave.counted &= leave.reason != hir::ExitReason::Forced;
    theCounters.exceptions += static_cast<uint64_t>(leave.raised);
    ++theCounters.exitsByReason[static_cast<size_t>(leave.reason)];
    if (leave.counted) {
      ++theCounters.exits;
      tieringHooks.exited(data, *version, *leave.exit, ++version->exitCounts[number]);
    }
    leave.exit = nullptr;  // it goes with its version
  }
  data.activationEnded(version);
  return leave;
}

/// Runs one activation up to its exit.
[[gnu::noinline]] Leave runOnce(PyThreadState* tstate, port::Frame* frame, CodeData& data, NativeVersion* version,
                                uint32_t index) {
  uint64_t* spill = spillSpace(alloca(spillBytes(version)));
  const NativeResult result = invoke(tstate, frame, version, index, spill);
  return afterNative(tstate, frame, data, version, result, spill);
}

/// Goes on at compiled exception handlers until the frame returns or is the interpreter's.
Leave runHandlers(PyThreadState* tstate, port::Frame* frame, CodeData& data, Leave leave) {
  while (leave.kind == Leave::Handler) {
    const int depth = port::stackDepth(frame);
    const NativeEntry* entry = data.entryAt(leave.offset);
    if (entry == nullptr) {
      tieringHooks.coldHandler(data, leave.offset, static_cast<uint16_t>(depth));
      entry = data.entryAt(leave.offset);
    }
    if (entry == nullptr || entry->stackDepth != depth || !mayEnterNative(tstate)) {
      leave.kind = Leave::Interpret;
      return leave;
    }
    ++theCounters.handlerEntries;
    leave = runOnce(tstate, frame, data, entry->version, entry->index);
  }
  return leave;
}

Leave run(PyThreadState* tstate, port::Frame* frame, CodeData& data, NativeVersion* version, uint32_t index) {
  return runHandlers(tstate, frame, data, runOnce(tstate, frame, data, version, index));
}

/// True if a code object has nothing but ordinary parameters.
bool bindsPositionally(const PyCodeObject* code) {
  return (code->co_flags & (CO_VARARGS | CO_VARKEYWORDS)) == 0 && code->co_kwonlyargcount == 0;
}

/// Whether the call can be bound here; `defaults` are the values of the missing trailing parameters.
bool bindPositional(PyFunctionObject* func, PyCodeObject* code, Py_ssize_t count, PyObject* const** defaults) {
  *defaults = nullptr;
  if (count == code->co_argcount) return true;
  if (count > code->co_argcount || func->func_defaults == nullptr) return false;
  const Py_ssize_t missing = code->co_argcount - count;
  const Py_ssize_t have = PyTuple_GET_SIZE(func->func_defaults);
  if (missing > have) return false;
  *defaults = reinterpret_cast<PyTupleObject*>(func->func_defaults)->ob_item + (have - missing);
  return true;
}

/// What the interpreter does when no handler of a frame takes an exception.
void tellUnwound(PyThreadState* tstate, port::Frame* frame, const Leave& leave) {
  addTraceback(frame);
  port::tellException(tstate, frame, port::ExceptionEvent::Raised, leave.raiseOffset);
  port::tellException(tstate, frame, port::ExceptionEvent::Unwound, leave.raiseOffset);
}

PyObject* finishCall(PyThreadState* tstate, port::Frame* frame, const Leave& leave) {
  switch (leave.kind) {
  case Leave::Returned:
    ++tstate->py_recursion_remaining;
    port::popFrame(tstate, frame);
    return leave.value;
  case Leave::Unwind: {
    tellUnwound(tstate, frame, leave);
    ++tstate->py_recursion_remaining;
    PyObject* exception = PyErr_GetRaisedException();
    port::popFrame(tstate, frame);
    PyErr_SetRaisedException(exception);
    return nullptr;
  }
  default:
    ++tstate->py_recursion_remaining;  // the interpreter counts the frame itself
    return port::interpret(tstate, frame);
  }
}

/// True if a new activation of the code object may run natively: nothing is pending, nobody watches, the bytecode that
/// an exit would go on with is instrumented for today's tools, and there is room below the recursion limit.
bool mayActivate(const PyThreadState* tstate, const CodeData& data) {
  return !data.watchedByOthers && mayEnterNative(tstate) &&
         data.code()->_co_instrumentation_version == martlet_expected_breaker && tstate->py_recursion_remaining > 1;
}

/// Makes the frame of a call. NULL with an exception set where the arguments do not fit.
port::Frame* frameForCall(PyThreadState* tstate, PyFunctionObject* func, PyCodeObject* code, PyObject* const* args,
                          Py_ssize_t count, PyObject* kwnames) {
  PyObject* const* defaults = nullptr;
  if (kwnames == nullptr && bindsPositionally(code) && bindPositional(func, code, count, &defaults)) {
    if (port::Frame* frame = port::pushFrame(tstate, func, code, args, count, defaults)) return frame;
  }
  return port::bindAndPushFrame(tstate, func, args, static_cast<size_t>(count), kwnames);
}

PyObject* nativeVectorcall(PyObject* callable, PyObject* const* args, size_t nargsf, PyObject* kwnames) {
  auto* func = reinterpret_cast<PyFunctionObject*>(callable);
  auto* code = reinterpret_cast<PyCodeObject*>(func->func_code);
  CodeData* data = CodeData::find(code);
  NativeVersion* version = data != nullptr ? data->callVersion : nullptr;
  PyThreadState* tstate = PyThreadState_Get();
  if (version == nullptr || !mayActivate(tstate, *data)) return defaultVectorcall(callable, args, nargsf, kwnames);
  if (!hasNativeStack()) {
    // The interpreter inlines calls of functions with its own vectorcall, and needs no C stack for them.
    removeEntry(func);
    return defaultVectorcall(callable, args, nargsf, kwnames);
  }
  port::Frame* frame = frameForCall(tstate, func, code, args, PyVectorcall_NARGS(nargsf), kwnames);
  if (frame == nullptr) return nullptr;
  // Comparing keyword names may have run Python code, and that may have replaced the version.
  version = data->callVersion;
  if (version == nullptr) [[unlikely]]
    return port::interpret(tstate, frame);
  --tstate->py_recursion_remaining;
  ++theCounters.entries;
  uint64_t* spill = spillSpace(alloca(spillBytes(version)));
  const NativeResult result = invoke(tstate, frame, version, data->callIndex, spill);
  if (leaveKind(result.status) != LeaveKind::Returned || localsWritesPending()) [[unlikely]] {
    const Leave leave = afterNative(tstate, frame, *data, version, result, spill);
    return finishCall(tstate, frame, runHandlers(tstate, frame, *data, leave));
  }
  data->activationEnded(version);
  ++tstate->py_recursion_remaining;
  port::popFrame(tstate, frame);
  return static_cast<PyObject*>(result.value);
}

}  // namespace

Counters& counters() {
  return theCounters;
}
void setTieringHooks(const TieringHooks& hooks) {
  tieringHooks = hooks;
}

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

namespace {

/// Makes the interpreter carry out the return that native code has come to.
void redirectToReturn(port::Frame* frame, const Leave& leave) {
  PyCodeObject* code = port::codeOf(frame);
  if (port::isReturnConst(code, leave.offset)) {
    Py_DECREF(leave.value);
    port::setStackDepth(frame, 0);
  } else {
    *port::stackSlot(frame, 0) = leave.value;
    port::setStackDepth(frame, 1);
  }
  frame->instr_ptr = port::instructionAt(code, leave.offset);
}

/// Lets the interpreter unwind the frame. It will add a traceback entry and look for a handler at the instruction whose
/// event this is; where that one is covered by a handler, it is sent to a RERAISE that is not, which adds no entry.
bool redirectToUnwind(port::Frame* frame, RedirectKind kind, uint32_t instruction) {
  PyCodeObject* code = port::codeOf(frame);
  port::setStackDepth(frame, 0);
  if (kind == RedirectKind::Jump || !port::findHandler(code, instruction)) return false;
  PyObject* exception = PyErr_GetRaisedException();
  const auto site = port::findUncoveredReraise(code);
  const auto offset = static_cast<long>(frame->instr_ptr - _PyCode_CODE(code));
  PyObject* lasti = site && site->takesLasti ? PyLong_FromLong(offset) : nullptr;
  if (!site || (site->takesLasti && lasti == nullptr)) {
    PyErr_SetRaisedException(exception);
    return false;
  }
  PyErr_SetRaisedException(exception);
  addTraceback(frame);
  exception = PyErr_GetRaisedException();
  int depth = 0;
  if (lasti != nullptr) *port::stackSlot(frame, depth++) = lasti;
  *port::stackSlot(frame, depth++) = exception;
  port::setStackDepth(frame, depth);
  frame->instr_ptr = port::instructionAt(code, site->offset);
  return true;
}

void countEntry(RedirectKind kind) {
  switch (kind) {
  case RedirectKind::Start: ++theCounters.entries; break;
  case RedirectKind::Resume: ++theCounters.resumeEntries; break;
  case RedirectKind::Jump: ++theCounters.osrEntries; break;
  }
}

}  // namespace

bool enterOnFrame(PyThreadState* tstate, CodeData& data, const NativeEntry& entry, RedirectKind kind,
                  uint32_t instruction) {
  port::Frame* frame = tstate->current_frame;
  if (port::stackDepth(frame) != entry.stackDepth || !hasNativeStack()) return true;
  if (kind == RedirectKind::Jump && port::jumpErrorIsUnsafe(data.code(), instruction)) return true;
  const port::CallbackScope scope(tstate);
  countEntry(kind);
  const Leave leave = run(tstate, frame, data, entry.version, entry.index);
  switch (leave.kind) {
  case Leave::Returned: redirectToReturn(frame, leave); return true;
  case Leave::Unwind: return redirectToUnwind(frame, kind, instruction);
  default: return true;
  }
}

namespace {

/// Where a suspended frame can be entered natively now, or NULL.
const NativeEntry* resumePoint(PyThreadState* tstate, port::Frame* frame, CodeData** data) {
  *data = CodeData::find(port::codeOf(frame));
  if (*data == nullptr || !mayActivate(tstate, **data)) return nullptr;
  const port::ResumePoint point = port::resumePointOf(frame);
  const NativeEntry* entry = (*data)->entryAt(point.offset);
  if (entry == nullptr || entry->stackDepth != point.stackDepth || !hasNativeStack()) return nullptr;
  return entry;
}

PyObject* newReference(const ExitValue& value, uint64_t bits) {
  switch (value.kind) {
  case ExitValue::Kind::Int: return rt_box_int(static_cast<int64_t>(bits));
  case ExitValue::Kind::Float: return rt_box_float(std::bit_cast<double>(bits));
  case ExitValue::Kind::Bool: return (bits & 1) != 0 ? Py_True : Py_False;  // immortal
  case ExitValue::Kind::Object: break;
  }
  auto* object = reinterpret_cast<PyObject*>(bits);
  return value.owned ? object : Py_XNewRef(object);
}

/// A yield in the common case: its stack values go to the frame, but for the one yielded, which is returned.
PyObject* plainYield(port::Frame* frame, const ExitDescriptor& exit, const uint64_t* spill) {
  PyObject* yielded = nullptr;
  const int top = exit.stackDepth - 1;
  for (const ExitValue& value : exit.values) {
    PyObject* object = newReference(value, spill[value.spill]);
    if (value.target == ExitValue::Target::Local) {
      PyObject* old = std::exchange(frame->localsplus[value.index], object);
      Py_XDECREF(old);  // a dirty slot holds a number or nothing: no Python code runs
    } else if (value.index == top) {
      yielded = object;
    } else {
      *port::stackSlot(frame, value.index) = object;
    }
  }
  port::setStackDepth(frame, top);
  frame->instr_ptr = port::instructionAt(port::codeOf(frame), exit.offset);
  return yielded;
}

/// The other ways in which a resumed generator comes back.
[[gnu::noinline]] PyObject* finishResume(PyThreadState* tstate, port::Frame* frame, const Leave& leave, bool* yielded) {
  ++tstate->py_recursion_remaining;
  if (leave.kind == Leave::Interpret && leave.reason == hir::ExitReason::Yield) {
    *yielded = true;
    PyObject* value = _PyFrame_StackPop(frame);
    port::suspendGenerator(tstate, frame);
    return value;
  }
  if (leave.kind == Leave::Interpret) {
    tstate->current_frame = frame->previous;
    return port::interpretGenerator(tstate, frame, yielded);
  }
  PyObject* exception = nullptr;
  if (leave.kind == Leave::Unwind) {
    tellUnwound(tstate, frame, leave);
    exception = PyErr_GetRaisedException();
  }
  port::finishGenerator(tstate, frame);
  if (exception != nullptr) PyErr_SetRaisedException(exception);
  return leave.value;
}

}  // namespace

bool resumeGenerator(PyThreadState* tstate, port::Frame* frame, PyObject* argument, PyObject** result, bool* yielded) {
  CodeData* data = nullptr;
  const NativeEntry* entry = resumePoint(tstate, frame, &data);
  if (entry == nullptr) return false;
  NativeVersion* version = entry->version;
  port::beginResume(tstate, frame, argument);
  --tstate->py_recursion_remaining;
  ++theCounters.resumeEntries;
  uint64_t* spill = spillSpace(alloca(spillBytes(version)));
  const NativeResult native = invoke(tstate, frame, version, entry->index, spill);
  if (leaveKind(native.status) == LeaveKind::Exit && !localsWritesPending()) [[likely]] {
    const ExitDescriptor& exit = version->code.exits[leavePayload(native.status)];
    if (exit.reason == hir::ExitReason::Yield && exit.plain) {
      ++theCounters.exitsByReason[static_cast<size_t>(hir::ExitReason::Yield)];
      *result = plainYield(frame, exit, spill);
      *yielded = true;
      ++tstate->py_recursion_remaining;
      port::suspendGenerator(tstate, frame);
      data->activationEnded(version);
      return true;
    }
  }
  const Leave leave = afterNative(tstate, frame, *data, version, native, spill);
  *result = finishResume(tstate, frame, runHandlers(tstate, frame, *data, leave), yielded);
  return true;
}

void installGeneratorEntries() {
  port::installGeneratorHooks(resumeGenerator);
}

}  // namespace martlet::vm
