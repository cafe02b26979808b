// SPDX-License-Identifier: MIT
// Jumps, iteration and return. Must not know: Python.h, LLVM.
#include <utility>

#include "lowering/frontend/translator.h"

namespace martlet::frontend {

void Translator::lowerControl() {
  switch (ins_->op) {
  case BytecodeOp::Resume: return;  // vm has looked at pending events where the interpreter does
  case BytecodeOp::JumpForward:
  case BytecodeOp::JumpBackwardNoInterrupt: return endWithJump(static_cast<uint32_t>(flow_.find(ins_->target)));
  case BytecodeOp::JumpBackward:
    emit(Op::Safepoint, types::kNothing);
    return endWithJump(static_cast<uint32_t>(flow_.find(ins_->target)));
  case BytecodeOp::PopJumpIfTrue: return popJump(is(pop(), snapshot_.trueObject), true);
  case BytecodeOp::PopJumpIfFalse: return popJump(is(pop(), snapshot_.trueObject), false);
  case BytecodeOp::PopJumpIfNone: return popJump(is(pop(), snapshot_.noneObject), true);
  case BytecodeOp::PopJumpIfNotNone: return popJump(is(pop(), snapshot_.noneObject), false);
  case BytecodeOp::GetIter: {
    Value* iterable = pop();
    if (iterable->type == types::RangeIter) {
      push(iterable);
    } else if (!getIterQuietly(iterable)) {
      push(call(Helper::GetIter, {iterable}));
    }
    iterated_ = {stack_.empty() ? nullptr : stack_.back(), iterable};
    return;
  }
  case BytecodeOp::ForIter: return forIter();
  case BytecodeOp::ReturnValue: return endWithReturn(pop());
  case BytecodeOp::ReturnConst: return endWithReturn(constArgument());
  default: return fail(BailoutReason::UnsupportedOpcode, name(ins_->op));
  }
}

/// An iterator of a built-in container. What it is of is seen from the loop behind it, or from where it is made.
bool Translator::getIterQuietly(Value* iterable) {
  if (failure_ || !speculates()) return false;
  const bool more = next_ < snapshot_.instructions.size() && snapshot_.instructions[next_].op == BytecodeOp::ForIter;
  const Special loop = more ? snapshot_.instructions[next_].special : Special::None;
  const auto callee = snapshot_.callees.find(next_);
  const bool isConsumed = callee != snapshot_.callees.end() && callee->second.body->isGenerator;
  const bool isMade = iterable->calls(Helper::CallQuiet);
  const bool isKnown = isConsumed || loop == Special::ForIterList || loop == Special::ForIterTuple ||
                       loop == Special::ForIterRange || loop == Special::ForIterQuiet || isMade;
  if (!isKnown || !iterable->type.mayBe(types::kObject.without(types::kNumber | types::None))) return false;
  Value* iterator = call(Helper::GetIterQuiet, {iterable});
  push(orElse(isNotNull(iterator), iterator, isMade || iterable->type.isSubtypeOf(types::kContainer),
              [&] { return call(Helper::GetIter, {iterable}); }));
  return true;
}

void Translator::popJump(Value* condition, bool jumpIfTrue) {
  Edge target = edgeToOffset(ins_->target);
  Edge next = edgeTo(next_);
  if (jumpIfTrue) {
    endWithBranch(condition, std::move(target), std::move(next));
  } else {
    endWithBranch(condition, std::move(next), std::move(target));
  }
}

/// Over a list or a tuple. The iterator lets its container go when it is exhausted: a call does that.
bool Translator::forSequence() {
  const bool isList = ins_->special == Special::ForIterList;
  const hir::Type type = isList ? types::ListIter : types::TupleIter;
  Value* iterator = peek(1);
  if (!speculates() || (!isList && ins_->special != Special::ForIterTuple) || !iterator->type.mayBe(type)) return false;
  guardType(iterator, type);
  Value* hasNext = emit(Op::HasNext, types::I1, {iterator}, isList ? 0 : 1);
  Block* body = newInnerBlock();
  Block* end = newInnerBlock();
  endWithBranch(hasNext, {body, {}}, {end, {}});
  switchTo(end);
  // Nobody else has a loop's own iterator.
  if (inlined_ == nullptr) {
    Value* result = call(isList ? Helper::ForIterList : Helper::ForIterTuple, {iterator}, {}, 1);
    output(result, 0, types::kNullable);
  }
  pop();
  endWithJump(static_cast<uint32_t>(flow_.find(ins_->target)));
  switchTo(body);
  push(iterator);
  push(emit(isList ? Op::ListNext : Op::TupleNext, types::kObject, {iterator}));
  return true;
}

/// Over a built-in iterator that is no sequence's. Where it is exhausted, it lets go what it is over: a call does that.
bool Translator::forQuietly() {
  Value* iterator = peek(1);
  const bool mayBe = iterator->type.mayBe(types::OtherObject);
  if (!speculates() || !mayBe) return false;
  if (ins_->special == Special::None && snapshot_.siteCaches != nullptr) {
    Value* unlearned = call(Helper::IteratorUnlearned, {iterator}, {ins_->site});
    emit(Op::GuardTrue, types::kNothing, {unlearned})->reason = hir::ExitReason::Learned;
  }
  if (ins_->special != Special::ForIterQuiet) return false;
  Value* result = call(Helper::ForIterQuiet, {iterator}, {}, 1);
  Value* item = output(result, 0, types::kNullable);
  Block* body = newInnerBlock();
  Block* end = newInnerBlock();
  endWithBranch(isNonZero(result), {body, {}}, {end, {}});
  switchTo(end);
  if (inlined_ == nullptr) output(call(Helper::ForIter, {iterator}, {}, 1), 0, types::kNullable);
  pop();
  endWithJump(static_cast<uint32_t>(flow_.find(ins_->target)));
  switchTo(body);
  push(iterator);
  push(item);
  return true;
}

/// The body begins with a block of its own here: a range's item is boxed only where there is one.
void Translator::forIter() {
  Value* iterator = peek(1);
  if (failure_) return;
  if (forSequence() || forQuietly()) return;
  const bool isRange = ins_->special == Special::ForIterRange && speculates() && iterator->type.mayBe(types::RangeIter);
  Value* item = nullptr;
  Value* hasItem = nullptr;
  if (isRange) {
    guardType(iterator, types::RangeIter);
    hasItem = call(Helper::RangeNext, {iterator});
    item = output(hasItem, 0, types::I64);
  } else {
    const Helper helper = ins_->special == Special::ForIterList    ? Helper::ForIterList
                          : ins_->special == Special::ForIterTuple ? Helper::ForIterTuple
                          : ins_->special == Special::ForIterRange ? Helper::ForIterRange
                                                                   : Helper::ForIter;
    Value* result = call(helper, {iterator}, {}, 1);
    item = output(result, 0, types::kNullable);  // NULL where the iterator is exhausted
    hasItem = isNonZero(result);
  }
  Block* body = newInnerBlock();
  pop();
  Edge exhausted = edgeToOffset(ins_->target);
  push(iterator);
  endWithBranch(hasItem, {body, {}}, std::move(exhausted));
  switchTo(body);
  push(isRange ? boxInt(item) : item);
}

}  // namespace martlet::frontend
