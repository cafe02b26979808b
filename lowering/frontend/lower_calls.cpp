// SPDX-License-Identifier: MIT
// Calls, functions and intrinsics. Must not know: Python.h, LLVM.
#include "lowering/frontend/translator.h"

namespace martlet::frontend {

namespace {

/// The helper for what the interpreter met here. Those for single builtins have any other callable called by the
/// interpreter; after a few times of that the instruction is blocked.
Helper callHelper(Special special) {
  switch (special) {
  case Special::CallLen: return Helper::CallLen;
  case Special::CallIsinstance: return Helper::CallIsinstance;
  case Special::CallListAppend: return Helper::CallListAppend;
  case Special::CallType1: return Helper::CallType1;
  case Special::CallStr1: return Helper::CallStr1;
  case Special::CallTuple1: return Helper::CallTuple1;
  case Special::CallBuiltinO:
  case Special::CallBuiltinFast:
  case Special::CallBuiltinFastWithKeywords: return Helper::CallBuiltin;
  case Special::CallMethodDescriptorO:
  case Special::CallMethodDescriptorNoargs:
  case Special::CallMethodDescriptorFast:
  case Special::CallMethodDescriptorFastWithKeywords: return Helper::CallMethodDescriptor;
  default: return Helper::Call;
  }
}

}  // namespace

void Translator::lowerCall() {
  const int64_t arg = ins_->arg;
  switch (ins_->op) {
  case BytecodeOp::Call: {
    // callable, self or NULL, arguments: the stack's order is the helpers' order.
    const Values operands = popMany(arg + 2);
    if (arg == 0 && consumeGenerator(operands)) return;
    if (callKnown(operands) || inlineCall(operands)) return;
    Helper helper = callHelper(ins_->special);
    const bool takesAny = helper == Helper::CallBuiltin || helper == Helper::CallMethodDescriptor;
    if (!takesAny && !speculates()) helper = Helper::Call;
    push(helper == Helper::Call ? call(helper, operands, {ins_->site}) : call(helper, operands));
    return learnResult(operands);
  }
  case BytecodeOp::CallKw: {
    Value* names = pop();
    Values operands = popMany(arg + 2);
    if (failure_) return;
    operands.insert(operands.begin() + 2, names);
    return push(call(Helper::CallKw, operands));
  }
  case BytecodeOp::CallFunctionEx: {
    Value* keywords = (arg & 1) != 0 ? pop() : null();
    Value* positional = pop();
    pop();  // always NULL
    Value* callable = pop();
    return push(call(Helper::CallEx, {callable, positional, keywords}));
  }
  case BytecodeOp::CallIntrinsic1: return push(call(Helper::Intrinsic1, {pop()}, {arg}));
  case BytecodeOp::CallIntrinsic2: return push(call(Helper::Intrinsic2, popMany(2), {arg}));
  case BytecodeOp::MakeFunction: return push(call(Helper::MakeFunction, {pop()}));
  case BytecodeOp::SetFunctionAttribute: {
    Value* function = pop();
    Value* attribute = pop();
    call(Helper::SetFunctionAttribute, {function, attribute}, {arg});
    noteClosure(function, attribute, arg);
    return push(function);
  }
  default: return fail(BailoutReason::UnsupportedOpcode, name(ins_->op));
  }
}

}  // namespace martlet::frontend
