// SPDX-License-Identifier: MIT
// The pass "slice-copies": `a[i:j] = b[k:l:m]` without a list in between, where both are lists and nothing runs code.
//
// Turn this: v = SubscrSlice(b, k, l, m); …; StoreSlice(a, i, j, v)
// Into this: …; Branch CopySlice(a, i, j, b, k, l, m) -> after, general
//            general: v = SubscrSlice(b, k, l, m); StoreSlice(a, i, j, v); Jump -> after
//
// In between there are only pure ops and boxes. Their exits move in front of the first slice: the interpreter begins
// there again, nothing was done yet. They keep their own offset, by which failed assumptions are counted.
#include <algorithm>

#include "passes/pass_list.h"
#include "passes/references.h"

namespace martlet::passes {

using namespace hir;

namespace {

struct SliceCopy {
  Value* load;
  Value* store;
};

class SliceCopier {
 public:
  explicit SliceCopier(Function& function) : function_(function) {}

  bool run() {
    const std::vector<SliceCopy> copies = find();
    // The last one of a block first: the others stay where they are.
    for (auto copy = copies.rbegin(); copy != copies.rend(); ++copy) rewrite(*copy);
    if (!copies.empty()) function_.recomputePredecessors();
    return !copies.empty();
  }

 private:
  std::vector<SliceCopy> find() const;
  void rewrite(const SliceCopy& copy);
  Block* blockAfter(Value& store);

  Function& function_;
};

/// Counts the operands and arguments that are the value; mentions in states need none.
std::vector<int> countUses(const Function& function) {
  std::vector<int> uses(function.valueCount(), 0);
  for (const auto& block : function.blocks) {
    for (const Value* op : block->ops) {
      for (const Value* operand : op->operands) ++uses[operand->id];
    }
    for (const Edge& edge : block->successors) {
      for (const Value* argument : edge.args) ++uses[argument->id];
    }
  }
  return uses;
}

/// Copies do not overlap: what is between load and store is pure.
std::vector<SliceCopy> SliceCopier::find() const {
  std::vector<SliceCopy> copies;
  const std::vector<int> uses = countUses(function_);
  for (const auto& block : function_.blocks) {
    Value* load = nullptr;
    for (Value* op : block->ops) {
      if (op->calls(Helper::SubscrSlice) || op->calls(Helper::BinarySlice)) {
        load = op;
      } else if (load != nullptr && op->calls(Helper::StoreSlice)) {
        if (op->operands[3] == load && uses[load->id] == 1 && !op->isCaught()) copies.push_back({load, op});
        load = nullptr;
      } else if (op->effects() != Effects::Pure && !isBox(*op)) {
        load = nullptr;
      }
    }
  }
  return copies;
}

/// Cuts the block behind the store.
Block* SliceCopier::blockAfter(Value& store) {
  Block* block = store.block;
  Block* after = function_.newBlock();
  after->entry = std::make_unique<FrameState>(*store.state);
  FrameState& entry = *after->entry;
  entry.stack.resize(entry.stackAfterPop);
  entry.offset = entry.resumeOffset = store.state->nextOffset;
  entry.nextOffset = entry.offset + 1;
  entry.completion = Completion::None;
  const auto end = std::find(block->ops.begin(), block->ops.end(), &store) + 1;
  const std::vector<Value*> moved(end, block->ops.end());
  block->ops.erase(end, block->ops.end());
  for (Value* op : moved) {
    op->block = nullptr;
    function_.append(after, op);
  }
  after->successors = std::move(block->successors);
  block->successors.clear();
  return after;
}

void SliceCopier::rewrite(const SliceCopy& copy) {
  Value *load = copy.load, *store = copy.store;
  Block* block = store->block;
  Block* after = blockAfter(*store);
  Block* general = function_.newBlock();
  general->entry = std::make_unique<FrameState>(*load->state);
  general->entry->completion = Completion::None;
  for (auto op = std::find(block->ops.begin(), block->ops.end(), load); op != block->ops.end(); ++op) {
    if (!(*op)->state || *op == load || *op == store) continue;
    const uint32_t offset = (*op)->state->offset;
    *(*op)->state = *load->state;
    (*op)->state->offset = offset;
    (*op)->state->nextOffset = offset + 1;
    (*op)->state->completion = Completion::None;
  }
  std::vector<Value*> operands(store->operands.begin(), store->operands.begin() + 3);
  operands.insert(operands.end(), load->operands.begin(), load->operands.end());
  function_.remove(load);
  function_.remove(store);
  if (operands.size() < 7) {
    Value* step = function_.newValue(Op::ConstNull, types::Null);
    function_.append(block, step);
    operands.push_back(step);
  }
  Value* copied = function_.newCall(Helper::CopySlice, std::move(operands));
  function_.append(block, copied);
  function_.append(block, function_.newValue(Op::Branch, types::kNothing, {copied}));
  block->successors = {{after, {}}, {general, {}}};
  function_.append(general, load);
  function_.append(general, store);
  function_.append(general, function_.newValue(Op::Jump, types::kNothing));
  general->successors = {{after, {}}};
}

}  // namespace

bool copySlices(Function& function) {
  return SliceCopier(function).run();
}

}  // namespace martlet::passes
