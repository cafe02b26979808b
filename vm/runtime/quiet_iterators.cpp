// SPDX-License-Identifier: MIT
// Helpers: the next item of built-in iterators, where getting it runs no Python code. Owns: the fields of those whose
// structures no header of CPython has. Must not know: HIR, LLVM.
#include "vm/runtime/leave.h"
#include "vm/runtime/quiet_keys.h"
#include "vm/runtime/site_cache.h"

using namespace martlet::vm;

namespace {

struct DictIterator {
  PyObject base;
  PyDictObject* dict;
  Py_ssize_t used, position;
  PyObject* pair;  ///< of an iterator of items: the last one, made use of again
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

enum State { AtEnd, HasItem, Unknown };

template <class T>
T* as(PyObject* iterator) {
  return reinterpret_cast<T*>(iterator);
}

/// Whether the iterator may replace the items of the tuple that it gave last. It makes another one where that is in
/// use.
bool mayReplaceItems(PyObject* tuple) {
  if (tuple == nullptr || Py_REFCNT(tuple) != 1) return true;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple); ++i) {
    PyObject* item = PyTuple_GET_ITEM(tuple, i);
    if (item != nullptr && !isPlainRelease(item)) return false;
  }
  return true;
}

State stateOfDict(const DictIterator& it) {
  PyDictObject* dict = it.dict;
  if (dict == nullptr) return AtEnd;
  if (it.used != dict->ma_used) return Unknown;  // an error
  if (dict->ma_values != nullptr) return it.position < dict->ma_used ? HasItem : AtEnd;
  PyDictKeysObject* keys = dict->ma_keys;
  const bool isUnicode = DK_IS_UNICODE(keys);
  for (Py_ssize_t i = it.position; i < keys->dk_nentries; ++i) {
    const PyObject* value = isUnicode ? DK_UNICODE_ENTRIES(keys)[i].me_value : DK_ENTRIES(keys)[i].me_value;
    if (value != nullptr) return it.left > 0 ? HasItem : Unknown;
  }
  return AtEnd;
}

State stateOfSet(const SetIterator& it) {
  const PySetObject* set = it.set;
  if (set == nullptr) return AtEnd;
  if (it.used != set->used) return Unknown;
  for (Py_ssize_t i = it.position; i <= set->mask; ++i) {
    // A removed element has a key of its own, and this hash.
    if (set->table[i].key != nullptr && set->table[i].hash != -1) return HasItem;
  }
  return AtEnd;
}

/// Iterators of one object that is let go at the end.
State stateOfSingle(PyObject* iterator) {
  const PyTypeObject* type = Py_TYPE(iterator);
  if (type == &PyListIter_Type) return rt_list_has_next(iterator) ? HasItem : AtEnd;
  if (type == &PyTupleIter_Type) return rt_tuple_has_next(iterator) ? HasItem : AtEnd;
  if (type == &PyRangeIter_Type) return rt_range_field(iterator, 1) > 0 ? HasItem : AtEnd;
  if (type == &PyDictIterKey_Type || type == &PyDictIterValue_Type) return stateOfDict(*as<DictIterator>(iterator));
  if (type == &PySetIter_Type) return stateOfSet(*as<SetIterator>(iterator));
  if (type == &PyListRevIter_Type) {
    const auto& it = *as<ReverseIterator>(iterator);
    return it.list != nullptr && it.index >= 0 && it.index < PyList_GET_SIZE(it.list) ? HasItem : AtEnd;
  }
  return Unknown;
}

/// Strings and bytes may be let go at any time.
bool isOfText(const PyTypeObject* type) {
  return type == &PyUnicodeIter_Type || type == martlet_singletons.asciiIterator || type == &PyBytesIter_Type ||
         type == &PyByteArrayIter_Type;
}

/// zip() asks one after the other: the first one that has no more ends it.
State stateOfZip(const Zip& zip) {
  if (zip.count == 0) return AtEnd;
  for (Py_ssize_t i = 0; i < zip.count; ++i) {
    const State state = stateOfSingle(PyTuple_GET_ITEM(zip.iterators, i));
    if (state != HasItem) return i == 0 ? state : Unknown;
  }
  return mayReplaceItems(zip.last) ? HasItem : Unknown;
}

State stateOf(PyObject* iterator) {
  const PyTypeObject* type = Py_TYPE(iterator);
  if (type == &PyDictIterItem_Type) {
    const auto& it = *as<DictIterator>(iterator);
    const State state = stateOfDict(it);
    return state != HasItem || mayReplaceItems(it.pair) ? state : Unknown;
  }
  if (type == &PyEnum_Type) {
    const auto& it = *as<Enumeration>(iterator);
    const State state = it.index < PY_SSIZE_T_MAX ? stateOfSingle(it.iterator) : Unknown;
    return state != HasItem || mayReplaceItems(it.pair) ? state : Unknown;
  }
  if (type == &PyZip_Type) return stateOfZip(*as<Zip>(iterator));
  return isOfText(type) ? HasItem : stateOfSingle(iterator);
}

bool isQuiet(PyObject* iterator) {
  const PyTypeObject* type = Py_TYPE(iterator);
  if (type == &PyEnum_Type) return stateOfSingle(as<Enumeration>(iterator)->iterator) != Unknown;
  if (type == &PyZip_Type) {
    PyObject* iterators = as<Zip>(iterator)->iterators;
    for (Py_ssize_t i = 0; i < as<Zip>(iterator)->count; ++i) {
      if (stateOfSingle(PyTuple_GET_ITEM(iterators, i)) == Unknown) return false;
    }
    return true;
  }
  return type == &PyDictIterItem_Type || type == &PyDictIterKey_Type || type == &PyDictIterValue_Type ||
         type == &PySetIter_Type || type == &PyListRevIter_Type || isOfText(type);
}

}  // namespace

extern "C" {

int rt_for_iter_quiet(PyObject* iterator, PyObject** outputs) {
  outputs[0] = nullptr;
  const State state = stateOf(iterator);
  if (state == Unknown) {
    letInterpreterDoIt();
    return -1;
  }
  if (state == AtEnd) return 0;
  outputs[0] = Py_TYPE(iterator)->tp_iternext(iterator);
  if (outputs[0] != nullptr) return 1;
  return PyErr_Occurred() == nullptr ? 0 : -1;
}

bool rt_iterator_unlearned(PyObject* iterator, SiteCache* cache) {
  return recordIterator(cache, isQuiet(iterator));
}

}  // extern "C"
