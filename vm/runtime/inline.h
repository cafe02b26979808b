// SPDX-License-Identifier: MIT
// What the inline helpers share. Everything here ends up in bitcode: keep it small, and keep rare cases out of line.
// Must not know: HIR, LLVM.
#pragma once
#include "vm/runtime/leave.h"
#include "vm/runtime/runtime.h"
#include "vm/runtime/singletons.h"

/// Marks a helper that is smaller than a call of it.
#define MARTLET_ALWAYS_INLINE __attribute__((always_inline))

namespace martlet::vm {

inline PyObject* boolObject(bool value) {
  return value ? Py_True : Py_False;
}

/// Py_INCREF with the test of immortality that Py_DECREF has: its own is an addition whose overflow says so, which
/// costs LLVM's CodeGenPrepare much time.
inline void retain(PyObject* object) {
  if (static_cast<int32_t>(object->ob_refcnt) >= 0) ++object->ob_refcnt;
}

/// Py_DECREF without the bookkeeping of debug builds; deallocation is a call that LLVM should move out of the way.
inline void release(PyObject* object) {
  if (_Py_IsImmortal(object)) return;
  if (--object->ob_refcnt == 0) [[unlikely]]
    _Py_Dealloc(object);
}

inline PyLongObject* asLong(PyObject* object) {
  return reinterpret_cast<PyLongObject*>(object);
}
inline bool isCompactLong(PyObject* object) {
  return Py_IS_TYPE(object, &PyLong_Type) && asLong(object)->long_value.lv_tag < (2U << _PyLong_NON_SIZE_BITS);
}
inline int64_t compactValue(PyObject* object) {
  const int64_t sign = 1 - static_cast<int64_t>(asLong(object)->long_value.lv_tag & _PyLong_SIGN_MASK);
  return sign * static_cast<int64_t>(asLong(object)->long_value.ob_digit[0]);
}
inline bool isFloat(PyObject* object) {
  return Py_IS_TYPE(object, &PyFloat_Type);
}
inline double floatValue(PyObject* object) {
  return reinterpret_cast<PyFloatObject*>(object)->ob_fval;
}

/// An int object. `slow` makes those outside the table of small ones.
inline PyObject* boxInt(int64_t value, PyObject* (*slow)(int64_t) = rt_cold_make_int) {
  constexpr uint64_t kCount = _PY_NSMALLNEGINTS + _PY_NSMALLPOSINTS;
  if (static_cast<uint64_t>(value) + _PY_NSMALLNEGINTS < kCount) {
    return reinterpret_cast<PyObject*>(martlet_singletons.smallInts + value);  // immortal
  }
  return slow(value);
}

/// A float object. `slow` makes it when the free list is empty.
inline PyObject* boxFloat(double value, PyObject* (*slow)(double) = rt_cold_make_float) {
  _Py_float_freelist* freelist = martlet_singletons.floatFreelist;
  PyFloatObject* object = freelist->items;
  if (object == nullptr) [[unlikely]]
    return slow(value);
  freelist->items = reinterpret_cast<PyFloatObject*>(object->ob_base.ob_type);
  freelist->numfree--;
  object->ob_base.ob_refcnt = 1;
  object->ob_base.ob_type = &PyFloat_Type;
  object->ob_fval = value;
  return reinterpret_cast<PyObject*>(object);
}

inline size_t sizeOf(PyObject* sequence) {
  return static_cast<size_t>(reinterpret_cast<PyVarObject*>(sequence)->ob_size);
}
/// An index into `size` items; past them if there is no such item.
inline size_t wrapped(int64_t index, size_t size) {
  return index < 0 ? static_cast<size_t>(index) + size : static_cast<size_t>(index);
}

/// The characters of an exact compact ASCII string, or NULL.
inline const unsigned char* asciiText(PyObject* object) {
  if (!Py_IS_TYPE(object, &PyUnicode_Type) || !PyUnicode_IS_COMPACT_ASCII(object)) return nullptr;
  return reinterpret_cast<const unsigned char*>(reinterpret_cast<PyASCIIObject*>(object) + 1);
}

inline PyObject* asciiString(int64_t c) {
  const char* place = martlet_singletons.asciiStrings + c * martlet_singletons.asciiStride;
  return reinterpret_cast<PyObject*>(const_cast<char*>(place));  // immortal
}

/// True if the end of `object` runs no code: it is a number or a string.
inline bool endsQuietly(PyObject* object) {
  const PyTypeObject* type = Py_TYPE(object);
  return type == &PyFloat_Type || type == &PyLong_Type || type == &PyUnicode_Type;
}

/// True if giving up one reference of `object` runs no code.
inline bool isPlainRelease(PyObject* object) {
  return object->ob_refcnt != 1 || endsQuietly(object);
}

/// True if a type still has the version that the interpreter's cache was filled for.
inline bool hasVersion(PyTypeObject* type, int64_t version) {
  return type->tp_version_tag == static_cast<uint32_t>(version);
}

/// The exact classes of HIR's type bits, by bit (lowering/hir/type.h); prototype_check.cpp holds it to them. Not
/// `inline`: native code gets a copy with the helper that reads it, and no symbol to resolve.
constexpr PyTypeObject* kExactTypes[] = {
    &PyLong_Type,  &PyFloat_Type, &PyBool_Type,      &_PyNone_Type,    &PyUnicode_Type,   &PyBytes_Type,
    &PyTuple_Type, &PyList_Type,  &PyDict_Type,      &PySet_Type,      &PySlice_Type,     &PyFunction_Type,
    &PyType_Type,  &PyCell_Type,  &PyRangeIter_Type, &PyListIter_Type, &PyTupleIter_Type,
};

/// The type bit of all other classes.
constexpr uint32_t kOtherTypesBit = 1U << 20;

/// COMPARE_OP's order of operators: <, <=, ==, !=, >, >=.
template <class T>
inline bool compare(T a, T b, int64_t op) {
  switch (op) {
  case Py_LT: return a < b;
  case Py_LE: return a <= b;
  case Py_EQ: return a == b;
  case Py_NE: return a != b;
  case Py_GT: return a > b;
  default: return a >= b;
  }
}

}  // namespace martlet::vm
