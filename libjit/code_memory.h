// SPDX-License-Identifier: MIT
// Where native code lies. Owns: its pages and what unwinders know of it. Both outlive the backend, which is unloaded
// now and then. Must not know: Python.h, LLVM.
#pragma once
#include <mutex>
#include <vector>

#include "lowering/backend.h"

namespace martlet {

/// Blocks that are mapped as a whole: to the kernel all code in one is one mapping, and fork() takes its time for each.
class CodeBlocks final : public CodeMemory {
 public:
  void* allocate(size_t bytes) override;
  bool seal(void* at, size_t bytes) override;
  void release(void* at, size_t bytes) override;

  /// Has unwinders find the code's frames until it is freed. On the thread that publishes it: what an unwinder
  /// allocates would else keep pages of the compiler's memory alive.
  void showFrames(CodePlace& place);
  /// Frees code; from any thread.
  void release(CodePlace& place);

 private:
  struct Range {
    char* at;
    size_t bytes;
  };

  // With mutex_ held.
  std::vector<Range>::iterator findFree(size_t bytes);
  void addFree(Range added);

  std::mutex mutex_;
  std::vector<Range> free_;  ///< by address; no two of them touch
};

}  // namespace martlet
