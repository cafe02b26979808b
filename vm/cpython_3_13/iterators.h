// SPDX-License-Identifier: MIT
// Built-in iterators of 3.13. Owns: the fields of those whose structures no header of CPython has, and what their next
// step comes to. Must not know: which objects run code when they go, HIR, LLVM.
#pragma once
#ifndef Py_BUILD_CORE
#define Py_BUILD_CORE 1
#endif
#include <Python.h>

#include <cstdint>

#include "internal/pycore_dict.h"

namespace martlet::vm::port {

struct DictIterator {
  PyObject base;
  PyDictObject* dict;
  Py_ssize_t used, position;
  PyObject* pair;  ///< of an iterator of items
  Py_ssize_t left;
};

struct SetIterator {
  PyObject base;
  PySetObject* set;
  Py_ssize_t used, position, left;
};

struct Enumeration {
  PyObject base;
  Py_ssize_t index;
  PyObject *iterator, *pair;
};

struct Zip {
  PyObject base;
  Py_ssize_t count;
  PyObject *iterators, *last;
};

struct ReverseIterator {
  PyObject base;
  Py_ssize_t index;
  PyListObject* list;
};

/// What an iterator has next. Unknown: an error, or what is not known here.
enum class Next : uint8_t { End, Item, Unknown };

inline Next nextOfDict(PyObject* iterator) {
  const auto* it = reinterpret_cast<DictIterator*>(iterator);
  const PyDictObject* dict = it->dict;
  if (dict == nullptr) return Next::End;
  if (it->used != dict->ma_used) return Next::Unknown;  // an error
  if (dict->ma_values != nullptr) return it->position < dict->ma_used ? Next::Item : Next::End;
  PyDictKeysObject* keys = dict->ma_keys;
  const bool isUnicode = DK_IS_UNICODE(keys);
  for (Py_ssize_t i = it->position; i < keys->dk_nentries; ++i) {
    const PyObject* value = isUnicode ? DK_UNICODE_ENTRIES(keys)[i].me_value : DK_ENTRIES(keys)[i].me_value;
    if (value != nullptr) return it->left > 0 ? Next::Item : Next::Unknown;
  }
  return Next::End;
}

inline Next nextOfSet(PyObject* iterator) {
  const auto* it = reinterpret_cast<SetIterator*>(iterator);
  const PySetObject* set = it->set;
  if (set == nullptr) return Next::End;
  if (it->used != set->used) return Next::Unknown;
  for (Py_ssize_t i = it->position; i <= set->mask; ++i) {
    // A removed element has a key of its own, and this hash.
    if (set->table[i].key != nullptr && set->table[i].hash != -1) return Next::Item;
  }
  return Next::End;
}

/// reversed() of a list.
inline Next nextOfReversed(PyObject* iterator) {
  const auto* it = reinterpret_cast<ReverseIterator*>(iterator);
  return it->list != nullptr && it->index >= 0 && it->index < PyList_GET_SIZE(it->list) ? Next::Item : Next::End;
}

/// The iterators that an exact enumerate or zip asks one after the other: the first one that has no more ends it.
struct Sources {
  PyObject* const* iterators;
  Py_ssize_t count;
};
inline Sources sourcesOf(PyObject* iterator) {
  if (Py_IS_TYPE(iterator, &PyEnum_Type)) return {&reinterpret_cast<Enumeration*>(iterator)->iterator, 1};
  const auto* zip = reinterpret_cast<Zip*>(iterator);
  return {reinterpret_cast<PyTupleObject*>(zip->iterators)->ob_item, zip->count};
}

/// True if an exact enumerate counts in a machine word.
inline bool countsInWord(PyObject* enumeration) {
  return reinterpret_cast<Enumeration*>(enumeration)->index < PY_SSIZE_T_MAX;
}

/// The tuple that an iterator of a dict's items, an exact enumerate or zip gave last, or NULL. Where nobody else has
/// it, its items are replaced, and it is given again.
inline PyObject* tupleToReplace(PyObject* iterator) {
  const PyTypeObject* type = Py_TYPE(iterator);
  if (type == &PyEnum_Type) return reinterpret_cast<Enumeration*>(iterator)->pair;
  return type == &PyZip_Type ? reinterpret_cast<Zip*>(iterator)->last : reinterpret_cast<DictIterator*>(iterator)->pair;
}

/// True if the structures above are those of the running CPython. False with an error set only where there is no
/// memory.
bool iteratorsAreAsExpected();

}  // namespace martlet::vm::port
