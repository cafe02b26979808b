// SPDX-License-Identifier: MIT
// The pass "dce". What an op must be to go away is more than "its result is unused": where the interpreter would have
// called a method or raised, the guard or the check that noticed has to stay.
#include "lowering/hir/hir.h"
#include "passes/pass_list.h"

namespace martlet::passes {

using namespace hir;

namespace {

bool isConstant(const Value* value, bool (*accepts)(int64_t)) {
  return value->op == Op::ConstInt && accepts(value->imm);
}

/// CallRuntime without an effect that anybody could notice.
bool isUnnoticedCall(const Value& call) {
  const bool readsOnly = call.effects() == Effects::Pure || call.effects() == Effects::Reads;
  if (readsOnly && !call.canExit()) return call.ownership() != Ownership::Owned;
  // The truth of these runs no method of a class that Python code could have written.
  constexpr Type kPlain = types::kSimple | types::kContainer;
  return call.calls(Helper::ToBool) && call.operands[0]->type.isSubtypeOf(kPlain);
}

bool isRemovable(const Value& op) {
  switch (op.op) {
  case Op::BoxInt:
  case Op::BoxFloat: return true;
  case Op::CallRuntime: return isUnnoticedCall(op);
  // `x + 1` for its own sake calls x.__add__ if x is no int: the guard has to stay. With an int of any size it does
  // not.
  case Op::UnboxInt: return op.operands[0]->type.isSubtypeOf(types::Long);
  case Op::UnboxFloat: return op.operands[0]->type.isSubtypeOf(types::Float);
  // These exit so that the interpreter raises ZeroDivisionError or ValueError. The others exit to compute a larger int.
  case Op::IntFloorDiv:
  case Op::IntMod: return isConstant(op.operands[1], [](int64_t divisor) { return divisor != 0; });
  case Op::FloatPow: return false;  // may be complex, or ZeroDivisionError
  case Op::FloatFloorDiv:
  case Op::FloatMod:
  case Op::FloatDiv: return op.operands[1]->op == Op::ConstFloat && (op.operands[1]->imm << 1) != 0;  // not ±0.0
  case Op::IntLshift:
  case Op::IntRshift: return isConstant(op.operands[1], [](int64_t count) { return count >= 0; });
  case Op::ListItem:  // raises IndexError
  case Op::TupleItem:
  case Op::Field:  // raises AttributeError
  case Op::ArrayFloat:
  case Op::ArrayInt:
  case Op::GuardUnlearned:
  case Op::RangeLength:
  case Op::EnterRange:
  case Op::GuardType:
  case Op::GuardQuiet:
  case Op::GuardTrue:
  case Op::GuardGlobals:
  case Op::GuardValid:
  case Op::GuardUnseen:
  case Op::Safepoint:
  case Op::LoadStack: return false;             // the last one takes over a reference of the frame
  case Op::Output: return op.type.isMachine();  // a reference that nobody wants still has to be released
  default: return op.effects() == Effects::Pure || op.effects() == Effects::Reads;
  }
}

class DeadCodeEliminator {
 public:
  explicit DeadCodeEliminator(Function& function) : function_(function), needed_(function.valueCount(), false) {}

  bool run() {
    for (const auto& block : function_.blocks) {
      for (Value* op : block->ops) {
        if (!isRemovable(*op)) need(op);
      }
      // Entry states name what the slots hold; later passes rely on the names.
      if (!block->entry) continue;
      visitState(*block->entry, [this](Value* v) { need(v); });
    }
    while (!pending_.empty()) {
      Value* value = pending_.back();
      pending_.pop_back();
      visitUses(*value, [this](Value* used) { need(used); });
      if (value->op == Op::Param) needArguments(*value);  // an edge's arguments are needed as far as the parameters are
    }
    return sweep();
  }

 private:
  void need(Value* value) {
    if (needed_[value->id]) return;
    needed_[value->id] = true;
    pending_.push_back(value);
  }

  void needArguments(const Value& param) {
    for (const Block* from : param.block->predecessors) {
      for (const Edge& edge : from->successors) {
        if (edge.target == param.block) need(edge.args[static_cast<size_t>(param.imm)]);
      }
    }
  }

  bool sweep() {
    bool changed = false;
    for (const auto& block : function_.blocks) {
      for (size_t i = block->params.size(); i-- > 0;) {
        if (needed_[block->params[i]->id]) continue;
        function_.removeParam(block.get(), i);
        changed = true;
      }
      changed |= std::erase_if(block->ops, [this](Value* op) {
                   if (needed_[op->id]) return false;
                   op->block = nullptr;
                   return true;
                 }) != 0;
    }
    return changed;
  }

  Function& function_;
  std::vector<bool> needed_;
  std::vector<Value*> pending_;
};

}  // namespace

bool eliminateDeadCode(Function& function) {
  const size_t before = function.blocks.size();
  function.recomputePredecessors();
  const bool changed = DeadCodeEliminator(function).run();
  return changed || function.blocks.size() != before;
}

}  // namespace martlet::passes
