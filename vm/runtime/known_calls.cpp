// SPDX-License-Identifier: MIT
// Helpers: calls of C functions that are known to run no Python code. Must not know: HIR, LLVM.
#include <cmath>

#include "lowering/known_callables.h"
#include "vm/runtime/c_functions.h"
#include "vm/runtime/inline.h"
#include "vm/runtime/leave.h"

using namespace martlet::vm;
using martlet::KnownArguments;
using martlet::KnownCallable;

namespace {

bool isPlainArgument(PyObject* object) {
  const PyTypeObject* type = Py_TYPE(object);
  return type == &PyUnicode_Type || type == &PyLong_Type || type == &PyFloat_Type || type == &PyBool_Type ||
         type == &_PyNone_Type || type == &PyBytes_Type;
}

/// An exact container whose iteration, too, runs no code.
bool isPlainContainer(PyObject* object) {
  const PyTypeObject* type = Py_TYPE(object);
  return type == &PyTuple_Type || type == &PyList_Type || type == &PyDict_Type || type == &PySet_Type ||
         type == &PyFrozenSet_Type || type == &PyRange_Type || type == &PyByteArray_Type || type == &PyDictKeys_Type ||
         type == &PyDictValues_Type || type == &PyDictItems_Type;
}

/// A class derived from a container's that has no __iter__ of its own.
bool iteratesAsBuiltin(const PyTypeObject* type) {
  return type->tp_iter != nullptr && (type->tp_iter == PyList_Type.tp_iter || type->tp_iter == PyTuple_Type.tp_iter ||
                                      type->tp_iter == PyDict_Type.tp_iter || type->tp_iter == PySet_Type.tp_iter);
}

bool areQuiet(PyObject* const* args, int64_t count, KnownArguments kind) {
  if (kind == KnownArguments::Any) return true;
  for (int64_t i = 0; i < count; ++i) {
    if (isPlainArgument(args[i])) continue;
    if (kind != KnownArguments::Items || !isPlainContainer(args[i])) return false;
  }
  return true;
}

/// The C function of a method or function, as the interpreter calls it.
PyObject* callFunction(PyThreadState* tstate, PyObject* callable, const PyMethodDef* method, PyObject* self,
                       PyObject* const* args, Py_ssize_t count) {
  if (const auto result = callByFlags(tstate, method, self, args, count)) return *result;
  const bool isMethod = Py_IS_TYPE(callable, &PyMethodDescr_Type);
  return PyObject_Vectorcall(callable, isMethod ? args - 1 : args, static_cast<size_t>(count + isMethod), nullptr);
}

double functionOf(KnownCallable function, double x) {
  switch (function) {
  case KnownCallable::Acos: return std::acos(x);
  case KnownCallable::Asin: return std::asin(x);
  case KnownCallable::Atan: return std::atan(x);
  case KnownCallable::Cos: return std::cos(x);
  case KnownCallable::Exp: return std::exp(x);
  case KnownCallable::Log: return std::log(x);
  case KnownCallable::Log10: return std::log10(x);
  case KnownCallable::Log2: return std::log2(x);
  case KnownCallable::Sin: return std::sin(x);
  default: return std::tan(x);
  }
}

/// A callable with arguments that are `kind`; NULL with an exception set, or where the interpreter is to call it.
PyObject* callQuietly(PyThreadState* tstate, PyObject* callable, KnownArguments kind, PyObject* const* args,
                      int64_t count) {
  if (tstate->c_recursion_remaining <= 0) return letInterpreterDoIt();
  if (PyCFunction_CheckExact(callable)) {
    const auto* function = reinterpret_cast<PyCFunctionObject*>(callable);
    if (!areQuiet(args, count, kind)) return letInterpreterDoIt();
    return callFunction(tstate, callable, function->m_ml, function->m_self, args, count);
  }
  if (Py_IS_TYPE(callable, &PyMethodDescr_Type)) {
    const auto* descriptor = reinterpret_cast<PyMethodDescrObject*>(callable);
    if (!areQuiet(args + 1, count - 1, kind)) return letInterpreterDoIt();
    return callFunction(tstate, callable, descriptor->d_method, args[0], args + 1, count - 1);
  }
  const bool isStr = callable == reinterpret_cast<PyObject*>(&PyUnicode_Type);
  // str(b"…") may give a warning, which is Python code.
  const bool mayWarn = isStr && count > 0 && PyBytes_Check(args[0]);
  if (mayWarn || !areQuiet(args, count, kind)) return letInterpreterDoIt();
  if (isStr && count == 1) return PyObject_Str(args[0]);
  if (callable == reinterpret_cast<PyObject*>(&_PyWeakref_RefType) && count == 1) {
    return PyWeakref_NewRef(args[0], nullptr);  // without the tuple that the class takes apart twice
  }
  return PyObject_Vectorcall(callable, args, static_cast<size_t>(count), nullptr);
}

/// Built-in classes whose objects have no other __class__ than theirs.
bool isBasic(const PyTypeObject* type) {
  return type == &PyLong_Type || type == &PyUnicode_Type || type == &PyTuple_Type || type == &PyList_Type ||
         type == &PyDict_Type || type == &PyFloat_Type || type == Py_TYPE(Py_None) || type == &PyBool_Type;
}

}  // namespace

extern "C" {

PyObject* rt_new_range_iter(int64_t next, int64_t left, int64_t step) {
  auto* iterator = PyObject_New(_PyRangeIterObject, &PyRangeIter_Type);
  if (iterator == nullptr) return nullptr;
  iterator->start = next;
  iterator->step = step;
  iterator->len = left;
  return reinterpret_cast<PyObject*>(iterator);
}

PyObject* rt_call_quiet(PyThreadState* tstate, PyObject* callable, int64_t arguments, PyObject* const* args,
                        int64_t count) {
  return leaveCheckedQuietly(tstate,
                             callQuietly(tstate, callable, static_cast<KnownArguments>(arguments), args, count));
}

// What is not finite is left to the interpreter: an error, mostly.
bool rt_math_function(double x, int64_t function, double* result) {
  *result = functionOf(static_cast<KnownCallable>(function), x);
  return std::isfinite(*result);
}

bool rt_math_function_2(double x, double y, int64_t function, double* result) {
  *result = 0;
  if (!std::isfinite(x) || !std::isfinite(y)) return false;
  switch (static_cast<KnownCallable>(function)) {
  case KnownCallable::Atan2: *result = std::atan2(x, y); break;
  case KnownCallable::Copysign: *result = std::copysign(x, y); break;
  case KnownCallable::Fmod: *result = std::fmod(x, y); break;
  default: *result = std::pow(x, y);
  }
  return std::isfinite(*result);
}

// Of an instance of a class derived from list or tuple that has no __len__ of its own.
ColdInt rt_cold_len(PyObject* object) {
  const PySequenceMethods* methods = Py_TYPE(object)->tp_as_sequence;
  if (methods == nullptr || methods->sq_length == nullptr) return {0, 0};
  const bool isBuiltin = methods->sq_length == PyList_Type.tp_as_sequence->sq_length ||
                         methods->sq_length == PyTuple_Type.tp_as_sequence->sq_length;
  return isBuiltin ? ColdInt{Py_SIZE(object), 1} : ColdInt{0, 0};
}

// PyObject_IsInstance() where it runs no code: for a class of an ordinary metaclass and an object whose __class__ is
// its class.
ColdInt rt_cold_is_instance(PyObject* object, PyObject* type) {
  if (PyTuple_CheckExact(type)) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(type); ++i) {
      PyObject* item = PyTuple_GET_ITEM(type, i);
      if (reinterpret_cast<PyObject*>(Py_TYPE(object)) == item) return {1, 1};
      const ColdInt answer = PyTuple_Check(item) ? ColdInt{0, 0} : rt_cold_is_instance(object, item);
      if (answer.good == 0 || answer.value != 0) return answer;
    }
    return {0, 1};
  }
  if (!PyType_CheckExact(type)) return {0, 0};
  PyTypeObject* own = Py_TYPE(object);
  if (PyType_IsSubtype(own, reinterpret_cast<PyTypeObject*>(type))) return {1, 1};
  if (isBasic(own)) return {0, 1};
  if (own->tp_getattro != PyObject_GenericGetAttr) return {0, 0};
  return {0, _PyType_Lookup(own, martlet_singletons.dunderClass) == martlet_singletons.classOfObject};
}

PyObject* rt_cold_list_pop(PyObject* list, int64_t index) {
  const size_t size = sizeOf(list), wanted = wrapped(index, size);
  if (wanted >= size) {
    PyErr_SetString(PyExc_IndexError, size == 0 ? "pop from empty list" : "pop index out of range");
    return nullptr;
  }
  const auto place = static_cast<Py_ssize_t>(wanted);
  PyObject* item = Py_NewRef(PyList_GET_ITEM(list, place));
  if (PyList_SetSlice(list, place, place + 1, nullptr) == 0) return item;
  Py_DECREF(item);
  return nullptr;
}

PyObject* rt_cold_str_item(PyObject* text, int64_t index) {
  if (!PyUnicode_CheckExact(text)) return letInterpreterDoIt();
  const auto size = static_cast<size_t>(PyUnicode_GET_LENGTH(text));
  const size_t place = wrapped(index, size);
  if (place >= size) {
    PyErr_SetString(PyExc_IndexError, "string index out of range");
    return nullptr;
  }
  return PyUnicode_FromOrdinal(static_cast<int>(PyUnicode_READ_CHAR(text, static_cast<Py_ssize_t>(place))));
}

PyObject* rt_cold_chr(int64_t value) {
  constexpr int64_t kLast = 0x10ffff;
  return value < 0 || value > kLast ? letInterpreterDoIt() : PyUnicode_FromOrdinal(static_cast<int>(value));
}

PyObject* rt_cold_format(PyObject* object) {
  const PyTypeObject* type = Py_TYPE(object);
  if (type == &PyLong_Type || type == &PyFloat_Type || type == &PyBool_Type) return PyObject_Str(object);
  return letInterpreterDoIt();
}

int64_t rt_cold_str_order(PyObject* a, PyObject* b) {
  return PyUnicode_Compare(a, b);
}

PyObject* rt_str_concat(PyObject* a, PyObject* b) {
  return PyUnicode_Concat(a, b);
}

PyObject* rt_get_iter_quiet(PyObject* iterable) {
  const PyTypeObject* type = Py_TYPE(iterable);
  if (type == &PyUnicode_Type || type == &PyBytes_Type || type->tp_iter == PyObject_SelfIter ||
      isPlainContainer(iterable) || iteratesAsBuiltin(type)) {
    PyObject* iterator = PyObject_GetIter(iterable);
    if (iterator == nullptr) PyErr_Clear();  // no memory
    return iterator;
  }
  return nullptr;
}

}  // extern "C"
