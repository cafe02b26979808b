// SPDX-License-Identifier: MIT
// Counts of code that has no CodeData yet, in the place of the pointer to it: most code of a program never runs often
// enough to be worth more. In both shared objects. Must not know: what CodeData is.
#pragma once
#include "vm/counting.h"

namespace martlet::vm {

struct ExtraHeader {
  Py_ssize_t size;
  uintptr_t items[1];  ///< a pointer to CodeData, or counts: jumps << 32 | calls << 1 | 1
};
inline constexpr uintptr_t kColdCall = 2, kColdJump = uintptr_t{1} << 32;

inline bool isColdCount(uintptr_t value) {
  return (value & 1) != 0;
}
inline uintptr_t* slotOf(PyCodeObject* code, Py_ssize_t index) {
  auto* extra = static_cast<ExtraHeader*>(code->co_extra);
  return extra != nullptr && index < extra->size ? &extra->items[index] : nullptr;
}
/// False with a Python error set when out of memory.
bool storeSlot(PyCodeObject* code, Py_ssize_t index, uintptr_t value);

bool countFirst(const Counting& counting, PyCodeObject* code, bool isJump);

/// Counts an event of code that has no data yet. False where there is data, or where a limit is reached and it is time
/// to have some.
inline bool countCold(const Counting& counting, PyCodeObject* code, bool isJump) {
  uintptr_t* slot = slotOf(code, counting.extraIndex);
  const uintptr_t old = slot != nullptr ? *slot : 0;
  if (!isColdCount(old)) return old == 0 && countFirst(counting, code, isJump);
  const uint32_t count = isJump ? static_cast<uint32_t>(old >> 32) : static_cast<uint32_t>(old) >> 1;
  if (count >= (isJump ? counting.limits.jumps : counting.limits.calls)) return false;
  *slot = old + (isJump ? kColdJump : kColdCall);
  return true;
}

// What an event says of itself.
inline size_t byteOffset(PyObject* object) {
  const auto* number = reinterpret_cast<PyLongObject*>(object);
  if (PyUnstable_Long_IsCompact(number)) [[likely]]
    return number->long_value.ob_digit[0];  // never negative
  return static_cast<size_t>(PyLong_AsSsize_t(object));
}

}  // namespace martlet::vm
