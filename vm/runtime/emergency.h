// SPDX-License-Identifier: MIT
// Number objects for when there is no memory. Owns: their room. Must not know: native code, frames.
#pragma once
#include <Python.h>

#include <cstdint>

namespace martlet::vm {

/// Native code boxes numbers where the interpreter had them boxed already, often where no exception may be raised. When
/// that fails, the object comes from a room of our own, is immortal, and a MemoryError is due: martlet_memory_ran_out()
/// (vm/runtime/leave.h) makes native code leave for it at the next chance. No Python exception is set.
PyObject* emergencyInt(int64_t value);
PyObject* emergencyFloat(double value);

}  // namespace martlet::vm
