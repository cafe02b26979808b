// SPDX-License-Identifier: MIT
// Helpers: the next item of built-in iterators, where getting it runs no Python code. Must not know: HIR, LLVM.
#include <algorithm>

#include "vm/cpython_3_13/iterators.h"
#include "vm/runtime/leave.h"
#include "vm/runtime/quiet_keys.h"
#include "vm/runtime/site_cache.h"

using namespace martlet::vm;
using port::Next;

namespace {

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

/// Iterators of one object that is let go at the end.
Next nextOfSingle(PyObject* iterator) {
  const PyTypeObject* type = Py_TYPE(iterator);
  if (type == &PyListIter_Type) return rt_list_has_next(iterator) ? Next::Item : Next::End;
  if (type == &PyTupleIter_Type) return rt_tuple_has_next(iterator) ? Next::Item : Next::End;
  if (type == &PyRangeIter_Type) return rt_range_field(iterator, 1) > 0 ? Next::Item : Next::End;
  if (type == &PyDictIterKey_Type || type == &PyDictIterValue_Type) return port::nextOfDict(iterator);
  if (type == &PySetIter_Type) return port::nextOfSet(iterator);
  return type == &PyListRevIter_Type ? port::nextOfReversed(iterator) : Next::Unknown;
}

/// Strings and bytes may be let go at any time.
bool isOfText(const PyTypeObject* type) {
  return type == &PyUnicodeIter_Type || type == martlet_singletons.asciiIterator || type == &PyBytesIter_Type ||
         type == &PyByteArrayIter_Type;
}

/// zip() asks one after the other: the first one that has no more ends it.
Next nextOfSources(PyObject* iterator) {
  const port::Sources sources = port::sourcesOf(iterator);
  for (Py_ssize_t i = 0; i < sources.count; ++i) {
    const Next next = nextOfSingle(sources.iterators[i]);
    if (next != Next::Item) return i == 0 ? next : Next::Unknown;
  }
  return sources.count != 0 ? Next::Item : Next::End;
}

Next nextOf(PyObject* iterator) {
  const PyTypeObject* type = Py_TYPE(iterator);
  if (isOfText(type)) return Next::Item;
  const bool isEnumeration = type == &PyEnum_Type;
  if (!isEnumeration && type != &PyZip_Type && type != &PyDictIterItem_Type) return nextOfSingle(iterator);
  if (isEnumeration && !port::countsInWord(iterator)) return Next::Unknown;
  const Next next = type == &PyDictIterItem_Type ? port::nextOfDict(iterator) : nextOfSources(iterator);
  return next != Next::Item || mayReplaceItems(port::tupleToReplace(iterator)) ? next : Next::Unknown;
}

bool isQuiet(PyObject* iterator) {
  const PyTypeObject* type = Py_TYPE(iterator);
  if (type == &PyEnum_Type || type == &PyZip_Type) {
    const port::Sources sources = port::sourcesOf(iterator);
    return std::all_of(sources.iterators, sources.iterators + sources.count,
                       [](PyObject* source) { return nextOfSingle(source) != Next::Unknown; });
  }
  return type == &PyDictIterItem_Type || type == &PyDictIterKey_Type || type == &PyDictIterValue_Type ||
         type == &PySetIter_Type || type == &PyListRevIter_Type || isOfText(type);
}

}  // namespace

extern "C" {

int rt_for_iter_quiet(PyObject* iterator, PyObject** outputs) {
  outputs[0] = nullptr;
  const Next next = nextOf(iterator);
  if (next == Next::Unknown) {
    letInterpreterDoIt();
    return -1;
  }
  if (next == Next::End) return 0;
  outputs[0] = Py_TYPE(iterator)->tp_iternext(iterator);
  if (outputs[0] != nullptr) return 1;
  return PyErr_Occurred() == nullptr ? 0 : -1;
}

bool rt_iterator_unlearned(PyObject* iterator, SiteCache* cache) {
  return recordIterator(cache, isQuiet(iterator));
}

}  // extern "C"
