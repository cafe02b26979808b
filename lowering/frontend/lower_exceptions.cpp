// SPDX-License-Identifier: MIT
// Raising, handling, and with statements: what the instructions do. How a handler is reached: see catchFailure().
// Must not know: Python.h, LLVM.
#include "lowering/frontend/translator.h"

namespace martlet::frontend {

void Translator::lowerException() {
  const int64_t arg = ins_->arg;
  switch (ins_->op) {
  case BytecodeOp::RaiseVarargs: {
    if (arg < 0 || arg > 2) return fail(BailoutReason::MalformedBytecode, "bad RAISE_VARARGS argument");
    Value* cause = arg == 2 ? pop() : null();
    Value* exception = arg >= 1 ? pop() : null();
    call(Helper::RaiseVarargs, {exception, cause});
    return endUnreachable();
  }
  case BytecodeOp::Reraise: {
    Value* exception = pop();
    if (arg == 0) {
      call(Helper::Reraise, {exception});
    } else {
      call(Helper::Reraise1, {exception, peek(arg)});  // the offset of the instruction that raised first
    }
    return endUnreachable();
  }
  case BytecodeOp::PushExcInfo: {
    Value* exception = pop();
    push(call(Helper::PushExcInfo, {exception}));
    return push(exception);
  }
  case BytecodeOp::PopExcept: call(Helper::PopExcept, {pop()}); return;
  case BytecodeOp::CheckExcMatch: {
    Value* type = pop();
    return push(boolObject(isNonZero(call(Helper::CheckExcMatch, {peek(1), type}))));
  }
  case BytecodeOp::CheckEgMatch: return pushOutputs(call(Helper::CheckEgMatch, popMany(2), {}, 2), 2);
  case BytecodeOp::CleanupThrow: {
    Value* exception = pop();
    pop();  // the value sent last
    pop();  // the inner iterator
    Value* value = call(Helper::CleanupThrow, {exception});
    push(none());
    return push(value);
  }
  case BytecodeOp::EndAsyncFor: call(Helper::EndAsyncFor, popMany(2)); return;
  case BytecodeOp::WithExceptStart: return push(call(Helper::WithExceptStart, {peek(4), peek(1)}));
  case BytecodeOp::BeforeWith:
  case BytecodeOp::BeforeAsyncWith: {
    const Helper helper = ins_->op == BytecodeOp::BeforeWith ? Helper::BeforeWith : Helper::BeforeAsyncWith;
    Value* entered = call(helper, {pop()}, {}, 1);
    push(output(entered, 0, types::kObject));
    return push(entered);
  }
  default: return fail(BailoutReason::UnsupportedOpcode, name(ins_->op));
  }
}

}  // namespace martlet::frontend
