// SPDX-License-Identifier: MIT
// Which instructions are reachable from given entries, and where blocks begin. Owns: the edges between instructions.
// Must not know: HIR, what instructions do.
#pragma once
#include <span>
#include <vector>

#include "lowering/frontend/snapshot.h"
#include "lowering/result.h"

namespace martlet::frontend {

/// A requested entry, resolved.
struct ResolvedEntry {
  uint32_t index;   ///< instruction
  uint32_t offset;  ///< as the vm knows it
  uint16_t stackDepth;
  std::vector<hir::Type> seen = {};
};

struct ControlFlow {
  static constexpr uint32_t kNoLeader = ~0U;
  std::vector<ResolvedEntry> entries;  ///< without duplicates, in the order of the requests
  std::vector<uint32_t> incoming;      ///< by instruction: number of edges into the block that it begins, or kNoLeader
  std::vector<int32_t> indexAt;        ///< by offset: the instruction there, or -1
  std::vector<bool> leftOut;           ///< by instruction: native code is left there, it has never run
  /// By instruction: the handler that what fails there goes on at in native code, as an index into the snapshot's, or
  /// -1.
  std::vector<int32_t> handlers;
  uint32_t joins = 0;  ///< leaders with more than one edge

  bool isLeader(uint32_t index) const { return index < incoming.size() && incoming[index] != kNoLeader; }
  bool isJoin(uint32_t index) const { return isLeader(index) && incoming[index] > 1; }
  /// The instruction that begins at an offset, or -1.
  int32_t find(uint32_t offset) const { return offset < indexAt.size() ? indexAt[offset] : -1; }
};

Result<ControlFlow> analyzeControlFlow(const Snapshot& snapshot, std::span<const EntryRequest> entries);

}  // namespace martlet::frontend
