// SPDX-License-Identifier: MIT
// Keys whose hash and comparison run no Python code. Owns: when a dict or set can be searched without leaving C. Must
// not know: HIR, LLVM.
#pragma once
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

/// The hash of a plain key: a scalar, or a tuple of not too many of these, of other tuples of the kind, and of objects
/// that are equal to themselves only. -1, and nothing has happened, for anything else.
Py_hash_t plainHash(PyObject* object);

/// Compares such a key with any other that has the same hash.
port::Match comparePlain(PyObject* key, PyObject* other);

/// The hash of a key that is plain, bytes, or equal to itself only; -1, and nothing has happened, for anything else.
/// The commonest are told apart in line.
inline Py_hash_t quietHash(PyObject* key) {
  if (Py_IS_TYPE(key, &PyUnicode_Type)) {
    const Py_hash_t known = reinterpret_cast<PyASCIIObject*>(key)->hash;
    if (known != -1) return known;
  } else if (Py_IS_TYPE(key, &PyLong_Type)) {
    const auto* number = reinterpret_cast<PyLongObject*>(key);
    if (port::hasTwoDigits(number)) return port::hashOfTwoDigits(number);
  } else if (isIdentityKey(key)) {
    return port::hashOfIdentity(key);
  } else if (PyBytes_CheckExact(key)) {
    return PyObject_Hash(key);
  }
  return plainHash(key);
}

/// A key that runs no code, with its hash. Two words, so that it is passed in registers.
class QuietKey {
 public:
  explicit QuietKey(PyObject* key) : key_(key), hash_(quietHash(key)) {}
  bool isQuiet() const { return hash_ != -1; }
  PyObject* object() const { return key_; }
  Py_hash_t hash() const { return hash_; }

  /// Compares it with another key that has the same hash.
  port::Match compare(PyObject* other) const { return compare(key_, other); }

 private:
  static port::Match compare(PyObject* key, PyObject* other);

  PyObject* key_;
  Py_hash_t hash_;
};

}  // namespace martlet::vm
