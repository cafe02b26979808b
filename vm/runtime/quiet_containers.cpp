// SPDX-License-Identifier: MIT
// Helpers: dicts, sets and membership, where keys run no code. Must not know: HIR, LLVM.
#include "vm/runtime/leave.h"
#include "vm/runtime/quiet_keys.h"

using namespace martlet::vm;
using port::DictPlace, port::Match;

namespace {

PyDictObject* asDict(PyObject* object) {
  return reinterpret_cast<PyDictObject*>(object);
}

/// Where a key of an exact dict is; Unknown also for anything else.
DictPlace find(PyObject* dict, const QuietKey& key) {
  if (!PyDict_CheckExact(dict) || !key.isQuiet()) return {Match::Unknown, nullptr};
  return port::findInDict(asDict(dict), key);
}

/// The same for a dict that is to be changed: watchers are foreign code, and some of a split table's are its objects'.
DictPlace findToChange(PyObject* dict, const QuietKey& key) {
  const bool isPlain = PyDict_CheckExact(dict) && !port::isWatched(asDict(dict)) && asDict(dict)->ma_values == nullptr;
  return isPlain && martlet_singletons.dictVersion != nullptr ? find(dict, key) : DictPlace{Match::Unknown, nullptr};
}

/// As find(), in a set.
Match findInSet(PyObject* set, const QuietKey& key) {
  return key.isQuiet() ? port::findInSet(reinterpret_cast<PySetObject*>(set), key) : Match::Unknown;
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
    const Match match = PyDict_CheckExact(container) ? find(container, key).match : findInSet(container, key);
    return match == Match::Unknown ? -1 : static_cast<int>(match == Match::Equal);
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

extern "C" {

bool rt_contains_quiet(PyObject* item, PyObject* container, int64_t* result) {
  const int answer = contains(container, item);
  *result = answer == 1;
  return answer >= 0;
}

PyObject* rt_dict_item(PyObject* dict, PyObject* key) {
  const DictPlace place = find(dict, QuietKey(key));
  return place.match == Match::Equal ? Py_NewRef(*place.value) : nullptr;
}

bool rt_dict_store(PyObject* dict, PyObject* key, PyObject* value, PyObject** outputs) {
  outputs[0] = nullptr;
  const QuietKey quiet(key);
  const DictPlace place = findToChange(dict, quiet);
  if (place.match == Match::Equal) {
    outputs[0] = port::replaceValue(asDict(dict), place.value, value, martlet_singletons.dictVersion);
    return true;
  }
  if (place.match == Match::Unknown) return false;
  if (_PyDict_SetItem_KnownHash(dict, key, value, quiet.hash()) == 0) return true;
  PyErr_Clear();  // no memory
  return false;
}

PyObject* rt_dict_get(PyObject* dict, PyObject* key, PyObject* otherwise) {
  const DictPlace place = find(dict, QuietKey(key));
  if (place.match == Match::Unknown) return letInterpreterDoIt();
  return Py_NewRef(place.match == Match::Equal ? *place.value : otherwise);
}

PyObject* rt_dict_setdefault(PyObject* dict, PyObject* key, PyObject* otherwise) {
  const QuietKey quiet(key);
  const DictPlace place = findToChange(dict, quiet);
  if (place.match == Match::Equal) return Py_NewRef(*place.value);
  if (place.match == Match::Unknown) return letInterpreterDoIt();
  return _PyDict_SetItem_KnownHash(dict, key, otherwise, quiet.hash()) == 0 ? Py_NewRef(otherwise) : nullptr;
}

PyObject* rt_dict_pop(PyObject* dict, PyObject* key, PyObject* otherwise) {
  const DictPlace place = findToChange(dict, QuietKey(key));
  if (place.match == Match::Unknown) return letInterpreterDoIt();
  PyObject* value = nullptr;
  if (place.match == Match::Equal) {
    if (PyDict_Pop(dict, key, &value) < 0) return nullptr;
    return value;
  }
  if (otherwise != nullptr) return Py_NewRef(otherwise);
  _PyErr_SetKeyError(key);
  return nullptr;
}

int rt_set_add_quiet(PyObject* set, PyObject* key) {
  const QuietKey quiet(key);
  switch (PySet_CheckExact(set) ? findInSet(set, quiet) : Match::Unknown) {
  case Match::Equal: return 0;
  case Match::Different: return PySet_Add(set, key);
  case Match::Unknown: break;
  }
  letInterpreterDoIt();
  return -1;
}

int rt_set_discard_quiet(PyObject* set, PyObject* key, int64_t isExpected) {
  const QuietKey quiet(key);
  const Match match = PySet_CheckExact(set) ? findInSet(set, quiet) : Match::Unknown;
  if (match == Match::Equal) return PySet_Discard(set, key) < 0 ? -1 : 0;
  if (match == Match::Different) {
    if (isExpected == 0) return 0;
    _PyErr_SetKeyError(key);
    return -1;
  }
  letInterpreterDoIt();
  return -1;
}

}  // extern "C"
