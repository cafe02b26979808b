// SPDX-License-Identifier: MIT
// Attributes, globals, names and imports. Owns: which cache content feeds which helper. Must not know: Python.h, LLVM.
#include "lowering/frontend/translator.h"

namespace martlet::frontend {

void Translator::lowerAttribute() {
  switch (ins_->op) {
  case BytecodeOp::LoadAttr: return loadAttr();
  case BytecodeOp::StoreAttr: return storeAttr();
  case BytecodeOp::LoadSuperAttr: return loadSuperAttr();
  case BytecodeOp::DeleteAttr: call(Helper::DeleteAttr, {pop(), nameObject(ins_->arg)}); return;
  default: return fail(BailoutReason::UnsupportedOpcode, name(ins_->op));
  }
}

void Translator::loadAttr() {
  Value* owner = pop();
  Value* name = nameObject(ins_->arg >> 1);
  const bool forCall = (ins_->arg & 1) != 0;
  const int64_t version = ins_->version;
  const int64_t index = ins_->index;
  const int64_t site = ins_->site;
  Value* result = nullptr;
  if (loadModuleConstant(owner) || inlineProperty({owner})) return;
  if (!forCall) learnProperty();
  switch (ins_->special) {
  case Special::AttrInstanceValue:
    result = call(Helper::LoadAttrInstanceValue, {owner, name}, {version, index, site});
    break;
  case Special::AttrSlot: result = call(Helper::LoadAttrSlot, {owner, name}, {version, index, site}); break;
  case Special::AttrWithHint: result = call(Helper::LoadAttrWithHint, {owner, name}, {version, index, site}); break;
  case Special::AttrModule: result = call(Helper::LoadAttrModule, {owner, name}, {version, index, site}); break;
  case Special::AttrClass:
    result = call(Helper::LoadAttrClass, {owner, name, constObject(ins_->object)}, {version, site});
    break;
  case Special::AttrNondescriptorWithValues:
    result = call(Helper::LoadAttrConstant, {owner, name, constObject(ins_->object)}, {version, ins_->version2, site});
    break;
  case Special::AttrNondescriptorNoDict:
    result = call(Helper::LoadAttrConstant, {owner, name, constObject(ins_->object)}, {version, 0, site});
    break;
  default:
    if (forCall) return loadMethod(owner, name);
    result = call(Helper::LoadAttr, {owner, name}, {site});
    break;
  }
  push(result);
  if (forCall) push(null());
}

/// A module's attribute that is taken for a constant. A module's class can be changed.
bool Translator::loadModuleConstant(Value* owner) {
  if (failure_ || !speculates() || ins_->special != Special::AttrModule || ins_->object < 0 || index_ == 0)
    return false;
  if (owner->op != Op::ConstObject || owner->imm != inTable(snapshot_.instructions[index_ - 1].object)) return false;
  emit(Op::GuardTrue, types::kNothing, {call(Helper::IsModule, {owner})});
  emit(Op::GuardValid, types::kNothing, {}, inTable(snapshot_.validityObject));
  push(constObject(ins_->object));
  if ((ins_->arg & 1) != 0) push(null());
  return true;
}

/// A method of a built-in class, which nobody can change.
bool Translator::loadKnownMethod(Value* owner) {
  if (failure_ || !speculates() || ins_->special != Special::AttrMethodNoDict) return false;
  const auto known = snapshot_.known.find(ins_->object);
  if (known == snapshot_.known.end() || !owner->type.mayBe(ownerType(known->second))) return false;
  guardType(owner, ownerType(known->second));
  push(constObject(ins_->object));
  push(owner);
  return true;
}

/// Pushes a method and its self, or an attribute and NULL.
void Translator::loadMethod(Value* owner, Value* name) {
  if (loadKnownMethod(owner)) return;
  const int64_t site = ins_->site;
  Value* method = nullptr;
  switch (ins_->special) {
  case Special::AttrMethodWithValues:
    method = call(Helper::LoadMethodWithValues, {owner, name, constObject(ins_->object)},
                  {ins_->version, ins_->version2, site}, 1);
    break;
  case Special::AttrMethodNoDict:
    method = call(Helper::LoadMethodNoDict, {owner, name, constObject(ins_->object)}, {ins_->version, site}, 1);
    break;
  case Special::AttrMethodLazyDict:
    method = call(Helper::LoadMethodLazyDict, {owner, name, constObject(ins_->object)}, {ins_->version, site}, 1);
    break;
  default: method = call(Helper::LoadMethod, {owner, name}, {site}, 1); break;
  }
  push(method);
  push(output(method, 0, types::kNullable));
}

void Translator::storeAttr() {
  Value* owner = pop();
  Value* value = pop();
  Value* name = nameObject(ins_->arg);
  const int64_t version = ins_->version;
  const int64_t index = ins_->index;
  const int64_t site = ins_->site;
  if (inlineProperty({owner, value})) return;
  learnProperty();
  switch (ins_->special) {
  case Special::StoreAttrInstanceValue:
    call(Helper::StoreAttrInstanceValue, {owner, name, value}, {version, index, site});
    return;
  case Special::StoreAttrSlot: call(Helper::StoreAttrSlot, {owner, name, value}, {version, index, site}); return;
  case Special::StoreAttrWithHint:
    call(Helper::StoreAttrWithHint, {owner, name, value}, {version, index, site});
    return;
  default: call(Helper::StoreAttr, {owner, name, value}, {site}); return;
  }
}

void Translator::loadSuperAttr() {
  Value* self = pop();
  Value* type = pop();
  Value* super = pop();
  Value* name = nameObject(ins_->arg >> 2);
  if ((ins_->arg & 1) == 0)
    return push(call(Helper::LoadSuperAttr, {super, type, self, name}, {ins_->arg, ins_->site}));
  Value* method = call(Helper::LoadSuperMethod, {super, type, self, name}, {ins_->arg, ins_->site}, 1);
  push(method);
  push(output(method, 0, types::kNullable));
}

void Translator::lowerName() {
  const int64_t arg = ins_->arg;
  switch (ins_->op) {
  case BytecodeOp::LoadGlobal: {
    Value* name = nameObject(arg >> 1);
    if (ins_->object >= 0 && speculates()) {
      // Of inlined code, what is called has been asked.
      if (inlined_ == nullptr) emit(Op::GuardGlobals, types::kNothing, {}, snapshot_.globalsObject);
      emit(Op::GuardValid, types::kNothing, {}, inTable(snapshot_.validityObject));
      push(constObject(ins_->object));
    } else if (ins_->special == Special::GlobalModule) {
      push(call(Helper::LoadGlobalModule, {name}, {ins_->version, ins_->index, ins_->site}));
    } else if (ins_->special == Special::GlobalBuiltin) {
      push(call(Helper::LoadGlobalBuiltin, {name}, {ins_->version, ins_->version2, ins_->index, ins_->site}));
    } else {
      push(call(Helper::LoadGlobal, {name}, {ins_->site}));
    }
    if (arg & 1) push(null());
    return;
  }
  case BytecodeOp::StoreGlobal: {
    Value* value = pop();
    call(Helper::StoreGlobal, {nameObject(arg), value});
    return;
  }
  case BytecodeOp::DeleteGlobal: call(Helper::DeleteGlobal, {nameObject(arg)}); return;
  case BytecodeOp::LoadName: return push(call(Helper::LoadName, {nameObject(arg)}));
  case BytecodeOp::StoreName: {
    Value* value = pop();
    call(Helper::StoreName, {nameObject(arg), value});
    return;
  }
  case BytecodeOp::DeleteName: call(Helper::DeleteName, {nameObject(arg)}); return;
  case BytecodeOp::LoadLocals: return push(call(Helper::LoadLocals, {}));
  case BytecodeOp::LoadFromDictOrGlobals: {
    Value* dict = pop();
    return push(call(Helper::LoadFromDictOrGlobals, {dict, nameObject(arg)}));
  }
  case BytecodeOp::LoadBuildClass: return push(call(Helper::LoadBuildClass, {}));
  case BytecodeOp::SetupAnnotations: call(Helper::SetupAnnotations, {}); return;
  case BytecodeOp::ImportName: {
    Value* fromlist = pop();
    Value* level = pop();
    return push(call(Helper::ImportName, {nameObject(arg), fromlist, level}));
  }
  case BytecodeOp::ImportFrom: return push(call(Helper::ImportFrom, {peek(1), nameObject(arg)}));
  default: return fail(BailoutReason::UnsupportedOpcode, name(ins_->op));
  }
}

}  // namespace martlet::frontend
