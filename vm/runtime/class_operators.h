// SPDX-License-Identifier: MIT
// Binary operators of Python classes. Owns: the short way to a method such as __add__, past the number protocol's
// functions, which would look it up and call it through C. Must not know: HIR, LLVM.
#pragma once
#include "vm/runtime/cpython.h"

namespace martlet::vm {

/// Learns which functions stand in the number slots of a class with Python methods. False with a Python error set.
bool findOperatorSlots();

/// The Python function with which operateByMethod() does what `_PyEval_BinaryOps[oparg](a, b)` would, borrowed from the
/// class of `a`; NULL unless that class has no other way to carry the operator out, and `b` is of the same class, or an
/// exact int or float.
PyObject* operatorMethod(PyObject* a, PyObject* b, int64_t oparg);
/// Carries out an operator by the method found for it; both operands are borrowed. A new reference, or NULL with an
/// exception set.
PyObject* operateByMethod(PyThreadState* tstate, PyObject* method, PyObject* a, PyObject* b, int64_t oparg);

}  // namespace martlet::vm
