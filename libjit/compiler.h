// SPDX-License-Identifier: MIT
// From snapshot to native code: frontend, passes, backend. Runs without the GIL. Owns: the backend, which is loaded
// with the first compilation, and unloaded where a program forks more than it compiles; the memory of native code. Must
// not know: Python.h, LLVM's headers.
#pragma once
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "libjit/code_memory.h"
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
  /// The code may run from now on.
  void publish(CompiledCode& code) { memory_.showFrames(code.place); }
  void release(CompiledCode& code) { memory_.release(code.place); }
  /// Gives memory back until the next compilation: fork() takes its time for each page.
  void rest();
  double backendLoadSeconds() const { return backendLoadSeconds_; }

  // Around fork(): no compilation may be half-way in the child.
  void lockForFork();
  void unlockAfterFork() { mutex_.unlock(); }

 private:
  bool loadBackend(std::string* error);
  void unloadBackend();

  std::vector<HelperAddress> helpers_;
  std::mutex mutex_;
  CodeBlocks memory_;
  void* library_ = nullptr;
  std::unique_ptr<Backend> backend_;  ///< in the library
  uint32_t forksUnused_ = 0;          ///< since the last compilation
  double backendLoadSeconds_ = 0;
  std::string loadError_;
};

}  // namespace martlet
