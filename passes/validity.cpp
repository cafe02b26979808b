// SPDX-License-Identifier: MIT
// The pass "validity": one check of the code's assumptions for each stretch in which nothing can change them.
//
// Native code is entered only while its assumptions hold, so they hold at every entry; they hold until Python code may
// have run; and they hold behind a check. Where they hold on all ways to a check, the check goes. A loop without calls
// has none.
#include <algorithm>

#include "lowering/hir/hir.h"
#include "passes/pass_list.h"
#include "passes/references.h"

namespace martlet::passes {

using namespace hir;

namespace {

/// Whether the assumptions hold behind an op, given whether they did before it.
bool step(const Value& op, bool holds) {
  if (op.op == Op::GuardValid) return true;
  if (op.op == Op::DecRef && isQuietlyReleased(op.operands[0]->type)) return holds;
  // A plain store: what it releases has a DecRef of its own.
  if (op.op == Op::StoreLocal) return holds;
  return holds && op.effects() != Effects::Python;
}

class ValidityChecks {
 public:
  explicit ValidityChecks(Function& function) : function_(function) {}

  bool run() {
    holdsAtEnd_.assign(function_.blockIds(), true);
    for (bool changed = true; changed;) {
      changed = false;
      for (const auto& block : function_.blocks) {
        bool holds = holdsAtStart(*block);
        for (const Value* op : block->ops) holds = step(*op, holds);
        changed |= holds != holdsAtEnd_[block->id];
        holdsAtEnd_[block->id] = holds;
      }
    }
    size_t removed = 0;
    for (const auto& block : function_.blocks) removed += removeFrom(*block);
    return removed != 0;
  }

 private:
  bool holdsAtStart(const Block& block) const {
    return std::all_of(block.predecessors.begin(), block.predecessors.end(),
                       [this](const Block* from) { return holdsAtEnd_[from->id]; });
  }

  size_t removeFrom(Block& block) {
    bool holds = holdsAtStart(block);
    return std::erase_if(block.ops, [&holds](Value* op) {
      const bool needless = holds && op->op == Op::GuardValid;
      holds = step(*op, holds);
      if (needless) op->block = nullptr;
      return needless;
    });
  }

  Function& function_;
  std::vector<bool> holdsAtEnd_;  // by block id
};

}  // namespace

bool checkValidityOnce(Function& function) {
  function.recomputePredecessors();
  return ValidityChecks(function).run();
}

}  // namespace martlet::passes
