// SPDX-License-Identifier: MIT
// The decisions of local-sync: see local_sync_facts.h.
#include "passes/local_sync_facts.h"

#include <algorithm>
#include <utility>

namespace martlet::passes {

using namespace hir;

LocalSyncFacts::LocalSyncFacts(Function& function, const DominatorTree& dominators)
    : function_(function), dominators_(dominators), plan_(function) {
  const size_t values = function.valueCount();
  loud_.resize(values);
  releasesLoudly_.resize(values);
  deferred_.resize(values);
  sunk_.resize(values);
  dirtyIn_.assign(function.blockIds(), Slots(function.localCount, false));
  countUses();
  findLoudOps();
  decide();
  findSunkBoxes();
  findDirtySlots();
  findKnownObjects();
  findContents();
}

void LocalSyncFacts::countUses() {
  otherUses_.resize(function_.valueCount());
  quietGuards_.resize(function_.valueCount());
  stores_.resize(function_.valueCount());
  for (const auto& block : function_.blocks) {
    for (Value* op : block->ops) {
      for (Value* operand : op->operands) {
        const bool isQuietGuard = op->op == Op::UnboxInt || op->op == Op::UnboxFloat ||
                                  (op->op == Op::GuardType && isQuietlyReleased(Type(static_cast<uint32_t>(op->imm))));
        if (op->op == Op::StoreLocal) {
          stores_[operand->id].push_back(op);
        } else {
          otherUses_[operand->id].ops.push_back(op);
        }
        if (isQuietGuard) quietGuards_[operand->id].push_back(op);
      }
    }
    for (size_t s = 0; s < block->successors.size(); ++s) {
      for (const Value* argument : block->successors[s].args)
        otherUses_[argument->id].edges.push_back({block.get(), s});
    }
  }
}

bool LocalSyncFacts::isJoin(const Block& block) {
  if (block.predecessors.size() != 1 || !block.params.empty()) return true;
  const std::vector<Edge>& edges = block.predecessors[0]->successors;
  return edges.size() == 2 && edges[0].target == edges[1].target;
}

bool LocalSyncFacts::isOnlyStored(const Value& value) const {
  return isBox(value) && value.id < otherUses_.size() && otherUses_[value.id].none();
}

// ---- Python code ----------------------------------------------------------------------------------------------------

/// A value that has passed a guard on the way here is a number or a range's iterator, whatever its type says.
bool LocalSyncFacts::isLoudRelease(const Value& value, const Block& at) const {
  if (isQuietlyReleased(value.type)) return false;
  const auto& guards = quietGuards_[value.id];
  return std::none_of(guards.begin(), guards.end(),
                      [&](const Value* guard) { return dominators_.dominates(guard->block, &at); });
}

void LocalSyncFacts::findLoudOps() {
  for (const auto& block : function_.blocks) {
    for (Value* op : block->ops) {
      const auto& released = plan_.at(*op).releaseAfter;
      loud_[op->id] = op->effects() == Effects::Python && op->op != Op::StoreLocal;
      releasesLoudly_[op->id] =
          std::any_of(released.begin(), released.end(), [&](const Value* v) { return isLoudRelease(*v, *block); });
    }
  }
  // A release on an edge: before the block's end, for all ways out of it.
  for (const EdgeCounts& edge : plan_.edges()) {
    for (const Value* v : edge.release) {
      if (isLoudRelease(*v, *edge.from)) releasesLoudly_[edge.from->terminator()->id] = true;
    }
  }
}

// ---- Which stores ---------------------------------------------------------------------------------------------------

bool LocalSyncFacts::stepBackward(const Value& op, Slots& slots) const {
  const bool isStore = op.op == Op::StoreLocal;
  const bool after = isStore && slots[static_cast<size_t>(op.imm)];
  if (loud_[op.id]) slots.assign(slots.size(), true);
  if (isStore) slots[static_cast<size_t>(op.imm)] = false;
  return after;
}

/// By block id: slots that Python code may look at on every way from the block's start, before they are stored again.
std::vector<LocalSyncFacts::Slots> LocalSyncFacts::surelySynced() const {
  std::vector<Slots> in(dirtyIn_.size(), Slots(function_.localCount, true));
  for (bool changed = true; changed;) {
    changed = false;
    for (auto block = function_.blocks.rbegin(); block != function_.blocks.rend(); ++block) {
      Slots slots = surelySyncedBehind(**block, in);
      for (auto op = (*block)->ops.rbegin(); op != (*block)->ops.rend(); ++op) stepBackward(**op, slots);
      if (slots == in[(*block)->id]) continue;
      in[(*block)->id] = std::move(slots);
      changed = true;
    }
  }
  return in;
}

LocalSyncFacts::Slots LocalSyncFacts::surelySyncedBehind(const Block& block, const std::vector<Slots>& in) const {
  Slots slots(function_.localCount, !block.successors.empty());
  for (const Edge& edge : block.successors) {
    for (size_t slot = 0; slot < slots.size(); ++slot) slots[slot] = slots[slot] && in[edge.target->id][slot];
  }
  return slots;
}

/// A store is put off if a number replaces a number, if on some way nobody looks before the next store, and if the box
/// is not wanted for anything else right away: it would exist anyway, and storing it costs next to nothing.
void LocalSyncFacts::decide() {
  const std::vector<Slots> synced = surelySynced();
  for (const auto& block : function_.blocks) {
    SlotMap contents(*block);
    for (Value* op : block->ops) {
      if (op->op == Op::StoreLocal) {
        const Value* value = op->operands[0];
        const bool isNumber =
            isBox(*value) || (value->op == Op::ConstObject && value->type.isSubtypeOf(types::kNumber));
        const Type old = contents.content(static_cast<size_t>(op->imm))->type;
        deferred_[op->id] = isNumber && isNumberOrNull(old) && (!isBox(*value) || canBeSunk(*value));
      }
      contents.step(*op);
    }
    Slots slots = surelySyncedBehind(*block, synced);
    for (auto op = block->ops.rbegin(); op != block->ops.rend(); ++op) {
      if (stepBackward(**op, slots)) deferred_[(*op)->id] = false;
    }
  }
}

/// Ops that want the box can have boxes of their own if these are made less often than this one, and if no two of them
/// are passed one after the other: the object must stay one object. (A box is there for all that it dominates.)
bool LocalSyncFacts::canBeSunk(const Value& box) const {
  struct Place {
    const Block* at;      ///< the box is made here …
    const Block* target;  ///< … or on the edge to here
    bool operator==(const Place&) const = default;
  };
  std::vector<Place> places;
  for (const Value* op : otherUses_[box.id].ops) places.push_back({op->block, nullptr});
  for (const EdgeUse& use : otherUses_[box.id].edges) {
    const bool onEdge = use.from->successors.size() > 1;
    places.push_back({use.from, onEdge ? use.from->successors[use.successor].target : nullptr});
  }
  for (const Place& place : places) {
    if (place.at == box.block && place.target == nullptr) return false;
  }
  for (const Place& a : places) {
    for (const Place& b : places) {
      const bool inOrder = a != b && a.target == nullptr && dominators_.dominates(a.at, b.at);
      if (inOrder) continue;
      const Block* start = a.target == nullptr ? a.at : a.target;
      if ((a.target == b.at && a.target != nullptr && a.target != box.block) || reaches(start, b.at, box.block))
        return false;
    }
  }
  return true;
}

/// A box whose stores are all put off is not made. If one of them is not, the box exists: then none of them is.
void LocalSyncFacts::findSunkBoxes() {
  for (const auto& block : function_.blocks) {
    for (Value* op : block->ops) {
      const auto& stores = stores_[op->id];
      if (!isBox(*op) || (stores.empty() && otherUses_[op->id].none())) continue;
      const bool sunk =
          canBeSunk(*op) && std::all_of(stores.begin(), stores.end(), [this](auto* s) { return deferred_[s->id]; });
      sunk_[op->id] = sunk;
      if (sunk) sunkBoxes_.push_back(op);
      for (Value* store : stores) deferred_[store->id] = sunk;
    }
  }
  // A slot may hold the object of what has come into a block as a number.
  for (const auto& block : function_.blocks) {
    anyDeferred_ |= std::any_of(block->ops.begin(), block->ops.end(),
                                [](const Value* op) { return isBox(*op) && op->operands[0]->op == Op::Param; });
  }
  anyDeferred_ |= !sunkBoxes_.empty() || std::find(deferred_.begin(), deferred_.end(), true) != deferred_.end();
}

// ---- Which slots are dirty ------------------------------------------------------------------------------------------

/// At a block's start memory may only be stale where it is sure to hold a number or NULL on every way there. (A machine
/// value in the slot map: unbox-params has checked the object, or a box was stored.)
bool LocalSyncFacts::mayBeDirty(const Block& block, size_t slot) const {
  return isNumberOrNull(block.entry->locals[slot]->type);
}

void LocalSyncFacts::findDirtySlots() {
  for (bool changed = true; changed;) {
    changed = false;
    for (const Block* block : dominators_.order()) {
      Slots slots = dirtyIn_[block->id];
      for (const Value* op : block->ops) {
        if (loud_[op->id]) slots.assign(slots.size(), false);
        if (op->op == Op::StoreLocal) slots[static_cast<size_t>(op->imm)] = deferred_[op->id];
      }
      for (const Edge& edge : block->successors) {
        Slots& in = dirtyIn_[edge.target->id];
        for (size_t slot = 0; slot < slots.size(); ++slot) {
          if (!slots[slot] || in[slot] || !mayBeDirty(*edge.target, slot)) continue;
          in[slot] = true;
          changed = true;
        }
      }
    }
  }
}

// ---- Objects that the program knows ---------------------------------------------------------------------------------

bool LocalSyncFacts::isLoopHeader(const Block& block) const {
  return std::any_of(block.predecessors.begin(), block.predecessors.end(),
                     [&](const Block* from) { return dominators_.dominates(&block, from); });
}

bool LocalSyncFacts::needsFlag(const Block& join, size_t slot) const {
  if (!dirtyIn_[join.id][slot]) return false;
  const Type type = withoutSunkBox(join.entry->locals[slot])->type;
  return isNumberOrSlot(type) || (type.isSubtypeOf(types::I64 | types::F64) && knownIn_[join.id][slot]);
}

bool LocalSyncFacts::sharesAtEntry(const Block& from, const Block& target, const SlotMap& atEnd, size_t slot) const {
  if (!isJoin(target) || !isLoopHeader(target) || dominators_.dominates(&target, &from)) return false;
  const Value* number = withoutSunkBox(atEnd.content(slot));
  if (!isBox(*atEnd.content(slot)) &&
      (number->op == Op::ConstInt || !number->type.isSubtypeOf(types::I64 | types::F64)))
    return false;
  for (size_t other = 0; other < atEnd.size(); ++other) {
    if (other != slot && showsNumber(atEnd, other, number)) return true;
  }
  return false;
}

bool LocalSyncFacts::showsNumber(const SlotMap& contents, size_t slot, const Value* number) const {
  return withoutSunkBox(contents.content(slot)) == number;
}

/// What a box is made for, or taken from the slot for, is known from there on; so is what is stored as an object.
void LocalSyncFacts::stepKnown(const Value& op, const SlotMap& contents, Slots& known) const {
  const auto slot = static_cast<size_t>(op.imm);
  auto showNumber = [&](const Value* number) {
    for (size_t s = 0; s < known.size(); ++s) {
      if (showsNumber(contents, s, number)) known[s] = true;
    }
  };
  if (op.op == Op::LoadLocal) known[slot] = true;
  if (isBox(op) && !isSunk(op)) showNumber(op.operands[0]);
  if (op.op != Op::StoreLocal) {
    for (const Value* operand : op.operands) {
      if (isSunk(*operand)) showNumber(operand->operands[0]);
    }
    return;
  }
  const Value* value = withoutSunkBox(op.operands[0]);
  bool isKnown = !deferred_[op.id] && value->op != Op::ConstObject;
  for (size_t s = 0; s < known.size(); ++s) isKnown |= known[s] && showsNumber(contents, s, value);
  known[slot] = isKnown;
}

void LocalSyncFacts::findKnownObjects() {
  knownIn_.assign(dirtyIn_.size(), Slots(function_.localCount, false));
  for (const Entry& entry : function_.entries) knownIn_[entry.block->id].assign(function_.localCount, true);
  for (bool changed = true; changed;) {
    changed = false;
    for (const Block* block : dominators_.order()) {
      Slots known = knownIn_[block->id];
      SlotMap contents(*block);
      for (Value* op : block->ops) {
        stepKnown(*op, contents, known);
        contents.step(*op);
      }
      for (const Edge& edge : block->successors) {
        Slots& in = knownIn_[edge.target->id];
        for (size_t slot = 0; slot < known.size(); ++slot) {
          if (in[slot] || (!known[slot] && !sharesAtEntry(*block, *edge.target, contents, slot))) continue;
          in[slot] = true;
          changed = true;
        }
      }
    }
  }
}

/// What arrives, with the objects that may have been made for the numbers.
void LocalSyncFacts::findContents() {
  contents_.resize(function_.valueCount());
  growAlongEdges(function_, [this](const Value& param, const Value& argument) {
    if (!isNumberOrSlot(param.type)) return false;
    anyDeferred_ = true;
    Type content = contents_[param.id] | types::Null;
    content = content | (param.type == types::I64OrSlot ? types::Long : types::Float);
    if (argument.type.isReference()) content = content | argument.type;
    if (argument.type == param.type) content = content | contents_[argument.id];
    return std::exchange(contents_[param.id], content) != content;
  });
}

}  // namespace martlet::passes
