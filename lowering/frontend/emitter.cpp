// SPDX-License-Identifier: MIT
// The emitter half of the translator: ops, constants, the symbolic stack, blocks and edges. Must not know: what a
// bytecode instruction does.
#include <utility>

#include "lowering/frontend/translator.h"
#include "vm/runtime/parking.h"

namespace martlet::frontend {

using hir::FrameState;

std::unique_ptr<FrameState> Translator::makeState() const {
  if (inlined_ != nullptr) {
    auto outer = std::make_unique<FrameState>(inlined_->state);
    outer->inlinedCode = snapshot_.version;
    outer->inlinedOffset = ins_->offset;
    return outer;
  }
  auto state = std::make_unique<FrameState>();
  state->offset = ins_->offset;
  state->resumeOffset = ins_->resumeOffset;
  state->nextOffset = ins_->nextOffset;
  state->stackAfterPop = static_cast<uint16_t>(stack_.size());
  state->locals = locals_;
  state->stack = before_;
  return state;
}

Value* Translator::emit(Op op, hir::Type type, Values operands, int64_t imm) {
  Value* value = function_.newValue(op, type, std::move(operands), imm);
  if (inlined_ != nullptr) checkInlined(*value);
  if (value->canExit() && op != Op::CallRuntime) value->state = makeState();
  value->keepsType = value->isItem() && snapshot_.blocked.contains(ins_->offset | hir::Function::kBlockItemTypes);
  function_.append(block_, value);
  return value;
}

Value* Translator::call(Helper helper, Values operands, std::vector<int64_t> imms, uint16_t outputs) {
  Value* value = function_.newCall(helper, std::move(operands), std::move(imms));
  value->outputs = outputs;
  if (inlined_ != nullptr) checkInlined(*value);
  if (value->canExit()) {
    value->state = makeState();
    if (inlined_ == nullptr) value->state->completion = completionOf(helper);
  }
  function_.append(block_, value);
  if (isCaughtHere(*value)) catchFailure(value);
  return value;
}

/// Where nothing but a lack of memory can go wrong a way to the handler does not pay.
bool Translator::isCaughtHere(const Value& call) const {
  if (inlined_ != nullptr || ins_ == nullptr || flow_.handlers[index_] < 0) return false;
  if (!call.canExit() || call.outputCount() != 0) return false;
  switch (call.helper) {
  case Helper::CallQuiet:
  case Helper::DictPopQuiet:
  case Helper::ListPop:
  case Helper::StrItem: return true;
  default: return call.effects() == hir::Effects::Python;
  }
}

/// What the interpreter does with an exception that a handler of the same function takes.
void Translator::catchFailure(Value* call) {
  const Handler& handler = snapshot_.handlers[static_cast<size_t>(flow_.handlers[index_])];
  if (!need(handler.depth) || handler.depth > before_.size()) {
    return fail(BailoutReason::MalformedBytecode, "a handler is deeper than the stack");
  }
  Block* caught = newInnerBlock();
  Block* next = newInnerBlock();
  emit(Op::BranchFailed, types::kNothing, {call});
  block_->successors = {{caught, {}}, {next, {}}};
  switchTo(caught);
  Value* exception = function_.newCall(Helper::CatchException, {}, {ins_->offset});
  exception->state = std::make_unique<FrameState>(*call->state);
  hir::dropConsumed(*exception->state, *call);
  function_.append(block_, exception);
  const Values stack = stack_;
  stack_.assign(before_.begin(), before_.begin() + handler.depth);
  if (handler.pushLasti) {
    // What is raised again keeps the instruction that raised first.
    const bool isAgain = call->calls(Helper::Reraise1);
    push(isAgain ? call->operands[1] : boxInt(emit(Op::ConstInt, types::I64, {}, ins_->offset)));
  }
  push(exception);
  endWithJump(static_cast<uint32_t>(flow_.find(handler.target)));
  stack_ = stack;
  switchTo(next);
}

Value* Translator::callTyped(hir::Type type, Helper helper, Values operands, std::vector<int64_t> imms) {
  Value* value = call(helper, std::move(operands), std::move(imms));
  value->type = type;
  return value;
}

Value* Translator::constObject(int64_t index) {
  if (index < 0 || index >= static_cast<int64_t>(snapshot_.objects.size())) {
    fail(BailoutReason::MalformedBytecode, "no such constant or name");
    return null();
  }
  const hir::Type type = snapshot_.objects[static_cast<size_t>(index)].type;
  return emit(Op::ConstObject, type.isNothing() ? types::kObject : type, {}, inTable(index));
}

Value* Translator::isNonZero(Value* number) {
  Value* zero = emit(Op::ConstInt, types::I64, {}, 0);
  return emit(Op::IntCompare, types::I1, {number, zero}, hir::comparison::kNotEqual);
}

Value* Translator::is(Value* object, int32_t knownObject) {
  return emit(Op::ObjectIs, types::I1, {object, constObject(knownObject)});
}

void Translator::guardType(Value* object, hir::Type type) {
  if (object->type.isSubtypeOf(type)) return;
  emit(Op::GuardType, types::kNothing, {object}, type.bits());
}

Value* Translator::local(int64_t slot) {
  if (slot < 0 || slot >= static_cast<int64_t>(locals_.size())) {
    fail(BailoutReason::MalformedBytecode, "no such local");
    return null();
  }
  return locals_[static_cast<size_t>(slot)];
}

void Translator::storeLocal(int64_t slot, Value* value) {
  local(slot);
  if (failure_) return;
  if (inlined_ != nullptr) return storeLocalInlined(static_cast<size_t>(slot), value);
  emit(Op::StoreLocal, types::kNothing, {value}, slot)->offset = ins_ != nullptr ? ins_->offset : 0;
  locals_[static_cast<size_t>(slot)] = value;
}

void Translator::checkBound(Value* value, int64_t slot) {
  if (!value->type.mayBe(types::Null)) return;
  if (inlined_ != nullptr) return giveUp();
  Value* unbound = emit(Op::IsNull, types::I1, {value});
  Block* raising = newInnerBlock();
  Block* bound = newInnerBlock();
  endWithBranch(unbound, {raising, {}}, {bound, {}});
  switchTo(raising);
  call(Helper::RaiseUnboundLocal, {}, {slot});
  endUnreachable();
  switchTo(bound);
}

bool Translator::need(int64_t depth) {
  if (depth >= 0 && depth <= static_cast<int64_t>(stack_.size())) return true;
  fail(BailoutReason::MalformedBytecode, "the operand stack is too short");
  return false;
}

Value* Translator::pop() {
  if (!need(1)) return null();
  Value* value = stack_.back();
  stack_.pop_back();
  return value;
}

Translator::Values Translator::popMany(int64_t count) {
  if (!need(count)) return {};
  Values values(stack_.end() - count, stack_.end());
  stack_.resize(stack_.size() - static_cast<size_t>(count));
  return values;
}

Value* Translator::peek(int64_t depth) {
  if (depth < 1 || !need(depth)) {
    if (!failure_) fail(BailoutReason::MalformedBytecode, "a stack argument is not positive");
    return null();
  }
  return stack_[stack_.size() - static_cast<size_t>(depth)];
}

void Translator::pushOutputs(Value* call, uint16_t count) {
  for (uint16_t i = 0; i < count; ++i) push(output(call, i, types::kObject));
}

bool Translator::isKnownInt(const Value* value) const {
  if (value->op == Op::BoxInt) return true;
  return value->op == Op::ConstObject && value->type == types::Long &&
         function_.objects[static_cast<size_t>(value->imm)].hasInt;
}

bool Translator::mayFit(const Value* value) const {
  return value->type.mayBe(types::Long) && (value->op != Op::ConstObject || isKnownInt(value));
}

bool Translator::isKnownFloat(const Value* value) const {
  return value->op == Op::BoxFloat || (value->op == Op::ConstObject && value->type == types::Float);
}

Block* Translator::newInnerBlock() {
  Block* block = function_.newBlock();
  block->entry = makeState();
  block->entry->stackAfterPop = static_cast<uint16_t>(before_.size());
  return block;
}

Edge Translator::edgeTo(uint32_t index) {
  BlockPlan& plan = plans_[index];
  const bool isJoin = flow_.isJoin(index);
  if (inlined_ != nullptr) return inlinedEdgeTo(index);
  if (plan.block == nullptr) {
    const Instruction& first = snapshot_.instructions[index];
    plan.block = function_.newBlock();
    auto state = std::make_unique<FrameState>();
    state->offset = first.offset;
    state->resumeOffset = first.resumeOffset;
    state->nextOffset = first.nextOffset;
    state->stackAfterPop = static_cast<uint16_t>(stack_.size());
    state->locals = locals_;
    state->stack = stack_;
    if (isJoin) {
      // The types of what arrives are known at the end: see narrowParams().
      for (Value*& slot : state->locals) slot = function_.newParam(plan.block, types::kNullable);
      for (Value*& slot : state->stack) slot = function_.newParam(plan.block, types::kNullable);
    }
    plan.block->entry = std::move(state);
  }
  if (plan.block->entry->stack.size() != stack_.size()) {
    fail(BailoutReason::MalformedBytecode,
         "different stack depths at offset " + std::to_string(plan.block->entry->offset));
  }
  if (!plan.queued) {
    plan.queued = true;
    pending_.insert(index);
  }
  Edge edge{plan.block, {}};
  if (isJoin) {
    edge.args = locals_;
    edge.args.insert(edge.args.end(), stack_.begin(), stack_.end());
  }
  return edge;
}

Edge Translator::edgeToOffset(uint32_t offset) {
  return edgeTo(static_cast<uint32_t>(flow_.find(offset)));
}

void Translator::endWithJump(uint32_t index) {
  Edge edge = edgeTo(index);
  emit(Op::Jump, types::kNothing);
  block_->successors.push_back(std::move(edge));
  block_ = nullptr;
}

void Translator::endWithBranch(Value* condition, Edge ifTrue, Edge ifFalse, int64_t seldom) {
  emit(Op::Branch, types::kNothing, {condition}, seldom);
  block_->successors.push_back(std::move(ifTrue));
  block_->successors.push_back(std::move(ifFalse));
  block_ = nullptr;
}

void Translator::endWithReturn(Value* value) {
  if (inlined_ != nullptr) {
    inlined_->returns.push_back({block_, value, region_});
    block_ = nullptr;
    return;
  }
  emit(Op::GuardUnseen, types::kNothing);
  emit(Op::Return, types::kNothing, {value}, ins_->offset);
  block_ = nullptr;
}

void Translator::endWithExit(hir::ExitReason reason, int64_t imm) {
  stack_ = before_;
  emit(Op::Exit, types::kNothing, {}, imm)->reason = reason;
  block_ = nullptr;
}

void Translator::endUnreachable() {
  emit(Op::Unreachable, types::kNothing);
  block_ = nullptr;
}

}  // namespace martlet::frontend
