// SPDX-License-Identifier: MIT
// Counted values, slot contents and reference liveness: see references.h.
#include "passes/references.h"

#include <algorithm>

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

bool isHeldBySsa(const Value& value) {
  if (isUncounted(value)) return false;
  const Ownership ownership = value.ownership();
  return ownership == Ownership::Owned || ownership == Ownership::Slot;
}

bool isQuietlyReleased(Type type) {
  return type.isSubtypeOf(types::kSimple | types::RangeIter | types::Null) || type.isMachine();
}

bool isNumberOrNull(Type type) { return type.isMachine() || type.isSubtypeOf(types::kNumber | types::Null); }

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

bool isNameOnly(const Value& op) { return op.op == Op::Output || op.op == Op::DeferLocal; }

// ---- SlotMap --------------------------------------------------------------------------------------------------------

SlotMap::SlotMap(const Block& block) {
  if (!block.entry) return;
  values_ = block.entry->locals;
  dirty_.resize(values_.size());
  for (size_t slot = 0; slot < values_.size(); ++slot) dirty_[slot] = block.entry->isDirty(slot);
}

bool SlotMap::supports(const Value* value) const {
  for (size_t slot = 0; slot < values_.size(); ++slot) {
    if (values_[slot] == value && !dirty_[slot]) return true;
  }
  return false;
}

void SlotMap::set(size_t slot, Value* value, bool dirty) {
  values_[slot] = value;
  dirty_[slot] = dirty;
}

void SlotMap::step(Value& op) {
  const auto slot = static_cast<size_t>(op.imm);
  switch (op.op) {
  case Op::StoreLocal:
  case Op::SyncLocal: set(slot, op.operands[0], false); break;
  case Op::DeferLocal: set(slot, op.operands[0], true); break;
  case Op::ConcatLocal: set(slot, &op, false); break;
  case Op::LoadLocal:
    // A clean slot that so far had only a machine value for a name gets one for the object.
    if (!isDirty(slot) && !values_[slot]->type.isReference()) set(slot, &op, false);
    break;
  default: break;
  }
}

// ---- ReferenceLiveness ----------------------------------------------------------------------------------------------

ReferenceLiveness::ReferenceLiveness(const Function& function) {
  uint32_t blockIds = 0;
  for (const auto& block : function.blocks) blockIds = std::max(blockIds, block->id + 1);
  liveIn_.assign(blockIds, Set(function.valueCount(), false));
  values_.assign(function.valueCount(), nullptr);
  for (const auto& block : function.blocks) {
    for (Value* param : block->params) values_[param->id] = param;
    for (Value* op : block->ops) values_[op->id] = op;
  }
  for (bool changed = true; changed;) {
    changed = false;
    for (auto block = function.blocks.rbegin(); block != function.blocks.rend(); ++block) {
      Set live = liveOut(**block);
      for (auto op = (*block)->ops.rbegin(); op != (*block)->ops.rend(); ++op) stepBackward(**op, live);
      if (live == liveIn_[(*block)->id]) continue;
      liveIn_[(*block)->id] = std::move(live);
      changed = true;
    }
  }
}

bool ReferenceLiveness::isLiveIn(const Block& block, const Value& value) const { return liveIn_[block.id][value.id]; }

std::vector<Value*> ReferenceLiveness::liveIn(const Block& block) const {
  std::vector<Value*> result;
  const Set& live = liveIn_[block.id];
  for (size_t id = 0; id < live.size(); ++id) {
    if (live[id]) result.push_back(values_[id]);
  }
  return result;
}

ReferenceLiveness::Set ReferenceLiveness::liveOut(const Block& block) const {
  Set live(values_.size(), false);
  for (const Edge& edge : block.successors) {
    const Set& in = liveIn_[edge.target->id];
    for (size_t id = 0; id < in.size(); ++id) {
      if (in[id] && !(values_[id]->op == Op::Param && values_[id]->block == edge.target)) live[id] = true;
    }
    for (size_t i = 0; i < edge.args.size(); ++i) {
      if (edge.args[i]->type.isReference() && in[edge.target->params[i]->id]) live[edge.args[i]->id] = true;
    }
  }
  return live;
}

void ReferenceLiveness::stepBackward(const Value& op, Set& live) {
  live[op.id] = false;
  visitHeldUses(op, [&live](const Value* v) { live[v->id] = true; });
}

}  // namespace martlet::passes
