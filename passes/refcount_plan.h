// SPDX-License-Identifier: MIT
// Where references have to be taken and released, as data. The refcount pass carries it out; local-sync asks it where
// Python code may run. The algorithm's essay is README.md. Must not know: how the plan is carried out.
#pragma once
#include <cstdint>
#include <vector>

#include "passes/references.h"

namespace martlet::passes {

struct OpCounts {
  std::vector<hir::Value*> takeBefore;    ///< IncRef before the op
  std::vector<hir::Value*> takeAfter;     ///< IncRef behind it: its own result, borrowed and soon without support
  std::vector<hir::Value*> releaseAfter;  ///< DecRef behind it
  std::vector<hir::Value*> owned;         ///< what SSA holds when the op starts, `takeBefore` included
  uint64_t borrowed = 0;                  ///< operands that no reference of SSA's stands behind, by index
  bool replacesUnnamed = false;           ///< StoreLocal: the old content is a number that no SSA value names
  bool isNoOp = false;                    ///< StoreLocal of what the slot holds anyway
};

struct EdgeCounts {
  hir::Block* from;
  size_t successor;
  std::vector<hir::Value*> take, release;
};

class RefcountPlan {
 public:
  explicit RefcountPlan(hir::Function& function);
  const OpCounts& at(const hir::Value& op) const { return ops_[op.id]; }
  const std::vector<EdgeCounts>& edges() const { return edges_; }

 private:
  struct Touched {
    hir::Value* value;
    bool liveBehind;
  };
  using Owned = std::vector<hir::Value*>;  // by id

  void planBlock(hir::Block& block);
  std::vector<std::vector<Touched>> touchedByOp(hir::Block& block) const;
  void planOp(hir::Value& op, const std::vector<Touched>& touched, SlotMap& slots, Owned& owned);
  void planEdges(hir::Block& block, const Owned& owned);

  const ReferenceLiveness liveness_;
  const std::vector<SlotMap> slotsAtStart_;  // by block id
  std::vector<OpCounts> ops_;                // by value id
  std::vector<EdgeCounts> edges_;
};

}  // namespace martlet::passes
