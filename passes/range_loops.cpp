// SPDX-License-Identifier: MIT
// The pass "range-loops": a loop over a range counts in registers, and its iterator is brought up to date where native
// code is left.
//
// Turn this: bbH(…): v1:I1 = RangeNext it; v2 = Output v1, 0; Branch v1 -> body, end      {stack=[…, it]} in the loop
// Into this: bbE: r = EnterRange it; start = RangeField r 0; left = RangeField r 1; step = RangeField r 2; -> bbH
//            bbH(r, next, left, step, …): v1 = left > 0; Branch v1 -> body, end           {stack=[…, RangeView r, …]}
//
// An iterator that is made for the loop only is not made at all:
//
// Turn this: it = NewRangeIter start, n, step; -> bbH(…): v1:I1 = RangeNext it …       {stack=[…, it]} in the loop
// Into this: -> bbH(start, n, …): …           {stack=[…, DeferredRange next, left, step]}, of which an exit makes it
//
// Nobody can look at the iterator meanwhile: the loop's entry checks that the operand stack has the only reference, and
// range iterators are not tracked by the garbage collector. The entry state of bbH names the iterator itself: that is
// true on the edges into the loop, for which guards are made with it.
#include <algorithm>

#include "lowering/hir/analysis.h"
#include "passes/pass_list.h"

namespace martlet::passes {

using namespace hir;

namespace {

class RangeLoop {
 public:
  RangeLoop(Function& function, const DominatorTree& dominators, Value* call)
      : function_(function), dominators_(dominators), call_(call), iterator_(call->operands[0]), header_(call->block) {}

  bool isSuitable();
  void rewrite();

 private:
  struct EdgeRef {
    Block* from;
    size_t successor;
  };

  bool inLoop(const Block* block) const { return block == header_ || dominators_.dominates(body_, block); }
  bool classifyEdges();
  bool usesAreKnown() const;
  bool isMadeForLoop() const;
  bool isKnownUse(const Value& op) const;
  bool isAmong(const std::vector<Value*>& values) const;
  void enter(const EdgeRef& entry);
  void rewriteHeader();
  void rewriteStates();
  Value* view(Value* next, Value* left);
  void removeIterator();

  Function& function_;
  const DominatorTree& dominators_;
  Value* call_;
  Value* iterator_;
  bool isDeferred_ = false;  ///< there is no iterator: exits make it
  Block* header_;
  Block* body_ = nullptr;
  std::vector<EdgeRef> entries_, backEdges_;
  Value *range_ = nullptr, *next_ = nullptr, *left_ = nullptr, *step_ = nullptr;  // the header's parameters
  Value *nextBehind_ = nullptr, *leftBehind_ = nullptr;
  Value *viewBefore_ = nullptr, *viewBehind_ = nullptr;
};

bool RangeLoop::isSuitable() {
  const Value* branch = header_->terminator();
  if (branch->op != Op::Branch || branch->operands[0] != call_ || !header_->entry) return false;
  body_ = header_->successors[0].target;
  if (body_ == header_ || body_ == header_->successors[1].target || body_->predecessors.size() != 1) return false;
  const bool isParam = iterator_->op == Op::Param && iterator_->block == header_;
  if (!isParam && iterator_->block == header_) return false;
  if (!classifyEdges() || !usesAreKnown()) return false;
  isDeferred_ = !isParam && isMadeForLoop();
  return true;
}

/// True if nothing needs the iterator as an object: on its way to the loop it is only on the operand stack.
bool RangeLoop::isMadeForLoop() const {
  if (!iterator_->calls(Helper::NewRangeIter)) return false;
  return std::all_of(function_.blocks.begin(), function_.blocks.end(), [this](const auto& block) {
    return inLoop(block.get()) ||
           std::all_of(block->ops.begin(), block->ops.end(), [this](const Value* op) { return isKnownUse(*op); });
  });
}

bool RangeLoop::classifyEdges() {
  const bool isParam = iterator_->block == header_;
  for (Block* from : header_->predecessors) {
    for (size_t s = 0; s < from->successors.size(); ++s) {
      const Edge& edge = from->successors[s];
      if (edge.target != header_) continue;
      const bool isBack = dominators_.dominates(body_, from);
      (isBack ? backEdges_ : entries_).push_back({from, s});
      if (isBack && isParam && edge.args[static_cast<size_t>(iterator_->imm)] != iterator_) return false;
    }
  }
  return !backEdges_.empty() && !entries_.empty();
}

bool RangeLoop::isAmong(const std::vector<Value*>& values) const {
  return std::find(values.begin(), values.end(), iterator_) != values.end();
}

/// True if the op leaves the iterator to operand stacks, but for those of the loop's head.
bool RangeLoop::isKnownUse(const Value& op) const {
  const bool isHeadersOwn = op.block == header_ && (&op == call_ || op.op == Op::GuardType);
  return (isHeadersOwn || !isAmong(op.operands)) && !(op.state && isAmong(op.state->locals));
}

/// In the loop the iterator is only an entry of operand stacks, and behind the loop it is gone.
bool RangeLoop::usesAreKnown() const {
  const bool isParam = iterator_->block == header_;
  for (const auto& block : function_.blocks) {
    const bool inside = inLoop(block.get());
    const bool isSource = !isParam && block.get() == iterator_->block;
    if (block->entry && isAmong(block->entry->locals)) return false;
    if (!inside && !isSource && block->entry && isAmong(block->entry->stack)) return false;
    for (const Value* op : block->ops) {
      if (inside && !isKnownUse(*op)) return false;
      if (!inside && !isSource && (isAmong(op->operands) || (op->state && isAmong(op->state->stack)))) return false;
    }
    for (const Edge& edge : block->successors) {
      for (size_t i = 0; i < edge.args.size(); ++i) {
        if (edge.args[i] != iterator_) continue;
        const bool isOwn = isParam && inside && edge.target == header_ && static_cast<int64_t>(i) == iterator_->imm;
        if (!isOwn) return false;
      }
    }
  }
  return true;
}

/// Checks the iterator on an edge into the loop, and takes its state.
void RangeLoop::enter(const EdgeRef& entry) {
  const bool isParam = iterator_->block == header_;
  if (isDeferred_) {
    const std::vector<Value*>& made = iterator_->operands;
    std::vector<Value*>& args = entry.from->successors[entry.successor].args;
    args.insert(args.end(), {made[0], made[1], made[2]});
    return;
  }
  const Edge& edge = entry.from->successors[entry.successor];
  Value* iterator = isParam ? edge.args[static_cast<size_t>(iterator_->imm)] : iterator_;
  Block* block = function_.splitEdge(entry.from, entry.successor);
  Value* end = block->terminator();
  Value* range = function_.insertNew(end, Op::EnterRange, types::RangeIter, {iterator});
  range->state = std::make_unique<FrameState>(*block->entry);
  range->state->stackAfterPop = static_cast<uint16_t>(range->state->stack.size());
  std::vector<Value*>& args = block->successors[0].args;
  args.push_back(range);
  for (int64_t field = 0; field < 3; ++field)
    args.push_back(function_.insertNew(end, Op::RangeField, types::I64, {range}, field));
}

void RangeLoop::rewriteHeader() {
  Value* zero = function_.insertNew(call_, Op::ConstInt, types::I64, {}, 0);
  Value* minusOne = function_.insertNew(call_, Op::ConstInt, types::I64, {}, -1);
  Value* hasItem = function_.insertNew(call_, Op::IntCompare, types::I1, {left_, zero}, comparison::kGreater);
  // The interpreter makes only iterators for which the number behind the last one fits.
  nextBehind_ = function_.insertNew(call_, Op::IntStep, types::I64, {next_, step_}, 0);
  leftBehind_ = function_.insertNew(call_, Op::IntStep, types::I64, {left_, minusOne}, 0);
  viewBehind_ = view(nextBehind_, leftBehind_);
  function_.insertBefore(call_, viewBehind_);
  std::vector<Value*> replacements(function_.valueCount(), nullptr);
  const std::vector<Value*> ops = header_->ops;
  for (Value* op : ops) {
    if (op->op == Op::Output && op->operands[0] == call_) {
      replacements[op->id] = next_;
      function_.remove(op);
    } else if (op->op == Op::GuardType && isAmong(op->operands)) {
      function_.remove(op);
    }
  }
  replacements[call_->id] = hasItem;
  function_.remove(call_);
  function_.replaceUses(replacements);
}

/// The iterator as an exit has to leave it.
Value* RangeLoop::view(Value* next, Value* left) {
  if (isDeferred_) return function_.newValue(Op::DeferredRange, types::RangeIter, {next, left, step_});
  return function_.newValue(Op::RangeView, types::RangeIter, {range_, next, left});
}

/// The iterator's place is taken by what it would be made of: on the operand stack, on the way to the loop.
void RangeLoop::removeIterator() {
  Value* initial = function_.insertNew(iterator_, Op::DeferredRange, types::RangeIter, iterator_->operands);
  function_.replaceUses(iterator_, initial);
  function_.remove(iterator_);
}

void RangeLoop::rewriteStates() {
  viewBefore_ = view(next_, left_);
  function_.insertBefore(header_->ops.front(), viewBefore_);
  for (const auto& block : function_.blocks) {
    if (!inLoop(block.get())) continue;
    Value* const view = block.get() == header_ ? viewBefore_ : viewBehind_;
    auto replace = [this](std::vector<Value*>& stack, Value* by) {
      std::replace(stack.begin(), stack.end(), iterator_, by);
    };
    Value* const atEntry = block.get() != header_ ? view : isDeferred_ ? iterator_ : range_;
    if (block->entry) replace(block->entry->stack, atEntry);
    for (Value* op : block->ops) {
      if (op->state) replace(op->state->stack, view);
    }
  }
}

void RangeLoop::rewrite() {
  for (const EdgeRef& edge : entries_) enter(edge);  // with the states as they are
  if (!isDeferred_) range_ = function_.newParam(header_, types::RangeIter);
  next_ = function_.newParam(header_, types::I64);
  left_ = function_.newParam(header_, types::I64);
  step_ = function_.newParam(header_, types::I64);
  rewriteHeader();
  rewriteStates();
  for (const EdgeRef& edge : backEdges_) {
    std::vector<Value*>& args = edge.from->successors[edge.successor].args;
    if (!isDeferred_) args.push_back(range_);
    args.insert(args.end(), {nextBehind_, leftBehind_, step_});
  }
  if (isDeferred_) removeIterator();
  if (iterator_->block == header_) function_.removeParam(header_, static_cast<size_t>(iterator_->imm));
}

}  // namespace

bool unboxRangeLoops(Function& function) {
  function.recomputePredecessors();
  std::vector<Value*> calls;
  for (const auto& block : function.blocks) {
    for (Value* op : block->ops) {
      if (op->calls(Helper::RangeNext)) calls.push_back(op);
    }
  }
  bool changed = false;
  for (Value* call : calls) {
    const DominatorTree dominators(function);
    RangeLoop loop(function, dominators, call);
    if (!loop.isSuitable()) continue;
    loop.rewrite();
    function.recomputePredecessors();
    changed = true;
  }
  return changed;
}

}  // namespace martlet::passes
