// SPDX-License-Identifier: MIT
// Helpers: generic subscripts. Must not know: HIR, LLVM.
#include "vm/runtime/class_functions.h"
#include "vm/runtime/held.h"
#include "vm/runtime/leave.h"
#include "vm/runtime/runtime.h"
#include "vm/runtime/singletons.h"

using namespace martlet::vm;

extern "C" {

PyObject* rt_subscr(PyThreadState* tstate, int64_t borrowed, PyObject* container, PyObject* key) {
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
  return leaveChecked(tstate, holding(borrowed, {container}, [&] { return PyDict_SetItem(container, key, value); }));
}

int rt_delete_subscr(PyThreadState* tstate, int64_t borrowed, PyObject* container, PyObject* key) {
  return leaveChecked(tstate, holding(borrowed, {container, key}, [&] { return PyObject_DelItem(container, key); }));
}

}  // extern "C"
