// SPDX-License-Identifier: MIT
#include "vm/cold_counts.h"

namespace martlet::vm {

bool storeSlot(PyCodeObject* code, Py_ssize_t index, uintptr_t value) {
  return PyUnstable_Code_SetExtra(reinterpret_cast<PyObject*>(code), index, reinterpret_cast<void*>(value)) == 0;
}

bool countFirst(const Counting& counting, PyCodeObject* code, bool isJump) {
  counting.reportLoops(code);
  if ((isJump ? counting.limits.jumps : counting.limits.calls) == 0) return false;
  if (!storeSlot(code, counting.extraIndex, (isJump ? kColdJump : kColdCall) | 1)) PyErr_Clear();
  return true;
}

}  // namespace martlet::vm
