// SPDX-License-Identifier: MIT
// The pass "unbox-params": block parameters that carry one kind of number around become machine values.
//
// Turn this: bbH(p: Object): … UnboxInt(p) … Jump -> bbH(BoxInt(x))
// Into this: bbH(p: I64): … p … Jump -> bbH(x)
//
// Parameters are taken together, as the largest set in which each one only receives boxes, constants, and members of
// the set. A loop's entry edges may bring an unknown object: it is unboxed there, with the loop's entry state for an
// exit. That is a guess, made where the loop unboxes the parameter anyway or brings back a box. Objects are made again
// where they are needed behind the loop; where one is needed inside, the parameter stays what it is. So does one that
// only ever receives objects which exist: it gains little, and `x is y` would change.
//
// A loop's variable often has no value yet, or another kind of it, where the loop is entered. If each iteration begins
// by storing to it, nobody sees what it was, as long as there is an iteration and the old object goes quietly.
//
// Afterwards slot maps and frame states name the machine value. That says nothing about memory: local-sync decides.
#include <algorithm>
#include <bit>
#include <map>
#include <optional>

#include "lowering/hir/analysis.h"
#include "passes/pass_list.h"
#include "passes/references.h"

namespace martlet::passes {

using namespace hir;

namespace {

struct NumberKind {
  Type object, machine;
  Op box, unbox;
};
constexpr NumberKind kInt{types::Long, types::I64, Op::BoxInt, Op::UnboxInt};
constexpr NumberKind kFloat{types::Float, types::F64, Op::BoxFloat, Op::UnboxFloat};

struct EdgeUse {
  Block* from;
  size_t successor;
  size_t index;
  Block* target() const { return from->successors[successor].target; }
  Value* param() const { return target()->params[index]; }
};

struct Uses {
  std::vector<Value*> unboxes, stores, others;
  std::vector<Value*> keys;  ///< calls that would take the number just as well
  std::vector<EdgeUse> edges;
};

class ParamUnboxer {
 public:
  ParamUnboxer(Function& function, const NumberKind& kind)
      : function_(function), kind_(kind), dominators_(function), loops_(function, dominators_) {}

  bool run() {
    collect();
    collectSeen();
    findOverwritten();
    choose();
    if (chosen_.empty()) return false;
    apply();
    function_.recomputePredecessors();
    return true;
  }

 private:
  enum class Argument : uint8_t { Number, Guarded, Unsuitable };

  void collect();
  void collectSeen();
  void choose();
  void spreadEvidence();
  void spreadFreshness();
  bool isAcceptable(Value* param) const;
  bool usesAreAcceptable(Value* param) const;
  Argument classify(Value* argument, const EdgeUse& edge) const;
  Value* unboxedBefore(const Value* object, const Block* block) const;
  bool isChosen(const Value* value) const { return value->op == Op::Param && candidate_[value->id]; }
  bool isConstant(const Value* value) const;
  const Loop* loopOfHeader(const Value* param) const;
  void findOverwritten();
  bool isOverwritten(const Value* param, const Loop& loop) const;
  bool isOnlyPassedOn(const Value* param, const Loop& loop) const;
  Block* outermostBehind(const Loop& loop, Block* block) const;
  bool reaches(const Block* from, const Block* to, const Loop& loop) const;

  void apply();
  void convertEdge(Block* from, size_t successor);
  bool needsGuard(const Value* argument, const Block* from) const;
  Value* toMachine(Value* argument, Block* at, const FrameState& state);
  Value* unseen(Value* argument, Value* count, Block* at, const FrameState& state);
  Value* guard(Block* at, const FrameState& state, Op op, Type type, std::vector<Value*> operands, int64_t imm = 0);
  void boxUses(Value* param);
  void boxAtEdge(const EdgeUse& use);
  Value* boxAt(Value* param, Block* block);
  Block* ownBlockOf(Block* from, size_t successor);
  Edge& edgeOf(Block* from, size_t successor);

  Function& function_;
  const NumberKind& kind_;
  const DominatorTree dominators_;
  const LoopInfo loops_;
  std::vector<Uses> uses_;                          // by value id
  std::vector<std::vector<EdgeUse>> incoming_;      // by parameter id
  std::vector<bool> candidate_, evidence_, fresh_;  // by value id
  std::vector<Type> seen_;                          // by value id: what may be where an entry loads it
  std::vector<const Value*> countOf_;  // by parameter id: what is positive where the loop's body will overwrite it
  std::vector<Value*> chosen_;
  std::map<std::pair<uint32_t, uint32_t>, Value*> boxes_;  // (parameter, block)
  std::map<std::pair<uint32_t, size_t>, Block*> split_;    // (block, successor)
};

void ParamUnboxer::collect() {
  uses_.resize(function_.valueCount());
  incoming_.resize(function_.valueCount());
  seen_.resize(function_.valueCount());
  for (const auto& block : function_.blocks) {
    for (const Value* param : block->params) seen_[param->id] = param->type;
    for (Value* op : block->ops) {
      seen_[op->id] = op->type;
      const auto timesUsed = [op](const Value* v) { return std::count(op->operands.begin(), op->operands.end(), v); };
      const bool hasKey = kind_.machine == types::I64 && withUnboxedKey(*op) != Helper::kCount;
      for (Value* operand : op->operands) {
        Uses& uses = uses_[operand->id];
        if (op->op == kind_.unbox) {
          uses.unboxes.push_back(op);
        } else if (hasKey && operand == op->operands[1] && timesUsed(operand) == 1) {
          uses.keys.push_back(op);
        } else if (op->op == Op::StoreLocal) {
          uses.stores.push_back(op);
        } else if (uses.others.empty() || uses.others.back() != op) {
          uses.others.push_back(op);
        }
      }
    }
    for (size_t s = 0; s < block->successors.size(); ++s) {
      for (size_t i = 0; i < block->successors[s].args.size(); ++i) {
        const EdgeUse edge{block.get(), s, i};
        uses_[block->successors[s].args[i]->id].edges.push_back(edge);
        incoming_[edge.param()->id].push_back(edge);
      }
    }
  }
}

/// A slot that held nothing, or something else, when the code was asked for will do so where it is entered again: the
/// variables of a loop's body are unset whenever the loop begins.
void ParamUnboxer::collectSeen() {
  for (const Entry& entry : function_.entries) {
    for (const Value* op : entry.block->ops) {
      const auto slot = static_cast<size_t>(op->imm);
      if (op->op == Op::LoadLocal && slot < entry.seen.size()) seen_[op->id] = op->type & entry.seen[slot];
    }
  }
}

bool ParamUnboxer::isConstant(const Value* value) const {
  if (value->op != Op::ConstObject) return false;
  const ObjectRef& object = function_.objects[static_cast<size_t>(value->imm)];
  if (object.type != kind_.object) return false;
  return kind_.machine == types::F64 || object.hasInt;
}

const Loop* ParamUnboxer::loopOfHeader(const Value* param) const {
  const Loop* loop = loops_.loopOf(param->block);
  return loop != nullptr && loop->header == param->block ? loop : nullptr;
}

/// True if nothing in the loop looks at the parameter, and only the head hands it on, to the outside.
bool ParamUnboxer::isOnlyPassedOn(const Value* param, const Loop& loop) const {
  const Uses& uses = uses_[param->id];
  for (const auto* ops : {&uses.unboxes, &uses.stores, &uses.others, &uses.keys}) {
    if (std::any_of(ops->begin(), ops->end(), [&](const Value* use) { return loop.contains(use->block); }))
      return false;
  }
  return std::none_of(uses.edges.begin(), uses.edges.end(), [&](const EdgeUse& edge) {
    return loop.contains(edge.from) && (edge.from != loop.header || loop.contains(edge.target()));
  });
}

/// True if the loop's body begins by storing to the slot that the parameter stands for.
bool ParamUnboxer::isOverwritten(const Value* param, const Loop& loop) const {
  const FrameState& entry = *loop.header->entry;
  const auto slot = std::find(entry.locals.begin(), entry.locals.end(), param);
  if (slot == entry.locals.end() || std::count(entry.locals.begin(), entry.locals.end(), param) != 1) return false;
  if (std::find(entry.stack.begin(), entry.stack.end(), param) != entry.stack.end()) return false;
  for (const Value* op : loop.header->successors[0].target->ops) {
    if (op->op == Op::StoreLocal) return op->imm == slot - entry.locals.begin() && isOnlyPassedOn(param, loop);
    if (op->canExit() || (op->effects() != Effects::Pure && !isBox(*op))) return false;
  }
  return false;
}

/// Finds heads of the form `while count > 0`, as range loops have them, and their variables.
void ParamUnboxer::findOverwritten() {
  constexpr int64_t kGreater = 4;
  countOf_.assign(function_.valueCount(), nullptr);
  if (kind_.machine != types::I64) return;
  for (const Loop& loop : loops_.loops()) {
    const Block& head = *loop.header;
    const Value* end = head.terminator();
    if (end->op != Op::Branch || !head.entry) continue;
    const Value* test = end->operands[0];
    if (test->op != Op::IntCompare || test->imm != kGreater) continue;
    const Value* count = test->operands[0];
    const Value* zero = test->operands[1];
    if (count->op != Op::Param || count->block != &head || zero->op != Op::ConstInt || zero->imm != 0) continue;
    const Block* body = head.successors[0].target;
    if (!loop.contains(body) || body->predecessors.size() != 1 || loop.contains(head.successors[1].target)) continue;
    const bool isTestOnly = std::all_of(head.ops.begin(), head.ops.end(), [end](const Value* op) {
      return op == end || (op->effects() == Effects::Pure && !op->canExit());
    });
    if (!isTestOnly) continue;
    for (const Value* param : head.params) {
      if (isOverwritten(param, loop)) countOf_[param->id] = count;
    }
  }
}

Value* ParamUnboxer::unboxedBefore(const Value* object, const Block* block) const {
  for (Value* unbox : uses_[object->id].unboxes) {
    if (dominators_.dominates(unbox->block, block)) return unbox;
  }
  return nullptr;
}

ParamUnboxer::Argument ParamUnboxer::classify(Value* argument, const EdgeUse& edge) const {
  if (argument->op == kind_.box || isChosen(argument) || isConstant(argument)) return Argument::Number;
  const bool isSeen = countOf_[edge.param()->id] == nullptr;
  if (!argument->type.isReference() || (isSeen && !seen_[argument->id].mayBe(kind_.object)))
    return Argument::Unsuitable;
  if (unboxedBefore(argument, edge.from) != nullptr) return Argument::Number;
  const Value* param = edge.param();
  const Loop* loop = loopOfHeader(param);
  if (loop == nullptr || loop->contains(edge.from) || !evidence_[param->id]) return Argument::Unsuitable;
  const bool isBlocked = function_.isBlocked(param->block->entry->offset | Function::kBlockLoopValues);
  return isBlocked ? Argument::Unsuitable : Argument::Guarded;
}

/// The block nearest to the loop, but outside of it, among the dominators of a block outside.
Block* ParamUnboxer::outermostBehind(const Loop& loop, Block* block) const {
  for (Block* above = dominators_.idom(block); above != nullptr && !loop.contains(above);) {
    block = above;
    above = dominators_.idom(block);
  }
  return block;
}

/// True if a way leads from one block, outside of the loop, to the other without entering the loop again.
bool ParamUnboxer::reaches(const Block* from, const Block* to, const Loop& loop) const {
  std::vector<bool> seen;
  std::vector<const Block*> pending{from};
  while (!pending.empty()) {
    const Block* block = pending.back();
    pending.pop_back();
    for (const Edge& edge : block->successors) {
      if (edge.target == to) return true;
      if (seen.size() <= edge.target->id) seen.resize(edge.target->id + size_t{1}, false);
      if (seen[edge.target->id] || edge.target == loop.header) continue;
      seen[edge.target->id] = true;
      pending.push_back(edge.target);
    }
  }
  return false;
}

/// Objects may be needed behind the innermost loop around the parameter only, and there in places of which at most one
/// is passed: the variable must not turn into two different objects.
bool ParamUnboxer::usesAreAcceptable(Value* param) const {
  const Uses& uses = uses_[param->id];
  const Loop* loop = loops_.loopOf(param->block);
  using Place = std::pair<const Block*, bool>;  // true: on the edges to the block
  std::vector<Place> places;
  auto add = [&places](Place place) {
    if (std::find(places.begin(), places.end(), place) == places.end()) places.push_back(place);
  };
  for (Value* use : uses.others) {
    if (loop == nullptr || loop->contains(use->block)) return false;
    add({outermostBehind(*loop, use->block), false});
  }
  for (const EdgeUse& edge : uses.edges) {
    if (isChosen(edge.param())) continue;
    if (loop == nullptr || loop->contains(edge.target())) return false;
    add(loop->contains(edge.from) ? Place{edge.target(), true} : Place{outermostBehind(*loop, edge.from), false});
  }
  for (const Place& a : places) {
    for (const Place& b : places) {
      if (a != b && (a.first == b.first || reaches(a.first, b.first, *loop))) return false;
    }
  }
  return true;
}

bool ParamUnboxer::isAcceptable(Value* param) const {
  for (const EdgeUse& edge : incoming_[param->id]) {
    const std::vector<Value*>& args = edge.from->successors[edge.successor].args;
    const Value* argument = args[edge.index];
    // `a = b = x + y`: two variables with one object would become two.
    if (argument->op == kind_.box && std::count(args.begin(), args.end(), argument) > 1) return false;
    if (classify(edge.from->successors[edge.successor].args[edge.index], edge) == Argument::Unsuitable) return false;
  }
  return usesAreAcceptable(param);
}

/// Evidence that a candidate is a number in practice: it is unboxed somewhere, or a box comes back. It holds for all
/// candidates that are connected by edges.
void ParamUnboxer::spreadEvidence() {
  evidence_.assign(function_.valueCount(), false);
  std::vector<const Value*> pending;
  auto mark = [&](const Value* param) {
    if (evidence_[param->id]) return;
    evidence_[param->id] = true;
    pending.push_back(param);
  };
  auto argumentOf = [](const EdgeUse& edge) { return edge.from->successors[edge.successor].args[edge.index]; };
  for (const auto& block : function_.blocks) {
    for (const Value* param : block->params) {
      if (!candidate_[param->id]) continue;
      if (!uses_[param->id].unboxes.empty() || !uses_[param->id].keys.empty()) mark(param);
      for (const EdgeUse& edge : incoming_[param->id]) {
        if (argumentOf(edge)->op == kind_.box) mark(param);
      }
    }
  }
  while (!pending.empty()) {
    const Value* param = pending.back();
    pending.pop_back();
    for (const EdgeUse& edge : incoming_[param->id]) {
      if (isChosen(argumentOf(edge))) mark(argumentOf(edge));
    }
    for (const EdgeUse& edge : uses_[param->id].edges) {
      if (isChosen(edge.param())) mark(edge.param());
    }
  }
}

/// Which candidates receive a new number, directly or from one another.
void ParamUnboxer::spreadFreshness() {
  fresh_.assign(function_.valueCount(), false);
  std::vector<const Value*> pending;
  auto mark = [&](const Value* param) {
    if (!candidate_[param->id] || fresh_[param->id]) return;
    fresh_[param->id] = true;
    pending.push_back(param);
  };
  for (const auto& block : function_.blocks) {
    for (const Edge& edge : block->successors) {
      for (size_t i = 0; i < edge.args.size(); ++i) {
        if (edge.args[i]->op == kind_.box) mark(edge.target->params[i]);
      }
    }
  }
  while (!pending.empty()) {
    const Value* param = pending.back();
    pending.pop_back();
    for (const EdgeUse& edge : uses_[param->id].edges) mark(edge.param());
  }
}

void ParamUnboxer::choose() {
  candidate_.assign(function_.valueCount(), false);
  for (const auto& block : function_.blocks) {
    for (const Value* param : block->params) {
      candidate_[param->id] = param->type.isReference() && param->type.mayBe(kind_.object) && block->entry != nullptr;
    }
  }
  for (bool changed = true; changed;) {
    changed = false;
    spreadEvidence();
    spreadFreshness();
    for (const auto& block : function_.blocks) {
      for (Value* param : block->params) {
        const bool wanted = evidence_[param->id] && fresh_[param->id];
        if (!candidate_[param->id] || (wanted && isAcceptable(param))) continue;
        candidate_[param->id] = false;
        changed = true;
      }
    }
  }
  for (const auto& block : function_.blocks) {
    for (Value* param : block->params) {
      if (candidate_[param->id]) chosen_.push_back(param);
    }
  }
}

// ---- The change -----------------------------------------------------------------------------------------------------

void ParamUnboxer::apply() {
  std::vector<EdgeUse> wantBoxes;  // found while no edge is split
  std::vector<std::pair<Block*, size_t>> edges;
  for (const Value* param : chosen_) {
    for (const EdgeUse& edge : uses_[param->id].edges) {
      if (!isChosen(edge.param())) wantBoxes.push_back(edge);
    }
  }
  for (const auto& block : function_.blocks) {
    for (size_t s = 0; s < block->successors.size(); ++s) {
      const auto& params = block->successors[s].target->params;
      if (std::any_of(params.begin(), params.end(), [this](auto* p) { return isChosen(p); }))
        edges.emplace_back(block.get(), s);
    }
  }
  for (Value* param : chosen_) param->type = kind_.machine;
  for (auto [from, successor] : edges) convertEdge(from, successor);
  for (const EdgeUse& edge : wantBoxes) boxAtEdge(edge);
  std::vector<Value*> replacements(function_.valueCount(), nullptr);
  for (Value* param : chosen_) {
    boxUses(param);
    for (Value* unbox : uses_[param->id].unboxes) {
      replacements[unbox->id] = param;
      function_.remove(unbox);
    }
  }
  function_.replaceUses(replacements);
}

/// A store gets a box of its own: local-sync removes most of these. Other uses behind one way out of the loop share
/// one.
void ParamUnboxer::boxUses(Value* param) {
  for (Value* store : uses_[param->id].stores) {
    Value* box = function_.newValue(kind_.box, kind_.object, {param});
    function_.insertBefore(store, box);
    store->operands[0] = box;
  }
  for (Value* call : uses_[param->id].keys) call->helper = withUnboxedKey(*call);
  for (Value* use : uses_[param->id].others) {
    Value* box = boxAt(param, outermostBehind(*loops_.loopOf(param->block), use->block));
    for (Value*& operand : use->operands) {
      if (operand == param) operand = box;
    }
  }
}

/// The block at whose end a value for an edge can be computed. The edge itself is then the block's only one.
Block* ParamUnboxer::ownBlockOf(Block* from, size_t successor) {
  if (from->successors.size() == 1) return from;
  Block*& own = split_[{from->id, successor}];
  if (own == nullptr) own = function_.splitEdge(from, successor);
  return own;
}

/// An edge as it was when uses were collected; it may have got a block in the meantime.
Edge& ParamUnboxer::edgeOf(Block* from, size_t successor) {
  auto own = split_.find({from->id, successor});
  return own == split_.end() ? from->successors[successor] : own->second->successors[0];
}

void ParamUnboxer::boxAtEdge(const EdgeUse& use) {
  Value* param = edgeOf(use.from, use.successor).args[use.index];
  const Loop* loop = loops_.loopOf(param->block);
  const Edge& edge = edgeOf(use.from, use.successor);
  const Value* receiver = edge.target->params[use.index];
  const std::vector<Value*>& names = edge.target->entry->locals;
  const bool isSlot = std::find(names.begin(), names.end(), receiver) != names.end();
  const bool leavesLoop = loop->contains(use.from);
  Block* own = isSlot || leavesLoop ? ownBlockOf(use.from, use.successor) : use.from;
  Value* box = nullptr;
  if (leavesLoop) {
    Value*& atEnd = boxes_[{param->id, own->id}];
    if (atEnd == nullptr) {
      atEnd = function_.newValue(kind_.box, kind_.object, {param});
      function_.insertBefore(own->terminator(), atEnd);
    }
    box = atEnd;
  } else {
    box = boxAt(param, outermostBehind(*loop, use.from));
  }
  // A slot that the receiver names has to hold the receiver's object, not another one of the same value.
  for (size_t slot = 0; slot < names.size(); ++slot) {
    if (names[slot] != receiver) continue;
    Value* store = function_.newValue(Op::StoreLocal, types::kNothing, {box}, static_cast<int64_t>(slot));
    function_.insertBefore(own->terminator(), store);
  }
  edgeOf(use.from, use.successor).args[use.index] = box;
}

/// One box for all uses behind one way out of the loop.
Value* ParamUnboxer::boxAt(Value* param, Block* block) {
  Value*& box = boxes_[{param->id, block->id}];
  if (box == nullptr) {
    box = function_.newValue(kind_.box, kind_.object, {param});
    function_.insertBefore(block->ops.front(), box);
  }
  return box;
}

bool ParamUnboxer::needsGuard(const Value* argument, const Block* from) const {
  if (argument->op == kind_.box || isChosen(argument) || isConstant(argument)) return false;
  return unboxedBefore(argument, from) == nullptr;
}

void ParamUnboxer::convertEdge(Block* from, size_t successor) {
  Block* target = from->successors[successor].target;
  const std::vector<Value*> args = from->successors[successor].args;
  FrameState state = *target->entry;
  auto toArgument = [&](Value*& value) {
    if (value->op == Op::Param && value->block == target) value = args[static_cast<size_t>(value->imm)];
  };
  for (Value*& value : state.stack) toArgument(value);
  for (Value*& value : state.locals) toArgument(value);
  state.stackAfterPop = static_cast<uint16_t>(state.stack.size());
  bool guarded = false;
  for (size_t i = 0; i < args.size(); ++i) guarded |= isChosen(target->params[i]) && needsGuard(args[i], from);
  Block* at = guarded ? ownBlockOf(from, successor) : from;
  std::map<uint32_t, Value*> done;
  for (size_t i = 0; i < args.size(); ++i) {
    const Value* param = target->params[i];
    if (!isChosen(param)) continue;
    if (const Value* count = countOf_[param->id]; count != nullptr && needsGuard(args[i], from)) {
      Value* number = unseen(args[i], args[static_cast<size_t>(count->imm)], at, state);
      edgeOf(from, successor).args[i] = number;
      continue;
    }
    Value*& machine = done[args[i]->id];
    if (machine == nullptr) machine = unboxedBefore(args[i], from);
    if (machine == nullptr) machine = toMachine(args[i], at, state);
    edgeOf(from, successor).args[i] = machine;
  }
}

/// An op at the end of `at`, where the loop has not been entered yet.
Value* ParamUnboxer::guard(Block* at, const FrameState& state, Op op, Type type, std::vector<Value*> operands,
                           int64_t imm) {
  Value* value = function_.newValue(op, type, std::move(operands), imm);
  if (value->canExit()) {
    value->state = std::make_unique<FrameState>(state);
    value->reason = ExitReason::LoopValue;
  }
  function_.insertBefore(at->terminator(), value);
  return value;
}

/// Any number, for a variable that the loop overwrites before it is seen.
Value* ParamUnboxer::unseen(Value* argument, Value* count, Block* at, const FrameState& state) {
  constexpr int64_t kGreater = 4;
  Value* zero = guard(at, state, Op::ConstInt, types::I64, {});
  Value* runs = guard(at, state, Op::IntCompare, types::I1, {count, zero}, kGreater);
  guard(at, state, Op::GuardTrue, types::kNothing, {runs});
  guard(at, state, Op::GuardQuiet, types::kNothing, {argument});
  return zero;
}

/// The number in an argument, as a value at the end of `at`.
Value* ParamUnboxer::toMachine(Value* argument, Block* at, const FrameState& state) {
  if (argument->op == kind_.box) return argument->operands[0];
  if (isChosen(argument)) return argument;
  auto make = [&](Op op, Type type, std::vector<Value*> operands, int64_t imm) {
    return guard(at, state, op, type, std::move(operands), imm);
  };
  if (isConstant(argument)) {
    const ObjectRef& object = function_.objects[static_cast<size_t>(argument->imm)];
    if (kind_.machine == types::I64) return make(Op::ConstInt, types::I64, {}, object.intValue);
    return make(Op::ConstFloat, types::F64, {}, std::bit_cast<int64_t>(object.floatValue));
  }
  if (argument->type.mayBe(types::Null)) {
    Value* isNull = make(Op::IsNull, types::I1, {argument}, 0);
    make(Op::GuardTrue, types::kNothing, {make(Op::BoolNot, types::I1, {isNull}, 0)}, 0);
  }
  return make(kind_.unbox, kind_.machine, {argument}, 0);
}

}  // namespace

bool unboxParams(Function& function) {
  function.recomputePredecessors();
  const bool ints = ParamUnboxer(function, kInt).run();
  const bool floats = ParamUnboxer(function, kFloat).run();
  return ints || floats;
}

}  // namespace martlet::passes
