// SPDX-License-Identifier: MIT
// The pass "simplify": single ops (rewrite_op.cpp), parameters, branches and jumps, to a fixpoint.
#include <algorithm>
#include <utility>

#include "lowering/hir/analysis.h"
#include "passes/pass_list.h"
#include "passes/references.h"
#include "passes/rewrite_op.h"

namespace martlet::passes {

using namespace hir;

namespace {

// Each round is linear; real code settles after three or four.
constexpr int kMaxRounds = 12;

class Simplifier {
 public:
  explicit Simplifier(Function& function) : function_(function) {}

  bool run() {
    bool ever = false;
    for (int round = 0; round < kMaxRounds; ++round) {
      changed_ = false;
      function_.recomputePredecessors();
      rewriteOps();
      simplifyParams();
      narrowParams();
      for (const auto& block : function_.blocks) simplifyBranch(*block);
      function_.recomputePredecessors();
      mergeBlocks();
      skipEmptyBlocks();
      sinkStackBoxes();
      ever |= changed_;
      if (!changed_) break;
    }
    function_.recomputePredecessors();
    return ever;
  }

 private:
  bool isEntry(const Block* block) const {
    return std::any_of(function_.entries.begin(), function_.entries.end(),
                       [=](const Entry& e) { return e.block == block; });
  }

  void replace(Value* from, Value* to) {
    if (replacements_.size() <= from->id) replacements_.resize(function_.valueCount(), nullptr);
    replacements_[from->id] = to;
    changed_ = true;
  }
  Value* current(Value* value) const {
    while (value->id < replacements_.size() && replacements_[value->id] != nullptr) value = replacements_[value->id];
    return value;
  }
  void applyReplacements() {
    if (!replacements_.empty()) function_.replaceUses(replacements_);
    replacements_.clear();
  }

  void rewriteOps();
  void unboxKey(Value& call);
  void simplifyParams();
  Value* onlyArgument(const Block& block, size_t index) const;
  bool sameArguments(const Block& block, size_t first, size_t second) const;
  void narrowParams();
  void simplifyBranch(Block& block);
  void simplifyCaught(Block& block);
  void mergeBlocks();
  void skipEmptyBlocks();
  void sinkStackBoxes();
  void storeNumbers(std::vector<bool>& wanted, const std::vector<Value*>& boxes);

  Function& function_;
  std::vector<Value*> replacements_;
  bool changed_ = false;
};

void Simplifier::rewriteOps() {
  for (const auto& block : function_.blocks) {
    const std::vector<Value*> ops = block->ops;
    for (Value* op : ops) {
      for (Value*& operand : op->operands) operand = current(operand);
      unboxKey(*op);
      const Rewrite rewrite = rewriteOp(function_, *op);
      if (!rewrite) continue;
      if (rewrite.replacement != nullptr) replace(op, rewrite.replacement);
      function_.remove(op);
      changed_ = true;
    }
  }
  applyReplacements();
}

// Turn this: SubscrListInt(list, BoxInt(x))    Into this: SubscrListI64(list, x)
void Simplifier::unboxKey(Value& call) {
  const Helper helper = withUnboxedKey(call);
  if (helper == Helper::kCount) return;
  Value* key = call.operands[1];
  if (key->op == Op::BoxInt) {
    call.operands[1] = key->operands[0];
  } else if (key->op == Op::ConstObject && function_.objects[static_cast<size_t>(key->imm)].hasInt) {
    const int64_t known = function_.objects[static_cast<size_t>(key->imm)].intValue;
    Value* number = function_.insertNew(&call, Op::ConstInt, types::I64, {}, known);
    call.operands[1] = number;
  } else {
    return;
  }
  call.helper = helper;
  changed_ = true;
}

/// The one value that a parameter receives on every edge (other than itself), if there is only one.
Value* Simplifier::onlyArgument(const Block& block, size_t index) const {
  Value* param = block.params[index];
  Value* only = nullptr;
  for (const Block* from : block.predecessors) {
    for (const Edge& edge : from->successors) {
      if (edge.target != &block) continue;
      Value* argument = current(edge.args[index]);
      if (argument == param || argument == only) continue;
      if (only != nullptr) return nullptr;
      only = argument;
    }
  }
  return only;
}

/// True if two parameters receive the same on every edge (or each keeps its own).
bool Simplifier::sameArguments(const Block& block, size_t first, size_t second) const {
  if (block.params[first]->type != block.params[second]->type) return false;
  for (const Block* from : block.predecessors) {
    for (const Edge& edge : from->successors) {
      if (edge.target != &block) continue;
      Value* a = current(edge.args[first]);
      Value* b = current(edge.args[second]);
      if (a != b && !(a == block.params[first] && b == block.params[second])) return false;
    }
  }
  return true;
}

// Turn this: bbN(p) that receives v on every edge            Into this: bbN, with v for p
// Turn this: bbN(p, q) that receives the same twice          Into this: bbN(p), with p for q
void Simplifier::simplifyParams() {
  for (const auto& block : function_.blocks) {
    for (size_t i = block->params.size(); i-- > 0;) {
      Value* stand = onlyArgument(*block, i);
      for (size_t k = 0; k < i && stand == nullptr; ++k) {
        if (sameArguments(*block, k, i)) stand = block->params[k];
      }
      if (stand == nullptr) continue;
      replace(block->params[i], stand);
      function_.removeParam(block.get(), i);
    }
  }
  applyReplacements();
}

/// A parameter is no more than what its arguments are: types begin at nothing and grow to the least fixpoint.
void Simplifier::narrowParams() {
  std::vector<Type> types(function_.valueCount());
  auto typeOf = [&types](const Value& v) { return v.op == Op::Param && v.type.isReference() ? types[v.id] : v.type; };
  growAlongEdges(function_, [&](const Value& param, const Value& argument) {
    const Type joined = types[param.id] | typeOf(argument);
    return std::exchange(types[param.id], joined) != joined;
  });
  for (const auto& block : function_.blocks) {
    for (Value* param : block->params) {
      const Type type = types[param->id] & param->type;
      if (!param->type.isReference() || type == param->type || type.isNothing()) continue;
      param->type = type;
      changed_ = true;
    }
  }
}

// Turn this: Branch true -> a, b           Into this: Jump -> a
// Turn this: Branch BoolNot(c) -> a, b     Into this: Branch c -> b, a
// Turn this: Branch c -> a, a              Into this: Jump -> a
void Simplifier::simplifyBranch(Block& block) {
  Value* branch = block.terminator();
  if (branch != nullptr && branch->op == Op::BranchFailed) return simplifyCaught(block);
  if (branch == nullptr || branch->op != Op::Branch) return;
  Value* condition = branch->operands[0];
  if (condition->op == Op::BoolNot) {
    branch->operands[0] = condition->operands[0];
    std::swap(block.successors[0], block.successors[1]);
    if (branch->imm != 0) branch->imm = 3 - branch->imm;
    changed_ = true;
    return;
  }
  const bool same =
      block.successors[0].target == block.successors[1].target && block.successors[0].args == block.successors[1].args;
  if (!same && condition->op != Op::ConstBool) return;
  const size_t taken = same || condition->imm != 0 ? 0 : 1;
  block.successors = {Edge(block.successors[taken])};
  branch->op = Op::Jump;
  branch->imm = 0;
  branch->operands.clear();
  changed_ = true;
}

// Turn this: BranchFailed v -> a, b    Into this: Jump -> b
// … where something else has taken the place of the call: that leaves by itself where it fails.
void Simplifier::simplifyCaught(Block& block) {
  Value* branch = block.terminator();
  const Value* call = branch->operands[0];
  const bool isBehind = block.ops.size() > 1 && block.ops[block.ops.size() - 2] == call;
  if (isBehind && call->op == Op::CallRuntime && call->canExit() && call->outputCount() == 0) return;
  block.successors.erase(block.successors.begin());
  branch->op = Op::Jump;
  branch->operands.clear();
  changed_ = true;
}

// Turn this: bbA: …; Jump -> bbB(x), the only way to bbB(p): …    Into this: bbA: …; …, with x for p
void Simplifier::mergeBlocks() {
  bool merged = false;
  for (const auto& block : function_.blocks) {
    while (block->successors.size() == 1) {
      Block* next = block->successors[0].target;
      if (next == block.get() || next->predecessors.size() != 1 || isEntry(next)) break;
      const std::vector<Value*> arguments = std::move(block->successors[0].args);
      for (size_t i = 0; i < arguments.size(); ++i) replace(next->params[i], arguments[i]);
      next->params.clear();
      function_.remove(block->terminator());
      for (Value* op : next->ops) {
        op->block = block.get();
        block->ops.push_back(op);
      }
      next->ops.clear();
      block->successors = std::move(next->successors);
      next->successors.clear();
      next->predecessors.clear();
      for (const Edge& edge : block->successors) {
        std::replace(edge.target->predecessors.begin(), edge.target->predecessors.end(), next, block.get());
      }
      merged = true;
    }
  }
  if (!merged) return;
  changed_ = true;
  applyReplacements();
  function_.recomputePredecessors();
}

// Turn this: … -> bbA: Jump -> bbB(x)    Into this: … -> bbB(x), where bbA is empty and has no parameters
void Simplifier::skipEmptyBlocks() {
  bool skipped = false;
  for (const auto& block : function_.blocks) {
    for (Edge& edge : block->successors) {
      const Block* empty = edge.target;
      if (empty->ops.size() != 1 || empty->ops[0]->op != Op::Jump || !empty->params.empty()) continue;
      if (empty->successors[0].target == empty || isEntry(empty)) continue;
      edge = Edge(empty->successors[0]);
      skipped = true;
    }
  }
  if (!skipped) return;
  changed_ = true;
  function_.recomputePredecessors();
}

/// Calls `visit(const Value*)` for what the block's states call slots, and what it hands on.
template <class Visit>
void visitNamed(const Block& block, Visit&& visit) {
  for (const Value* op : block.ops) {
    if (op->state) std::for_each(op->state->locals.begin(), op->state->locals.end(), visit);
  }
  for (const Edge& edge : block.successors) std::for_each(edge.args.begin(), edge.args.end(), visit);
  if (block.entry) std::for_each(block.entry->locals.begin(), block.entry->locals.end(), visit);
}

// Turn this: ListStore(list, i, BoxFloat(x))    Into this: ListStoreFloat(list, i, x)
// … where the box is made for this list only: nobody else has a name or another box for the number, so that it cannot
// become two objects. `wanted` and `boxes` are sinkStackBoxes()'s.
void Simplifier::storeNumbers(std::vector<bool>& wanted, const std::vector<Value*>& boxes) {
  std::vector<uint32_t> boxCount(function_.valueCount(), 0), uses(function_.valueCount(), 0);
  for (const Value* box : boxes) ++boxCount[box->operands[0]->id];
  std::vector<bool> isNamed(function_.valueCount(), false);
  std::vector<Value*> stores;
  for (const auto& block : function_.blocks) {
    for (Value* op : block->ops) {
      for (const Value* v : op->operands) ++uses[v->id];
      if (isDeferral(*op)) isNamed[op->operands[0]->id] = true;
      if (op->op == Op::ListStore && op->operands[2]->op == Op::BoxFloat) stores.push_back(op);
    }
    visitNamed(*block, [&](const Value* v) { isNamed[v->id] = true; });
  }
  for (Value* store : stores) {
    Value* box = store->operands[2];
    Value* number = box->operands[0];
    if (uses[box->id] != 1 || isNamed[box->id] || isNamed[number->id] || boxCount[number->id] != 1) continue;
    store->op = Op::ListStoreFloat;
    store->operands[2] = number;
    wanted[box->id] = false;
    changed_ = true;
  }
}

// Turn this: {stack=[BoxInt(x)]}    Into this: {stack=[x]}, where nothing but operand stacks wants the box
// An exit boxes each machine value once, so that two entries that were the same object stay the same object.
void Simplifier::sinkStackBoxes() {
  std::vector<bool> wanted(function_.valueCount(), false);
  std::vector<Value*> boxes;
  for (const auto& block : function_.blocks) {
    for (Value* op : block->ops) {
      if (isBox(*op)) boxes.push_back(op);
      for (const Value* v : op->operands) wanted[v->id] = true;
    }
    visitNamed(*block, [&](const Value* v) { wanted[v->id] = true; });
  }
  storeNumbers(wanted, boxes);
  for (Value* box : boxes) {
    if (wanted[box->id]) continue;
    replace(box, box->operands[0]);
    function_.remove(box);
  }
  applyReplacements();
}

}  // namespace

bool simplify(Function& function) {
  return Simplifier(function).run();
}

}  // namespace martlet::passes
