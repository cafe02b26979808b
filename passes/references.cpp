// SPDX-License-Identifier: MIT
// Counted values, slot contents and reference liveness: see references.h.
#include "passes/references.h"

#include <algorithm>
#include <bit>

#include "lowering/hir/unpack_targets.h"

namespace martlet::passes {

using namespace hir;

namespace {

// None, True and False are immortal in every CPython that Martlet supports.
constexpr Type kImmortal = types::None | types::Bool | types::Null;

}  // namespace

bool isUncounted(const Value& value) {
  if (!value.type.isReference() || value.type.isSubtypeOf(kImmortal)) return true;
  if (value.op != Op::ConstObject || value.block == nullptr) return false;
  return value.block->function->objects[static_cast<size_t>(value.imm)].immortal;
}

bool isWatchedConstant(const Value& value) {
  if (value.op != Op::ConstObject || value.block == nullptr) return false;
  return value.block->function->objects[static_cast<size_t>(value.imm)].watched;
}

bool isHeldBySsa(const Value& value) {
  if (isUncounted(value)) return false;
  if (isWatchedConstant(value)) return true;
  const Ownership ownership = value.ownership();
  return ownership == Ownership::Owned || ownership == Ownership::Slot;
}

bool isQuietlyReleased(Type type) {
  return type.isSubtypeOf(types::kSimple | types::RangeIter | types::Null) || type.isMachine();
}

bool isNumberOrNull(Type type) {
  return type.isMachine() || type.isSubtypeOf(types::kNumber | types::Null);
}

bool isNumberOrSlot(Type type) {
  return type.isSubtypeOf(types::kNumberOrSlot);
}

bool isBox(const Value& value) {
  return value.op == Op::BoxInt || value.op == Op::BoxFloat || value.op == Op::BoxBool;
}

Helper withUnboxedKey(const Value& call) {
  if (call.op != Op::CallRuntime) return Helper::kCount;
  switch (call.helper) {
  case Helper::SubscrListInt: return Helper::SubscrListI64;
  case Helper::SubscrTupleInt: return Helper::SubscrTupleI64;
  case Helper::StoreSubscrListInt: return Helper::StoreSubscrListI64;
  default: return Helper::kCount;
  }
}

bool isDeferral(const Value& op) {
  return op.op == Op::DeferLocal || op.op == Op::DeferLocalIf;
}

bool isNameOnly(const Value& op) {
  return op.op == Op::Output || isDeferral(op) || op.op == Op::RangeView || op.op == Op::DeferredRange ||
         op.op == Op::TupleView;
}

// ---- SlotMap --------------------------------------------------------------------------------------------------------

SlotMap::SlotMap(const Block& block) {
  if (!block.entry) return;
  values_ = block.entry->locals;
  dirty_.resize(values_.size());
  when_.resize(values_.size());
  for (size_t slot = 0; slot < values_.size(); ++slot) {
    dirty_[slot] = block.entry->isDirty(slot);
    when_[slot] = block.entry->conditionOf(slot);
  }
}

bool SlotMap::supports(const Value* value) const {
  for (size_t slot = 0; slot < values_.size(); ++slot) {
    if (values_[slot] == value && !dirty_[slot]) return true;
  }
  return false;
}

void SlotMap::set(size_t slot, Value* value, bool dirty, Value* condition) {
  values_[slot] = value;
  dirty_[slot] = dirty;
  when_[slot] = condition;
}

/// The loads behind it give what the slots hold their names.
void SlotMap::setUnpacked(Value& call) {
  const UnpackTargets targets = UnpackTargets::unpack({call.imms[0], call.imms[1], call.imms[2]});
  for (size_t i = 0; i < targets.count; ++i) set(targets.slots[i], &call, false);
}

void SlotMap::step(Value& op) {
  const auto slot = static_cast<size_t>(op.imm);
  switch (op.op) {
  case Op::StoreLocal:
  case Op::SyncLocal:
  case Op::SyncLocalIf: set(slot, op.operands[0], false); break;
  case Op::DeferLocal: set(slot, op.operands[0], true); break;
  case Op::DeferLocalIf: set(slot, op.operands[0], true, op.operands[1]); break;
  case Op::ConcatLocal: set(slot, &op, false); break;
  case Op::CallRuntime:
    if (op.calls(Helper::UnpackToSlots)) setUnpacked(op);
    break;
  case Op::LoadLocal:
    // A clean slot that so far had only a machine value for a name gets one for the object.
    if (!isDirty(slot) && !values_[slot]->type.isReference()) set(slot, &op, false);
    break;
  default: break;
  }
}

namespace {

/// The object that a slot holds at the end of all blocks before `block`, or null.
Value* commonContent(const Block& block, size_t slot, const std::vector<SlotMap>& atEnd,
                     const std::vector<bool>& done) {
  Value* common = nullptr;
  for (const Block* from : block.predecessors) {
    if (!done[from->id] || atEnd[from->id].isAnonymous(slot)) return nullptr;
    Value* content = atEnd[from->id].content(slot);
    if (common != nullptr && common != content) return nullptr;
    common = content;
  }
  return common;
}

}  // namespace

std::vector<SlotMap> slotsAtStart(const Function& function) {
  std::vector<SlotMap> atStart(function.blockIds()), atEnd(function.blockIds());
  std::vector<bool> done(function.blockIds(), false);
  for (const auto& block : function.blocks) {
    SlotMap slots(*block);
    for (size_t slot = 0; slot < slots.size(); ++slot) {
      if (slots.isDirty(slot) || !slots.isAnonymous(slot)) continue;
      if (Value* content = commonContent(*block, slot, atEnd, done)) slots.set(slot, content, false);
    }
    atStart[block->id] = slots;
    for (Value* op : block->ops) slots.step(*op);
    atEnd[block->id] = std::move(slots);
    done[block->id] = true;
  }
  return atStart;
}

// ---- ReferenceLiveness ----------------------------------------------------------------------------------------------

ReferenceLiveness::ReferenceLiveness(const Function& function) {
  liveIn_.assign(function.blockIds(), ValueSet(function.valueCount()));
  values_.assign(function.valueCount(), nullptr);
  for (const auto& block : function.blocks) {
    for (Value* param : block->params) values_[param->id] = param;
    for (Value* op : block->ops) values_[op->id] = op;
  }
  for (bool changed = true; changed;) {
    changed = false;
    for (auto block = function.blocks.rbegin(); block != function.blocks.rend(); ++block) {
      ValueSet live = liveOut(**block);
      for (auto op = (*block)->ops.rbegin(); op != (*block)->ops.rend(); ++op) stepBackward(**op, live);
      if (live == liveIn_[(*block)->id]) continue;
      liveIn_[(*block)->id] = std::move(live);
      changed = true;
    }
  }
}

bool ReferenceLiveness::isLiveIn(const Block& block, const Value& value) const {
  return liveIn_[block.id].contains(value);
}

std::vector<Value*> ReferenceLiveness::liveIn(const Block& block) const {
  std::vector<Value*> result;
  const std::vector<uint64_t>& words = liveIn_[block.id].words();
  for (size_t i = 0; i < words.size(); ++i) {
    for (uint64_t rest = words[i]; rest != 0; rest &= rest - 1) {
      result.push_back(values_[i * 64 + static_cast<size_t>(std::countr_zero(rest))]);
    }
  }
  return result;
}

ValueSet ReferenceLiveness::liveOut(const Block& block) const {
  ValueSet live(values_.size());
  for (const Edge& edge : block.successors) {
    ValueSet in = liveIn_[edge.target->id];
    for (const Value* param : edge.target->params) in.erase(*param);
    live.insertAll(in);
  }
  // Behind all of the above: an argument may itself be a parameter of a target.
  for (const Edge& edge : block.successors) {
    for (size_t i = 0; i < edge.args.size(); ++i) {
      const bool wanted = liveIn_[edge.target->id].contains(*edge.target->params[i]);
      if (wanted && edge.args[i]->type.isReference()) live.insert(*edge.args[i]);
    }
  }
  return live;
}

void ReferenceLiveness::stepBackward(const Value& op, ValueSet& live) {
  live.erase(op);
  visitHeldUses(op, [&live](const Value* v) { live.insert(*v); });
}

}  // namespace martlet::passes
