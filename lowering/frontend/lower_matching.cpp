// SPDX-License-Identifier: MIT
// Pattern matching. Must not know: Python.h, LLVM.
#include "lowering/frontend/translator.h"

namespace martlet::frontend {

void Translator::lowerMatch() {
  switch (ins_->op) {
  case BytecodeOp::GetLen: return push(call(Helper::GetLen, {peek(1)}));
  case BytecodeOp::MatchClass: return push(call(Helper::MatchClass, popMany(3), {ins_->arg}));
  case BytecodeOp::MatchKeys: return push(call(Helper::MatchKeys, {peek(2), peek(1)}));
  case BytecodeOp::MatchMapping: return push(boolObject(call(Helper::MatchMapping, {peek(1)})));
  case BytecodeOp::MatchSequence: return push(boolObject(call(Helper::MatchSequence, {peek(1)})));
  default: return fail(BailoutReason::UnsupportedOpcode, name(ins_->op));
  }
}

}  // namespace martlet::frontend
