// SPDX-License-Identifier: MIT
// The balance of references at each op and edge: see refcount_plan.h and README.md.
#include "passes/refcount_plan.h"

#include <algorithm>
#include <map>
#include <string_view>

namespace martlet::passes {

using namespace hir;

namespace {

bool contains(const std::vector<Value*>& byId, const Value* value) {
  auto at = std::lower_bound(byId.begin(), byId.end(), value, [](auto* a, auto* b) { return a->id < b->id; });
  return at != byId.end() && *at == value;
}

void setMember(std::vector<Value*>& byId, Value* value, bool member) {
  auto at = std::lower_bound(byId.begin(), byId.end(), value, [](auto* a, auto* b) { return a->id < b->id; });
  const bool found = at != byId.end() && *at == value;
  if (member && !found) byId.insert(at, value);
  if (!member && found) byId.erase(at);
}

bool writesSlot(Op op) {
  return op == Op::StoreLocal || op == Op::SyncLocal || op == Op::SyncLocalIf || op == Op::DeferLocal ||
         op == Op::DeferLocalIf || op == Op::ConcatLocal;
}

int consumedReferences(const Value& op, const Value* value) {
  if (isUncounted(*value)) return 0;
  int count = 0;
  for (size_t i = 0; i < op.operands.size(); ++i) count += op.operands[i] == value && op.consumes(i);
  return count;
}

bool producesReference(const Value& op, const Value* value) {
  return &op == value && op.ownership() == Ownership::Owned && !isUncounted(op);
}

/// The operands of a call for which the interpreter's stack has a reference, and SSA has none. SSA holds a value once:
/// a second mention is borrowed from the first. What lives as long as the code is held by the code.
uint64_t borrowedOperands(const Value& op, std::vector<Value*> owned) {
  constexpr size_t kBits = 64;
  uint64_t borrowed = 0;
  if (op.op != Op::CallRuntime || op.helper == Helper::kCount) return 0;
  if (std::string_view(info(op.helper).params).find('B') == std::string_view::npos) return 0;
  for (size_t i = 0; i < std::min(op.operands.size(), kBits); ++i) {
    if (!isHeldBySsa(*op.operands[i])) continue;
    const auto held = std::find(owned.begin(), owned.end(), op.operands[i]);
    if (held == owned.end()) {
      borrowed |= uint64_t{1} << i;
    } else {
      owned.erase(held);
    }
  }
  return borrowed;
}

}  // namespace

RefcountPlan::RefcountPlan(Function& function)
    : liveness_(function), slotsAtStart_(slotsAtStart(function)), ops_(function.valueCount()) {
  for (const auto& block : function.blocks) planBlock(*block);
}

void RefcountPlan::planBlock(Block& block) {
  const std::vector<std::vector<Touched>> touched = touchedByOp(block);
  SlotMap slots = slotsAtStart_[block.id];
  Owned owned;
  for (Value* v : liveness_.liveIn(block)) {
    if (isHeldBySsa(*v) && !slots.supports(v)) owned.push_back(v);
  }
  for (size_t k = 0; k < block.ops.size(); ++k) planOp(*block.ops[k], touched[k], slots, owned);
  planEdges(block, owned);
}

/// The references whose liveness or support an op may change, and whether they are alive behind it.
std::vector<std::vector<RefcountPlan::Touched>> RefcountPlan::touchedByOp(Block& block) const {
  std::vector<std::vector<Touched>> touched(block.ops.size());
  SlotMap slots = slotsAtStart_[block.id];
  for (size_t k = 0; k < block.ops.size(); ++k) {
    auto add = [&list = touched[k]](Value* v) {
      if (!v->type.isReference()) return;
      if (std::any_of(list.begin(), list.end(), [v](const Touched& t) { return t.value == v; })) return;
      list.push_back({v, false});
    };
    Value& op = *block.ops[k];
    visitHeldUses(op, add);
    add(&op);
    if (writesSlot(op.op)) {
      add(slots.content(static_cast<size_t>(op.imm)));
      add(op.operands[0]);
    }
    slots.step(op);
  }
  ValueSet live = liveness_.liveOut(block);
  for (size_t k = block.ops.size(); k-- > 0;) {
    for (Touched& t : touched[k]) t.liveBehind = live.contains(*t.value);
    ReferenceLiveness::stepBackward(*block.ops[k], live);
  }
  return touched;
}

void RefcountPlan::planOp(Value& op, const std::vector<Touched>& touched, SlotMap& slots, Owned& owned) {
  OpCounts& counts = ops_[op.id];
  if (op.op == Op::BranchFailed) return;  // what dies here dies on the edges
  const Value* released = nullptr;        // by a plain store: the slot's reference becomes SSA's
  if (op.op == Op::StoreLocal) {
    const auto slot = static_cast<size_t>(op.imm);
    counts.replacesUnnamed = slots.isAnonymous(slot);
    counts.isNoOp = !counts.replacesUnnamed && slots.content(slot) == op.operands[0];
    if (!counts.replacesUnnamed && !isUncounted(*slots.content(slot))) released = slots.content(slot);
  }
  slots.step(op);
  counts.owned = owned;
  for (const Touched& t : touched) {
    Value* v = t.value;
    const int before = contains(owned, v);
    const int after = t.liveBehind && isHeldBySsa(*v) && !slots.supports(v);
    const int consumed = consumedReferences(op, v);
    const int gained = (v == released) + producesReference(op, v);
    const int missing = after + consumed - before - gained;
    auto& take = v == &op ? counts.takeAfter : counts.takeBefore;
    for (int i = 0; i < missing; ++i) take.push_back(v);
    // An Exit hands everything over; behind a helper that always fails nothing is executed.
    for (int i = 0; i < -missing && op.op != Op::Exit; ++i) counts.releaseAfter.push_back(v);
    setMember(owned, v, after != 0);
  }
  counts.owned.insert(counts.owned.end(), counts.takeBefore.begin(), counts.takeBefore.end());
  counts.borrowed = borrowedOperands(op, counts.owned);
}

void RefcountPlan::planEdges(Block& block, const Owned& owned) {
  for (size_t s = 0; s < block.successors.size(); ++s) {
    const Edge& edge = block.successors[s];
    if (edge.target->ops.front()->op == Op::Unreachable) continue;
    const SlotMap& slots = slotsAtStart_[edge.target->id];
    std::map<uint32_t, std::pair<Value*, int>> surplus;
    auto add = [&surplus](Value* v, int count) {
      auto& entry = surplus[v->id];
      entry.first = v;
      entry.second += count;
    };
    const bool hasFailed = block.terminator()->op == Op::BranchFailed && s == 0;
    for (Value* v : owned) {
      if (!hasFailed || v != block.terminator()->operands[0]) add(v, 1);
    }
    for (Value* v : liveness_.liveIn(*edge.target)) {
      if (!isHeldBySsa(*v) || slots.supports(v)) continue;
      const bool isParam = v->op == Op::Param && v->block == edge.target;
      Value* here = isParam ? edge.args[static_cast<size_t>(v->imm)] : v;
      if (!isUncounted(*here)) add(here, -1);
    }
    EdgeCounts counts{&block, s, {}, {}};
    for (auto& [id, entry] : surplus) {
      for (int i = 0; i < entry.second; ++i) counts.release.push_back(entry.first);
      for (int i = 0; i < -entry.second; ++i) counts.take.push_back(entry.first);
    }
    if (!counts.take.empty() || !counts.release.empty()) edges_.push_back(std::move(counts));
  }
}

}  // namespace martlet::passes
