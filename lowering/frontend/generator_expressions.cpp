// SPDX-License-Identifier: MIT
// Generator expressions in the place of the call that takes them in: sum(f(x) for x in numbers). Owns: which calls
// these are, what they make of the items, the loop's variables. Must not know: Python.h, LLVM.
//
// The body is inlined as that of a function is (inlining.cpp), so it runs no Python code, and all of it happens or
// nothing: what fails anywhere in the loop goes back to before the generator is made, and the interpreter begins again.
// For that
//  * the loop has iterators of its own. The one that the interpreter would hand to the generator stays where it is;
//  * all that the loop changes are containers that it has made;
//  * the items are exact numbers or bools, or only collected: nothing asks them for code either.
#include <algorithm>
#include <bit>
#include <utility>

#include "lowering/frontend/translator.h"

namespace martlet::frontend {

namespace {

/// SET_FUNCTION_ATTRIBUTE's argument for the tuple of cells.
constexpr int64_t kClosureAttribute = 8;

bool accessesLocal(BytecodeOp op) {
  return op == BytecodeOp::LoadFast || op == BytecodeOp::LoadFastCheck || op == BytecodeOp::LoadFastAndClear ||
         op == BytecodeOp::StoreFast || op == BytecodeOp::DeleteFast;
}

/// True if an object that a container of the loop has, or a part of one, goes without being asked for code.
bool isHeld(const Value* value) {
  switch (value->op) {
  case Op::ListNext:
  case Op::TupleNext: return true;
  case Op::ListItem:
  case Op::TupleItem: return isHeld(value->operands[0]);
  default: return false;
  }
}

}  // namespace

// ---- which calls ----------------------------------------------------------------------------------------------------

void Translator::noteClosure(Value* function, Value* attribute, int64_t which) {
  if (which == kClosureAttribute) made_ = {function, attribute};
}

/// The cells of a function that has just been made of the callee's code; nothing where it is any other function.
std::optional<Translator::Values> Translator::cellsOf(const Callee& callee, const Value* function) const {
  if (!function->calls(Helper::MakeFunction) || function->operands[0]->op != Op::ConstObject) return std::nullopt;
  const auto addressOf = [&](int64_t index) { return function_.objects[static_cast<size_t>(index)].address; };
  if (addressOf(function->operands[0]->imm) != addressOf(inTable(callee.codeObject))) return std::nullopt;
  const size_t count = callee.body->localCount - size_t{callee.body->freeVarBase};
  if (count == 0) return Values{};
  const Value* closure = made_.function == function ? made_.closure : nullptr;
  if (closure == nullptr || !closure->calls(Helper::BuildTuple) || closure->operands.size() != count) {
    return std::nullopt;
  }
  return closure->operands;
}

/// What the call behind the one that makes the generator does with it.
std::optional<Translator::Consumer> Translator::consumerBehind() const {
  using enum KnownCallable;
  if (next_ >= snapshot_.instructions.size() || flow_.isLeader(next_) || stack_.size() < 2) return std::nullopt;
  const Instruction& consuming = snapshot_.instructions[next_];
  const KnownCallable* known = knownCallable(stack_[stack_.size() - 2]);
  if (consuming.op != BytecodeOp::Call || consuming.arg != 1 || known == nullptr) return std::nullopt;
  Consumer found{*known, stack_[stack_.size() - 2]};
  if (*known == StrJoin) return found;
  if (stack_.back()->type != types::Null) return std::nullopt;
  if (consuming.numbers == Special::OperatorInt) found.number = Number::Int;
  if (consuming.numbers == Special::OperatorFloat) found.number = Number::Float;
  switch (*known) {
  case ListClass:
  case SetClass:
  case Any:
  case All: found.takesCall = true; return found;
  case Max:
  case Min:
  case Sum:
    found.takesCall = true;
    if (found.number != Number::Unknown) return found;
    return std::nullopt;
  case TupleClass: return found;
  default: return std::nullopt;
  }
}

/// Behind a call that could take a generator expression in if it were known what its numbers are: its result says so.
void Translator::learnResult(const Values& operands) {
  const KnownCallable* known = knownCallable(operands[0]);
  if (known == nullptr || operands.size() != 3 || snapshot_.siteCaches == nullptr || inlined_ != nullptr) return;
  const bool isOfNumbers = *known == KnownCallable::Max || *known == KnownCallable::Min || *known == KnownCallable::Sum;
  if (isOfNumbers && ins_->numbers == Special::None && !flow_.isLeader(next_)) learned_ = {peek(1), ins_->site};
}

/// At the instruction behind that.
void Translator::emitLearned() {
  const auto [result, site] = std::exchange(learned_, {});
  if (result != nullptr && !failure_) emit(Op::GuardUnlearned, types::kNothing, {result, result}, site);
}

// ---- the call that makes the generator
// --------------------------------------------------------------------------------

/// By the operands of the call that makes a generator: function, iterator. True if the call behind it has been lowered,
/// too, or finds a list in the generator's place.
bool Translator::consumeGenerator(const Values& operands) {
  const Callee* callee = calleeHere();
  if (callee == nullptr || !callee->body->isGenerator || inlined_ != nullptr) return false;
  std::optional<Consumer> consumer = consumerBehind();
  const std::optional<Values> cells = cellsOf(*callee, operands[0]);
  if (!consumer || !cells || iterated_.iterator != operands[1]) return false;
  const Attempt attempt = beginAttempt();
  if (!finishAttempt(attempt, inlineGenerator(*callee, *consumer, operands, *cells))) return false;
  if (!consumer->takesCall) return true;
  Value* result = pop();
  if (consumer->slow != nullptr) {
    result = joinSlowWay(consumer->slow, result, operands);
  } else {
    popMany(2);
    ++next_;
  }
  push(result);
  return true;
}

/// Makes the generator out of the way, and calls what takes it in, as if nothing had happened.
Value* Translator::joinSlowWay(Block* slow, Value* result, const Values& operands) {
  Block* join = newInnerBlock();
  Value* joined = function_.newParam(join, types::kObject);
  emit(Op::Jump, types::kNothing);
  block_->successors.push_back({join, {result}});
  switchTo(slow);
  push(call(Helper::Call, operands, {ins_->site}));
  beginInstruction(next_);
  const Values consuming = popMany(3);
  Value* other = call(Helper::Call, consuming, {ins_->site});
  emit(Op::Jump, types::kNothing);
  block_->successors.push_back({join, {other}});
  switchTo(join);
  return joined;
}

/// As require(), for what may not hold for a while: then the loop begins again as a generator, and native code goes on.
void Translator::requireHere(Value* condition) {
  Consumer* consumer = inlined_->consumer;
  if (consumer == nullptr || !consumer->takesCall) return require(condition);
  if (consumer->slow == nullptr) consumer->slow = newInnerBlock();
  Block* next = newInnerBlock();
  endWithBranch(condition, {next, {}}, {consumer->slow, {}}, /*seldom=*/2);
  switchTo(next);
}

bool Translator::inlineGenerator(const Callee& callee, Consumer& consumer, const Values& operands,
                                 const Values& cells) {
  const ControlFlow* flow = beginBody(callee, 1);
  if (flow == nullptr || flow->isJoin(flow->entries[0].index)) return false;
  const std::unique_ptr<hir::FrameState> state = makeState();
  emit(Op::Safepoint, types::kNothing);
  require(call(Helper::HasRecursionRoom, {}, {kMaxInliningDepth}));
  emit(Op::GuardValid, types::kNothing, {}, inTable(snapshot_.validityObject));
  requireScope(callee, operands[0]);
  consumer.iterator = ownIterator(iterated_.iterable);
  if (failure_) return false;
  InlinedCall inlinedCall{*state, 1, {}, &consumer};
  Translator inner(*callee.body, *flow, *this, inlinedCall);
  if (!inner.translateConsumed(cells)) return false;
  takeReturns(inlinedCall, operands);
  function_.inlinedCalls += !failure_;
  return !failure_;
}

/// Another iterator of what one has just been made of. An iterator is its own: that one cannot be had twice.
Value* Translator::ownIterator(Value* iterable) {
  if (iterable->calls(Helper::NewRangeIter)) return call(Helper::NewRangeIter, iterable->operands);
  Value* iterator = call(Helper::GetIterQuiet, {iterable});
  require(isNotNull(iterator));
  if (!iterable->type.isSubtypeOf(types::kContainer)) {
    require(emit(Op::BoolNot, types::I1, {emit(Op::ObjectIs, types::I1, {iterator, iterable})}));
  }
  return iterator;
}

bool Translator::translateConsumed(const Values& cells) {
  const uint32_t first = flow_.entries[0].index;
  ins_ = &snapshot_.instructions[first];
  locals_ = {inlined_->consumer->iterator};
  while (locals_.size() < snapshot_.freeVarBase) locals_.push_back(null());
  locals_.insert(locals_.end(), cells.begin(), cells.end());
  findLoopVariables();
  beginConsuming();
  translateFrom(first);
  translatePending();
  return !failure_ && !inlined_->returns.empty();
}

// ---- the loops' variables
// ---------------------------------------------------------------------------------------------

/// Finds the variables that a loop sets before anything else, and that nothing outside the loop has to do with.
void Translator::findLoopVariables() {
  const std::vector<Instruction>& code = snapshot_.instructions;
  loops_.assign(locals_.size(), {});
  std::vector<bool> isSet(code.size());
  for (uint32_t head = 0; head < code.size(); ++head) {
    const int32_t end = code[head].op == BytecodeOp::ForIter ? flow_.find(code[head].target) : -1;
    for (uint32_t i = head + 1; i < code.size() && end >= 0; ++i) {
      if (code[i].op == BytecodeOp::UnpackSequence) continue;
      if (code[i].op != BytecodeOp::StoreFast) break;
      LoopRange& loop = loops_[static_cast<size_t>(code[i].arg)];
      if (!loop.isEmpty()) break;  // of another loop
      loop = {head, static_cast<uint32_t>(end)};
      isSet[i] = true;
    }
  }
  for (uint32_t i = 0; i < code.size(); ++i) {
    if (!accessesLocal(code[i].op) || isSet[i]) continue;
    LoopRange& loop = loops_[static_cast<size_t>(code[i].arg)];
    const bool isLoad = code[i].op == BytecodeOp::LoadFast;
    if (!isLoad || (!loop.isEmpty() && !loop.contains(i))) loop.isOther = true;
  }
}

/// Whether a slot may hold another value on each way to where ways meet. What a loop's variable held does not count at
/// the loop's head, or would have to be an object; within the loop, and where nothing is stored, there is one value.
bool Translator::varies(uint32_t index, size_t slot) const {
  if (slot >= loops_.size() || loops_[slot].isOther) return true;
  return !loops_[slot].isEmpty() && !loops_[slot].contains(index) && !isDeadAt(index, slot);
}

bool Translator::isDeadAt(uint32_t index, size_t slot) const {
  const Instruction& head = snapshot_.instructions[index];
  if (head.op != BytecodeOp::ForIter || slot >= loops_.size()) return false;
  const LoopRange& loop = loops_[slot];
  if (loop.isEmpty() || loop.isOther) return false;
  return loop.head >= index && static_cast<int32_t>(loop.head) < flow_.find(head.target);
}

/// Before a way to the head of a loop: what its variables held goes now.
void Translator::dropLoopVariables(uint32_t index) {
  for (size_t slot = 0; slot < locals_.size(); ++slot) {
    Value*& value = locals_[slot];
    if (!isDeadAt(index, slot) || value->op == Op::ConstNull) continue;
    if (!endsQuietly(value) && !isHeld(value)) emit(Op::GuardQuiet, types::kNothing, {value});
    value = null();
  }
}

// ---- instructions that are something else here
// ------------------------------------------------------------------------

/// True if an op only changes what the loop has made.
bool Translator::changesOwn(const Value& value) const {
  if (value.op == Op::ListNext || value.op == Op::TupleNext) return true;
  if (value.op != Op::CallRuntime) return false;
  switch (value.helper) {
  case Helper::RangeNext:
  case Helper::ForIterQuiet:
  case Helper::GetIterQuiet: return true;
  case Helper::NewCollected: return true;
  case Helper::ListAppend:
  case Helper::SetAddQuiet:
  case Helper::TrimCollected: return value.operands[0] == inlined_->consumer->container;
  default: return false;
  }
}

bool Translator::lowerConsumed() {
  switch (ins_->op) {
  case BytecodeOp::GetIter: {
    Value* iterable = pop();
    const bool isOwn = iterable == inlined_->consumer->iterator || iterable->calls(Helper::GetIterQuiet);
    push(isOwn ? iterable : ownIterator(iterable));
    return true;
  }
  case BytecodeOp::LoadDeref: {
    Value* content = call(Helper::CellContent, {local(ins_->arg)});
    require(isNotNull(content));
    push(content);
    return true;
  }
  case BytecodeOp::YieldValue:
    consume(pop());
    push(none());  // what is sent
    return true;
  case BytecodeOp::ReturnConst: finishConsuming(); return true;
  default: return false;
  }
}

// ---- what becomes of the items
// ----------------------------------------------------------------------------------------

Value* Translator::constFloat(double number) {
  return emit(Op::ConstFloat, types::F64, {}, std::bit_cast<int64_t>(number));
}

/// What goes round the loop lies behind the locals.
void Translator::beginConsuming() {
  using enum KnownCallable;
  Consumer& consumer = *inlined_->consumer;
  const bool isInt = consumer.number == Number::Int;
  consumer.state = locals_.size();
  const auto zero = [&] { return isInt ? emit(Op::ConstInt, types::I64, {}, 0) : constFloat(0.0); };
  switch (consumer.known) {
  case SetClass:
    consumer.container =
        callTyped(types::Set, Helper::CallQuiet, {consumer.callable}, {static_cast<int64_t>(info(SetClass).arguments)});
    return;
  case Any:
  case All: return;
  case Max:
  case Min:
  case Sum:
    locals_.push_back(emit(Op::ConstInt, types::I64, {}, 0));             // whether there was an item
    locals_.push_back(zero());                                            // the sum, or the best one
    locals_.push_back(consumer.known == Sum ? constFloat(0.0) : null());  // what is lost, or the best one's object
    return;
  default: consumer.container = call(Helper::NewCollected, {});
  }
}

void Translator::consume(Value* item) {
  using enum KnownCallable;
  const Consumer& consumer = *inlined_->consumer;
  if (failure_) return;
  switch (consumer.known) {
  case SetClass: call(Helper::SetAddQuiet, {consumer.container, item}); return;
  case Any:
  case All: return test(item);
  case Max:
  case Min: return takeBest(item);
  case Sum: return addUp(item);
  default: call(Helper::ListAppend, {consumer.container, item});
  }
}

/// Ends the loop at an item that decides.
void Translator::test(Value* item) {
  if (!isKnownInt(item) && item->type != types::Bool) {
    if (!speculates() || !item->type.mayBe(types::Bool)) return giveUp();
    guardType(item, types::Bool);
  }
  const bool isAny = inlined_->consumer->known == KnownCallable::Any;
  Value* isTrue = isKnownInt(item) ? isNonZero(unboxInt(item)) : is(item, snapshot_.trueObject);
  Block* decided = newInnerBlock();
  Block* next = newInnerBlock();
  endWithBranch(isTrue, {isAny ? decided : next, {}}, {isAny ? next : decided, {}});
  switchTo(decided);
  finishWith(constObject(isAny ? snapshot_.trueObject : snapshot_.falseObject));
  switchTo(next);
}

/// The number of an item, as the call's results have been until now.
Value* Translator::consumedNumber(Value* item) {
  const bool isInt = inlined_->consumer->number == Number::Int;
  if (isInt && item->type == types::Bool && inlined_->consumer->known == KnownCallable::Sum) {
    Value* zero = emit(Op::ConstInt, types::I64, {}, 0);
    Value* one = emit(Op::ConstInt, types::I64, {}, 1);
    return choose(is(item, snapshot_.trueObject), zero, one);
  }
  const bool isKnown = isInt ? isKnownInt(item) : isKnownFloat(item);
  const bool mayBe = isInt ? mayFit(item) : item->type.mayBe(types::Float);
  if (!isKnown && (!speculates() || !mayBe)) {
    giveUp();
    return nullptr;
  }
  return isInt ? unboxInt(item) : unboxFloat(item);
}

/// sum() keeps what floats lose (Neumaier, 1974), from the second one on: with 0 the first one loses nothing.
void Translator::addUp(Value* item) {
  Value* number = consumedNumber(item);
  if (failure_) return;
  const size_t state = inlined_->consumer->state;
  Value* sum = locals_[state + 1];
  locals_[state] = emit(Op::ConstInt, types::I64, {}, 1);
  if (inlined_->consumer->number == Number::Int) {
    locals_[state + 1] = emit(Op::IntAdd, types::I64, {sum, number});
    return;
  }
  const auto subtract = [&](Value* a, Value* b) { return emit(Op::FloatSub, types::F64, {a, b}); };
  const auto add = [&](Value* a, Value* b) { return emit(Op::FloatAdd, types::F64, {a, b}); };
  const Values sizes{call(Helper::FloatAbsValue, {sum}), call(Helper::FloatAbsValue, {number})};
  Value* rounded = add(sum, number);
  Value* isLarger = emit(Op::FloatCompare, types::I1, sizes, hir::comparison::kGreaterEqual);
  Value* ofSum = add(subtract(number, rounded), sum);
  Value* ofNumber = add(subtract(sum, rounded), number);
  locals_[state + 1] = rounded;
  locals_[state + 2] = add(locals_[state + 2], choose(isLarger, ofSum, ofNumber));
}

/// max() and min() return the first of the best items, not an equal number.
void Translator::takeBest(Value* item) {
  Consumer& consumer = *inlined_->consumer;
  Value* number = consumedNumber(item);
  if (failure_) return;
  const bool isInt = consumer.number == Number::Int;
  consumer.isMade = item->op == Op::BoxInt || item->op == Op::BoxFloat;
  const int64_t comparison = consumer.known == KnownCallable::Max ? hir::comparison::kGreater : hir::comparison::kLess;
  Value** state = &locals_[consumer.state];
  Block* first = newInnerBlock();
  Block* compare = newInnerBlock();
  Block* join = newInnerBlock();
  Block* better = newInnerBlock();
  Value* best = function_.newParam(join, number->type);
  Value* object = function_.newParam(join, types::kNullable);
  Value* newObject = consumer.isMade ? null() : item;
  endWithBranch(isNonZero(state[0]), {compare, {}}, {first, {}});
  switchTo(compare);
  Value* isBetter = emit(isInt ? Op::IntCompare : Op::FloatCompare, types::I1, {number, state[1]}, comparison);
  endWithBranch(isBetter, {better, {}}, {join, {state[1], state[2]}});
  for (Block* taken : {first, better}) {
    switchTo(taken);
    emit(Op::Jump, types::kNothing);
    block_->successors.push_back({join, {number, newObject}});
  }
  switchTo(join);
  state[0] = emit(Op::ConstInt, types::I64, {}, 1);
  state[1] = best;
  state[2] = object;
}

void Translator::finishWith(Value* result) {
  inlined_->returns.push_back({block_, result, region_});
  block_ = nullptr;
}

/// The generator is exhausted.
void Translator::finishConsuming() {
  using enum KnownCallable;
  const Consumer& consumer = *inlined_->consumer;
  Value** state = consumer.state < locals_.size() ? &locals_[consumer.state] : nullptr;
  const bool isInt = consumer.number == Number::Int;
  switch (consumer.known) {
  case Any: return finishWith(constObject(snapshot_.falseObject));
  case All: return finishWith(constObject(snapshot_.trueObject));
  case Max:
  case Min:
    require(isNonZero(state[0]));  // or it is an error
    if (!consumer.isMade) {
      guardType(state[2], isInt ? types::Long : types::Float);
      return finishWith(state[2]);
    }
    return finishWith(isInt ? boxInt(state[1]) : boxFloat(state[1]));
  case Sum: return finishSum();
  case ListClass: call(Helper::TrimCollected, {consumer.container}); [[fallthrough]];
  default: return finishWith(consumer.container);
  }
}

/// Of no items it is the int 0.
void Translator::finishSum() {
  const Consumer& consumer = *inlined_->consumer;
  Value** state = &locals_[consumer.state];
  if (consumer.number == Number::Int) return finishWith(boxInt(state[1]));
  Block* empty = newInnerBlock();
  Block* some = newInnerBlock();
  endWithBranch(isNonZero(state[0]), {some, {}}, {empty, {}}, /*seldom=*/2);
  switchTo(empty);
  finishWith(boxInt(emit(Op::ConstInt, types::I64, {}, 0)));
  switchTo(some);
  // The difference of an infinity or a NaN and itself is a NaN.
  Value* lost = state[2];
  Value* difference = emit(Op::FloatSub, types::F64, {lost, lost});
  Value* isFinite = emit(Op::FloatCompare, types::I1, {difference, constFloat(0.0)}, hir::comparison::kEqual);
  Value* sum = emit(Op::FloatAdd, types::F64, {state[1], lost});
  finishWith(boxFloat(choose(isFinite, state[1], sum)));
}

}  // namespace martlet::frontend
