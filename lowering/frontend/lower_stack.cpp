// SPDX-License-Identifier: MIT
// Stack manipulation, constants, local variables and cells. Must not know: Python.h, LLVM.
#include <utility>

#include "lowering/frontend/translator.h"

namespace martlet::frontend {

void Translator::lowerStack() {
  const int64_t arg = ins_->arg;
  switch (ins_->op) {
  case BytecodeOp::Nop: return;
  case BytecodeOp::PopTop:
  case BytecodeOp::EndFor: pop(); return;
  case BytecodeOp::PushNull: return push(null());
  case BytecodeOp::Copy: return push(peek(arg));
  case BytecodeOp::Swap:
    if (arg < 2 || !need(arg)) return fail(BailoutReason::MalformedBytecode, "SWAP reaches below the stack");
    std::swap(stack_.back(), stack_[stack_.size() - static_cast<size_t>(arg)]);
    return;
  case BytecodeOp::LoadConst: return push(constArgument());
  case BytecodeOp::LoadAssertionError: return push(constObject(snapshot_.assertionErrorObject));

  case BytecodeOp::LoadFast: return push(local(arg));
  case BytecodeOp::LoadFastCheck: {
    Value* value = local(arg);
    checkBound(value, arg);
    return push(value);
  }
  case BytecodeOp::LoadFastAndClear: {
    Value* value = local(arg);  // possibly unbound: a later STORE_FAST puts NULL back
    storeLocal(arg, null());
    return push(value);
  }
  case BytecodeOp::StoreFast: return storeLocal(arg, pop());
  case BytecodeOp::DeleteFast: checkBound(local(arg), arg); return storeLocal(arg, null());

  case BytecodeOp::MakeCell: {
    Value* cell = call(Helper::MakeCell, {local(arg)});
    return storeLocal(arg, cell);
  }
  case BytecodeOp::CopyFreeVars:
    for (int64_t i = 0; i < arg; ++i) {
      Value* cell = call(Helper::LoadClosure, {}, {i});
      storeLocal(snapshot_.freeVarBase + i, cell);
    }
    return;
  case BytecodeOp::LoadDeref: return push(call(Helper::LoadDeref, {local(arg)}, {arg}));
  case BytecodeOp::StoreDeref: {
    Value* value = pop();
    call(Helper::StoreDeref, {local(arg), value});
    return;
  }
  case BytecodeOp::DeleteDeref: call(Helper::DeleteDeref, {local(arg)}, {arg}); return;
  case BytecodeOp::LoadFromDictOrDeref: {
    Value* dict = pop();
    return push(call(Helper::LoadFromDictOrDeref, {dict, local(arg)}, {arg}));
  }
  default: return fail(BailoutReason::UnsupportedOpcode, name(ins_->op));
  }
}

}  // namespace martlet::frontend
