// SPDX-License-Identifier: MIT
// Helpers: raising, handling, with statements. Must not know: unwinding (vm), HIR, LLVM.
#include <utility>

#include "vm/runtime/held.h"
#include "vm/runtime/leave.h"
#include "vm/runtime/runtime.h"
#include "vm/runtime/singletons.h"

using namespace martlet::vm;

namespace {

/// Sets an exception again that already has its traceback: this instruction must not be added to it.
int reraise(PyObject* exception) {
  PyErr_SetRaisedException(Py_NewRef(exception));
  martlet_leave_state.kind = LeaveState::Reraised;
  return -1;
}

int reraiseHandled(PyThreadState* tstate) {
  _PyErr_StackItem* info = tstate->exc_info;
  while (info->exc_value == nullptr && info->previous_item != nullptr) info = info->previous_item;
  if (info->exc_value == nullptr || Py_IsNone(info->exc_value)) {
    PyErr_SetString(PyExc_RuntimeError, "No active exception to reraise");
    return -1;
  }
  return reraise(info->exc_value);
}

/// An exception given as a class is called. NULL with an exception set.
PyObject* instantiate(PyObject* type) {
  PyObject* value = PyObject_CallNoArgs(type);
  if (value != nullptr && !PyExceptionInstance_Check(value)) {
    PyErr_Format(PyExc_TypeError, "calling %R should have returned an instance of BaseException, not %R", type,
                 Py_TYPE(value));
    Py_CLEAR(value);
  }
  return value;
}

/// `raise … from cause`. False with an exception set.
bool setCause(PyObject* value, PyObject* cause) {
  if (PyExceptionClass_Check(cause)) {
    PyObject* instance = instantiate(cause);
    if (instance == nullptr) return false;
    PyException_SetCause(value, instance);
  } else if (PyExceptionInstance_Check(cause)) {
    PyException_SetCause(value, Py_NewRef(cause));
  } else if (Py_IsNone(cause)) {
    PyException_SetCause(value, nullptr);
  } else {
    PyErr_SetString(PyExc_TypeError, "exception causes must derive from BaseException");
    return false;
  }
  return true;
}

/// Looks both methods of a context manager up and calls the first; the second is the output.
PyObject* enterContext(int64_t borrowed, PyObject* manager, PyObject* enterName, PyObject* exitName,
                       const char* protocol, const char* exitText, PyObject** outputs) {
  PyTypeObject* type = Py_TYPE(manager);
  outputs[0] = nullptr;
  PyObject* enter = holding(borrowed, {manager}, [&] { return _PyObject_LookupSpecial(manager, enterName); });
  if (enter == nullptr) {
    if (!PyErr_Occurred()) {
      PyErr_Format(PyExc_TypeError, "'%.200s' object does not support the %s protocol", type->tp_name, protocol);
    }
    return nullptr;
  }
  PyObject* exit = holding(borrowed, {manager}, [&] { return _PyObject_LookupSpecial(manager, exitName); });
  if (exit == nullptr) {
    if (!PyErr_Occurred()) {
      PyErr_Format(PyExc_TypeError, "'%.200s' object does not support the %s protocol (missed %s method)",
                   type->tp_name, protocol, exitText);
    }
    Py_DECREF(enter);
    return nullptr;
  }
  PyObject* result = PyObject_CallNoArgs(enter);
  Py_DECREF(enter);
  if (result == nullptr) {
    Py_DECREF(exit);
    return nullptr;
  }
  outputs[0] = exit;
  return result;
}

}  // namespace

extern "C" {

PyObject* rt_catch_exception(PyThreadState* tstate, Frame* frame, int64_t offset) {
  const bool isReraised = martlet_leave_state.kind == LeaveState::Reraised;
  // A parked result, or something that the vm has to do first.
  if ((martlet_leave_state.kind != LeaveState::None && !isReraised) || leavePending(tstate)) return nullptr;
  if (tstate->current_exception == nullptr) return nullptr;
  martlet_leave_state = {};
  if (!isReraised) frame->instr_ptr = _PyCode_CODE(_PyFrame_GetCode(frame)) + offset;
  martlet_caught(tstate, frame, !isReraised);
  return std::exchange(tstate->current_exception, nullptr);
}

PyObject* rt_push_exc_info(PyThreadState* tstate, PyObject* exception) {
  _PyErr_StackItem* info = tstate->exc_info;
  PyObject* previous = info->exc_value != nullptr ? info->exc_value : Py_None;  // takes the reference over
  info->exc_value = Py_NewRef(exception);
  return previous;
}

void rt_pop_except(PyThreadState* tstate, PyObject* exception) {
  _PyErr_StackItem* info = tstate->exc_info;
  PyObject* old = info->exc_value;
  info->exc_value = Py_IsNone(exception) ? nullptr : Py_NewRef(exception);
  Py_XDECREF(old);
}

int rt_check_exc_match(PyThreadState* tstate, PyObject* exception, PyObject* type) {
  if (_PyEval_CheckExceptTypeValid(tstate, type) < 0) return -1;
  return PyErr_GivenExceptionMatches(exception, type) != 0 ? 1 : 0;
}

int rt_check_eg_match(PyThreadState* tstate, int64_t borrowed, PyObject* group, PyObject* type, PyObject** outputs) {
  if (_PyEval_CheckExceptStarTypeValid(tstate, type) < 0) return -1;
  PyObject* match = nullptr;
  PyObject* rest = nullptr;
  if (holding(borrowed, {group, type}, [&] { return _PyEval_ExceptionGroupMatch(group, type, &match, &rest); }) < 0 ||
      match == nullptr)
    return -1;
  if (!Py_IsNone(match)) PyErr_SetHandledException(match);
  outputs[0] = rest;
  outputs[1] = match;
  return 0;
}

int rt_raise_varargs(PyThreadState* tstate, int64_t borrowed, PyObject* exception, PyObject* cause) {
  if (exception == nullptr) return reraiseHandled(tstate);
  PyObject* value = nullptr;
  if (PyExceptionClass_Check(exception)) {
    value = holding(borrowed, {exception, cause}, [&] { return instantiate(exception); });
    if (value == nullptr) return -1;
  } else if (PyExceptionInstance_Check(exception)) {
    value = Py_NewRef(exception);
  } else {
    PyErr_SetString(PyExc_TypeError, "exceptions must derive from BaseException");
    return -1;
  }
  if (cause == nullptr || holding(borrowed, {nullptr, cause}, [&] { return setCause(value, cause); })) {
    // `raise C` names the class C even where C() makes an instance of another one.
    PyErr_SetObject(PyExceptionClass_Check(exception) ? exception : PyExceptionInstance_Class(value), value);
  }
  Py_DECREF(value);
  return -1;
}

int rt_reraise(PyThreadState*, Frame*, PyObject* exception) {
  return reraise(exception);
}

int rt_reraise_lasti(PyThreadState*, Frame* frame, PyObject* exception, PyObject* lasti) {
  if (!PyLong_Check(lasti)) {
    PyErr_SetString(PyExc_SystemError, "lasti is not an int");
    return -1;
  }
  // Line numbers are those of the instruction that raised first.
  frame->instr_ptr = _PyCode_CODE(_PyFrame_GetCode(frame)) + PyLong_AsLong(lasti);
  return reraise(exception);
}

int rt_end_async_for(PyThreadState*, PyObject*, PyObject* exception) {
  return PyErr_GivenExceptionMatches(exception, PyExc_StopAsyncIteration) ? 0 : reraise(exception);
}

PyObject* rt_cleanup_throw(PyThreadState*, PyObject* exception) {
  if (PyErr_GivenExceptionMatches(exception, PyExc_StopIteration)) {
    return Py_NewRef(reinterpret_cast<PyStopIterationObject*>(exception)->value);
  }
  reraise(exception);
  return nullptr;
}

PyObject* rt_with_except_start(PyThreadState* tstate, int64_t borrowed, PyObject* exit, PyObject* exception) {
  PyObject* traceback = PyException_GetTraceback(exception);
  if (traceback == nullptr) {
    traceback = Py_None;
  } else {
    Py_DECREF(traceback);  // the exception keeps it
  }
  PyObject* stack[4] = {nullptr, PyExceptionInstance_Class(exception), exception, traceback};
  constexpr size_t kCount = 3 | PY_VECTORCALL_ARGUMENTS_OFFSET;
  return leaveChecked(tstate, holding(borrowed, {exit, exception}, [&] {
                        return _PyObject_VectorcallTstate(tstate, exit, stack + 1, kCount, nullptr);
                      }));
}

PyObject* rt_before_with(PyThreadState*, int64_t borrowed, PyObject* manager, PyObject** outputs) {
  return enterContext(borrowed, manager, martlet_singletons.dunderEnter, martlet_singletons.dunderExit,
                      "context manager", "__exit__", outputs);
}

PyObject* rt_before_async_with(PyThreadState*, int64_t borrowed, PyObject* manager, PyObject** outputs) {
  return enterContext(borrowed, manager, martlet_singletons.dunderAenter, martlet_singletons.dunderAexit,
                      "asynchronous context manager", "__aexit__", outputs);
}

}  // extern "C"
