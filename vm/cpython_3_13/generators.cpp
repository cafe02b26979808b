// SPDX-License-Identifier: MIT
// Generators and coroutines of 3.13: suspending, finishing and resuming their frames, and the slots through which they
// are driven. Must not know: tiering, compilation.
#include "vm/cpython_3_13/port.h"

namespace martlet::vm::port {
namespace {

Frame* frameOf(PyGenObject* generator) {
  return reinterpret_cast<Frame*>(generator->gi_iframe);
}

bool isSuspended(const PyGenObject* generator) {
  return generator->gi_frame_state == FRAME_SUSPENDED || generator->gi_frame_state == FRAME_SUSPENDED_YIELD_FROM;
}

void unlinkExceptionState(PyThreadState* tstate, PyGenObject* generator) {
  tstate->exc_info = generator->gi_exc_state.previous_item;
  generator->gi_exc_state.previous_item = nullptr;
}

GeneratorResumer resume = nullptr;
iternextfunc originalNext = nullptr;
sendfunc originalGeneratorSend = nullptr;
sendfunc originalCoroutineSend = nullptr;

/// Like CPython's own: `argument` is NULL when called by next(). False if it has to be CPython's own.
bool sendNatively(PyGenObject* generator, PyObject* argument, PyObject** result, PySendResult* status) {
  bool yielded = false;
  const bool starts = generator->gi_frame_state == FRAME_CREATED && (argument == nullptr || argument == Py_None);
  if (!starts && !isSuspended(generator)) return false;
  if (!resume(PyThreadState_Get(), frameOf(generator), argument, result, &yielded)) return false;
  if (yielded) {
    *status = PYGEN_NEXT;
    return true;
  }
  if (*result == Py_None && argument == nullptr && !PyAsyncGen_CheckExact(generator)) *result = nullptr;  // immortal
  *status = *result == nullptr ? PYGEN_ERROR : PYGEN_RETURN;
  return true;
}

/// An instance made explicitly: a tuple or an exception would be taken for the arguments.
void setStopIteration(PyObject* value) {
  PyObject* exception = PyObject_CallOneArg(PyExc_StopIteration, value);
  if (exception == nullptr) return;
  PyErr_SetObject(PyExc_StopIteration, exception);
  Py_DECREF(exception);
}

PyObject* nextNatively(PyObject* self) {
  PyObject* result = nullptr;
  PySendResult status = PYGEN_NEXT;
  if (!sendNatively(reinterpret_cast<PyGenObject*>(self), nullptr, &result, &status)) return originalNext(self);
  if (status == PYGEN_RETURN) {
    setStopIteration(result);
    Py_CLEAR(result);
  }
  return result;
}

template <sendfunc* kOriginal>
PySendResult sendHook(PyObject* self, PyObject* argument, PyObject** result) {
  PySendResult status = PYGEN_NEXT;
  if (sendNatively(reinterpret_cast<PyGenObject*>(self), argument, result, &status)) return status;
  return (*kOriginal)(self, argument, result);
}

}  // namespace

ResumePoint resumePointOf(const Frame* frame) {
  const PyGenObject* generator = _PyFrame_GetGenerator(const_cast<Frame*>(frame));
  if (generator->gi_frame_state == FRAME_CREATED) {
    return {static_cast<uint32_t>(codeOf(frame)->_co_firsttraceable), stackDepth(frame)};
  }
  return {offsetOf(frame), stackDepth(frame) + 1};
}

void beginResume(PyThreadState* tstate, Frame* frame, PyObject* argument) {
  PyGenObject* generator = _PyFrame_GetGenerator(frame);
  // At its start the value sent, None, would be popped at once.
  if (generator->gi_frame_state != FRAME_CREATED) {
    _PyFrame_StackPush(frame, Py_NewRef(argument != nullptr ? argument : Py_None));
  }
  generator->gi_exc_state.previous_item = tstate->exc_info;
  tstate->exc_info = &generator->gi_exc_state;
  generator->gi_frame_state = FRAME_EXECUTING;
  frame->previous = tstate->current_frame;
  tstate->current_frame = frame;
}

void suspendGenerator(PyThreadState* tstate, Frame* frame) {
  PyGenObject* generator = _PyFrame_GetGenerator(frame);
  generator->gi_frame_state = static_cast<int8_t>(FRAME_SUSPENDED + frame->instr_ptr->op.arg);
  ++frame->instr_ptr;
  unlinkExceptionState(tstate, generator);
  tstate->current_frame = frame->previous;
  frame->previous = nullptr;
}

void finishGenerator(PyThreadState* tstate, Frame* frame) {
  setStackDepth(frame, 0);
  tstate->current_frame = frame->previous;
  _PyEval_FrameClearAndPop(tstate, frame);
}

PyObject* interpretGenerator(PyThreadState* tstate, Frame* frame, bool* yielded) {
  PyGenObject* generator = _PyFrame_GetGenerator(frame);
  PyObject* result = _PyEval_EvalFrameDefault(tstate, frame, 0);
  *yielded = result != nullptr && isSuspended(generator);
  return result;
}

void installGeneratorHooks(GeneratorResumer resumer) {
  resume = resumer;
  if (originalNext != nullptr) return;
  originalNext = PyGen_Type.tp_iternext;
  PyGen_Type.tp_iternext = nextNatively;
  originalGeneratorSend = PyGen_Type.tp_as_async->am_send;
  PyGen_Type.tp_as_async->am_send = sendHook<&originalGeneratorSend>;
  originalCoroutineSend = PyCoro_Type.tp_as_async->am_send;
  PyCoro_Type.tp_as_async->am_send = sendHook<&originalCoroutineSend>;
}

}  // namespace martlet::vm::port
