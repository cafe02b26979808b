// SPDX-License-Identifier: MIT
// Inline helpers: what calls of known C functions come to on numbers and exact built-in objects. Also compiled to
// bitcode. Must not know: HIR, LLVM.
#include "vm/runtime/inline.h"

using namespace martlet::vm;

namespace {

constexpr double kTwoTo63 = 9223372036854775808.0;

inline bool isFrozenOrSet(const PyTypeObject* type) {
  return type == &PySet_Type || type == &PyFrozenSet_Type;
}

}  // namespace

extern "C" {

MARTLET_ALWAYS_INLINE bool rt_int_abs(int64_t value, int64_t* result) {
  *result = value < 0 ? static_cast<int64_t>(0 - static_cast<uint64_t>(value)) : value;
  return value != INT64_MIN;
}

MARTLET_ALWAYS_INLINE double rt_float_abs(double value) {
  return __builtin_fabs(value);
}

MARTLET_ALWAYS_INLINE bool rt_float_sqrt(double value, double* result) {
  *result = 0;
  if (!(value >= 0)) [[unlikely]]
    return false;  // an error, or not a number
  *result = __builtin_elementwise_sqrt(value);
  return true;
}

MARTLET_ALWAYS_INLINE bool rt_float_to_int(double value, int64_t direction, int64_t* result) {
  *result = 0;
  if (!(value > -kTwoTo63 && value < kTwoTo63)) [[unlikely]]
    return false;
  const auto whole = static_cast<int64_t>(value);
  // Exact: either both are small, or there is no fraction.
  const double fraction = value - static_cast<double>(whole);
  switch (direction) {
  case 1: *result = whole - static_cast<int64_t>(fraction < 0); break;
  case 2: *result = whole + static_cast<int64_t>(fraction > 0); break;
  case 3: {
    const auto odd = static_cast<int64_t>((whole & 1) != 0);
    const int64_t up = fraction > 0.5 || (fraction == 0.5 && odd != 0) ? 1 : 0;
    const int64_t down = fraction < -0.5 || (fraction == -0.5 && odd != 0) ? 1 : 0;
    *result = whole + up - down;
    break;
  }
  default: *result = whole;
  }
  return true;
}

bool rt_len(PyObject* object, int64_t* result) {
  *result = 0;
  const PyTypeObject* type = Py_TYPE(object);
  if (type == &PyList_Type || type == &PyTuple_Type || type == &PyBytes_Type || type == &PyByteArray_Type) {
    *result = reinterpret_cast<PyVarObject*>(object)->ob_size;
  } else if (type == &PyUnicode_Type) {
    *result = reinterpret_cast<PyASCIIObject*>(object)->length;
  } else if (type == &PyDict_Type) {
    *result = reinterpret_cast<PyDictObject*>(object)->ma_used;
  } else if (isFrozenOrSet(type)) {
    *result = reinterpret_cast<PySetObject*>(object)->used;
  } else {
    const ColdInt slow = rt_cold_len(object);
    *result = slow.value;
    return slow.good != 0;
  }
  return true;
}

bool rt_ord(PyObject* object, int64_t* result) {
  *result = 0;
  if (!Py_IS_TYPE(object, &PyUnicode_Type) || reinterpret_cast<PyASCIIObject*>(object)->length != 1) [[unlikely]]
    return false;
  *result = static_cast<int64_t>(PyUnicode_READ_CHAR(object, 0));
  return true;
}

PyObject* rt_chr(int64_t value) {
  return static_cast<uint64_t>(value) < 128 ? asciiString(value) : rt_cold_chr(value);
}

bool rt_is_instance(PyObject* object, PyObject* type, int64_t* result) {
  *result = 1;
  if (reinterpret_cast<PyObject*>(Py_TYPE(object)) == type) return true;
  const ColdInt slow = rt_cold_is_instance(object, type);
  *result = slow.value;
  return slow.good != 0;
}

MARTLET_ALWAYS_INLINE bool rt_is_module(PyObject* object) {
  return Py_IS_TYPE(object, &PyModule_Type);
}

PyObject* rt_list_pop(PyObject* list, int64_t index) {
  auto* object = reinterpret_cast<PyListObject*>(list);
  const Py_ssize_t last = object->ob_base.ob_size - 1;
  // As in list_resize(): it keeps its memory while at least half of it is in use.
  if ((index != -1 && index != last) || last <= 0 || last < object->allocated >> 1) [[unlikely]]
    return rt_cold_list_pop(list, index);
  object->ob_base.ob_size = last;
  return object->ob_item[last];
}

bool rt_byte_item(PyObject* bytes, int64_t index, int64_t* result) {
  *result = 0;
  const size_t size = sizeOf(bytes), place = wrapped(index, size);
  const char* items = nullptr;
  if (Py_IS_TYPE(bytes, &PyBytes_Type)) {
    items = reinterpret_cast<PyBytesObject*>(bytes)->ob_sval;
  } else if (Py_IS_TYPE(bytes, &PyByteArray_Type)) {
    items = reinterpret_cast<PyByteArrayObject*>(bytes)->ob_start;
  }
  if (items == nullptr || place >= size) [[unlikely]]
    return false;
  *result = static_cast<unsigned char>(items[place]);
  return true;
}

bool rt_store_byte(PyObject* array, int64_t index, int64_t value) {
  if (!Py_IS_TYPE(array, &PyByteArray_Type)) [[unlikely]]
    return false;
  const size_t size = sizeOf(array), place = wrapped(index, size);
  if (place >= size || static_cast<uint64_t>(value) > UINT8_MAX) [[unlikely]]
    return false;
  reinterpret_cast<PyByteArrayObject*>(array)->ob_start[place] = static_cast<char>(value);
  return true;
}

PyObject* rt_str_item(PyObject* text, int64_t index) {
  if (const unsigned char* characters = asciiText(text)) [[likely]] {
    const auto size = static_cast<size_t>(reinterpret_cast<PyASCIIObject*>(text)->length);
    const size_t place = wrapped(index, size);
    if (place < size) [[likely]]
      return asciiString(characters[place]);
  }
  return rt_cold_str_item(text, index);
}

bool rt_str_compare(PyObject* a, PyObject* b, int64_t comparison) {
  if (comparison == Py_EQ || comparison == Py_NE) {
    const bool equal = a == b || _PyUnicode_Equal(a, b) != 0;
    return equal == (comparison == Py_EQ);
  }
  return compare<int64_t>(rt_cold_str_order(a, b), 0, comparison);
}

PyObject* rt_format_quiet(PyObject* object) {
  if (!Py_IS_TYPE(object, &PyUnicode_Type)) return rt_cold_format(object);
  retain(object);
  return object;
}

}  // extern "C"
