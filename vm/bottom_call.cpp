// SPDX-License-Identifier: MIT
#include "vm/bottom_call.h"

#include "vm/cpython_3_13/port.h"

namespace martlet::vm {

PyObject* callAtBottom(PyObject* callable, PyObject* const* args, size_t count) {
  PyThreadState* tstate = PyThreadState_Get();
  port::Frame* below = tstate->current_frame;
  tstate->current_frame = nullptr;
  PyObject* result = PyObject_Vectorcall(callable, args, count, nullptr);
  tstate->current_frame = below;
  return result;
}

}  // namespace martlet::vm
