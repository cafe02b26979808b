// SPDX-License-Identifier: MIT
// C functions by their calling conventions. Owns: which METH_ flags are called without vectorcall in between, and how.
// Must not know: HIR, LLVM.
#pragma once
#include <Python.h>

#include <optional>

namespace martlet::vm {

/// A method's function as what its METH_ flags say that it is.
template <class Function>
Function functionAs(PyCFunction function) {
  return reinterpret_cast<Function>(reinterpret_cast<void (*)()>(function));
}

/// Calls a C function of one argument or none, which the interpreter counts as a level of C recursion. Nothing is done
/// where that is used up.
inline std::optional<PyObject*> callCounted(PyThreadState* tstate, const PyMethodDef* method, PyObject* self,
                                            PyObject* argument) {
  if (tstate->c_recursion_remaining <= 0) [[unlikely]]
    return std::nullopt;
  tstate->c_recursion_remaining--;
  PyObject* result = method->ml_meth(self, argument);
  tstate->c_recursion_remaining++;
  return result;
}

/// Calls a C function as the interpreter's specialized calls do; NULL with an exception set where it fails. Nothing is
/// done where it takes its arguments in another way, or not as many, or where the C stack is used up: that, and its
/// errors, are vectorcall's.
inline std::optional<PyObject*> callByFlags(PyThreadState* tstate, const PyMethodDef* method, PyObject* self,
                                            PyObject* const* args, Py_ssize_t count) {
  switch (method->ml_flags) {
  case METH_O: return count == 1 ? callCounted(tstate, method, self, args[0]) : std::nullopt;
  case METH_NOARGS: return count == 0 ? callCounted(tstate, method, self, nullptr) : std::nullopt;
  case METH_FASTCALL: return functionAs<PyCFunctionFast>(method->ml_meth)(self, args, count);
  case METH_FASTCALL | METH_KEYWORDS:
    return functionAs<PyCFunctionFastWithKeywords>(method->ml_meth)(self, args, count, nullptr);
  default: return std::nullopt;
  }
}

}  // namespace martlet::vm
