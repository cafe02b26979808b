// SPDX-License-Identifier: MIT
// C functions by their calling conventions. Must not know: HIR, LLVM.
#pragma once
#include <Python.h>

namespace martlet::vm {

/// A method's function as what its METH_ flags say that it is.
template <class Function>
Function functionAs(PyCFunction function) {
  return reinterpret_cast<Function>(reinterpret_cast<void (*)()>(function));
}

}  // namespace martlet::vm
