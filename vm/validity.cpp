// SPDX-License-Identifier: MIT
#include "vm/validity.h"

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <unordered_map>

#include "vm/code_data.h"
#include "vm/cpython_3_13/containers.h"
#include "vm/runtime/leave.h"

namespace martlet::vm {

void WatchedKey::invalidate() {
  changes = true;
  // The version is not freed here, and a dependent goes away only with its version.
  for (Validity* validity : dependents) validity->invalidate();
  dependents.clear();
}

namespace {

struct WatchedDict {
  uint64_t filter = 0;  ///< bits of the names' hashes: most stores are to names on which nothing depends
  std::unordered_multimap<Py_hash_t, std::shared_ptr<WatchedKey>> keys;

  static uint64_t bit(Py_hash_t hash) { return uint64_t{1} << (static_cast<uint64_t>(hash) & 63U); }
  /// NULL where nothing depends on it.
  std::shared_ptr<WatchedKey>* find(PyObject* name, Py_hash_t hash) {
    if ((filter & bit(hash)) == 0) return nullptr;
    for (auto [at, end] = keys.equal_range(hash); at != end; ++at) {
      PyObject* known = at->second->name.get();
      if (known == name || PyUnicode_Compare(known, name) == 0) return &at->second;
    }
    return nullptr;
  }
  std::shared_ptr<WatchedKey> add(PyObject* name, Py_hash_t hash) {
    auto key = std::make_shared<WatchedKey>();
    key->name = Ref::borrow(name);
    filter |= bit(hash);
    keys.emplace(hash, key);
    return key;
  }
  void invalidateAll() {
    for (auto& [hash, key] : keys) key->invalidate();
  }
};

// Never destroyed: modules are cleared after static destruction has begun.
auto& watchedDicts = *new std::unordered_map<PyObject*, WatchedDict>();
WatchedDict* lastDict = nullptr;  ///< of lastDictObject: a loop at module level stores to one dict
PyObject* lastDictObject = nullptr;
int watcherId = -1;

/// What children have changed, by hash; in memory that they share with their parent. A wrong hit makes a constant a
/// variable, no more.
struct SharedChanges {
  std::atomic<uint32_t> count;
  std::array<std::atomic<uint8_t>, 4092> changed;
  std::atomic<uint8_t>& at(PyObject* dict, Py_hash_t hash) {
    const auto mixed = (reinterpret_cast<uintptr_t>(dict) >> 4U) ^ static_cast<uintptr_t>(hash);
    return changed[mixed % changed.size()];
  }
};
SharedChanges* shared = nullptr;
uint32_t sharedSeen = 0;
bool isChild = false;

void shareChanges() {
  if (shared != nullptr) return;
  void* memory = mmap(nullptr, sizeof(SharedChanges), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory != MAP_FAILED) shared = static_cast<SharedChanges*>(memory);
}

void share(PyObject* dict, Py_hash_t hash) {
  if (shared == nullptr || shared->at(dict, hash).exchange(1, std::memory_order_relaxed) != 0) return;
  shared->count.fetch_add(1, std::memory_order_release);
}

WatchedDict* findDict(PyObject* dict) {
  if (dict == lastDictObject) return lastDict;
  const auto found = watchedDicts.find(dict);
  if (found == watchedDicts.end()) return nullptr;
  lastDictObject = dict;
  return lastDict = &found->second;
}

/// Called before the change. Runs no Python code and frees no native code: the dict is being worked on.
int onDictEvent(PyDict_WatchEvent event, PyObject* object, PyObject* key, PyObject*) {
  WatchedDict* dict = findDict(object);
  if (dict == nullptr) return 0;
  switch (event) {
  case PyDict_EVENT_ADDED:
  case PyDict_EVENT_MODIFIED:
  case PyDict_EVENT_DELETED: {
    // An object of some other class can be equal to a name.
    if (!PyUnicode_CheckExact(key)) {
      if (!PyLong_CheckExact(key)) dict->invalidateAll();
      return 0;
    }
    const Py_hash_t hash = PyObject_Hash(key);
    const std::shared_ptr<WatchedKey>* watched = dict->find(key, hash);
    if (watched == nullptr || (*watched)->dependents.empty()) return 0;
    (*watched)->invalidate();
    if (isChild) share(object, hash);
    return 0;
  }
  case PyDict_EVENT_DEALLOCATED:
    dict->invalidateAll();
    lastDictObject = nullptr;
    watchedDicts.erase(object);
    return 0;
  default: dict->invalidateAll(); return 0;
  }
}

}  // namespace

Validity::~Validity() {
  for (auto& key : keys_) std::erase(key->dependents, this);
}

void Validity::invalidate() {
  if (word_ != 0) return;
  word_ = 1;
  if (version_ != nullptr) data_.withdraw(version_);
}

bool Validity::dependOn(PyObject* object, PyObject* name) {
  if (watcherId < 0 || !holds()) return false;
  const Py_hash_t hash = PyObject_Hash(name);
  WatchedDict* dict = findDict(object);
  if (dict == nullptr) {
    if (PyDict_Watch(watcherId, object) < 0) {
      PyErr_Clear();
      return false;
    }
    dict = &watchedDicts[object];
  }
  const std::shared_ptr<WatchedKey>* known = dict->find(name, hash);
  if (known != nullptr && (*known)->changes) return false;
  if (shared != nullptr && shared->at(object, hash).load(std::memory_order_relaxed) != 0) return false;
  dependOn(known != nullptr ? *known : dict->add(name, hash));
  return true;
}

void Validity::dependOn(CodeData& code) {
  if (code.inlined == nullptr) code.inlined = std::make_shared<WatchedKey>();
  dependOn(code.inlined);
}

void Validity::dependOn(std::shared_ptr<WatchedKey> key) {
  if (std::find(keys_.begin(), keys_.end(), key) != keys_.end()) return;
  key->dependents.push_back(this);
  keys_.push_back(std::move(key));
}

void startDictWatcher() {
  if (watcherId >= 0) return;
  watcherId = PyDict_AddWatcher(onDictEvent);
  if (watcherId < 0) PyErr_Clear();
  shareChanges();
}

void tellParent() {
  isChild = true;
}

void learnFromChildren() {
  if (shared == nullptr) return;
  const uint32_t count = shared->count.load(std::memory_order_acquire);
  if (count == sharedSeen) [[likely]]
    return;
  sharedSeen = count;
  for (auto& [object, dict] : watchedDicts) {
    for (auto& [hash, key] : dict.keys) {
      if (!key->changes && shared->at(object, hash).load(std::memory_order_relaxed) != 0) key->invalidate();
    }
  }
}

extern "C" bool martlet_is_variable(PyObject* object, PyObject* name) {
  const auto* places = reinterpret_cast<PyDictObject*>(object);
  if (!port::isWatched(places)) return true;
  if (!port::isWatchedOnlyBy(places, watcherId)) return false;
  WatchedDict* dict = findDict(object);
  if (dict == nullptr) return true;
  const std::shared_ptr<WatchedKey>* watched = dict->find(name, PyObject_Hash(name));
  return watched == nullptr || (*watched)->dependents.empty();
}

void stopDictWatcher() {
  if (watcherId >= 0 && PyDict_ClearWatcher(watcherId) < 0) PyErr_Clear();
  watcherId = -1;
  // Changes go unnoticed from here on, and another watcher may get the number.
  for (auto& [object, dict] : watchedDicts) {
    dict.invalidateAll();
  }
  watchedDicts.clear();
  lastDictObject = nullptr;
}

}  // namespace martlet::vm
