// SPDX-License-Identifier: MIT
// Random functions for property tests: any control flow, one parameter for each block, values used where they may be.
#pragma once
#include <memory>
#include <random>
#include <vector>

#include "lowering/hir/hir.h"

namespace martlet::hir::test {

/// `entryCount` entries (blocks without parameters), then `blockCount` blocks with random Jumps, Branches and Returns.
/// The ops are not well formed (no states, odd operands): control flow and uses are what counts.
inline std::unique_ptr<Function> randomGraph(uint32_t seed, size_t entryCount, size_t blockCount) {
  std::mt19937 random(seed);
  auto below = [&random](size_t limit) { return static_cast<size_t>(random() % limit); };
  auto function = std::make_unique<Function>();
  std::vector<Block*> blocks;
  for (size_t i = 0; i < entryCount + blockCount; ++i) {
    blocks.push_back(function->newBlock());
    if (i < entryCount) {
      function->entries.push_back({static_cast<uint32_t>(i), 0, blocks[i]});
    } else {
      function->newParam(blocks[i], types::kObject);
    }
  }
  auto add = [&](Block* block, Op op, Type type) {
    Value* value = function->newValue(op, type);
    function->append(block, value);
    return value;
  };
  for (Block* block : blocks) {
    Value* own = add(block, Op::LoadLocal, types::kObject);
    const size_t successors = below(5) == 0 ? 0 : 1 + below(2);
    Value* terminator = add(block,
                            successors == 0   ? Op::Return
                            : successors == 1 ? Op::Jump
                                              : Op::Branch,
                            types::kNothing);
    if (successors == 0) terminator->operands.push_back(own);
    for (size_t i = 0; i < successors; ++i) {
      block->successors.push_back({blocks[entryCount + below(blockCount)], {own}});
    }
  }
  function->recomputePredecessors();
  return function;
}

}  // namespace martlet::hir::test
