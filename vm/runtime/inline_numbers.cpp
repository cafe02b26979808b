// SPDX-License-Identifier: MIT
// Inline helpers: boxing, machine integers, types, truth, arithmetic and comparison. Also compiled to bitcode.
// Must not know: LLVM.
#include <iterator>
#include <utility>

#include "vm/runtime/inline.h"

using namespace martlet::vm;

namespace {

enum class Arithmetic { Add, Subtract, Multiply, Other };

inline Arithmetic arithmetic(int64_t oparg) {
  switch (oparg) {
  case NB_ADD:
  case NB_INPLACE_ADD: return Arithmetic::Add;
  case NB_SUBTRACT:
  case NB_INPLACE_SUBTRACT: return Arithmetic::Subtract;
  case NB_MULTIPLY:
  case NB_INPLACE_MULTIPLY: return Arithmetic::Multiply;
  default: return Arithmetic::Other;
  }
}

}  // namespace

extern "C" {

MARTLET_ALWAYS_INLINE bool rt_unbox_int(PyObject* object, int64_t* result) {
  if (isCompactLong(object)) [[likely]] {
    *result = compactValue(object);
    return true;
  }
  const ColdInt slow = rt_cold_unbox_int(object);
  *result = slow.value;
  return slow.good != 0;
}

int64_t rt_int_value(PyObject* object) {
  return isCompactLong(object) ? compactValue(object) : rt_cold_unbox_int(object).value;
}

MARTLET_ALWAYS_INLINE bool rt_unbox_float(PyObject* object, double* result) {
  *result = 0;
  if (!isFloat(object)) [[unlikely]]
    return false;
  *result = floatValue(object);
  return true;
}

MARTLET_ALWAYS_INLINE PyObject* rt_box_int(int64_t value) {
  return boxInt(value, rt_cold_box_int);
}
MARTLET_ALWAYS_INLINE PyObject* rt_box_float(double value) {
  return boxFloat(value, rt_cold_box_float);
}
MARTLET_ALWAYS_INLINE PyObject* rt_box_bool(bool value) {
  return boolObject(value);
}

MARTLET_ALWAYS_INLINE void rt_sync_int_if(Frame* frame, int64_t slot, bool isDirty, int64_t value) {
  if (isDirty) rt_sync_local(frame, slot, rt_box_int(value));
}
MARTLET_ALWAYS_INLINE void rt_sync_float_if(Frame* frame, int64_t slot, bool isDirty, double value) {
  if (isDirty) rt_sync_local(frame, slot, rt_box_float(value));
}

MARTLET_ALWAYS_INLINE bool rt_int_floor_div(int64_t a, int64_t b, int64_t* result) {
  *result = 0;
  if (b == 0 || (a == INT64_MIN && b == -1)) [[unlikely]]
    return false;
  const int64_t quotient = a / b;
  *result = quotient - static_cast<int64_t>(a % b != 0 && (a ^ b) < 0);
  return true;
}

MARTLET_ALWAYS_INLINE bool rt_int_mod(int64_t a, int64_t b, int64_t* result) {
  *result = 0;
  if (b == 0) [[unlikely]]
    return false;
  if (b == -1) return true;  // INT64_MIN % -1 traps
  const int64_t remainder = a % b;
  *result = remainder + (remainder != 0 && (remainder ^ b) < 0 ? b : 0);
  return true;
}

MARTLET_ALWAYS_INLINE bool rt_int_lshift(int64_t a, int64_t count, int64_t* result) {
  if (static_cast<uint64_t>(count) >= 64) [[unlikely]] {
    *result = 0;
    return count > 0 && a == 0;
  }
  const auto shifted = static_cast<int64_t>(static_cast<uint64_t>(a) << count);
  *result = shifted;
  return (shifted >> count) == a;
}

MARTLET_ALWAYS_INLINE bool rt_int_rshift(int64_t a, int64_t count, int64_t* result) {
  *result = 0;
  if (count < 0) [[unlikely]]
    return false;
  *result = a >> (count < 63 ? count : 63);
  return true;
}

MARTLET_ALWAYS_INLINE bool rt_has_class(PyObject* object, int64_t bit) {
  return Py_TYPE(object) == kExactTypes[bit];
}

MARTLET_ALWAYS_INLINE bool rt_is_quiet(PyObject* object) {
  if (object == nullptr) return true;
  const PyTypeObject* type = Py_TYPE(object);
  return type == &PyLong_Type || type == &PyFloat_Type || type == &PyBool_Type || type == &_PyNone_Type;
}

int rt_to_bool(PyThreadState* tstate, int64_t borrowed, PyObject* object) {
  if (object == Py_True) return 1;
  if (object == Py_False || object == Py_None) return 0;
  PyTypeObject* type = Py_TYPE(object);
  if (type == &PyLong_Type) return (asLong(object)->long_value.lv_tag & _PyLong_SIGN_MASK) != 1;
  if (type == &PyUnicode_Type) return PyUnicode_GET_LENGTH(object) != 0;
  if (type == &PyList_Type) return PyList_GET_SIZE(object) != 0;
  return rt_cold_to_bool(tstate, borrowed, object);
}

int rt_to_bool_of_class(PyThreadState* tstate, int64_t borrowed, PyObject* object, int64_t version) {
  if (Py_TYPE(object)->tp_version_tag == static_cast<unsigned>(version)) [[likely]]
    return 1;
  return rt_to_bool(tstate, borrowed, object);
}

PyObject* rt_binary_op_int(PyThreadState* tstate, int64_t borrowed, PyObject* a, PyObject* b, int64_t oparg) {
  const Arithmetic op = arithmetic(oparg);
  if (op != Arithmetic::Other && isCompactLong(a) && isCompactLong(b)) [[likely]] {
    // One-digit values: no overflow in 64 bits.
    const int64_t x = compactValue(a), y = compactValue(b);
    return boxInt(op == Arithmetic::Add ? x + y : op == Arithmetic::Subtract ? x - y : x * y);
  }
  return rt_binary_op(tstate, borrowed, a, b, oparg);
}

PyObject* rt_binary_op_float(PyThreadState* tstate, int64_t borrowed, PyObject* a, PyObject* b, int64_t oparg) {
  const Arithmetic op = arithmetic(oparg);
  if (op != Arithmetic::Other && isFloat(a) && isFloat(b)) [[likely]] {
    const double x = floatValue(a), y = floatValue(b);
    return boxFloat(op == Arithmetic::Add ? x + y : op == Arithmetic::Subtract ? x - y : x * y);
  }
  return rt_binary_op(tstate, borrowed, a, b, oparg);
}

PyObject* rt_compare_int(PyThreadState* tstate, int64_t borrowed, PyObject* a, PyObject* b, int64_t oparg) {
  if (isCompactLong(a) && isCompactLong(b)) [[likely]]
    return boolObject(compare(compactValue(a), compactValue(b), oparg >> 5));
  return rt_compare_op(tstate, borrowed, a, b, oparg);
}

PyObject* rt_compare_str(PyThreadState* tstate, int64_t borrowed, PyObject* a, PyObject* b, int64_t oparg) {
  const int64_t op = oparg >> 5;
  if (Py_IS_TYPE(a, &PyUnicode_Type) && Py_IS_TYPE(b, &PyUnicode_Type) && (op == Py_EQ || op == Py_NE)) [[likely]] {
    const bool equal = a == b || _PyUnicode_Equal(a, b) != 0;
    return boolObject(equal == (op == Py_EQ));
  }
  return rt_compare_op(tstate, borrowed, a, b, oparg);
}

}  // extern "C"
