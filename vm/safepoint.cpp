// SPDX-License-Identifier: MIT
#include "vm/safepoint.h"

#include <pthread.h>

#include <algorithm>
#include <vector>

#include "vm/code_data.h"

extern "C" {
uintptr_t martlet_expected_breaker = ~static_cast<uintptr_t>(0);
martlet::vm::LeaveState martlet_leave_state;
PyThreadState* martlet_interpreting_thread = nullptr;
}

namespace martlet::vm {

bool unsettledLocalsWrites = false;

namespace {

constexpr uintptr_t kNever = ~static_cast<uintptr_t>(0);

/// A write through an f_locals proxy to a slot of a natively running frame.
struct LocalsWrite {
  port::Frame* frame;
  int slot;
  PyObject* oldValue;  ///< an extra reference: native code still counts on the slot's
  PyObject* newValue;  ///< borrowed: the slot's reference
};

struct Safepoint {
  bool allowed = false;
  bool watched = false;          ///< another tool has global events on
  uintptr_t version = kNever;    ///< instrumentation version for which `watched` was determined
  bool watchedCodeRuns = false;  ///< a natively running frame's code object is watched
  std::vector<LocalsWrite> writes;
  const PyThreadState* outOfMemory = nullptr;  ///< the thread that is to get a MemoryError

  void update() {
    unsettledLocalsWrites = !writes.empty();
    const bool quiet = allowed && !watched && !watchedCodeRuns && writes.empty() && outOfMemory == nullptr;
    martlet_expected_breaker = quiet ? version : kNever;
  }
};

Safepoint safepoint;

void localsWritten(port::Frame* frame, int slot, PyObject* oldValue, PyObject* newValue) {
  Py_XINCREF(oldValue);
  safepoint.writes.push_back({frame, slot, oldValue, newValue});
  safepoint.update();
}

/// True if the frame that runs natively now must not go on behind the current instruction.
bool mustLeave(PyThreadState* tstate) {
  if (!safepoint.allowed || safepoint.watched || safepoint.outOfMemory == tstate) return true;
  port::Frame* frame = tstate->current_frame;
  if (safepoint.watchedCodeRuns) {
    const CodeData* data = CodeData::find(port::codeOf(frame));
    if (data != nullptr && data->watchedByOthers) return true;
  }
  return std::any_of(safepoint.writes.begin(), safepoint.writes.end(),
                     [&](const LocalsWrite& write) { return write.frame == frame; });
}

bool hasEvents(const PyThreadState* tstate) {
  return (port::breaker(tstate) & _PY_EVAL_EVENTS_MASK) != 0;
}

uintptr_t determineStackLimit() {
  // Half of the stack is left to CPython's own C recursion, which counts calls and not bytes.
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return 1;
  void* base = nullptr;
  size_t size = 0;
  pthread_attr_getstack(&attributes, &base, &size);
  pthread_attr_destroy(&attributes);
  constexpr size_t kLargestUsed = 8U << 20;  // an unlimited main stack is reported as huge, but not all there
  const size_t usable = std::min(size, kLargestUsed);
  return reinterpret_cast<uintptr_t>(base) + (size - usable) + usable / 2;
}

}  // namespace

constinit thread_local uintptr_t stackLimit = kUnknownStackLimit;

bool determineNativeStack() {
  stackLimit = determineStackLimit();
  return hasNativeStack();
}

void setNativeAllowed(PyThreadState* tstate, bool allowed) {
  safepoint.allowed = allowed;
  safepoint.version = kNever;
  refreshSafepoint(tstate);
}

void leaveWatchedCode() {
  safepoint.watchedCodeRuns = false;
  CodeData::forEach([](CodeData& data) {
    if (data.watchedByOthers && data.isRunning()) safepoint.watchedCodeRuns = true;
  });
  safepoint.update();
}

void refreshSafepoint(PyThreadState* tstate) {
  if (safepoint.watchedCodeRuns) leaveWatchedCode();
  const uintptr_t version = port::breakerVersion(tstate);
  if (version == safepoint.version) return;
  safepoint.version = version;
  safepoint.watched = port::foreignToolsActive(tstate->interp);
  safepoint.update();
}

void settleLocalsWrites(port::Frame* frame) {
  if (safepoint.writes.empty()) return;
  std::vector<LocalsWrite> mine;
  std::erase_if(safepoint.writes, [&](const LocalsWrite& write) {
    if (write.frame != frame) return false;
    mine.push_back(write);
    return true;
  });
  safepoint.update();
  for (const LocalsWrite& write : mine) {
    // Where native code stored to the slot since, it released the old value on the slot's behalf. The written value may
    // then have been released or not (a deferred store): prefer a leak to a double release.
    if (frame->localsplus[write.slot] == write.newValue) Py_XDECREF(write.oldValue);
  }
}

bool handlePendingEvents(PyThreadState* tstate) {
  return !hasEvents(tstate) || _Py_HandlePending(tstate) == 0;
}

bool takeMemoryError(const PyThreadState* tstate) {
  if (safepoint.outOfMemory != tstate) return false;
  forgetMemoryError();
  return true;
}

void forgetMemoryError() {
  if (safepoint.outOfMemory == nullptr) return;
  safepoint.outOfMemory = nullptr;
  safepoint.update();
}

void installSafepointHooks() {
  port::installLocalsHook({localsWritten});
}

}  // namespace martlet::vm

extern "C" void martlet_memory_ran_out() {
  using namespace martlet::vm;
  safepoint.outOfMemory = PyThreadState_Get();
  safepoint.update();
}

extern "C" PyObject* martlet_leave_check_object(PyThreadState* tstate, PyObject* result, bool isCall) {
  using namespace martlet::vm;
  if (isCall && !handlePendingEvents(tstate)) {
    Py_DECREF(result);
    return nullptr;
  }
  refreshSafepoint(tstate);
  if (!mustLeave(tstate)) return result;
  martlet_leave_state = {LeaveState::ParkedObject, result, 0};
  return nullptr;
}

extern "C" int martlet_leave_check_number(PyThreadState* tstate, int result, bool isCall) {
  using namespace martlet::vm;
  if (isCall && !handlePendingEvents(tstate)) return -1;
  refreshSafepoint(tstate);
  if (!mustLeave(tstate)) return result;
  martlet_leave_state = {LeaveState::ParkedNumber, nullptr, result};
  return -1;
}

extern "C" PyObject* martlet_leave_check_quiet(PyThreadState* tstate, PyObject* result) {
  using namespace martlet::vm;
  if (!hasEvents(tstate)) return martlet_leave_check_object(tstate, result, false);
  martlet_leave_state = {LeaveState::ParkedCall, result, 0};
  return nullptr;
}
