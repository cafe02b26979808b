// SPDX-License-Identifier: MIT
// What local-sync decides before it changes anything: which stores are put off, where Python code may run, which slots
// are dirty where. Must not know: how the function is rewritten.
#pragma once
#include <vector>

#include "lowering/hir/analysis.h"
#include "passes/refcount_plan.h"

namespace martlet::passes {

class LocalSyncFacts {
 public:
  LocalSyncFacts(hir::Function& function, const hir::DominatorTree& dominators);

  /// Whether there is anything to do: stores to put off, or slots that may be dirty on some ways.
  bool anyDeferred() const { return anyDeferred_; }
  bool isDeferred(const hir::Value& store) const { return deferred_[store.id]; }
  /// True if dirty slots have to be brought up to date before the op: it may run Python code.
  bool isLoud(const hir::Value& op) const { return op.id < loud_.size() && loud_[op.id]; }
  /// True if a release right behind the op may run Python code. It brings slots up to date by itself, out of the way,
  /// as long as their values are there: numbers in registers, and constants.
  bool releasesLoudly(const hir::Value& op) const { return op.id < releasesLoudly_.size() && releasesLoudly_[op.id]; }
  /// True where ways meet (of two edges, even from one block), or a value may get another name.
  static bool isJoin(const hir::Block& block);
  /// Slots that are dirty at a block's start.
  const std::vector<bool>& dirtyIn(const hir::Block& block) const { return dirtyIn_[block.id]; }
  /// True if only a flag tells whether a slot that is dirty at a join's start is: on some way there it holds a number
  /// as an object that the program may know.
  bool needsFlag(const hir::Block& join, size_t slot) const;
  /// A box that deferred stores and frame states want, and perhaps ops off the way: its machine value takes its place,
  /// and those ops get a box of their own.
  bool isSunk(const hir::Value& value) const { return value.id < sunk_.size() && sunk_[value.id]; }
  hir::Value* withoutSunkBox(hir::Value* value) const { return isSunk(*value) ? value->operands[0] : value; }
  const std::vector<hir::Value*>& sunkBoxes() const { return sunkBoxes_; }
  /// True if a loop is entered on the edge with the slot's number in another slot, too: from then on they may have
  /// different names.
  bool sharesAtEntry(const hir::Block& from, const hir::Block& target, const SlotMap& atEnd, size_t slot) const;
  /// What a slot of a kNumberOrSlot parameter may hold, be it dirty or not.
  hir::Type contentOf(const hir::Value& param) const { return contents_[param.id]; }
  /// A box that is made for frame slots only.
  bool isOnlyStored(const hir::Value& value) const;

 private:
  using Slots = std::vector<bool>;

  struct EdgeUse {
    const hir::Block* from;
    size_t successor;
  };
  struct OtherUses {
    std::vector<const hir::Value*> ops;
    std::vector<EdgeUse> edges;
    bool none() const { return ops.empty() && edges.empty(); }
  };

  void findLoudOps();
  bool isLoudRelease(const hir::Value& value, const hir::Block& at) const;
  void countUses();
  void decide();
  std::vector<Slots> surelySynced() const;
  Slots surelySyncedBehind(const hir::Block& block, const std::vector<Slots>& in) const;
  /// Returns, for a store, whether its slot is surely looked at behind it.
  bool stepBackward(const hir::Value& op, Slots& slots) const;
  bool canBeSunk(const hir::Value& box) const;
  void findSunkBoxes();
  bool isLoopHeader(const hir::Block& block) const;
  void findDirtySlots();
  void findKnownObjects();
  void stepKnown(const hir::Value& op, const SlotMap& contents, Slots& known) const;
  bool showsNumber(const SlotMap& contents, size_t slot, const hir::Value* number) const;
  void findContents();
  bool mayBeDirty(const hir::Block& block, size_t slot) const;

  hir::Function& function_;
  const hir::DominatorTree& dominators_;
  const RefcountPlan plan_;
  std::vector<bool> loud_, releasesLoudly_, deferred_, sunk_;   // by value id
  std::vector<OtherUses> otherUses_;                            // by value id: but for stores and frame states
  std::vector<std::vector<hir::Value*>> quietGuards_, stores_;  // by the operand's id
  std::vector<Slots> dirtyIn_;                                  // by block id
  std::vector<Slots> knownIn_;       // by block id: memory may hold an object that the program knows
  std::vector<hir::Type> contents_;  // by value id
  std::vector<hir::Value*> sunkBoxes_;
  bool anyDeferred_ = false;
};

}  // namespace martlet::passes
