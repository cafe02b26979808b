// SPDX-License-Identifier: MIT
// The driver of the translation: entries, blocks in order of their first instruction, and the dispatch by area.
// Must not know: Python.h, LLVM.
#include "lowering/frontend/translator.h"

#include <utility>

#include "lowering/hir/analysis.h"

namespace martlet::frontend {

namespace {

constexpr size_t kMaxInstructions = 20000;
/// Bound of the block parameters that a translation starts with (passes remove most of them).
constexpr size_t kMaxParams = 1000000;
/// Bound of the values in frame states: each op that can exit lists all locals.
constexpr size_t kMaxStateValues = 8000000;

}  // namespace

Translator::Translator(const Snapshot& snapshot, const ControlFlow& flow, TranslationUnit& unit)
    : snapshot_(snapshot), flow_(flow), unit_(unit), function_(unit.function), plans_(snapshot.instructions.size()) {
  function_.name = snapshot.name;
  function_.localCount = snapshot.localCount;
  function_.stackSize = snapshot.stackSize;
  function_.objects = snapshot.objects;
  function_.siteCaches = snapshot.siteCaches;
  function_.blocked.assign(snapshot.blocked.begin(), snapshot.blocked.end());
  unit_.known.insert(snapshot.known.begin(), snapshot.known.end());
}

bool Translator::run() {
  for (const ResolvedEntry& entry : flow_.entries) makeEntry(entry);
  translatePending();
  if (failure_) return false;
  guardMethodLoads();
  function_.recomputePredecessors();
  narrowParams();
  return true;
}

void Translator::fail(BailoutReason reason, std::string detail) {
  if (failure_) return;
  failure_ = Bailout{reason, ins_ != nullptr ? ins_->offset : 0, std::move(detail)};
}

bool Translator::isFilledByPrologue(int64_t slot) const {
  const auto begin = snapshot_.instructions.begin();
  return slot >= snapshot_.freeVarBase ||
         std::any_of(begin, begin + snapshot_.firstTraceable,
                     [=](const Instruction& i) { return i.op == BytecodeOp::MakeCell && i.arg == slot; });
}

/// A block that takes the frame's content and goes on where the entry is.
void Translator::makeEntry(const ResolvedEntry& entry) {
  ins_ = &snapshot_.instructions[entry.index];
  blocked_ = false;
  if (entry.stackDepth > snapshot_.stackSize) {
    return fail(BailoutReason::MalformedBytecode, "an entry deeper than the stack");
  }
  block_ = function_.newBlock();
  function_.entries.push_back({entry.offset, entry.stackDepth, block_, entry.seen});
  // At the start of a call only the arguments are bound: cells are not made and free variables not copied yet. Behind
  // the prologue of a frame that the interpreter pushed, these are.
  const bool isCall = entry.offset == 0 && !snapshot_.isGenerator;
  const bool isStart = entry.index == snapshot_.firstTraceable && !snapshot_.isGenerator;
  locals_.clear();
  stack_.clear();
  for (uint16_t slot = 0; slot < snapshot_.localCount; ++slot) {
    if (slot >= snapshot_.argCount && (isCall || (isStart && !isFilledByPrologue(slot)))) {
      locals_.push_back(null());
    } else {
      locals_.push_back(emit(Op::LoadLocal, isCall ? types::kObject : types::kNullable, {}, slot));
    }
  }
  for (uint16_t slot = 0; slot < entry.stackDepth; ++slot) {
    stack_.push_back(emit(Op::LoadStack, types::kNullable, {}, slot));
  }
  before_ = stack_;
  block_->entry = makeState();
  block_->entry->offset = block_->entry->resumeOffset = entry.offset;  // an EXTENDED_ARG, where there is one
  endWithJump(entry.index);
}

void Translator::translatePending() {
  while (!pending_.empty() && !failure_) {
    const uint32_t leader = *pending_.begin();
    pending_.erase(pending_.begin());
    translateBlock(leader);
  }
}

void Translator::translateBlock(uint32_t leader) {
  block_ = plans_[leader].block;
  if (inlined_ == nullptr) {
    locals_ = block_->entry->locals;
    stack_ = block_->entry->stack;
  } else {
    locals_ = plans_[leader].locals;
    stack_ = plans_[leader].stack;
    region_ = plans_[leader].region;
  }
  translateFrom(leader);
}

void Translator::translateFrom(uint32_t index) {
  while (true) {
    beginInstruction(index);
    emitLearned();
    if (flow_.leftOut[index]) return endWithExit(hir::ExitReason::NotRun);
    if (inlined_ == nullptr || !lowerInlined()) lowerInstruction();
    if (failure_ || block_ == nullptr) return;
    if (stack_.size() > snapshot_.stackSize)
      return fail(BailoutReason::MalformedBytecode, "the operand stack overflows");
    index = next_;
    if (flow_.isLeader(index)) return endWithJump(index);
  }
}

void Translator::beginInstruction(uint32_t index) {
  index_ = index;
  next_ = index + 1;
  ins_ = &snapshot_.instructions[index];
  before_ = stack_;
  blocked_ = snapshot_.blocked.contains(kBlockAll) || snapshot_.blocked.contains(ins_->offset) || isMixed(*ins_);
}

/// A parameter's type is the union of what its edges bring. The smallest solution: start from nothing and grow.
void Translator::narrowParams() {
  for (auto& block : function_.blocks) {
    for (Value* param : block->params) param->type = types::kNothing;
  }
  hir::growAlongEdges(function_, [](Value& param, const Value& argument) {
    const hir::Type joined = param.type | argument.type;
    return std::exchange(param.type, joined) != joined;
  });
}

void Translator::lowerInstruction() {
  switch (ins_->op) {
  case BytecodeOp::Copy:
  case BytecodeOp::CopyFreeVars:
  case BytecodeOp::DeleteDeref:
  case BytecodeOp::DeleteFast:
  case BytecodeOp::EndFor:
  case BytecodeOp::LoadAssertionError:
  case BytecodeOp::LoadConst:
  case BytecodeOp::LoadDeref:
  case BytecodeOp::LoadFast:
  case BytecodeOp::LoadFastAndClear:
  case BytecodeOp::LoadFastCheck:
  case BytecodeOp::LoadFromDictOrDeref:
  case BytecodeOp::MakeCell:
  case BytecodeOp::Nop:
  case BytecodeOp::PopTop:
  case BytecodeOp::PushNull:
  case BytecodeOp::StoreDeref:
  case BytecodeOp::StoreFast:
  case BytecodeOp::Swap: return lowerStack();

  case BytecodeOp::BinaryOp:
  case BytecodeOp::CompareOp:
  case BytecodeOp::ContainsOp:
  case BytecodeOp::IsOp:
  case BytecodeOp::ToBool:
  case BytecodeOp::UnaryInvert:
  case BytecodeOp::UnaryNegative:
  case BytecodeOp::UnaryNot: return lowerArithmetic();

  case BytecodeOp::BinarySlice:
  case BytecodeOp::BinarySubscr:
  case BytecodeOp::DeleteSubscr:
  case BytecodeOp::StoreSlice:
  case BytecodeOp::StoreSubscr: return lowerSubscript();

  case BytecodeOp::DeleteAttr:
  case BytecodeOp::LoadAttr:
  case BytecodeOp::LoadSuperAttr:
  case BytecodeOp::StoreAttr: return lowerAttribute();

  case BytecodeOp::DeleteGlobal:
  case BytecodeOp::DeleteName:
  case BytecodeOp::ImportFrom:
  case BytecodeOp::ImportName:
  case BytecodeOp::LoadBuildClass:
  case BytecodeOp::LoadFromDictOrGlobals:
  case BytecodeOp::LoadGlobal:
  case BytecodeOp::LoadLocals:
  case BytecodeOp::LoadName:
  case BytecodeOp::SetupAnnotations:
  case BytecodeOp::StoreGlobal:
  case BytecodeOp::StoreName: return lowerName();

  case BytecodeOp::Call:
  case BytecodeOp::CallFunctionEx:
  case BytecodeOp::CallIntrinsic1:
  case BytecodeOp::CallIntrinsic2:
  case BytecodeOp::CallKw:
  case BytecodeOp::MakeFunction:
  case BytecodeOp::SetFunctionAttribute: return lowerCall();

  case BytecodeOp::BuildConstKeyMap:
  case BytecodeOp::BuildList:
  case BytecodeOp::BuildMap:
  case BytecodeOp::BuildSet:
  case BytecodeOp::BuildSlice:
  case BytecodeOp::BuildString:
  case BytecodeOp::BuildTuple:
  case BytecodeOp::ConvertValue:
  case BytecodeOp::DictMerge:
  case BytecodeOp::DictUpdate:
  case BytecodeOp::FormatSimple:
  case BytecodeOp::FormatWithSpec:
  case BytecodeOp::ListAppend:
  case BytecodeOp::ListExtend:
  case BytecodeOp::MapAdd:
  case BytecodeOp::SetAdd:
  case BytecodeOp::SetUpdate:
  case BytecodeOp::UnpackEx:
  case BytecodeOp::UnpackSequence: return lowerBuilding();

  case BytecodeOp::ForIter:
  case BytecodeOp::GetIter:
  case BytecodeOp::JumpBackward:
  case BytecodeOp::JumpBackwardNoInterrupt:
  case BytecodeOp::JumpForward:
  case BytecodeOp::PopJumpIfFalse:
  case BytecodeOp::PopJumpIfNone:
  case BytecodeOp::PopJumpIfNotNone:
  case BytecodeOp::PopJumpIfTrue:
  case BytecodeOp::Resume:
  case BytecodeOp::ReturnConst:
  case BytecodeOp::ReturnValue: return lowerControl();

  case BytecodeOp::BeforeAsyncWith:
  case BytecodeOp::BeforeWith:
  case BytecodeOp::CheckEgMatch:
  case BytecodeOp::CheckExcMatch:
  case BytecodeOp::CleanupThrow:
  case BytecodeOp::EndAsyncFor:
  case BytecodeOp::PopExcept:
  case BytecodeOp::PushExcInfo:
  case BytecodeOp::RaiseVarargs:
  case BytecodeOp::Reraise:
  case BytecodeOp::WithExceptStart: return lowerException();

  case BytecodeOp::EndSend:
  case BytecodeOp::GetAiter:
  case BytecodeOp::GetAnext:
  case BytecodeOp::GetAwaitable:
  case BytecodeOp::GetYieldFromIter:
  case BytecodeOp::ReturnGenerator:
  case BytecodeOp::Send:
  case BytecodeOp::YieldValue: return lowerGenerator();

  case BytecodeOp::GetLen:
  case BytecodeOp::MatchClass:
  case BytecodeOp::MatchKeys:
  case BytecodeOp::MatchMapping:
  case BytecodeOp::MatchSequence: return lowerMatch();

  case BytecodeOp::ExitInitCheck:
    // Only in a frame that the interpreter makes for itself, around a class's __init__.
    return fail(BailoutReason::MalformedBytecode, "EXIT_INIT_CHECK outside the interpreter's own code");
  case BytecodeOp::kCount: break;
  }
  fail(BailoutReason::UnsupportedOpcode, "unknown instruction");
}

Result<hir::Function> translate(const Snapshot& snapshot, std::span<const EntryRequest> entries) {
  if (snapshot.instructions.size() > kMaxInstructions) {
    return Bailout{BailoutReason::TooLarge, 0, std::to_string(snapshot.instructions.size()) + " instructions"};
  }
  const size_t stateValues = snapshot.instructions.size() * (size_t{snapshot.localCount} + snapshot.stackSize / 4);
  if (stateValues > kMaxStateValues) {
    return Bailout{BailoutReason::TooLarge, 0, std::to_string(snapshot.localCount) + " locals"};
  }
  Result<ControlFlow> flow = analyzeControlFlow(snapshot, entries);
  if (!flow) return flow.bailout();
  const size_t params = size_t{flow->joins} * (size_t{snapshot.localCount} + snapshot.stackSize);
  if (params > kMaxParams) return Bailout{BailoutReason::TooLarge, 0, std::to_string(params) + " block parameters"};
  TranslationUnit unit;
  Translator translator(snapshot, *flow, unit);
  if (!translator.run()) return *translator.failure();
  return std::move(unit.function);
}

std::vector<EntryRequest> allRoots(const Snapshot& snapshot) {
  std::vector<EntryRequest> roots{{0, 0}};
  std::set<uint32_t> seen;
  for (const Handler& handler : snapshot.handlers) {
    if (!seen.insert(handler.target).second) continue;
    const int depth = handler.depth + (handler.pushLasti ? 1 : 0) + 1;
    roots.push_back({handler.target, static_cast<uint16_t>(depth)});
  }
  return roots;
}

}  // namespace martlet::frontend
