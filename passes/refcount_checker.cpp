// SPDX-License-Identifier: MIT
// verifyRefcounts(): a second opinion on the refcount pass, which shares none of its reasoning. It knows no liveness.
// It walks backward and counts for each value how many references the rest of the function is going to give away; where
// ways part, all of them must ask for the same, and where a value is made the demand must be what its op produces.
#include <algorithm>
#include <map>
#include <optional>
#include <string>

#include "lowering/hir/printer.h"
#include "passes/passes.h"
#include "passes/references.h"

namespace martlet::passes {

using namespace hir;

namespace {

/// References that are still to be given away, by value id; nothing where that is not known yet.
using Demand = std::optional<std::map<uint32_t, int>>;

class RefcountChecker {
 public:
  explicit RefcountChecker(const Function& function) : function_(function) {}

  std::optional<std::string> run() {
    collect();
    if (!error_) solve();
    for (const auto& block : function_.blocks) {
      if (!error_) checkEdges(*block);
    }
    for (const Entry& entry : function_.entries) {
      if (!error_ && demandIn_[entry.block->id] && !demandIn_[entry.block->id]->empty()) {
        complain(*entry.block, nullptr, "the entry would need references from nowhere");
      }
    }
    return error_;
  }

 private:
  void collect();
  void solve();
  Demand across(const Block& from, size_t successor) const;
  Demand demandOut(const Block& block) const;
  Demand throughBlock(const Block& block, Demand demand, bool check);
  void throughOp(const Value& op, const SlotMap& slots, Demand& demand, bool check);
  void checkResult(const Value& op, Demand& demand, bool check);
  void checkState(const Value& op, const SlotMap& slots, Demand& demand, bool check);
  void checkUses(const Value& op, const SlotMap& slots, const Demand& demand);
  void checkEdges(const Block& block);
  void checkSlots(const Block& from, const Edge& edge);
  bool isSame(const Value* a, const Value* b) const;

  static void add(Demand& demand, const Value* value, int count) {
    if (!demand || isUncounted(*value)) return;
    int& entry = (*demand)[value->id];
    entry += count;
    if (entry == 0) demand->erase(value->id);
  }

  void complain(const Block& block, const Value* op, const std::string& message) {
    if (error_) return;
    error_ = "bb" + std::to_string(block.id) + ": ";
    if (op != nullptr) *error_ += print(*op) + ": ";
    *error_ += message;
  }

  const Function& function_;
  std::vector<Value*> values_;               // by id
  std::vector<std::vector<SlotMap>> slots_;  // by block id: before each op, and behind the last
  std::vector<Demand> demandIn_;             // by block id
  bool hasMarkers_ = false;
  std::optional<std::string> error_;
};

std::string describe(const std::map<uint32_t, int>& demand) {
  std::string text = "{";
  for (auto [id, count] : demand)
    text += (text.size() > 1 ? ", v" : "v") + std::to_string(id) + ": " + std::to_string(count);
  return text + "}";
}

std::string nameOf(const Value* value) {
  return "v" + std::to_string(value->id);
}

void RefcountChecker::collect() {
  values_.resize(function_.valueCount());
  for (const auto& block : function_.blocks) {
    for (Value* param : block->params) values_[param->id] = param;
    for (Value* op : block->ops) {
      values_[op->id] = op;
      hasMarkers_ |= isDeferral(*op);
    }
  }
  demandIn_.resize(function_.blockIds());
  slots_.resize(function_.blockIds());
  const std::vector<SlotMap> atStart = slotsAtStart(function_);
  for (const auto& block : function_.blocks) {
    SlotMap slots = atStart[block->id];
    for (Value* op : block->ops) {
      if (op->state && op->op != Op::Release && !hasMarkers_) {
        // Without the markers the states are all that is left of them.
        for (size_t i = 0; i < slots.size(); ++i)
          slots.set(i, slots.content(i), op->state->isDirty(i), op->state->conditionOf(i));
      }
      slots_[block->id].push_back(slots);
      if (op->op == Op::StoreLocal && slots.isAnonymous(static_cast<size_t>(op->imm))) {
        complain(*block, op, "the slot's old content has no name, and only SyncLocal releases such a content");
      }
      slots.step(*op);
    }
    slots_[block->id].push_back(slots);
  }
}

// Each block's demand becomes known once that of one successor is; that the others agree is checked afterwards.
void RefcountChecker::solve() {
  for (bool changed = true; changed;) {
    changed = false;
    for (auto block = function_.blocks.rbegin(); block != function_.blocks.rend(); ++block) {
      Demand& in = demandIn_[(*block)->id];
      if (in) continue;
      in = throughBlock(**block, demandOut(**block), false);
      changed |= in.has_value();
    }
  }
  for (const auto& block : function_.blocks) {
    if (!error_) throughBlock(*block, demandOut(*block), true);
  }
}

Demand RefcountChecker::across(const Block& from, size_t successor) const {
  const Edge& edge = from.successors[successor];
  const Demand& in = demandIn_[edge.target->id];
  if (!in) return std::nullopt;
  Demand demand = std::map<uint32_t, int>();
  for (auto [id, count] : *in) {
    const Value* value = values_[id];
    const bool isParam = value->op == Op::Param && value->block == edge.target;
    add(demand, isParam ? edge.args[static_cast<size_t>(value->imm)] : value, count);
  }
  const Value* end = from.terminator();
  if (end->op != Op::BranchFailed || successor != 0) return demand;
  // Where the call has failed there is no result.
  if (end->operands[0]->ownership() == Ownership::Owned) add(demand, end->operands[0], 1);
  return demand;
}

Demand RefcountChecker::demandOut(const Block& block) const {
  for (size_t i = 0; i < block.successors.size(); ++i) {
    if (Demand demand = across(block, i)) return demand;
  }
  return std::nullopt;
}

Demand RefcountChecker::throughBlock(const Block& block, Demand demand, bool check) {
  for (size_t k = block.ops.size(); k-- > 0;) throughOp(*block.ops[k], slots_[block.id][k], demand, check);
  return demand;
}

void RefcountChecker::throughOp(const Value& op, const SlotMap& slots, Demand& demand, bool check) {
  if (op.op == Op::Return || op.op == Op::Exit) demand.emplace();
  if (op.op == Op::Unreachable) demand.reset();
  checkResult(op, demand, check);
  if (op.op == Op::IncRef) add(demand, op.operands[0], -1);
  if (op.op == Op::DecRef || op.op == Op::Release) add(demand, op.operands[0], 1);
  for (size_t i = 0; i < op.operands.size(); ++i) {
    if (op.consumes(i) && !op.consumesAlways(i)) add(demand, op.operands[i], 1);
  }
  if (op.op == Op::StoreLocal) {
    const Value* old = slots.content(static_cast<size_t>(op.imm));
    if (old->type.isReference()) add(demand, old, -1);
  }
  checkState(op, slots, demand, check);
  for (size_t i = 0; i < op.operands.size(); ++i) {
    if (op.consumesAlways(i)) add(demand, op.operands[i], 1);
  }
  if (check) checkUses(op, slots, demand);
}

void RefcountChecker::checkResult(const Value& op, Demand& demand, bool check) {
  if (!op.type.isReference() || isUncounted(op) || !demand) return;
  const auto found = demand->find(op.id);
  const int wanted = found == demand->end() ? 0 : found->second;
  const int made = op.ownership() == Ownership::Owned ? 1 : 0;
  if (check && wanted != made) {
    complain(*op.block, &op,
             "makes " + std::to_string(made) + " references, of which " + std::to_string(wanted) + " are given away");
  }
  demand->erase(op.id);
}

/// What leaving here hands over must be exactly what SSA holds.
void RefcountChecker::checkState(const Value& op, const SlotMap& slots, Demand& demand, bool check) {
  if (!op.state || op.op == Op::Release) return;
  Demand owned = std::map<uint32_t, int>();
  for (const Value* v : op.state->owned) add(owned, v, 1);
  if (!demand || op.op == Op::Exit) demand = owned;
  if (!check) return;
  if (*demand != *owned) complain(*op.block, &op, "owns " + describe(*demand) + " but lists " + describe(*owned));
  for (size_t slot = 0; slot < slots.size(); ++slot) {
    if (slots.isDirty(slot) != op.state->isDirty(slot)) {
      complain(*op.block, &op, "the state is wrong about slot " + std::to_string(slot) + " being dirty");
    }
    const Value* content = slots.content(slot);
    const Value* described = op.state->locals[slot];
    if (slots.isDirty(slot) || !content->type.isReference() || !described->type.isReference()) continue;
    if (!isSame(content, described)) {
      complain(*op.block, &op,
               "slot " + std::to_string(slot) + " holds " + nameOf(content) + ", not " + nameOf(described));
    }
  }
}

/// A plain store runs nothing: what it replaces has a DecRef of its own.
bool runsPython(const Value& op) {
  return op.effects() == Effects::Python && op.op != Op::StoreLocal;
}

/// True if `test` holds for all from where a value is made up to `op`, in the same block.
template <class Test>
bool holdsUntil(const Value* value, const Value& op, Test&& test) {
  if (value->block != op.block) return false;
  const std::vector<Value*>& ops = op.block->ops;
  const auto made = std::find(ops.begin(), ops.end(), value);
  return std::all_of(made, std::find(made, ops.end(), &op), test);
}

/// A watched dict holds what was found in it until Python code can run: only then does it take a reference.
bool isStillWatched(const Value* value, const Value& op) {
  return isWatchedConstant(*value) && !runsPython(op) &&
         holdsUntil(value, op, [](const Value* between) { return !runsPython(*between); });
}

/// What was taken out of a slot is held by that, whatever the slot's content is called, as long as nothing happens.
bool isJustLoaded(const Value* value, const Value& op) {
  return op.op == Op::IncRef && value->op == Op::LoadLocal && holdsUntil(value, op, [](const Value* between) {
           return between->op == Op::LoadLocal || between->op == Op::IncRef;
         });
}

/// Whatever an op looks at must be held by SSA or by a slot, and nobody may notice a debt.
void RefcountChecker::checkUses(const Value& op, const SlotMap& slots, const Demand& demand) {
  if (!demand) return;
  visitHeldUses(op, [&](const Value* v) {
    const auto found = demand->find(v->id);
    const bool held = found != demand->end() && found->second > 0;
    if (isStillWatched(v, op) || isJustLoaded(v, op)) return;
    if (isHeldBySsa(*v) && !held && !slots.supports(v)) complain(*op.block, &op, nameOf(v) + " is held by nobody");
  });
  const bool harmless = !op.state && (op.op == Op::IncRef || op.op == Op::StoreLocal || op.effects() == Effects::Pure ||
                                      isDeferral(op) || op.op == Op::LoadLocal);
  if (harmless) return;
  for (auto [id, count] : *demand) {
    if (count < 0) complain(*op.block, &op, "v" + std::to_string(id) + " has been given away too often");
  }
}

bool RefcountChecker::isSame(const Value* a, const Value* b) const {
  if (a == b) return true;
  if (a->type == types::Null && b->type == types::Null) return true;
  return a->op == Op::ConstObject && b->op == Op::ConstObject && a->imm == b->imm;
}

void RefcountChecker::checkEdges(const Block& block) {
  const Demand out = demandOut(block);
  for (size_t i = 0; i < block.successors.size(); ++i) {
    const Edge& edge = block.successors[i];
    const Demand demand = across(block, i);
    if (demand && *demand != *out) {
      complain(block, nullptr,
               "one way out gives away " + describe(*out) + ", the one to bb" + std::to_string(edge.target->id) + " " +
                   describe(*demand));
    }
    checkSlots(block, edge);
  }
}

void RefcountChecker::checkSlots(const Block& from, const Edge& edge) {
  const SlotMap& here = slots_[from.id].back();
  const SlotMap there(*edge.target);
  for (size_t slot = 0; slot < there.size(); ++slot) {
    const std::string where = "to bb" + std::to_string(edge.target->id) + ": slot " + std::to_string(slot);
    if (here.isDirty(slot) != there.isDirty(slot) && (hasMarkers_ || here.isDirty(slot))) {
      complain(from, nullptr, where + " is dirty on one side only");
    }
    if (there.isDirty(slot)) continue;
    const Value* expected = there.content(slot);
    if (expected->op == Op::Param && expected->block == edge.target)
      expected = edge.args[static_cast<size_t>(expected->imm)];
    const Value* actual = here.content(slot);
    if (!there.content(slot)->type.isReference()) continue;
    // A load in the block before it is another name for what the slot holds.
    const bool isItself =
        expected->op == Op::LoadLocal && expected->block == &from && expected->imm == static_cast<int64_t>(slot);
    if (!actual->type.isReference() || (!isSame(actual, expected) && !isItself)) {
      complain(from, nullptr, where + " holds " + nameOf(actual) + ", not " + nameOf(expected));
    }
  }
}

}  // namespace

std::optional<std::string> verifyRefcounts(const Function& function) {
  return RefcountChecker(function).run();
}

}  // namespace martlet::passes
