// SPDX-License-Identifier: MIT
#include "vm/runtime/emergency.h"

#include <cstddef>

#include "vm/runtime/cpython.h"
#include "vm/runtime/leave.h"

namespace martlet::vm {
namespace {

struct IntCell {
  PyLongObject object;
  digit more[2];  ///< 64 bits are up to three digits
};
union Cell {
  IntCell number;
  PyFloatObject real;
};

/// Pages that nobody touches cost nothing. Each MemoryError uses up what is boxed between two safepoints.
constexpr size_t kCells = 1U << 15;
alignas(Cell) std::byte room[kCells * sizeof(Cell)];
size_t used = 0;

Cell* newCell() {
  PyErr_Clear();
  martlet_memory_ran_out();
  if (used == kCells) Py_FatalError("martlet: out of memory, thousands of times in a row");
  return reinterpret_cast<Cell*>(room + used++ * sizeof(Cell));
}

void makeImmortal(PyObject* object, PyTypeObject* type) {
  object->ob_refcnt = _Py_IMMORTAL_REFCNT;
  object->ob_type = type;
}

}  // namespace

PyObject* emergencyInt(int64_t value) {
  auto* object = reinterpret_cast<PyLongObject*>(newCell());
  makeImmortal(reinterpret_cast<PyObject*>(object), &PyLong_Type);
  uint64_t magnitude = value < 0 ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  Py_ssize_t count = 0;
  for (; magnitude != 0; magnitude >>= PyLong_SHIFT) {
    object->long_value.ob_digit[count++] = static_cast<digit>(magnitude & PyLong_MASK);
  }
  _PyLong_SetSignAndDigitCount(object, value < 0 ? -1 : static_cast<int>(value > 0), count);
  return reinterpret_cast<PyObject*>(object);
}

PyObject* emergencyFloat(double value) {
  auto* object = reinterpret_cast<PyFloatObject*>(newCell());
  makeImmortal(reinterpret_cast<PyObject*>(object), &PyFloat_Type);
  object->ob_fval = value;
  return reinterpret_cast<PyObject*>(object);
}

}  // namespace martlet::vm
