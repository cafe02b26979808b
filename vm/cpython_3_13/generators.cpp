// SPDX-License-Identifier: MIT
#include "vm/cpython_3_13/generators.h"

#include <utility>

#include "opcode_ids.h"

namespace martlet::vm::port {

namespace {

/// The instructions in front of the body, which the call itself carries out: COPY_FREE_VARS, MAKE_CELLs, and
/// RETURN_GENERATOR. NULL where there are others, say of a tool that watches instructions.
_Py_CODEUNIT* behindPrefix(PyCodeObject* code) {
  _Py_CODEUNIT* unit = _PyCode_CODE(code);
  if (unit->op.code == COPY_FREE_VARS) ++unit;
  while (unit->op.code == MAKE_CELL) ++unit;
  return unit->op.code == RETURN_GENERATOR ? unit + 1 : nullptr;
}

/// Makes the cells that a function's body finds in its slots. False where there is no memory.
bool makeCells(const PyFunctionObject* func, const _Py_CODEUNIT* unit, PyObject** slots) {
  const auto* code = reinterpret_cast<const PyCodeObject*>(func->func_code);
  if (unit->op.code == COPY_FREE_VARS) {
    const int count = unit->op.arg;
    for (int i = 0; i < count; ++i) {
      slots[code->co_nlocalsplus - count + i] = Py_NewRef(PyTuple_GET_ITEM(func->func_closure, i));
    }
    ++unit;
  }
  for (; unit->op.code == MAKE_CELL; ++unit) {
    PyObject* cell = PyCell_New(slots[unit->op.arg]);
    if (cell == nullptr) return false;
    Py_XDECREF(std::exchange(slots[unit->op.arg], cell));
  }
  return true;
}

PyTypeObject* generatorType(const PyCodeObject* code) {
  if ((code->co_flags & CO_COROUTINE) != 0) return &PyCoro_Type;
  return (code->co_flags & CO_ASYNC_GENERATOR) != 0 ? &PyAsyncGen_Type : &PyGen_Type;
}

/// The fields that only some kinds have.
void initializeKind(PyGenObject* generator) {
  if (Py_IS_TYPE(generator, &PyCoro_Type)) {
    reinterpret_cast<PyCoroObject*>(generator)->cr_origin_or_finalizer = nullptr;
  } else if (Py_IS_TYPE(generator, &PyAsyncGen_Type)) {
    auto* asynchronous = reinterpret_cast<PyAsyncGenObject*>(generator);
    asynchronous->ag_origin_or_finalizer = nullptr;
    asynchronous->ag_closed = 0;
    asynchronous->ag_hooks_inited = 0;
    asynchronous->ag_running_async = 0;
  }
}

}  // namespace

bool canMakeGenerator(const PyThreadState* tstate, const PyFunctionObject* func) {
  auto* code = reinterpret_cast<PyCodeObject*>(func->func_code);
  return tstate->interp->eval_frame == nullptr && tstate->py_recursion_remaining > 1 &&
         tstate->coroutine_origin_tracking_depth == 0 && (code->co_flags & CO_OPTIMIZED) != 0 &&
         behindPrefix(code) != nullptr;
}

PyObject* makeGenerator(PyFunctionObject* func, PyObject* const* args, size_t count) {
  auto* code = reinterpret_cast<PyCodeObject*>(func->func_code);
  auto* generator = PyObject_GC_NewVar(PyGenObject, generatorType(code), _PyFrame_NumSlotsForCodeObject(code));
  if (generator == nullptr) {
    for (size_t i = 0; i < count; ++i) Py_DECREF(args[i]);
    Py_DECREF(func);
    return nullptr;
  }
  Frame* frame = frameOf(generator);
  initializeFrame(frame, func, layoutOf(code), args, count);
  frame->previous = nullptr;
  frame->instr_ptr = behindPrefix(code);
  frame->owner = FRAME_OWNED_BY_GENERATOR;
  generator->gi_weakreflist = nullptr;
  generator->gi_exc_state = {};
  generator->gi_name = Py_NewRef(func->func_name);
  generator->gi_qualname = Py_NewRef(func->func_qualname);
  initializeKind(generator);
  const bool good = makeCells(func, _PyCode_CODE(code), frame->localsplus);
  generator->gi_frame_state = FRAME_CREATED;
  if (!good) generator->gi_frame_state = FRAME_COMPLETED;  // nobody is to be warned of it
  PyObject_GC_Track(generator);
  if (!good) Py_CLEAR(generator);
  return reinterpret_cast<PyObject*>(generator);
}

/// An instance made explicitly: a tuple or an exception would be taken for the arguments.
void setStopIteration(PyObject* value) {
  PyObject* exception = PyObject_CallOneArg(PyExc_StopIteration, value);
  if (exception == nullptr) return;
  PyErr_SetObject(PyExc_StopIteration, exception);
  Py_DECREF(exception);
}

bool isDelegation(const _Py_CODEUNIT* resume) {
  const int opcode = resume[0].op.code;  // instrumented: for our own counting
  if (opcode != RESUME && opcode != RESUME_CHECK && opcode != INSTRUMENTED_RESUME) return false;
  if (resume[1].op.code != JUMP_BACKWARD_NO_INTERRUPT || resume[1].op.arg != kSendToResume + 2) return false;
  const int send = resume[-kSendToResume].op.code;
  return send == SEND || send == SEND_GEN;
}

void finishGenerator(PyThreadState* tstate, Frame* frame) {
  const int count = codeOf(frame)->co_nlocalsplus;
  tstate->current_frame = frame->previous;
  if (frame->frame_obj != nullptr) {
    frame->stacktop = count;
    _PyEval_FrameClearAndPop(tstate, frame);
    return;
  }
  // What that does where nobody has seen the frame.
  PyGenObject* generator = _PyFrame_GetGenerator(frame);
  generator->gi_frame_state = FRAME_CLEARED;
  unlinkExceptionState(tstate, generator);
  --tstate->c_recursion_remaining;
  frame->stacktop = 0;
  for (int i = 0; i < count; ++i) Py_XDECREF(frame->localsplus[i]);
  Py_CLEAR(frame->f_locals);
  Py_DECREF(frame->f_funcobj);
  Py_CLEAR(generator->gi_exc_state.exc_value);
  ++tstate->c_recursion_remaining;
  frame->previous = nullptr;
}

PyObject* interpretGenerator(PyThreadState* tstate, Frame* frame, bool* yielded) {
  PyGenObject* generator = _PyFrame_GetGenerator(frame);
  tstate->current_frame = frame->previous;
  PyObject* result = _PyEval_EvalFrameDefault(tstate, frame, 0);
  *yielded = result != nullptr && isSuspended(generator);
  return result;
}

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
