// SPDX-License-Identifier: MIT
// The decisions of unbox-params: see number_params.h.
#include "passes/number_params.h"

#include <algorithm>

#include "passes/references.h"

namespace martlet::passes {

using namespace hir;

namespace {

/// `a = b = x + y`: two variables with one object would become two.
bool isSharedBox(const NumberParams::EdgeUse& edge, Op box) {
  const std::vector<Value*>& args = edge.from->successors[edge.successor].args;
  return edge.argument()->op == box && std::count(args.begin(), args.end(), edge.argument()) > 1;
}

}  // namespace

NumberParams::NumberParams(Function& function, const NumberKind& kind)
    : function_(function), kind_(kind), dominators_(function), loops_(function, dominators_) {
  collect();
  collectMentions();
  collectSeen();
  choose();
}

void NumberParams::collect() {
  uses_.resize(function_.valueCount());
  incoming_.resize(function_.valueCount());
  for (const auto& block : function_.blocks) {
    for (Value* op : block->ops) {
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
        uses_[edge.argument()->id].edges.push_back(edge);
        incoming_[edge.param()->id].push_back(edge);
      }
    }
  }
}

/// Which slot each parameter stands for, and who speaks of it as of anything else.
void NumberParams::collectMentions() {
  slot_.resize(function_.valueCount());
  for (const auto& block : function_.blocks) {
    if (!block->entry) continue;
    const std::vector<Value*>& locals = block->entry->locals;
    for (size_t slot = 0; slot < locals.size(); ++slot) {
      if (locals[slot]->op == Op::Param && locals[slot]->block == block.get() && !slot_[locals[slot]->id])
        slot_[locals[slot]->id] = slot;
    }
  }
  auto collectFrom = [this](Block* block, const FrameState& state, bool entry) {
    for (const Value* v : state.stack) {
      if (v->op == Op::Param) uses_[v->id].mentions.push_back({block, entry});
    }
    for (size_t slot = 0; slot < state.locals.size(); ++slot) {
      const Value* v = state.locals[slot];
      if (v->op == Op::Param && slot_[v->id] != slot) uses_[v->id].mentions.push_back({block, entry});
    }
  };
  for (const auto& block : function_.blocks) {
    if (block->entry) collectFrom(block.get(), *block->entry, true);
    for (const Value* op : block->ops) {
      if (op->state) collectFrom(block.get(), *op->state, false);
    }
  }
}

/// A slot that held nothing, or something else, when the code was asked for will do so where it is entered again.
void NumberParams::collectSeen() {
  seen_.resize(function_.valueCount());
  for (const auto& block : function_.blocks) {
    for (const Value* param : block->params) seen_[param->id] = param->type;
    for (const Value* op : block->ops) seen_[op->id] = op->type;
  }
  for (const Entry& entry : function_.entries) {
    for (const Value* op : entry.block->ops) {
      const auto slot = static_cast<size_t>(op->imm);
      if (op->op == Op::LoadLocal && slot < entry.seen.size()) seen_[op->id] = op->type & entry.seen[slot];
    }
  }
}

bool NumberParams::isConstant(const Value* value) const {
  if (value->op != Op::ConstObject) return false;
  const ObjectRef& object = function_.objects[static_cast<size_t>(value->imm)];
  if (object.type != kind_.object) return false;
  return kind_.machine == types::F64 || object.hasInt;
}

const Loop* NumberParams::loopOfHeader(const Value* param) const {
  const Loop* loop = loops_.loopOf(param->block);
  return loop != nullptr && loop->header == param->block ? loop : nullptr;
}

Value* NumberParams::unboxedBefore(const Value* object, const Block* block) const {
  for (Value* unbox : uses_[object->id].unboxes) {
    if (dominators_.dominates(unbox->block, block)) return unbox;
  }
  return nullptr;
}

Block* NumberParams::outermostBehind(const Loop& loop, Block* block) const {
  for (Block* above = dominators_.idom(block); above != nullptr && !loop.contains(above);) {
    block = above;
    above = dominators_.idom(block);
  }
  return block;
}

// ---- Always a number ------------------------------------------------------------------------------------------------

NumberParams::Argument NumberParams::classify(Value* argument, const EdgeUse& edge) const {
  if (argument->op == kind_.box || isNumber(argument) || isConstant(argument)) return Argument::Number;
  if (formOf(argument) == Form::OrSlot) return Argument::Unsuitable;
  if (!argument->type.isReference() || !seen_[argument->id].mayBe(kind_.object)) return Argument::Unsuitable;
  if (unboxedBefore(argument, edge.from) != nullptr) return Argument::Number;
  const Value* param = edge.param();
  const Loop* loop = loopOfHeader(param);
  if (loop == nullptr || loop->contains(edge.from) || !consumed_[param->id]) return Argument::Unsuitable;
  const bool isBlocked = function_.isBlocked(param->block->entry->offset | Function::kBlockLoopValues);
  return isBlocked ? Argument::Unsuitable : Argument::Guarded;
}

/// Objects may be needed behind the innermost loop around the parameter only, and there in places of which at most one
/// is passed: the variable must not turn into two different objects.
bool NumberParams::usesAreAcceptable(Value* param) const {
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
    if (isCandidate(edge.param())) continue;
    if (loop == nullptr || loop->contains(edge.target())) return false;
    add(loop->contains(edge.from) ? Place{edge.target(), true} : Place{outermostBehind(*loop, edge.from), false});
  }
  for (const Place& a : places) {
    for (const Place& b : places) {
      if (a != b && (a.first == b.first || reaches(a.first, b.first, loop->header))) return false;
    }
  }
  return true;
}

bool NumberParams::isAcceptable(Value* param) const {
  for (const EdgeUse& edge : incoming_[param->id]) {
    if (isSharedBox(edge, kind_.box)) return false;
    if (classify(edge.argument(), edge) == Argument::Unsuitable) return false;
  }
  return usesAreAcceptable(param);
}

// ---- A number, or what the slot holds -------------------------------------------------------------------------------

bool NumberParams::isSlotArgument(const EdgeUse& edge) const {
  const Value* argument = edge.argument();
  if (isSharedBox(edge, kind_.box)) return false;
  if (formOf(argument) == Form::OrSlot) return slot_[argument->id] == slot_[edge.param()->id];
  return argument->type.isReference();
}

/// True if the slot can be loaded at the block's start for all that wants the object behind the loop.
bool NumberParams::canLoadAt(const Value* param, const Block* block) const {
  const Loop* loop = loops_.loopOf(block);
  return (loop == nullptr || loop->contains(param->block)) && block->entry &&
         block->entry->locals[slotOf(param)] == param;
}

bool NumberParams::isSlotEdge(const Value* param, const EdgeUse& edge, const Loop* loop) const {
  if (isCandidate(edge.param())) return true;
  if (loop == nullptr || loop->contains(edge.target())) return false;
  if (!loop->contains(edge.from)) return canLoadAt(param, outermostBehind(*loop, edge.from));
  return edge.target()->entry && edge.target()->entry->locals[slotOf(param)] == edge.param();
}

/// What the loop looks at is no such parameter: nothing but frame states, and what hands it on.
bool NumberParams::isAcceptableSlot(Value* param) const {
  if (!slot_[param->id]) return false;
  const Loop* loop = loops_.loopOf(param->block);
  const Uses& uses = uses_[param->id];
  auto isBehind = [&](Block* block, bool needsLoad) {
    if (loop == nullptr || loop->contains(block)) return false;
    Block* place = outermostBehind(*loop, block);
    return canLoadAt(param, place) && (!needsLoad || place != block);
  };
  for (const auto* ops : {&uses.unboxes, &uses.stores, &uses.others, &uses.keys}) {
    if (!std::all_of(ops->begin(), ops->end(), [&](Value* use) { return isBehind(use->block, false); })) return false;
  }
  const bool mentionsFit = std::all_of(uses.mentions.begin(), uses.mentions.end(), [&](const Uses::Mention& mention) {
    return isBehind(mention.block, mention.entry);
  });
  return mentionsFit &&
         std::all_of(uses.edges.begin(), uses.edges.end(),
                     [&](const EdgeUse& edge) { return isSlotEdge(param, edge, loop); }) &&
         std::all_of(incoming_[param->id].begin(), incoming_[param->id].end(),
                     [&](const EdgeUse& edge) { return isSlotArgument(edge); });
}

// ---- The choice -----------------------------------------------------------------------------------------------------

namespace {

/// Marks parameters, and those that they lead to.
class Marking {
 public:
  explicit Marking(std::vector<bool>& marks, size_t values) : marks_(marks) { marks_.assign(values, false); }

  void mark(const Value* param) {
    if (marks_[param->id]) return;
    marks_[param->id] = true;
    pending_.push_back(param);
  }
  /// Calls `visit(const Value*)` once for each that is marked, by `visit` itself, too.
  template <class Visit>
  void spread(Visit&& visit) {
    while (!pending_.empty()) {
      const Value* param = pending_.back();
      pending_.pop_back();
      visit(param);
    }
  }

 private:
  std::vector<bool>& marks_;
  std::vector<const Value*> pending_;
};

}  // namespace

/// Evidence that a candidate is a number in practice: it is unboxed somewhere, or a box comes back. It holds for all
/// candidates that are connected by edges.
void NumberParams::spreadEvidence() {
  Marking marking(evidence_, function_.valueCount());
  auto mark = [&](const Value* value) {
    if (isCandidate(value)) marking.mark(value);
  };
  for (const auto& block : function_.blocks) {
    for (const Value* param : block->params) {
      if (isComputedWith(param)) mark(param);
      for (const EdgeUse& edge : incoming_[param->id]) {
        if (edge.argument()->op == kind_.box) mark(param);
      }
    }
  }
  marking.spread([&](const Value* param) {
    for (const EdgeUse& edge : incoming_[param->id]) mark(edge.argument());
    for (const EdgeUse& edge : uses_[param->id].edges) mark(edge.param());
  });
}

/// Which candidates receive a new number, directly or from one another.
void NumberParams::spreadFreshness() {
  Marking marking(fresh_, function_.valueCount());
  auto mark = [&](const Value* param) {
    if (isCandidate(param)) marking.mark(param);
  };
  for (const auto& block : function_.blocks) {
    for (const Edge& edge : block->successors) {
      for (size_t i = 0; i < edge.args.size(); ++i) {
        if (edge.args[i]->op == kind_.box) mark(edge.target->params[i]);
      }
    }
  }
  marking.spread([&](const Value* param) {
    for (const EdgeUse& edge : uses_[param->id].edges) mark(edge.param());
  });
}

/// Which numbers something computes with, be it under another name: worth a guess before a loop.
void NumberParams::spreadConsumption() {
  Marking marking(consumed_, function_.valueCount());
  auto mark = [&](const Value* value) {
    if (isNumber(value)) marking.mark(value);
  };
  for (const auto& block : function_.blocks) {
    for (const Value* param : block->params) {
      if (isComputedWith(param)) mark(param);
    }
  }
  marking.spread([&](const Value* param) {
    for (const EdgeUse& edge : incoming_[param->id]) mark(edge.argument());
  });
}

/// The largest set: all are taken for numbers, and fall back until nothing contradicts.
void NumberParams::choose() {
  form_.assign(function_.valueCount(), Form::None);
  for (const auto& block : function_.blocks) {
    for (const Value* param : block->params) {
      if (param->type.isReference() && param->type.mayBe(kind_.object) && block->entry) form_[param->id] = Form::Number;
    }
  }
  for (bool changed = true; changed;) {
    changed = false;
    spreadEvidence();
    spreadFreshness();
    spreadConsumption();
    for (const auto& block : function_.blocks) {
      for (Value* param : block->params) {
        Form& form = form_[param->id];
        const Form before = form;
        if (form == Form::Number && !(evidence_[param->id] && fresh_[param->id] && isAcceptable(param)))
          form = Form::OrSlot;
        if (form == Form::OrSlot && !(fresh_[param->id] && isAcceptableSlot(param))) form = Form::None;
        changed |= form != before;
      }
    }
  }
  for (const auto& block : function_.blocks) {
    for (Value* param : block->params) {
      if (isCandidate(param)) chosen_.push_back(param);
    }
  }
}

}  // namespace martlet::passes
