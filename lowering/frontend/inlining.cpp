// SPDX-License-Identifier: MIT
// Bodies of Python functions in the place of calls. Owns: what may be inlined, what its exits go back to, when it
// writes. Must not know: Python.h, LLVM.
//
// Inlined code has no frame. That cannot be noticed, because nothing in it runs Python code, and because all of it
// happens or nothing: every exit goes back to before the (outermost) call, which the interpreter then makes. So
//  * an op that may run Python code is not inlined, and with it the whole call;
//  * attributes are stored when nothing can fail any more. Until then the places are checked, and loads of them are
//    answered from what waits. Another effect has to be the last op that can fail;
//  * whatever the call's operands and the body's locals hold stays alive up to the end of the call, where the
//    interpreter would release it, too.
// What the body does not do for certain, such as raising, is an exit; too many of these, and the call is compiled as
// one.
#include <algorithm>
#include <utility>

#include "lowering/frontend/translator.h"

namespace martlet::frontend {

namespace {

/// Instructions that a function takes in.
constexpr size_t kMaxInlined = 1000;

/// True if the helper makes an object and does nothing else, or fails.
bool onlyMakesObject(Helper helper) {
  switch (helper) {
  case Helper::BuildTuple:
  case Helper::BuildList:
  case Helper::BuildString:
  case Helper::BuildSlice:
  case Helper::StrConcat:
  case Helper::StrItem:
  case Helper::ChrOf:
  case Helper::FormatQuiet:
  case Helper::DictItem:
  case Helper::PresentItem:
  case Helper::BinaryOpQuiet:
  case Helper::NewInstance:
  case Helper::DefaultArgument:
  case Helper::DictGetQuiet: return true;
  default: return false;
  }
}

/// True if the helper changes a container, or fails and has done nothing.
bool changesContainer(Helper helper) {
  return helper == Helper::ListAppend || helper == Helper::SetAddQuiet;
}

bool isArrayOrListStore(Op op) {
  return op == Op::ListStore || op == Op::ListStoreFloat || op == Op::ArrayStoreFloat || op == Op::ArrayStoreInt;
}

}  // namespace

/// The translation of a body, which goes on in the caller's block.
Translator::Translator(const Snapshot& body, const ControlFlow& flow, const Translator& caller, InlinedCall& call)
    : snapshot_(body), flow_(flow), unit_(caller.unit_), function_(unit_.function), inlined_(&call),
      region_(caller.region_), plans_(body.instructions.size()), block_(caller.block_) {
  std::optional<int64_t>& firstObject = unit_.bodies[&body].firstObject;
  const bool isNew = !firstObject;
  if (isNew) firstObject = static_cast<int64_t>(function_.objects.size());
  firstObject_ = *firstObject;
  if (!isNew) return;
  for (hir::ObjectRef object : body.objects) {
    // A body's constants live as long as the function that has just been asked for its code.
    object.watched = !object.immortal;
    function_.objects.push_back(std::move(object));
  }
  for (const auto& [index, known] : body.known) unit_.known.emplace(inTable(index), known);
}

Translator::Attempt Translator::beginAttempt() const {
  return {block_,
          block_->ops.size(),
          function_.blocks.size(),
          unit_.inlinedInstructions,
          function_.inlinedCalls,
          locals_,
          stack_,
          region_};
}

/// Takes everything back if it was no good.
bool Translator::finishAttempt(const Attempt& attempt, bool isGood) {
  if (isGood) return true;
  for (size_t i = attempt.blockCount; i < function_.blocks.size(); ++i) {
    for (Value* value : function_.blocks[i]->params) value->block = nullptr;
    for (Value* value : function_.blocks[i]->ops) value->block = nullptr;
  }
  function_.blocks.resize(attempt.blockCount);
  block_ = attempt.block;
  for (size_t i = attempt.opCount; i < block_->ops.size(); ++i) block_->ops[i]->block = nullptr;
  block_->ops.resize(attempt.opCount);
  block_->successors.clear();
  unit_.inlinedInstructions = attempt.inlinedInstructions;
  function_.inlinedCalls = attempt.inlinedCalls;
  locals_ = attempt.locals;
  stack_ = attempt.stack;
  region_ = attempt.region;
  failure_.reset();
  return false;
}

/// The body cannot be inlined.
void Translator::giveUp() {
  if (!failure_) failure_ = Bailout{BailoutReason::UnsupportedOpcode, ins_->offset, "not inlined"};
}

/// Looks at an op of inlined code before it is emitted.
void Translator::checkInlined(Value& value) {
  if (value.canExit() && region_.hasWritten) return giveUp();
  // What needs no guess has failed here all the same.
  const bool isHelper = value.op == Op::CallRuntime && (value.canExit() || value.calls(Helper::CompareQuiet));
  if (isHelper && snapshot_.blocked.contains(ins_->offset | hir::Function::kBlockHelpers)) return giveUp();
  switch (value.effects()) {
  case Effects::Python: return giveUp();
  case Effects::Writes: break;
  default: return;
  }
  if (value.op == Op::BoxInt || value.op == Op::BoxFloat || value.op == Op::KeepAlive) return;
  if (value.op == Op::CallRuntime && onlyMakesObject(value.helper)) return;
  if (inlined_->consumer != nullptr && changesOwn(value)) return;
  if (value.calls(Helper::StoreField) && region_.made.contains(value.operands[0])) return;
  if (value.calls(Helper::CallQuiet) && !mayChangeObject(*knownCallable(value.operands[0]))) return;
  const bool isLastWrite =
      isArrayOrListStore(value.op) || (value.op == Op::CallRuntime && changesContainer(value.helper));
  if (!isLastWrite || inlined_->consumer != nullptr) return giveUp();
  region_.hasWritten = true;
}

void Translator::require(Value* condition) {
  emit(Op::GuardTrue, types::kNothing, {condition});
}

/// Once for each object, until the way to here joins others.
void Translator::requireVersion(Value* object, uint32_t version) {
  if (version == 0) return giveUp();
  const auto [at, isNew] = region_.versions.try_emplace(object, version);
  if (!isNew) return at->second == version ? void() : giveUp();
  require(call(Helper::HasTypeVersion, {object}, {version}));
}

// ---- calls ----------------------------------------------------------------------------------------------------------

const Callee* Translator::calleeHere() const {
  const auto found = snapshot_.callees.find(index_);
  return !failure_ && speculates() && found != snapshot_.callees.end() ? &found->second : nullptr;
}

/// The callee of an instruction of that form, if the operands are all of its parameters.
const Callee* Translator::learnedCallee(Special form, const Values& operands) const {
  const Callee* callee = ins_->special == form ? calleeHere() : nullptr;
  return callee != nullptr && callee->body->argCount == operands.size() ? callee : nullptr;
}

/// True if a method was loaded from objects of several classes.
bool Translator::isPolymorphic(const Value* method) const {
  if (method->op != Op::CallRuntime || method->outputs == 0 || method->state == nullptr) return false;
  const int32_t index = flow_.find(method->state->offset);
  if (index < 0 || inlined_ != nullptr) return false;
  const Instruction& load = snapshot_.instructions[static_cast<size_t>(index)];
  return method->calls(Helper::LoadMethod) ? load.classes != 1 : isMixed(load);
}

/// True if so many arguments and defaults fill all parameters.
bool Translator::mayTake(const Callee& callee, size_t count) {
  return count <= callee.body->argCount && callee.body->argCount <= count + callee.defaults;
}

/// The parameters that a call leaves to the function's defaults, which may be others by then.
void Translator::addDefaults(Value* function, size_t parameters, Values& args) {
  while (args.size() < parameters) {
    args.push_back(call(Helper::DefaultArgument, {function}, {static_cast<int64_t>(parameters - args.size())}));
  }
}

/// By CALL's operands: callable, self or NULL, arguments.
bool Translator::inlineCall(const Values& operands) {
  const Callee* callee = calleeHere();
  if (callee == nullptr || callee->body->isGenerator) return false;
  if (callee->classVersion != 0) {
    const Attempt attempt = beginAttempt();
    return finishAttempt(attempt, inlineInitializer(*callee, operands));
  }
  Value* self = operands[1];
  const bool hasSelf = self->type != types::Null;
  Values args(operands.begin() + (hasSelf ? 1 : 2), operands.end());
  if (!mayTake(*callee, args.size()) || isPolymorphic(operands[0])) return false;
  const Attempt attempt = beginAttempt();
  if (hasSelf && self->type.mayBe(types::Null)) {
    require(isNotNull(self));
  }
  if (!finishAttempt(attempt, inlineFunction(*callee, operands[0], args, operands))) return false;
  noteMethodLoad(operands);
  return true;
}

/// A method that was loaded for a call that has been inlined.
void Translator::noteMethodLoad(const Values& operands) {
  Value* load = operands[0];
  const bool isMethod = load->calls(Helper::LoadMethodWithValues) || load->calls(Helper::LoadMethodNoDict);
  const bool isSelf = operands[1]->op == Op::Output && operands[1]->operands[0] == load;
  if (isMethod && isSelf && !snapshot_.blocked.contains(load->state->offset)) {
    methodLoads_.push_back({load, operands[1]});
  }
}

/// What is called is known by the class: two comparisons instead of two references, and an exit where it is another.
void Translator::guardMethodLoads() {
  std::vector<Value*> replacements(function_.valueCount(), nullptr);
  for (const MethodLoad& load : methodLoads_) {
    Value* owner = load.method->operands[0];
    const auto guard = [&](Helper helper, int64_t version) {
      Value* condition = function_.newCall(helper, {owner}, {version});
      function_.insertBefore(load.method, condition);
      Value* check = function_.insertNew(load.method, Op::GuardTrue, types::kNothing, {condition});
      check->state = std::make_unique<hir::FrameState>(*load.method->state);
    };
    guard(Helper::HasTypeVersion, load.method->imms[0]);
    if (load.method->calls(Helper::LoadMethodWithValues)) guard(Helper::HidesNothing, load.method->imms[1]);
    hir::ObjectRef object = function_.objects[static_cast<size_t>(load.method->operands[2]->imm)];
    object.watched = true;
    const uint32_t index = function_.addObject(std::move(object));
    Value* method = function_.insertNew(load.method, Op::ConstObject, types::kObject, {}, index);
    replacements[load.method->id] = method;
    replacements[load.self->id] = owner;
    function_.remove(load.method);
    function_.remove(load.self);
  }
  if (!methodLoads_.empty()) function_.replaceUses(replacements);
}

/// An instruction whose first operand's class has a special method for it.
bool Translator::inlineClassMethod(const Values& operands) {
  const Callee* callee = learnedCallee(Special::ClassMethod, operands);
  if (callee == nullptr) return false;
  const Attempt attempt = beginAttempt();
  requireVersion(operands[0], ins_->version);
  if (ins_->op == BytecodeOp::BinaryOp) {
    // Its class decides who is asked first.
    if (ins_->version2 != 0) {
      requireVersion(operands[1], ins_->version2);
    } else {
      guardType(operands[1], types::Long | types::Float);
    }
  }
  bool isGood = !failure_ && inlineFunction(*callee, constObject(callee->functionObject), operands, operands);
  if (isGood && ins_->op == BytecodeOp::BinaryOp && stack_.back()->type.mayBe(types::OtherObject)) {
    Value* isRefusal = is(stack_.back(), callee->notImplementedObject);
    require(emit(Op::BoolNot, types::I1, {isRefusal}));
  }
  return finishAttempt(attempt, isGood && !failure_);
}

/// An attribute of the first operand that is a property: a load, or a store of the second one.
bool Translator::inlineProperty(const Values& operands) {
  const Callee* callee = learnedCallee(Special::LearnedProperty, operands);
  if (callee == nullptr) return false;
  const Attempt attempt = beginAttempt();
  requireVersion(operands[0], ins_->version);
  const int64_t isStore = operands.size() == 2 ? 1 : 0;
  Value* function = call(Helper::PropertyFunction, {constObject(callee->functionObject)}, {isStore});
  if (!finishAttempt(attempt, !failure_ && inlineFunction(*callee, function, operands, operands))) return false;
  if (isStore != 0) pop();
  return true;
}

/// Before an access that the interpreter has no form for, or had none for native code's functions: code that has met
/// one often enough is compiled again.
void Translator::learnProperty() {
  const bool mayBeOne = ins_->special == Special::AttrProperty || ins_->special == Special::None;
  if (failure_ || !speculates() || !mayBeOne || snapshot_.siteCaches == nullptr) return;
  Value* unlearned = call(Helper::PropertyUnlearned, {}, {ins_->site});
  emit(Op::GuardTrue, types::kNothing, {unlearned})->reason = hir::ExitReason::Learned;
}

/// A class is called: makes an instance and inlines its __init__.
bool Translator::inlineInitializer(const Callee& callee, const Values& operands) {
  if (operands[1]->type != types::Null || !mayTake(callee, operands.size() - 1)) return false;
  require(call(Helper::IsClassOfVersion, {operands[0]}, {callee.classVersion}));
  Value* object = call(Helper::NewInstance, {operands[0]});
  Values args{object};
  args.insert(args.end(), operands.begin() + 2, operands.end());
  region_.versions[object] = callee.classVersion;
  region_.made[object] = {};
  if (!inlineFunction(callee, constObject(callee.functionObject), args, operands)) return false;
  require(is(pop(), snapshot_.noneObject));
  push(object);
  return !failure_;
}

/// Of a whole body, for all calls of it; null where it cannot be inlined.
const ControlFlow* Translator::flowOf(const Snapshot& body) {
  const auto [at, isNew] = unit_.bodies.try_emplace(&body);
  std::optional<ControlFlow>& flow = at->second.flow;
  if (isNew) {
    const EntryRequest start{};
    Result<ControlFlow> found = analyzeControlFlow(body, {&start, 1});
    if (found && !found->isJoin(0)) flow = std::move(*found);
  }
  return flow ? &*flow : nullptr;
}

/// Of a callee that is small enough to be taken in; null for others.
const ControlFlow* Translator::beginBody(const Callee& callee, size_t depth) {
  const size_t size = callee.body->instructions.size();
  if (depth > kMaxInliningDepth || unit_.inlinedInstructions + size > kMaxInlined) return nullptr;
  const ControlFlow* flow = flowOf(*callee.body);
  if (flow != nullptr) unit_.inlinedInstructions += size;
  return flow;
}

/// A function has the globals that its body's constants are of.
void Translator::requireScope(const Callee& callee, Value* function) {
  if (callee.globalsObject < 0) return;
  Values scope{function, constObject(callee.globalsObject), constObject(callee.globalsObject + 1)};
  require(call(Helper::HasScope, scope));
}

/// The body of `function`, if that runs the expected code. `held` is what the call keeps alive. Pushes the result.
bool Translator::inlineFunction(const Callee& callee, Value* function, Values args, const Values& held) {
  const size_t depth = inlined_ != nullptr ? inlined_->depth + 1 : 1;
  const Snapshot& body = *callee.body;
  const ControlFlow* flow = beginBody(callee, depth);
  if (flow == nullptr) return false;
  std::unique_ptr<hir::FrameState> state = makeState();
  if (depth == 1) require(call(Helper::HasRecursionRoom, {}, {kMaxInliningDepth}));
  // Of a code object that has died, another one may have got the address.
  emit(Op::GuardValid, types::kNothing, {}, inTable(snapshot_.validityObject));
  require(call(Helper::RunsCode, {function, constObject(callee.codeObject)}));
  const bool isKnown = function->op == Op::ConstObject &&
                       function_.objects[static_cast<size_t>(function->imm)].address == callee.function;
  if (!isKnown) requireScope(callee, function);
  addDefaults(function, body.argCount, args);
  if (failure_) return false;
  InlinedCall inlinedCall{*state, depth, {}, nullptr};
  Translator inner(body, *flow, *this, inlinedCall);
  if (!inner.translateInlined(args)) return false;
  takeReturns(inlinedCall, held);
  function_.inlinedCalls += !failure_;
  return !failure_;
}

bool Translator::translateInlined(const Values& args) {
  locals_ = args;
  ins_ = snapshot_.instructions.data();
  while (locals_.size() < snapshot_.localCount) locals_.push_back(null());
  translateFrom(0);
  translatePending();
  return !failure_ && !inlined_->returns.empty();
}

/// Goes on behind the call, with its result on the stack.
void Translator::takeReturns(InlinedCall& call, const Values& held) {
  std::vector<InlinedReturn>& returns = call.returns;
  const bool isOutermost = inlined_ == nullptr;
  const bool isSingle = returns.size() == 1;
  const Region before = region_;
  Block* behind = nullptr;
  Value* result = returns[0].value;
  if (!isSingle) {
    behind = newInnerBlock();
    hir::Type type;
    for (const InlinedReturn& way : returns) type = type | way.value->type;
    result = function_.newParam(behind, type);
  }
  bool hasWritten = before.hasWritten;
  for (InlinedReturn& way : returns) {
    switchTo(way.block);
    region_ = std::move(way.region);
    if (isOutermost) commitStores();
    // Until here the callee's frame would have held its arguments.
    emit(Op::KeepAlive, types::kNothing, held);
    if (isSingle) break;
    // Stores wait until the outermost call is over: then it has to be clear which.
    if (!isOutermost && region_.stores.size() != before.stores.size()) return giveUp();
    hasWritten |= region_.hasWritten;
    emit(Op::Jump, types::kNothing);
    block_->successors.push_back({behind, {way.value}});
  }
  if (!isSingle) {
    switchTo(behind);
    if (!isOutermost && region_.made != before.made) return giveUp();  // the ways differ
    region_ = before;
    region_.hasWritten = hasWritten;
  }
  if (isOutermost) region_ = {};
  push(result);
}

void Translator::commitStores() {
  for (const Region::Store& store : region_.stores) {
    call(Helper::StoreField, {store.owner, store.value}, {store.place});
  }
  region_.stores.clear();
}

// ---- control flow within a body -------------------------------------------------------------------------------------

/// As edgeTo(), for code whose locals are in no frame.
Edge Translator::inlinedEdgeTo(uint32_t index) {
  BlockPlan& plan = plans_[index];
  const bool isJoin = flow_.isJoin(index), isFirst = plan.block == nullptr, isLoop = index <= index_;
  if (isLoop && (inlined_->consumer == nullptr || isFirst || region_.hasWritten)) giveUp();
  const Values kept = locals_;  // for another way from here
  if (inlined_->consumer != nullptr) dropLoopVariables(index);
  if (isFirst) {
    plan.block = newInnerBlock();
    plan.locals = locals_;
    plan.stack = stack_;
    plan.region = region_;
    if (isJoin) {
      const auto param = [&](Value* value) {
        return function_.newParam(plan.block, value->type.isMachine() ? value->type : types::kNullable);
      };
      for (size_t slot = 0; slot < plan.locals.size(); ++slot) {
        if (varies(index, slot)) plan.locals[slot] = param(plan.locals[slot]);
      }
      for (Value*& slot : plan.stack) slot = param(slot);
      plan.region.versions.clear();
    }
    pending_.insert(index);
  }
  plan.region.hasWritten |= region_.hasWritten;
  // Of what was made in a loop's body its head knows nothing, and nobody stores to it again.
  const bool differs = !isLoop && region_.made != plan.region.made;
  if (isJoin && (!region_.stores.empty() || differs)) giveUp();
  if (plan.stack.size() != stack_.size()) giveUp();
  Edge edge{plan.block, {}};
  if (isJoin && !failure_) {
    for (size_t slot = 0; slot < locals_.size(); ++slot) {
      if (varies(index, slot)) {
        edge.args.push_back(locals_[slot]);
      } else if (plan.locals[slot] != locals_[slot] && !isDeadAt(index, slot)) {
        giveUp();
      }
    }
    edge.args.insert(edge.args.end(), stack_.begin(), stack_.end());
  }
  locals_ = kept;
  return edge;
}

/// True for what is released without running code.
bool Translator::endsQuietly(const Value* value) const {
  return value->type.isSubtypeOf(types::kSimple | types::Null) || isKnownInt(value) || isKnownFloat(value);
}

/// What a local held would be released at once, and might run code.
void Translator::storeLocalInlined(size_t slot, Value* value) {
  Value* old = locals_[slot];
  const bool isQuiet = endsQuietly(old);
  if (!isQuiet && !speculates()) return giveUp();
  if (!isQuiet) emit(Op::GuardQuiet, types::kNothing, {old});
  locals_[slot] = value;
}

// ---- instructions that are something else in a body -----------------------------------------------------------------

/// True if the instruction has been lowered.
bool Translator::lowerInlined() {
  if (inlined_->consumer != nullptr && lowerConsumed()) return true;
  switch (ins_->op) {
  case BytecodeOp::LoadAttr: return loadAttrInlined();
  case BytecodeOp::StoreAttr: storeAttrInlined(); return true;
  case BytecodeOp::ToBool: return toBoolInlined();
  default: return false;
  }
}

/// The object of an inline cache, whose version has just been compared.
Value* Translator::cachedObject() {
  if (ins_->object >= 0) return constObject(ins_->object);
  giveUp();
  return null();
}

/// A method that is about to be called. Nothing can take it away until then, so it needs no counting.
Value* Translator::cachedMethod() {
  Value* method = cachedObject();
  if (failure_) return method;
  hir::ObjectRef object = function_.objects[static_cast<size_t>(method->imm)];
  object.immortal = true;
  object.watched = false;
  method->imm = function_.addObject(std::move(object));
  return method;
}

bool Translator::loadAttrInlined() {
  Value* owner = peek(1);
  const bool forCall = (ins_->arg & 1) != 0;
  if (failure_ || !speculates()) return false;
  switch (ins_->special) {
  case Special::AttrInstanceValue:
  case Special::AttrSlot:
    requireVersion(owner, ins_->version);
    loadFieldInlined(pop(), placeOf(ins_->special == Special::AttrSlot));
    break;
  case Special::AttrClass:
    require(call(Helper::IsClassOfVersion, {pop()}, {ins_->version}));
    push(cachedObject());
    break;
  case Special::AttrClassWithMeta:
    requireVersion(owner, ins_->version);
    require(call(Helper::IsClassOfVersion, {pop()}, {ins_->version2}));
    push(cachedObject());
    break;
  case Special::AttrMethodNoDict:
    if (unit_.known.contains(inTable(ins_->object))) return false;  // a built-in class's
    requireVersion(owner, ins_->version);
    pop();
    push(cachedMethod());
    break;
  case Special::AttrMethodWithValues:
  case Special::AttrNondescriptorWithValues:
    requireVersion(owner, ins_->version);
    require(call(Helper::HidesNothing, {pop()}, {ins_->version2}));
    push(ins_->special == Special::AttrMethodWithValues ? cachedMethod() : cachedObject());
    break;
  case Special::AttrNondescriptorNoDict:
    requireVersion(owner, ins_->version);
    pop();
    push(cachedObject());
    break;
  default: return false;
  }
  const bool isMethod = ins_->special == Special::AttrMethodWithValues || ins_->special == Special::AttrMethodNoDict;
  if (forCall) push(isMethod ? owner : null());
  return true;
}

void Translator::loadFieldInlined(Value* owner, int64_t place) {
  if (const auto made = region_.made.find(owner); made != region_.made.end()) {
    const auto known = made->second.find(place);
    return known != made->second.end() ? push(known->second) : giveUp();
  }
  for (const Region::Store& store : region_.stores) {
    if (store.place != place) continue;
    if (store.owner != owner) return giveUp();  // it may be the same object
    return push(store.value);
  }
  push(emit(Op::Field, types::kObject, {owner}, place));
}

void Translator::storeAttrInlined() {
  Value* owner = pop();
  Value* value = pop();
  if (!failure_ && inlineProperty({owner, value})) return;
  const bool isSlot = ins_->special == Special::StoreAttrSlot;
  if (failure_ || !speculates() || (!isSlot && ins_->special != Special::StoreAttrInstanceValue)) return giveUp();
  const int64_t place = placeOf(isSlot);
  requireVersion(owner, ins_->version);
  if (const auto made = region_.made.find(owner); made != region_.made.end()) {
    // What it replaces would be released.
    if (!made->second.emplace(place, value).second) return giveUp();
    call(Helper::StoreField, {owner, value}, {place});
    return;
  }
  for (Region::Store& store : region_.stores) {
    if (store.place != place) continue;
    if (store.owner != owner) return giveUp();
    store.value = value;
    return;
  }
  require(call(Helper::MayStoreField, {owner}, {place}));
  region_.stores.push_back({owner, value, place});
}

bool Translator::toBoolInlined() {
  Value* value = peek(1);
  if (failure_ || !speculates() || value->type == types::Bool) return false;
  switch (ins_->special) {
  case Special::ToBoolBool: guardType(value, types::Bool); break;
  case Special::ToBoolNone:
    guardType(value, types::None);
    pop();
    push(constObject(snapshot_.falseObject));
    break;
  case Special::ToBoolAlwaysTrue:
    requireVersion(value, ins_->version);
    pop();
    push(constObject(snapshot_.trueObject));
    break;
  case Special::ToBoolList:
    guardType(value, types::List);
    pop();
    push(boolObject(isNonZero(emit(Op::SizeOf, types::I64, {value}))));
    break;
  default: return false;
  }
  return true;
}

}  // namespace martlet::frontend
