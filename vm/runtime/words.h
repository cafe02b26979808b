// SPDX-License-Identifier: MIT
// What a word of native code stands for where it becomes an object. Must not know: HIR, LLVM.
#pragma once
#include <bit>

#include "lowering/native_abi.h"
#include "vm/runtime/runtime.h"

namespace martlet::vm {

/// A new reference to a box of a number or truth value; an object itself, without a new reference.
inline PyObject* objectOfWord(ExitValue::Kind kind, uint64_t bits) {
  switch (kind) {
  case ExitValue::Kind::Bool: return (bits & 1) != 0 ? Py_True : Py_False;  // immortal
  case ExitValue::Kind::Int: return rt_box_int(static_cast<int64_t>(bits));
  case ExitValue::Kind::Float: return rt_box_float(std::bit_cast<double>(bits));
  case ExitValue::Kind::Object: break;
  }
  return reinterpret_cast<PyObject*>(bits);
}

}  // namespace martlet::vm
