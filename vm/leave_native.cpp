// SPDX-License-Identifier: MIT
#include "vm/leave_native.h"

#include <alloca.h>
#include <frameobject.h>

#include <utility>

#include "vm/entry.h"
#include "vm/runtime/leave.h"
#include "vm/runtime/words.h"
#include "vm/safepoint.h"

namespace martlet::vm {
namespace {

/// References to drop once the frame is consistent; few, and on the stack: exits are frequent where generators yield.
class Garbage {
 public:
  explicit Garbage(PyObject** room) : objects_(room) {}
  void add(PyObject* object) { objects_[count_++] = object; }
  void drop() {
    for (size_t i = 0; i < count_; ++i) Py_XDECREF(objects_[i]);
    count_ = 0;
  }

 private:
  PyObject** objects_;
  size_t count_ = 0;
};

/// Makes the objects that an exit describes. Entries with the same spill slot are the same object.
class Materializer {
 public:
  /// `room` has space for as many slots as the exit has values.
  struct Slot {
    PyObject* object;
    uint16_t number;
    bool spare;
  };
  Materializer(uint64_t* spill, Slot* room) : spill_(spill), slots_(room) {}

  /// A new reference, or NULL where the value is NULL.
  PyObject* make(const ExitValue& value) {
    Slot& slot = slotFor(value);
    if (slot.spare) {
      slot.spare = false;
      return slot.object;
    }
    return Py_XNewRef(slot.object);
  }
  void lend(uint16_t number, PyObject* object) { slots_[count_++] = {object, number, false}; }
  bool holds(uint16_t condition) const { return spill_[condition] != 0; }
  int64_t number(const ExitValue& value) const { return static_cast<int64_t>(spill_[value.spill]); }

 private:
  Slot& slotFor(const ExitValue& value) {
    for (size_t i = 0; i < count_; ++i) {
      if (slots_[i].number == value.spill) return slots_[i];
    }
    // An owned object's reference, or a new box's, goes to the first taker.
    slots_[count_] = {objectOfWord(value.kind, spill_[value.spill]), value.spill,
                      value.kind != ExitValue::Kind::Object || value.owned};
    return slots_[count_++];
  }

  uint64_t* spill_;
  Slot* slots_;
  size_t count_ = 0;
};

/// Without memory the empty one: a MemoryError is due then.
PyObject* newTuple(Py_ssize_t size) {
  PyObject* tuple = PyTuple_New(size);
  if (tuple != nullptr) return tuple;
  PyErr_Clear();
  martlet_memory_ran_out();
  return PyTuple_New(0);
}

/// Without memory something that nobody gets to see: a MemoryError is due then.
PyObject* newRange(const ExitValue* fields, const Materializer& materializer) {
  PyObject* iterator =
      rt_new_range_iter(materializer.number(fields[0]), materializer.number(fields[1]), materializer.number(fields[2]));
  return iterator != nullptr ? iterator : newTuple(0);
}

/// Takes the reference over.
void setItem(PyObject* tuple, Py_ssize_t index, PyObject* item) {
  if (index < PyTuple_GET_SIZE(tuple)) {
    PyTuple_SET_ITEM(tuple, index, item);
  } else {
    Py_DECREF(item);
  }
}

/// Brings slots and stack up to date. Inputs that are about to be dropped, but for the first one, may be left out.
void writeFrame(port::Frame* frame, const ExitDescriptor& exit, std::span<const ExitValue> values, bool dropsInputs,
                Materializer& materializer, Garbage& garbage) {
  for (const ExitValue& value : values) {
    if (value.lends && !materializer.holds(value.condition))
      materializer.lend(value.spill, frame->localsplus[value.index]);
  }
  PyObject* tuple = nullptr;  // the items that follow are its
  const int lastStacked = dropsInputs && exit.borrowsInputs ? exit.stackAfterPop : exit.stackDepth;
  for (size_t i = 0; i < values.size(); ++i) {
    const ExitValue& value = values[i];
    if (value.target == ExitValue::Target::Stack && value.index > lastStacked) {
      *port::stackSlot(frame, value.index) = nullptr;
      continue;
    }
    if (value.target == ExitValue::Target::Range) {
      *port::stackSlot(frame, value.index) = newRange(&value, materializer);
      i += 2;  // its fields
      continue;
    }
    if (value.target == ExitValue::Target::Tuple) {
      tuple = newTuple(value.spill);
      *port::stackSlot(frame, value.index) = tuple;
      continue;
    }
    if (value.target == ExitValue::Target::Same) {
      *port::stackSlot(frame, value.index) = Py_NewRef(*port::stackSlot(frame, value.spill));
      continue;
    }
    if (value.condition != 0 && !materializer.holds(value.condition)) continue;
    PyObject* object = materializer.make(value);
    switch (value.target) {
    case ExitValue::Target::Stack: *port::stackSlot(frame, value.index) = object; break;
    case ExitValue::Target::Item: setItem(tuple, value.index, object); break;
    case ExitValue::Target::Local:
      garbage.add(frame->localsplus[value.index]);
      frame->localsplus[value.index] = object;
      break;
    default: garbage.add(object); break;
    }
  }
  port::setStackDepth(frame, exit.stackDepth);
}

/// Drops stack entries down to `depth`, top first as the interpreter does.
void popTo(port::Frame* frame, int depth) {
  for (int i = port::stackDepth(frame) - 1; i >= depth; --i) {
    PyObject* object = *port::stackSlot(frame, i);
    port::setStackDepth(frame, i);
    Py_XDECREF(object);
  }
}

/// The instruction was carried out; its result was parked because native code must be left behind it. False with an
/// exception set that the instruction raises after all.
bool completeParked(PyThreadState* tstate, port::Frame* frame, const ExitDescriptor& exit, const LeaveState& parked) {
  popTo(frame, exit.stackAfterPop);
  PyObject* result = parked.object;
  if (exit.completion == hir::Completion::PushBool) result = parked.number != 0 ? Py_True : Py_False;
  if (exit.completion == hir::Completion::PushObject || exit.completion == hir::Completion::PushBool) {
    *port::stackSlot(frame, exit.stackAfterPop) = result;
    port::setStackDepth(frame, exit.stackAfterPop + 1);
  } else {
    Py_XDECREF(result);
  }
  if (parked.kind == LeaveState::ParkedCall && !handlePendingEvents(tstate)) {
    popTo(frame, exit.stackAfterPop);
    return false;
  }
  frame->instr_ptr = port::instructionAt(port::codeOf(frame), exit.nextOffset);
  return true;
}

PyObject* takeException(PyThreadState* tstate) {
  return std::exchange(tstate->current_exception, nullptr);
}

/// Where none is set.
void setException(PyThreadState* tstate, PyObject* exception) {
  tstate->current_exception = exception;
}

/// With an exception set: releases the instruction's inputs and finds the handler.
void unwind(PyThreadState* tstate, port::Frame* frame, const ExitDescriptor& exit, bool calledFunction, Leave& leave) {
  PyCodeObject* code = port::codeOf(frame);
  frame->instr_ptr = port::instructionAt(code, exit.offset);
  PyObject* exception = takeException(tstate);
  PyObject* firstInput =
      port::stackDepth(frame) > exit.stackAfterPop ? *port::stackSlot(frame, exit.stackAfterPop) : nullptr;
  const bool entered = calledFunction || port::entersPythonFrame(code, exit.offset, firstInput);
  const int32_t raiseOffset = port::raiseOffset(exit.offset, exit.nextOffset, entered, exception);
  popTo(frame, exit.stackAfterPop);
  const auto handler = port::findHandler(code, exit.offset);
  if (!handler) {
    popTo(frame, 0);
    setException(tstate, exception);
    leave.kind = Leave::Unwind;
    leave.offset = exit.offset;
    leave.raiseOffset = raiseOffset;
    return;
  }
  setException(tstate, exception);
  addTraceback(tstate, frame);
  port::tellException(tstate, frame, port::ExceptionEvent::Raised, raiseOffset);
  exception = takeException(tstate);
  popTo(frame, handler->depth);
  int depth = handler->depth;
  if (handler->pushLasti) {
    PyObject* lasti = PyLong_FromLong(static_cast<long>(exit.offset));
    *port::stackSlot(frame, depth++) = lasti != nullptr ? lasti : Py_None;
    if (lasti == nullptr) PyErr_Clear();
  }
  setException(tstate, exception);
  port::tellException(tstate, frame, port::ExceptionEvent::Handled, static_cast<int32_t>(handler->target));
  *port::stackSlot(frame, depth++) = takeException(tstate);
  port::setStackDepth(frame, depth);
  frame->instr_ptr = port::instructionAt(code, handler->target);
  leave.kind = Leave::Handler;
  leave.offset = handler->target;
}

}  // namespace

void addTraceback(PyThreadState* tstate, port::Frame* frame) {
  if (_PyFrame_IsIncomplete(frame)) return;
  PyFrameObject* object = frame->frame_obj;
  if (object == nullptr) {
    // PyEval_GetFrame() clears the exception where there is no memory for the frame object; the interpreter has the
    // MemoryError then.
    PyObject* exception = takeException(tstate);
    object = PyEval_GetFrame();
    if (object == nullptr) {
      Py_XDECREF(exception);
      PyErr_NoMemory();
      return;
    }
    setException(tstate, exception);
  }
  PyTraceBack_Here(object);
}

void failInstruction(PyThreadState* tstate, port::Frame* frame, uint32_t nextOffset, int depth, Leave& leave) {
  ExitDescriptor exit;
  exit.offset = port::offsetOf(frame);
  exit.nextOffset = nextOffset;
  exit.stackAfterPop = static_cast<uint16_t>(depth);
  unwind(tstate, frame, exit, false, leave);
  leave.exit = nullptr;
  leave.raised = true;
}

void leaveNative(PyThreadState* tstate, port::Frame* frame, const CompiledCode& native, uint32_t exitNumber,
                 LeaveKind kind, uint64_t* spill, Leave& leave) {
  const ExitDescriptor& exit = native.exits[exitNumber];
  const LeaveState state = std::exchange(martlet_leave_state, LeaveState{});
  PyObject* exception = kind == LeaveKind::Failed ? takeException(tstate) : nullptr;
  const size_t count = exit.valueCount;
  Materializer materializer(spill, static_cast<Materializer::Slot*>(alloca((count + 1) * sizeof(Materializer::Slot))));
  Garbage garbage(static_cast<PyObject**>(alloca((count + 1) * sizeof(PyObject*))));
  const bool declined = state.kind == LeaveState::Interpret;
  // What was inlined has done nothing yet: the interpreter makes the call, which raises where it has to be seen.
  const bool isInlined = exit.inlinedCode != 0;
  const bool reexecute = kind == LeaveKind::Exit || state.kind == LeaveState::Reraised || declined || isInlined;
  writeFrame(frame, exit, native.valuesOf(exit), !reexecute && exception != nullptr, materializer, garbage);
  PyCodeObject* code = port::codeOf(frame);
  frame->instr_ptr = port::instructionAt(code, reexecute ? exit.resumeOffset : exit.offset);
  if (localsWritesPending()) settleLocalsWrites(frame);
  garbage.drop();
  leave.kind = Leave::Interpret;
  leave.offset = exit.resumeOffset;
  leave.exit = &exit;
  const bool raised = exception != nullptr;
  if (reexecute) {
    // The interpreter raises again by itself, from the values that are still on the stack.
    Py_XDECREF(exception);
    if (isInlined) Py_XDECREF(state.object);  // parked by a helper that only made it
    leave.counted =
        declined || exit.reason == hir::ExitReason::Inlined || (kind == LeaveKind::Exit && hir::isCounted(exit.reason));
  } else if (state.kind != LeaveState::None && exit.completion != hir::Completion::None) {
    if (!completeParked(tstate, frame, exit, state)) unwind(tstate, frame, exit, false, leave);
  } else {
    if (exception == nullptr) {
      Py_XDECREF(state.object);
      PyErr_SetString(PyExc_SystemError, "martlet: a runtime helper failed without an exception");
    } else {
      setException(tstate, exception);
    }
    unwind(tstate, frame, exit, state.calledFunction, leave);
  }
  if (takeMemoryError(tstate) && leave.kind == Leave::Interpret) {
    PyErr_NoMemory();
    unwind(tstate, frame, exit, false, leave);
  }
  leave.raised = raised || leave.kind == Leave::Handler || leave.kind == Leave::Unwind;
}

}  // namespace martlet::vm

extern "C" void martlet_caught(PyThreadState* tstate, _PyInterpreterFrame* frame, bool isTraced) {
  ++martlet::vm::counters().exceptions;
  ++martlet::vm::counters().caught;
  if (isTraced) martlet::vm::addTraceback(tstate, frame);
}
