// SPDX-License-Identifier: MIT
// The pass "unbox-params": block parameters that carry one kind of number around become machine values.
//
// Turn this: bbH(p: Object): … UnboxInt(p) … Jump -> bbH(BoxInt(x))
// Into this: bbH(p: I64): … p … Jump -> bbH(x)
//
// Parameters are taken together, as the largest set in which each one only receives boxes, constants, and members of
// the set. A loop's entry edges may bring an unknown object: it is unboxed there, with the loop's entry state for an
// exit. That is a guess, made where something computes with the number. Objects are made again
// where they are needed behind the loop; where one is needed inside, the parameter stays what it is. So does one that
// only ever receives objects which exist: it gains little, and `x is y` would change.
//
// A variable that a loop only writes often has no value yet, or another kind of it, where the loop is entered. Nobody
// computes with that, but exits have to show it:
//
// Turn this: bbH(p: Nullable): … {locals=[p]} … Jump -> bbH(BoxInt(x)), entered with an object
// Into this: bbH(p: I64OrSlot): … {locals=[p]} … Jump -> bbH(x), entered with that object, which is in the slot
//
// Behind the loop the slot is loaded where the object is wanted.
//
// Afterwards slot maps and frame states name the machine value. That says nothing about memory: local-sync decides.
#include <algorithm>
#include <bit>
#include <map>

#include "passes/number_params.h"
#include "passes/pass_list.h"
#include "passes/references.h"

namespace martlet::passes {

using namespace hir;

namespace {

constexpr NumberKind kInt{types::Long, types::I64, types::I64OrSlot, Op::BoxInt, Op::UnboxInt};
constexpr NumberKind kFloat{types::Float, types::F64, types::F64OrSlot, Op::BoxFloat, Op::UnboxFloat};

class ParamUnboxer {
 public:
  ParamUnboxer(Function& function, const NumberKind& kind) : function_(function), kind_(kind), facts_(function, kind) {}

  bool run() {
    if (facts_.chosen().empty()) return false;
    apply();
    function_.recomputePredecessors();
    return true;
  }

 private:
  using EdgeUse = NumberParams::EdgeUse;
  using Form = NumberParams::Form;

  bool isNumber(const Value* value) const { return facts_.formOf(value) == Form::Number; }
  bool isChosen(const Value* value) const { return facts_.formOf(value) != Form::None; }
  void apply();
  void convertEdge(Block* from, size_t successor);
  bool needsGuard(const Value* argument, const Block* from) const;
  Value* toMachine(Value* argument, Block* at, const FrameState& state);
  Value* newBox(Value* position, Value* param) {
    return function_.insertNew(position, kind_.box, kind_.object, {param});
  }
  void boxUses(Value* param);
  void boxAtEdge(const EdgeUse& use);
  Value* boxAt(Value* param, Block* block);
  void loadUses(Value* param);
  void loadAtEdge(const EdgeUse& use, Value* param);
  void loadBehind(Value* param, Block* place);
  Block* ownBlockOf(Block* from, size_t successor);
  Edge& edgeOf(Block* from, size_t successor);

  Function& function_;
  const NumberKind& kind_;
  const NumberParams facts_;
  std::map<std::pair<uint32_t, uint32_t>, Value*> boxes_;  // (parameter, block)
  std::map<std::pair<uint32_t, size_t>, Block*> split_;    // (block, successor)
};

void ParamUnboxer::apply() {
  std::vector<EdgeUse> wantObjects;  // found while no edge is split
  std::vector<std::pair<Block*, size_t>> edges;
  for (const Value* param : facts_.chosen()) {
    for (const EdgeUse& edge : facts_.usesOf(param).edges) {
      if (!isChosen(edge.param())) wantObjects.push_back(edge);
    }
  }
  for (const auto& block : function_.blocks) {
    for (size_t s = 0; s < block->successors.size(); ++s) {
      const auto& params = block->successors[s].target->params;
      if (std::any_of(params.begin(), params.end(), [this](auto* p) { return isChosen(p); }))
        edges.emplace_back(block.get(), s);
    }
  }
  for (Value* param : facts_.chosen()) {
    if (!isNumber(param)) loadUses(param);
  }
  for (Value* param : facts_.chosen()) param->type = isNumber(param) ? kind_.machine : kind_.machineOrSlot;
  for (auto [from, successor] : edges) convertEdge(from, successor);
  for (const EdgeUse& edge : wantObjects) {
    Value* param = edgeOf(edge.from, edge.successor).args[edge.index];
    if (isNumber(param)) boxAtEdge(edge);
  }
  std::vector<Value*> replacements(function_.valueCount(), nullptr);
  for (Value* param : facts_.chosen()) {
    if (!isNumber(param)) continue;
    boxUses(param);
    for (Value* unbox : facts_.usesOf(param).unboxes) {
      replacements[unbox->id] = param;
      function_.remove(unbox);
    }
  }
  function_.replaceUses(replacements);
}

// ---- Numbers --------------------------------------------------------------------------------------------------------

/// A store gets a box of its own: local-sync removes most of these. Other uses behind one way out of the loop share
/// one.
void ParamUnboxer::boxUses(Value* param) {
  const NumberParams::Uses& uses = facts_.usesOf(param);
  for (Value* store : uses.stores) {
    store->operands[0] = newBox(store, param);
  }
  for (Value* call : uses.keys) call->helper = withUnboxedKey(*call);
  for (Value* use : uses.others) {
    Value* box = boxAt(param, facts_.outermostBehind(*facts_.loopOf(param), use->block));
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
  const Loop* loop = facts_.loopOf(param);
  const Edge& edge = edgeOf(use.from, use.successor);
  const Value* receiver = edge.target->params[use.index];
  const std::vector<Value*>& names = edge.target->entry->locals;
  const bool isSlot = std::find(names.begin(), names.end(), receiver) != names.end();
  const bool leavesLoop = loop->contains(use.from);
  Block* own = isSlot || leavesLoop ? ownBlockOf(use.from, use.successor) : use.from;
  Value* box = nullptr;
  if (leavesLoop) {
    Value*& atEnd = boxes_[{param->id, own->id}];
    if (atEnd == nullptr) atEnd = newBox(own->terminator(), param);
    box = atEnd;
  } else {
    box = boxAt(param, facts_.outermostBehind(*loop, use.from));
  }
  // A slot that the receiver names has to hold the receiver's object, not another one of the same value.
  for (size_t slot = 0; slot < names.size(); ++slot) {
    if (names[slot] != receiver) continue;
    function_.insertNew(own->terminator(), Op::StoreLocal, types::kNothing, {box}, static_cast<int64_t>(slot));
  }
  edgeOf(use.from, use.successor).args[use.index] = box;
}

/// One box for all uses behind one way out of the loop.
Value* ParamUnboxer::boxAt(Value* param, Block* block) {
  Value*& box = boxes_[{param->id, block->id}];
  if (box == nullptr) box = newBox(block->ops.front(), param);
  return box;
}

// ---- Numbers, or what slots hold ------------------------------------------------------------------------------------

/// The object for all that wants it behind the loop.
void ParamUnboxer::loadUses(Value* param) {
  const Loop* loop = facts_.loopOf(param);
  const NumberParams::Uses& uses = facts_.usesOf(param);
  std::vector<Block*> places;
  auto add = [&](Block* use) {
    Block* place = facts_.outermostBehind(*loop, use);
    if (std::find(places.begin(), places.end(), place) == places.end()) places.push_back(place);
  };
  for (const auto* ops : {&uses.unboxes, &uses.stores, &uses.others, &uses.keys}) {
    for (const Value* use : *ops) add(use->block);
  }
  for (const auto& mention : uses.mentions) add(mention.block);
  for (const EdgeUse& edge : uses.edges) {
    if (isChosen(edge.param())) continue;
    if (loop->contains(edge.from)) {
      loadAtEdge(edge, param);
    } else {
      add(edge.from);
    }
  }
  for (Block* place : places) loadBehind(param, place);
}

void ParamUnboxer::loadAtEdge(const EdgeUse& use, Value* param) {
  Block* own = ownBlockOf(use.from, use.successor);
  const auto slot = static_cast<int64_t>(facts_.slotOf(param));
  Value* load = function_.insertNew(own->terminator(), Op::LoadLocal, param->type, {}, slot);
  edgeOf(use.from, use.successor).args[use.index] = load;
}

/// From `place` on the object has a name, which takes the parameter's place but where that is only handed on.
void ParamUnboxer::loadBehind(Value* param, Block* place) {
  Value* load = function_.newValue(Op::LoadLocal, param->type, {}, static_cast<int64_t>(facts_.slotOf(param)));
  auto replace = [&](Value*& v) {
    if (v == param) v = load;
  };
  for (const auto& block : function_.blocks) {
    if (!facts_.dominators().isReachable(block.get()) || !facts_.dominators().dominates(place, block.get())) continue;
    if (block.get() != place && block->entry) visitState(*block->entry, replace);
    for (Value* op : block->ops) visitUses(*op, replace);
    for (Edge& edge : block->successors) {
      for (size_t i = 0; i < edge.args.size(); ++i) {
        if (!isChosen(edge.target->params[i])) replace(edge.args[i]);
      }
    }
  }
  function_.insertBefore(place->ops.front(), load);
}

// ---- Edges ----------------------------------------------------------------------------------------------------------

bool ParamUnboxer::needsGuard(const Value* argument, const Block* from) const {
  if (argument->op == kind_.box || isNumber(argument) || facts_.isConstant(argument)) return false;
  return facts_.unboxedBefore(argument, from) == nullptr;
}

void ParamUnboxer::convertEdge(Block* from, size_t successor) {
  const Edge before = edgeOf(from, successor);
  Block* target = before.target;
  const std::vector<Value*>& args = before.args;
  FrameState state = *target->entry;
  replaceParams(state, *target, args);
  state.stackAfterPop = static_cast<uint16_t>(state.stack.size());
  bool guarded = false;
  for (size_t i = 0; i < args.size(); ++i) guarded |= isNumber(target->params[i]) && needsGuard(args[i], from);
  const bool isCaught = from->terminator()->op == Op::BranchFailed;  // nothing may come between that and its call
  Block* at = guarded || isCaught ? ownBlockOf(from, successor) : from;
  std::map<uint32_t, Value*> done;
  for (size_t i = 0; i < args.size(); ++i) {
    Value*& argument = edgeOf(from, successor).args[i];
    if (facts_.formOf(target->params[i]) == Form::OrSlot && args[i]->op == kind_.box) argument = args[i]->operands[0];
    if (!isNumber(target->params[i])) continue;
    Value*& machine = done[args[i]->id];
    if (machine == nullptr) machine = facts_.unboxedBefore(args[i], from);
    if (machine == nullptr) machine = toMachine(args[i], at, state);
    argument = machine;
  }
}

/// The number in an argument, as a value at the end of `at`, where a loop has not been entered yet.
Value* ParamUnboxer::toMachine(Value* argument, Block* at, const FrameState& state) {
  if (argument->op == kind_.box) return argument->operands[0];
  if (isNumber(argument)) return argument;
  auto make = [&](Op op, Type type, std::vector<Value*> operands, int64_t imm) {
    Value* value = function_.insertNew(at->terminator(), op, type, std::move(operands), imm);
    if (value->canExit()) {
      value->state = std::make_unique<FrameState>(state);
      value->reason = ExitReason::LoopValue;
    }
    return value;
  };
  if (facts_.isConstant(argument)) {
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

namespace {

/// The store that a join begins with, of a parameter that comes by the operand stack, perhaps as a new number.
Value* storedFirst(const Block& join) {
  Value* store = join.ops.front();
  if (store->op != Op::StoreLocal || join.predecessors.size() < 2 || join.entry->stack.empty()) return nullptr;
  const Value* param = store->operands[0];
  if (param->op != Op::Param || param->block != &join || join.entry->stack.back() != param) return nullptr;
  for (const Block* from : join.predecessors) {
    for (const Edge& edge : from->successors) {
      if (edge.target == &join && isBox(*edge.args[static_cast<size_t>(param->imm)])) return store;
    }
  }
  return nullptr;
}

/// Turn this: bbJ(p) {stack=[p]}: StoreLocal i, p    Into this: StoreLocal i, x; Jump -> bbJ(x)
/// `z = x if c else y * 2.0`: a parameter that stands for a slot can leave an object there that exists.
bool storeBeforeJoin(Function& function, Block& join, const DominatorTree& dominators) {
  Value* store = storedFirst(join);
  if (store == nullptr) return false;
  std::vector<std::pair<Block*, size_t>> edges;
  for (Block* from : join.predecessors) {
    if (dominators.dominates(&join, from)) return false;  // a loop is left at its head in the state that it has there
    for (size_t s = 0; s < from->successors.size(); ++s) {
      if (from->successors[s].target == &join) edges.emplace_back(from, s);
    }
  }
  Value* const param = store->operands[0];
  for (auto [from, successor] : edges) {
    Value* argument = from->successors[successor].args[static_cast<size_t>(param->imm)];
    Block* own = from->successors.size() == 1 ? from : function.splitEdge(from, successor);
    Value* copy = function.insertNew(own->terminator(), Op::StoreLocal, types::kNothing, {argument}, store->imm);
    copy->offset = store->offset;
  }
  function.remove(store);
  join.entry->stack.pop_back();
  join.entry->stackAfterPop = std::min(join.entry->stackAfterPop, static_cast<uint16_t>(join.entry->stack.size()));
  join.entry->locals[static_cast<size_t>(store->imm)] = param;
  return true;
}

bool storeBeforeJoins(Function& function) {
  const DominatorTree dominators(function);
  std::vector<Block*> blocks;
  blocks.reserve(function.blocks.size());
  for (const auto& block : function.blocks) blocks.push_back(block.get());
  bool changed = false;
  for (Block* block : blocks) changed |= storeBeforeJoin(function, *block, dominators);
  if (changed) function.recomputePredecessors();
  return changed;
}

}  // namespace

bool unboxParams(Function& function) {
  function.recomputePredecessors();
  storeBeforeJoins(function);
  const bool ints = ParamUnboxer(function, kInt).run();
  const bool floats = ParamUnboxer(function, kFloat).run();
  return ints || floats;
}

}  // namespace martlet::passes
