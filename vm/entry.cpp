// SPDX-License-Identifier: MIT
#include "vm/entry.h"

#include "vm/activation.h"
#include "vm/stress.h"

namespace martlet::vm {

uint64_t spillArea[kSpillWords];
Counters theCounters;

namespace {

TieringHooks tieringHooks = {};

void setFinished(Leave& leave, Leave::Kind kind, NativeResult result) {
  leave.kind = kind;
  leave.value = static_cast<PyObject*>(result.value);
  leave.offset = leavePayload(result.status);
}

/// Native code came back: brings the frame up to date.
[[gnu::noinline]] void afterNative(PyThreadState* tstate, port::Frame* frame, CodeData& data, NativeVersion* version,
                                   NativeResult result, Leave& leave) {
  leave = {};
  if (leaveKind(result.status) == LeaveKind::Returned) {
    settleLocalsWrites(frame);
    setFinished(leave, Leave::Returned, result);
  } else if (leaveKind(result.status) == LeaveKind::Yielded) {
    ++theCounters.exitsByReason[static_cast<size_t>(hir::ExitReason::Yield)];
    setFinished(leave, Leave::Yielded, result);
    if (takeMemoryError(tstate)) {
      // The numbers that were to be in the frame could not be boxed: the YIELD_VALUE raises.
      const uint32_t next = port::offsetOf(frame);
      port::unsuspend(frame, static_cast<PyObject*>(result.value));
      PyErr_NoMemory();
      leave = {};
      failInstruction(tstate, frame, next, port::stackDepth(frame) - 1, leave);
    }
    theCounters.exceptions += static_cast<uint64_t>(leave.raised);
  } else {
    const uint32_t number = leavePayload(result.status);
    leaveNative(tstate, frame, version->code, number, leaveKind(result.status), spillArea, leave);
    leave.reason = takeForcedExit() ? hir::ExitReason::Forced : leave.exit->reason;
    leave.counted &= leave.reason != hir::ExitReason::Forced;
    theCounters.exceptions += static_cast<uint64_t>(leave.raised);
    ++theCounters.exitsByReason[static_cast<size_t>(leave.reason)];
    if (leave.counted) {
      ++theCounters.exits;
      tieringHooks.exited(data, *version, *leave.exit, ++version->exitCounts[number]);
    }
    leave.exit = nullptr;  // it goes with its version
    if (leave.kind == Leave::Handler && data.entryAt(leave.offset) == nullptr) {
      tieringHooks.coldHandler(data, *version, leave.offset, static_cast<uint16_t>(port::stackDepth(frame)));
    }
  }
  data.activationEnded();
}

/// Runs one activation up to its exit.
void runOnce(PyThreadState* tstate, port::Frame* frame, CodeData& data, NativeVersion* version, uint32_t index,
             Leave& leave) {
  const NativeResult result = invoke(tstate, frame, data, version->code.function, index);
  afterNative(tstate, frame, data, version, result, leave);
}

/// Goes on at compiled exception handlers until the frame returns or is the interpreter's.
void runHandlers(PyThreadState* tstate, port::Frame* frame, CodeData& data, Leave& leave) {
  while (leave.kind == Leave::Handler) {
    const int depth = port::stackDepth(frame);
    const NativeEntry* entry = data.entryAt(leave.offset);
    if (entry == nullptr || entry->stackDepth != depth || !mayEnterNative(tstate)) {
      leave.kind = Leave::Interpret;
      return;
    }
    ++theCounters.handlerEntries;
    runOnce(tstate, frame, data, entry->version, entry->index, leave);
  }
}

}  // namespace

void handle(PyThreadState* tstate, port::Frame* frame, CodeData& data, Leave& leave) {
  theCounters.exceptions += static_cast<uint64_t>(leave.raised);
  runHandlers(tstate, frame, data, leave);
}

void finishActivation(PyThreadState* tstate, port::Frame* frame, CodeData& data, NativeVersion* version,
                      NativeResult result, Leave& leave) {
  afterNative(tstate, frame, data, version, result, leave);
  runHandlers(tstate, frame, data, leave);
}

/// What the interpreter does when no handler of a frame takes an exception.
void tellUnwound(PyThreadState* tstate, port::Frame* frame, const Leave& leave) {
  addTraceback(tstate, frame);
  port::tellException(tstate, frame, port::ExceptionEvent::Raised, leave.raiseOffset);
  port::tellException(tstate, frame, port::ExceptionEvent::Unwound, leave.raiseOffset);
}

void setTieringHooks(const TieringHooks& hooks) {
  tieringHooks = hooks;
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
bool redirectToUnwind(PyThreadState* tstate, port::Frame* frame, RedirectKind kind, uint32_t instruction) {
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
  addTraceback(tstate, frame);
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
  Leave leave;
  runOnce(tstate, frame, data, entry.version, entry.index, leave);
  runHandlers(tstate, frame, data, leave);
  switch (leave.kind) {
  case Leave::Returned: redirectToReturn(frame, leave); return true;
  case Leave::Yielded: port::unsuspend(frame, leave.value); return true;
  case Leave::Unwind: return redirectToUnwind(tstate, frame, kind, instruction);
  default: return true;
  }
}

}  // namespace martlet::vm
