// SPDX-License-Identifier: MIT
// Helpers: globals, names, cells, class namespaces. Must not know: HIR, LLVM.
#include "vm/runtime/held.h"
#include "vm/runtime/leave.h"
#include "vm/runtime/quiet_keys.h"
#include "vm/runtime/runtime.h"
#include "vm/runtime/singletons.h"
#include "vm/runtime/site_cache.h"

using namespace martlet::vm;

namespace {

constexpr const char* kNameError = "name '%.200s' is not defined";
constexpr const char* kUnboundLocalError = "cannot access local variable '%s' where it is not associated with a value";

PyObject* nameError(PyThreadState* tstate, PyObject* name) {
  _PyEval_FormatExcCheckArg(tstate, PyExc_NameError, kNameError, name);
  return nullptr;
}

/// What PyDict_SetItem() does with the value of a name that is there and may be replaced without notice; the old one is
/// released last. False, and nothing is done, in any other case.
bool replaceNamed(PyObject* object, PyObject* name, PyObject* value) {
  auto* dict = reinterpret_cast<PyDictObject*>(object);
  if (!PyDict_CheckExact(object) || !PyUnicode_CheckExact(name) || dict->ma_values != nullptr) return false;
  if (martlet_singletons.dictVersion == nullptr || !martlet_is_variable(object, name)) return false;
  const port::DictPlace place = port::findInDict(dict, QuietKey(name));
  if (place.match != port::Match::Equal) return false;
  Py_DECREF(port::replaceValue(dict, place.value, value, martlet_singletons.dictVersion));
  return true;
}

int storeNamed(PyObject* dict, PyObject* name, PyObject* value) {
  return replaceNamed(dict, name, value) ? 0 : PyDict_SetItem(dict, name, value);
}

/// Looks a name up in the globals and then in the builtins. NULL with an exception set.
PyObject* globalOrBuiltin(PyThreadState* tstate, Frame* frame, PyObject* name) {
  PyObject* globals = frame->f_globals;
  PyObject* builtins = frame->f_builtins;
  PyObject* value = nullptr;
  if (PyDict_CheckExact(globals) && PyDict_CheckExact(builtins)) {
    value =
        _PyDict_LoadGlobal(reinterpret_cast<PyDictObject*>(globals), reinterpret_cast<PyDictObject*>(builtins), name);
    if (value == nullptr && tstate->current_exception == nullptr) nameError(tstate, name);
    return value;
  }
  if (PyMapping_GetOptionalItem(globals, name, &value) < 0) return nullptr;
  if (value == nullptr && PyMapping_GetOptionalItem(builtins, name, &value) < 0) return nullptr;
  return value != nullptr ? value : nameError(tstate, name);
}

/// The value of a dict's entry, if the name itself is its key.
PyObject* valueAt(PyDictKeysObject* keys, PyObject* name, uint32_t index) {
  if (index >= static_cast<uint64_t>(keys->dk_nentries) || !DK_IS_UNICODE(keys)) return nullptr;
  const PyDictUnicodeEntry* entry = DK_UNICODE_ENTRIES(keys) + index;
  return entry->me_key == name ? entry->me_value : nullptr;
}

/// Borrowed, or NULL where the cache does not know.
PyObject* cachedGlobal(Frame* frame, PyObject* name, SiteCache* cache) {
  PyObject* globals = frame->f_globals;
  PyObject* builtins = frame->f_builtins;
  if (cache == nullptr || !PyDict_CheckExact(globals) || !PyDict_CheckExact(builtins)) return nullptr;
  PyDictKeysObject* keys = reinterpret_cast<PyDictObject*>(globals)->ma_keys;
  for (uint32_t i = 0; i < cache->count; ++i) {
    SiteEntry& entry = cache->entries[i];
    PyObject* value = nullptr;
    if (entry.kind == SiteEntry::Global) {
      value = valueAt(keys, name, entry.index);
    } else if (keys->dk_version == entry.version) {  // no global of that name
      value = valueAt(reinterpret_cast<PyDictObject*>(builtins)->ma_keys, name, entry.index);
    }
    if (value == nullptr) continue;
    entry.countHit();
    return value;
  }
  return nullptr;
}

}  // namespace

extern "C" {

PyObject* rt_load_global(PyThreadState* tstate, Frame* frame, PyObject* name, SiteCache* cache) {
  if (PyObject* value = cachedGlobal(frame, name, cache)) return Py_NewRef(value);
  PyObject* value = globalOrBuiltin(tstate, frame, name);
  if (value != nullptr) recordGlobal(cache, frame->f_globals, frame->f_builtins, name);
  return leaveCheckedByArgument(tstate, frame, value);
}

int rt_store_global(PyThreadState* tstate, Frame* frame, int64_t borrowed, PyObject* name, PyObject* value) {
  return leaveChecked(tstate,
                      holding(borrowed, {name, value}, [&] { return storeNamed(frame->f_globals, name, value); }));
}

int rt_delete_global(PyThreadState* tstate, Frame* frame, PyObject* name) {
  const int found = PyDict_Pop(frame->f_globals, name, nullptr);
  if (found == 0) nameError(tstate, name);
  return found > 0 ? leaveChecked(tstate, 0) : -1;
}

PyObject* rt_load_name(PyThreadState* tstate, Frame* frame, PyObject* name) {
  if (frame->f_locals == nullptr) {
    PyErr_SetString(PyExc_SystemError, "no locals found");
    return nullptr;
  }
  PyObject* value = nullptr;
  if (PyMapping_GetOptionalItem(frame->f_locals, name, &value) < 0) return nullptr;
  if (value == nullptr && PyDict_GetItemRef(frame->f_globals, name, &value) < 0) return nullptr;
  if (value == nullptr && PyMapping_GetOptionalItem(frame->f_builtins, name, &value) < 0) return nullptr;
  return value != nullptr ? leaveChecked(tstate, value) : nameError(tstate, name);
}

int rt_store_name(PyThreadState* tstate, Frame* frame, int64_t borrowed, PyObject* name, PyObject* value) {
  PyObject* locals = frame->f_locals;
  if (locals == nullptr) {
    PyErr_Format(PyExc_SystemError, "no locals found when storing %R", name);
    return -1;
  }
  const bool isDict = PyDict_CheckExact(locals);
  return leaveChecked(tstate, holding(borrowed, {name, value}, [&] {
                        return isDict ? storeNamed(locals, name, value) : PyObject_SetItem(locals, name, value);
                      }));
}

int rt_delete_name(PyThreadState* tstate, Frame* frame, PyObject* name) {
  if (frame->f_locals == nullptr) {
    PyErr_Format(PyExc_SystemError, "no locals when deleting %R", name);
    return -1;
  }
  if (PyObject_DelItem(frame->f_locals, name) == 0) return leaveChecked(tstate, 0);
  nameError(tstate, name);  // whatever the mapping raised, as the interpreter does
  return -1;
}

PyObject* rt_load_locals(PyThreadState*, Frame* frame) {
  if (frame->f_locals == nullptr) PyErr_SetString(PyExc_SystemError, "no locals found");
  return Py_XNewRef(frame->f_locals);
}

PyObject* rt_load_from_dict_or_globals(PyThreadState* tstate, Frame* frame, PyObject* dict, PyObject* name) {
  PyObject* value = nullptr;
  if (PyMapping_GetOptionalItem(dict, name, &value) < 0) return nullptr;
  return leaveChecked(tstate, value != nullptr ? value : globalOrBuiltin(tstate, frame, name));
}

PyObject* rt_load_from_dict_or_deref(PyThreadState* tstate, Frame* frame, PyObject* dict, PyObject* cell,
                                     int64_t slot) {
  PyObject* name = PyTuple_GET_ITEM(_PyFrame_GetCode(frame)->co_localsplusnames, slot);
  PyObject* value = nullptr;
  if (PyMapping_GetOptionalItem(dict, name, &value) < 0) return nullptr;
  if (value == nullptr) {
    value = Py_XNewRef(reinterpret_cast<PyCellObject*>(cell)->ob_ref);
    if (value == nullptr) return rt_cold_unbound_deref(tstate, frame, slot);
  }
  return leaveChecked(tstate, value);
}

PyObject* rt_load_build_class(PyThreadState* tstate, Frame* frame) {
  PyObject* value = nullptr;
  if (PyMapping_GetOptionalItem(frame->f_builtins, martlet_singletons.dunderBuildClass, &value) < 0) return nullptr;
  if (value == nullptr) PyErr_SetString(PyExc_NameError, "__build_class__ not found");
  return leaveChecked(tstate, value);
}

int rt_setup_annotations(PyThreadState* tstate, Frame* frame) {
  if (frame->f_locals == nullptr) {
    PyErr_SetString(PyExc_SystemError, "no locals found when setting up annotations");
    return -1;
  }
  PyObject* annotations = nullptr;
  if (PyMapping_GetOptionalItem(frame->f_locals, martlet_singletons.dunderAnnotations, &annotations) < 0) return -1;
  int status = 0;
  if (annotations == nullptr) {
    annotations = PyDict_New();
    if (annotations == nullptr) return -1;
    status = PyObject_SetItem(frame->f_locals, martlet_singletons.dunderAnnotations, annotations);
  }
  Py_DECREF(annotations);
  return leaveChecked(tstate, status);
}

PyObject* rt_make_cell(PyObject* value) {
  return PyCell_New(value);
}

int rt_delete_deref(PyThreadState* tstate, Frame* frame, PyObject* cell, int64_t slot) {
  auto* holder = reinterpret_cast<PyCellObject*>(cell);
  PyObject* old = holder->ob_ref;
  if (old == nullptr) {
    rt_cold_unbound_deref(tstate, frame, slot);
    return -1;
  }
  holder->ob_ref = nullptr;
  Py_DECREF(old);
  return 0;
}

int rt_raise_unbound_local(PyThreadState* tstate, Frame* frame, int64_t slot) {
  PyObject* name = PyTuple_GetItem(_PyFrame_GetCode(frame)->co_localsplusnames, slot);
  _PyEval_FormatExcCheckArg(tstate, PyExc_UnboundLocalError, kUnboundLocalError, name);
  return -1;
}

}  // extern "C"
