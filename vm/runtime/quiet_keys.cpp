// SPDX-License-Identifier: MIT
#include "vm/runtime/quiet_keys.h"

#include <array>
#include <cstring>

#include "vm/runtime/singletons.h"

namespace martlet::vm {
namespace {

bool isTupleKey(PyObject* object) {
  return PyTuple_Check(object) && comparesAs(Py_TYPE(object), PyTuple_Type);
}

Py_hash_t hashOfString(PyObject* text) {
  const Py_hash_t known = reinterpret_cast<PyASCIIObject*>(text)->hash;
  return known != -1 ? known : PyObject_Hash(text);
}

/// The hash of an item that is neither a small int nor a tuple; -1 for what may run code.
[[gnu::noinline]] Py_hash_t hashItem(PyObject* object) {
  if (Py_IS_TYPE(object, &PyUnicode_Type)) return hashOfString(object);
  if (isCompactLong(object)) return port::hashOfCompact(compactValue(object));
  return isScalar(object) || isIdentityKey(object) ? PyObject_Hash(object) : -1;
}

/// What each of the small ints adds to the hash of a tuple. Keys are mostly made of them, and a look at one takes
/// longer than to hash it; but they lie side by side, so that their addresses say enough.
constexpr size_t kSmallInts = _PY_NSMALLNEGINTS + _PY_NSMALLPOSINTS;
constexpr auto kLanesOfSmallInts = [] {
  std::array<Py_uhash_t, kSmallInts> lanes = {};
  for (size_t i = 0; i < kSmallInts; ++i) {
    lanes[i] = port::TupleHash::lane(port::hashOfCompact(static_cast<Py_ssize_t>(i) - _PY_NSMALLNEGINTS));
  }
  return lanes;
}();

/// Adds the small ints that come next. Returns the first item that is none.
MARTLET_ALWAYS_INLINE PyObject* const* addSmallInts(port::TupleHash& hash, PyObject* const* item,
                                                    PyObject* const* end) {
  const auto first = reinterpret_cast<uintptr_t>(martlet_singletons.smallInts - _PY_NSMALLNEGINTS);
  for (; item != end; ++item) {
    const uintptr_t offset = reinterpret_cast<uintptr_t>(*item) - first;
    if (offset >= kSmallInts * sizeof(PyLongObject)) break;
    hash.addLane(kLanesOfSmallInts[offset / sizeof(PyLongObject)]);
  }
  return item;
}

/// The hash of a tuple, -1 where it is not plain, and how many more items may be looked at: a key is hashed again and
/// again, and its depth is one of calls. Two words, so that it is returned in registers.
struct TupleHashed {
  Py_hash_t hash;
  Py_ssize_t itemsLeft;
};
constexpr Py_ssize_t kMostItems = 256;

TupleHashed hashTuple(PyObject* tuple, Py_ssize_t itemsLeft);

/// The same for a tuple in a tuple. It often has nothing but small ints, and a call takes as long as three of these.
MARTLET_ALWAYS_INLINE TupleHashed hashInnerTuple(PyObject* tuple, Py_ssize_t itemsLeft) {
  const Py_ssize_t count = PyTuple_GET_SIZE(tuple);
  PyObject* const* items = _PyTuple_ITEMS(tuple);
  port::TupleHash hash;
  if (count > itemsLeft || addSmallInts(hash, items, items + count) != items + count) {
    return hashTuple(tuple, itemsLeft);
  }
  return {hash.of(count), itemsLeft - count};
}

TupleHashed hashTuple(PyObject* tuple, Py_ssize_t itemsLeft) {
  constexpr TupleHashed kNotPlain = {-1, 0};
  PyObject* const* item = _PyTuple_ITEMS(tuple);
  PyObject* const* end = item + PyTuple_GET_SIZE(tuple);
  itemsLeft -= PyTuple_GET_SIZE(tuple);
  if (itemsLeft < 0) return kNotPlain;
  port::TupleHash hash;
  while ((item = addSmallInts(hash, item, end)) != end) {
    PyObject* object = *item++;
    TupleHashed hashed = {-1, itemsLeft};
    if (isTupleKey(object)) {
      hashed = hashInnerTuple(object, itemsLeft);
    } else {
      hashed.hash = hashItem(object);
    }
    if (hashed.hash == -1) return kNotPlain;
    itemsLeft = hashed.itemsLeft;
    hash.add(hashed.hash);
  }
  return {hash.of(PyTuple_GET_SIZE(tuple)), itemsLeft};
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
  if (isTupleKey(object)) return hashTuple(object, kMostItems).hash;
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
