// SPDX-License-Identifier: MIT
// Building containers and strings, and taking them apart. Must not know: Python.h, LLVM.
#include "lowering/frontend/translator.h"

namespace martlet::frontend {

/// A short list or tuple of the expected length.
bool Translator::unpackItems(Value* sequence) {
  constexpr int32_t kMaxItems = 4;  // a call is shorter than the code for many
  const bool isList = ins_->special == Special::UnpackList;
  const bool isTuple = ins_->special == Special::UnpackTuple || ins_->special == Special::UnpackTwoTuple;
  const hir::Type type = isList ? types::List : types::Tuple;
  if (!speculates() || failure_ || (!isList && !isTuple) || ins_->arg > kMaxItems || !sequence->type.mayBe(type)) {
    return false;
  }
  guardType(sequence, type);
  Value* size = emit(Op::SizeOf, types::I64, {sequence});
  Value* isExpected =
      emit(Op::IntCompare, types::I1, {size, emit(Op::ConstInt, types::I64, {}, ins_->arg)}, hir::comparison::kEqual);
  emit(Op::GuardTrue, types::kNothing, {isExpected});
  Values items;
  for (int64_t i = 0; i < ins_->arg; ++i) {
    Value* index = emit(Op::ConstInt, types::I64, {}, i);
    items.push_back(emit(isList ? Op::ListItem : Op::TupleItem, types::kObject, {sequence, index}, hir::kIndexInRange));
  }
  for (auto item = items.rbegin(); item != items.rend(); ++item) push(*item);
  return true;
}

void Translator::lowerBuilding() {
  const int64_t arg = ins_->arg;
  switch (ins_->op) {
  case BytecodeOp::BuildTuple: return push(call(Helper::BuildTuple, popMany(arg)));
  case BytecodeOp::BuildList: return push(call(Helper::BuildList, popMany(arg)));
  case BytecodeOp::BuildSet: return push(call(Helper::BuildSet, popMany(arg)));
  case BytecodeOp::BuildMap: return push(call(Helper::BuildMap, popMany(2 * arg)));
  case BytecodeOp::BuildString: return push(call(Helper::BuildString, popMany(arg)));
  case BytecodeOp::BuildConstKeyMap: {
    Values operands{pop()};
    const Values values = popMany(arg);
    operands.insert(operands.end(), values.begin(), values.end());
    return push(call(Helper::BuildConstKeyMap, operands));
  }
  case BytecodeOp::BuildSlice: {
    Value* step = arg == 3 ? pop() : null();
    Value* stop = pop();
    Value* start = pop();
    if (!subscriptBySlice(start, stop, step)) push(call(Helper::BuildSlice, {start, stop, step}));
    return;
  }

  // The container is `arg` entries below the popped operands.
  case BytecodeOp::ListAppend: {
    Value* value = pop();
    call(Helper::ListAppend, {peek(arg), value});
    return;
  }
  case BytecodeOp::ListExtend: {
    Value* iterable = pop();
    call(Helper::ListExtend, {peek(arg), iterable});
    return;
  }
  case BytecodeOp::SetAdd: {
    Value* value = pop();
    call(Helper::SetAdd, {peek(arg), value});
    return;
  }
  case BytecodeOp::SetUpdate: {
    Value* iterable = pop();
    call(Helper::SetUpdate, {peek(arg), iterable});
    return;
  }
  case BytecodeOp::MapAdd: {
    Value* value = pop();
    Value* key = pop();
    call(Helper::MapAdd, {peek(arg), key, value});
    return;
  }
  case BytecodeOp::DictUpdate: {
    Value* update = pop();
    call(Helper::DictUpdate, {peek(arg), update});
    return;
  }
  case BytecodeOp::DictMerge: {
    Value* update = pop();
    call(Helper::DictMerge, {peek(arg + 3), peek(arg), update});  // callable, NULL, positional, dict
    return;
  }

  case BytecodeOp::UnpackSequence: {
    Value* sequence = pop();
    const auto count = static_cast<uint16_t>(arg);
    if (unpackItems(sequence)) return;
    return pushOutputs(call(Helper::UnpackSequence, {sequence}, {arg}, count), count);
  }
  case BytecodeOp::UnpackEx: {
    Value* sequence = pop();
    const int64_t ahead = arg & 0xff;
    const int64_t behind = arg >> 8;
    const auto count = static_cast<uint16_t>(ahead + 1 + behind);
    return pushOutputs(call(Helper::UnpackEx, {sequence}, {ahead, behind}, count), count);
  }

  case BytecodeOp::ConvertValue: return push(call(Helper::ConvertValue, {pop()}, {arg}));
  case BytecodeOp::FormatSimple: {
    Value* value = pop();
    const bool mayBeQuiet = !failure_ && speculates() && value->type.mayBe(types::Str | types::kNumber);
    return push(call(mayBeQuiet ? Helper::FormatQuiet : Helper::FormatSimple, {value}));
  }
  case BytecodeOp::FormatWithSpec: return push(call(Helper::FormatWithSpec, popMany(2)));
  default: return fail(BailoutReason::UnsupportedOpcode, name(ins_->op));
  }
}

}  // namespace martlet::frontend
