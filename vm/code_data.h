// SPDX-License-Identifier: MIT
// What the vm keeps for a code object: counters, native versions, and where they can be entered. Lives in the code
// object's co_extra and dies with it. All of it is guarded by the GIL. Must not know: LLVM, HIR passes.
#pragma once
#include <memory>
#include <vector>

#include "lowering/frontend/snapshot.h"
#include "lowering/native_abi.h"
#include "vm/cpython_3_13/port.h"
#include "vm/runtime/site_cache.h"

namespace martlet::vm {

/// One compilation of a code object. Kept until nothing runs in it.
struct NativeVersion {
  CompiledCode code;
  std::vector<uint32_t> exitCounts;  ///< by exit number, counted reasons only
  std::vector<PyObject*> objects;    ///< strong references to objects that the code refers to
  uint32_t active = 0;               ///< activations on some thread's stack
  bool retired = false;              ///< no new entries; freed when `active` drops to zero
};

/// Where a version can be entered: at the interpreter state before the instruction at `offset`.
struct NativeEntry {
  NativeVersion* version;
  uint32_t index;
  uint32_t offset;
  uint16_t stackDepth;
};

class CodeData {
 public:
  explicit CodeData(PyCodeObject* code);
  ~CodeData();
  CodeData(const CodeData&) = delete;
  CodeData& operator=(const CodeData&) = delete;

  /// The data of a code object, or NULL where it has none yet.
  static CodeData* find(PyCodeObject* code) {
    const auto* extra = static_cast<const ExtraHeader*>(code->co_extra);
    return extra != nullptr && extraIndex_ < extra->size ? static_cast<CodeData*>(extra->items[extraIndex_]) : nullptr;
  }
  /// NULL with a Python error set when out of memory.
  static CodeData* findOrCreate(PyCodeObject* code);
  /// Reserves the co_extra index. False with a Python error set if none is left.
  static bool reserveIndex();
  /// Calls `visit` for every live CodeData, in order of creation.
  template <class Visit>
  static void forEach(Visit&& visit) {
    const std::vector<CodeData*> all = all_;
    for (CodeData* data : all) visit(*data);
  }

  PyCodeObject* code() const { return code_; }

  /// The version that a call enters through func->vectorcall, or NULL.
  NativeVersion* callVersion = nullptr;
  uint32_t callIndex = 0;
  /// How many positional arguments fill all parameters; -1 where there are others (*args, keyword-only).
  const Py_ssize_t plainArguments;

  const NativeEntry* entryAt(uint32_t offset) const;
  /// Makes a version's entries the current ones for their offsets.
  void publish(std::unique_ptr<NativeVersion> version, bool entersCalls);
  /// Stops entering a version; frees it when nothing runs in it any more.
  void retire(NativeVersion* version);
  void retireAll();
  /// Called when an activation ended.
  void activationEnded(NativeVersion* version) {
    if (--version->active == 0 && version->retired) freeVersion(version);
  }
  size_t codeBytes() const;
  /// True if some frame runs a version of this code object.
  bool isRunning() const;

  struct SiteCount {
    uint32_t offset;
    uint32_t count;
    bool pending;  ///< a compilation for this place is under way
    bool failed;   ///< and will not be tried again
    uint16_t compilations;
  };
  /// Counter of calls (offset 0) or of a loop head or handler.
  SiteCount& site(uint32_t offset);

  /// What attribute, super and global accesses of native code came to, by number of the site. All versions share them,
  /// and the next compilation reads them; filled in by snapshotCode(), and never moved.
  std::vector<SiteCache> siteCaches;
  frontend::BlockedSites blocked;  ///< instructions where speculation failed
  uint32_t recompilations = 0;
  bool watchedByOthers = false;  ///< another tool asked for local events: stay out

 private:
  struct ExtraHeader {
    Py_ssize_t size;
    void* items[1];
  };
  void freeVersion(NativeVersion* version);

  PyCodeObject* code_;
  std::vector<NativeEntry> entries_;
  std::vector<SiteCount> sites_;
  std::vector<std::unique_ptr<NativeVersion>> versions_;
  static Py_ssize_t extraIndex_;
  static std::vector<CodeData*> all_;
};

/// Frees native code; set by the engine. Called with the GIL held.
extern void (*releaseNativeCode)(CompiledCode& code);

}  // namespace martlet::vm
