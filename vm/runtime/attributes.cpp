// SPDX-License-Identifier: MIT
// Helpers: attributes, methods and super out of line, by the instruction's cache and else by CPython. Must not know:
// HIR, LLVM.
#include <utility>

#include "vm/cpython_3_13/containers.h"
#include "vm/runtime/held.h"
#include "vm/runtime/leave.h"
#include "vm/runtime/runtime.h"
#include "vm/runtime/singletons.h"
#include "vm/runtime/site_cache.h"

using namespace martlet::vm;

namespace {

/// What an access by a cache entry came to. Where it does not apply, nothing has happened, and CPython does it all.
struct Access {
  bool applies = false;
  PyObject* value = nullptr;  ///< owned; NULL with an exception set if the access failed
  bool isMethod = false;      ///< to be called with the owner as its first argument
};

PyObject** slotAt(PyObject* owner, Py_ssize_t offset) {
  return reinterpret_cast<PyObject**>(reinterpret_cast<char*>(owner) + offset);
}

/// The place of an existing value in a str-keyed dict, if the name itself is the key of entry `hint`.
PyObject** hintedValue(PyDictObject* dict, PyObject* name, uint64_t hint) {
  PyDictKeysObject* keys = dict->ma_keys;
  if (hint >= static_cast<uint64_t>(keys->dk_nentries) || !DK_IS_UNICODE(keys)) return nullptr;
  PyDictUnicodeEntry* entry = DK_UNICODE_ENTRIES(keys) + hint;
  return entry->me_key == name && entry->me_value != nullptr ? &entry->me_value : nullptr;
}

SiteEntry* findEntryOf(SiteCache* cache, const PyTypeObject* type) {
  if (cache == nullptr) return nullptr;
  const uint32_t version = type->tp_version_tag;
  for (uint32_t i = 0; i < cache->count; ++i) {
    if (cache->entries[i].version == version) return &cache->entries[i];
  }
  return nullptr;
}

SiteEntry* findEntryOf(SiteCache* cache, const PyTypeObject* type, const PyTypeObject* second) {
  if (cache == nullptr) return nullptr;
  const uint32_t version = type->tp_version_tag;
  const uint32_t version2 = second->tp_version_tag;
  for (uint32_t i = 0; i < cache->count; ++i) {
    if (cache->entries[i].version == version && cache->entries[i].version2 == version2) return &cache->entries[i];
  }
  return nullptr;
}

Access got(PyObject* value) {
  return {true, value, false};
}

/// What a descriptor's __get__ gives of `instance`, or of the class itself where that is NULL; `owner` is one of both.
Access getThrough(int64_t borrowed, PyObject* owner, PyObject* descriptor, PyObject* instance, PyObject* type) {
  const descrgetfunc get = Py_TYPE(descriptor)->tp_descr_get;
  Py_INCREF(descriptor);
  PyObject* value = holding(borrowed, {owner}, [&] { return get(descriptor, instance, type); });
  Py_DECREF(descriptor);
  return got(value);
}

/// The class's attribute, seen from an instance that has none of that name.
Access classAttribute(int64_t borrowed, PyObject* owner, const SiteEntry& entry, bool forCall) {
  PyObject* descriptor = entry.object;
  if (descriptor == nullptr) return {};
  PyTypeObject* type = Py_TYPE(descriptor);
  if (forCall && (type->tp_flags & Py_TPFLAGS_METHOD_DESCRIPTOR) != 0) return {true, Py_NewRef(descriptor), true};
  if (type->tp_descr_get == nullptr) return got(Py_NewRef(descriptor));
  if (type->tp_descr_set != nullptr || (entry.callsNothing && type != &PyFunction_Type)) return {};
  return getThrough(borrowed, owner, descriptor, owner, reinterpret_cast<PyObject*>(Py_TYPE(owner)));
}

/// True if a class attribute became a data descriptor since the entry was made: its own class can change.
bool becameData(const SiteEntry& entry) {
  if (entry.object == nullptr) return false;
  const PyTypeObject* type = Py_TYPE(entry.object);
  return type->tp_descr_set != nullptr && type->tp_descr_get != nullptr;
}

Access loadFromInstance(int64_t borrowed, PyObject* owner, PyObject* name, SiteEntry& entry, bool forCall) {
  if (becameData(entry)) return {};
  if (entry.storage == SiteEntry::Inline && _PyObject_InlineValues(owner)->valid) {
    if (entry.index == SiteEntry::kNoIndex) {
      const auto* type = reinterpret_cast<PyHeapTypeObject*>(Py_TYPE(owner));
      if (type->ht_cached_keys->dk_version != entry.version2) return {};
    } else if (PyObject* value = _PyObject_InlineValues(owner)->values[entry.index]) {
      return got(Py_NewRef(value));
    }
    return classAttribute(borrowed, owner, entry, forCall);
  }
  PyDictObject* dict = instanceDict(owner, entry.storage);
  if (dict == nullptr) return classAttribute(borrowed, owner, entry, forCall);
  if (PyObject** place = hintedValue(dict, name, entry.hint)) return got(Py_NewRef(*place));
  if (!DK_IS_UNICODE(dict->ma_keys) || dict->ma_values != nullptr) return {};  // comparing may run Python code
  PyObject* value =
      _PyDict_GetItem_KnownHash(reinterpret_cast<PyObject*>(dict), name, reinterpret_cast<PyASCIIObject*>(name)->hash);
  if (value != nullptr) return got(Py_NewRef(value));
  return classAttribute(borrowed, owner, entry, forCall);
}

Access loadProperty(PyThreadState* tstate, int64_t borrowed, PyObject* owner, const SiteEntry& entry) {
  PyObject* getter = reinterpret_cast<propertyobject*>(entry.object)->prop_get;
  if (getter == nullptr || getter == Py_None) return {};
  Py_INCREF(getter);
  PyObject* stack[4] = {nullptr, nullptr, owner, nullptr};
  if (PyFunction_Check(getter)) {
    // It takes the owner into its frame, as the interpreter's operand does; nothing more is held for it.
    Py_INCREF(owner);
    return got(martlet_call_function(tstate, getter, stack + 2, 1, nullptr));
  }
  const Held held(borrowed, {owner});
  PyObject* value = _PyObject_VectorcallTstate(tstate, getter, stack + 2, 1 | PY_VECTORCALL_ARGUMENTS_OFFSET, nullptr);
  Py_DECREF(getter);
  return got(value);
}

Access loadByDescriptor(int64_t borrowed, PyObject* owner, const SiteEntry& entry) {
  PyObject* descriptor = entry.object;
  const PyTypeObject* type = Py_TYPE(descriptor);
  if (type->tp_descr_get == nullptr || type->tp_descr_set == nullptr) return {};
  return getThrough(borrowed, owner, descriptor, owner, reinterpret_cast<PyObject*>(Py_TYPE(owner)));
}

Access loadFromClass(int64_t borrowed, PyObject* owner, const SiteEntry& entry) {
  PyObject* attribute = entry.object;
  const PyTypeObject* type = Py_TYPE(attribute);
  if (type->tp_descr_get == nullptr || type == &PyFunction_Type) return got(Py_NewRef(attribute));
  return getThrough(borrowed, owner, attribute, nullptr, owner);
}

/// The value of the commonest accesses, or NULL.
inline PyObject* quickValue(PyObject* owner, const SiteEntry& entry) {
  if (entry.quick == SiteEntry::InlineValue) {
    const PyDictValues* values = _PyObject_InlineValues(owner);
    return values->valid ? Py_XNewRef(values->values[entry.index]) : nullptr;
  }
  return entry.quick == SiteEntry::ObjectSlot ? Py_XNewRef(*slotAt(owner, entry.index)) : nullptr;
}

inline bool isQuickMethod(PyObject* owner, const SiteEntry& entry) {
  if (entry.quick == SiteEntry::PlainMethod) return true;
  const auto* type = reinterpret_cast<PyHeapTypeObject*>(Py_TYPE(owner));
  return entry.quick == SiteEntry::InlineMethod && _PyObject_InlineValues(owner)->valid &&
         type->ht_cached_keys->dk_version == entry.version2;
}

Access loadCached(PyThreadState* tstate, int64_t borrowed, PyObject* owner, PyObject* name, SiteCache* cache,
                  bool forCall) {
  SiteEntry* entry = PyType_Check(owner) ? findEntryOf(cache, Py_TYPE(owner), reinterpret_cast<PyTypeObject*>(owner))
                                         : findEntryOf(cache, Py_TYPE(owner));
  if (entry == nullptr) return {};
  entry->countHit();
  switch (entry->kind) {
  case SiteEntry::Instance: return loadFromInstance(borrowed, owner, name, *entry, forCall);
  case SiteEntry::Slot: {
    PyObject* value = *slotAt(owner, entry->index);
    return value != nullptr ? got(Py_NewRef(value)) : Access();
  }
  case SiteEntry::Property: return loadProperty(tstate, borrowed, owner, *entry);
  case SiteEntry::Descriptor: return loadByDescriptor(borrowed, owner, *entry);
  case SiteEntry::ClassItself: return loadFromClass(borrowed, owner, *entry);
  default: return {};
  }
}

/// What is not quick.
[[gnu::noinline]] PyObject* loadAttr(PyThreadState* tstate, int64_t borrowed, PyObject* owner, PyObject* name,
                                     SiteCache* cache) {
  const Access access = loadCached(tstate, borrowed, owner, name, cache, false);
  if (access.applies) return leaveCheckedByArgument(tstate, tstate->current_frame, access.value);
  PyObject* value = holding(borrowed, {owner}, [&] { return PyObject_GetAttr(owner, name); });
  if (value != nullptr) recordLoad(cache, owner, name);
  return leaveCheckedByArgument(tstate, tstate->current_frame, value);
}

[[gnu::noinline]] ColdPair loadMethod(PyThreadState* tstate, int64_t borrowed, PyObject* owner, PyObject* name,
                                      SiteCache* cache) {
  const Access access = loadCached(tstate, borrowed, owner, name, cache, true);
  if (access.applies) return {access.value, access.isMethod ? Py_NewRef(owner) : nullptr};
  PyObject* method = nullptr;
  const bool unbound = holding(borrowed, {owner}, [&] { return _PyObject_GetMethod(owner, name, &method); }) != 0;
  if (method != nullptr) recordLoad(cache, owner, name);
  return {method, unbound ? Py_NewRef(owner) : nullptr};
}

// ---- stores --------------------------------------------------------------------------------------------------------

enum class Stored { No, Yes, Failed };

/// Replaces a value of a dict that nobody watches.
bool storeInDict(PyDictObject* dict, PyObject* name, PyObject* value, uint64_t hint, PyObject** old) {
  if (!PyDict_CheckExact(reinterpret_cast<PyObject*>(dict))) return false;
  PyObject** place = hintedValue(dict, name, hint);
  if (place == nullptr || port::isWatched(dict) || martlet_singletons.dictVersion == nullptr) return false;
  *old = port::replaceValue(dict, place, value, martlet_singletons.dictVersion);
  return true;
}

/// A value among the inline values; their __dict__, where there is one, shows the same values.
bool storeInline(PyObject* owner, PyObject* value, uint32_t index, PyObject** old) {
  PyDictObject* dict = _PyObject_GetManagedDict(owner);
  PyDictValues* values = _PyObject_InlineValues(owner);
  if (dict != nullptr) {
    if (port::isWatched(dict)) return false;
    port::trackFor(dict, value);
  }
  *old = std::exchange(values->values[index], Py_NewRef(value));
  if (*old == nullptr) {
    _PyDictValues_AddToInsertionOrder(values, index);
    if (dict != nullptr) ++dict->ma_used;
  }
  return true;
}

Stored storeInInstance(int64_t borrowed, PyObject* owner, PyObject* name, PyObject* value, const SiteEntry& entry) {
  if (entry.object != nullptr && Py_TYPE(entry.object)->tp_descr_set != nullptr) return Stored::No;
  PyObject* old = nullptr;
  if (entry.storage == SiteEntry::Inline && _PyObject_InlineValues(owner)->valid) {
    if (entry.index == SiteEntry::kNoIndex || !storeInline(owner, value, entry.index, &old)) return Stored::No;
  } else {
    PyDictObject* dict = instanceDict(owner, entry.storage);
    if (dict == nullptr || !storeInDict(dict, name, value, entry.hint, &old)) return Stored::No;
  }
  const Held held(old != nullptr ? borrowed : 0, {owner});
  Py_XDECREF(old);  // last: it may run code that changes the instance
  return Stored::Yes;
}

Stored storeInSlot(int64_t borrowed, PyObject* owner, PyObject* value, const SiteEntry& entry) {
  PyObject* old = std::exchange(*slotAt(owner, entry.index), Py_NewRef(value));
  const Held held(old != nullptr ? borrowed : 0, {owner});
  Py_XDECREF(old);
  return Stored::Yes;
}

Stored storeByDescriptor(int64_t borrowed, PyObject* owner, PyObject* name, PyObject* value, const SiteEntry& entry) {
  PyObject* descriptor = entry.object;
  const descrsetfunc set = Py_TYPE(descriptor)->tp_descr_set;
  if (set == nullptr) return Stored::No;
  Py_INCREF(descriptor);
  const int status = holding(borrowed, {owner, name, value}, [&] { return set(descriptor, owner, value); });
  Py_DECREF(descriptor);
  return status < 0 ? Stored::Failed : Stored::Yes;
}

Stored storeCached(int64_t borrowed, PyObject* owner, PyObject* name, PyObject* value, SiteCache* cache) {
  SiteEntry* entry = findEntryOf(cache, Py_TYPE(owner));
  if (entry == nullptr) return Stored::No;
  entry->countHit();
  switch (entry->kind) {
  case SiteEntry::StoreInstance: return storeInInstance(borrowed, owner, name, value, *entry);
  case SiteEntry::StoreSlot: return storeInSlot(borrowed, owner, value, *entry);
  case SiteEntry::StoreProperty:
  case SiteEntry::StoreDescriptor: return storeByDescriptor(borrowed, owner, name, value, *entry);
  default: return Stored::No;
  }
}

/// The place of an existing value that may simply be replaced, or NULL.
inline PyObject** quickPlace(PyObject* owner, const SiteEntry& entry) {
  PyObject** place = nullptr;
  if (entry.quick == SiteEntry::InlineValue) {
    PyDictValues* values = _PyObject_InlineValues(owner);
    if (values->valid && _PyObject_GetManagedDict(owner) == nullptr) place = &values->values[entry.index];
  } else if (entry.quick == SiteEntry::ObjectSlot) {
    place = slotAt(owner, entry.index);
  }
  return place != nullptr && *place != nullptr ? place : nullptr;
}

[[gnu::noinline]] int storeAttr(PyThreadState* tstate, int64_t borrowed, PyObject* owner, PyObject* name,
                                PyObject* value, SiteCache* cache) {
  const Stored stored = storeCached(borrowed, owner, name, value, cache);
  if (stored != Stored::No) return leaveChecked(tstate, stored == Stored::Yes ? 0 : -1);
  const int status = holding(borrowed, {owner, name, value}, [&] { return PyObject_SetAttr(owner, name, value); });
  if (status >= 0) recordStore(cache, owner, name);
  return leaveChecked(tstate, status);
}

// ---- super ---------------------------------------------------------------------------------------------------------

bool isPlainSuper(PyObject* globalSuper, PyObject* type) {
  return globalSuper == reinterpret_cast<PyObject*>(&PySuper_Type) && PyType_Check(type);
}

Access superCached(int64_t borrowed, PyObject* type, PyObject* self, SiteCache* cache, bool forCall) {
  const bool ofClass = PyType_Check(self);
  PyTypeObject* start = ofClass ? reinterpret_cast<PyTypeObject*>(self) : Py_TYPE(self);
  SiteEntry* entry = findEntryOf(cache, start, reinterpret_cast<PyTypeObject*>(type));
  if (entry == nullptr || (entry->kind == SiteEntry::SuperOfClass) != ofClass) return {};
  entry->countHit();
  PyObject* descriptor = entry->object;
  PyTypeObject* kind = Py_TYPE(descriptor);
  // Only where the instance's own lookup is the ordinary one does the interpreter call the unbound function with self.
  if (forCall && (kind->tp_flags & Py_TPFLAGS_METHOD_DESCRIPTOR) != 0 &&
      Py_TYPE(self)->tp_getattro == PyObject_GenericGetAttr) {
    return {true, Py_NewRef(descriptor), true};
  }
  const descrgetfunc get = kind->tp_descr_get;
  if (get == nullptr) return got(Py_NewRef(descriptor));
  Py_INCREF(descriptor);
  PyObject* value = holding(borrowed >> 1, {type, self}, [&] {
    return get(descriptor, ofClass ? nullptr : self, reinterpret_cast<PyObject*>(start));
  });
  Py_DECREF(descriptor);
  return got(value);
}

PyObject* generalSuperAttr(PyThreadState* tstate, int64_t borrowed, PyObject* globalSuper, PyObject* type,
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

}  // namespace

extern "C" {

PyObject* rt_load_attr(PyThreadState* tstate, int64_t borrowed, PyObject* owner, PyObject* name, SiteCache* cache) {
  if (SiteEntry* entry = findEntryOf(cache, Py_TYPE(owner))) {
    if (PyObject* value = quickValue(owner, *entry)) {
      entry->countHit();
      return value;
    }
  }
  return loadAttr(tstate, borrowed, owner, name, cache);
}

PyObject* rt_load_method(PyThreadState* tstate, int64_t borrowed, PyObject* owner, PyObject* name, SiteCache* cache,
                         PyObject** outputs) {
  const ColdPair pair = rt_cold_load_method(tstate, borrowed, owner, name, cache);
  outputs[0] = pair.second;
  return pair.first;
}

ColdPair rt_cold_load_method(PyThreadState* tstate, int64_t borrowed, PyObject* owner, PyObject* name,
                             SiteCache* cache) {
  if (SiteEntry* entry = findEntryOf(cache, Py_TYPE(owner))) {
    if (isQuickMethod(owner, *entry)) {
      entry->countHit();
      return {Py_NewRef(entry->object), Py_NewRef(owner)};
    }
    if (PyObject* value = quickValue(owner, *entry)) {
      entry->countHit();
      return {value, nullptr};
    }
  }
  return loadMethod(tstate, borrowed, owner, name, cache);
}

int rt_store_attr(PyThreadState* tstate, int64_t borrowed, PyObject* owner, PyObject* name, PyObject* value,
                  SiteCache* cache) {
  if (SiteEntry* entry = findEntryOf(cache, Py_TYPE(owner))) {
    if (PyObject** place = quickPlace(owner, *entry)) {
      entry->countHit();
      PyObject* old = std::exchange(*place, Py_NewRef(value));
      if (_Py_IsImmortal(old) || Py_REFCNT(old) > 1) {  // no code runs, so nothing need be held
        Py_DECREF(old);
        return 0;
      }
      const Held held(borrowed, {owner});
      Py_DECREF(old);
      return leaveChecked(tstate, 0);
    }
  }
  return storeAttr(tstate, borrowed, owner, name, value, cache);
}

int rt_store_attr_with_hint(PyThreadState* tstate, int64_t borrowed, PyObject* owner, PyObject* name, PyObject* value,
                            int64_t version, int64_t hint, SiteCache* cache) {
  PyDictObject* dict = nullptr;
  if (Py_TYPE(owner)->tp_version_tag == static_cast<uint32_t>(version)) dict = _PyObject_GetManagedDict(owner);
  PyObject* old = nullptr;
  if (dict == nullptr || !storeInDict(dict, name, value, static_cast<uint64_t>(hint), &old)) {
    return rt_store_attr(tstate, borrowed, owner, name, value, cache);
  }
  const Held held(borrowed, {owner});
  Py_DECREF(old);  // last: it may run code that changes the dict
  return leaveChecked(tstate, 0);
}

int rt_delete_attr(PyThreadState* tstate, int64_t borrowed, PyObject* owner, PyObject* name) {
  return leaveChecked(tstate, holding(borrowed, {owner}, [&] { return PyObject_DelAttr(owner, name); }));
}

PyObject* rt_load_super_attr(PyThreadState* tstate, int64_t borrowed, PyObject* globalSuper, PyObject* type,
                             PyObject* self, PyObject* name, int64_t oparg, SiteCache* cache) {
  if (!isPlainSuper(globalSuper, type)) {
    return leaveCheckedByArgument(tstate, tstate->current_frame,
                                  generalSuperAttr(tstate, borrowed, globalSuper, type, self, name, oparg));
  }
  const Access access = superCached(borrowed, type, self, cache, false);
  if (access.applies) return leaveCheckedByArgument(tstate, tstate->current_frame, access.value);
  auto* after = reinterpret_cast<PyTypeObject*>(type);
  PyObject* attribute =
      holding(borrowed, {globalSuper, type, self}, [&] { return _PySuper_Lookup(after, self, name, nullptr); });
  if (attribute != nullptr) recordSuper(cache, after, self, name);
  return leaveCheckedByArgument(tstate, tstate->current_frame, attribute);
}

PyObject* rt_load_super_method(PyThreadState* tstate, int64_t borrowed, PyObject* globalSuper, PyObject* type,
                               PyObject* self, PyObject* name, int64_t oparg, SiteCache* cache, PyObject** outputs) {
  int found = 0;
  PyObject* attribute = nullptr;
  if (isPlainSuper(globalSuper, type)) {
    const Access access = superCached(borrowed, type, self, cache, true);
    if (access.applies) {
      outputs[0] = access.isMethod ? Py_NewRef(self) : nullptr;
      return access.value;
    }
    int* wanted = Py_TYPE(self)->tp_getattro == PyObject_GenericGetAttr ? &found : nullptr;
    auto* after = reinterpret_cast<PyTypeObject*>(type);
    attribute =
        holding(borrowed, {globalSuper, type, self}, [&] { return _PySuper_Lookup(after, self, name, wanted); });
    if (attribute != nullptr) recordSuper(cache, after, self, name);
  } else {
    attribute = generalSuperAttr(tstate, borrowed, globalSuper, type, self, name, oparg);
  }
  outputs[0] = attribute != nullptr && found != 0 ? Py_NewRef(self) : nullptr;
  return attribute;
}

}  // extern "C"
