// SPDX-License-Identifier: MIT
// The pass "borrow-items": an item of a list or tuple that is used up before anything could take it out of there needs
// no reference of its own.
//
// Turn this: v1:Float = ListItem v0, i         Into this: v1:Float = ListItem v0, i imm=1
//            v2:F64 = UnboxFloat v1                       v2:F64 = UnboxFloat v1
//
// An exit in between is no problem: the vm takes references of what it finds borrowed on the operand stack. What ends
// the loan is an op with an effect, or a release of an object whose destructor may run code; who releases what depends
// on the loans, so that the pass starts with all of them and takes back what does not hold, until all do.
#include <algorithm>

#include "passes/pass_list.h"
#include "passes/refcount_plan.h"

namespace martlet::passes {

using namespace hir;

namespace {

/// In practice the second round finds nothing any more.
constexpr int kMaxRounds = 4;

struct Loan {
  Value* item;
  size_t from, last;  ///< positions in the block: the item, and its last use
};

/// True if no object that somebody else holds can lose a reference by the op itself.
bool keepsItems(const Value& op) {
  switch (op.op) {
  case Op::BoxInt:
  case Op::BoxFloat:
  case Op::ArrayStoreFloat:
  case Op::ArrayStoreInt:
  case Op::DeferLocal:
  case Op::ListNext:
  case Op::TupleNext:
  case Op::StoreLocal: return true;  // what it replaces is among the plan's releases
  case Op::CallRuntime: return op.calls(Helper::RangeNext) || op.effects() <= Effects::Reads;
  default: return op.effects() <= Effects::Reads || op.isTerminator();
  }
}

/// True if the op's exit comes before its effect, and it keeps what it consumes alive by itself.
bool mayEndLoan(const Value& op) {
  return keepsItems(op) || op.op == Op::ListStore || op.op == Op::ListStoreFloat;
}

class ItemBorrower {
 public:
  explicit ItemBorrower(Function& function) : function_(function) {}

  bool run() {
    collect();
    for (int round = 0; !loans_.empty(); ++round) {
      for (const Loan& loan : loans_) loan.item->imm |= kBorrowedItem;
      const RefcountPlan plan(function_);
      const size_t before = loans_.size();
      std::erase_if(loans_, [&](const Loan& loan) {
        if (round < kMaxRounds && holds(loan, plan)) return false;
        loan.item->imm &= ~kBorrowedItem;
        return true;
      });
      if (loans_.size() == before) return true;
    }
    return false;
  }

 private:
  void collect();
  bool holds(const Loan& loan, const RefcountPlan& plan) const;
  static bool isHarmless(const Value& op, const RefcountPlan& plan);

  Function& function_;
  std::vector<Loan> loans_;
};

/// Items that are used in their own block only.
void ItemBorrower::collect() {
  std::vector<bool> escapes(function_.valueCount(), false);
  std::vector<size_t> last(function_.valueCount(), 0);
  bool any = false;
  for (const auto& block : function_.blocks) {
    for (size_t k = 0; k < block->ops.size(); ++k) {
      any |= block->ops[k]->isItem();
      visitHeldUses(*block->ops[k], [&](const Value* v) {
        if (v->block == block.get())
          last[v->id] = k;
        else
          escapes[v->id] = true;
      });
    }
    for (const Edge& edge : block->successors) {
      for (const Value* v : edge.args) escapes[v->id] = true;
    }
  }
  if (!any) return;
  for (const auto& block : function_.blocks) {
    for (size_t k = 0; k < block->ops.size(); ++k) {
      Value* op = block->ops[k];
      if (op->isItem() && !escapes[op->id] && last[op->id] > k) loans_.push_back({op, k, last[op->id]});
    }
  }
}

/// Releases behind an op count as part of it.
bool ItemBorrower::isHarmless(const Value& op, const RefcountPlan& plan) {
  if (!keepsItems(op)) return false;
  const auto& released = plan.at(op).releaseAfter;
  return std::all_of(released.begin(), released.end(), [](const Value* v) { return isQuietlyReleased(v->type); });
}

bool ItemBorrower::holds(const Loan& loan, const RefcountPlan& plan) const {
  const std::vector<Value*>& ops = loan.item->block->ops;
  for (size_t k = loan.from; k < loan.last; ++k) {
    if (!isHarmless(*ops[k], plan)) return false;
  }
  return mayEndLoan(*ops[loan.last]);
}

}  // namespace

bool borrowItems(Function& function) {
  function.recomputePredecessors();
  return ItemBorrower(function).run();
}

}  // namespace martlet::passes
