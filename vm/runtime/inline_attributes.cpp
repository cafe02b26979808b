// SPDX-License-Identifier: MIT
// Inline helpers: attributes and globals by the contents of the interpreter's inline caches, the site's cache on a
// miss. Also compiled to bitcode. Must not know: HIR, LLVM.
#include "lowering/native_abi.h"
#include "vm/runtime/inline.h"
#include "vm/runtime/site_cache.h"

using namespace martlet;
using namespace martlet::vm;

namespace {

inline PyObject** slotAt(PyObject* owner, int64_t offset) {
  return reinterpret_cast<PyObject**>(reinterpret_cast<char*>(owner) + offset);
}

/// The value of entry `index` of a str-keyed dict whose keys have a known version; NULL if that is not so.
inline PyObject* valueByKeysVersion(PyObject* dict, int64_t keysVersion, int64_t index) {
  PyDictKeysObject* keys = reinterpret_cast<PyDictObject*>(dict)->ma_keys;
  if (keys->dk_version != static_cast<uint32_t>(keysVersion)) [[unlikely]]
    return nullptr;
  return DK_UNICODE_ENTRIES(keys)[index].me_value;
}

inline PyObject* valueByHint(PyDictObject* dict, PyObject* name, int64_t hint) {
  PyDictKeysObject* keys = dict->ma_keys;
  if (hint >= keys->dk_nentries || !DK_IS_UNICODE(keys)) [[unlikely]]
    return nullptr;
  const PyDictUnicodeEntry* entry = DK_UNICODE_ENTRIES(keys) + hint;
  return __builtin_expect(entry->me_key == name, 1) ? entry->me_value : nullptr;
}

/// True if no instance attribute can hide a class attribute: inline values, and the class's keys are unchanged.
inline bool hasKeysVersion(PyObject* owner, int64_t keysVersion) {
  const auto* type = reinterpret_cast<PyHeapTypeObject*>(Py_TYPE(owner));
  return _PyObject_InlineValues(owner)->valid && type->ht_cached_keys->dk_version == static_cast<uint32_t>(keysVersion);
}

/// True if an instance has no __dict__ yet. Its class has a managed one or one at an offset.
inline bool hasNoDictYet(PyObject* owner) {
  const PyTypeObject* type = Py_TYPE(owner);
  const Py_ssize_t offset = (type->tp_flags & Py_TPFLAGS_MANAGED_DICT) ? MANAGED_DICT_OFFSET : type->tp_dictoffset;
  return *slotAt(owner, offset) == nullptr;
}

inline PyObject* method(PyObject* owner, PyObject* descr, PyObject** outputs) {
  retain(owner);
  outputs[0] = owner;
  retain(descr);
  return descr;
}

/// In registers: see ColdPair.
inline PyObject* otherMethod(PyThreadState* tstate, int64_t borrowed, PyObject* owner, PyObject* name, SiteCache* cache,
                             PyObject** outputs) {
  const ColdPair slow = rt_cold_load_method(tstate, borrowed, owner, name, cache);
  outputs[0] = slow.second;
  return slow.first;
}

/// Where the attribute of a Field is: an inline value, or a slot.
inline PyObject** fieldAt(PyObject* owner, FieldPlace place) {
  return place.isSlot ? slotAt(owner, place.index) : &_PyObject_InlineValues(owner)->values[place.index];
}

}  // namespace

extern "C" {

bool rt_field(PyObject* owner, int64_t word, PyObject** output) {
  const FieldPlace place = FieldPlace::unpack(word);
  if (!place.isSlot && !_PyObject_InlineValues(owner)->valid) [[unlikely]]
    return false;
  PyObject* value = *fieldAt(owner, place);
  *output = value;
  return value != nullptr;
}

bool rt_may_store_field(PyObject* owner, int64_t word) {
  const FieldPlace place = FieldPlace::unpack(word);
  if (!place.isSlot && (!_PyObject_InlineValues(owner)->valid || _PyObject_GetManagedDict(owner) != nullptr))
      [[unlikely]]
    return false;
  PyObject* old = *fieldAt(owner, place);
  return old == nullptr || isPlainRelease(old);
}

void rt_store_field(PyObject* owner, int64_t word, PyObject* value) {
  const FieldPlace place = FieldPlace::unpack(word);
  PyObject** field = fieldAt(owner, place);
  PyObject* old = *field;
  *field = value;
  if (old != nullptr) {
    release(old);
  } else if (!place.isSlot) {
    _PyDictValues_AddToInsertionOrder(_PyObject_InlineValues(owner), place.index);
  }
}

bool rt_property_unlearned(SiteCache* cache) {
  const SiteEntry::Kind kind = cache->entries[0].kind;
  if (kind != SiteEntry::Property && kind != SiteEntry::StoreProperty) [[likely]]
    return true;
  return !rt_cold_is_learned_property(cache);
}

bool rt_has_type_version(PyObject* object, int64_t version) {
  return hasVersion(Py_TYPE(object), version);
}

bool rt_is_class_of_version(PyObject* object, int64_t version) {
  return PyType_Check(object) && hasVersion(reinterpret_cast<PyTypeObject*>(object), version);
}

bool rt_hides_nothing(PyObject* owner, int64_t keysVersion) {
  return hasKeysVersion(owner, keysVersion);
}

PyObject* rt_load_attr_instance_value(PyThreadState* tstate, int64_t borrowed, PyObject* owner, PyObject* name,
                                      int64_t version, int64_t index, SiteCache* cache) {
  if (hasVersion(Py_TYPE(owner), version)) [[likely]] {
    const PyDictValues* values = _PyObject_InlineValues(owner);
    if (values->valid) [[likely]] {
      PyObject* value = values->values[index];
      if (value != nullptr) [[likely]] {
        retain(value);
        return value;
      }
    }
  }
  return rt_load_attr(tstate, borrowed, owner, name, cache);
}

PyObject* rt_load_attr_slot(PyThreadState* tstate, int64_t borrowed, PyObject* owner, PyObject* name, int64_t version,
                            int64_t offset, SiteCache* cache) {
  if (hasVersion(Py_TYPE(owner), version)) [[likely]] {
    PyObject* value = *slotAt(owner, offset);
    if (value != nullptr) [[likely]] {
      retain(value);
      return value;
    }
  }
  return rt_load_attr(tstate, borrowed, owner, name, cache);
}

PyObject* rt_load_attr_with_hint(PyThreadState* tstate, int64_t borrowed, PyObject* owner, PyObject* name,
                                 int64_t version, int64_t hint, SiteCache* cache) {
  if (hasVersion(Py_TYPE(owner), version)) [[likely]] {
    PyDictObject* dict = _PyObject_GetManagedDict(owner);
    PyObject* value = __builtin_expect(dict != nullptr, 1) ? valueByHint(dict, name, hint) : nullptr;
    if (value != nullptr) [[likely]] {
      retain(value);
      return value;
    }
  }
  return rt_load_attr(tstate, borrowed, owner, name, cache);
}

PyObject* rt_load_attr_module(PyThreadState* tstate, int64_t borrowed, PyObject* owner, PyObject* name,
                              int64_t keysVersion, int64_t index, SiteCache* cache) {
  if (Py_IS_TYPE(owner, &PyModule_Type)) [[likely]] {
    PyObject* value = valueByKeysVersion(reinterpret_cast<PyModuleObject*>(owner)->md_dict, keysVersion, index);
    if (value != nullptr) [[likely]] {
      retain(value);
      return value;
    }
  }
  return rt_load_attr(tstate, borrowed, owner, name, cache);
}

PyObject* rt_load_attr_class(PyThreadState* tstate, int64_t borrowed, PyObject* owner, PyObject* name, PyObject* descr,
                             int64_t version, SiteCache* cache) {
  if (PyType_Check(owner) && hasVersion(reinterpret_cast<PyTypeObject*>(owner), version)) [[likely]] {
    retain(descr);
    return descr;
  }
  return rt_load_attr(tstate, borrowed, owner, name, cache);
}

PyObject* rt_load_attr_constant(PyThreadState* tstate, int64_t borrowed, PyObject* owner, PyObject* name,
                                PyObject* descr, int64_t version, int64_t keysVersion, SiteCache* cache) {
  if (hasVersion(Py_TYPE(owner), version) && (keysVersion == 0 || hasKeysVersion(owner, keysVersion))) [[likely]] {
    retain(descr);
    return descr;
  }
  return rt_load_attr(tstate, borrowed, owner, name, cache);
}

PyObject* rt_load_method_with_values(PyThreadState* tstate, int64_t borrowed, PyObject* owner, PyObject* name,
                                     PyObject* descr, int64_t version, int64_t keysVersion, SiteCache* cache,
                                     PyObject** outputs) {
  if (hasVersion(Py_TYPE(owner), version) && hasKeysVersion(owner, keysVersion)) [[likely]]
    return method(owner, descr, outputs);
  return otherMethod(tstate, borrowed, owner, name, cache, outputs);
}

PyObject* rt_load_method_no_dict(PyThreadState* tstate, int64_t borrowed, PyObject* owner, PyObject* name,
                                 PyObject* descr, int64_t version, SiteCache* cache, PyObject** outputs) {
  if (hasVersion(Py_TYPE(owner), version)) [[likely]]
    return method(owner, descr, outputs);
  return otherMethod(tstate, borrowed, owner, name, cache, outputs);
}

PyObject* rt_load_method_lazy_dict(PyThreadState* tstate, int64_t borrowed, PyObject* owner, PyObject* name,
                                   PyObject* descr, int64_t version, SiteCache* cache, PyObject** outputs) {
  if (hasVersion(Py_TYPE(owner), version) && hasNoDictYet(owner)) [[likely]]
    return method(owner, descr, outputs);
  return otherMethod(tstate, borrowed, owner, name, cache, outputs);
}

int rt_store_attr_instance_value(PyThreadState* tstate, int64_t borrowed, PyObject* owner, PyObject* name,
                                 PyObject* value, int64_t version, int64_t index, SiteCache* cache) {
  if (hasVersion(Py_TYPE(owner), version) && _PyObject_GetManagedDict(owner) == nullptr) [[likely]] {
    PyDictValues* values = _PyObject_InlineValues(owner);
    if (values->valid) [[likely]] {
      PyObject* old = values->values[index];
      retain(value);
      values->values[index] = value;
      if (old == nullptr) {
        _PyDictValues_AddToInsertionOrder(values, index);
      } else {
        release(old);
      }
      return 0;
    }
  }
  return rt_store_attr(tstate, borrowed, owner, name, value, cache);
}

int rt_store_attr_slot(PyThreadState* tstate, int64_t borrowed, PyObject* owner, PyObject* name, PyObject* value,
                       int64_t version, int64_t offset, SiteCache* cache) {
  if (hasVersion(Py_TYPE(owner), version)) [[likely]] {
    PyObject** place = slotAt(owner, offset);
    PyObject* old = *place;
    retain(value);
    *place = value;
    if (old != nullptr) release(old);
    return 0;
  }
  return rt_store_attr(tstate, borrowed, owner, name, value, cache);
}

PyObject* rt_load_global_module(PyThreadState* tstate, Frame* frame, PyObject* name, int64_t keysVersion, int64_t index,
                                SiteCache* cache) {
  if (Py_IS_TYPE(frame->f_globals, &PyDict_Type)) [[likely]] {
    PyObject* value = valueByKeysVersion(frame->f_globals, keysVersion, index);
    if (value != nullptr) [[likely]] {
      retain(value);
      return value;
    }
  }
  return rt_load_global(tstate, frame, name, cache);
}

PyObject* rt_load_global_builtin(PyThreadState* tstate, Frame* frame, PyObject* name, int64_t moduleKeys,
                                 int64_t builtinsKeys, int64_t index, SiteCache* cache) {
  PyObject* globals = frame->f_globals;
  PyObject* builtins = frame->f_builtins;
  if (Py_IS_TYPE(globals, &PyDict_Type) && Py_IS_TYPE(builtins, &PyDict_Type) &&
      reinterpret_cast<PyDictObject*>(globals)->ma_keys->dk_version == static_cast<uint32_t>(moduleKeys)) [[likely]] {
    PyObject* value = valueByKeysVersion(builtins, builtinsKeys, index);
    if (value != nullptr) [[likely]] {
      retain(value);
      return value;
    }
  }
  return rt_load_global(tstate, frame, name, cache);
}

}  // extern "C"
