// SPDX-License-Identifier: MIT
// The pass "guard-elimination": value numbering of pure ops and guards along the dominator tree.
#include <map>
#include <tuple>

#include "lowering/hir/analysis.h"
#include "passes/pass_list.h"
#include "passes/references.h"

namespace martlet::passes {

using namespace hir;

namespace {

/// Ops whose result depends on nothing but their operands. A value that exits where it is first computed needs no
/// second exit where it is computed again.
bool isNumbered(const Value& op) {
  switch (op.op) {
  case Op::Param:
  case Op::Output: return false;
  // Each load of a global takes a reference of its own: one that outlives what is done with it would be noticed.
  case Op::ConstObject: return !isWatchedConstant(op);
  // Equal floats need not be one object: `[a * b] == [a * b]` is false for NaN, and would be true if both were the
  // same box. Machine code shares the multiplication all the same.
  case Op::FloatAdd:
  case Op::FloatSub:
  case Op::FloatMul:
  case Op::FloatDiv:
  case Op::FloatFloorDiv:
  case Op::FloatMod:
  case Op::FloatPow:
  case Op::FloatNeg: return false;
  default: return op.effects() == Effects::Pure;
  }
}

class GuardEliminator {
 public:
  explicit GuardEliminator(Function& function) : function_(function), dominators_(function) {}

  bool run() {
    replacements_.resize(function_.valueCount(), nullptr);
    for (const Block* block : dominators_.order()) {
      if (dominators_.idom(block) == nullptr) visit(*block);
    }
    function_.replaceUses(replacements_);
    return changed_;
  }

 private:
  // Op, immediate, result type, operands.
  using Key = std::tuple<Op, int64_t, uint32_t, std::vector<uint32_t>>;

  void visit(const Block& root) {
    // Deep loops make deep trees: an explicit stack of blocks, with what each of them added.
    struct Scope {
      const Block* block;
      size_t nextChild;
      size_t firstKey;
    };
    std::vector<Scope> scopes;
    auto enter = [&](const Block& block) {
      scopes.push_back({&block, 0, added_.size()});
      number(block);
    };
    enter(root);
    while (!scopes.empty()) {
      Scope& top = scopes.back();
      const auto& children = dominators_.children(top.block);
      if (top.nextChild < children.size()) {
        enter(*children[top.nextChild++]);
        continue;
      }
      while (added_.size() > top.firstKey) {
        known_.erase(added_.back());
        added_.pop_back();
      }
      scopes.pop_back();
    }
  }

  /// Turn this: n = UnboxInt v; … CallRuntime IsInstanceValue(v, c)
  /// Into this: n = UnboxInt v; … CallRuntime IsInstanceValue(BoxInt n, c), which has an answer by its type.
  void narrowInstance(Value& call) {
    if (!call.calls(Helper::IsInstanceValue)) return;
    for (auto [unbox, box, object, machine] : {std::tuple(Op::UnboxInt, Op::BoxInt, types::Long, types::I64),
                                               std::tuple(Op::UnboxFloat, Op::BoxFloat, types::Float, types::F64)}) {
      const auto known = known_.find(Key{unbox, 0, machine.bits(), {call.operands[0]->id}});
      if (known == known_.end()) continue;
      Value* boxed = function_.insertNew(&call, box, object, {known->second});
      call.operands[0] = boxed;
      changed_ = true;
      return;
    }
  }

  void number(const Block& block) {
    const std::vector<Value*> ops = block.ops;
    for (Value* op : ops) {
      for (Value*& operand : op->operands) {
        if (Value* other = operand->id < replacements_.size() ? replacements_[operand->id] : nullptr) operand = other;
      }
      narrowInstance(*op);
      if (!isNumbered(*op)) continue;
      Key key{op->op, op->imm, op->type.bits(), {}};
      for (const Value* operand : op->operands) std::get<3>(key).push_back(operand->id);
      const auto [at, isNew] = known_.emplace(key, op);
      if (isNew) {
        added_.push_back(key);
        continue;
      }
      replacements_[op->id] = at->second;
      function_.remove(op);
      changed_ = true;
    }
  }

  Function& function_;
  const DominatorTree dominators_;
  std::map<Key, Value*> known_;
  std::vector<Key> added_;
  std::vector<Value*> replacements_;
  bool changed_ = false;
};

}  // namespace

bool eliminateGuards(Function& function) {
  function.recomputePredecessors();
  return GuardEliminator(function).run();
}

}  // namespace martlet::passes
