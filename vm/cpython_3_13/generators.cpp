// SPDX-License-Identifier: MIT
#include "vm/cpython_3_13/generators.h"

#include <utility>

namespace martlet::vm::port {

/// An instance made explicitly: a tuple or an exception would be taken for the arguments.
void setStopIteration(PyObject* value) {
  PyObject* exception = PyObject_CallOneArg(PyExc_StopIteration, value);
  if (exception == nullptr) return;
  PyErr_SetObject(PyExc_StopIteration, exception);
  Py_DECREF(exception);
}

void finishGenerator(PyThreadState* tstate, Frame* frame) {
  setStackDepth(frame, 0);
  tstate->current_frame = frame->previous;
  _PyEval_FrameClearAndPop(tstate, frame);
}

PyObject* interpretGenerator(PyThreadState* tstate, Frame* frame, bool* yielded) {
  PyGenObject* generator = _PyFrame_GetGenerator(frame);
  tstate->current_frame = frame->previous;
  PyObject* result = _PyEval_EvalFrameDefault(tstate, frame, 0);
  *yielded = result != nullptr && isSuspended(generator);
  return result;
}

namespace {

/// Replaces what a method that takes one argument calls. The original stays where it is NULL.
PyCFunction replaceMethod(PyTypeObject* type, const char* name, PyCFunction function) {
  PyObject* dict = PyType_GetDict(type);
  PyObject* method = dict != nullptr ? PyDict_GetItemString(dict, name) : nullptr;
  PyCFunction original = nullptr;
  if (method != nullptr && Py_IS_TYPE(method, &PyMethodDescr_Type)) {
    PyMethodDef* definition = reinterpret_cast<PyMethodDescrObject*>(method)->d_method;
    if (definition->ml_flags == METH_O) original = std::exchange(definition->ml_meth, function);
  }
  Py_XDECREF(dict);
  return original;
}

}  // namespace

GeneratorFunctions replaceGeneratorFunctions(const GeneratorFunctions& functions) {
  GeneratorFunctions originals = {};
  originals.next = std::exchange(PyGen_Type.tp_iternext, functions.next);
  originals.generatorSend = std::exchange(PyGen_Type.tp_as_async->am_send, functions.generatorSend);
  originals.coroutineSend = std::exchange(PyCoro_Type.tp_as_async->am_send, functions.coroutineSend);
  originals.generatorSendMethod = replaceMethod(&PyGen_Type, "send", functions.generatorSendMethod);
  originals.coroutineSendMethod = replaceMethod(&PyCoro_Type, "send", functions.coroutineSendMethod);
  return originals;
}

}  // namespace martlet::vm::port
