// SPDX-License-Identifier: MIT
// Facts about a function that passes ask for: dominators, loops, ways. Each is computed by its constructor and is stale
// once blocks or edges change. Must not know: Python.h, LLVM.
#pragma once
#include <cstdint>
#include <deque>
#include <vector>

#include "lowering/hir/hir.h"

namespace martlet::hir {

/// Cooper, Harvey, Kennedy: "A Simple, Fast Dominance Algorithm". Native code may begin at any entry, so that a root
/// that is no block stands above all of them, and two entries that join leave the join without a dominating block.
class DominatorTree {
 public:
  explicit DominatorTree(const Function& function);

  bool isReachable(const Block* block) const { return nodeOf(block) != kNone; }
  /// Null for an entry, for a join of what several entries reach, and for an unreachable block.
  Block* idom(const Block* block) const;
  /// Reflexive. An unreachable block is dominated by itself only.
  bool dominates(const Block* a, const Block* b) const;
  /// True if `a` is computed before `b` on every way to `b`; false for a value and itself. Parameters come before the
  /// ops.
  bool dominates(const Value* a, const Value* b) const;
  /// Reachable blocks, each behind its dominator; in reverse postorder.
  const std::vector<Block*>& order() const { return order_; }
  const std::vector<Block*>& children(const Block* block) const;

 private:
  static constexpr uint32_t kNone = ~0U;
  static constexpr uint32_t kRoot = 0;
  struct Node {
    Block* block = nullptr;
    uint32_t idom = kNone;
    uint32_t first = 0, last = 0;  // a's subtree is the nodes whose `first` lies in [a.first, a.last]
    std::vector<Block*> children;
  };
  uint32_t nodeOf(const Block* block) const {
    return block->id < nodeOfBlock_.size() ? nodeOfBlock_[block->id] : kNone;
  }
  void number(const Function& function);
  void solve(const Function& function);
  void numberSubtrees();
  uint32_t intersect(uint32_t a, uint32_t b) const;

  std::vector<Node> nodes_;  // in reverse postorder; 0 is the root above the entries
  std::vector<uint32_t> nodeOfBlock_;
  std::vector<Block*> order_;
};

struct Loop {
  Block* header = nullptr;
  Loop* parent = nullptr;
  uint32_t depth = 1;
  std::vector<Block*> latches;  ///< sources of the edges back to the header
  std::vector<Block*> blocks;   ///< header first, then in reverse postorder; those of inner loops, too
  bool contains(const Block* block) const;
};

/// Natural loops: an edge back to a block that dominates its source. (A handler that is entered natively and joins the
/// middle of a loop makes the loop irreducible; it is then not listed.)
class LoopInfo {
 public:
  LoopInfo(const Function& function, const DominatorTree& dominators);

  /// Outer loops before inner ones.
  const std::deque<Loop>& loops() const { return loops_; }
  /// The innermost loop around a block, or null.
  const Loop* loopOf(const Block* block) const {
    return block->id < innermost_.size() ? innermost_[block->id] : nullptr;
  }
  uint32_t depth(const Block* block) const { return loopOf(block) == nullptr ? 0 : loopOf(block)->depth; }

 private:
  std::deque<Loop> loops_;        // addresses stay
  std::vector<Loop*> innermost_;  // by block id
};

/// True if a way of at least one edge leads from one block to the other, not through `around`.
bool reaches(const Block* from, const Block* to, const Block* around);

/// What is true of a parameter as soon as it is true of one of its arguments: calls `grow(param, argument)`, which says
/// whether that changed anything, for all edges, over and over, until nothing does.
template <class Grow>
void growAlongEdges(const Function& function, Grow&& grow) {
  for (bool grown = true; grown;) {
    grown = false;
    for (const auto& block : function.blocks) {
      for (const Edge& edge : block->successors) {
        for (size_t i = 0; i < edge.args.size(); ++i) grown |= grow(*edge.target->params[i], *edge.args[i]);
      }
    }
  }
}

}  // namespace martlet::hir
