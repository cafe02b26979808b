// SPDX-License-Identifier: MIT
// The layout of array.array's instances in 3.13, which no header of CPython has. Owns: the few fields that item
// accesses need. Must not know: HIR, LLVM.
#pragma once
#include <Python.h>

namespace martlet::vm::port {

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

}  // namespace martlet::vm::port
