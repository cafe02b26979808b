// SPDX-License-Identifier: MIT
// Helpers: generic subscripts. Must not know: HIR, LLVM.
#include "vm/runtime/class_functions.h"
#include "vm/runtime/held.h"
#include "vm/runtime/leave.h"
#include "vm/runtime/quiet_keys.h"
#include "vm/runtime/runtime.h"
#include "vm/runtime/singletons.h"

using namespace martlet::vm;

namespace {

/// True if an object is of a class derived from `base`, which has that flag, and finds items as that does. It may have
/// more to say about those that are not there (a dict).
bool findsAs(PyObject* object, const PyTypeObject& base, unsigned long flag) {
  return PyType_HasFeature(Py_TYPE(object), flag) &&
         Py_TYPE(object)->tp_as_mapping->mp_subscript == base.tp_as_mapping->mp_subscript;
}

bool storesAsDict(PyObject* object) {
  return PyDict_Check(object) &&
         Py_TYPE(object)->tp_as_mapping->mp_ass_subscript == PyDict_Type.tp_as_mapping->mp_ass_subscript;
}

/// The item of a list or tuple, or of an instance of a class derived from one that is indexed as these are (a
/// namedtuple); NULL, and nothing has happened, where it is none or not there.
PyObject* presentItem(PyObject* sequence, PyObject* key) {
  if (!isCompactLong(key)) return nullptr;
  PyObject* const* items = nullptr;
  if (findsAs(sequence, PyTuple_Type, Py_TPFLAGS_TUPLE_SUBCLASS)) {
    items = reinterpret_cast<PyTupleObject*>(sequence)->ob_item;
  } else if (findsAs(sequence, PyList_Type, Py_TPFLAGS_LIST_SUBCLASS)) {
    items = reinterpret_cast<PyListObject*>(sequence)->ob_item;
  } else {
    return nullptr;
  }
  const auto size = static_cast<size_t>(Py_SIZE(sequence)), place = wrapped(compactValue(key), size);
  return place < size ? Py_NewRef(items[place]) : nullptr;
}

/// The value of a key that runs no code; NULL, and nothing has happened, where it is none or not there.
PyObject* presentValue(PyObject* dict, PyObject* key) {
  const QuietKey quiet(key);
  if (!quiet.isQuiet()) return nullptr;
  const port::DictPlace place = port::findInDict(reinterpret_cast<PyDictObject*>(dict), quiet);
  return place.match == port::Match::Equal ? Py_NewRef(*place.value) : nullptr;
}

int storeInDict(PyObject* dict, PyObject* key, PyObject* value) {
  const Py_hash_t hash = plainHash(key);
  return hash != -1 ? _PyDict_SetItem_KnownHash(dict, key, value, hash) : PyDict_SetItem(dict, key, value);
}

}  // namespace

extern "C" {

PyObject* rt_present_item(PyObject* container, PyObject* key) {
  if (findsAs(container, PyDict_Type, Py_TPFLAGS_DICT_SUBCLASS)) return presentValue(container, key);
  return presentItem(container, key);
}

PyObject* rt_subscr(PyThreadState* tstate, int64_t borrowed, PyObject* container, PyObject* key) {
  if (PyObject* item = rt_present_item(container, key)) return item;
  if (PyObject* function = ofClass(container, martlet_singletons.dunderGetitem)) {
    return leaveChecked(
        tstate, holding(borrowed, {container, key}, [&] { return callOfClass(tstate, function, {container, key}); }));
  }
  return leaveChecked(tstate, holding(borrowed, {container, key}, [&] { return PyObject_GetItem(container, key); }));
}

PyObject* rt_subscr_dict(PyThreadState* tstate, int64_t borrowed, PyObject* container, PyObject* key) {
  if (!PyDict_CheckExact(container)) return rt_subscr(tstate, borrowed, container, key);
  PyObject* value = nullptr;
  if (holding(borrowed, {container, key}, [&] { return PyDict_GetItemRef(container, key, &value); }) == 0)
    _PyErr_SetKeyError(key);
  return leaveChecked(tstate, value);
}

int rt_store_subscr(PyThreadState* tstate, int64_t borrowed, PyObject* container, PyObject* key, PyObject* value) {
  return leaveChecked(tstate, holding(borrowed, {container, key, value}, [&] {
                        if (storesAsDict(container)) return storeInDict(container, key, value);
                        PyObject* function = ofClass(container, martlet_singletons.dunderSetitem);
                        if (function == nullptr) return PyObject_SetItem(container, key, value);
                        PyObject* result = callOfClass(tstate, function, {container, key, value});
                        Py_XDECREF(result);
                        return result != nullptr ? 0 : -1;
                      }));
}

int rt_store_subscr_dict(PyThreadState* tstate, int64_t borrowed, PyObject* container, PyObject* key, PyObject* value) {
  if (!PyDict_CheckExact(container)) return rt_store_subscr(tstate, borrowed, container, key, value);
  // PyDict_SetItem holds key and value as long as the interpreter does, which gives its own references away there.
  return leaveChecked(tstate, holding(borrowed, {container}, [&] { return storeInDict(container, key, value); }));
}

int rt_delete_subscr(PyThreadState* tstate, int64_t borrowed, PyObject* container, PyObject* key) {
  return leaveChecked(tstate, holding(borrowed, {container, key}, [&] { return PyObject_DelItem(container, key); }));
}

}  // extern "C"
