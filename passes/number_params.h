// SPDX-License-Identifier: MIT
// What unbox-params decides before it changes anything: which block parameters become machine numbers, and how. Must
// not know: how the function is rewritten.
#pragma once
#include <optional>
#include <utility>
#include <vector>

#include "lowering/hir/analysis.h"

namespace martlet::passes {

struct NumberKind {
  hir::Type object, machine, machineOrSlot;
  hir::Op box, unbox;
};

class NumberParams {
 public:
  /// None: stays an object. OrSlot: a number, or what the slot holds that it stands for. Number: always a number.
  enum class Form : uint8_t { None, OrSlot, Number };

  struct EdgeUse {
    hir::Block* from;
    size_t successor;
    size_t index;
    hir::Block* target() const { return from->successors[successor].target; }
    hir::Value* param() const { return target()->params[index]; }
    hir::Value* argument() const { return from->successors[successor].args[index]; }
  };
  struct Uses {
    std::vector<hir::Value*> unboxes, stores, others;
    std::vector<hir::Value*> keys;  ///< calls that would take the number just as well
    std::vector<EdgeUse> edges;
    /// Blocks with a state that names the value elsewhere than in its slot; `entry`: it is the block's own.
    struct Mention {
      hir::Block* block;
      bool entry;
    };
    std::vector<Mention> mentions;
  };

  NumberParams(hir::Function& function, const NumberKind& kind);

  /// The parameters that change, in the order of their blocks.
  const std::vector<hir::Value*>& chosen() const { return chosen_; }
  Form formOf(const hir::Value* value) const { return value->op == hir::Op::Param ? form_[value->id] : Form::None; }
  const Uses& usesOf(const hir::Value* value) const { return uses_[value->id]; }
  /// The slot that an OrSlot parameter stands for.
  size_t slotOf(const hir::Value* param) const { return *slot_[param->id]; }
  bool isConstant(const hir::Value* value) const;
  /// The result of an op that unboxes the object on every way to the block's end, or null.
  hir::Value* unboxedBefore(const hir::Value* object, const hir::Block* block) const;
  const hir::DominatorTree& dominators() const { return dominators_; }
  const hir::Loop* loopOf(const hir::Value* param) const { return loops_.loopOf(param->block); }
  /// The block nearest to the loop, but outside of it, among the dominators of a block outside.
  hir::Block* outermostBehind(const hir::Loop& loop, hir::Block* block) const;

 private:
  enum class Argument : uint8_t { Number, Guarded, Unsuitable };

  void collect();
  void collectMentions();
  void collectSeen();
  void choose();
  void spreadEvidence();
  void spreadFreshness();
  void spreadConsumption();
  bool isComputedWith(const hir::Value* value) const {
    return !uses_[value->id].unboxes.empty() || !uses_[value->id].keys.empty();
  }
  bool isAcceptable(hir::Value* param) const;
  bool usesAreAcceptable(hir::Value* param) const;
  bool isAcceptableSlot(hir::Value* param) const;
  bool isSlotArgument(const EdgeUse& edge) const;
  bool isSlotEdge(const hir::Value* param, const EdgeUse& edge, const hir::Loop* loop) const;
  bool canLoadAt(const hir::Value* param, const hir::Block* block) const;
  Argument classify(hir::Value* argument, const EdgeUse& edge) const;
  bool isNumber(const hir::Value* value) const { return formOf(value) == Form::Number; }
  bool isCandidate(const hir::Value* value) const { return formOf(value) != Form::None; }
  const hir::Loop* loopOfHeader(const hir::Value* param) const;

  hir::Function& function_;
  const NumberKind& kind_;
  const hir::DominatorTree dominators_;
  const hir::LoopInfo loops_;
  std::vector<Uses> uses_;                      // by value id
  std::vector<std::vector<EdgeUse>> incoming_;  // by parameter id
  std::vector<Form> form_;                      // by value id
  std::vector<bool> evidence_, fresh_, consumed_;
  std::vector<std::optional<size_t>> slot_;  // by value id: the one slot that a parameter stands for
  std::vector<hir::Type> seen_;              // by value id: what may be where an entry loads it
  std::vector<hir::Value*> chosen_;
};

}  // namespace martlet::passes
