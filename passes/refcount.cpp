// SPDX-License-Identifier: MIT
// The pass "refcount": carries out the RefcountPlan. Last of the passes that change anything.
#include <algorithm>

#include "passes/pass_list.h"
#include "passes/refcount_plan.h"

namespace martlet::passes {

using namespace hir;

namespace {

/// Puts each Output right behind its call, and makes the ones that nobody asked for: their references are released.
void gatherOutputs(Function& function) {
  std::vector<std::vector<Value*>> outputs(function.valueCount());
  for (const auto& block : function.blocks) {
    for (Value* op : block->ops) {
      if (op->op == Op::Output) outputs[op->operands[0]->id].push_back(op);
    }
    std::erase_if(block->ops, [](const Value* op) { return op->op == Op::Output; });
  }
  for (const auto& block : function.blocks) {
    const std::vector<Value*> ops = std::move(block->ops);
    block->ops.clear();
    for (Value* op : ops) {
      block->ops.push_back(op);
      if (op->op != Op::CallRuntime) continue;
      std::vector<Value*>& own = outputs[op->id];
      for (size_t i = 0; i < op->outputCount(); ++i) {
        const bool present =
            std::any_of(own.begin(), own.end(), [i](auto* o) { return o->imm == static_cast<int64_t>(i); });
        if (present || !op->outputType(i).isReference()) continue;
        own.push_back(function.newValue(Op::Output, op->outputType(i), {op}, static_cast<int64_t>(i)));
      }
      std::sort(own.begin(), own.end(), [](auto* a, auto* b) { return a->imm < b->imm; });
      for (Value* output : own) {
        output->block = block.get();
        block->ops.push_back(output);
      }
    }
  }
}

class RefcountInserter {
 public:
  explicit RefcountInserter(Function& function) : function_(function), plan_(function) {}

  void run() {
    const size_t blockCount = function_.blocks.size();
    for (size_t i = 0; i < blockCount; ++i) rewriteBlock(*function_.blocks[i]);
    for (const EdgeCounts& edge : plan_.edges()) insertOnEdge(edge);
    for (const auto& block : function_.blocks) cancelPairs(*block);
    function_.recomputePredecessors();
  }

 private:
  void put(std::vector<Value*>& ops, Block& block, Op op, const std::vector<Value*>& values) {
    for (Value* v : values) {
      Value* count = function_.newValue(op, types::kNothing, {v});
      count->block = &block;
      ops.push_back(count);
    }
  }

  void rewriteBlock(Block& block) {
    const std::vector<Value*> ops = std::move(block.ops);
    block.ops.clear();
    std::vector<Value*> releases;  // kept back behind the outputs of a call
    for (size_t k = 0; k < ops.size(); ++k) {
      Value& op = *ops[k];
      const OpCounts& counts = plan_.at(op);
      put(block.ops, block, Op::IncRef, counts.takeBefore);
      if (op.state) {
        op.state->owned = counts.owned;
        dropConsumed(op);
      }
      op.borrowed = counts.borrowed;
      if (counts.isNoOp) {
        op.block = nullptr;
      } else {
        // Turn this: StoreLocal on a slot whose old content only memory knows. Into this: SyncLocal.
        if (counts.replacesUnnamed) op.op = Op::SyncLocal;
        block.ops.push_back(&op);
      }
      put(block.ops, block, Op::IncRef, counts.takeAfter);
      releases.insert(releases.end(), counts.releaseAfter.begin(), counts.releaseAfter.end());
      const Op next = k + 1 < ops.size() ? ops[k + 1]->op : Op::kCount;
      // The outputs of a call and the loads of an entry stay together.
      if (next == Op::Output || next == Op::LoadStack || next == Op::LoadLocal || next == Op::ConstNull) continue;
      if (next != Op::Unreachable) put(block.ops, block, Op::DecRef, releases);
      releases.clear();
    }
  }

  /// Operands that a call consumes in any case are gone when it is left: the state is cut down to what is left of it.
  static void dropConsumed(Value& op) {
    FrameState& state = *op.state;
    for (size_t i = 0; i < op.operands.size(); ++i) {
      if (!op.consumesAlways(i)) continue;
      const auto held = std::find(state.owned.begin(), state.owned.end(), op.operands[i]);
      if (held != state.owned.end()) state.owned.erase(held);
    }
    hir::dropConsumed(state, op);
  }

  /// On an edge references are taken before any is released: two SSA values may name one object.
  void insertOnEdge(const EdgeCounts& edge) {
    Block* from = edge.from;
    Block* target = from->successors[edge.successor].target;
    const bool isEntry = std::any_of(function_.entries.begin(), function_.entries.end(),
                                     [target](const Entry& e) { return e.block == target; });
    std::vector<Value*> counts;
    if (from->terminator()->op == Op::BranchFailed && edge.successor == 0) return insertBehindCatch(*target, edge);
    if (from->successors.size() == 1 || target->predecessors.size() > 1 || isEntry || sharesTarget(*from)) {
      Block* at = from->successors.size() == 1 ? from : function_.splitEdge(from, edge.successor);
      put(counts, *at, Op::IncRef, edge.take);
      put(counts, *at, Op::DecRef, edge.release);
      at->ops.insert(at->ops.end() - 1, counts.begin(), counts.end());
    } else {
      put(counts, *target, Op::IncRef, edge.take);
      put(counts, *target, Op::DecRef, edge.release);
      target->ops.insert(target->ops.begin(), counts.begin(), counts.end());
    }
  }

  /// Nothing may run before the exception has been caught.
  void insertBehindCatch(Block& block, const EdgeCounts& edge) {
    std::vector<Value*> counts;
    Value* caught = catchOf(block);
    std::vector<Value*>& owned = caught->state->owned;
    owned.insert(owned.end(), edge.release.begin(), edge.release.end());
    put(counts, block, Op::DecRef, edge.release);
    block.ops.insert(std::find(block.ops.begin(), block.ops.end(), caught) + 1, counts.begin(), counts.end());
    counts.clear();
    put(counts, block, Op::IncRef, edge.take);
    block.ops.insert(block.ops.begin(), counts.begin(), counts.end());
  }

  static bool sharesTarget(const Block& from) {
    for (size_t i = 0; i < from.successors.size(); ++i) {
      for (size_t j = 0; j < i; ++j) {
        if (from.successors[i].target == from.successors[j].target) return true;
      }
    }
    return false;
  }

  /// Turn this: IncRef v; …; DecRef v. Into this: …
  /// Sound where nothing in between releases anything, leaves native code, or looks at a count: v was alive before by
  /// some other reference, which is still there.
  static void cancelPairs(Block& block) {
    for (size_t i = 0; i < block.ops.size(); ++i) {
      if (block.ops[i]->op != Op::IncRef) continue;
      size_t k = i + 1;
      while (k < block.ops.size() && isHarmless(*block.ops[k])) ++k;
      // The releases that follow each other may be carried out in any order as far as the first one is concerned.
      if (k == block.ops.size() || block.ops[k]->op != Op::DecRef) continue;
      if (block.ops[k]->operands[0] != block.ops[i]->operands[0]) continue;
      block.ops[k]->block = block.ops[i]->block = nullptr;
      block.ops.erase(block.ops.begin() + static_cast<ptrdiff_t>(k));
      block.ops.erase(block.ops.begin() + static_cast<ptrdiff_t>(i));
      --i;
    }
  }

  static bool isHarmless(const Value& op) {
    if (op.state) return false;
    switch (op.op) {
    case Op::IncRef:
    case Op::StoreLocal:
    case Op::DeferLocal:
    case Op::DeferLocalIf:
    case Op::Output:
    case Op::LoadLocal: return true;
    default: return op.effects() == Effects::Pure && !op.canExit();
    }
  }

  Function& function_;
  RefcountPlan plan_;
};

}  // namespace

bool insertRefcounts(Function& function) {
  function.recomputePredecessors();
  gatherOutputs(function);
  RefcountInserter(function).run();
  return true;
}

bool stripMarkers(Function& function) {
  size_t removed = 0;
  for (const auto& block : function.blocks) {
    removed += std::erase_if(block->ops, [](Value* op) {
      if (!isDeferral(*op)) return false;
      op->block = nullptr;
      return true;
    });
  }
  return removed != 0;
}

}  // namespace martlet::passes
