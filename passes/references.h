// SPDX-License-Identifier: MIT
// What the passes about frame slots and reference counts agree on: which values are counted, which uses hold a value, what
// each slot of the frame contains. Must not know: how counts are inserted.
#pragma once
#include <vector>

#include "lowering/hir/hir.h"

namespace martlet::passes {

/// True if no count of `value` is ever kept: machine values, NULL, and objects known to be immortal.
bool isUncounted(const hir::Value& value);
/// True if SSA may hold a reference of `value`. False for what lives as long as the code does: those objects are counted
/// only while a frame slot or somebody else holds them.
bool isHeldBySsa(const hir::Value& value);
/// True if releasing `value` cannot run Python code.
bool isQuietlyReleased(hir::Type type);
/// A number, NULL or a machine value: what a dirty slot may hold.
bool isNumberOrNull(hir::Type type);
/// BoxInt, BoxFloat or BoxBool.
bool isBox(const hir::Value& value);
/// The helper that does the same with the int key, operand 1, in a machine register; kCount where there is none.
hir::Helper withUnboxedKey(const hir::Value& call);
/// True for the ops whose operand is not a use: an Output names its call, DeferLocal is a marker.
bool isNameOnly(const hir::Value& op);

/// Calls `visit(Value*)` for every reference that has to be alive when `op` starts: operands, the operand stack of its
/// frame state, and its dirty locals (clean ones are alive in the frame's memory).
template <class Visit>
void visitHeldUses(const hir::Value& op, Visit&& visit) {
  if (!isNameOnly(op)) {
    for (hir::Value* v : op.operands) {
      if (v->type.isReference()) visit(v);
    }
  }
  if (!op.state) return;
  for (hir::Value* v : op.state->stack) {
    if (v->type.isReference()) visit(v);
  }
  for (size_t slot = 0; slot < op.state->locals.size(); ++slot) {
    if (op.state->isDirty(slot) && op.state->locals[slot]->type.isReference()) visit(op.state->locals[slot]);
  }
}

/// The content of each frame slot while one walks through a block.
class SlotMap {
 public:
  explicit SlotMap(const hir::Block& block);

  hir::Value* content(size_t slot) const { return values_[slot]; }
  bool isDirty(size_t slot) const { return dirty_[slot]; }
  size_t size() const { return values_.size(); }
  /// True if memory of a clean slot is known to hold this very reference.
  bool supports(const hir::Value* value) const;
  /// True if the slot's memory holds something that no SSA reference names.
  bool isAnonymous(size_t slot) const { return dirty_[slot] || !values_[slot]->type.isReference(); }
  void set(size_t slot, hir::Value* value, bool dirty);
  /// Takes note of what `op` does to the slots.
  void step(hir::Value& op);

 private:
  std::vector<hir::Value*> values_;
  std::vector<bool> dirty_;
};

/// Which references have to be alive at the borders of blocks, in the sense of visitHeldUses. An edge's argument counts
/// only if the parameter is alive.
class ReferenceLiveness {
 public:
  explicit ReferenceLiveness(const hir::Function& function);

  bool isLiveIn(const hir::Block& block, const hir::Value& value) const;
  /// The live values by id, parameters of the block included.
  std::vector<hir::Value*> liveIn(const hir::Block& block) const;
  /// For each op of a block: which of its own uses, its result, and `slotContents[op]` are still alive behind it.
  /// `visit(op index, live)` is called from the last op to the first with the set of values alive behind the op.
  using Set = std::vector<bool>;
  Set liveOut(const hir::Block& block) const;
  /// Turns the set behind `op` into the set before it.
  static void stepBackward(const hir::Value& op, Set& live);

 private:
  std::vector<Set> liveIn_;  ///< by block id
  std::vector<hir::Value*> values_;  ///< by id
};

}  // namespace martlet::passes
