// SPDX-License-Identifier: MIT
// Checks the invariants of HIR (listed at the top of verifier.cpp) against the op table and the helper table.
// Must not know: Python.h, LLVM.
#pragma once
#include <string>
#include <vector>

#include "lowering/hir/hir.h"

namespace martlet::hir {

/// How far a function has come. Later phases allow more ops and forbid others.
enum class Phase : uint8_t {
  AfterFrontend,   ///< all slots clean, no reference counting
  AfterPasses,     ///< also dirty slots and DeferLocal markers
  AfterRefcount,   ///< also IncRef and DecRef, and `owned` in frame states
  BeforeLowering,  ///< no DeferLocal markers any more
};

struct Violation {
  const Block* block = nullptr;  ///< null: the function as a whole
  const Value* op = nullptr;     ///< null: the block's header
  std::string message;
};

/// Every violation, in the order of blocks and ops.
std::vector<Violation> findViolations(const Function& function, Phase phase);
/// The same as text, with the place in front. Empty: the function is well formed.
std::vector<std::string> verify(const Function& function, Phase phase);

}  // namespace martlet::hir
