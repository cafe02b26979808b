// SPDX-License-Identifier: MIT
// Binary operators of Python classes. Owns: the short way to a method such as __add__, past the number protocol's
// functions, which would look it up and call it through C. Must not know: HIR, LLVM.
#pragma once
#include "vm/runtime/cpython.h"

namespace martlet::vm {

/// Learns which functions stand in the number slots of a class with Python methods. False with a Python error set.
bool findOperatorSlots();

/// By the instruction's argument: where an operator's function is in a class's number methods, and which one is there
/// if the class has a method.
struct OperatorSlot {
  size_t offset;
  binaryfunc ofMethod;
};
inline constexpr size_t kOperatorArguments = NB_OPARG_LAST + 1;
extern OperatorSlot operatorSlots[kOperatorArguments];

/// False for most operands that operatorMethod() has nothing for.
inline bool mayHaveOperatorMethod(PyObject* a, int64_t oparg) {
  const char* methods = reinterpret_cast<const char*>(Py_TYPE(a)->tp_as_number);
  const OperatorSlot& slot = operatorSlots[oparg];
  return methods != nullptr && *reinterpret_cast<const binaryfunc*>(methods + slot.offset) == slot.ofMethod;
}

/// The Python function with which operateByMethod() does what `_PyEval_BinaryOps[oparg](a, b)` would, borrowed from the
/// class of `a`; NULL unless that class has no other way to carry the operator out, and `b` is of the same class, or an
/// exact int or float.
PyObject* operatorMethod(PyObject* a, PyObject* b, int64_t oparg);
/// Carries out an operator by the method found for it; both operands are borrowed. A new reference, or NULL with an
/// exception set.
PyObject* operateByMethod(PyThreadState* tstate, PyObject* method, PyObject* a, PyObject* b, int64_t oparg);

}  // namespace martlet::vm
