// SPDX-License-Identifier: MIT
#include "vm/runtime/quiet_keys.h"

#include <cstring>

namespace martlet::vm {
namespace {

bool isTupleKey(PyObject* object) {
  return PyTuple_Check(object) && comparesAs(Py_TYPE(object), PyTuple_Type);
}

/// How much more of a key is looked at, which happens again and again.
struct Limits {
  Py_ssize_t items;
  int depth;
};
constexpr Limits kLimits = {256, 8};

Py_hash_t hashOfString(PyObject* text) {
  const Py_hash_t known = reinterpret_cast<PyASCIIObject*>(text)->hash;
  return known != -1 ? known : PyObject_Hash(text);
}

Py_hash_t hashTuple(PyObject* tuple, Limits& left);

/// Any other object than a compact int, which is an item of a tuple.
Py_hash_t hashItem(PyObject* object, Limits& left) {
  if (Py_IS_TYPE(object, &PyUnicode_Type)) return hashOfString(object);
  if (isTupleKey(object)) return hashTuple(object, left);
  return isScalar(object) || isIdentityKey(object) ? PyObject_Hash(object) : -1;
}

Py_hash_t hashTuple(PyObject* tuple, Limits& left) {
  const Py_ssize_t count = PyTuple_GET_SIZE(tuple);
  left.items -= count;
  if (left.items < 0 || left.depth == 0) return -1;
  --left.depth;
  port::TupleHash hash;
  PyObject* const* items = _PyTuple_ITEMS(tuple);
  for (PyObject* const* item = items; item != items + count; ++item) {
    Py_hash_t hashed = 0;
    if (isCompactLong(*item)) [[likely]] {
      hashed = port::hashOfCompact(compactValue(*item));
    } else {
      hashed = hashItem(*item, left);
      if (hashed == -1) return -1;
    }
    hash.add(hashed);
  }
  ++left.depth;
  return hash.of(count);
}

port::Match compareBytes(PyObject* a, PyObject* b) {
  const Py_ssize_t size = PyBytes_GET_SIZE(a);
  const bool equal = PyBytes_GET_SIZE(b) == size &&
                     std::memcmp(PyBytes_AS_STRING(a), PyBytes_AS_STRING(b), static_cast<size_t>(size)) == 0;
  return equal ? port::Match::Equal : port::Match::Different;
}

}  // namespace

Py_hash_t plainHash(PyObject* object) {
  if (Py_IS_TYPE(object, &PyUnicode_Type)) return hashOfString(object);
  if (isTupleKey(object)) {
    Limits left = kLimits;
    return hashTuple(object, left);
  }
  if (Py_IS_TYPE(object, &PyLong_Type)) {
    const auto* number = reinterpret_cast<PyLongObject*>(object);
    return port::hasTwoDigits(number) ? port::hashOfTwoDigits(number) : PyObject_Hash(object);
  }
  return isScalar(object) ? PyObject_Hash(object) : -1;
}

port::Match comparePlain(PyObject* key, PyObject* other) {
  using enum port::Match;
  if (key == other) return Equal;
  if (isIdentityKey(key) || isIdentityKey(other)) {
    // An item that is equal to itself only; the other one may still have its own opinion.
    return isIdentityKey(other) || isScalar(other) || isTupleKey(other) ? Different : Unknown;
  }
  if (!isTupleKey(key)) {
    if (isTupleKey(other)) return Different;
    return isScalar(other) ? (PyObject_RichCompareBool(other, key, Py_EQ) != 0 ? Equal : Different) : Unknown;
  }
  if (!isTupleKey(other)) return isScalar(other) ? Different : Unknown;
  // CPython compares items before sizes.
  if (PyTuple_GET_SIZE(key) != PyTuple_GET_SIZE(other)) return Unknown;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(key); ++i) {
    const port::Match match = comparePlain(PyTuple_GET_ITEM(key, i), PyTuple_GET_ITEM(other, i));
    if (match != Equal) return match;
  }
  return Equal;
}

port::Match QuietKey::compare(PyObject* key, PyObject* other) {
  using enum port::Match;
  if (PyUnicode_CheckExact(other) && PyUnicode_CheckExact(key)) return _PyUnicode_Equal(other, key) ? Equal : Different;
  if (PyBytes_CheckExact(key)) return PyBytes_CheckExact(other) ? compareBytes(key, other) : Unknown;
  if (!isIdentityKey(key)) return comparePlain(key, other);
  return isIdentityKey(other) || plainHash(other) != -1 ? Different : Unknown;
}

}  // namespace martlet::vm
