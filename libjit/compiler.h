// SPDX-License-Identifier: MIT
// From snapshot to native code: frontend, passes, backend. Runs without the GIL. Owns: the backend, which is loaded
// with the first compilation. Must not know: Python.h, LLVM's headers.
#pragma once
#include <mutex>
#include <string>
#include <vector>

#include "libjit/options.h"
#include "lowering/backend.h"
#include "lowering/frontend/snapshot.h"

namespace martlet {

class Compiler {
 public:
  explicit Compiler(std::vector<HelperAddress> helpers);

  /// One at a time: waits for a compilation that runs on another thread.
  Result<CompiledCode> compile(const frontend::Snapshot& snapshot, const std::vector<frontend::EntryRequest>& entries,
                               const Options& options);
  void release(CompiledCode& code);
  /// Gives memory back until the next compilation: fork() takes its time for each page.
  void rest();
  double backendLoadSeconds() const { return backendLoadSeconds_; }

  // Around fork(): no compilation may be half-way in the child.
  void lockForFork() { mutex_.lock(); }
  void unlockAfterFork() { mutex_.unlock(); }

 private:
  bool loadBackend(std::string* error);

  std::vector<HelperAddress> helpers_;
  std::mutex mutex_;
  Backend* backend_ = nullptr;  ///< never destroyed: native code outlives us
  double backendLoadSeconds_ = 0;
  std::string loadError_;
};

}  // namespace martlet
