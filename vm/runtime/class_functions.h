// SPDX-License-Identifier: MIT
// Special methods that are Python functions, called without CPython's slot functions in between. Must not know: HIR,
// LLVM.
#pragma once
#include "vm/runtime/cpython.h"
#include "vm/runtime/leave.h"

namespace martlet::vm {

/// The Python function that an object's class has for a special method, or NULL. (The class's slot is then the function
/// that looks it up: whoever puts a function into a class's dict updates the slot.)
inline PyObject* ofClass(PyObject* object, PyObject* name) {
  PyTypeObject* type = Py_TYPE(object);
  if ((type->tp_flags & Py_TPFLAGS_HEAPTYPE) == 0) return nullptr;
  PyObject* function = _PyType_Lookup(type, name);
  return function != nullptr && Py_IS_TYPE(function, &PyFunction_Type) ? function : nullptr;
}

/// Calls it. The frame has references of its own, as behind a slot function: the operands are held beside.
template <size_t N>
PyObject* callOfClass(PyThreadState* tstate, PyObject* function, PyObject* const (&operands)[N]) {
  PyObject* room[N + 2] = {};  // with the scratch words in front
  for (size_t i = 0; i < N; ++i) room[i + 2] = Py_NewRef(operands[i]);
  return martlet_call_function(tstate, Py_NewRef(function), room + 2, N, nullptr);
}

}  // namespace martlet::vm
