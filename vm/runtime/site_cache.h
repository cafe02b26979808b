// SPDX-License-Identifier: MIT
// The cache of one attribute, super or global access, what its last classes' lookups came to, or of a call. One for
// each such instruction of a compiled code object, shared by all its native versions, dies with the code object. Read
// and written under the GIL, out of line only. Must not know: HIR, LLVM.
//
// An entry refers to its descriptor without a reference. It may be followed only while the class has the entry's
// version tag: a class loses its tag before any class of its MRO changes or gives up an attribute, a tag is never given
// to another class, and 0 is no tag (a class that was changed too often keeps it; it is never cached). Whatever then
// runs foreign code holds the descriptor first.
#pragma once
#include <cstdint>

#include "lowering/native_abi.h"
#include "vm/runtime/cpython.h"

namespace martlet::vm {

class CodeData;

struct SiteEntry {
  enum Kind : uint8_t {
    // Loads.
    Instance,     ///< the instance's own attribute, or else `object` of the class, which is no data descriptor
    Slot,         ///< a member descriptor's object at byte offset `index`
    Property,     ///< `object` is an exact property
    Descriptor,   ///< `object` is another data descriptor
    ClassItself,  ///< the owner is a class with version `version2`, `version` is that of its metaclass; `index` is 0
                  ///< where `object` is the value itself
    // Stores.
    StoreInstance,
    StoreSlot,
    StoreProperty,
    StoreDescriptor,
    // LOAD_SUPER_ATTR: `version` is that of self's class (or of self), `version2` that of the class to start behind.
    SuperOfInstance,
    SuperOfClass,
    // LOAD_GLOBAL: `version` is that of the globals' keys, `version2` that of the builtins'.
    Global,
    Builtin,
    // CALL of a class with that version, whose __init__ is the Python function `object`. The first entry; not counted.
    Initializer,
    // Operands of subscripts by an int, operators and tests that the interpreter has no quickened form for, or had no
    // time to find it. The only entry, without a version.
    ListItem,
    TupleItem,
    ArrayItem,      ///< `index` is the type code
    ByteItem,       ///< of bytes or bytearray
    QuietIterator,  ///< of a FOR_ITER: one whose next item comes without Python code
    IntPair,        ///< both operands are ints
    FloatPair,      ///< both operands are floats
    IntFloatPair,   ///< an int and a float
    FloatIntPair,   ///< a float and an int
    BoolPair,       ///< numbers of which one at least is a bool; `index` says which, as bool_pair does
    SpecialMethod,  ///< `object` of the left one's class, of that version; the right one's has `version2`, or is a
                    ///< number
    MixedTypes,     ///< different ones
  };
  enum Storage : uint8_t {
    None,         ///< instances have no attributes of their own
    Inline,       ///< inline values, unless they became invalid
    ManagedDict,  ///< a __dict__ in front of the object
    OffsetDict,   ///< a __dict__ at the class's tp_dictoffset
  };
  /// What the fast path of a helper may do without looking further; the class attribute's own class cannot change.
  enum Quick : uint8_t {
    NotQuick,
    InlineValue,   ///< load or store the inline value `index`, where there is one and they are valid
    ObjectSlot,    ///< load or store the object at offset `index`, where there is one
    PlainMethod,   ///< `object` is a method, and instances have no attributes of their own
    InlineMethod,  ///< `object` is a method, and the name is not among the shared keys of version `version2`
  };
  static constexpr uint32_t kNoIndex = UINT32_MAX;

  uint32_t version = 0;
  uint32_t version2 = 0;      ///< Instance: version of the shared keys
  uint32_t index = kNoIndex;  ///< of the inline value; of a global's dict entry; offset of a slot
  uint32_t hint = kNoIndex;   ///< entry of the instance's dict where the name was seen last
  uint32_t hits = 0;
  PyObject* object = nullptr;  ///< borrowed
  Kind kind = Instance;
  Storage storage = None;
  Quick quick = NotQuick;
  bool callsNothing = false;  ///< an AttributeError within the access would have to end in __getattr__

  /// Until it is clear which entry is the one that matters: after a fork, each page that is written to is copied first.
  static constexpr uint32_t kMany = 1000;
  void countHit() {
    if (hits >= kMany) return;
    ++hits;
    if (hits == kMany) hits = UINT32_MAX - settled++;
  }

 private:
  static uint32_t settled;  ///< entries that are not counted any more: the first of a place has most hits
};

struct SiteCache {
  static constexpr uint32_t kCapacity = 4;

  uint16_t count = 0;
  uint16_t next = 0;  ///< replaced by the next fill of a full cache
  /// How often the same operands have to be met before code is to be compiled for them, if more than a few times: a
  /// compilation of large code has to pay for itself.
  uint32_t patience = 0;
  uint32_t fills = 0;
  uint32_t pause = 0;  ///< misses that will not be looked into: a megamorphic site
  /// Of a call: the code of the Python function that was called, or NULL. Kept in memory, not alive.
  CodeData* callee = nullptr;
  SiteEntry entries[kCapacity];

  /// True if all accesses were to the same property, so often that its function, `callee`, is worth being compiled in.
  bool isLearnedProperty() const;
  /// The entry with most hits; NULL where nothing was recorded.
  const SiteEntry* hottest() const;
};
static_assert(sizeof(SiteCache) == kSiteCacheBytes);

/// The dict of an instance; NULL where it has none (yet).
PyDictObject* instanceDict(PyObject* owner, SiteEntry::Storage storage);
/// A version for the present state of a dict's keys, which changes with the set of names; 0 where there is none.
uint32_t keysVersion(PyDictKeysObject* keys);
/// The entry of a name in keys that are all str; kNoIndex where there is none, or where looking for it takes too long.
/// The key is equal to the name, often identical.
uint32_t findEntry(PyDictKeysObject* keys, PyObject* name);

// Record what an access came to. Called behind a successful access that the cache did not know; no Python code runs
// but what looking a name up in a class runs.
void recordLoad(SiteCache* cache, PyObject* owner, PyObject* name);
void recordStore(SiteCache* cache, PyObject* owner, PyObject* name);
void recordSuper(SiteCache* cache, PyTypeObject* type, PyObject* self, PyObject* name);
void recordGlobal(SiteCache* cache, PyObject* globals, PyObject* builtins, PyObject* name);
/// Notes two operands, at a place that has a cache and has not met different kinds. False if the same classes were met
/// so often that code should be compiled for them: not every time, since there may be nothing to gain.
bool recordOperands(SiteCache* cache, PyObject* left, PyObject* right);
/// The same for a special method of the left operand's class, or NULL; `right` where its class matters, too.
bool recordMethod(SiteCache* cache, PyObject* method, PyObject* left, PyObject* right);
/// The same for an iterator.
bool recordIterator(SiteCache* cache, bool isQuiet);

}  // namespace martlet::vm
