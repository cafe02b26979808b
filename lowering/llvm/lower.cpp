// SPDX-License-Identifier: MIT
// The frame of the lowering: function, entries, blocks, block parameters, terminators. Owns: which LLVM block follows
// which. Must not know: what single ops mean (lower_ops.cpp, lower_calls.cpp).
#include "lowering/llvm/lower.h"

#include <llvm/IR/MDBuilder.h>

#include <algorithm>
#include <utility>

namespace martlet::backend {

using hir::Op;

FunctionLowering::FunctionLowering(const hir::Function& function, llvm::Module& module, const BackendOptions& options,
                                   const SymbolsByAddress& symbols)
    : hir_(function), options_(options), symbols_(symbols), module_(module), context_(module.getContext()),
      builder_(context_), allocas_(context_), ptr_(llvm::PointerType::getUnqual(context_)),
      i64_(llvm::Type::getInt64Ty(context_)), i32_(llvm::Type::getInt32Ty(context_)),
      i1_(llvm::Type::getInt1Ty(context_)), f64_(llvm::Type::getDoubleTy(context_)),
      result_(llvm::StructType::get(context_, {ptr_, i64_})),
      unlikely_(llvm::MDBuilder(context_).createBranchWeights(1, 2000)),
      likely_(llvm::MDBuilder(context_).createBranchWeights(2000, 1)) {}

Result<LoweredFunction> FunctionLowering::run(std::string symbol) {
  if (hir_.entries.empty()) return Bailout{BailoutReason::NothingToCompile, 0, "no entries"};
  values_.resize(hir_.valueCount());
  objects_.resize(hir_.objects.size());
  createFunction(symbol);
  orderBlocks();
  measureFrame();
  createBlocks();
  for (const hir::Block* block : order_) {
    lowerBlock(*block);
    if (error_) return *error_;
  }
  emitExits();
  finishEntry();
  if (error_) return *error_;
  for (const llvm::BasicBlock& block : *fn_) lowered_.irInstructions += block.size();
  for (const llvm::BasicBlock* block : exitBlocks_) lowered_.exitInstructions += block->size();
  lowered_.symbol = std::move(symbol);
  return std::move(lowered_);
}

void FunctionLowering::createFunction(const std::string& symbol) {
  auto* type = llvm::FunctionType::get(result_, {ptr_, ptr_, i64_, ptr_}, false);
  fn_ = llvm::Function::Create(type, llvm::GlobalValue::ExternalLinkage, symbol, module_);
  fn_->addFnAttr(llvm::Attribute::NoUnwind);
  // C++ exceptions never pass, but backtraces, profilers and forced unwinding do.
  fn_->setUWTableKind(llvm::UWTableKind::Async);
  tstate_ = fn_->getArg(0);
  frame_ = fn_->getArg(1);
  entry_ = fn_->getArg(2);
  spill_ = fn_->getArg(3);
  const std::array names{"tstate", "frame", "entry", "spill"};
  for (unsigned i = 0; i < names.size(); ++i) fn_->getArg(i)->setName(names[i]);
  for (unsigned i : {0U, 1U, 3U}) {
    fn_->addParamAttr(i, llvm::Attribute::NonNull);
    fn_->addParamAttr(i, llvm::Attribute::NoUndef);
  }
  fn_->addParamAttr(3, llvm::Attribute::NoAlias);
  entryBlock_ = newBlock("entry");
  allocas_.SetInsertPoint(entryBlock_);
}

/// Reverse postorder: every definition is lowered before its uses, whatever order the blocks are kept in.
void FunctionLowering::orderBlocks() {
  std::unordered_map<const hir::Block*, size_t> next;
  std::vector<const hir::Block*> stack;
  for (auto entry = hir_.entries.rbegin(); entry != hir_.entries.rend(); ++entry) {
    if (!next.try_emplace(entry->block, 0).second) continue;
    stack.push_back(entry->block);
    while (!stack.empty()) {
      const hir::Block* block = stack.back();
      size_t& successor = next[block];
      if (successor == block->successors.size()) {
        order_.push_back(block);
        stack.pop_back();
        continue;
      }
      const hir::Block* target = block->successors[successor++].target;
      if (next.try_emplace(target, 0).second) stack.push_back(target);
    }
  }
  std::reverse(order_.begin(), order_.end());
}

void FunctionLowering::createBlocks() {
  for (const hir::Block* block : order_) {
    llvm::BasicBlock* out = llvm::BasicBlock::Create(context_, "bb" + llvm::Twine(block->id), fn_);
    blocks_[block] = out;
    builder_.SetInsertPoint(out);
    for (const hir::Value* param : block->params) define(*param, builder_.CreatePHI(typeOf(param->type), 2));
  }
}

llvm::BasicBlock* FunctionLowering::newBlock(const char* name) {
  return llvm::BasicBlock::Create(context_, name, fn_);
}

void FunctionLowering::lowerBlock(const hir::Block& block) {
  builder_.SetInsertPoint(blocks_[&block]);
  instruction_.reset();
  for (const hir::Value* op : block.ops) {
    if (op->isTerminator()) {
      lowerTerminator(*op);
      return;
    }
    lowerOp(*op);
    if (error_) return;
  }
  error_ = Bailout{BailoutReason::VerifierFailed, 0, "block bb" + std::to_string(block.id) + " has no terminator"};
}

void FunctionLowering::addEdge(const hir::Edge& edge, llvm::BasicBlock* from) {
  auto phis = blocks_[edge.target]->phis().begin();
  for (const hir::Value* argument : edge.args) {
    llvm::PHINode& phi = *phis++;
    // A parameter for a number or a slot's content: the object is in memory, and there is no number.
    const bool isContent = argument->type.isReference() && phi.getType() != ptr_;
    phi.addIncoming(isContent ? llvm::Constant::getNullValue(phi.getType()) : use(argument), from);
  }
}

void FunctionLowering::lowerTerminator(const hir::Value& op) {
  const std::vector<hir::Edge>& successors = op.block->successors;
  if (successors.size() != hir::successorCount(op.op)) return fail(op, "wrong number of successors");
  for (const hir::Edge& edge : successors) {
    if (edge.args.size() != edge.target->params.size()) return fail(op, "wrong number of block arguments");
  }
  switch (op.op) {
  case Op::Jump:
    addEdge(successors[0], builder_.GetInsertBlock());
    builder_.CreateBr(blocks_[successors[0].target]);
    return;
  case Op::Branch:
    return lowerBranch(op, use(op.operands[0]), op.imm == 0 ? nullptr : op.imm == 1 ? unlikely_ : likely_);
  case Op::BranchFailed:
    if (caughtFailure_ == nullptr) return fail(op, "no call right before it");
    return lowerBranch(op, std::exchange(caughtFailure_, nullptr), unlikely_);
  case Op::Return: return lowerReturn(op);
  case Op::Exit:
    if (!op.state) return fail(op, "no frame state");
    if (op.reason == hir::ExitReason::Yield) return lowerYield(op);
    builder_.CreateBr(exitStub(op, LeaveKind::Exit, op.reason));
    return;
  case Op::Unreachable: builder_.CreateUnreachable(); return;
  default: return fail(op, "not a terminator");
  }
}

void FunctionLowering::lowerBranch(const hir::Value& op, llvm::Value* condition, llvm::MDNode* weights) {
  const std::vector<hir::Edge>& successors = op.block->successors;
  std::array<llvm::BasicBlock*, 2> targets{blocks_[successors[0].target], blocks_[successors[1].target]};
  llvm::BasicBlock* from = builder_.GetInsertBlock();
  addEdge(successors[0], from);
  if (targets[0] == targets[1]) {
    // Two edges between the same blocks would need equal phi inputs: the second one gets a block of its own.
    targets[1] = newBlock("edge");
    llvm::IRBuilder<>(targets[1]).CreateBr(targets[0]);
    addEdge(successors[1], targets[1]);
  } else {
    addEdge(successors[1], from);
  }
  builder_.CreateCondBr(condition, targets[0], targets[1], weights);
}

void FunctionLowering::lowerReturn(const hir::Value& op) {
  leaveWith(use(op.operands[0]), LeaveKind::Returned, op.imm);
}

void FunctionLowering::leaveWith(llvm::Value* object, LeaveKind kind, int64_t payload) {
  const uint64_t status = static_cast<uint64_t>(payload) << 2 | static_cast<uint64_t>(kind);
  llvm::Value* result = llvm::PoisonValue::get(result_);
  result = builder_.CreateInsertValue(result, object, 0);
  result = builder_.CreateInsertValue(result, builder_.getInt64(status), 1);
  builder_.CreateRet(result);
}

/// Ends the entry block, which collected the allocas, with the choice of the entry.
void FunctionLowering::finishEntry() {
  for (const hir::Entry& entry : hir_.entries) {
    lowered_.entries.push_back({entry.offset, entry.stackDepth});
    if (!entry.block->params.empty()) {
      error_ = Bailout{BailoutReason::VerifierFailed, entry.offset, "an entry block has parameters"};
    }
  }
  llvm::IRBuilder<> builder(entryBlock_);
  if (hir_.entries.size() == 1) {
    builder.CreateBr(blocks_[hir_.entries[0].block]);
    return;
  }
  // The last entry is the default: no check of `entry`, which the vm takes from our own table.
  const size_t last = hir_.entries.size() - 1;
  auto* choice = builder.CreateSwitch(entry_, blocks_[hir_.entries[last].block], static_cast<unsigned>(last));
  for (size_t i = 0; i < last; ++i) choice->addCase(builder.getInt64(i), blocks_[hir_.entries[i].block]);
}

llvm::Type* FunctionLowering::typeOf(hir::Type type) {
  if (type == hir::types::I64 || type == hir::types::I64OrSlot) return i64_;
  if (type == hir::types::F64 || type == hir::types::F64OrSlot) return f64_;
  if (type == hir::types::I1) return i1_;
  return ptr_;
}

llvm::Value* FunctionLowering::use(const hir::Value* value) {
  if (llvm::Value* known = values_[value->id]) return known;
  // Constants have no position that matters: an op may name one that its block has not reached.
  if (lowerConstant(*value)) return values_[value->id];
  fail(*value, "used before its definition");
  return llvm::PoisonValue::get(typeOf(value->type));
}

/// A symbol for the linker, never an address in code: compiled objects can then be cached on disk.
llvm::Value* FunctionLowering::objectAddress(size_t index) {
  if (objects_[index]) return objects_[index];
  const void* address = hir_.objects[index].address;
  llvm::Value*& byAddress = objectsByAddress_[address];
  if (!byAddress) {
    const auto known = symbols_.find(address);
    std::string name = known != symbols_.end() ? known->second : "obj." + std::to_string(index);
    byAddress = module_.getNamedValue(name);
    if (!byAddress) {
      // An empty type: LLVM must not conclude that two such globals differ, nor how large they are.
      auto* type = llvm::ArrayType::get(llvm::Type::getInt8Ty(context_), 0);
      byAddress = new llvm::GlobalVariable(module_, type, false, llvm::GlobalValue::ExternalLinkage, nullptr, name);
    }
    if (known == symbols_.end()) lowered_.objects.push_back({std::move(name), address});
  }
  return objects_[index] = byAddress;
}

/// One symbol for all caches of the code object.
llvm::Value* FunctionLowering::siteCache(int64_t site) {
  if (hir_.siteCaches == nullptr) return llvm::ConstantPointerNull::get(llvm::PointerType::getUnqual(context_));
  constexpr const char* kName = "site_caches";
  llvm::GlobalVariable* caches = module_.getNamedGlobal(kName);
  if (!caches) {
    auto* type = llvm::ArrayType::get(llvm::Type::getInt8Ty(context_), 0);
    caches = new llvm::GlobalVariable(module_, type, false, llvm::GlobalValue::ExternalLinkage, nullptr, kName);
    lowered_.objects.push_back({kName, hir_.siteCaches});
  }
  const auto offset = static_cast<uint64_t>(site) * kSiteCacheBytes;
  return builder_.CreateConstGEP1_64(llvm::Type::getInt8Ty(context_), caches, offset);
}

void FunctionLowering::define(const hir::Value& op, llvm::Value* value) {
  values_[op.id] = value;
}

void FunctionLowering::fail(const hir::Value& op, std::string detail) {
  if (error_) return;
  const uint32_t offset = op.state ? op.state->offset : op.block && op.block->entry ? op.block->entry->offset : 0;
  error_ = Bailout{BailoutReason::VerifierFailed, offset,
                   std::string(op.info().name) + " v" + std::to_string(op.id) + ": " + std::move(detail)};
}

}  // namespace martlet::backend
