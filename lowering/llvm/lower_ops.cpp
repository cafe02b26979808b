// SPDX-License-Identifier: MIT
// One HIR op -> LLVM IR: the only full switch over the op table. Owns: what each op means. Must not know: how exits
// and helper calls are laid out (lower_exits.cpp, lower_calls.cpp).
#include <llvm/IR/Intrinsics.h>

#include <bit>

#include "lowering/llvm/lower.h"

namespace martlet::backend {

using hir::Helper;
using hir::Op;

namespace {

/// Up to here every int64 has an exact double.
constexpr int64_t kExactDouble = int64_t{1} << 53;

llvm::CmpInst::Predicate intPredicate(int64_t imm) {
  constexpr std::array kPredicates{llvm::CmpInst::ICMP_SLT, llvm::CmpInst::ICMP_SLE, llvm::CmpInst::ICMP_EQ,
                                   llvm::CmpInst::ICMP_NE,  llvm::CmpInst::ICMP_SGT, llvm::CmpInst::ICMP_SGE};
  return kPredicates[static_cast<size_t>(imm) % kPredicates.size()];
}

/// NaN is unequal to everything and neither less nor greater: all ordered but `!=`.
llvm::CmpInst::Predicate floatPredicate(int64_t imm) {
  constexpr std::array kPredicates{llvm::CmpInst::FCMP_OLT, llvm::CmpInst::FCMP_OLE, llvm::CmpInst::FCMP_OEQ,
                                   llvm::CmpInst::FCMP_UNE, llvm::CmpInst::FCMP_OGT, llvm::CmpInst::FCMP_OGE};
  return kPredicates[static_cast<size_t>(imm) % kPredicates.size()];
}

}  // namespace

void FunctionLowering::lowerOp(const hir::Value& op) {
  if (op.canExit() && !op.state) return fail(op, "no frame state");
  switch (op.op) {
  case Op::Param: return fail(op, "a parameter among the ops");
  case Op::ConstInt:
  case Op::ConstFloat:
  case Op::ConstBool:
  case Op::ConstObject:
  case Op::ConstNull: lowerConstant(op); return;
  case Op::IntAdd:
  case Op::IntSub:
  case Op::IntMul:
  case Op::IntStep:
  case Op::IntFloorDiv:
  case Op::IntMod:
  case Op::IntAnd:
  case Op::IntOr:
  case Op::IntXor:
  case Op::IntLshift:
  case Op::IntRshift:
  case Op::IntNeg:
  case Op::IntInvert:
  case Op::IntCompare: lowerInt(op); return;
  case Op::FloatAdd:
  case Op::FloatSub:
  case Op::FloatMul:
  case Op::FloatDiv:
  case Op::FloatFloorDiv:
  case Op::FloatMod:
  case Op::FloatPow:
  case Op::FloatNeg:
  case Op::FloatCompare: lowerFloat(op); return;
  case Op::UnboxInt:
  case Op::UnboxFloat:
  case Op::BoxInt:
  case Op::BoxFloat:
  case Op::BoxBool:
  case Op::BoolToInt:
  case Op::IntToFloat: lowerConversion(op); return;
  case Op::BoolNot:
  case Op::ObjectIs:
  case Op::IsNull:
  case Op::GuardType:
  case Op::GuardQuiet:
  case Op::GuardTrue:
  case Op::GuardUnseen:
  case Op::GuardGlobals:
  case Op::GuardValid:
  case Op::Safepoint: lowerGuardOrTest(op); return;
  case Op::LoadLocal:
  case Op::LoadStack:
  case Op::StoreLocal:
  case Op::SyncLocal:
  case Op::SyncLocalIf:
  case Op::TakeLocal:
  case Op::CopyLocal:
  case Op::IncRef:
  case Op::DecRef: lowerReference(op); return;
  case Op::Release: return lowerRelease(op);
  case Op::ListItem:
  case Op::TupleItem:
  case Op::HasNext:
  case Op::ListNext:
  case Op::TupleNext:
  case Op::Field:
  case Op::ListStore:
  case Op::ListStoreFloat:
  case Op::ArrayFloat:
  case Op::ArrayInt:
  case Op::ArrayStoreFloat:
  case Op::ArrayStoreInt:
  case Op::GuardUnlearned:
  case Op::RangeLength:
  case Op::EnterRange:
  case Op::RangeField:
  case Op::SizeOf: lowerContainer(op); return;
  case Op::RangeView:
  case Op::DeferredRange:
  case Op::TupleView:          // only exits know them
  case Op::KeepAlive: return;  // told the refcount pass what it is for
  case Op::ConcatLocal: return lowerConcatLocal(op);
  case Op::CallRuntime: return lowerCall(op);
  case Op::Output: return lowerOutput(op);
  case Op::Jump:
  case Op::Branch:
  case Op::BranchFailed:
  case Op::Return:
  case Op::Exit:
  case Op::Unreachable:
  case Op::DeferLocal:
  case Op::DeferLocalIf:
  case Op::kCount: return fail(op, "not lowered as an op");
  }
}

bool FunctionLowering::lowerConstant(const hir::Value& op) {
  switch (op.op) {
  case Op::ConstInt: define(op, builder_.getInt64(static_cast<uint64_t>(op.imm))); return true;
  case Op::ConstFloat: define(op, llvm::ConstantFP::get(f64_, std::bit_cast<double>(op.imm))); return true;
  case Op::ConstBool: define(op, builder_.getInt1(op.imm != 0)); return true;
  case Op::ConstNull: define(op, llvm::Constant::getNullValue(ptr_)); return true;
  case Op::ConstObject:
    if (static_cast<uint64_t>(op.imm) >= hir_.objects.size()) {
      fail(op, "no such object");
      return false;
    }
    define(op, objectAddress(static_cast<size_t>(op.imm)));
    return true;
  default: return false;
  }
}

void FunctionLowering::lowerOverflow(const hir::Value& op, llvm::Intrinsic::ID intrinsic, llvm::Value* lhs,
                                     llvm::Value* rhs) {
  llvm::Value* pair = builder_.CreateIntrinsic(intrinsic, {i64_}, {lhs, rhs});
  define(op, builder_.CreateExtractValue(pair, 0));
  exitIf(op, builder_.CreateExtractValue(pair, 1));
}

/// Arithmetic that is a helper: true and an output, or false and an exit.
void FunctionLowering::lowerIntHelper(const hir::Value& op, Helper helper) {
  llvm::Value* slot = outputSlot(i64_, 1, true);
  llvm::SmallVector<llvm::Value*, 3> operands;
  for (const hir::Value* operand : op.operands) operands.push_back(use(operand));
  llvm::Value* good = callHelper(op, helper, {.operands = operands, .imms = {}, .outputs = {slot}});
  exitUnless(op, good);
  define(op, builder_.CreateLoad(i64_, slot));
}

bool FunctionLowering::lowerInt(const hir::Value& op) {
  llvm::Value* lhs = use(op.operands[0]);
  llvm::Value* rhs = op.operands.size() > 1 ? use(op.operands[1]) : nullptr;
  switch (op.op) {
  case Op::IntAdd: lowerOverflow(op, llvm::Intrinsic::sadd_with_overflow, lhs, rhs); return true;
  case Op::IntSub: lowerOverflow(op, llvm::Intrinsic::ssub_with_overflow, lhs, rhs); return true;
  case Op::IntMul: lowerOverflow(op, llvm::Intrinsic::smul_with_overflow, lhs, rhs); return true;
  case Op::IntStep: define(op, builder_.CreateNSWAdd(lhs, rhs)); return true;
  case Op::IntNeg: lowerOverflow(op, llvm::Intrinsic::ssub_with_overflow, builder_.getInt64(0), lhs); return true;
  case Op::IntFloorDiv: lowerIntHelper(op, Helper::IntFloorDivValue); return true;
  case Op::IntMod: lowerIntHelper(op, Helper::IntModValue); return true;
  case Op::IntLshift: lowerIntHelper(op, Helper::IntLshiftValue); return true;
  case Op::IntRshift: lowerIntHelper(op, Helper::IntRshiftValue); return true;
  case Op::IntAnd: define(op, builder_.CreateAnd(lhs, rhs)); return true;
  case Op::IntOr: define(op, builder_.CreateOr(lhs, rhs)); return true;
  case Op::IntXor: define(op, builder_.CreateXor(lhs, rhs)); return true;
  case Op::IntInvert: define(op, builder_.CreateNot(lhs)); return true;
  case Op::IntCompare: define(op, builder_.CreateICmp(intPredicate(op.imm), lhs, rhs)); return true;
  default: return false;
  }
}

bool FunctionLowering::lowerFloat(const hir::Value& op) {
  llvm::Value* lhs = use(op.operands[0]);
  llvm::Value* rhs = op.operands.size() > 1 ? use(op.operands[1]) : nullptr;
  switch (op.op) {
  case Op::FloatAdd: define(op, builder_.CreateFAdd(lhs, rhs)); return true;
  case Op::FloatSub: define(op, builder_.CreateFSub(lhs, rhs)); return true;
  case Op::FloatMul: define(op, builder_.CreateFMul(lhs, rhs)); return true;
  case Op::FloatDiv:
    exitIf(op, builder_.CreateFCmpOEQ(rhs, llvm::ConstantFP::get(f64_, 0.0)));
    define(op, builder_.CreateFDiv(lhs, rhs));
    return true;
  case Op::FloatFloorDiv:
  case Op::FloatMod: {
    const Helper helper = op.op == Op::FloatMod ? Helper::FloatModValue : Helper::FloatFloorDivValue;
    exitIf(op, builder_.CreateFCmpOEQ(rhs, llvm::ConstantFP::get(f64_, 0.0)));
    define(op, callHelper(op, helper, {{lhs, rhs}, {}, {}}));
    return true;
  }
  case Op::FloatPow: {
    llvm::Value* slot = outputSlot(f64_, 1, false);
    exitUnless(op, callHelper(op, Helper::FloatPowValue, {{lhs, rhs}, {}, {slot}}));
    define(op, builder_.CreateLoad(f64_, slot));
    return true;
  }
  case Op::FloatNeg: define(op, builder_.CreateFNeg(lhs)); return true;
  case Op::FloatCompare: define(op, builder_.CreateFCmp(floatPredicate(op.imm), lhs, rhs)); return true;
  default: return false;
  }
}

void FunctionLowering::lowerUnbox(const hir::Value& op, Helper helper, llvm::Type* type) {
  llvm::Value* slot = outputSlot(type, 1, true);
  llvm::Value* good = callHelper(op, helper, {.operands = {use(op.operands[0])}, .imms = {}, .outputs = {slot}});
  exitUnless(op, good);
  define(op, builder_.CreateLoad(type, slot));
}

/// Exits outside of +-2^53 rather than converting there and back, which would be undefined for 2^63 - 1. A larger int
/// that happens to have an exact double exits, too: correct, and rare.
void FunctionLowering::lowerIntToFloat(const hir::Value& op) {
  llvm::Value* value = use(op.operands[0]);
  llvm::Value* shifted = builder_.CreateAdd(value, builder_.getInt64(kExactDouble));
  exitIf(op, builder_.CreateICmpUGT(shifted, builder_.getInt64(2 * kExactDouble)));
  define(op, builder_.CreateSIToFP(value, f64_));
}

bool FunctionLowering::lowerConversion(const hir::Value& op) {
  llvm::Value* value = use(op.operands[0]);
  switch (op.op) {
  case Op::UnboxInt: lowerUnbox(op, Helper::UnboxIntValue, i64_); return true;
  case Op::UnboxFloat: lowerUnbox(op, Helper::UnboxFloatValue, f64_); return true;
  case Op::BoxInt: define(op, callHelper(op, Helper::BoxIntValue, {{value}, {}, {}})); return true;
  case Op::BoxFloat: define(op, callHelper(op, Helper::BoxFloatValue, {{value}, {}, {}})); return true;
  case Op::BoxBool: define(op, callHelper(op, Helper::BoxBoolValue, {{value}, {}, {}})); return true;
  case Op::BoolToInt: define(op, builder_.CreateZExt(use(op.operands[0]), i64_)); return true;
  case Op::IntToFloat: lowerIntToFloat(op); return true;
  default: return false;
  }
}

/// One comparison for each class while they are few.
llvm::Value* FunctionLowering::hasType(const hir::Value& op, llvm::Value* object, hir::Type type) {
  constexpr int kFew = 3;
  if (type.mayBe(hir::types::OtherObject) || std::popcount(type.bits()) > kFew) {
    return callHelper(op, Helper::HasType, {{object}, {static_cast<int64_t>(type.bits())}, {}});
  }
  llvm::Value* result = builder_.getFalse();
  for (uint32_t left = type.without(hir::types::Null).bits(); left != 0; left &= left - 1) {
    llvm::Value* is = callHelper(op, Helper::HasClass, {{object}, {std::countr_zero(left)}, {}});
    result = builder_.CreateOr(result, is);
  }
  return result;
}

bool FunctionLowering::lowerGuardOrTest(const hir::Value& op) {
  llvm::Value* value = op.operands.empty() ? nullptr : use(op.operands[0]);
  switch (op.op) {
  case Op::BoolNot: define(op, builder_.CreateNot(value)); return true;
  case Op::ObjectIs: define(op, builder_.CreateICmpEQ(value, use(op.operands[1]))); return true;
  case Op::IsNull: define(op, builder_.CreateIsNull(value)); return true;
  case Op::GuardType: exitUnless(op, hasType(op, value, hir::Type(static_cast<uint32_t>(op.imm)))); return true;
  case Op::GuardQuiet: exitUnless(op, callHelper(op, Helper::IsQuiet, {{value}, {}, {}})); return true;
  case Op::GuardTrue: exitUnless(op, value); return true;
  case Op::GuardGlobals: {
    llvm::Value* globals = objectAddress(static_cast<size_t>(op.imm));
    llvm::Value* builtins = objectAddress(static_cast<size_t>(op.imm) + 1);
    exitUnless(op, callHelper(op, Helper::FrameHasGlobals, {{globals, builtins}, {}, {}}));
    return true;
  }
  case Op::GuardValid: {
    llvm::Value* word = builder_.CreateLoad(i64_, objectAddress(static_cast<size_t>(op.imm)));
    exitIf(op, builder_.CreateIsNotNull(word));
    return true;
  }
  case Op::GuardUnseen: exitIf(op, callHelper(op, Helper::FrameIsSeen, {})); return true;
  case Op::Safepoint: exitIf(op, callHelper(op, Helper::SafepointPending, {})); return true;
  default: return false;
  }
}

/// An item whose class matters is compared while nothing of the instruction has happened yet.
void FunctionLowering::lowerItem(const hir::Value& op) {
  const bool isField = op.op == Op::Field;
  const bool isList = op.op == Op::ListItem || op.op == Op::ListNext;
  const bool isNext = op.op == Op::ListNext || op.op == Op::TupleNext;
  llvm::SmallVector<llvm::Value*, 2> operands;
  for (const hir::Value* operand : op.operands) operands.push_back(use(operand));
  llvm::Value* item = nullptr;
  if (isNext) {
    item = callHelper(op, isList ? Helper::ListPeek : Helper::TuplePeek, {operands, {}, {}});
  } else if (isField) {
    llvm::Value* slot = outputSlot(ptr_, 1, true);
    exitUnless(op, callHelper(op, Helper::FieldValue, {operands, {op.imm}, {slot}}));
    item = builder_.CreateLoad(ptr_, slot);
  } else if ((op.imm & hir::kIndexInRange) != 0) {
    item = callHelper(op, isList ? Helper::ListItemInRange : Helper::TupleItemInRange, {operands, {}, {}});
  } else {
    llvm::Value* slot = outputSlot(ptr_, 1, true);
    exitUnless(op, callHelper(op, isList ? Helper::ListItemValue : Helper::TupleItemValue, {operands, {}, {slot}}));
    item = builder_.CreateLoad(ptr_, slot);
  }
  if (op.type != hir::types::kObject) {
    llvm::Value* isOther = builder_.CreateNot(hasType(op, item, op.type));
    branchToExit(op, forced(isOther), LeaveKind::Exit, hir::ExitReason::ItemType);
  }
  if (isNext) callHelper(op, Helper::SkipItem, {operands, {}, {}});
  if (op.ownership() == hir::Ownership::Owned) callHelper(op, Helper::IncRef, {{item}, {}, {}});
  define(op, item);
}

/// A store that was done is not done again: a stress test's exit comes before it.
void FunctionLowering::lowerStore(const hir::Value& op, Helper helper, llvm::ArrayRef<llvm::Value*> operands,
                                  llvm::ArrayRef<int64_t> imms) {
  if (options_.forceExitEvery > 0) exitIf(op, builder_.getFalse());
  llvm::Value* done = callHelper(op, helper, {operands, imms, {}});
  branchToExit(op, builder_.CreateNot(done), LeaveKind::Exit);
}

void FunctionLowering::lowerArrayItem(const hir::Value& op, llvm::ArrayRef<llvm::Value*> operands) {
  const bool isFloat = op.op == Op::ArrayFloat;
  llvm::Type* type = isFloat ? f64_ : i64_;
  llvm::Value* slot = outputSlot(type, 1, true);
  exitUnless(op, isFloat ? callHelper(op, Helper::ArrayFloatValue, {operands, {}, {slot}})
                         : callHelper(op, Helper::ArrayIntValue, {operands, {op.imm}, {slot}}));
  define(op, builder_.CreateLoad(type, slot));
}

bool FunctionLowering::lowerContainer(const hir::Value& op) {
  llvm::SmallVector<llvm::Value*, 3> operands;
  for (const hir::Value* operand : op.operands) operands.push_back(use(operand));
  switch (op.op) {
  case Op::ListItem:
  case Op::TupleItem:
  case Op::ListNext:
  case Op::TupleNext:
  case Op::Field: lowerItem(op); return true;
  case Op::HasNext:
    define(op, callHelper(op, op.imm == 0 ? Helper::ListHasNext : Helper::TupleHasNext, {operands, {}, {}}));
    return true;
  case Op::ListStore: lowerStore(op, Helper::ListStoreItem, operands); return true;
  case Op::ListStoreFloat: lowerStore(op, Helper::ListStoreFloatItem, operands); return true;
  case Op::ArrayFloat:
  case Op::ArrayInt: lowerArrayItem(op, operands); return true;
  case Op::ArrayStoreFloat: lowerStore(op, Helper::ArrayStoreFloatItem, operands); return true;
  case Op::ArrayStoreInt: lowerStore(op, Helper::ArrayStoreIntItem, operands, op.imm); return true;
  case Op::GuardUnlearned:
    exitUnless(op, callHelper(op, Helper::OperandsUnlearned, {operands, {op.imm & UINT32_MAX, op.imm >> 32}, {}}));
    return true;
  case Op::RangeLength: lowerIntHelper(op, Helper::RangeLengthValue); return true;
  case Op::EnterRange:
    exitUnless(op, callHelper(op, Helper::IsOwnRange, {operands, {}, {}}));
    define(op, operands[0]);
    return true;
  case Op::RangeField: define(op, callHelper(op, Helper::RangeFieldValue, {operands, {op.imm}, {}})); return true;
  case Op::SizeOf: define(op, callHelper(op, Helper::SizeOfValue, {operands, {}, {}})); return true;
  default: return false;
  }
}

void FunctionLowering::lowerRefcount(const hir::Value& op, Helper plain, Helper nullable) {
  const hir::Type type = op.operands[0]->type;
  if (type == hir::types::Null) return;
  callHelper(op, type.mayBe(hir::types::Null) ? nullable : plain, {{use(op.operands[0])}, {}, {}});
}

bool FunctionLowering::lowerReference(const hir::Value& op) {
  switch (op.op) {
  case Op::LoadLocal: define(op, callHelper(op, Helper::LoadLocalSlot, {{}, {op.imm}, {}})); return true;
  case Op::LoadStack: {
    const int64_t slot = hir_.localCount + op.imm;
    define(op, callHelper(op, Helper::LoadLocalSlot, {{}, {slot}, {}}));
    return true;
  }
  case Op::StoreLocal: callHelper(op, Helper::StoreLocalSlot, {{use(op.operands[0])}, {op.imm}, {}}); return true;
  case Op::SyncLocal: callHelper(op, Helper::SyncLocalSlot, {{use(op.operands[0])}, {op.imm}, {}}); return true;
  case Op::SyncLocalIf: syncLocalIf(op, *op.operands[0], *op.operands[1], op.imm); return true;
  case Op::TakeLocal:
    define(op, callHelper(op, Helper::TakeLocalSlot, {{use(op.operands[0])}, {op.imm}, {}}));
    return true;
  case Op::CopyLocal:
    callHelper(op, Helper::CopyLocalSlot, {{use(op.operands[0])}, {op.imm & 0xffffffff, op.imm >> 32}, {}});
    return true;
  case Op::IncRef: lowerRefcount(op, Helper::IncRef, Helper::XIncRef); return true;
  case Op::DecRef: lowerRefcount(op, Helper::DecRef, Helper::XDecRef); return true;
  default: return false;
  }
}

void FunctionLowering::syncLocalIf(const hir::Value& op, const hir::Value& number, const hir::Value& condition,
                                   int64_t slot) {
  const bool isInt = exitKindOf(number.type) == ExitValue::Kind::Int;
  callHelper(op, isInt ? Helper::SyncIntIf : Helper::SyncFloatIf, {{use(&condition), use(&number)}, {slot}, {}});
}

/// What a finalizer may look at is brought up to date out of the way.
void FunctionLowering::lowerRelease(const hir::Value& op) {
  const hir::Value* object = op.operands[0];
  const bool mayBeNull = object->type.mayBe(hir::types::Null);
  llvm::Value* last =
      callHelper(op, mayBeNull ? Helper::XDropReference : Helper::DropReference, {{use(object)}, {}, {}});
  llvm::BasicBlock* dying = newBlock("last");
  llvm::BasicBlock* next = newBlock("");
  builder_.CreateCondBr(last, dying, next, unlikely_);
  builder_.SetInsertPoint(dying);
  const std::vector<size_t> slots = dirtySlots(*op.state);
  if (slots.empty()) {
    callHelper(op, Helper::EndShown, {{use(object)}, {static_cast<int64_t>(op.state->offset)}, {}});
  } else {
    llvm::BasicBlock* loud = newBlock("loud");
    builder_.CreateCondBr(callHelper(op, Helper::EndQuietly, {{use(object)}, {}, {}}), next, loud);
    builder_.SetInsertPoint(loud);
    endLoudly(op, slots);
  }
  builder_.CreateBr(next);
  builder_.SetInsertPoint(next);
}

/// The end of an object that may run Python code, where there are dirty slots.
void FunctionLowering::endLoudly(const hir::Value& op, std::vector<size_t> slots) {
  llvm::SmallVector<llvm::Value*, 8> operands{use(op.operands[0])};
  // Slots with one value get one object.
  const auto place = [&](size_t slot) { return std::pair(op.state->locals[slot]->id, slot); };
  std::sort(slots.begin(), slots.end(), [&](size_t a, size_t b) { return place(a) < place(b); });
  for (size_t i = 0; i < slots.size(); ++i) {
    const hir::Value* value = op.state->locals[slots[i]];
    const hir::Value* condition = op.state->conditionOf(slots[i]);
    const bool isOne = condition == nullptr || !value->type.isSubtypeOf(hir::types::kNumberOrSlot);
    const bool shared = i > 0 && isOne && op.state->locals[slots[i - 1]] == value;
    const uint64_t word = SlotWord{slots[i], exitKindOf(value->type), shared, condition != nullptr}.pack();
    operands.push_back(builder_.CreateIntToPtr(builder_.getInt64(word), ptr_));
    operands.push_back(asWord(use(value)));
    if (condition != nullptr) operands.push_back(asWord(use(condition)));
  }
  callHelper(op, Helper::ReleaseLast, {operands, {static_cast<int64_t>(op.state->offset)}, {}});
}

/// A value's word in an argument array.
llvm::Value* FunctionLowering::asWord(llvm::Value* value) {
  if (value->getType() == f64_) value = builder_.CreateBitCast(value, i64_);
  if (value->getType() == i1_) value = builder_.CreateZExt(value, i64_);
  return value->getType() == i64_ ? builder_.CreateIntToPtr(value, ptr_) : value;
}

void FunctionLowering::lowerConcatLocal(const hir::Value& op) {
  setInstruction(op);
  llvm::Value* result = callHelper(op, Helper::ConcatLocalSlot, {{use(op.operands[0])}, {op.imm}, {}});
  checkFailure(op, hir::info(Helper::ConcatLocalSlot), result);
  define(op, result);
}

}  // namespace martlet::backend
