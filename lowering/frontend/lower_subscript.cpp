// SPDX-License-Identifier: MIT
// Subscripts and slices. Must not know: Python.h, LLVM.
#include "lowering/frontend/translator.h"
#include "lowering/native_abi.h"

namespace martlet::frontend {

namespace {

Helper subscriptHelper(Special special) {
  switch (special) {
  case Special::SubscrListInt: return Helper::SubscrListInt;
  case Special::SubscrTupleInt: return Helper::SubscrTupleInt;
  case Special::SubscrStrInt: return Helper::SubscrStrInt;
  case Special::SubscrDict: return Helper::SubscrDict;
  case Special::SubscrGetitem: return Helper::SubscrGetitem;
  default: return Helper::Subscr;
  }
}

Helper storeHelper(Special special) {
  switch (special) {
  case Special::StoreSubscrListInt: return Helper::StoreSubscrListInt;
  case Special::StoreSubscrDict: return Helper::StoreSubscrDict;
  default: return Helper::StoreSubscr;
  }
}

}  // namespace

/// An item of a list or tuple, without a call and without anything that Python code could notice.
bool Translator::loadItem(Value* container, Value* key) {
  if (!speculates() || failure_ || !key->type.mayBe(types::Long)) return false;
  const bool isList = ins_->special == Special::SubscrListInt;
  const hir::Type type = isList ? types::List : types::Tuple;
  if (!isList && ins_->special != Special::SubscrTupleInt) return false;
  if (!container->type.mayBe(type)) return false;
  guardType(container, type);
  Value* index = unboxInt(key);
  push(emit(isList ? Op::ListItem : Op::TupleItem, types::kObject, {container, index}));
  return true;
}

/// An item of an array.array, which is a number.
bool Translator::loadArrayItem(Value* container, Value* key) {
  if (!speculates() || ins_->special != Special::SubscrArray || failure_) return false;
  if (!key->type.mayBe(types::Long) || !container->type.mayBe(types::OtherObject)) return false;
  Value* index = unboxInt(key);
  if (ins_->index == 'd') {
    push(boxFloat(emit(Op::ArrayFloat, types::F64, {container, index})));
  } else {
    push(boxInt(emit(Op::ArrayInt, types::I64, {container, index}, ins_->index)));
  }
  return true;
}

/// An item of a dict, str, bytes or bytearray, where nothing runs Python code.
bool Translator::loadQuietly(Value* container, Value* key) {
  if (!speculates() || failure_) return false;
  switch (ins_->special) {
  case Special::SubscrDict: {
    if (!container->type.mayBe(types::Dict)) return false;
    Value* item = call(Helper::DictItem, {container, key});
    push(orElse(isNotNull(item), item, false, [&] { return call(Helper::SubscrDict, {container, key}); }));
    return true;
  }
  case Special::SubscrStrInt:
    if (!container->type.mayBe(types::Str) || !key->type.mayBe(types::Long)) return false;
    push(call(Helper::StrItem, {container, unboxInt(key)}));
    return true;
  case Special::SubscrBytes:
    if (!container->type.mayBe(types::Bytes | types::OtherObject) || !key->type.mayBe(types::Long)) return false;
    push(boxInt(checkedOutput(call(Helper::ByteItemValue, {container, unboxInt(key)}), types::I64)));
    return true;
  default: break;
  }
  // Inlined code must not run Python code.
  if (inlined_ == nullptr || ins_->special == Special::ClassMethod) return false;
  Value* item = call(Helper::PresentItem, {container, key});
  requireHere(isNotNull(item));
  push(item);
  return true;
}

bool Translator::storeQuietly(Value* container, Value* key, Value* value) {
  if (!speculates()) return false;
  if (ins_->special == Special::StoreSubscrDict && container->type.mayBe(types::Dict)) {
    Value* stored = call(Helper::DictStore, {container, key, value}, {}, 1);
    output(stored, 0, types::kNullable);  // the old value: released behind the store, like that of a list
    orElse(stored, nullptr, false, [&] { return call(Helper::StoreSubscrDict, {container, key, value}); });
    return true;
  }
  if (ins_->special != Special::StoreSubscrBytes || !container->type.mayBe(types::OtherObject)) return false;
  if (!key->type.mayBe(types::Long) || !value->type.mayBe(types::Long)) return false;
  Value* stored = call(Helper::StoreByte, {container, unboxInt(key), unboxInt(value)});
  emit(Op::GuardTrue, types::kNothing, {stored});
  return true;
}

bool Translator::storeArrayItem(Value* container, Value* key, Value* value) {
  if (!speculates() || ins_->special != Special::StoreSubscrArray) return false;
  if (!key->type.mayBe(types::Long) || !container->type.mayBe(types::OtherObject)) return false;
  const bool isFloat = ins_->index == 'd';
  if (isFloat ? !value->type.mayBe(types::Float) && !isKnownInt(value) : !value->type.mayBe(types::Long)) return false;
  Value* index = unboxInt(key);
  if (isFloat) {
    emit(Op::ArrayStoreFloat, types::kNothing, {container, index, toFloat(value)});
  } else {
    emit(Op::ArrayStoreInt, types::kNothing, {container, index, unboxInt(value)}, ins_->index);
  }
  return true;
}

/// Where the interpreter has no quickened form, or had no time to find it: learn what it is made of.
void Translator::learnSubscript(Value* container, Value* key, hir::Type learnable) {
  const bool isUnknown = ins_->special == Special::None || ins_->special == Special::SubscrGetitem;
  if (!speculates() || failure_ || !isUnknown || snapshot_.siteCaches == nullptr) return;
  if (!container->type.mayBe(types::OtherObject) &&
      (!key->type.mayBe(types::Long) || !container->type.mayBe(learnable))) {
    return;
  }
  const int64_t use = ins_->op == BytecodeOp::StoreSubscr ? operand_use::kStoreItem : operand_use::kLoadItem;
  emit(Op::GuardUnlearned, types::kNothing, {container, key}, ins_->site | use << 32);
}

/// `a[i:j:k]` as one instruction: most containers need no slice object. The state is that of the subscript, but the
/// interpreter would begin at BUILD_SLICE.
bool Translator::subscriptBySlice(Value* start, Value* stop, Value* step) {
  if (failure_ || next_ >= snapshot_.instructions.size() || flow_.isLeader(next_)) return false;
  if (snapshot_.instructions[next_].op != BytecodeOp::BinarySubscr) return false;
  const uint32_t resumeOffset = ins_->resumeOffset;
  const Values before = before_;
  beginInstruction(next_);
  before_ = before;
  Value* result = call(Helper::SubscrSlice, {pop(), start, stop, step});
  result->state->resumeOffset = resumeOffset;
  push(result);
  return true;
}

void Translator::lowerSubscript() {
  switch (ins_->op) {
  case BytecodeOp::BinarySubscr: {
    Value* key = pop();
    Value* container = pop();
    if (loadItem(container, key) || loadArrayItem(container, key) || loadQuietly(container, key)) return;
    if (inlineClassMethod({container, key})) return;
    learnSubscript(container, key, types::List | types::Tuple | types::Bytes | types::OtherObject);
    return push(call(subscriptHelper(ins_->special), {container, key}));
  }
  case BytecodeOp::StoreSubscr: {
    Value* key = pop();
    Value* container = pop();
    Value* value = pop();
    if (failure_) return;
    const bool isList = ins_->special == Special::StoreSubscrListInt && container->type.mayBe(types::List);
    if (speculates() && isList && key->type.mayBe(types::Long)) {
      guardType(container, types::List);
      emit(Op::ListStore, types::kNothing, {container, unboxInt(key), value});
    } else if (inlineClassMethod({container, key, value})) {
      pop();
    } else if (!storeArrayItem(container, key, value) && !storeQuietly(container, key, value)) {
      learnSubscript(container, key, types::List | types::OtherObject);
      call(storeHelper(ins_->special), {container, key, value});
    }
    return;
  }
  case BytecodeOp::DeleteSubscr: {
    Value* key = pop();
    Value* container = pop();
    call(Helper::DeleteSubscr, {container, key});
    return;
  }
  case BytecodeOp::BinarySlice: {
    Value* stop = pop();
    Value* start = pop();
    Value* container = pop();
    return push(call(Helper::BinarySlice, {container, start, stop}));
  }
  case BytecodeOp::StoreSlice: {
    Value* stop = pop();
    Value* start = pop();
    Value* container = pop();
    Value* value = pop();
    call(Helper::StoreSlice, {container, start, stop, value});
    return;
  }
  default: return fail(BailoutReason::UnsupportedOpcode, name(ins_->op));
  }
}

}  // namespace martlet::frontend
