// SPDX-License-Identifier: MIT
#include "tests/hir/sample.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>

#include "lowering/hir/parser.h"

namespace martlet::hir::test {

Sample::Sample() : function_(std::make_unique<Function>()) {
  function_->name = "sample";
  function_->localCount = 2;
  function_->stackSize = 3;
  function_->addObject({.name = "const 'a;\"b\\'", .type = types::Str, .immortal = true});
  block_ = function_->newBlock();
  function_->entries.push_back({0, 0, block_});
  for (int64_t slot = 0; slot < 2; ++slot) {
    locals_[slot] = append(function_->newValue(Op::LoadLocal, types::kNullable, {}, slot));
  }
  block_->entry = std::make_unique<FrameState>();
  block_->entry->locals = {locals_[0], locals_[1]};
}

Value* Sample::append(Value* value) {
  function_->append(block_, value);
  return value;
}

Value* Sample::operand(char letter) {
  switch (letter) {
  case 'l':
  case 'v': return append(function_->newValue(Op::ConstInt, types::I64, {}, -7));
  case 'd': return append(function_->newValue(Op::ConstFloat, types::F64, {}, std::bit_cast<int64_t>(0.1)));
  case 'b': return append(function_->newValue(Op::ConstBool, types::I1, {}, 1));
  default: return append(function_->newValue(Op::ConstObject, types::Str, {}, 0));
  }
}

std::unique_ptr<FrameState> Sample::state(Completion completion) {
  auto state = std::make_unique<FrameState>();
  state->offset = 8;
  state->resumeOffset = 7;
  state->nextOffset = 12;
  state->stackAfterPop = 1;
  state->completion = completion;
  state->locals = {locals_[0], locals_[1]};
  state->stack = {locals_[1], locals_[0]};
  return state;
}

Value* Sample::add(Op op) {
  if (op == Op::CallRuntime) return addCall(Helper::BinaryOp);
  if (op == Op::Output) return function_->newValue(op, types::kNothing);  // addCall() makes them
  if (op == Op::Param) {
    Value* argument = operand('l');
    append(function_->newValue(Op::Jump, types::kNothing));
    Block* next = function_->newBlock();
    block_->successors.push_back({next, {argument}});
    next->entry = std::make_unique<FrameState>(*block_->entry);
    block_ = next;
    return function_->newParam(next, types::I64);
  }
  if (op == Op::LoadStack) {
    Value* load = function_->newValue(op, types::kObject, {}, 0);
    function_->insertBefore(locals_[0], load);
    function_->entries[0].stackDepth = 1;
    block_->entry->stack = {load};
    return load;
  }
  if (op == Op::BranchFailed) return addCaught()->block->predecessors[0]->terminator();
  std::vector<Value*> operands;
  for (char letter : std::string_view(info(op).operands)) operands.push_back(operand(letter));
  Type type = Type::parse(info(op).result).value_or(types::kNothing);
  if (op == Op::ConstObject) type = types::Str;
  if (op == Op::ListItem || op == Op::TupleItem || op == Op::ListNext || op == Op::TupleNext || op == Op::Field)
    type = types::Float;
  if (op == Op::LoadLocal || op == Op::TakeLocal) type = types::kNullable;
  Value* value = function_->newValue(op, type, std::move(operands));
  if (op == Op::GuardType) value->imm = (types::Long | types::Float).bits();
  if (op == Op::Return) value->imm = 12;
  if (value->hasState()) value->state = state();
  if (!value->isTerminator()) return append(value);
  terminate(value);
  return value;
}

/// A call that may fail, and what catches it: goes on behind the CatchException.
Value* Sample::addCaught() {
  Value* call = addCall(Helper::GetIter);
  Value* branch = function_->newValue(Op::BranchFailed, types::kNothing, {call});
  terminate(branch);
  Block* from = block_;
  block_ = from->successors[0].target;
  for (Value* op : block_->ops) op->block = nullptr;
  block_->ops.clear();
  block_->predecessors = {from};
  Value* exception = function_->newValue(Op::CallRuntime, types::kObject);
  exception->helper = Helper::CatchException;
  exception->imms = {4};
  append(exception);
  exception->state = state();
  return exception;
}

void Sample::terminate(Value* terminator) {
  append(terminator);
  for (size_t i = 0; i < successorCount(terminator->op); ++i) {
    Block* next = function_->newBlock();
    next->entry = std::make_unique<FrameState>(*block_->entry);
    Value* result = function_->newValue(Op::ConstObject, types::Str, {}, 0);
    function_->append(next, result);
    function_->append(next, function_->newValue(Op::Return, types::kNothing, {result}, 3));
    block_->successors.push_back({next, {}});
  }
}

Value* Sample::addCall(Helper helper) {
  if (helper == Helper::CatchException) return addCaught();
  const HelperInfo& row = info(helper);
  std::vector<Value*> operands;
  std::vector<int64_t> imms;
  uint16_t outputs = 0;
  for (char letter : std::string_view(row.params)) {
    if (letter == 'I' || letter == 'K') imms.push_back(static_cast<int64_t>(imms.size()) * 5 - 1);
    if (letter == 'X') outputs = 2;
    const std::string_view each = letter == 'A' ? "NNN" : letter == 'V' ? "CCC" : std::string_view(&letter, 1);
    if (std::string_view("TFBIKXYZ").find(letter) != std::string_view::npos) continue;
    for (char kind : each) operands.push_back(operand(kind));
  }
  Value* call = function_->newCall(helper, std::move(operands), std::move(imms));
  call->outputs = outputs;
  append(call);
  if (call->hasState()) {
    call->state = state(row.result == 'O' ? Completion::PushObject : Completion::Nothing);
  }
  for (size_t i = 0; i < call->outputCount(); ++i) {
    append(function_->newValue(Op::Output, call->outputType(i), {call}, static_cast<int64_t>(i)));
  }
  return call;
}

Function& Sample::finish() {
  if (block_->terminator() == nullptr) {
    Value* result = operand('O');
    append(function_->newValue(Op::Return, types::kNothing, {result}, 12));
  }
  function_->recomputePredecessors();
  return *function_;
}

Phase phaseOf(Op op) {
  if (op == Op::IncRef || op == Op::DecRef || op == Op::Release) return Phase::AfterRefcount;
  constexpr Op kAboutDirtySlots[] = {Op::SyncLocal, Op::SyncLocalIf, Op::TakeLocal,
                                     Op::CopyLocal, Op::DeferLocal,  Op::DeferLocalIf};
  if (std::find(std::begin(kAboutDirtySlots), std::end(kAboutDirtySlots), op) != std::end(kAboutDirtySlots))
    return Phase::AfterPasses;
  return Phase::AfterFrontend;
}

std::string complaints(const Function& function, Phase phase) {
  std::string all;
  for (const std::string& message : verify(function, phase)) all += message + "\n";
  return all;
}

std::unique_ptr<Function> parseOne(std::string_view text) {
  ParseResult result = parse(text);
  EXPECT_EQ(result.error, "") << "line " << result.line;
  if (!result || result.functions.size() != 1) {
    ADD_FAILURE() << "one function expected";
    return nullptr;
  }
  return std::move(result.functions[0].function);
}

Value* valueById(Function& function, uint32_t id) {
  for (const auto& block : function.blocks) {
    for (Value* value : block->params) {
      if (value->id == id) return value;
    }
    for (Value* value : block->ops) {
      if (value->id == id) return value;
    }
  }
  return nullptr;
}

Block* blockById(Function& function, uint32_t id) {
  for (const auto& block : function.blocks) {
    if (block->id == id) return block.get();
  }
  return nullptr;
}

}  // namespace martlet::hir::test
