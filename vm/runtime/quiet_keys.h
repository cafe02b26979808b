// SPDX-License-Identifier: MIT
// Keys whose hash and comparison run no Python code, and looking them up. Owns: when a dict or set can be searched
// without leaving C. Must not know: HIR, LLVM.
#pragma once
#include "vm/runtime/inline.h"

namespace martlet::vm {

/// An exact number, string or None. (Comparing bytes may give a warning, which is Python code.)
inline bool isScalar(PyObject* object) {
  const PyTypeObject* type = Py_TYPE(object);
  return type == &PyUnicode_Type || type == &PyLong_Type || type == &PyFloat_Type || type == &PyBool_Type ||
         type == &_PyNone_Type;
}

/// A scalar, or a short exact tuple of these.
inline bool isPlainKey(PyObject* object) {
  constexpr Py_ssize_t kLongest = 8;
  if (isScalar(object)) return true;
  if (!PyTuple_CheckExact(object) || PyTuple_GET_SIZE(object) > kLongest) return false;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(object); ++i) {
    if (!isScalar(PyTuple_GET_ITEM(object, i))) return false;
  }
  return true;
}

/// An object that is equal to itself only.
inline bool isIdentityKey(PyObject* object) {
  const PyTypeObject* type = Py_TYPE(object);
  return type->tp_hash == PyBaseObject_Type.tp_hash && type->tp_richcompare == PyBaseObject_Type.tp_richcompare;
}

/// A key that runs no code, with its hash.
class QuietKey {
 public:
  explicit QuietKey(PyObject* key) : key_(key) {
    isPlain_ = isPlainKey(key);
    isQuiet_ = isPlain_ || isIdentityKey(key);
    if (!isQuiet_) return;
    if (PyUnicode_CheckExact(key)) hash_ = reinterpret_cast<PyASCIIObject*>(key)->hash;
    if (hash_ == -1) hash_ = PyObject_Hash(key);
  }
  bool isQuiet() const { return isQuiet_; }
  PyObject* object() const { return key_; }
  Py_hash_t hash() const { return hash_; }

  enum Answer { Different, Equal, Unknown };
  /// Compares it with a key of a container.
  Answer compare(PyObject* other, Py_hash_t hash) const {
    if (other == key_) return Equal;
    if (hash != hash_) return Different;
    if (PyUnicode_CheckExact(other)) {
      return PyUnicode_CheckExact(key_) && _PyUnicode_Equal(other, key_) ? Equal : Different;
    }
    if (!isPlainKey(other)) return isIdentityKey(other) ? Different : Unknown;
    if (!isPlain_) return Different;
    return PyObject_RichCompareBool(other, key_, Py_EQ) != 0 ? Equal : Different;
  }

 private:
  PyObject* key_;
  Py_hash_t hash_ = -1;
  bool isPlain_, isQuiet_;
};

/// Where a key is in an exact dict.
struct DictPlace {
  QuietKey::Answer answer;  ///< Unknown: looking for it may run Python code
  PyObject** value;         ///< where its value is, if it is there
};
DictPlace findInDict(PyDictObject* dict, const QuietKey& key);

/// Whether a key is in an exact set.
QuietKey::Answer findInSet(PySetObject* set, const QuietKey& key);

}  // namespace martlet::vm
