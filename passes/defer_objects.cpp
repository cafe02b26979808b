// SPDX-License-Identifier: MIT
// The pass "defer-objects": tuples and instances that only exits would see.
//
// Turn this: v2 = CallRuntime BuildTuple(v0, v1)     {stack=[…, v2]}; KeepAlive v2
// Into this: v2 = TupleView v0, v1                   {stack=[…, v2]}; KeepAlive v0, v1
//            … of which an exit makes the tuple, where it is on the operand stack.
//
// Turn this: v1 = CallRuntime NewInstance(v0); CallRuntime StoreField(v1, v2); KeepAlive v1
// Into this: KeepAlive v2
//            An instance that nothing else knows: no code of its own ends it, and exits go back to before it was made.
#include <algorithm>

#include "passes/pass_list.h"
#include "passes/references.h"

namespace martlet::passes {

using namespace hir;

namespace {

class ObjectDeferrer {
 public:
  explicit ObjectDeferrer(Function& function)
      : function_(function), needed_(function.valueCount()), onStack_(function.valueCount()) {}

  bool run() {
    for (const auto& block : function_.blocks) findUses(*block);
    bool changed = false;
    for (const auto& block : function_.blocks) {
      const std::vector<Value*> ops = block->ops;
      for (Value* op : ops) changed |= rewrite(*op);
    }
    if (changed) dropMentions();
    return changed;
  }

 private:
  void findUses(const Block& block);
  void findUsesInState(const FrameState& state);
  bool isOnlyMentioned(const Value& op) const { return !needed_.contains(op); }
  bool isDeadInstance(const Value& op) const {
    return op.calls(Helper::NewInstance) && isOnlyMentioned(op) && !onStack_.contains(op);
  }
  bool rewrite(Value& op);
  void dropMentions();

  Function& function_;
  ValueSet needed_;   ///< values that something needs as an object
  ValueSet onStack_;  ///< values that an exit would put on the operand stack
};

void ObjectDeferrer::findUsesInState(const FrameState& state) {
  for (const Value* v : state.locals) needed_.insert(*v);
  for (const Value* v : state.stack) onStack_.insert(*v);
}

void ObjectDeferrer::findUses(const Block& block) {
  if (block.entry) findUsesInState(*block.entry);
  for (const Value* op : block.ops) {
    for (size_t i = 0; i < op->operands.size(); ++i) {
      const bool isMention = op->op == Op::KeepAlive || (op->calls(Helper::StoreField) && i == 0);
      if (!isMention) needed_.insert(*op->operands[i]);
    }
    // The state of a failing BuildTuple does not have the tuple yet.
    if (op->state) findUsesInState(*op->state);
  }
  for (const Edge& edge : block.successors) {
    for (const Value* v : edge.args) needed_.insert(*v);
  }
}

bool ObjectDeferrer::rewrite(Value& op) {
  if (op.calls(Helper::BuildTuple) && isOnlyMentioned(op)) {
    op.op = Op::TupleView;
    op.helper = Helper::kCount;
    op.reason = ExitReason::Never;
    op.state = nullptr;
    return true;
  }
  if (op.calls(Helper::StoreField) && isDeadInstance(*op.operands[0])) {
    function_.remove(&op);
    return true;
  }
  return false;
}

/// What is not there needs not be kept alive; what it would have kept alive does.
void ObjectDeferrer::dropMentions() {
  for (const auto& block : function_.blocks) {
    for (Value* op : block->ops) {
      if (op->op != Op::KeepAlive) continue;
      std::vector<Value*> kept;
      for (Value* v : op->operands) {
        if (v->op == Op::TupleView) {
          kept.insert(kept.end(), v->operands.begin(), v->operands.end());
        } else if (!isDeadInstance(*v)) {
          kept.push_back(v);
        }
      }
      std::erase_if(kept, [](const Value* v) { return !v->type.isReference(); });
      op->operands = std::move(kept);
    }
  }
  for (const auto& block : function_.blocks) {
    const std::vector<Value*> ops = block->ops;
    for (Value* op : ops) {
      if (isDeadInstance(*op)) function_.remove(op);
    }
  }
}

}  // namespace

bool deferObjects(Function& function) {
  return ObjectDeferrer(function).run();
}

}  // namespace martlet::passes
