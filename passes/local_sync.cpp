// SPDX-License-Identifier: MIT
// The pass "local-sync": stores of numbers to frame slots are put off until somebody can look at the frame.
//
// Turn this: StoreLocal i, BoxInt(x)    Into this: DeferLocal i, x      … and, before Python code may run,
//                                                  SyncLocal i, BoxInt(x)
//
// A release that may run __del__ does not count as Python code here: it seldom is the last one, and then a Release
// brings slots up to date by itself (pass "release-states").
//
// From DeferLocal on the slot is dirty: its memory still holds what it held, a number or NULL, and exits make the
// object. Whether a slot is dirty is one bit for each point of the function: where ways meet, a slot is dirty if it is
// on one of them (and memory holds a number or NULL on all of them; otherwise it is brought up to date first). Fills
// `dirty` and the dirty locals of all states.
//
// A slot that unbox-params has called a number or its content (types::kNumberOrSlot) is dirty as long as it is so on
// one of the ways, whatever memory holds on the others: a flag, carried along with the number, says which it is. The
// first store that is put off takes the old content out of the slot, and lets it go. Such a flag also tells whether a
// number is still the object that the program knows (`x is y`): that stays in the slot until there is another number.
#include <algorithm>
#include <optional>

#include "lowering/hir/analysis.h"
#include "passes/local_sync_facts.h"
#include "passes/pass_list.h"

namespace martlet::passes {

using namespace hir;

namespace {

class LocalSync {
 public:
  explicit LocalSync(Function& function)
      : function_(function), dominators_(function), facts_(function, dominators_), boxesOf_(function.valueCount()) {}

  bool run() {
    if (!facts_.anyDeferred()) return false;
    atEnd_.resize(function_.blockIds(), SlotMap(*function_.blocks[0]));
    addFlags();
    for (Block* block : dominators_.order()) rewriteBlock(*block);
    const size_t count = function_.blocks.size();
    std::vector<Block*> blocks;
    blocks.reserve(count);
    for (const auto& block : function_.blocks) blocks.push_back(block.get());
    for (size_t i = 0; i < count; ++i) {
      for (size_t s = 0; s < blocks[i]->successors.size(); ++s) adaptEdge(*blocks[i], s);
    }
    removeSunkBoxes();
    function_.recomputePredecessors();
    return true;
  }

 private:
  /// Where new ops go: behind what `ops` has so far.
  struct Place {
    Block& block;
    std::vector<Value*>& ops;
    const Block& dominated;  ///< a block of the dominator tree whose dominators' boxes can be used here
    SlotMap& slots;
    bool lasting;  ///< ops put here can be used behind `dominated`, too
  };

  Value* put(Place& at, Op op, Type type, std::vector<Value*> operands, int64_t imm = 0) {
    Value* value = function_.newValue(op, type, std::move(operands), imm);
    value->block = &at.block;
    at.ops.push_back(value);
    return value;
  }

  struct Flag {
    size_t slot;
    Value* param;
  };

  void addFlags();
  Value* flagAtStart(const Block& block, size_t slot) const;
  Value* constant(Place& at, Type type, int64_t number);
  Value* takeContent(Place& at, size_t slot);
  std::vector<size_t> keptAtEdge(const Place& at, const Block& target) const;
  void flagEdge(Place& at, const Block& target, std::vector<Value*>& args);
  void rewriteBlock(Block& block);
  void rewriteStore(Place& at, Value& store);
  void rewriteCopy(Place& at, Value& store, size_t source, Value* taken);
  void giveObjects(Place& at, Value& op);
  void syncNamed(Place& at, FrameState& state);
  void loadInstead(Place& at, Value& box);
  static std::optional<size_t> conditionalSlotOf(const Place& at, const Value* number);
  void describe(FrameState& state, const SlotMap& slots) const;
  void adaptEdge(Block& from, size_t successor);
  void syncAll(Place& at);
  void syncCounted(Place& at);
  void syncSlot(Place& at, size_t slot);
  Value* namedObject(const SlotMap& slots, const Value* number) const;
  Value* objectInSlot(Place& at, const Value* number);
  Value* objectOf(Place& at, Value* number);
  void noteBox(Value* box);
  void removeSunkBoxes();

  Function& function_;
  const DominatorTree dominators_;
  const LocalSyncFacts facts_;
  std::vector<SlotMap> atEnd_;                           // by block id
  std::vector<std::vector<Flag>> flags_;                 // by block id: parameters that tell which slots are dirty
  std::vector<std::vector<Value*>> boxesOf_;             // by the machine value's id: its boxes so far
  std::vector<std::pair<Value*, const Value*>> loaded_;  // objects from clean slots, and their numbers
};

void LocalSync::noteBox(Value* box) {
  const Value* number = box->operands[0];
  if (boxesOf_.size() <= number->id) boxesOf_.resize(number->id + size_t{1});
  boxesOf_[number->id].push_back(box);
}

/// Where ways meet, a parameter for each slot that may be dirty on some of them only.
void LocalSync::addFlags() {
  flags_.resize(function_.blockIds());
  for (const auto& block : function_.blocks) {
    if (!LocalSyncFacts::isJoin(*block)) continue;
    const std::vector<bool>& dirty = facts_.dirtyIn(*block);
    for (size_t slot = 0; slot < dirty.size(); ++slot) {
      if (!facts_.needsFlag(*block, slot)) continue;
      flags_[block->id].push_back({slot, function_.newParam(block.get(), types::I1)});
    }
  }
}

/// Whether a dirty slot really is one, or null: it is.
Value* LocalSync::flagAtStart(const Block& block, size_t slot) const {
  if (!LocalSyncFacts::isJoin(block)) return atEnd_[block.predecessors[0]->id].conditionOf(slot);
  for (const Flag& flag : flags_[block.id]) {
    if (flag.slot == slot) return flag.param;
  }
  return nullptr;
}

void LocalSync::rewriteBlock(Block& block) {
  SlotMap slots(block);
  const std::vector<bool>& dirty = facts_.dirtyIn(block);
  for (size_t slot = 0; slot < slots.size(); ++slot) {
    slots.set(slot, facts_.withoutSunkBox(slots.content(slot)), dirty[slot],
              dirty[slot] ? flagAtStart(block, slot) : nullptr);
  }
  describe(*block.entry, slots);
  const std::vector<Value*> ops = std::move(block.ops);
  block.ops.clear();
  Place at{block, block.ops, block, slots, true};
  for (Value* op : ops) {
    if (facts_.isLoud(*op)) syncAll(at);
    if (facts_.releasesLoudly(*op)) syncCounted(at);
    if (op->op != Op::StoreLocal) giveObjects(at, *op);
    if (op->op == Op::Exit && op->reason == ExitReason::Yield) syncNamed(at, *op->state);
    if (isBox(*op) && !facts_.isSunk(*op)) loadInstead(at, *op);
    if (op->op == Op::LoadLocal && slots.isDirty(static_cast<size_t>(op->imm)))
      syncSlot(at, static_cast<size_t>(op->imm));
    if (op->state) describe(*op->state, slots);
    if (op->op == Op::StoreLocal) {
      rewriteStore(at, *op);
    } else if (!facts_.isSunk(*op)) {
      block.ops.push_back(op);
      slots.step(*op);
      if (isBox(*op)) noteBox(op);
    }
  }
  atEnd_[block.id] = slots;
}

void LocalSync::describe(FrameState& state, const SlotMap& slots) const {
  state.dirty.assign(slots.size(), false);
  state.when.assign(slots.size(), nullptr);
  for (size_t slot = 0; slot < slots.size(); ++slot) {
    if (!slots.isDirty(slot)) continue;
    state.dirty[slot] = true;
    state.locals[slot] = slots.content(slot);
    state.when[slot] = slots.conditionOf(slot);
  }
  for (Value*& entry : state.stack) {
    if (!entry->type.isMachine()) continue;
    if (Value* object = namedObject(slots, entry)) entry = object;
  }
}

/// An op that wants the object of a sunk box. Slots that are to show the number get that object, too.
void LocalSync::giveObjects(Place& at, Value& op) {
  for (Value*& operand : op.operands) {
    if (!facts_.isSunk(*operand)) continue;
    Value* const box = operand;
    Value* const number = box->operands[0];
    Value* object = objectOf(at, number);
    for (size_t slot = 0; slot < at.slots.size(); ++slot) {
      if (!at.slots.isDirty(slot) || at.slots.content(slot) != number) continue;
      at.slots.step(*put(at, Op::SyncLocal, types::kNothing, {object}, static_cast<int64_t>(slot)));
    }
    operand = object;
    // The interpreter's operand is the same object.
    if (op.state) std::replace(op.state->stack.begin(), op.state->stack.end(), box, object);
  }
}

/// Before a yield, which writes each slot by itself: what the stack shares with a slot has to be one object.
void LocalSync::syncNamed(Place& at, FrameState& state) {
  for (Value*& entry : state.stack) {
    if (!entry->type.isMachine() || !conditionalSlotOf(at, entry)) continue;
    entry = objectOf(at, entry);
  }
}

/// Turn this: BoxFloat(x), where slot i is or may be clean and x its number. Into this: LoadLocal i.
void LocalSync::loadInstead(Place& at, Value& box) {
  Value* const number = box.operands[0];
  std::optional<size_t> slot = conditionalSlotOf(at, number);
  if (slot) syncSlot(at, *slot);
  for (size_t s = 0; s < at.slots.size() && !slot; ++s) {
    if (!at.slots.isDirty(s) && at.slots.content(s) == number) slot = s;
  }
  if (!slot || at.slots.content(*slot) != number) return;
  box.op = Op::LoadLocal;
  box.operands.clear();
  box.imm = static_cast<int64_t>(*slot);
  loaded_.emplace_back(&box, number);
}

/// A slot that holds the object of a number unless a flag says otherwise.
std::optional<size_t> LocalSync::conditionalSlotOf(const Place& at, const Value* number) {
  if (isNumberOrSlot(number->type)) return std::nullopt;
  for (size_t slot = 0; slot < at.slots.size(); ++slot) {
    if (at.slots.conditionOf(slot) != nullptr && at.slots.content(slot) == number) return slot;
  }
  return std::nullopt;
}

Value* LocalSync::constant(Place& at, Type type, int64_t number) {
  const Op op = type == types::I1 ? Op::ConstBool : type == types::I64 ? Op::ConstInt : Op::ConstFloat;
  return put(at, op, type, {}, number);
}

/// What is in a slot that is about to get something else, as far as nobody has a name for it.
Value* LocalSync::takeContent(Place& at, size_t slot) {
  if (!isNumberOrSlot(at.slots.content(slot)->type)) return nullptr;
  const Type content = facts_.contentOf(*at.slots.content(slot));
  if (!isQuietlyReleased(content)) syncCounted(at);
  Value* condition = at.slots.isDirty(slot) ? at.slots.conditionOf(slot) : constant(at, types::I1, 0);
  return put(at, Op::TakeLocal, content, {condition}, static_cast<int64_t>(slot));
}

void LocalSync::rewriteStore(Place& at, Value& store) {
  Value* taken = takeContent(at, static_cast<size_t>(store.imm));
  if (facts_.isDeferred(store)) {
    // If some slot holds the object already, this slot gets the same: `a is b` must not depend on when it is asked.
    Value* value = facts_.withoutSunkBox(store.operands[0]);
    Value* object = value->type.isMachine() ? objectInSlot(at, value) : nullptr;
    store.op = Op::DeferLocal;
    store.operands[0] = object != nullptr ? object : value;
    if (const auto source = conditionalSlotOf(at, store.operands[0])) return rewriteCopy(at, store, *source, taken);
  } else if (facts_.isOnlyStored(*store.operands[0])) {
    if (Value* object = objectInSlot(at, store.operands[0]->operands[0])) store.operands[0] = object;
  }
  at.ops.push_back(&store);
  at.slots.step(store);
  // It goes once the slot has its new content.
  if (taken != nullptr) put(at, Op::KeepAlive, types::kNothing, {taken})->offset = store.offset;
}

/// A number gets a second slot: as far as it is an object in the first one, that object.
void LocalSync::rewriteCopy(Place& at, Value& store, size_t source, Value* taken) {
  const auto slot = static_cast<size_t>(store.imm);
  if (slot == source) return;
  Value* condition = at.slots.conditionOf(source);
  store.op = Op::DeferLocalIf;
  store.operands.push_back(condition);
  at.ops.push_back(&store);
  at.slots.step(store);
  put(at, Op::CopyLocal, types::kNothing, {condition}, static_cast<int64_t>(slot | uint64_t{source} << 32));
  if (taken != nullptr) put(at, Op::KeepAlive, types::kNothing, {taken})->offset = store.offset;
}

void LocalSync::syncAll(Place& at) {
  for (size_t slot = 0; slot < at.slots.size(); ++slot) {
    if (at.slots.isDirty(slot)) syncSlot(at, slot);
  }
}

/// Dirty slots with an object that may be gone by the time a release could ask for it.
void LocalSync::syncCounted(Place& at) {
  for (size_t slot = 0; slot < at.slots.size(); ++slot) {
    if (at.slots.isDirty(slot) && isHeldBySsa(*at.slots.content(slot))) syncSlot(at, slot);
  }
}

void LocalSync::syncSlot(Place& at, size_t slot) {
  Value* const content = at.slots.content(slot);
  Value* object = nullptr;
  if (Value* condition = at.slots.conditionOf(slot)) {
    if (!isNumberOrSlot(content->type)) object = objectInSlot(at, content);
    if (object == nullptr) {
      at.slots.step(*put(at, Op::SyncLocalIf, types::kNothing, {content, condition}, static_cast<int64_t>(slot)));
      return;
    }
  } else {
    object = objectOf(at, content);
  }
  put(at, Op::SyncLocal, types::kNothing, {object}, static_cast<int64_t>(slot));
  at.slots.set(slot, object, false);
}

/// The object that a clean slot holds for a number, if it has a name.
Value* LocalSync::namedObject(const SlotMap& slots, const Value* number) const {
  for (size_t slot = 0; slot < slots.size(); ++slot) {
    Value* content = slots.content(slot);
    if (slots.isDirty(slot) || !content->type.isReference()) continue;
    if (isBox(*content) && content->operands[0] == number) return content;
    for (const auto& [object, itsNumber] : loaded_) {
      if (object == content && itsNumber == number) return content;
    }
  }
  return nullptr;
}

/// The object that a clean slot holds for a number, if there is one.
Value* LocalSync::objectInSlot(Place& at, const Value* number) {
  if (Value* object = namedObject(at.slots, number)) return object;
  for (size_t slot = 0; slot < at.slots.size(); ++slot) {
    if (at.slots.isDirty(slot) || at.slots.content(slot) != number) continue;
    const Type type = number->type == types::I64   ? types::Long
                      : number->type == types::F64 ? types::Float
                                                   : types::Bool;
    Value* load = put(at, Op::LoadLocal, type, {}, static_cast<int64_t>(slot));
    at.slots.step(*load);
    loaded_.emplace_back(load, number);
    return load;
  }
  return nullptr;
}

/// The object for a slot's content: one that exists, or a new box.
Value* LocalSync::objectOf(Place& at, Value* number) {
  if (number->type.isReference()) return number;
  if (const auto slot = conditionalSlotOf(at, number)) syncSlot(at, *slot);
  if (Value* object = objectInSlot(at, number)) return object;
  if (number->id < boxesOf_.size()) {
    for (Value* box : boxesOf_[number->id]) {
      if (dominators_.dominates(box->block, &at.dominated)) return box;
    }
  }
  const bool isInt = number->type == types::I64;
  const bool isFloat = number->type == types::F64;
  Value* box = put(at,
                   isInt     ? Op::BoxInt
                   : isFloat ? Op::BoxFloat
                             : Op::BoxBool,
                   isInt     ? types::Long
                   : isFloat ? types::Float
                             : types::Bool,
                   {number});
  if (at.lasting) noteBox(box);
  return box;
}

/// Makes an edge lead from what is dirty at its source to what is dirty at its target, with objects where the target's
/// parameters want objects.
void LocalSync::adaptEdge(Block& from, size_t successor) {
  Block* target = from.successors[successor].target;
  const std::vector<bool>& wanted = facts_.dirtyIn(*target);
  SlotMap slots = atEnd_[from.id];
  std::vector<Value*> args = from.successors[successor].args;
  bool differs = !flags_[target->id].empty() ||
                 std::any_of(args.begin(), args.end(), [this](const Value* v) { return facts_.isSunk(*v); });
  for (size_t slot = 0; slot < slots.size(); ++slot) differs |= slots.isDirty(slot) != wanted[slot];
  if (!differs) return;

  Block* block = &from;
  if (from.successors.size() > 1) {
    // Flags get their arguments below, and what the new block's state says of them here.
    from.successors[successor].args.resize(target->params.size(), nullptr);
    block = function_.splitEdge(&from, successor);
    describe(*block->entry, slots);
  }
  Value* terminator = block->ops.back();
  block->ops.pop_back();
  Place at{*block, block->ops, from, slots, block == &from};
  for (size_t slot = 0; slot < slots.size(); ++slot) {
    if (slots.isDirty(slot) && !wanted[slot]) syncSlot(at, slot);
  }
  flagEdge(at, *target, args);
  for (size_t i = 0; i < args.size(); ++i) {
    if (!facts_.isSunk(*args[i])) continue;
    args[i] = objectOf(at, args[i]->operands[0]);
    // What a clean slot is called at the target is what its memory has to hold.
    for (size_t slot = 0; slot < slots.size(); ++slot) {
      if (wanted[slot] || target->entry->locals[slot] != target->params[i] || slots.content(slot) == args[i]) continue;
      put(at, Op::SyncLocal, types::kNothing, {args[i]}, static_cast<int64_t>(slot));
      slots.set(slot, args[i], false);
    }
  }
  for (size_t slot = 0; slot < slots.size(); ++slot) {
    if (slots.isDirty(slot) || !wanted[slot]) continue;
    Value* name = facts_.withoutSunkBox(target->entry->locals[slot]);
    if (name->op == Op::Param && name->block == target) name = args[static_cast<size_t>(name->imm)];
    slots.step(*put(at, Op::DeferLocal, types::kNothing, {name}, static_cast<int64_t>(slot)));
  }
  block->ops.push_back(terminator);
  block->successors[block == &from ? successor : 0].args = args;
}

/// Slots whose number exists as an object, or that have to show one object from here on.
std::vector<size_t> LocalSync::keptAtEdge(const Place& at, const Block& target) const {
  std::vector<size_t> kept;
  for (const Flag& flag : flags_[target.id]) {
    const Value* content = at.slots.content(flag.slot);
    const bool isConstant = content->op == Op::ConstObject && !isNumberOrSlot(target.entry->locals[flag.slot]->type);
    const bool isObject = content->type.isReference() && !isConstant;
    const bool isShared = facts_.sharesAtEntry(at.dominated, target, at.slots, flag.slot);
    if (at.slots.isDirty(flag.slot) && (isObject || isShared)) kept.push_back(flag.slot);
  }
  return kept;
}

/// Tells the target which of its slots are dirty on this way. A number that exists as an object stays in memory.
void LocalSync::flagEdge(Place& at, const Block& target, std::vector<Value*>& args) {
  for (size_t slot : keptAtEdge(at, target)) syncSlot(at, slot);
  for (const Flag& flag : flags_[target.id]) {
    Value* name = facts_.withoutSunkBox(target.entry->locals[flag.slot]);
    if (at.slots.isDirty(flag.slot)) {
      Value* condition = at.slots.conditionOf(flag.slot);
      args.push_back(condition != nullptr ? condition : constant(at, types::I1, 1));
      continue;
    }
    const bool isParam = name->op == Op::Param && name->block == &target;
    Value* number = isParam ? args[static_cast<size_t>(name->imm)] : name;
    Value* isClean = constant(at, types::I1, 0);
    if (isNumberOrSlot(name->type)) {
      number = constant(at, name->type == types::I64OrSlot ? types::I64 : types::F64, 0);
      if (isParam) args[static_cast<size_t>(name->imm)] = number;
    }
    at.slots.step(*put(at, Op::DeferLocalIf, types::kNothing, {number, isClean}, static_cast<int64_t>(flag.slot)));
    args.push_back(isClean);
  }
}

void LocalSync::removeSunkBoxes() {
  std::vector<Value*> replacements(function_.valueCount(), nullptr);
  for (Value* box : facts_.sunkBoxes()) {
    replacements[box->id] = box->operands[0];
    box->block = nullptr;  // rewriteBlock() has left it out
  }
  function_.replaceUses(replacements);
}

}  // namespace

namespace {

/// Where all slots are clean, a frame object shows the truth after a return.
bool removeNeedlessGuards(Function& function) {
  size_t removed = 0;
  for (const auto& block : function.blocks) {
    removed += std::erase_if(block->ops, [](Value* op) {
      if (op->op != Op::GuardUnseen) return false;
      const std::vector<bool>& dirty = op->state->dirty;
      if (std::find(dirty.begin(), dirty.end(), true) != dirty.end()) return false;
      op->block = nullptr;
      return true;
    });
  }
  return removed != 0;
}

}  // namespace

bool syncLocals(Function& function) {
  function.recomputePredecessors();
  const bool synced = LocalSync(function).run();
  return removeNeedlessGuards(function) || synced;
}

}  // namespace martlet::passes
