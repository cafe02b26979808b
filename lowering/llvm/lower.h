// SPDX-License-Identifier: MIT
// HIR function -> LLVM IR function. Owns: the calling convention in IR, exits and their descriptors, helper
// declarations. Must not know: Python.h, how the IR is optimized, emitted or linked.
#pragma once
#include <llvm/ADT/ArrayRef.h>
#include <llvm/ADT/SmallVector.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Module.h>

#include <array>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "lowering/backend.h"

namespace martlet::backend {

/// Names of the helper symbols by address: an object that is also a helper symbol (None, True, a type) must be the same
/// global in IR, or LLVM would take the two for different addresses.
using SymbolsByAddress = std::unordered_map<const void*, std::string>;

/// A symbol that the linker must define for this compilation.
struct ObjectSymbol {
  std::string name;
  const void* address;
};

struct LoweredExit : ExitDescriptor {
  std::vector<ExitValue> values;
};

struct LoweredFunction {
  std::string symbol;
  std::vector<ObjectSymbol> objects;
  std::vector<EntryPoint> entries;
  std::vector<LoweredExit> exits;
  uint32_t spillSlots = 0;
  size_t irInstructions = 0;
  size_t exitInstructions = 0;
};

/// What a value of a type is in the spill area or an argument array.
ExitValue::Kind exitKindOf(hir::Type type);
/// Slots whose memory is stale at a state.
std::vector<size_t> dirtySlots(const hir::FrameState& state);

class FunctionLowering {
 public:
  FunctionLowering(const hir::Function& function, llvm::Module& module, const BackendOptions& options,
                   const SymbolsByAddress& symbols);
  /// Adds the function `symbol` to the module.
  Result<LoweredFunction> run(std::string symbol);

 private:
  /// Exits that spill the same values: one block with the stores, and a stub in front of it for each status.
  struct SpillGroup {
    std::vector<const hir::Value*> values;
    std::vector<std::pair<uint64_t, llvm::BasicBlock*>> stubs;
  };
  struct HelperArguments {
    llvm::ArrayRef<llvm::Value*> operands;
    llvm::ArrayRef<int64_t> imms;
    llvm::ArrayRef<llvm::Value*> outputs;  ///< a pointer for each X, Y and Z parameter
  };

  // lower.cpp: blocks and edges
  void createFunction(const std::string& symbol);
  void orderBlocks();
  void createBlocks();
  void lowerBlock(const hir::Block& block);
  void lowerTerminator(const hir::Value& op);
  void lowerBranch(const hir::Value& op, llvm::Value* condition, llvm::MDNode* weights);
  void lowerReturn(const hir::Value& op);
  void leaveWith(llvm::Value* object, LeaveKind kind, int64_t payload);
  void finishEntry();
  void addEdge(const hir::Edge& edge, llvm::BasicBlock* from);
  llvm::BasicBlock* newBlock(const char* name);
  llvm::Type* typeOf(hir::Type type);
  llvm::Value* use(const hir::Value* value);
  llvm::Value* objectAddress(size_t index);
  llvm::Value* siteCache(int64_t site);
  void define(const hir::Value& op, llvm::Value* value);
  void fail(const hir::Value& op, std::string detail);

  // lower_ops.cpp: one op each
  void lowerOp(const hir::Value& op);
  bool lowerConstant(const hir::Value& op);
  bool lowerInt(const hir::Value& op);
  bool lowerFloat(const hir::Value& op);
  bool lowerConversion(const hir::Value& op);
  bool lowerGuardOrTest(const hir::Value& op);
  bool lowerReference(const hir::Value& op);
  llvm::Value* hasType(const hir::Value& op, llvm::Value* object, hir::Type type);
  void lowerOverflow(const hir::Value& op, llvm::Intrinsic::ID intrinsic, llvm::Value* lhs, llvm::Value* rhs);
  void lowerIntHelper(const hir::Value& op, hir::Helper helper);
  void lowerUnbox(const hir::Value& op, hir::Helper helper, llvm::Type* type);
  void lowerIntToFloat(const hir::Value& op);
  bool lowerContainer(const hir::Value& op);
  void lowerStore(const hir::Value& op, hir::Helper helper, llvm::ArrayRef<llvm::Value*> operands,
                  llvm::ArrayRef<int64_t> imms = {});
  void lowerArrayItem(const hir::Value& op, llvm::ArrayRef<llvm::Value*> operands);
  void lowerItem(const hir::Value& op);
  void lowerRefcount(const hir::Value& op, hir::Helper plain, hir::Helper nullable);
  void lowerRelease(const hir::Value& op);
  void syncLocalIf(const hir::Value& op, const hir::Value& number, const hir::Value& condition, int64_t slot);
  void endLoudly(const hir::Value& op, std::vector<size_t> slots);
  llvm::Value* asWord(llvm::Value* value);
  void lowerConcatLocal(const hir::Value& op);

  // lower_calls.cpp: runtime helpers
  llvm::Function* declaration(hir::Helper helper);
  llvm::Type* resultType(char result);
  llvm::Type* parameterType(char parameter);
  llvm::CallInst* callHelper(const hir::Value& op, hir::Helper helper, const HelperArguments& arguments);
  void pushArgArray(llvm::ArrayRef<llvm::Value*> values, llvm::SmallVectorImpl<llvm::Value*>& arguments);
  void lowerCall(const hir::Value& op);
  void loadOutputs(const hir::Value& op, const hir::HelperInfo& info, llvm::ArrayRef<llvm::Value*> slots);
  void lowerOutput(const hir::Value& op);
  void checkFailure(const hir::Value& op, const hir::HelperInfo& info, llvm::Value* result);
  void setInstruction(const hir::Value& op);
  llvm::Value* outputSlot(llvm::Type* element, uint64_t count, bool ownSlot);
  llvm::AllocaInst* entryAlloca(llvm::Type* type, const char* name);
  void measureFrame();

  // lower_exits.cpp
  void exitUnless(const hir::Value& op, llvm::Value* condition);
  void exitIf(const hir::Value& op, llvm::Value* condition);
  llvm::Value* forced(llvm::Value* condition);
  void branchToExit(const hir::Value& op, llvm::Value* condition, LeaveKind kind);
  void branchToExit(const hir::Value& op, llvm::Value* condition, LeaveKind kind, hir::ExitReason reason);
  llvm::BasicBlock* exitStub(const hir::Value& op, LeaveKind kind, hir::ExitReason reason);
  void lowerYield(const hir::Value& op);
  llvm::Value* storeSuspended(const hir::Value& op, const LoweredExit& exit, llvm::ArrayRef<const hir::Value*> spilled);
  llvm::Value* objectFor(const hir::Value& op, const hir::Value& value);
  uint32_t describeExit(const hir::FrameState& state, hir::ExitReason reason, SpillGroup& group);
  void emitExits();
  /// Brings the object of a RangeView up to date.
  void writeBack(const hir::Value& view);
  void emitSpills(const SpillGroup& group, llvm::BasicBlock* leave);

  const hir::Function& hir_;
  const BackendOptions& options_;
  const SymbolsByAddress& symbols_;
  llvm::Module& module_;
  llvm::LLVMContext& context_;
  llvm::IRBuilder<> builder_;
  llvm::IRBuilder<> allocas_;
  llvm::Type* const ptr_;
  llvm::Type* const i64_;
  llvm::Type* const i32_;
  llvm::Type* const i1_;
  llvm::Type* const f64_;
  llvm::StructType* const result_;
  llvm::MDNode* const unlikely_;
  llvm::MDNode* const likely_;

  llvm::Function* fn_ = nullptr;
  llvm::Value* tstate_ = nullptr;
  llvm::Value* frame_ = nullptr;
  llvm::Value* entry_ = nullptr;
  llvm::Value* spill_ = nullptr;
  llvm::BasicBlock* entryBlock_ = nullptr;
  llvm::AllocaInst* argArray_ = nullptr;
  llvm::AllocaInst* sharedOutputs_ = nullptr;
  uint64_t argArrayWords_ = 0;
  uint64_t sharedOutputWords_ = 0;

  std::vector<const hir::Block*> order_;  ///< reverse postorder from the entries
  std::unordered_map<const hir::Block*, llvm::BasicBlock*> blocks_;
  std::vector<llvm::Value*> values_;  ///< by HIR value id
  std::unordered_map<const hir::Value*, std::vector<llvm::Value*>> outputs_;
  std::array<llvm::Function*, static_cast<size_t>(hir::Helper::kCount)> declarations_{};
  std::vector<llvm::Value*> objects_;                     ///< by HIR object index
  std::map<const void*, llvm::Value*> objectsByAddress_;  ///< lookups only, never iterated
  llvm::Value* caughtFailure_ = nullptr;                  ///< whether the call before a BranchFailed failed
  std::optional<uint32_t> instruction_;                   ///< offset last stored in frame->instr_ptr in this block
  std::map<std::vector<uint32_t>, SpillGroup> spillGroups_;
  std::map<std::vector<uint32_t>, uint32_t> exitNumbers_;
  std::vector<llvm::BasicBlock*> exitBlocks_;
  LoweredFunction lowered_;
  std::optional<Bailout> error_;
};

}  // namespace martlet::backend
