// SPDX-License-Identifier: MIT
// Whether what code was compiled for is still so. Owns: the dict watcher, who depends on which entry of which dict.
// Must not know: how code is compiled, what native code does when it finds itself invalid. Guarded by the GIL.
#pragma once
#include <Python.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "vm/ref.h"

namespace martlet::vm {

class CodeData;
struct NativeVersion;

class Validity;

/// Something that code depends on: an entry of a dict, present or not, or a code object.
struct WatchedKey {
  Ref name;              ///< of an entry
  bool changes = false;  ///< has been changed under code that depended on it: it is a variable
  std::vector<Validity*> dependents;

  void invalidate();
};

/// The assumptions of one compilation. It is made with the snapshot, so that nothing that changes while the compiler
/// works goes unnoticed.
class Validity {
 public:
  explicit Validity(CodeData& data) : data_(data) {}
  ~Validity();
  Validity(const Validity&) = delete;
  Validity& operator=(const Validity&) = delete;

  /// From now on a change of `dict[name]` (its addition and removal included) makes this invalid. False if that cannot
  /// be watched, or if the entry is known to change. `name` is an exact str.
  bool dependOn(PyObject* dict, PyObject* name);
  /// The same for the end of a code object, and for what has others watch it.
  void dependOn(CodeData& code);
  bool holds() const { return word_ == 0; }
  /// What native code looks at: zero while everything holds.
  const uint64_t* word() const { return &word_; }
  /// The version that stops being entered when this becomes invalid.
  void protect(NativeVersion* version) { version_ = version; }

 private:
  friend struct WatchedKey;
  void invalidate();
  void dependOn(std::shared_ptr<WatchedKey> key);

  uint64_t word_ = 0;
  CodeData& data_;
  NativeVersion* version_ = nullptr;
  std::vector<std::shared_ptr<WatchedKey>> keys_;
};

/// Without a watcher (CPython has few of them) nothing can be depended on. Never leaves a Python error. Idempotent.
void startDictWatcher();
void stopDictWatcher();
/// Forked children tell which entries of dicts they have changed under code: often they all do, and what they change is
/// a variable, then, for the next ones, too. To be called in the child; and in the parent now and then, where native
/// code may be taken out of use.
void tellParent();
void learnFromChildren();

}  // namespace martlet::vm
