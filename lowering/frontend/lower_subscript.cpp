// SPDX-License-Identifier: MIT
// Subscripts and slices. Must not know: Python.h, LLVM.
#include "lowering/frontend/translator.h"

namespace martlet::frontend {

using hir::Helper;
using hir::Value;

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

void Translator::lowerSubscript() {
  switch (ins_->op) {
  case BytecodeOp::BinarySubscr: {
    Value* key = pop();
    Value* container = pop();
    const bool isMachineKey = speculates() && isKnownInt(key);
    if (isMachineKey && ins_->special == Special::SubscrListInt) {
      return push(call(Helper::SubscrListI64, {container, unboxInt(key)}));
    }
    if (isMachineKey && ins_->special == Special::SubscrTupleInt) {
      return push(call(Helper::SubscrTupleI64, {container, unboxInt(key)}));
    }
    return push(call(subscriptHelper(ins_->special), {container, key}));
  }
  case BytecodeOp::StoreSubscr: {
    Value* key = pop();
    Value* container = pop();
    Value* value = pop();
    if (speculates() && isKnownInt(key) && ins_->special == Special::StoreSubscrListInt) {
      call(Helper::StoreSubscrListI64, {container, unboxInt(key), value});
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
