// SPDX-License-Identifier: MIT
// Keys whose hash and comparison run no Python code. Owns: when a dict or set can be searched without leaving C. Must
// not know: HIR, LLVM.
#pragma once
#include <cstring>

#include "vm/cpython_3_13/containers.h"
#include "vm/runtime/inline.h"

namespace martlet::vm {

/// True if instances of a class are hashed and compared as those of a built-in one.
inline bool comparesAs(const PyTypeObject* type, const PyTypeObject& base) {
  return type->tp_hash == base.tp_hash && type->tp_richcompare == base.tp_richcompare;
}

/// An object that is equal to itself only.
inline bool isIdentityKey(PyObject* object) {
  return comparesAs(Py_TYPE(object), PyBaseObject_Type);
}

/// A number, string or None. (Comparing bytes with anything else may give a warning, which is Python code.)
inline bool isScalar(PyObject* object) {
  const PyTypeObject* type = Py_TYPE(object);
  if (type == &PyUnicode_Type || type == &PyLong_Type || type == &PyFloat_Type || type == &PyBool_Type ||
      type == &_PyNone_Type) {
    return true;
  }
  if (PyLong_Check(object)) return comparesAs(type, PyLong_Type);
  return PyUnicode_Check(object) && comparesAs(type, PyUnicode_Type);
}

/// A scalar, or a short tuple of these and of objects that are equal to themselves only.
inline bool isPlainKey(PyObject* object, int depth = 0) {
  constexpr Py_ssize_t kLongest = 16;
  constexpr int kDeepest = 3;
  if (isScalar(object)) return true;
  if (!PyTuple_Check(object) || !comparesAs(Py_TYPE(object), PyTuple_Type)) return depth > 0 && isIdentityKey(object);
  if (PyTuple_GET_SIZE(object) > kLongest || depth == kDeepest) return false;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(object); ++i) {
    if (!isPlainKey(PyTuple_GET_ITEM(object, i), depth + 1)) return false;
  }
  return true;
}

/// A key that runs no code, with its hash.
class QuietKey {
 public:
  explicit QuietKey(PyObject* key) : key_(key) {
    isPlain_ = isPlainKey(key);
    isQuiet_ = isPlain_ || isIdentityKey(key) || PyBytes_CheckExact(key);
    if (!isQuiet_) return;
    if (PyUnicode_CheckExact(key)) hash_ = reinterpret_cast<PyASCIIObject*>(key)->hash;
    if (hash_ == -1) hash_ = PyObject_Hash(key);
  }
  bool isQuiet() const { return isQuiet_; }
  PyObject* object() const { return key_; }
  Py_hash_t hash() const { return hash_; }

  /// Compares it with a key of a container.
  port::Match compare(PyObject* other, Py_hash_t hash) const {
    using enum port::Match;
    if (other == key_) return Equal;
    if (hash != hash_) return Different;
    if (PyUnicode_CheckExact(other) && PyUnicode_CheckExact(key_)) {
      return _PyUnicode_Equal(other, key_) ? Equal : Different;
    }
    if (PyBytes_CheckExact(key_)) return PyBytes_CheckExact(other) ? compareBytes(other) : Unknown;
    if (!isPlainKey(other)) return isIdentityKey(other) ? Different : Unknown;
    if (!isPlain_) return Different;
    return PyObject_RichCompareBool(other, key_, Py_EQ) != 0 ? Equal : Different;
  }

 private:
  port::Match compareBytes(PyObject* other) const {
    const Py_ssize_t size = PyBytes_GET_SIZE(key_);
    const bool equal = PyBytes_GET_SIZE(other) == size &&
                       std::memcmp(PyBytes_AS_STRING(other), PyBytes_AS_STRING(key_), static_cast<size_t>(size)) == 0;
    return equal ? port::Match::Equal : port::Match::Different;
  }

  PyObject* key_;
  Py_hash_t hash_ = -1;
  bool isPlain_, isQuiet_;
};

}  // namespace martlet::vm
