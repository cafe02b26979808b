// SPDX-License-Identifier: MIT
// Generators and coroutines of 3.13: suspending, finishing and resuming their frames, and the slots through which they are
// driven. Must not know: tiering, compilation.
#include "vm/cpython_3_13/port.h"

namespace martlet::vm::port {
namespace {

Frame* frameOf(PyGenObject* generator) { return reinterpret_cast<Frame*>(generator->gi_iframe); }

bool isSuspended(const PyGenObject* generator) {
  return generator->gi_frame_state == FRAME_SUSPENDED || generator->gi_frame_state == FRAME_SUSPENDED_YIELD_FROM;
}

void unlinkExceptionState(PyThreadState* tstate, PyGenObject* generator) {
  tstate->exc_info = generator->gi_exc_state.previous_item;
  generator->gi_exc_state.previous_item = nullptr;
}

GeneratorResumer resume = nullptr;
bool (*mayResume)(PyThreadState*, Frame*) = nullptr;
iternextfunc originalNext = nullptr;
sendfunc originalGeneratorSend = nullptr;
sendfunc originalCoroutineSend = nullptr;

/// Like CPython's own: `argument` is NULL when called by next().
PySendResult sendNatively(PyThreadState* tstate, PyGenObject* generator, PyObject* argument, PyObject** result) {
  Frame* frame = frameOf(generator);
  _PyFrame_StackPush(frame, Py_NewRef(argument != nullptr ? argument : Py_None));
  generator->gi_exc_state.previous_item = tstate->exc_info;
  tstate->exc_info = &generator->gi_exc_state;
  generator->gi_frame_state = FRAME_EXECUTING;
  bool yielded = false;
  *result = resume(tstate, frame, &yielded);
  if (yielded) return PYGEN_NEXT;
  if (*result == nullptr) return PYGEN_ERROR;
  if (*result == Py_None && argument == nullptr && !PyAsyncGen_CheckExact(generator)) {
    *result = nullptr;  // None is immortal
    return PYGEN_ERROR;
  }
  return PYGEN_RETURN;
}

bool takes(PyThreadState* tstate, PyGenObject* generator) {
  return isSuspended(generator) && mayResume(tstate, frameOf(generator));
}

/// An instance made explicitly: a tuple or an exception would be taken for the arguments.
void setStopIteration(PyObject* value) {
  PyObject* exception = PyObject_CallOneArg(PyExc_StopIteration, value);
  if (exception == nullptr) return;
  PyErr_SetObject(PyExc_StopIteration, exception);
  Py_DECREF(exception);
}

PyObject* nextNatively(PyObject* self) {
  auto* generator = reinterpret_cast<PyGenObject*>(self);
  PyThreadState* tstate = PyThreadState_Get();
  if (!takes(tstate, generator)) return originalNext(self);
  PyObject* result = nullptr;
  if (sendNatively(tstate, generator, nullptr, &result) == PYGEN_RETURN) {
    setStopIteration(result);
    Py_CLEAR(result);
  }
  return result;
}

template <sendfunc* kOriginal>
PySendResult sendHook(PyObject* self, PyObject* argument, PyObject** result) {
  auto* generator = reinterpret_cast<PyGenObject*>(self);
  PyThreadState* tstate = PyThreadState_Get();
  if (!takes(tstate, generator)) return (*kOriginal)(self, argument, result);
  return sendNatively(tstate, generator, argument, result);
}

}  // namespace

PyObject* suspendGenerator(PyThreadState* tstate, Frame* frame) {
  PyGenObject* generator = _PyFrame_GetGenerator(frame);
  PyObject* value = _PyFrame_StackPop(frame);
  generator->gi_frame_state = static_cast<int8_t>(FRAME_SUSPENDED + frame->instr_ptr->op.arg);
  ++frame->instr_ptr;
  unlinkExceptionState(tstate, generator);
  tstate->current_frame = frame->previous;
  frame->previous = nullptr;
  return value;
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

void installGeneratorHooks(GeneratorResumer resumer, bool (*condition)(PyThreadState*, Frame*)) {
  resume = resumer;
  mayResume = condition;
  if (originalNext != nullptr) return;
  originalNext = PyGen_Type.tp_iternext;
  PyGen_Type.tp_iternext = nextNatively;
  originalGeneratorSend = PyGen_Type.tp_as_async->am_send;
  PyGen_Type.tp_as_async->am_send = sendHook<&originalGeneratorSend>;
  originalCoroutineSend = PyCoro_Type.tp_as_async->am_send;
  PyCoro_Type.tp_as_async->am_send = sendHook<&originalCoroutineSend>;
}

}  // namespace martlet::vm::port
