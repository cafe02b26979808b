// SPDX-License-Identifier: MIT
#include "vm/bottom_call.h"

#include "vm/cpython_3_13/port.h"

namespace martlet::vm {

PyObject* callAtBottom(PyObject* callable, PyObject* const* args, size_t count) {
  PyThreadState* tstate = PyThreadState_Get();
  port::Frame* below = tstate->current_frame;
  // The frames below do not count against the recursion limit either.
  const int used = tstate->py_recursion_limit - tstate->py_recursion_remaining;
  tstate->current_frame = nullptr;
  tstate->py_recursion_remaining += used;
  PyObject* result = PyObject_Vectorcall(callable, args, count, nullptr);
  tstate->py_recursion_remaining -= used;
  tstate->current_frame = below;
  return result;
}

}  // namespace martlet::vm
