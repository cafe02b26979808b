// SPDX-License-Identifier: MIT
// Helpers: calls, and making functions. Must not know: HIR, LLVM.
#include "vm/runtime/held.h"
#include "vm/runtime/leave.h"
#include "vm/runtime/runtime.h"

using namespace martlet::vm;

namespace {

/// The arguments of a call with self, if any, in front: vectorcall's view of them.
struct Arguments {
  PyObject* const* first;
  size_t count;
  size_t flag;  ///< PY_VECTORCALL_ARGUMENTS_OFFSET while the scratch slot is still free

  size_t countAndFlag() const { return count | flag; }
};

Arguments arrange(PyObject* self, PyObject* const* args, int64_t count) {
  if (self == nullptr) return {args, static_cast<size_t>(count), PY_VECTORCALL_ARGUMENTS_OFFSET};
  const_cast<PyObject**>(args)[-1] = self;
  return {args - 1, static_cast<size_t>(count) + 1, 0};
}

/// CALL and CALL_KW take bound methods apart. The method keeps function and self alive, and the caller the method:
/// where a slot of the caller's frame does, function and self have to be held like it.
void expandMethod(PyObject*& callable, PyObject*& self, int64_t& borrowed) {
  if (self != nullptr || !Py_IS_TYPE(callable, &PyMethod_Type)) return;
  auto* method = reinterpret_cast<PyMethodObject*>(callable);
  callable = method->im_func;
  self = method->im_self;
  borrowed |= (borrowed & 1) << 1;
}

bool isPythonFunction(PyObject* callable) {
  return Py_IS_TYPE(callable, &PyFunction_Type);
}

/// The result of `body`, a call of anything but a Python function: those get their operands in the frame instead.
/// `first` is the bit of args[0].
template <class Body>
PyObject* holdingCall(int64_t borrowed, PyObject* callable, PyObject* self, PyObject* const* args, Body&& body,
                      int first = 2) {
  const Held held(borrowed, {callable, self});
  const HeldArguments heldArguments(static_cast<uint64_t>(borrowed) >> first, args);
  return body();
}

/// A C function that is called without vectorcall's check of its result.
PyObject* checkedNative(PyThreadState* tstate, PyObject* callable, PyObject* result) {
  if (result == nullptr && tstate->current_exception == nullptr) {
    return _Py_CheckFunctionResult(tstate, callable, nullptr, nullptr);
  }
  return leaveChecked(tstate, result, true);
}

/// Counts a C call against the recursion limit, as the interpreter does for METH_O and METH_NOARGS.
template <class Body>
PyObject* countedCall(PyThreadState* tstate, Body&& body) {
  tstate->c_recursion_remaining--;
  PyObject* result = body();
  tstate->c_recursion_remaining++;
  return result;
}

template <class Function>
Function functionAs(PyCFunction function) {
  return reinterpret_cast<Function>(reinterpret_cast<void (*)()>(function));
}

}  // namespace

extern "C" {

PyObject* rt_call(PyThreadState* tstate, Frame*, int64_t borrowed, PyObject* callable, PyObject* self,
                  PyObject* const* args, int64_t count) {
  expandMethod(callable, self, borrowed);
  if (isPythonFunction(callable)) borrowed = 0;
  const Arguments all = arrange(self, args, count);
  PyObject* result = holdingCall(borrowed, callable, self, args, [&] {
    return _PyObject_VectorcallTstate(tstate, callable, all.first, all.countAndFlag(), nullptr);
  });
  return leaveChecked(tstate, result, true);
}

PyObject* rt_call_kw(PyThreadState* tstate, Frame*, int64_t borrowed, PyObject* callable, PyObject* self,
                     PyObject* names, PyObject* const* args, int64_t count) {
  expandMethod(callable, self, borrowed);
  if (isPythonFunction(callable)) borrowed = 0;
  Arguments all = arrange(self, args, count);
  all.count -= static_cast<size_t>(PyTuple_GET_SIZE(names));
  PyObject* result = holdingCall(
      borrowed, callable, self, args,
      [&] { return _PyObject_VectorcallTstate(tstate, callable, all.first, all.countAndFlag(), names); }, 3);
  return leaveChecked(tstate, result, true);
}

PyObject* rt_call_ex(PyThreadState* tstate, Frame*, int64_t borrowed, PyObject* callable, PyObject* positional,
                     PyObject* keywords) {
  const int64_t heldByCall = isPythonFunction(callable) ? 0 : borrowed;
  if (PyTuple_CheckExact(positional)) {
    PyObject* result = holding(heldByCall, {callable, positional, keywords},
                               [&] { return PyObject_Call(callable, positional, keywords); });
    return leaveChecked(tstate, result, true);
  }
  if (Py_TYPE(positional)->tp_iter == nullptr && !PySequence_Check(positional)) {
    PyErr_Clear();
    PyObject* text = _PyObject_FunctionStr(callable);
    if (text != nullptr) {
      PyErr_Format(PyExc_TypeError, "%U argument after * must be an iterable, not %.200s", text,
                   Py_TYPE(positional)->tp_name);
      Py_DECREF(text);
    }
    return nullptr;
  }
  PyObject* tuple = holding(borrowed, {callable, positional, keywords}, [&] { return PySequence_Tuple(positional); });
  if (tuple == nullptr) return nullptr;
  PyObject* result =
      holding(heldByCall, {callable, nullptr, keywords}, [&] { return PyObject_Call(callable, tuple, keywords); });
  Py_DECREF(tuple);
  return leaveChecked(tstate, result, true);
}

PyObject* rt_call_str_1(PyThreadState* tstate, Frame* frame, int64_t borrowed, PyObject* callable, PyObject* self,
                        PyObject* const* args, int64_t count) {
  if (callable != reinterpret_cast<PyObject*>(&PyUnicode_Type) || self != nullptr || count != 1) {
    return rt_call(tstate, frame, borrowed, callable, self, args, count);
  }
  return leaveChecked(tstate, holding(borrowed >> 2, {args[0]}, [&] { return PyObject_Str(args[0]); }), true);
}

PyObject* rt_call_tuple_1(PyThreadState* tstate, Frame* frame, int64_t borrowed, PyObject* callable, PyObject* self,
                          PyObject* const* args, int64_t count) {
  if (callable != reinterpret_cast<PyObject*>(&PyTuple_Type) || self != nullptr || count != 1) {
    return rt_call(tstate, frame, borrowed, callable, self, args, count);
  }
  return leaveChecked(tstate, holding(borrowed >> 2, {args[0]}, [&] { return PySequence_Tuple(args[0]); }), true);
}

PyObject* rt_call_builtin(PyThreadState* tstate, Frame* frame, int64_t borrowed, PyObject* callable, PyObject* self,
                          PyObject* const* args, int64_t count) {
  if (!PyCFunction_CheckExact(callable)) return rt_call(tstate, frame, borrowed, callable, self, args, count);
  const Arguments all = arrange(self, args, count);
  const PyCFunction function = PyCFunction_GET_FUNCTION(callable);
  PyObject* owner = PyCFunction_GET_SELF(callable);
  const auto argc = static_cast<Py_ssize_t>(all.count);
  const auto called = [&](auto body) { return holdingCall(borrowed, callable, self, args, body); };
  switch (PyCFunction_GET_FLAGS(callable)) {
  case METH_O:
    if (argc != 1 || tstate->c_recursion_remaining <= 0) break;
    return checkedNative(tstate, callable,
                         called([&] { return countedCall(tstate, [&] { return function(owner, all.first[0]); }); }));
  case METH_FASTCALL:
    return checkedNative(tstate, callable,
                         called([&] { return functionAs<PyCFunctionFast>(function)(owner, all.first, argc); }));
  case METH_FASTCALL | METH_KEYWORDS:
    return checkedNative(tstate, callable, called([&] {
                           return functionAs<PyCFunctionFastWithKeywords>(function)(owner, all.first, argc, nullptr);
                         }));
  default: break;
  }
  return rt_call(tstate, frame, borrowed, callable, self, args, count);
}

PyObject* rt_call_method_descriptor(PyThreadState* tstate, Frame* frame, int64_t borrowed, PyObject* callable,
                                    PyObject* self, PyObject* const* args, int64_t count) {
  const int64_t total = count + (self != nullptr);
  if (!Py_IS_TYPE(callable, &PyMethodDescr_Type) || total == 0) {
    return rt_call(tstate, frame, borrowed, callable, self, args, count);
  }
  auto* descriptor = reinterpret_cast<PyMethodDescrObject*>(callable);
  PyObject* object = self != nullptr ? self : args[0];
  if (!Py_IS_TYPE(object, descriptor->d_common.d_type))
    return rt_call(tstate, frame, borrowed, callable, self, args, count);
  PyObject* const* rest = self != nullptr ? args : args + 1;
  const auto argc = static_cast<Py_ssize_t>(total - 1);
  const PyCFunction function = descriptor->d_method->ml_meth;
  const auto called = [&](auto body) { return holdingCall(borrowed, callable, self, args, body); };
  switch (descriptor->d_method->ml_flags) {
  case METH_O:
    if (argc != 1 || tstate->c_recursion_remaining <= 0) break;
    return checkedNative(tstate, callable,
                         called([&] { return countedCall(tstate, [&] { return function(object, rest[0]); }); }));
  case METH_NOARGS:
    if (argc != 0 || tstate->c_recursion_remaining <= 0) break;
    return checkedNative(tstate, callable,
                         called([&] { return countedCall(tstate, [&] { return function(object, nullptr); }); }));
  case METH_FASTCALL:
    return checkedNative(tstate, callable,
                         called([&] { return functionAs<PyCFunctionFast>(function)(object, rest, argc); }));
  case METH_FASTCALL | METH_KEYWORDS:
    return checkedNative(tstate, callable, called([&] {
                           return functionAs<PyCFunctionFastWithKeywords>(function)(object, rest, argc, nullptr);
                         }));
  default: break;
  }
  return rt_call(tstate, frame, borrowed, callable, self, args, count);
}

PyObject* rt_intrinsic_1(PyThreadState* tstate, Frame*, int64_t borrowed, PyObject* value, int64_t oparg) {
  return leaveChecked(
      tstate, holding(borrowed, {value}, [&] { return _PyIntrinsics_UnaryFunctions[oparg].func(tstate, value); }));
}

PyObject* rt_intrinsic_2(PyThreadState* tstate, Frame*, int64_t borrowed, PyObject* value2, PyObject* value1,
                         int64_t oparg) {
  return leaveChecked(tstate, holding(borrowed, {value2, value1}, [&] {
                        return _PyIntrinsics_BinaryFunctions[oparg].func(tstate, value2, value1);
                      }));
}

PyObject* rt_make_function(PyThreadState*, Frame* frame, PyObject* code) {
  PyObject* function = PyFunction_New(code, frame->f_globals);
  if (function == nullptr) return nullptr;
  _PyFunction_SetVersion(reinterpret_cast<PyFunctionObject*>(function),
                         reinterpret_cast<PyCodeObject*>(code)->co_version);
  return function;
}

void rt_set_function_attribute(PyObject* function, PyObject* value, int64_t oparg) {
  auto* object = reinterpret_cast<PyFunctionObject*>(function);
  switch (oparg) {
  case MAKE_FUNCTION_CLOSURE: object->func_closure = Py_NewRef(value); break;
  case MAKE_FUNCTION_ANNOTATIONS: object->func_annotations = Py_NewRef(value); break;
  case MAKE_FUNCTION_KWDEFAULTS: object->func_kwdefaults = Py_NewRef(value); break;
  case MAKE_FUNCTION_DEFAULTS: object->func_defaults = Py_NewRef(value); break;
  default: Py_UNREACHABLE();
  }
}

}  // extern "C"
