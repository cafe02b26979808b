// SPDX-License-Identifier: MIT
// Small well-formed functions for tests, made from the op table and the helper table.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lowering/hir/hir.h"
#include "lowering/hir/verifier.h"

namespace martlet::hir::test {

/// A function with one entry block (two locals, three stack entries) and ways to put ops into it.
class Sample {
 public:
  Sample();
  /// Appends an op with fitting operands, type, immediate and state.
  Value* add(Op op);
  /// Appends a call of a helper with fitting operands and imms, and the Output ops behind it.
  Value* addCall(Helper helper);
  /// A fresh value of the kind that an operand letter asks for.
  Value* operand(char letter);
  std::unique_ptr<FrameState> state(Completion completion = Completion::None);
  /// Closes the block with a return, unless it has a terminator, and sets predecessors.
  Function& finish();
  std::unique_ptr<Function> take() { return std::move(function_); }

  Block* block() { return block_; }

 private:
  Value* append(Value* value);
  Value* addCaught();
  void terminate(Value* terminator);

  std::unique_ptr<Function> function_;
  Block* block_;
  Value* locals_[2];
};

/// The earliest phase in which an op may occur.
Phase phaseOf(Op op);
/// All violations in one text; empty if there are none.
std::string complaints(const Function& function, Phase phase);
/// parse(), and a test failure if that does not give one function.
std::unique_ptr<Function> parseOne(std::string_view text);
Value* valueById(Function& function, uint32_t id);
Block* blockById(Function& function, uint32_t id);

}  // namespace martlet::hir::test
