// SPDX-License-Identifier: MIT
// Resuming compiled generators and coroutines. Must not know: how code is compiled.
#include <utility>

#include "vm/activation.h"

namespace martlet::vm {
namespace {

/// Where a suspended frame can be entered natively now, or NULL.
const NativeEntry* resumePoint(PyThreadState* tstate, port::Frame* frame, CodeData** data) {
  *data = CodeData::find(port::codeOf(frame));
  if (*data == nullptr || !mayActivate(tstate, **data, (*data)->code())) return nullptr;
  const port::ResumePoint point = port::resumePointOf(frame);
  const NativeEntry* entry = (*data)->entryAt(point.offset);
  if (entry == nullptr || entry->stackDepth != point.stackDepth || !hasNativeStack()) return nullptr;
  return entry;
}

PyObject* newReference(const ExitValue& value, uint64_t bits) {
  PyObject* object = spilledObject(value, bits);
  return value.kind == ExitValue::Kind::Object && !value.owned ? Py_XNewRef(object) : object;
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
  if (leave.kind == Leave::Returned || leave.kind == Leave::Unwind) {
    return endFrame(tstate, frame, leave, [&] { port::finishGenerator(tstate, frame); });
  }
  ++tstate->py_recursion_remaining;
  if (leave.reason == hir::ExitReason::Yield) {
    *yielded = true;
    PyObject* value = _PyFrame_StackPop(frame);
    port::suspendGenerator(tstate, frame);
    return value;
  }
  tstate->current_frame = frame->previous;
  return port::interpretGenerator(tstate, frame, yielded);
}

}  // namespace

bool resumeGenerator(PyThreadState* tstate, port::Frame* frame, PyObject* argument, PyObject** result, bool* yielded) {
  CodeData* data = nullptr;
  const NativeEntry* entry = resumePoint(tstate, frame, &data);
  if (entry == nullptr) return false;
  NativeVersion* version = entry->version;
  port::beginResume(tstate, frame, argument);
  --tstate->py_recursion_remaining;
  ++counters().resumeEntries;
  const NativeResult native = invoke(tstate, frame, version, entry->index);
  if (leaveKind(native.status) == LeaveKind::Exit && !localsWritesPending()) [[likely]] {
    const ExitDescriptor& exit = version->code.exits[leavePayload(native.status)];
    if (exit.reason == hir::ExitReason::Yield && exit.plain) {
      ++counters().exitsByReason[static_cast<size_t>(hir::ExitReason::Yield)];
      *result = plainYield(frame, exit, spillArea);
      *yielded = true;
      ++tstate->py_recursion_remaining;
      port::suspendGenerator(tstate, frame);
      data->activationEnded(version);
      return true;
    }
  }
  *result = finishResume(tstate, frame, finishActivation(tstate, frame, *data, version, native), yielded);
  return true;
}

void installGeneratorEntries() {
  port::installGeneratorHooks(resumeGenerator);
}

}  // namespace martlet::vm
