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

/// The hash of a plain key: a scalar, or a tuple of not too many of these, of other tuples of the kind, and of objects
/// that are equal to themselves only. -1, and nothing has happened, for anything else.
Py_hash_t plainHash(PyObject* object);

/// Compares such a key with any other that has the same hash.
port::Match comparePlain(PyObject* key, PyObject* other);

/// A key that runs no code, with its hash.
class QuietKey {
 public:
  explicit QuietKey(PyObject* key) : key_(key), hash_(plainHash(key)), isPlain_(hash_ != -1) {
    if (isPlain_) return;
    if (isIdentityKey(key)) {
      hash_ = port::hashOfIdentity(key);
    } else if (PyBytes_CheckExact(key)) {
      hash_ = PyObject_Hash(key);
    }
  }
  bool isQuiet() const { return hash_ != -1; }
  PyObject* object() const { return key_; }
  Py_hash_t hash() const { return hash_; }

  /// Compares it with another key that has the same hash.
  port::Match compare(PyObject* other) const {
    using enum port::Match;
    if (PyUnicode_CheckExact(other) && PyUnicode_CheckExact(key_)) {
      return _PyUnicode_Equal(other, key_) ? Equal : Different;
    }
    if (PyBytes_CheckExact(key_)) return PyBytes_CheckExact(other) ? compareBytes(other) : Unknown;
    if (isPlain_) return comparePlain(key_, other);
    return isIdentityKey(other) || plainHash(other) != -1 ? Different : Unknown;
  }

 private:
  port::Match compareBytes(PyObject* other) const {
    const Py_ssize_t size = PyBytes_GET_SIZE(key_);
    const bool equal = PyBytes_GET_SIZE(other) == size &&
                       std::memcmp(PyBytes_AS_STRING(other), PyBytes_AS_STRING(key_), static_cast<size_t>(size)) == 0;
    return equal ? port::Match::Equal : port::Match::Different;
  }

  PyObject* key_;
  Py_hash_t hash_;
  bool isPlain_;
};

}  // namespace martlet::vm
