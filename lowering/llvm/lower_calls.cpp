// SPDX-License-Identifier: MIT
// Calls of runtime helpers. Owns: helper declarations (from the helper table's signatures), argument arrays, outputs,
// the instruction pointer that the frame shows meanwhile. Must not know: what a helper does.
#include <llvm/IR/Verifier.h>

#include <algorithm>

#include "lowering/llvm/lower.h"

namespace martlet::backend {

using hir::Effects;
using hir::Failure;
using hir::Helper;
using hir::HelperInfo;
using hir::Op;

namespace {

/// In front of an argument array: room for self, and for what a callee puts there (vectorcall's offset).
constexpr uint64_t kScratchWords = 2;

bool isOutput(char parameter) {
  return parameter == 'X' || parameter == 'Y' || parameter == 'Z';
}

/// True where LLVM may merge calls of the helper when it has only the declaration: it reads what LLVM sees written. The
/// pending-event word is written by other threads, and a loop without stores must not lose its safepoint.
bool onlyReads(Helper helper, const HelperInfo& info) {
  if (helper == Helper::SafepointPending || info.effects > Effects::Reads) return false;
  return std::none_of(info.params, info.params + std::char_traits<char>::length(info.params), isOutput);
}

}  // namespace

llvm::Type* FunctionLowering::resultType(char result) {
  switch (result) {
  case 'O':
  case 'N':
  case 'F': return ptr_;
  case 'i': return i32_;
  case 'l': return i64_;
  case 'd': return f64_;
  case 'b': return i1_;
  default: return llvm::Type::getVoidTy(context_);
  }
}

/// The IR type of one parameter letter (an A stands for two parameters: see `declaration`).
llvm::Type* FunctionLowering::parameterType(char parameter) {
  switch (parameter) {
  case 'l':
  case 'B':
  case 'I': return i64_;
  case 'd': return f64_;
  case 'b': return i1_;
  default: return ptr_;
  }
}

llvm::Function* FunctionLowering::declaration(Helper helper) {
  llvm::Function*& known = declarations_[static_cast<size_t>(helper)];
  if (known) return known;
  const HelperInfo& info = hir::info(helper);
  llvm::SmallVector<llvm::Type*, 8> params;
  for (const char* p = info.params; *p; ++p) {
    params.push_back(parameterType(*p));
    if (*p == 'A' || *p == 'V') params.push_back(i64_);
  }
  auto* type = llvm::FunctionType::get(resultType(info.result), params, false);
  known = llvm::Function::Create(type, llvm::GlobalValue::ExternalLinkage, info.symbol, module_);
  known->addFnAttr(llvm::Attribute::NoUnwind);
  // One indirect call through the GOT, which JITLink turns into a direct one within reach, instead of a stub.
  known->addFnAttr(llvm::Attribute::NonLazyBind);
  if (info.result == 'b') known->addRetAttr(llvm::Attribute::ZExt);
  for (unsigned i = 0; i < params.size(); ++i) {
    if (params[i] == i1_) known->addParamAttr(i, llvm::Attribute::ZExt);
  }
  if (onlyReads(helper, info)) {
    known->setOnlyReadsMemory();
    known->addFnAttr(llvm::Attribute::WillReturn);
  }
  return known;
}

/// Sizes of the areas that all calls share; they are allocated on first use.
void FunctionLowering::measureFrame() {
  for (const hir::Block* block : order_) {
    for (const hir::Value* op : block->ops) {
      sharedOutputWords_ = std::max<uint64_t>(sharedOutputWords_, op->outputs);
      if (op->op == Op::CallRuntime)
        argArrayWords_ = std::max<uint64_t>(argArrayWords_, op->operands.size() + kScratchWords);
      if (op->op == Op::Release)
        argArrayWords_ = std::max<uint64_t>(argArrayWords_, 3 * dirtySlots(*op->state).size() + kScratchWords);
    }
  }
  sharedOutputWords_ = std::max<uint64_t>(sharedOutputWords_, 1);
}

llvm::AllocaInst* FunctionLowering::entryAlloca(llvm::Type* type, const char* name) {
  return allocas_.CreateAlloca(type, nullptr, name);
}

/// Memory for a helper's outputs. A helper that will be inlined gets a slot of its own, which then becomes a register;
/// the others share one area, so that frames stay small.
llvm::Value* FunctionLowering::outputSlot(llvm::Type* element, uint64_t count, bool ownSlot) {
  if (ownSlot && options_.optLevel > 0) {
    llvm::Type* type = count == 1 ? element : llvm::ArrayType::get(element, count);
    return entryAlloca(type, "out");
  }
  if (!sharedOutputs_) sharedOutputs_ = entryAlloca(llvm::ArrayType::get(i64_, sharedOutputWords_), "outputs");
  return sharedOutputs_;
}

/// Fills the shared argument array, which begins with the scratch words in front of the arguments.
void FunctionLowering::pushArgArray(llvm::ArrayRef<llvm::Value*> values,
                                    llvm::SmallVectorImpl<llvm::Value*>& arguments) {
  if (!argArray_) argArray_ = entryAlloca(llvm::ArrayType::get(ptr_, argArrayWords_), "args");
  for (size_t i = 0; i < values.size(); ++i) {
    builder_.CreateStore(values[i], builder_.CreateConstInBoundsGEP1_64(ptr_, argArray_, i + kScratchWords));
  }
  arguments.push_back(builder_.CreateConstInBoundsGEP1_64(ptr_, argArray_, kScratchWords));
  arguments.push_back(builder_.getInt64(values.size()));
}

llvm::CallInst* FunctionLowering::callHelper(const hir::Value& op, Helper helper, const HelperArguments& given) {
  const HelperInfo& info = hir::info(helper);
  llvm::Function* callee = declaration(helper);
  llvm::SmallVector<llvm::Value*, 8> arguments;
  size_t operand = 0, imm = 0, output = 0;
  bool good = true;
  for (const char* p = info.params; *p && good; ++p) {
    switch (*p) {
    case 'T': arguments.push_back(tstate_); break;
    case 'F': arguments.push_back(frame_); break;
    case 'B': arguments.push_back(builder_.getInt64(op.borrowed)); break;
    case 'I':
      good = imm < given.imms.size();
      if (good) arguments.push_back(builder_.getInt64(static_cast<uint64_t>(given.imms[imm++])));
      break;
    case 'K':
      good = imm < given.imms.size();
      if (good) arguments.push_back(siteCache(given.imms[imm++]));
      break;
    case 'A':
    case 'V':
      pushArgArray(given.operands.drop_front(operand), arguments);
      operand = given.operands.size();
      break;
    case 'X':
    case 'Y':
    case 'Z':
      good = output < given.outputs.size();
      if (good) arguments.push_back(given.outputs[output++]);
      break;
    default:
      good = operand < given.operands.size() && given.operands[operand]->getType() == parameterType(*p);
      if (good) arguments.push_back(given.operands[operand++]);
    }
  }
  if (!good || operand != given.operands.size() || imm != given.imms.size()) {
    fail(op, std::string("arguments do not fit helper ") + info.name + " (" + info.params + ")");
    for (size_t i = arguments.size(); i < callee->arg_size(); ++i) {
      arguments.push_back(llvm::PoisonValue::get(callee->getArg(i)->getType()));
    }
    arguments.resize(callee->arg_size());
  }
  llvm::CallInst* call = builder_.CreateCall(callee, arguments);
  // A box cannot fail: without memory the helper does not return.
  if (helper == Helper::BoxIntValue || helper == Helper::BoxFloatValue) call->addRetAttr(llvm::Attribute::NonNull);
  return call;
}

void FunctionLowering::lowerCall(const hir::Value& op) {
  if (op.helper >= Helper::kCount) return fail(op, "no helper");
  const HelperInfo& info = hir::info(op.helper);
  setInstruction(op);
  llvm::SmallVector<llvm::Value*, 8> operands;
  for (const hir::Value* operand : op.operands) operands.push_back(use(operand));
  llvm::SmallVector<llvm::Value*, 2> slots;
  for (const char* p = info.params; *p; ++p) {
    if (*p == 'X') slots.push_back(outputSlot(ptr_, std::max<uint64_t>(op.outputs, 1), info.inlined));
    if (*p == 'Y') slots.push_back(outputSlot(i64_, 1, info.inlined));
    if (*p == 'Z') slots.push_back(outputSlot(f64_, 1, info.inlined));
  }
  llvm::Value* result = callHelper(op, op.helper, {operands, op.imms, slots});
  if (error_) return;
  checkFailure(op, info, result);
  loadOutputs(op, info, slots);
  if (info.result == 'i') result = builder_.CreateSExt(result, i64_);
  if (op.hasResult()) {
    if (result->getType() != typeOf(op.type)) return fail(op, std::string("result type is not that of ") + info.name);
    define(op, result);
  }
}

/// Loads the outputs right behind the call, because the memory may be shared. `Output` ops only name them.
void FunctionLowering::loadOutputs(const hir::Value& op, const HelperInfo& info, llvm::ArrayRef<llvm::Value*> slots) {
  if (slots.empty()) return;
  std::vector<llvm::Value*>& loaded = outputs_[&op];
  size_t slot = 0;
  for (const char* p = info.params; *p; ++p) {
    if (!isOutput(*p)) continue;
    llvm::Type* type = *p == 'X' ? ptr_ : *p == 'Y' ? i64_ : f64_;
    const uint64_t count = *p == 'X' ? op.outputs : 1;
    for (uint64_t i = 0; i < count; ++i) {
      loaded.push_back(builder_.CreateLoad(type, builder_.CreateConstInBoundsGEP1_64(type, slots[slot], i)));
    }
    ++slot;
  }
}

void FunctionLowering::lowerOutput(const hir::Value& op) {
  const auto found = op.operands.empty() ? outputs_.end() : outputs_.find(op.operands[0]);
  if (found == outputs_.end() || static_cast<uint64_t>(op.imm) >= found->second.size()) {
    return fail(op, "no such output");
  }
  llvm::Value* value = found->second[static_cast<size_t>(op.imm)];
  if (value->getType() != typeOf(op.type)) return fail(op, "wrong type for this output");
  define(op, value);
}

void FunctionLowering::checkFailure(const hir::Value& op, const HelperInfo& info, llvm::Value* result) {
  llvm::Value* failed = nullptr;
  switch (info.failure) {
  case Failure::Never: return;
  case Failure::Null: failed = builder_.CreateIsNull(result); break;
  case Failure::Negative:
    failed = builder_.CreateICmpSLT(result, llvm::Constant::getNullValue(result->getType()));
    break;
  }
  if (!op.state) return fail(op, "a helper that can fail needs a frame state");
  caughtFailure_ = op.isCaught() ? failed : nullptr;
  if (caughtFailure_ != nullptr) return;
  branchToExit(op, failed, LeaveKind::Failed);
}

/// What a traceback or sys._getframe() sees while the op runs Python code. Ops without a state are within the
/// instruction of the op before them.
void FunctionLowering::setInstruction(const hir::Value& op) {
  if (op.effects() != Effects::Python || !op.state || instruction_ == op.state->offset) return;
  instruction_ = op.state->offset;
  callHelper(op, Helper::SetInstruction, {{}, {static_cast<int64_t>(op.state->offset)}, {}});
}

}  // namespace martlet::backend
