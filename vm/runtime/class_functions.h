// SPDX-License-Identifier: MIT
// Special methods that are Python functions, called without CPython's slot functions in between. Must not know: HIR,
// LLVM.
#pragma once
#include "vm/runtime/cpython.h"
#include "vm/runtime/leave.h"
#include "vm/runtime/singletons.h"

namespace martlet::vm {

/// The Python function that an object's class has for a special method, or NULL. (The class's slot is then the function
/// that looks it up: whoever puts a function into a class's dict updates the slot.)
inline PyObject* ofClass(PyObject* object, PyObject* name) {
  PyTypeObject* type = Py_TYPE(object);
  if ((type->tp_flags & Py_TPFLAGS_HEAPTYPE) == 0) return nullptr;
  PyObject* function = _PyType_Lookup(type, name);
  return function != nullptr && Py_IS_TYPE(function, &PyFunction_Type) ? function : nullptr;
}

/// The Python function that is __init__ of a class whose instances are made by object.__new__, or NULL. (tp_init is
/// then the slot function that looks __init__ up: a class with one of its own has a wrapper of it in its dict.)
inline PyObject* plainInitializer(PyObject* callable) {
  if (!Py_IS_TYPE(callable, &PyType_Type)) return nullptr;
  auto* type = reinterpret_cast<PyTypeObject*>(callable);
  if (type->tp_new != PyBaseObject_Type.tp_new || (type->tp_flags & Py_TPFLAGS_IS_ABSTRACT) != 0) return nullptr;
  PyObject* init = _PyType_Lookup(type, martlet_singletons.dunderInit);
  return init != nullptr && Py_IS_TYPE(init, &PyFunction_Type) ? init : nullptr;
}

/// Calls it. The frame has references of its own, as behind a slot function: the operands are held beside.
template <size_t N>
PyObject* callOfClass(PyThreadState* tstate, PyObject* function, PyObject* const (&operands)[N]) {
  PyObject* room[N + 2] = {};  // with the scratch words in front
  for (size_t i = 0; i < N; ++i) room[i + 2] = Py_NewRef(operands[i]);
  return martlet_call_function(tstate, Py_NewRef(function), room + 2, N, nullptr);
}

}  // namespace martlet::vm
