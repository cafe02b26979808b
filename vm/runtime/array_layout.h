// SPDX-License-Identifier: MIT
// The layout of array.array's instances, which no header of CPython has. Owns: the few fields that item accesses need.
// findArrayType() checks them against a real array. Must not know: HIR, LLVM.
#pragma once
#include "vm/runtime/cpython.h"

namespace martlet::vm {

struct ArrayDescriptor {
  char typeCode;
  int itemSize;
};

struct ArrayObject {
  PyVarObject base;
  char* items;
  Py_ssize_t allocated;
  const ArrayDescriptor* descriptor;
};

inline ArrayObject* asArray(PyObject* object) {
  return reinterpret_cast<ArrayObject*>(object);
}

}  // namespace martlet::vm
