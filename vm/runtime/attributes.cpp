// SPDX-License-Identifier: MIT
// Helpers: generic attributes, methods, super. Must not know: HIR, LLVM.
#include "vm/runtime/held.h"
#include "vm/runtime/leave.h"
#include "vm/runtime/runtime.h"
#include "vm/runtime/singletons.h"

using namespace martlet::vm;

namespace {

/// LOAD_ATTR with its low bit set pushes a second value, which a parked object cannot say: go on natively.
PyObject* loadChecked(PyThreadState* tstate, PyObject* result) {
  if (result != nullptr && leavePending(tstate) && (tstate->current_frame->instr_ptr->op.arg & 1) == 0) {
    return martlet_leave_check_object(tstate, result, false);
  }
  return result;
}

/// The place of an existing value in a str-keyed instance dict, if `hint` is its entry.
PyObject** hintedValue(PyDictObject* dict, PyObject* name, int64_t hint) {
  PyDictKeysObject* keys = dict->ma_keys;
  if (hint >= keys->dk_nentries || !DK_IS_UNICODE(keys)) return nullptr;
  PyDictUnicodeEntry* entry = DK_UNICODE_ENTRIES(keys) + hint;
  return entry->me_key == name && entry->me_value != nullptr ? &entry->me_value : nullptr;
}

}  // namespace

extern "C" {

PyObject* rt_load_attr(PyThreadState* tstate, int64_t borrowed, PyObject* owner, PyObject* name) {
  return loadChecked(tstate, holding(borrowed, {owner}, [&] { return PyObject_GetAttr(owner, name); }));
}

PyObject* rt_load_attr_property(PyThreadState* tstate, int64_t borrowed, PyObject* owner, PyObject* name,
                                PyObject* getter, int64_t version) {
  if (Py_TYPE(owner)->tp_version_tag != static_cast<uint32_t>(version))
    return rt_load_attr(tstate, borrowed, owner, name);
  PyObject* stack[2] = {nullptr, owner};  // moves into the getter's frame: nothing is held
  return loadChecked(
      tstate, _PyObject_VectorcallTstate(tstate, getter, stack + 1, 1 | PY_VECTORCALL_ARGUMENTS_OFFSET, nullptr));
}

PyObject* rt_load_method(PyThreadState*, int64_t borrowed, PyObject* owner, PyObject* name, PyObject** outputs) {
  PyObject* method = nullptr;
  outputs[0] = holding(borrowed, {owner}, [&] { return _PyObject_GetMethod(owner, name, &method); }) ? Py_NewRef(owner)
                                                                                                     : nullptr;
  return method;
}

int rt_store_attr(PyThreadState* tstate, int64_t borrowed, PyObject* owner, PyObject* name, PyObject* value) {
  return leaveChecked(tstate,
                      holding(borrowed, {owner, name, value}, [&] { return PyObject_SetAttr(owner, name, value); }));
}

int rt_store_attr_with_hint(PyThreadState* tstate, int64_t borrowed, PyObject* owner, PyObject* name, PyObject* value,
                            int64_t version, int64_t hint) {
  PyTypeObject* type = Py_TYPE(owner);
  if (type->tp_version_tag != static_cast<uint32_t>(version))
    return rt_store_attr(tstate, borrowed, owner, name, value);
  PyDictObject* dict = _PyObject_GetManagedDict(owner);
  if (dict == nullptr || !PyDict_CheckExact(reinterpret_cast<PyObject*>(dict))) {
    return rt_store_attr(tstate, borrowed, owner, name, value);
  }
  PyObject** place = hintedValue(dict, name, hint);
  // Telling a dict's watchers is CPython's own business: it does not export how.
  const bool watched = (dict->ma_version_tag & DICT_WATCHER_MASK) != 0;
  if (place == nullptr || watched || martlet_singletons.dictVersion == nullptr) {
    return rt_store_attr(tstate, borrowed, owner, name, value);
  }
  PyObject* old = *place;
  *place = Py_NewRef(value);
  if (!_PyObject_GC_IS_TRACKED(dict) && _PyObject_GC_MAY_BE_TRACKED(value)) PyObject_GC_Track(dict);
  *martlet_singletons.dictVersion += DICT_VERSION_INCREMENT;
  dict->ma_version_tag = *martlet_singletons.dictVersion | (dict->ma_version_tag & DICT_WATCHER_AND_MODIFICATION_MASK);
  const Held held(borrowed, {owner});
  Py_DECREF(old);  // last: it may run code that changes the dict
  return leaveChecked(tstate, 0);
}

int rt_delete_attr(PyThreadState* tstate, int64_t borrowed, PyObject* owner, PyObject* name) {
  return leaveChecked(tstate, holding(borrowed, {owner}, [&] { return PyObject_DelAttr(owner, name); }));
}

static PyObject* generalSuperAttr(PyThreadState* tstate, int64_t borrowed, PyObject* globalSuper, PyObject* type,
                                  PyObject* self, PyObject* name, int64_t oparg) {
  PyObject* stack[] = {type, self};
  PyObject* super = holding(borrowed, {globalSuper, type, self}, [&] {
    return _PyObject_VectorcallTstate(tstate, globalSuper, stack, static_cast<size_t>(oparg & 2), nullptr);
  });
  if (super == nullptr) return nullptr;
  PyObject* attribute = PyObject_GetAttr(super, name);
  Py_DECREF(super);
  return attribute;
}

static bool isPlainSuper(PyObject* globalSuper, PyObject* type) {
  return globalSuper == reinterpret_cast<PyObject*>(&PySuper_Type) && PyType_Check(type);
}

PyObject* rt_load_super_attr(PyThreadState* tstate, int64_t borrowed, PyObject* globalSuper, PyObject* type,
                             PyObject* self, PyObject* name, int64_t oparg) {
  PyObject* attribute =
      isPlainSuper(globalSuper, type)
          ? holding(borrowed, {globalSuper, type, self},
                    [&] { return _PySuper_Lookup(reinterpret_cast<PyTypeObject*>(type), self, name, nullptr); })
          : generalSuperAttr(tstate, borrowed, globalSuper, type, self, name, oparg);
  return loadChecked(tstate, attribute);
}

PyObject* rt_load_super_method(PyThreadState* tstate, int64_t borrowed, PyObject* globalSuper, PyObject* type,
                               PyObject* self, PyObject* name, int64_t oparg, PyObject** outputs) {
  int found = 0;
  PyObject* attribute = nullptr;
  if (isPlainSuper(globalSuper, type)) {
    // Only where the instance's own lookup is the ordinary one may the unbound function be called with self.
    int* wanted = Py_TYPE(self)->tp_getattro == PyObject_GenericGetAttr ? &found : nullptr;
    attribute = holding(borrowed, {globalSuper, type, self},
                        [&] { return _PySuper_Lookup(reinterpret_cast<PyTypeObject*>(type), self, name, wanted); });
  } else {
    attribute = generalSuperAttr(tstate, borrowed, globalSuper, type, self, name, oparg);
  }
  outputs[0] = attribute != nullptr && found != 0 ? Py_NewRef(self) : nullptr;
  return attribute;
}

}  // extern "C"
