// SPDX-License-Identifier: MIT
// Dicts and sets of 3.13: how they are searched, and what changing a dict's value comes with. Owns: what is in
// CPython's dictobject.c and setobject.c, but in no header. Must not know: which keys run code, HIR, LLVM.
#pragma once
#ifndef Py_BUILD_CORE
#define Py_BUILD_CORE 1
#endif
#include <Python.h>

#include <bit>
#include <cstdint>
#include <utility>

#include "internal/pycore_dict.h"
#include "internal/pycore_object.h"

namespace martlet::vm::port {

/// What comparing two keys comes to. Unknown: that may run Python code.
enum class Match : uint8_t { Different, Equal, Unknown };

/// Where a key is in a dict.
struct DictPlace {
  Match match;
  PyObject** value;  ///< where its value is, if it is there
};

/// The entry that a slot of a dict's hash table refers to.
inline Py_ssize_t entryAt(const PyDictKeysObject* keys, size_t slot) {
  constexpr int kBits8 = 8, kBits16 = 16, kBits32 = 32;
  const int log2 = keys->dk_log2_size;
  if (log2 < kBits8) return reinterpret_cast<const int8_t*>(keys->dk_indices)[slot];
  if (log2 < kBits16) return reinterpret_cast<const int16_t*>(keys->dk_indices)[slot];
  if (log2 < kBits32) return reinterpret_cast<const int32_t*>(keys->dk_indices)[slot];
  return static_cast<Py_ssize_t>(reinterpret_cast<const int64_t*>(keys->dk_indices)[slot]);
}

inline constexpr int kPerturbShift = 5;

/// Searches a dict whose keys are not all strings as CPython does; `entryAt` tells a slot's entry.
template <class Key, class EntryAt>
DictPlace findAmongAny(PyDictKeysObject* keys, Key key, EntryAt&& entryAt) {
  const size_t mask = static_cast<size_t>(DK_SIZE(keys)) - 1;
  PyDictKeyEntry* const entries = DK_ENTRIES(keys);
  PyObject* const object = key.object();
  const Py_hash_t hash = key.hash();
  auto perturb = static_cast<size_t>(hash);
  for (size_t slot = perturb & mask;;) {
    const Py_ssize_t index = entryAt(slot);
    if (index == DKIX_EMPTY) return {Match::Different, nullptr};
    if (index >= 0) {
      PyDictKeyEntry* entry = &entries[index];
      if (entry->me_key == object) return {Match::Equal, &entry->me_value};
      if (entry->me_hash == hash) {
        const Match match = key.compare(entry->me_key);
        if (match != Match::Different) return {match, &entry->me_value};
      }
    }
    perturb >>= kPerturbShift;
    slot = (slot * 5 + perturb + 1) & mask;
  }
}

/// Searches a dict whose keys are all strings for another one.
template <class Key>
DictPlace findAmongStrings(PyDictObject* dict, Key key) {
  PyDictKeysObject* keys = dict->ma_keys;
  const size_t mask = static_cast<size_t>(DK_SIZE(keys)) - 1;
  auto perturb = static_cast<size_t>(key.hash());
  for (size_t slot = perturb & mask;;) {
    const Py_ssize_t index = entryAt(keys, slot);
    if (index == DKIX_EMPTY) return {Match::Different, nullptr};
    if (index >= 0) {
      PyDictUnicodeEntry* entry = &DK_UNICODE_ENTRIES(keys)[index];
      const Py_hash_t hash = reinterpret_cast<PyASCIIObject*>(entry->me_key)->hash;
      if (entry->me_key == key.object() || (hash == key.hash() && _PyUnicode_Equal(entry->me_key, key.object()))) {
        PyObject** value = dict->ma_values != nullptr ? &dict->ma_values->values[index] : &entry->me_value;
        if (*value == nullptr) return {Match::Different, nullptr};
        return {Match::Equal, value};
      }
    }
    perturb >>= kPerturbShift;
    slot = (slot * 5 + perturb + 1) & mask;
  }
}

/// Searches a dict. A key has object(), hash(), and compare() with another one of its hash; of a string that never says
/// Unknown.
template <class Key>
DictPlace findInDict(PyDictObject* dict, Key key) {
  PyDictKeysObject* keys = dict->ma_keys;
  if (!DK_IS_UNICODE(keys)) {
    constexpr int kBits8 = 8;
    if (keys->dk_log2_size >= kBits8) return findAmongAny(keys, key, [&](size_t slot) { return entryAt(keys, slot); });
    const auto* indices = reinterpret_cast<const int8_t*>(keys->dk_indices);
    return findAmongAny(keys, key, [&](size_t slot) { return Py_ssize_t{indices[slot]}; });
  }
  if (PyUnicode_CheckExact(key.object())) return findAmongStrings(dict, key);
  // Strings are compared with bytes of their hash, too, and that may give a warning.
  const bool mayRunCode = PyUnicode_Check(key.object()) || (PyBytes_CheckExact(key.object()) && dict->ma_used != 0);
  return {mayRunCode ? Match::Unknown : Match::Different, nullptr};
}

/// The same for a set.
template <class Key>
Match findInSet(PySetObject* set, const Key& key) {
  constexpr size_t kLinearProbes = 9;
  const auto mask = static_cast<size_t>(set->mask);
  auto perturb = static_cast<size_t>(key.hash());
  for (size_t slot = perturb & mask;;) {
    const setentry* entry = &set->table[slot];
    const size_t more = slot + kLinearProbes <= mask ? kLinearProbes : 0;
    for (size_t i = 0; i <= more; ++i, ++entry) {
      if (entry->key == nullptr && entry->hash == 0) return Match::Different;
      if (entry->hash != key.hash() || entry->key == nullptr) continue;
      const Match match = entry->key == key.object() ? Match::Equal : key.compare(entry->key);
      if (match != Match::Different) return match;
    }
    perturb >>= kPerturbShift;
    slot = (slot * 5 + 1 + perturb) & mask;
  }
}

/// Puts the hash of a tuple together from those of its items, as CPython's tuplehash() does.
class TupleHash {
 public:
  /// What an item with that hash adds.
  static constexpr Py_uhash_t lane(Py_hash_t item) { return static_cast<Py_uhash_t>(item) * 14029467366897019727U; }
  void add(Py_hash_t item) { addLane(lane(item)); }
  void addLane(Py_uhash_t lane) {
    constexpr int kRotation = 31;
    sum_ = std::rotl(sum_ + lane, kRotation) * 11400714785074694791U;
  }
  Py_hash_t of(Py_ssize_t count) const {
    const Py_uhash_t hash = sum_ + (static_cast<Py_uhash_t>(count) ^ (kStart ^ 3527539U));
    return hash == static_cast<Py_uhash_t>(-1) ? 1546275796 : static_cast<Py_hash_t>(hash);
  }

 private:
  static constexpr Py_uhash_t kStart = 2870177450012600261U;
  Py_uhash_t sum_ = kStart;
};

/// The hash of an int of one digit, which is less than the modulus.
inline constexpr Py_hash_t hashOfCompact(Py_ssize_t value) {
  return value == -1 ? -2 : value;
}

/// The same for two digits at most, which are less than the modulus, too.
inline constexpr uintptr_t kTwoDigits = 2;
inline bool hasTwoDigits(const PyLongObject* object) {
  return object->long_value.lv_tag >> _PyLong_NON_SIZE_BITS <= kTwoDigits;
}
inline Py_hash_t hashOfTwoDigits(const PyLongObject* object) {
  const uintptr_t tag = object->long_value.lv_tag;
  const digit* digits = object->long_value.ob_digit;
  Py_ssize_t value = digits[0];
  if (tag >> _PyLong_NON_SIZE_BITS == kTwoDigits) value |= static_cast<Py_ssize_t>(digits[1]) << PyLong_SHIFT;
  return hashOfCompact((tag & _PyLong_SIGN_MASK) == 2 ? -value : value);
}

/// The hash of an object that has none of its own.
inline Py_hash_t hashOfIdentity(const PyObject* object) {
  constexpr int kAlignmentBits = 4;
  const auto hash = static_cast<Py_hash_t>(std::rotr(reinterpret_cast<uintptr_t>(object), kAlignmentBits));
  return hash == -1 ? -2 : hash;
}

/// An empty list with the room that list() begins with for an iterator that does not tell its length; NULL: no memory.
PyObject* newCollectedList();

/// What list() does with it when the iterator is exhausted: sys.getsizeof() tells how much room is left.
void trimCollectedList(PyListObject* list);

/// True if tuples, ints and objects are hashed as above.
bool hashesAreAsExpected();

/// True if somebody is told of changes. Telling watchers is CPython's own business: it does not export how.
inline bool isWatched(const PyDictObject* dict) {
  return (dict->ma_version_tag & DICT_WATCHER_MASK) != 0;
}

/// True if nobody but a dict watcher (its id, or -1) is told of changes.
inline bool isWatchedOnlyBy(const PyDictObject* dict, int watcher) {
  const uint64_t others = watcher >= 0 ? ~(uint64_t{1} << static_cast<unsigned>(watcher)) : ~uint64_t{0};
  return (dict->ma_version_tag & DICT_WATCHER_MASK & others) == 0;
}

/// Has the collector look at a dict that gets its first value that it may have to look at.
inline void trackFor(PyDictObject* dict, PyObject* value) {
  if (!_PyObject_GC_IS_TRACKED(dict) && _PyObject_GC_MAY_BE_TRACKED(value)) PyObject_GC_Track(dict);
}

/// Puts a new reference in the place of a value of a dict that nobody watches, and returns the old one. `version` is
/// the interpreter's last version of a dict.
inline PyObject* replaceValue(PyDictObject* dict, PyObject** place, PyObject* value, uint64_t* version) {
  PyObject* old = std::exchange(*place, Py_NewRef(value));
  trackFor(dict, value);
  *version += DICT_VERSION_INCREMENT;
  dict->ma_version_tag = *version | (dict->ma_version_tag & DICT_WATCHER_AND_MODIFICATION_MASK);
  return old;
}

}  // namespace martlet::vm::port
