// SPDX-License-Identifier: MIT
// Generators, coroutines and asynchronous iteration. The interpreter suspends; native code is entered again behind it.
// Must not know: Python.h, LLVM.
#include <utility>

#include "lowering/frontend/translator.h"

namespace martlet::frontend {

void Translator::lowerGenerator() {
  switch (ins_->op) {
  case BytecodeOp::ReturnGenerator: return endWithExit(hir::ExitReason::Interpret);
  case BytecodeOp::YieldValue: return yieldValue();
  case BytecodeOp::Send: return send();
  case BytecodeOp::EndSend: {
    Value* value = pop();
    pop();
    return push(value);
  }
  case BytecodeOp::GetYieldFromIter: return push(call(Helper::GetYieldFromIter, {pop()}));
  case BytecodeOp::GetAwaitable: return push(call(Helper::GetAwaitable, {pop()}, {ins_->arg}));
  case BytecodeOp::GetAiter: return push(call(Helper::GetAiter, {pop()}));
  case BytecodeOp::GetAnext: return push(call(Helper::GetAnext, {peek(1)}));
  default: return fail(BailoutReason::UnsupportedOpcode, name(ins_->op));
  }
}

void Translator::yieldValue() {
  const auto depth = static_cast<uint16_t>(stack_.size());  // the value sent in replaces the one yielded
  if (!need(1)) return;
  endWithExit(hir::ExitReason::Yield, ins_->arg);
  const Instruction& resume = snapshot_.instructions[next_];
  if (resume.op != BytecodeOp::Resume) {
    return fail(BailoutReason::MalformedBytecode, "no RESUME behind YIELD_VALUE");
  }
  enterBehind(next_, depth);
}

/// Makes an entry where the interpreter's stack has this depth, if there is none yet.
void Translator::enterBehind(uint32_t index, uint16_t depth) {
  const uint32_t offset = snapshot_.instructions[index].resumeOffset;
  for (const hir::Entry& entry : function_.entries) {
    if (entry.offset != offset) continue;
    if (entry.stackDepth != depth)
      fail(BailoutReason::MalformedBytecode, "an entry with another depth than what leads there");
    return;
  }
  makeEntry({index, offset, depth});
}

/// Either way the receiver stays, with the yielded or the returned value above it. While the receiver yields, the vm
/// need not come here; where it has returned, the vm enters behind.
void Translator::send() {
  Value* value = pop();
  Value* receiver = peek(1);
  Value* yielded = call(Helper::Send, {receiver, value}, {}, 1);
  push(output(yielded, 0, types::kObject));
  Value* goesOn = isNonZero(yielded);
  Edge next = edgeTo(next_);
  Edge returned = edgeToOffset(ins_->target);
  const auto depth = static_cast<uint16_t>(stack_.size());
  const auto target = static_cast<uint32_t>(flow_.find(ins_->target));
  endWithBranch(goesOn, std::move(next), std::move(returned));
  enterBehind(target, depth);
}

}  // namespace martlet::frontend
