// SPDX-License-Identifier: MIT
// The pass "guard-hoisting": guards of what a loop does not change are made once, before the loop.
//
// Turn this: … -> bbH(p): … GuardType v …; Jump -> bbH(q)
// Into this: … -> bbP(r): GuardType v; Jump -> bbH(r)    bbH(p): …; Jump -> bbH(q)
//
// Any pure op that can exit may move if it is executed in every iteration: its answer depends on its operands only. In
// bbP it exits to the state at the loop's head, from where the interpreter does the same as native code would have. If
// that happens often, the loop's guards stay where they were (Function::kBlockLoopGuards).
#include <algorithm>

#include "lowering/hir/analysis.h"
#include "passes/pass_list.h"
#include "passes/references.h"

namespace martlet::passes {

using namespace hir;

namespace {

bool isConstant(const Value& op) {
  switch (op.op) {
  case Op::ConstInt:
  case Op::ConstFloat:
  case Op::ConstBool:
  case Op::ConstNull: return true;
  case Op::ConstObject: return !isWatchedConstant(op);
  default: return false;
  }
}

/// The ops of one loop that can be computed before it.
class LoopGuards {
 public:
  LoopGuards(Function& function, const DominatorTree& dominators, const Loop& loop)
      : function_(function), dominators_(dominators), loop_(loop) {}

  bool run() {
    std::vector<Value*> guards;
    for (const Block* block : loop_.blocks) {
      if (!runsInEveryIteration(*block)) continue;
      for (Value* op : block->ops) {
        if (op->canExit() && isInvariant(*op)) guards.push_back(op);
      }
    }
    if (guards.empty()) return false;
    preheader_ = makePreheader();
    for (Value* guard : guards) move(*guard);
    return true;
  }

 private:
  bool runsInEveryIteration(const Block& block) const {
    return std::all_of(loop_.latches.begin(), loop_.latches.end(),
                       [&](const Block* latch) { return dominators_.dominates(&block, latch); });
  }

  /// True if the value is known before the loop, or can be.
  bool isInvariant(const Value& value) const {
    if (value.op == Op::Param || !loop_.contains(value.block)) return !loop_.contains(value.block);
    if (isConstant(value)) return true;
    if (value.op == Op::Output || value.op == Op::CallRuntime || value.effects() != Effects::Pure) return false;
    // A box would be another object than the loop's; a check of NULL may stand before an op in the loop.
    if (value.hasResult() && !value.type.isMachine()) return false;
    if (value.canExit() && !runsInEveryIteration(*value.block)) return false;
    return std::all_of(value.operands.begin(), value.operands.end(), [&](const Value* v) { return isInvariant(*v); });
  }

  Block* makePreheader() {
    Block* header = loop_.header;
    Block* block = function_.newBlock();
    block->entry = std::make_unique<FrameState>(*header->entry);
    Edge onward{header, {}};
    for (const Value* param : header->params) onward.args.push_back(function_.newParam(block, param->type));
    replaceParams(*block->entry, *header, block->params);
    for (Block* from : header->predecessors) {
      if (loop_.contains(from)) continue;
      for (Edge& edge : from->successors) {
        if (edge.target == header) edge.target = block;
      }
    }
    function_.append(block, function_.newValue(Op::Jump, types::kNothing));
    block->successors.push_back(std::move(onward));
    return block;
  }

  void put(Value* op) {
    // What the loop's head assumes itself fails in the loop, too: it is no use to keep the guard there.
    const bool isOfHead = op->state != nullptr && op->state->offset == preheader_->entry->offset;
    op->state = op->canExit() ? std::make_unique<FrameState>(*preheader_->entry) : nullptr;
    // Other globals than those that the code was compiled for are no failure of this loop.
    if (op->canExit() && op->reason != ExitReason::OtherGlobals && !isOfHead) op->reason = ExitReason::LoopGuard;
    function_.insertBefore(preheader_->terminator(), op);
  }

  /// What the op needs goes first. In the loop a branch may have told that an operand is not NULL.
  void move(Value& op) {
    if (!loop_.contains(op.block)) return;
    for (size_t i = 0; i < op.operands.size(); ++i) {
      move(*op.operands[i]);
      if (op.operandKind(i) == 'O' && op.operands[i]->type.mayBe(types::Null)) guardBound(op.operands[i]);
    }
    function_.remove(&op);
    put(&op);
  }

  void guardBound(Value* value) {
    Value* isNull = function_.newValue(Op::IsNull, types::I1, {value});
    put(isNull);
    Value* bound = function_.newValue(Op::BoolNot, types::I1, {isNull});
    put(bound);
    put(function_.newValue(Op::GuardTrue, types::kNothing, {bound}));
  }

  Function& function_;
  const DominatorTree& dominators_;
  const Loop& loop_;
  Block* preheader_ = nullptr;
};

/// Inner loops first: what leaves one may leave the next one, too. Each loop is taken once.
class GuardHoister {
 public:
  explicit GuardHoister(Function& function) : function_(function) {}

  bool run() {
    bool changed = false;
    while (step(&changed)) {
    }
    return changed;
  }

 private:
  bool isDone(const Block* header) const { return std::find(done_.begin(), done_.end(), header) != done_.end(); }

  /// Treats loops up to the first one that changes blocks. False when none is left.
  bool step(bool* changed) {
    function_.recomputePredecessors();
    const DominatorTree dominators(function_);
    const LoopInfo loops(function_, dominators);
    for (auto loop = loops.loops().rbegin(); loop != loops.loops().rend(); ++loop) {
      if (isDone(loop->header)) continue;
      done_.push_back(loop->header);
      const FrameState* entry = loop->header->entry.get();
      if (entry == nullptr || function_.isBlocked(entry->offset | Function::kBlockLoopGuards)) continue;
      if (!LoopGuards(function_, dominators, *loop).run()) continue;
      return *changed = true;
    }
    return false;
  }

  Function& function_;
  std::vector<const Block*> done_;
};

}  // namespace

bool hoistGuards(Function& function) {
  const bool changed = GuardHoister(function).run();
  function.recomputePredecessors();
  return changed;
}

}  // namespace martlet::passes
