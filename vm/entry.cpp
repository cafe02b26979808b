// SPDX-License-Identifier: MIT
#include "vm/entry.h"

#include "vm/activation.h"
#include "vm/stress.h"

namespace martlet::vm {

uint64_t spillArea[kSpillWords];
Counters theCounters;

namespace {

TieringHooks tieringHooks = {};

/// Native code came back: brings the frame up to date.
[[gnu::noinline]] Leave afterNative(PyThreadState* tstate, port::Frame* frame, CodeData& data, NativeVersion* version,
                                    NativeResult result) {
  Leave leave;
  auto* object = static_cast<PyObject*>(result.value);
  if (leaveKind(result.status) == LeaveKind::Returned) {
    settleLocalsWrites(frame);
    leave = {Leave::Returned, object, leavePayload(result.status), 0, nullptr};
  } else if (leaveKind(result.status) == LeaveKind::Yielded) {
    ++theCounters.exitsByReason[static_cast<size_t>(hir::ExitReason::Yield)];
    leave = {Leave::Yielded, object, leavePayload(result.status), 0, nullptr};
    if (takeMemoryError(tstate)) {
      // The numbers that were to be in the frame could not be boxed: the YIELD_VALUE raises.
      const uint32_t next = port::offsetOf(frame);
      port::unsuspend(frame, object);
      PyErr_NoMemory();
      leave = failInstruction(tstate, frame, next, port::stackDepth(frame) - 1);
    }
    theCounters.exceptions += static_cast<uint64_t>(leave.raised);
  } else {
    const uint32_t number = leavePayload(result.status);
    leave = leaveNative(tstate, frame, version->code.exits[number], leaveKind(result.status), spillArea);
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
  data.activationEnded();
  return leave;
}

/// Runs one activation up to its exit.
Leave runOnce(PyThreadState* tstate, port::Frame* frame, CodeData& data, NativeVersion* version, uint32_t index) {
  const NativeResult result = invoke(tstate, frame, data, version->code.function, index);
  return afterNative(tstate, frame, data, version, result);
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

}  // namespace

Leave handle(PyThreadState* tstate, port::Frame* frame, CodeData& data, const Leave& leave) {
  theCounters.exceptions += static_cast<uint64_t>(leave.raised);
  return runHandlers(tstate, frame, data, leave);
}

Leave finishActivation(PyThreadState* tstate, port::Frame* frame, CodeData& data, NativeVersion* version,
                       NativeResult result) {
  return runHandlers(tstate, frame, data, afterNative(tstate, frame, data, version, result));
}

/// What the interpreter does when no handler of a frame takes an exception.
void tellUnwound(PyThreadState* tstate, port::Frame* frame, const Leave& leave) {
  addTraceback(frame);
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
  case Leave::Yielded: port::unsuspend(frame, leave.value); return true;
  case Leave::Unwind: return redirectToUnwind(frame, kind, instruction);
  default: return true;
  }
}

}  // namespace martlet::vm
