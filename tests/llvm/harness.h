// SPDX-License-Identifier: MIT
// What the tests of the backend share: the loaded martlet_llvm.so, and a builder for small HIR functions.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "libjit/code_memory.h"
#include "lowering/backend.h"
#include "tests/llvm/fake_runtime.h"

namespace martlet::test {

/// The backend with the fake runtime; loaded once. Null with a message on stderr if it cannot be.
Backend* backend();
/// Where all backends of the process put their code.
CodeBlocks& codeMemory();
/// A second, independent one, as a forked child makes it.
/// `symbols` replaces those of the fake runtime.
/// Every helper of the table that the fake runtime defines (the others are weak and null), and its data.
std::vector<HelperAddress> fakeHelpers();
std::unique_ptr<Backend> newBackend(std::string* error, const char* bitcode,
                                    const std::vector<HelperAddress>* symbols = nullptr);

/// Writes HIR functions tersely: every state has one stack entry for each of `stack`.
class Builder {
 public:
  explicit Builder(uint16_t locals = 2) { function.localCount = locals; }

  hir::Function function;
  hir::Block* block = nullptr;  ///< ops go here

  hir::Block* newBlock() { return block = function.newBlock(); }
  hir::Block* newEntry(uint32_t offset = 0, uint16_t depth = 0);
  hir::Value* op(hir::Op op, hir::Type type, std::vector<hir::Value*> operands = {}, int64_t imm = 0);
  /// Gives an op the state of instruction `offset` with this stack.
  hir::Value* at(hir::Value* value, uint32_t offset, std::vector<hir::Value*> stack = {});
  hir::Value* call(hir::Helper helper, hir::Type type, std::vector<hir::Value*> operands,
                   std::vector<int64_t> imms = {}, uint16_t outputs = 0);
  void jump(hir::Block* target, std::vector<hir::Value*> arguments = {});
  void branch(hir::Value* condition, hir::Edge yes, hir::Edge no);
  void ret(hir::Value* value, int64_t offset = 99) { op(hir::Op::Return, {}, {value}, offset); }

  hir::Value* local(int64_t slot) { return op(hir::Op::LoadLocal, hir::types::kObject, {}, slot); }
  hir::Value* integer(int64_t value) { return op(hir::Op::ConstInt, hir::types::I64, {}, value); }
  hir::Value* unboxInt(hir::Value* object, uint32_t offset, std::vector<hir::Value*> stack);
  hir::Value* arithmetic(hir::Op which, hir::Value* lhs, hir::Value* rhs, uint32_t offset);
};

/// A compiled function with the memory that it runs on. Releases its code.
class Compiled {
 public:
  Compiled(const hir::Function& function, BackendOptions options);
  ~Compiled();
  Compiled(const Compiled&) = delete;
  Compiled& operator=(const Compiled&) = delete;

  NativeResult run(uint64_t entry = 0);
  const ExitDescriptor& exitOf(const NativeResult& result) const { return code.exits.at(leavePayload(result.status)); }
  std::span<const ExitValue> valuesOf(const ExitDescriptor& exit) const { return code.valuesOf(exit); }
  uint64_t spilled(const ExitValue& value) const { return spill.at(value.spill); }

  CompiledCode code;
  std::string bailout;  ///< empty when compiled
  FakeThread thread{};
  FakeFrame frame{};
  std::vector<uint64_t> spill;
};

FakeObject* newInt(int64_t value);
FakeObject* newFloat(double value);
void drop(FakeObject* object);

}  // namespace martlet::test
