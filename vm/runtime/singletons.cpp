// SPDX-License-Identifier: MIT
#include "vm/runtime/singletons.h"

#include <algorithm>
#include <cstring>
#include <iterator>

#include "vm/cpython_3_13/array_layout.h"
#include "vm/cpython_3_13/containers.h"
#include "vm/cpython_3_13/iterators.h"
#include "vm/runtime/class_operators.h"

extern "C" {
martlet::vm::Singletons martlet_singletons;
}

namespace martlet::vm {
namespace {

_Py_float_freelist emptyFreelist;

bool fail(const char* what) {
  if (!PyErr_Occurred()) PyErr_Format(PyExc_RuntimeError, "martlet: unexpected layout of CPython: %s", what);
  return false;
}

bool findSmallInts(Singletons& out) {
  PyObject* zero = PyLong_FromLong(0);
  if (zero == nullptr) return false;
  auto* table = reinterpret_cast<PyLongObject*>(zero);
  Py_DECREF(zero);
  for (long i = -_PY_NSMALLNEGINTS; i < _PY_NSMALLPOSINTS; ++i) {
    PyObject* value = PyLong_FromLong(i);
    if (value == nullptr) return false;
    const bool expected = value == reinterpret_cast<PyObject*>(table + i);
    Py_DECREF(value);
    if (!expected) return fail("small ints");
  }
  out.smallInts = table;
  return true;
}

bool findAsciiStrings(Singletons& out) {
  const char* previous = nullptr;
  for (int c = 0; c < 128; ++c) {
    PyObject* text = PyUnicode_FromOrdinal(c);
    if (text == nullptr) return false;
    const char* place = reinterpret_cast<const char*>(text);
    Py_DECREF(text);
    if (c == 0) out.asciiStrings = place;
    if (c == 1) out.asciiStride = place - previous;
    if (c > 0 && place != previous + out.asciiStride) return fail("one-character strings");
    previous = place;
  }
  return true;
}

/// The free list is taken over only if it is seen to work: a float that dies must be found on it.
void findFloatFreelist(Singletons& out, PyInterpreterState* interp) {
  out.floatFreelist = &emptyFreelist;
  _Py_float_freelist* candidate = &interp->object_state.freelists.floats;
  PyObject* first = PyFloat_FromDouble(1.5);
  PyObject* second = PyFloat_FromDouble(2.5);
  Py_XDECREF(first);
  const bool sawFirst = candidate->items == reinterpret_cast<PyFloatObject*>(first);
  Py_XDECREF(second);
  const bool sawSecond = candidate->items == reinterpret_cast<PyFloatObject*>(second);
  if (first != nullptr && second != nullptr && sawFirst && sawSecond) out.floatFreelist = candidate;
  PyErr_Clear();
}

void findDictVersion(Singletons& out, PyInterpreterState* interp) {
  uint64_t* candidate = &interp->dict_state.global_version;
  PyObject* dict = PyDict_New();
  if (dict == nullptr || PyDict_SetItem(dict, Py_None, Py_None) < 0) {
    PyErr_Clear();
  } else {
    const uint64_t version = reinterpret_cast<PyDictObject*>(dict)->ma_version_tag;
    if ((version & ~static_cast<uint64_t>(DICT_WATCHER_AND_MODIFICATION_MASK)) == *candidate) {
      out.dictVersion = candidate;
      out.nextKeysVersion = &interp->dict_state.next_keys_version;
    }
  }
  Py_XDECREF(dict);
}

bool findCallables(Singletons& out, PyInterpreterState* interp) {
  out.len = interp->callable_cache.len;
  out.isinstance = interp->callable_cache.isinstance;
  out.listAppend = interp->callable_cache.list_append;
  out.defaultImport = interp->imports.import_func;
  // The list's own method cannot be replaced: if this one is in place, its neighbors are too.
  PyObject* methods = PyType_GetDict(&PyList_Type);
  PyObject* append = PyDict_GetItemString(methods, "append");
  Py_DECREF(methods);
  if (append == nullptr || append != out.listAppend) return fail("cached callables");
  if (out.defaultImport == nullptr || !PyCFunction_CheckExact(out.defaultImport)) return fail("import function");
  return true;
}

bool findGetattrHook() {
  PyObject* example = PyObject_CallFunction(reinterpret_cast<PyObject*>(&PyType_Type), "s(){sO}", "martlet_example",
                                            "__getattr__", Py_None);
  if (example == nullptr) return false;
  martlet_singletons.getattrHook = reinterpret_cast<PyTypeObject*>(example)->tp_getattro;
  Py_DECREF(example);
  return true;
}

bool internNames(Singletons& out) {
  const struct {
    PyObject** place;
    const char* text;
  } names[] = {
      {&out.dunderAenter, "__aenter__"},
      {&out.dunderAexit, "__aexit__"},
      {&out.dunderAnnotations, "__annotations__"},
      {&out.dunderEnter, "__enter__"},
      {&out.dunderExit, "__exit__"},
      {&out.dunderBuildClass, "__build_class__"},
      {&out.dunderClass, "__class__"},
      {&out.dunderGetattribute, "__getattribute__"},
      {&out.dunderGetitem, "__getitem__"},
      {&out.dunderImport, "__import__"},
      {&out.dunderInit, "__init__"},
      {&out.dunderIter, "__iter__"},
      {&out.array, "array"},
      {&out.dunderName, "__name__"},
      {&out.dunderSetitem, "__setitem__"},
      {&out.send, "send"},
  };
  for (const auto& name : names) {
    *name.place = PyUnicode_InternFromString(name.text);
    if (*name.place == nullptr) return false;
  }
  return true;
}

}  // namespace

bool initializeRuntime() {
  if (martlet_singletons.smallInts != nullptr) return true;
  Singletons found = {};
  std::copy(std::begin(martlet_singletons.usualEntries), std::end(martlet_singletons.usualEntries), found.usualEntries);
  PyInterpreterState* interp = PyInterpreterState_Get();
  if (!findSmallInts(found) || !findAsciiStrings(found) || !findCallables(found, interp) || !internNames(found)) {
    return false;
  }
  if (!port::iteratorsAreAsExpected()) return fail("iterators");
  if (!port::hashesAreAsExpected()) return fail("hashes");
  found.classOfObject = _PyType_Lookup(&PyBaseObject_Type, found.dunderClass);
  found.emptyString = PyUnicode_New(0, 0);
  PyObject* ofString = found.emptyString != nullptr ? PyObject_GetIter(found.emptyString) : nullptr;
  if (ofString == nullptr) return false;
  found.asciiIterator = Py_TYPE(ofString);
  Py_DECREF(ofString);
  findFloatFreelist(found, interp);
  findDictVersion(found, interp);
  martlet_singletons = found;
  return true;
}

bool findClassSlots() {
  return martlet_singletons.getattrHook != nullptr || (findOperatorSlots() && findGetattrHook());
}

namespace {
/// Without the string that PyDict_GetItemString() would make: there may be no memory for it.
PyObject* itemOf(PyObject* dict, PyObject* name) {
  PyObject* item = PyDict_GetItemWithError(dict, name);
  if (item == nullptr && PyErr_Occurred() != nullptr) PyErr_Clear();
  return item;
}
}  // namespace

void findArrayType() {
  if (martlet_singletons.arrayType != nullptr) return;
  PyObject* modules = PyImport_GetModuleDict();
  PyObject* module =
      modules != nullptr && PyDict_CheckExact(modules) ? itemOf(modules, martlet_singletons.array) : nullptr;
  if (module == nullptr || !PyModule_CheckExact(module)) return;
  PyObject* found = itemOf(PyModule_GetDict(module), martlet_singletons.array);
  if (found == nullptr || !PyType_CheckExact(found)) return;
  auto* type = reinterpret_cast<PyTypeObject*>(found);
  // No class written in Python is immutable, so this one is what its name says.
  if ((type->tp_flags & Py_TPFLAGS_IMMUTABLETYPE) == 0 || std::strcmp(type->tp_name, "array.array") != 0) return;
  if (type->tp_basicsize < static_cast<Py_ssize_t>(sizeof(port::ArrayObject)) || type->tp_itemsize != 0) return;
  martlet_singletons.arrayType = reinterpret_cast<PyTypeObject*>(Py_NewRef(found));
}

}  // namespace martlet::vm
