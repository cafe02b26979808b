// SPDX-License-Identifier: MIT
// Subscripts and slices. Must not know: Python.h, LLVM.
#include "lowering/frontend/translator.h"

namespace martlet::frontend {

using hir::Helper;
using hir::Op;
using hir::Value;
namespace types = hir::types;

namespace {

Helper subscriptHelper(Special special) {
  switch (special) {
  case Special::SubscrListInt: return Helper::SubscrListInt;
  case Special::SubscrTupleInt: return Helper::SubscrTupleInt;
  case Special::SubscrStrInt: return Helper::SubscrStrInt;
  case Special::SubscrDict: return Helper::SubscrDict;
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

void Translator::lowerSubscript() {
  switch (ins_->op) {
  case BytecodeOp::BinarySubscr: {
    Value* key = pop();
    Value* container = pop();
    if (loadItem(container, key)) return;
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
    } else {
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
