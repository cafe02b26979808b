// SPDX-License-Identifier: MIT
// What the passes about frame slots and reference counts agree on: which values are counted, which uses hold a value,
// what each slot of the frame contains. Must not know: how counts are inserted.
#pragma once
#include <cstdint>
#include <vector>

#include "lowering/hir/hir.h"

namespace martlet::passes {

/// True if no count of `value` is ever kept: machine values, NULL, and objects known to be immortal.
bool isUncounted(const hir::Value& value);
/// True if SSA may hold a reference of `value`. False for what lives as long as the code does: those objects are
/// counted only while a frame slot or somebody else holds them.
bool isHeldBySsa(const hir::Value& value);
/// True if `value` is an object that only a watched dict keeps alive (ObjectRef::watched).
bool isWatchedConstant(const hir::Value& value);
/// True if releasing `value` cannot run Python code.
bool isQuietlyReleased(hir::Type type);
/// A number, NULL or a machine value: what a dirty slot may hold.
bool isNumberOrNull(hir::Type type);
/// A number, or what the slot holds that it stands for: the slot is dirty or not, which only a flag tells.
bool isNumberOrSlot(hir::Type type);
/// BoxInt, BoxFloat or BoxBool.
bool isBox(const hir::Value& value);
/// The helper that does the same with the int key, operand 1, in a machine register; kCount where there is none.
hir::Helper withUnboxedKey(const hir::Value& call);
/// True for the markers of local-sync, which tell what is dirty from there on.
bool isDeferral(const hir::Value& op);
/// True for the ops whose operand is not a use: an Output names its call, markers only tell, and views count where they
/// are on an operand stack.
bool isNameOnly(const hir::Value& op);

/// Calls `visit(Value*)` for what has to be alive for an entry of an operand stack: views need their objects.
template <class Visit>
void visitHeldObjects(hir::Value* entry, Visit&& visit) {
  const bool isView =
      entry->op == hir::Op::RangeView || entry->op == hir::Op::DeferredRange || entry->op == hir::Op::TupleView;
  if (!isView && entry->type.isReference()) visit(entry);
  if (!isView) return;
  for (hir::Value* v : entry->operands) {
    if (v->type.isReference()) visit(v);
  }
}

/// Calls `visit(Value*)` for the references that an op itself looks at: operands, the operand stack of its frame state,
/// and its dirty locals (clean ones are alive in the frame's memory). What has been caught is released top of the stack
/// first, as the interpreter does.
template <class Visit>
void visitOwnUses(const hir::Value& op, Visit&& visit) {
  if (!isNameOnly(op)) {
    for (hir::Value* v : op.operands) {
      if (v->type.isReference()) visit(v);
    }
  }
  if (!op.state) return;
  const std::vector<hir::Value*>& stack = op.state->stack;
  if (op.calls(hir::Helper::CatchException)) {
    for (auto v = stack.rbegin(); v != stack.rend(); ++v) visitHeldObjects(*v, visit);
  } else {
    for (hir::Value* v : stack) visitHeldObjects(v, visit);
  }
  for (size_t slot = 0; slot < op.state->locals.size(); ++slot) {
    if (op.state->isDirty(slot) && op.state->locals[slot]->type.isReference()) visit(op.state->locals[slot]);
  }
}

/// Calls `visit(Value*)` for every reference that has to be alive when `op` starts. For a BranchFailed that is what
/// nothing may release while an exception may be set: the call's result, and all that the call has looked at and not
/// consumed.
template <class Visit>
void visitHeldUses(const hir::Value& op, Visit&& visit) {
  visitOwnUses(op, visit);
  if (op.op != hir::Op::BranchFailed) return;
  const hir::Value& call = *op.operands[0];
  visitOwnUses(call, [&](hir::Value* v) {
    if (!call.consumesValue(v)) visit(v);
  });
}

/// The content of each frame slot while one walks through a block.
class SlotMap {
 public:
  SlotMap() = default;
  explicit SlotMap(const hir::Block& block);

  hir::Value* content(size_t slot) const { return values_[slot]; }
  bool isDirty(size_t slot) const { return dirty_[slot]; }
  size_t size() const { return values_.size(); }
  /// True if memory of a clean slot is known to hold this very reference.
  bool supports(const hir::Value* value) const;
  /// True if the slot's memory holds something that no SSA reference names.
  bool isAnonymous(size_t slot) const { return dirty_[slot] || !values_[slot]->type.isReference(); }
  /// The I1 that tells at run time whether a dirty slot is dirty; null: it is.
  hir::Value* conditionOf(size_t slot) const { return when_[slot]; }
  void set(size_t slot, hir::Value* value, bool dirty, hir::Value* condition = nullptr);
  /// Takes note of what `op` does to the slots.
  void step(hir::Value& op);

 private:
  void setUnpacked(hir::Value& call);

  std::vector<hir::Value*> values_;
  std::vector<bool> dirty_;
  std::vector<hir::Value*> when_;
};

/// By block id: the slots at each block's start. Where the entry state only has a machine value for a clean slot's
/// content, but all ways there bring the same object, the object names the content.
std::vector<SlotMap> slotsAtStart(const hir::Function& function);

/// A set of values, by id.
class ValueSet {
 public:
  explicit ValueSet(size_t values = 0) : words_((values + 63) / 64) {}
  bool contains(const hir::Value& v) const { return ((words_[v.id / 64] >> (v.id % 64)) & 1) != 0; }
  void insert(const hir::Value& v) { words_[v.id / 64] |= uint64_t{1} << (v.id % 64); }
  void erase(const hir::Value& v) { words_[v.id / 64] &= ~(uint64_t{1} << (v.id % 64)); }
  void insertAll(const ValueSet& other) {
    for (size_t i = 0; i < words_.size(); ++i) words_[i] |= other.words_[i];
  }
  const std::vector<uint64_t>& words() const { return words_; }
  bool operator==(const ValueSet&) const = default;

 private:
  std::vector<uint64_t> words_;
};

/// Which references have to be alive at the borders of blocks, in the sense of visitHeldUses. An edge's argument counts
/// only if the parameter is alive.
class ReferenceLiveness {
 public:
  explicit ReferenceLiveness(const hir::Function& function);

  bool isLiveIn(const hir::Block& block, const hir::Value& value) const;
  /// The live values by id, parameters of the block included.
  std::vector<hir::Value*> liveIn(const hir::Block& block) const;
  ValueSet liveOut(const hir::Block& block) const;
  /// Turns the set behind `op` into the set before it.
  static void stepBackward(const hir::Value& op, ValueSet& live);

 private:
  std::vector<ValueSet> liveIn_;     ///< by block id
  std::vector<hir::Value*> values_;  ///< by id
};

}  // namespace martlet::passes
