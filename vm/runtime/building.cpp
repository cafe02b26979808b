// SPDX-License-Identifier: MIT
// Helpers: building containers and strings, adding to them, taking them apart. Must not know: HIR, LLVM.
#include "vm/cpython_3_13/containers.h"
#include "vm/runtime/held.h"
#include "vm/runtime/leave.h"
#include "vm/runtime/runtime.h"
#include "vm/runtime/singletons.h"

using namespace martlet::vm;

namespace {

PyObject* mappingError(PyThreadState*, PyObject* update) {
  if (PyErr_ExceptionMatches(PyExc_AttributeError)) {
    PyErr_Format(PyExc_TypeError, "'%.200s' object is not a mapping", Py_TYPE(update)->tp_name);
  }
  return nullptr;
}

}  // namespace

extern "C" {

PyObject* rt_build_tuple(PyObject* const* args, int64_t count) {
  PyObject* tuple = PyTuple_New(count);
  if (tuple == nullptr) return nullptr;
  for (int64_t i = 0; i < count; ++i) PyTuple_SET_ITEM(tuple, i, Py_NewRef(args[i]));
  return tuple;
}

PyObject* rt_build_list(PyObject* const* args, int64_t count) {
  PyObject* list = PyList_New(count);
  if (list == nullptr) return nullptr;
  for (int64_t i = 0; i < count; ++i) PyList_SET_ITEM(list, i, Py_NewRef(args[i]));
  return list;
}

PyObject* rt_new_collected() {
  return port::newCollectedList();
}

void rt_trim_collected(PyObject* list) {
  port::trimCollectedList(reinterpret_cast<PyListObject*>(list));
}

PyObject* rt_build_set(PyThreadState* tstate, int64_t borrowed, PyObject* const* args, int64_t count) {
  PyObject* set = PySet_New(nullptr);
  if (set == nullptr) return nullptr;
  const HeldArguments held(static_cast<uint64_t>(borrowed), args);
  for (int64_t i = 0; i < count; ++i) {
    if (PySet_Add(set, args[i]) < 0) {
      Py_DECREF(set);
      return nullptr;
    }
  }
  return leaveChecked(tstate, set);
}

PyObject* rt_build_map(PyThreadState* tstate, int64_t borrowed, PyObject* const* args, int64_t count) {
  const HeldArguments held(static_cast<uint64_t>(borrowed), args);
  return leaveChecked(tstate, _PyDict_FromItems(args, 2, args + 1, 2, count / 2));
}

PyObject* rt_build_const_key_map(PyThreadState* tstate, int64_t borrowed, PyObject* keys, PyObject* const* args,
                                 int64_t count) {
  const HeldArguments held(static_cast<uint64_t>(borrowed) >> 1, args);
  return leaveChecked(tstate, _PyDict_FromItems(&PyTuple_GET_ITEM(keys, 0), 1, args, 1, count));
}

PyObject* rt_build_string(PyObject* const* args, int64_t count) {
  return _PyUnicode_JoinArray(martlet_singletons.emptyString, args, count);
}

PyObject* rt_build_slice(PyObject* start, PyObject* stop, PyObject* step) {
  return PySlice_New(start, stop, step);
}

int rt_list_extend(PyThreadState* tstate, int64_t borrowed, PyObject* list, PyObject* iterable) {
  PyObject* none = holding(borrowed, {list, iterable},
                           [&] { return _PyList_Extend(reinterpret_cast<PyListObject*>(list), iterable); });
  if (none != nullptr) return leaveChecked(tstate, 0);
  if (PyErr_ExceptionMatches(PyExc_TypeError) && Py_TYPE(iterable)->tp_iter == nullptr && !PySequence_Check(iterable)) {
    PyErr_Clear();
    PyErr_Format(PyExc_TypeError, "Value after * must be an iterable, not %.200s", Py_TYPE(iterable)->tp_name);
  }
  return -1;
}

int rt_set_add(PyThreadState* tstate, int64_t borrowed, PyObject* set, PyObject* value) {
  return leaveChecked(tstate, holding(borrowed, {set, value}, [&] { return PySet_Add(set, value); }));
}

int rt_set_update(PyThreadState* tstate, int64_t borrowed, PyObject* set, PyObject* iterable) {
  return leaveChecked(tstate, holding(borrowed, {set, iterable}, [&] { return _PySet_Update(set, iterable); }));
}

int rt_map_add(PyThreadState* tstate, PyObject* dict, PyObject* key, PyObject* value) {
  return leaveChecked(tstate, PyDict_SetItem(dict, key, value));
}

int rt_dict_update(PyThreadState* tstate, int64_t borrowed, PyObject* dict, PyObject* update) {
  if (holding(borrowed, {dict, update}, [&] { return PyDict_Update(dict, update); }) == 0)
    return leaveChecked(tstate, 0);
  mappingError(tstate, update);
  return -1;
}

int rt_dict_merge(PyThreadState* tstate, int64_t borrowed, PyObject* callable, PyObject* dict, PyObject* update) {
  if (holding(borrowed, {callable, dict, update}, [&] { return _PyDict_MergeEx(dict, update, 2); }) == 0)
    return leaveChecked(tstate, 0);
  _PyEval_FormatKwargsError(tstate, callable, update);
  return -1;
}

int rt_unpack_ex(PyThreadState* tstate, int64_t borrowed, PyObject* sequence, int64_t before, int64_t after,
                 PyObject** outputs) {
  PyObject** top = outputs + before + 1 + after;
  return holding(borrowed, {sequence},
                 [&] {
                   return _PyEval_UnpackIterable(tstate, sequence, static_cast<int>(before), static_cast<int>(after),
                                                 top);
                 }) != 0
             ? 0
             : -1;
}

PyObject* rt_convert_value(PyThreadState* tstate, int64_t borrowed, PyObject* value, int64_t oparg) {
  return leaveChecked(tstate, holding(borrowed, {value}, [&] { return _PyEval_ConversionFuncs[oparg](value); }));
}

PyObject* rt_format_simple(PyThreadState* tstate, int64_t borrowed, PyObject* value) {
  if (PyUnicode_CheckExact(value)) return Py_NewRef(value);
  return leaveChecked(tstate, holding(borrowed, {value}, [&] { return PyObject_Format(value, nullptr); }));
}

PyObject* rt_format_with_spec(PyThreadState* tstate, int64_t borrowed, PyObject* value, PyObject* spec) {
  return leaveChecked(tstate, holding(borrowed, {value, spec}, [&] { return PyObject_Format(value, spec); }));
}

}  // extern "C"
