// SPDX-License-Identifier: MIT
#include "vm/entry.h"

#include <alloca.h>

#include "vm/leave_native.h"
#include "vm/safepoint.h"

namespace martlet::vm {
namespace {

TieringHooks tieringHooks = {};
Counters theCounters;
vectorcallfunc defaultVectorcall = nullptr;

/// Runs one activation up to its exit, and brings the frame up to date.
[[gnu::noinline]] Leave runOnce(PyThreadState* tstate, port::Frame* frame, CodeData& data, NativeVersion* version,
                                uint32_t index) {
  auto* spill = static_cast<uint64_t*>(alloca((version->code.spillSlots + 1) * sizeof(uint64_t)));
  frame->stacktop = port::kNativeStackTop;
  ++version->active;
  const NativeResult result = version->code.function(tstate, frame, index, spill);
  Leave leave;
  if (leaveKind(result.status) == LeaveKind::Returned) {
    settleLocalsWrites(frame);
    leave = {Leave::Returned, static_cast<PyObject*>(result.value), leavePayload(result.status), nullptr};
  } else {
    const uint32_t number = leavePayload(result.status);
    leave = leaveNative(tstate, frame, version->code.exits[number], leaveKind(result.status), spill);
    if (leave.counted) {
      ++theCounters.exits;
      ++theCounters.exitsByReason[static_cast<size_t>(leave.exit->reason)];
      tieringHooks.exited(data, *version, *leave.exit, ++version->exitCounts[number]);
    } else {
      ++theCounters.exitsByReason[static_cast<size_t>(leave.exit->reason)];
    }
  }
  data.activationEnded(version);
  return leave;
}

/// Runs native code, entering compiled exception handlers again, until the frame returns or is the interpreter's.
Leave run(PyThreadState* tstate, port::Frame* frame, CodeData& data, NativeVersion* version, uint32_t index) {
  while (true) {
    Leave leave = runOnce(tstate, frame, data, version, index);
    if (leave.kind != Leave::Handler) return leave;
    ++theCounters.exceptions;
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
    version = entry->version;
    index = entry->index;
  }
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

PyObject* finishCall(PyThreadState* tstate, port::Frame* frame, const Leave& leave) {
  switch (leave.kind) {
    case Leave::Returned:
      ++tstate->py_recursion_remaining;
      port::popFrame(tstate, frame);
      return leave.value;
    case Leave::Unwind: {
      addTraceback(frame);
      port::tellException(tstate, frame, port::ExceptionEvent::Raised, leave.offset);
      port::tellException(tstate, frame, port::ExceptionEvent::Unwound, leave.offset);
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

PyObject* nativeVectorcall(PyObject* callable, PyObject* const* args, size_t nargsf, PyObject* kwnames) {
  auto* func = reinterpret_cast<PyFunctionObject*>(callable);
  auto* code = reinterpret_cast<PyCodeObject*>(func->func_code);
  CodeData* data = CodeData::find(code);
  NativeVersion* version = data != nullptr ? data->callVersion : nullptr;
  PyThreadState* tstate = PyThreadState_Get();
  PyObject* const* defaults = nullptr;
  const bool possible = version != nullptr && !data->watchedByOthers && kwnames == nullptr && mayEnterNative(tstate) &&
                        code->_co_instrumentation_version == martlet_expected_breaker &&
                        tstate->py_recursion_remaining > 1 &&
                        bindPositional(func, code, PyVectorcall_NARGS(nargsf), &defaults);
  if (!possible) return defaultVectorcall(callable, args, nargsf, kwnames);
  if (!hasNativeStack()) {
    // The interpreter inlines calls of functions with its own vectorcall, and needs no C stack for them.
    removeEntry(func);
    return defaultVectorcall(callable, args, nargsf, kwnames);
  }
  port::Frame* frame = port::pushFrame(tstate, func, code, args, PyVectorcall_NARGS(nargsf), defaults);
  if (frame == nullptr) return defaultVectorcall(callable, args, nargsf, kwnames);
  --tstate->py_recursion_remaining;
  ++theCounters.entries;
  return finishCall(tstate, frame, run(tstate, frame, *data, version, data->callIndex));
}

}  // namespace

Counters& counters() { return theCounters; }
void setTieringHooks(const TieringHooks& hooks) { tieringHooks = hooks; }

bool learnDefaultVectorcall(PyObject* function) {
  if (defaultVectorcall != nullptr) return true;
  defaultVectorcall = reinterpret_cast<PyFunctionObject*>(function)->vectorcall;
  return defaultVectorcall != nullptr;
}

bool entersThroughVectorcall(const PyCodeObject* code) {
  constexpr int kNeedsBinding = CO_VARARGS | CO_VARKEYWORDS;
  constexpr int kMakesGenerator = CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR;
  constexpr int kFunction = CO_OPTIMIZED | CO_NEWLOCALS;
  return (code->co_flags & (kNeedsBinding | kMakesGenerator)) == 0 && code->co_kwonlyargcount == 0 &&
         (code->co_flags & kFunction) == kFunction;
}

void installEntry(PyFunctionObject* func) {
  if (func->vectorcall == defaultVectorcall) PyFunction_SetVectorcall(func, nativeVectorcall);
}

void removeEntry(PyFunctionObject* func) {
  if (func->vectorcall == nativeVectorcall) PyFunction_SetVectorcall(func, defaultVectorcall);
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

}  // namespace martlet::vm
