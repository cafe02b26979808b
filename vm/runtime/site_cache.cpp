// SPDX-License-Identifier: MIT
#include "vm/runtime/site_cache.h"

#include <algorithm>
#include <cstring>

#include "vm/cpython_3_13/array_layout.h"
#include "vm/runtime/leave.h"
#include "vm/runtime/singletons.h"

namespace martlet::vm {

uint32_t SiteEntry::settled = 0;

namespace {

bool hasFlag(PyTypeObject* type, unsigned long flag) {
  return (type->tp_flags & flag) != 0;
}

/// The tag of a class, assigned if need be; 0 where it gets none any more.
uint32_t versionOf(PyTypeObject* type) {
  return PyUnstable_Type_AssignVersionTag(type) != 0 ? type->tp_version_tag : 0;
}

/// What needs no more than the class's version.
SiteEntry::Quick quickOf(const SiteEntry& entry) {
  if (entry.kind == SiteEntry::Slot || entry.kind == SiteEntry::StoreSlot) return SiteEntry::ObjectSlot;
  if (entry.kind != SiteEntry::Instance && entry.kind != SiteEntry::StoreInstance) return SiteEntry::NotQuick;
  PyTypeObject* kind = entry.object != nullptr ? Py_TYPE(entry.object) : nullptr;
  if (kind != nullptr && !hasFlag(kind, Py_TPFLAGS_IMMUTABLETYPE)) return SiteEntry::NotQuick;
  if (entry.storage == SiteEntry::Inline && entry.index != SiteEntry::kNoIndex) return SiteEntry::InlineValue;
  if (entry.kind != SiteEntry::Instance || kind == nullptr || !hasFlag(kind, Py_TPFLAGS_METHOD_DESCRIPTOR))
    return SiteEntry::NotQuick;
  if (entry.storage == SiteEntry::None) return SiteEntry::PlainMethod;
  return entry.storage == SiteEntry::Inline && entry.version2 != 0 ? SiteEntry::InlineMethod : SiteEntry::NotQuick;
}

/// So many misses at a place are not looked into, where looking has not helped.
constexpr uint32_t kLongPause = 4096;

/// A property's function may be compiled in.
void noteAccessor(SiteCache* cache, const SiteEntry& entry) {
  const auto* property = reinterpret_cast<propertyobject*>(entry.object);
  if (entry.kind != SiteEntry::Property && entry.kind != SiteEntry::StoreProperty) return;
  PyObject* function = entry.kind == SiteEntry::Property ? property->prop_get : property->prop_set;
  if (function != nullptr && PyFunction_Check(function)) martlet_note_callee(function, cache);
}

/// Puts an entry in the place of one for the same classes, or of the oldest.
void record(SiteCache* cache, const SiteEntry& entry) {
  if (entry.version == 0) return;
  constexpr uint32_t kOften = 16, kShortPause = 32, kVeryOften = 256;
  if (++cache->fills > kOften) cache->pause = cache->fills > kVeryOften ? kLongPause : kShortPause;
  const bool byBoth = entry.kind == SiteEntry::ClassItself || entry.kind == SiteEntry::SuperOfInstance ||
                      entry.kind == SiteEntry::SuperOfClass;
  SiteEntry* end = cache->entries + cache->count;
  SiteEntry* place = std::find_if(cache->entries, end, [&](const SiteEntry& old) {
    return old.version == entry.version && (!byBoth || old.version2 == entry.version2);
  });
  if (place == end) {
    if (cache->count < SiteCache::kCapacity) {
      place = &cache->entries[cache->count++];
    } else {
      place = &cache->entries[cache->next];
      cache->next = static_cast<uint16_t>((cache->next + 1) % SiteCache::kCapacity);
    }
  }
  *place = entry;
  place->quick = quickOf(entry);
  noteAccessor(cache, entry);
}

bool isPaused(SiteCache* cache) {
  if (cache->pause == 0) return false;
  --cache->pause;
  return true;
}

/// True if missing attributes end in a __getattr__ and nothing else about attribute access was overridden.
bool hasOnlyGetattr(PyTypeObject* type) {
  if (type->tp_getattro != martlet_singletons.getattrHook || type->tp_getattro == nullptr) return false;
  PyObject* name = martlet_singletons.dunderGetattribute;
  return _PyType_Lookup(type, name) == _PyType_Lookup(&PyBaseObject_Type, name);
}

/// Where instances keep their attributes; false if in no way that is known here.
bool describeStorage(PyTypeObject* type, SiteEntry& entry) {
  if (hasFlag(type, Py_TPFLAGS_INLINE_VALUES)) {
    entry.storage = SiteEntry::Inline;
  } else if (hasFlag(type, Py_TPFLAGS_MANAGED_DICT)) {
    entry.storage = SiteEntry::ManagedDict;
  } else if (type->tp_dictoffset > 0) {
    entry.storage = SiteEntry::OffsetDict;
  } else {
    entry.storage = SiteEntry::None;
  }
  return type->tp_dictoffset >= 0 || entry.storage != SiteEntry::None;
}

/// What is known of a name's place in an instance. False if nothing that helps.
bool describeInstance(PyObject* owner, PyObject* name, SiteEntry& entry) {
  if (!describeStorage(Py_TYPE(owner), entry)) return false;
  if (entry.storage == SiteEntry::None) return true;
  if (entry.storage == SiteEntry::Inline) {
    PyDictKeysObject* shared = reinterpret_cast<PyHeapTypeObject*>(Py_TYPE(owner))->ht_cached_keys;
    entry.version2 = keysVersion(shared);
    // Shared keys are only ever added to: indices stay, also in instances that lack the attribute.
    entry.index = findEntry(shared, name);
    if (entry.index == SiteEntry::kNoIndex && entry.version2 == 0) return false;
  }
  PyDictObject* dict = instanceDict(owner, entry.storage);
  if (dict != nullptr && dict->ma_values == nullptr) entry.hint = findEntry(dict->ma_keys, name);
  return true;
}

/// The offset of an object slot that a class attribute gives access to; 0 where it is no such thing.
Py_ssize_t slotOffset(PyTypeObject* type, PyObject* descriptor, int forbidden) {
  if (!Py_IS_TYPE(descriptor, &PyMemberDescr_Type)) return 0;
  const auto* member = reinterpret_cast<PyMemberDescrObject*>(descriptor);
  const PyMemberDef* definition = member->d_member;
  if (definition->type != Py_T_OBJECT_EX || (definition->flags & forbidden) != 0 || definition->offset <= 0) return 0;
  return PyType_IsSubtype(type, member->d_common.d_type) ? definition->offset : 0;
}

/// A data descriptor's kind. Offsets past 32 bits do not exist.
SiteEntry::Kind dataKind(PyTypeObject* type, SiteEntry& entry, bool store) {
  const int forbidden = Py_AUDIT_READ | Py_RELATIVE_OFFSET | (store ? Py_READONLY : 0);
  if (const Py_ssize_t offset = slotOffset(type, entry.object, forbidden)) {
    entry.index = static_cast<uint32_t>(offset);
    return store ? SiteEntry::StoreSlot : SiteEntry::Slot;
  }
  if (Py_IS_TYPE(entry.object, &PyProperty_Type)) return store ? SiteEntry::StoreProperty : SiteEntry::Property;
  return store ? SiteEntry::StoreDescriptor : SiteEntry::Descriptor;
}

/// True if a class gives an attribute away as it is, as long as the class has its version.
bool isPlainAttribute(PyTypeObject* owner, PyObject* attribute) {
  PyTypeObject* type = Py_TYPE(attribute);
  if (type == &PyFunction_Type) return true;
  return type->tp_descr_get == nullptr && (type == owner || hasFlag(type, Py_TPFLAGS_IMMUTABLETYPE));
}

void recordClassLoad(SiteCache* cache, PyTypeObject* owner, PyObject* name) {
  PyTypeObject* meta = Py_TYPE(owner);
  if (meta->tp_getattro != PyType_Type.tp_getattro) return;
  SiteEntry entry;
  entry.kind = SiteEntry::ClassItself;
  entry.version = versionOf(meta);
  entry.version2 = versionOf(owner);
  if (entry.version2 == 0) return;
  if (PyObject* ofMeta = _PyType_Lookup(meta, name)) {
    // A class that can be changed might become a data descriptor's.
    PyTypeObject* type = Py_TYPE(ofMeta);
    if (!hasFlag(type, Py_TPFLAGS_IMMUTABLETYPE) || (type->tp_descr_get != nullptr && type->tp_descr_set != nullptr))
      return;
  }
  entry.object = _PyType_Lookup(owner, name);
  if (meta->tp_version_tag != entry.version || owner->tp_version_tag != entry.version2) return;
  if (entry.object == nullptr) return;
  if (isPlainAttribute(owner, entry.object)) entry.index = 0;
  record(cache, entry);
}

/// What an operand is beside an exact int.
SiteEntry::Kind kindOfItem(PyObject* left, uint32_t& index) {
  if (PyLong_CheckExact(left)) return SiteEntry::IntPair;
  if (PyFloat_CheckExact(left)) return SiteEntry::FloatIntPair;
  if (PyList_CheckExact(left)) return SiteEntry::ListItem;
  if (PyTuple_CheckExact(left)) return SiteEntry::TupleItem;
  if (PyBytes_CheckExact(left) || PyByteArray_CheckExact(left)) return SiteEntry::ByteItem;
  if (Py_TYPE(left) != martlet_singletons.arrayType) return SiteEntry::MixedTypes;
  index = static_cast<unsigned char>(port::asArray(left)->descriptor->typeCode);
  const bool isKnown = index != 0 && std::strchr("bBhHiIlqd", static_cast<int>(index)) != nullptr;
  return isKnown ? SiteEntry::ArrayItem : SiteEntry::MixedTypes;
}

/// What is the same so often is worth a compilation, if the code is not too large for that.
constexpr uint32_t kWorthCompiling = 50;

/// Notes what was met; false if it was the same so often that code should be compiled for it.
bool recordKind(SiteCache* cache, SiteEntry::Kind kind, uint32_t index) {
  SiteEntry& entry = cache->entries[0];
  if (cache->count == 0) {
    cache->count = 1;
    entry.kind = kind;
    entry.index = index;
  } else if (entry.kind != kind || entry.index != index) {
    entry.kind = SiteEntry::MixedTypes;
  }
  if (entry.kind == SiteEntry::MixedTypes) return true;
  constexpr uint32_t kMore = 10, kMuchMore = 100;
  const uint32_t often = std::max(kWorthCompiling, cache->patience);
  const uint32_t hits = ++entry.hits;
  return hits != often && hits != kMore * often && hits != kMuchMore * often;
}

}  // namespace

bool SiteCache::isLearnedProperty() const {
  if (count != 1 || callee == nullptr) return false;
  const SiteEntry& entry = entries[0];
  if (entry.kind != SiteEntry::Property && entry.kind != SiteEntry::StoreProperty) return false;
  return entry.hits >= std::min(std::max(kWorthCompiling, patience), SiteEntry::kMany);
}

const SiteEntry* SiteCache::hottest() const {
  if (count == 0) return nullptr;
  return std::max_element(entries, entries + count,
                          [](const SiteEntry& a, const SiteEntry& b) { return a.hits < b.hits; });
}

PyDictObject* instanceDict(PyObject* owner, SiteEntry::Storage storage) {
  switch (storage) {
  case SiteEntry::None: return nullptr;
  case SiteEntry::OffsetDict:
    return *reinterpret_cast<PyDictObject**>(reinterpret_cast<char*>(owner) + Py_TYPE(owner)->tp_dictoffset);
  default: return _PyObject_GetManagedDict(owner);
  }
}

uint32_t keysVersion(PyDictKeysObject* keys) {
  if (keys->dk_version != 0) return keys->dk_version;
  uint32_t* next = martlet_singletons.nextKeysVersion;
  if (next == nullptr || *next == 0 || !DK_IS_UNICODE(keys)) return 0;
  return keys->dk_version = (*next)++;
}

uint32_t findEntry(PyDictKeysObject* keys, PyObject* name) {
  constexpr Py_ssize_t kLongest = 4096;  // longer searches would cost more than a lookup each time
  if (!DK_IS_UNICODE(keys) || keys->dk_nentries > kLongest) return SiteEntry::kNoIndex;
  const PyDictUnicodeEntry* entries = DK_UNICODE_ENTRIES(keys);
  const Py_hash_t hash = PyObject_Hash(name);
  for (Py_ssize_t i = 0; i < keys->dk_nentries; ++i) {
    PyObject* key = entries[i].me_key;
    // Keys are not always interned; their hash is always known.
    if (key == name ||
        (key != nullptr && reinterpret_cast<PyASCIIObject*>(key)->hash == hash && _PyUnicode_Equal(key, name))) {
      return static_cast<uint32_t>(i);
    }
  }
  return SiteEntry::kNoIndex;
}

void recordLoad(SiteCache* cache, PyObject* owner, PyObject* name) {
  if (cache == nullptr || isPaused(cache)) return;
  if (PyType_Check(owner)) return recordClassLoad(cache, reinterpret_cast<PyTypeObject*>(owner), name);
  PyTypeObject* type = Py_TYPE(owner);
  SiteEntry entry;
  entry.callsNothing = hasOnlyGetattr(type);
  const bool ordinary = type->tp_getattro == PyObject_GenericGetAttr || type->tp_getattro == PyModule_Type.tp_getattro;
  if (!ordinary && !entry.callsNothing) {
    cache->pause = kLongPause;  // its own way of looking attributes up
    return;
  }
  entry.version = versionOf(type);
  entry.object = _PyType_Lookup(type, name);
  if (type->tp_version_tag != entry.version) return;  // comparing unusual keys of a class dict ran Python code
  PyTypeObject* kind = entry.object != nullptr ? Py_TYPE(entry.object) : nullptr;
  if (kind != nullptr && kind->tp_descr_get != nullptr && kind->tp_descr_set != nullptr) {
    entry.kind = dataKind(type, entry, false);
    // A module's __getattr__ takes over from an AttributeError, too.
    if (entry.kind != SiteEntry::Slot && type->tp_getattro != PyObject_GenericGetAttr) return;
  } else {
    entry.kind = SiteEntry::Instance;
    if (!describeInstance(owner, name, entry)) return;
    entry.callsNothing |= type->tp_getattro != PyObject_GenericGetAttr;
  }
  record(cache, entry);
}

void recordStore(SiteCache* cache, PyObject* owner, PyObject* name) {
  if (cache == nullptr || isPaused(cache)) return;
  PyTypeObject* type = Py_TYPE(owner);
  if (type->tp_setattro != PyObject_GenericSetAttr) return;
  SiteEntry entry;
  entry.version = versionOf(type);
  entry.object = _PyType_Lookup(type, name);
  if (type->tp_version_tag != entry.version) return;
  if (entry.object != nullptr && Py_TYPE(entry.object)->tp_descr_set != nullptr) {
    entry.kind = dataKind(type, entry, true);
  } else {
    entry.kind = SiteEntry::StoreInstance;
    if (!describeInstance(owner, name, entry)) return;
    if (entry.index == SiteEntry::kNoIndex && entry.hint == SiteEntry::kNoIndex) return;
  }
  record(cache, entry);
}

void recordSuper(SiteCache* cache, PyTypeObject* type, PyObject* self, PyObject* name) {
  if (cache == nullptr || isPaused(cache) || PyUnicode_EqualToUTF8(name, "__class__")) return;
  SiteEntry entry;
  const bool ofClass = PyType_Check(self);
  auto* start = ofClass ? reinterpret_cast<PyTypeObject*>(self) : Py_TYPE(self);
  // The rest is for metaclasses and proxies: self's __class__ decides.
  if (!PyType_IsSubtype(start, type)) return;
  entry.kind = ofClass ? SiteEntry::SuperOfClass : SiteEntry::SuperOfInstance;
  entry.version = versionOf(start);
  entry.version2 = versionOf(type);
  if (entry.version2 == 0 || start->tp_mro == nullptr) return;
  const Py_ssize_t count = PyTuple_GET_SIZE(start->tp_mro);
  Py_ssize_t i = 0;
  while (i < count && PyTuple_GET_ITEM(start->tp_mro, i) != reinterpret_cast<PyObject*>(type)) ++i;
  for (++i; i < count && entry.object == nullptr; ++i) {
    PyObject* dict = PyType_GetDict(reinterpret_cast<PyTypeObject*>(PyTuple_GET_ITEM(start->tp_mro, i)));
    if (dict == nullptr || !DK_IS_UNICODE(reinterpret_cast<PyDictObject*>(dict)->ma_keys)) {
      Py_XDECREF(dict);
      return;  // comparing keys might run Python code
    }
    entry.object = PyDict_GetItemWithError(dict, name);
    Py_DECREF(dict);
  }
  if (entry.object != nullptr) record(cache, entry);
}

void recordGlobal(SiteCache* cache, PyObject* globals, PyObject* builtins, PyObject* name) {
  if (cache == nullptr || isPaused(cache) || !PyDict_CheckExact(globals) || !PyDict_CheckExact(builtins)) return;
  PyDictKeysObject* keys = reinterpret_cast<PyDictObject*>(globals)->ma_keys;
  PyDictKeysObject* builtinKeys = reinterpret_cast<PyDictObject*>(builtins)->ma_keys;
  if (!DK_IS_UNICODE(keys) || !DK_IS_UNICODE(builtinKeys)) return;
  SiteEntry entry;
  entry.version = keysVersion(keys);
  entry.version2 = keysVersion(builtinKeys);
  if (entry.version2 == 0) return;
  entry.kind = SiteEntry::Global;
  entry.index = findEntry(keys, name);
  if (entry.index == SiteEntry::kNoIndex) {
    entry.kind = SiteEntry::Builtin;
    entry.index = findEntry(builtinKeys, name);
  }
  if (entry.index != SiteEntry::kNoIndex) record(cache, entry);
}

namespace {

bool isLargeInt(PyObject* object) {
  return PyLong_CheckExact(object) && _PyLong_DigitCount(reinterpret_cast<PyLongObject*>(object)) > 2;
}

bool isNumber(PyObject* object) {
  return PyLong_CheckExact(object) || PyFloat_CheckExact(object) || PyBool_Check(object);
}

uint32_t numberClass(PyObject* number) {
  return PyBool_Check(number) ? bool_pair::kBool : PyFloat_CheckExact(number) ? bool_pair::kFloat : bool_pair::kInt;
}

}  // namespace

bool recordOperands(SiteCache* cache, PyObject* left, PyObject* right) {
  SiteEntry::Kind kind = SiteEntry::MixedTypes;
  uint32_t index = SiteEntry::kNoIndex;
  // Numbers beyond 64 bits have no ops.
  const bool isLarge = isLargeInt(left) || isLargeInt(right);
  if (isNumber(left) && isNumber(right) && (PyBool_Check(left) || PyBool_Check(right))) {
    if (!isLarge) kind = SiteEntry::BoolPair;
    index = numberClass(left) | numberClass(right) << bool_pair::kRightShift;
  } else if (PyFloat_CheckExact(right)) {
    if (PyFloat_CheckExact(left)) kind = SiteEntry::FloatPair;
    if (PyLong_CheckExact(left) && !isLarge) kind = SiteEntry::IntFloatPair;
  } else if (PyLong_CheckExact(right)) {
    if (!isLarge) kind = kindOfItem(left, index);
  } else if (!PyLong_Check(left) && !PyFloat_CheckExact(left)) {
    return true;  // a slice
  }
  return recordKind(cache, kind, index);
}

bool recordMethod(SiteCache* cache, PyObject* method, PyObject* left, PyObject* right) {
  SiteEntry& entry = cache->entries[0];
  const bool isClass = right != nullptr && (Py_TYPE(right)->tp_flags & Py_TPFLAGS_HEAPTYPE) != 0;
  const bool isNumber = right != nullptr && (PyFloat_CheckExact(right) || PyLong_CheckExact(right));
  const uint32_t version = versionOf(Py_TYPE(left)), version2 = isClass ? versionOf(Py_TYPE(right)) : 0;
  const bool isKnown = method != nullptr && version != 0 && (right == nullptr || isNumber || version2 != 0);
  if (isKnown && cache->count == 0) {
    entry.version = version;
    entry.version2 = version2;
    entry.object = method;
    martlet_note_callee(method, cache);
  }
  const bool isSame = isKnown && entry.version == version && entry.version2 == version2;
  return recordKind(cache, isSame ? SiteEntry::SpecialMethod : SiteEntry::MixedTypes, SiteEntry::kNoIndex);
}

bool recordIterator(SiteCache* cache, bool isQuiet) {
  if (cache == nullptr || cache->entries[0].kind == SiteEntry::MixedTypes) return true;
  return recordKind(cache, isQuiet ? SiteEntry::QuietIterator : SiteEntry::MixedTypes, SiteEntry::kNoIndex);
}

}  // namespace martlet::vm
