// SPDX-License-Identifier: MIT
// Helpers: dicts, sets and membership, where keys run no code. Must not know: HIR, LLVM.
#include <utility>

#include "vm/runtime/leave.h"
#include "vm/runtime/quiet_keys.h"

using namespace martlet::vm;

namespace martlet::vm {
namespace {

/// The entry that a slot of a dict's hash table refers to.
Py_ssize_t entryAt(const PyDictKeysObject* keys, size_t slot) {
  constexpr int kBits8 = 8, kBits16 = 16, kBits32 = 32;
  const int log2 = keys->dk_log2_size;
  if (log2 < kBits8) return reinterpret_cast<const int8_t*>(keys->dk_indices)[slot];
  if (log2 < kBits16) return reinterpret_cast<const int16_t*>(keys->dk_indices)[slot];
  if (log2 < kBits32) return reinterpret_cast<const int32_t*>(keys->dk_indices)[slot];
  return static_cast<Py_ssize_t>(reinterpret_cast<const int64_t*>(keys->dk_indices)[slot]);
}

constexpr int kPerturbShift = 5;

}  // namespace

// As CPython's lookups.
DictPlace findInDict(PyDictObject* dict, const QuietKey& key) {
  PyDictKeysObject* keys = dict->ma_keys;
  const bool isUnicode = DK_IS_UNICODE(keys);
  if (isUnicode && !PyUnicode_CheckExact(key.object())) {
    return {PyUnicode_Check(key.object()) ? QuietKey::Unknown : QuietKey::Different, nullptr};
  }
  const size_t mask = static_cast<size_t>(DK_SIZE(keys)) - 1;
  auto perturb = static_cast<size_t>(key.hash());
  for (size_t slot = perturb & mask;;) {
    const Py_ssize_t index = entryAt(keys, slot);
    if (index == DKIX_EMPTY) return {QuietKey::Different, nullptr};
    if (index >= 0 && isUnicode) {
      PyDictUnicodeEntry* entry = &DK_UNICODE_ENTRIES(keys)[index];
      const Py_hash_t hash = reinterpret_cast<PyASCIIObject*>(entry->me_key)->hash;
      if (entry->me_key == key.object() || (hash == key.hash() && _PyUnicode_Equal(entry->me_key, key.object()))) {
        PyObject** value = dict->ma_values != nullptr ? &dict->ma_values->values[index] : &entry->me_value;
        if (*value == nullptr) return {QuietKey::Different, nullptr};
        return {QuietKey::Equal, value};
      }
    } else if (index >= 0) {
      PyDictKeyEntry* entry = &DK_ENTRIES(keys)[index];
      const QuietKey::Answer answer = key.compare(entry->me_key, entry->me_hash);
      if (answer != QuietKey::Different) return {answer, &entry->me_value};
    }
    perturb >>= kPerturbShift;
    slot = (slot * 5 + perturb + 1) & mask;
  }
}

QuietKey::Answer findInSet(PySetObject* set, const QuietKey& key) {
  constexpr size_t kLinearProbes = 9;
  const auto mask = static_cast<size_t>(set->mask);
  auto perturb = static_cast<size_t>(key.hash());
  for (size_t slot = perturb & mask;;) {
    const setentry* entry = &set->table[slot];
    const size_t more = slot + kLinearProbes <= mask ? kLinearProbes : 0;
    for (size_t i = 0; i <= more; ++i, ++entry) {
      if (entry->key == nullptr && entry->hash == 0) return QuietKey::Different;
      if (entry->hash != key.hash() || entry->key == nullptr) continue;
      const QuietKey::Answer answer = key.compare(entry->key, entry->hash);
      if (answer != QuietKey::Different) return answer;
    }
    perturb >>= kPerturbShift;
    slot = (slot * 5 + 1 + perturb) & mask;
  }
}

namespace {

PyDictObject* asDict(PyObject* object) {
  return reinterpret_cast<PyDictObject*>(object);
}

/// Where a key of an exact dict is; Unknown also for anything else.
DictPlace find(PyObject* dict, const QuietKey& key) {
  if (!PyDict_CheckExact(dict) || !key.isQuiet()) return {QuietKey::Unknown, nullptr};
  return findInDict(asDict(dict), key);
}

/// The same for a dict that is to be changed: watchers are foreign code, and some of a split table's are its objects'.
DictPlace findToChange(PyObject* dict, const QuietKey& key) {
  if (!PyDict_CheckExact(dict) || !key.isQuiet()) return {QuietKey::Unknown, nullptr};
  const bool isPlain = (asDict(dict)->ma_version_tag & DICT_WATCHER_MASK) == 0 && asDict(dict)->ma_values == nullptr;
  return isPlain && martlet_singletons.dictVersion != nullptr ? findInDict(asDict(dict), key)
                                                              : DictPlace{QuietKey::Unknown, nullptr};
}

void replaceValue(PyDictObject* dict, PyObject** place, PyObject* value) {
  *place = Py_NewRef(value);
  if (!_PyObject_GC_IS_TRACKED(dict) && _PyObject_GC_MAY_BE_TRACKED(value)) PyObject_GC_Track(dict);
  *martlet_singletons.dictVersion += DICT_VERSION_INCREMENT;
  dict->ma_version_tag = *martlet_singletons.dictVersion | (dict->ma_version_tag & DICT_WATCHER_AND_MODIFICATION_MASK);
}

/// Membership in a list or tuple: 1, 0, or -1 where a comparison may run code.
int isAmong(PyObject* const* items, Py_ssize_t count, PyObject* object) {
  const bool isPlain = isScalar(object), isIdentity = !isPlain && isIdentityKey(object);
  for (Py_ssize_t i = 0; i < count; ++i) {
    if (items[i] == object) return 1;
    const bool otherIsPlain = isScalar(items[i]);
    if (otherIsPlain && isPlain) {
      if (PyObject_RichCompareBool(items[i], object, Py_EQ) != 0) return 1;
    } else if ((!isPlain && !isIdentity) || (!otherIsPlain && !isIdentityKey(items[i]))) {
      return -1;
    }
  }
  return 0;
}

/// As isAmong(), for any container.
int contains(PyObject* container, PyObject* item) {
  if (PyDict_CheckExact(container) || PyAnySet_CheckExact(container)) {
    const QuietKey key(item);
    if (!key.isQuiet()) return -1;
    const QuietKey::Answer answer = PyDict_CheckExact(container)
                                        ? findInDict(asDict(container), key).answer
                                        : findInSet(reinterpret_cast<PySetObject*>(container), key);
    return answer == QuietKey::Unknown ? -1 : static_cast<int>(answer == QuietKey::Equal);
  }
  if (PyTuple_CheckExact(container)) {
    return isAmong(reinterpret_cast<PyTupleObject*>(container)->ob_item, PyTuple_GET_SIZE(container), item);
  }
  if (PyList_CheckExact(container)) {
    return isAmong(reinterpret_cast<PyListObject*>(container)->ob_item, PyList_GET_SIZE(container), item);
  }
  if (PyUnicode_CheckExact(container) && PyUnicode_CheckExact(item)) return PyUnicode_Contains(container, item);
  return -1;
}

}  // namespace
}  // namespace martlet::vm

extern "C" {

bool rt_contains_quiet(PyObject* item, PyObject* container, int64_t* result) {
  const int answer = contains(container, item);
  *result = answer == 1;
  return answer >= 0;
}

PyObject* rt_dict_item(PyObject* dict, PyObject* key) {
  const DictPlace place = find(dict, QuietKey(key));
  if (place.answer == QuietKey::Equal) return Py_NewRef(*place.value);
  if (place.answer == QuietKey::Unknown) return letInterpreterDoIt();
  _PyErr_SetKeyError(key);
  return nullptr;
}

int rt_dict_store(PyObject* dict, PyObject* key, PyObject* value, PyObject** outputs) {
  outputs[0] = nullptr;
  const QuietKey quiet(key);
  const DictPlace place = findToChange(dict, quiet);
  if (place.answer == QuietKey::Equal) {
    outputs[0] = *place.value;
    replaceValue(asDict(dict), place.value, value);
    return 0;
  }
  if (place.answer == QuietKey::Different) return _PyDict_SetItem_KnownHash(dict, key, value, quiet.hash());
  letInterpreterDoIt();
  return -1;
}

PyObject* rt_dict_get(PyObject* dict, PyObject* key, PyObject* otherwise) {
  const DictPlace place = find(dict, QuietKey(key));
  if (place.answer == QuietKey::Unknown) return letInterpreterDoIt();
  return Py_NewRef(place.answer == QuietKey::Equal ? *place.value : otherwise);
}

PyObject* rt_dict_setdefault(PyObject* dict, PyObject* key, PyObject* otherwise) {
  const QuietKey quiet(key);
  const DictPlace place = findToChange(dict, quiet);
  if (place.answer == QuietKey::Equal) return Py_NewRef(*place.value);
  if (place.answer == QuietKey::Unknown) return letInterpreterDoIt();
  return _PyDict_SetItem_KnownHash(dict, key, otherwise, quiet.hash()) == 0 ? Py_NewRef(otherwise) : nullptr;
}

PyObject* rt_dict_pop(PyObject* dict, PyObject* key, PyObject* otherwise) {
  const DictPlace place = findToChange(dict, QuietKey(key));
  if (place.answer == QuietKey::Unknown) return letInterpreterDoIt();
  PyObject* value = nullptr;
  if (place.answer == QuietKey::Equal) {
    if (PyDict_Pop(dict, key, &value) < 0) return nullptr;
    return value;
  }
  if (otherwise != nullptr) return Py_NewRef(otherwise);
  _PyErr_SetKeyError(key);
  return nullptr;
}

int rt_set_add_quiet(PyObject* set, PyObject* key) {
  const QuietKey quiet(key);
  const bool isKnown = PySet_CheckExact(set) && quiet.isQuiet();
  switch (isKnown ? findInSet(reinterpret_cast<PySetObject*>(set), quiet) : QuietKey::Unknown) {
  case QuietKey::Equal: return 0;
  case QuietKey::Different: return PySet_Add(set, key);
  case QuietKey::Unknown: break;
  }
  letInterpreterDoIt();
  return -1;
}

int rt_set_discard_quiet(PyObject* set, PyObject* key, int64_t isExpected) {
  const QuietKey quiet(key);
  const bool isKnown = PySet_CheckExact(set) && quiet.isQuiet();
  const QuietKey::Answer answer = isKnown ? findInSet(reinterpret_cast<PySetObject*>(set), quiet) : QuietKey::Unknown;
  if (answer == QuietKey::Equal) return PySet_Discard(set, key) < 0 ? -1 : 0;
  if (answer == QuietKey::Different) {
    if (isExpected == 0) return 0;
    _PyErr_SetKeyError(key);
    return -1;
  }
  letInterpreterDoIt();
  return -1;
}

}  // extern "C"
