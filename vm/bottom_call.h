// SPDX-License-Identifier: MIT
// Calling a function as an interpreter calls a main program. Owns: nothing. Must not know: anything of the JIT.
#pragma once
#include <Python.h>

namespace martlet::vm {
/// Calls with no Python frame below: sys._getframe().f_back is None and tracebacks start with the callee.
PyObject* callAtBottom(PyObject* callable, PyObject* const* args, size_t count);
}  // namespace martlet::vm
