// SPDX-License-Identifier: MIT
// What the vm keeps for a code object: counters, native versions, and where they can be entered. Lives in the code
// object's co_extra and dies with it. All of it is guarded by the GIL. Must not know: LLVM, HIR passes.
#pragma once
#include <atomic>
#include <memory>
#include <set>
#include <vector>

#include "lowering/frontend/snapshot.h"
#include "lowering/native_abi.h"
#include "vm/cold_counts.h"
#include "vm/cpython_3_13/port.h"
#include "vm/runtime/site_cache.h"
#include "vm/validity.h"

namespace martlet::vm {

/// One compilation of a code object. Kept until nothing runs in it.
struct NativeVersion {
  CompiledCode code;
  std::vector<uint32_t> exitCounts;  ///< by exit number, counted reasons only
  std::unique_ptr<Validity> validity;
  bool retired = false;  ///< no new entries; freed when nothing runs in any version of the code object
};

/// Where a version can be entered: at the interpreter state before the instruction at `offset`.
struct NativeEntry {
  NativeVersion* version;
  uint32_t index;
  uint32_t offset;
  uint16_t stackDepth;
};

/// How many positional arguments fill all parameters; -1 where there are others (*args, keyword-only).
inline int32_t plainArgumentsOf(const PyCodeObject* code) {
  const bool others = (code->co_flags & (CO_VARARGS | CO_VARKEYWORDS)) != 0 || code->co_kwonlyargcount != 0;
  return others ? -1 : code->co_argcount;
}

class alignas(64) CodeData {
 public:
  explicit CodeData(PyCodeObject* code);
  /// All of them lie together: each call writes to its callee's, and after a fork a page that is written to has to be
  /// copied first.
  static void* operator new(size_t size);
  static void operator delete(void* place);
  CodeData(const CodeData&) = delete;
  CodeData& operator=(const CodeData&) = delete;

  /// The data of a code object, or NULL where it has none yet.
  static CodeData* find(PyCodeObject* code) {
    const uintptr_t* slot = slotOf(code);
    return slot != nullptr && !isColdCount(*slot) ? reinterpret_cast<CodeData*>(*slot) : nullptr;
  }
  /// NULL with a Python error set when out of memory. `loop` is the loop head that asks, if one does: it gets the
  /// jumps that were counted so far.
  static CodeData* findOrCreate(PyCodeObject* code, uint32_t loop = 0);
  /// Where in co_extra the data is, and counts were before it. Called once, before anything else.
  static void useCounting(const Counting& counting) {
    counting_ = &counting;
    extraIndex_ = counting.extraIndex;
  }
  /// Calls `visit` for every live CodeData, in order of creation.
  template <class Visit>
  static void forEach(Visit&& visit) {
    std::vector<CodeData*> all;  // a visit may free code
    for (CodeData* data = first_; data != nullptr; data = data->next_) all.push_back(data);
    for (CodeData* data : all) visit(*data);
  }

  /// NULL once the code object has died.
  PyCodeObject* code() const { return code_; }
  /// The data of the code object with a version (co_version), or NULL where it has none.
  static CodeData* ofVersion(uint32_t version);

  /// Has a call's cache refer to this code, which keeps the memory until the cache dies or refers to other code.
  void rememberAt(SiteCache& cache);
  /// The code object died.
  void die();

  // What every call reads comes first, in one cache line: a program's functions do not all fit into the first cache.
  /// The version that a call enters through func->vectorcall, or NULL; and where.
  NativeVersion* callVersion = nullptr;
  NativeFunction callFunction = nullptr;
  uint32_t callIndex = 0;
  uint32_t active = 0;             ///< activations on some thread's stack, of all versions
  const port::FrameLayout layout;  ///< of the code object's frames
  const int32_t plainArguments;    ///< as of plainArgumentsOf()
  bool watchedByOthers = false;    ///< another tool asked for local events: stay out
  bool hasRetired = false;         ///< versions that wait for `active` to drop to zero

 private:
  uintptr_t instrumentedFor_ = 0;  ///< see isInstrumentedFor()
  PyCodeObject* code_;
  static constexpr NativeEntry kNone = {nullptr, 0, UINT32_MAX, 0};
  NativeEntry lastResumed_ = kNone;  ///< a copy of the entry at its offset

 public:
  /// Where a generator can go on, or NULL. Most go on where one of their kind has gone on before. (Of code that could
  /// be compiled, a place has one stack depth.)
  const NativeEntry* resumeAt(const port::ResumePoint& point) {
    if (lastResumed_.offset != point.offset) {
      const NativeEntry* entry = entryAt(point.offset);
      if (entry == nullptr || entry->stackDepth != point.stackDepth) return nullptr;
      lastResumed_ = *entry;
    }
    return &lastResumed_;
  }

  const NativeEntry* entryAt(uint32_t offset) const {
    const uint16_t number = offset < entryNumbers_.size() ? entryNumbers_[offset] : 0;
    return number != 0 ? &entries_[number - 1U] : nullptr;
  }
  /// Makes a version's entries the current ones for their offsets.
  void publish(std::unique_ptr<NativeVersion> version, bool entersCalls);
  /// Stops entering a version; frees it when nothing runs in it any more.
  void retire(NativeVersion* version);
  void retireAll();
  /// Stops entering a version, and leaves it to publish() and retireAll() to free it: runs where nothing may be freed.
  void withdraw(NativeVersion* version);
  /// Called when an activation ended.
  void activationEnded() {
    if (--active == 0 && hasRetired) [[unlikely]]
      freeRetired();
  }
  /// True if the code object's bytecode is instrumented for the tools of that version of sys.monitoring. It always is
  /// for the newest version that it has been seen with.
  bool isInstrumentedFor(uintptr_t version) {
    if (instrumentedFor_ == version) [[likely]]
      return true;
    if (code_->_co_instrumentation_version != version) return false;
    instrumentedFor_ = version;
    return true;
  }
  size_t codeBytes() const;
  /// True if some frame runs a version of this code object.
  bool isRunning() const { return active != 0; }

  struct SiteCount {
    uint32_t offset;
    uint32_t count;
    /// Of the compilation under way for this place, if any: how often the place ran since then.
    std::atomic<uint32_t>* pending;
    bool failed;  ///< and will not be tried again
    uint16_t compilations;
    double since;  ///< processor time at which the last part of the count began; 0: all of it counts
  };
  /// Counter of calls (offset 0) or of a loop head or handler.
  SiteCount& site(uint32_t offset);

  /// What attribute, super and global accesses of native code came to, by number of the site. All versions share them,
  /// and the next compilation reads them; filled in by snapshotCode(), and never moved.
  std::vector<SiteCache> siteCaches;
  /// A function that runs this code and is alive, or NULL. Borrowed: the function watcher takes it back.
  PyFunctionObject* function = nullptr;
  std::shared_ptr<WatchedKey> inlined;  ///< on this depends what was compiled with this code in it, or NULL
  frontend::BlockedSites blocked;       ///< instructions where speculation failed
  std::set<uint32_t> reached;           ///< places that had never run when they were compiled, and are in use now
  /// What the slots held where an entry was first asked for, by its offset; at the start of a call, by 0.
  std::map<uint32_t, std::vector<hir::Type>> slotsSeen;
  bool compiledWhole = false;  ///< native code ran what the interpreter has not: its counters say nothing
  uint32_t recompilations = 0;
  uint32_t withdrawals = 0;    ///< versions lost because a global was rebound
  bool globalsDiffer = false;  ///< functions with different globals share this code object

 private:
  static uintptr_t* slotOf(PyCodeObject* code) { return vm::slotOf(code, extraIndex_); }
  void stopEntering(NativeVersion* version);
  void numberEntries();
  void freeRetired();
  void unpin();
  ~CodeData() = default;

  uint32_t pins_ = 0;  ///< caches that refer to this
  std::vector<NativeEntry> entries_;
  std::vector<uint16_t> entryNumbers_;  ///< by offset: the index of its entry, plus one
  std::vector<SiteCount> sites_;
  std::vector<std::unique_ptr<NativeVersion>> versions_;
  static const Counting* counting_;
  static Py_ssize_t extraIndex_;
  // All of them, in order of creation: programs make and drop code objects by the thousand.
  static CodeData* first_;
  static CodeData* last_;
  CodeData* previous_ = nullptr;
  CodeData* next_ = nullptr;
};

/// One that no code object has (yet).
struct CodeDataDeath {
  void operator()(CodeData* data) const { data->die(); }
};
using OwnedCodeData = std::unique_ptr<CodeData, CodeDataDeath>;

/// Frees native code; set by the engine. Called with the GIL held.
extern void (*releaseNativeCode)(CompiledCode& code);

}  // namespace martlet::vm
