// SPDX-License-Identifier: MIT
// Operators, comparison and truth. Owns: where numbers are unboxed. Must not know: Python.h, LLVM.
//
// Speculation is what the interpreter's quickened form says, at instructions where it did not fail before. The one
// thing that is looked at beside it is whether an operand is the box of a machine number.

#include "lowering/frontend/translator.h"
#include "lowering/native_abi.h"

namespace martlet::frontend {

namespace {

/// BINARY_OP's argument; the in-place form of each is kInPlace higher.
enum Operator : int32_t {
  kAdd,
  kAnd,
  kFloorDivide,
  kLshift,
  kMatrixMultiply,
  kMultiply,
  kRemainder,
  kOr,
  kPower,
  kRshift,
  kSubtract,
  kTrueDivide,
  kXor,
  kInPlace,
};

constexpr int32_t plainOperator(int32_t arg) {
  return arg >= kInPlace ? arg - kInPlace : arg;
}

/// The machine op for an operator on ints, or kCount where there is none.
Op intOp(int32_t op) {
  switch (op) {
  case kAdd: return Op::IntAdd;
  case kSubtract: return Op::IntSub;
  case kMultiply: return Op::IntMul;
  case kFloorDivide: return Op::IntFloorDiv;
  case kRemainder: return Op::IntMod;
  case kAnd: return Op::IntAnd;
  case kOr: return Op::IntOr;
  case kXor: return Op::IntXor;
  case kLshift: return Op::IntLshift;
  case kRshift: return Op::IntRshift;
  default: return Op::kCount;
  }
}

Op floatOp(int32_t op) {
  switch (op) {
  case kAdd: return Op::FloatAdd;
  case kSubtract: return Op::FloatSub;
  case kMultiply: return Op::FloatMul;
  case kTrueDivide: return Op::FloatDiv;
  case kFloorDivide: return Op::FloatFloorDiv;
  case kRemainder: return Op::FloatMod;
  case kPower: return Op::FloatPow;
  default: return Op::kCount;
  }
}

Helper containsHelper(Special special) {
  if (special == Special::ContainsDict) return Helper::ContainsDict;
  return special == Special::ContainsSet ? Helper::ContainsSet : Helper::ContainsOp;
}

bool isLearned(Special special) {
  return special >= Special::OperatorInt && special <= Special::OperatorBool;
}

bool isIntForm(Special special) {
  return special == Special::AddInt || special == Special::SubtractInt || special == Special::MultiplyInt;
}

bool isFloatForm(Special special) {
  return special == Special::AddFloat || special == Special::SubtractFloat || special == Special::MultiplyFloat;
}

}  // namespace

void Translator::lowerArithmetic() {
  switch (ins_->op) {
  case BytecodeOp::BinaryOp: return binaryOp();
  case BytecodeOp::CompareOp: return compareOp();
  case BytecodeOp::ToBool: return toBool();
  case BytecodeOp::UnaryInvert: {
    Value* value = pop();
    if (failure_) return;
    if (mayBeInt(value)) return push(boxInt(emit(Op::IntInvert, types::I64, {unboxInt(value)})));
    learnNumbers(value, value);
    return push(call(Helper::UnaryInvert, {value}));
  }
  case BytecodeOp::UnaryNegative: {
    Value* value = pop();
    if (failure_) return;
    if (mayBeInt(value)) return push(boxInt(emit(Op::IntNeg, types::I64, {unboxInt(value)})));
    if (mayBeFloat(value)) return push(boxFloat(emit(Op::FloatNeg, types::F64, {unboxFloat(value)})));
    learnNumbers(value, value);
    return push(call(Helper::UnaryNegative, {value}));
  }
  case BytecodeOp::UnaryNot: {  // the operand is always a bool
    Value* isTrue = is(pop(), snapshot_.trueObject);
    return push(boolObject(emit(Op::BoolNot, types::I1, {isTrue})));
  }
  case BytecodeOp::IsOp: {
    Value* right = pop();
    Value* left = pop();
    Value* result = emit(Op::ObjectIs, types::I1, {left, right});
    if (ins_->arg != 0) result = emit(Op::BoolNot, types::I1, {result});
    return push(boolObject(result));
  }
  case BytecodeOp::ContainsOp: {
    Value* container = pop();
    Value* item = pop();
    if (containsQuietly(item, container)) return;
    Value* result = isNonZero(call(containsHelper(ins_->special), {item, container}));
    if (ins_->arg != 0) result = emit(Op::BoolNot, types::I1, {result});
    return push(boolObject(result));
  }
  default: return fail(BailoutReason::UnsupportedOpcode, name(ins_->op));
  }
}

/// Membership in what the interpreter met, or in what is known to be a plain container.
bool Translator::containsQuietly(Value* item, Value* container) {
  const bool isKnown = container->type.isSubtypeOf(types::kContainer) || ins_->special == Special::ContainsDict ||
                       ins_->special == Special::ContainsSet;
  if (failure_ || !speculates() || !isKnown) return false;
  Value* isQuiet = call(Helper::ContainsQuiet, {item, container});
  Value* found = output(isQuiet, 0, types::I64);
  const bool isCertain = container->op == Op::ConstObject && item->type.isSubtypeOf(types::kSimple);
  found = orElse(isQuiet, found, isCertain, [&] { return call(containsHelper(ins_->special), {item, container}); });
  Value* result = isNonZero(found);
  if (ins_->arg != 0) result = emit(Op::BoolNot, types::I1, {result});
  push(boolObject(result));
  return true;
}

void Translator::binaryOp() {
  Value* right = pop();
  Value* left = pop();
  if (failure_) return;
  if (binaryOpOnNumbers(left, right) || binaryOpOnKnownNumbers(left, right) || binaryOpOnBools(left, right)) return;
  if (concatenateInPlace(left, right) || concatenate(left, right) || inlineClassMethod({left, right})) return;
  if (inlined_ != nullptr) return push(call(Helper::BinaryOpQuiet, {left, right}, {ins_->arg}));
  const int32_t op = plainOperator(ins_->arg);
  if (intOp(op) != Op::kCount || floatOp(op) != Op::kCount) learnNumbers(left, right);
  const Helper helper = isIntForm(ins_->special)     ? Helper::BinaryOpInt
                        : isFloatForm(ins_->special) ? Helper::BinaryOpFloat
                                                     : Helper::BinaryOp;
  push(call(helper, {left, right}, {ins_->arg}));
}

/// Whether the operand of a unary operator is known to be an int, or was one when native code looked.
bool Translator::mayBeInt(const Value* value) const {
  return speculates() && (isKnownInt(value) || (ins_->special == Special::OperatorInt && mayFit(value)));
}
bool Translator::mayBeFloat(const Value* value) const {
  return speculates() &&
         (isKnownFloat(value) || (ins_->special == Special::OperatorFloat && value->type.mayBe(types::Float)));
}

bool Translator::binaryOpOnNumbers(Value* left, Value* right) {
  if (!speculates()) return false;
  const int32_t op = plainOperator(ins_->arg);
  const bool mayBeInts = mayFit(left) && mayFit(right);
  const bool areInts = isIntForm(ins_->special) || ins_->special == Special::OperatorInt;
  const bool areFloats = isFloatForm(ins_->special) || ins_->special == Special::OperatorFloat;
  if (areInts && mayBeInts && intOp(op) != Op::kCount) {
    Value* a = unboxInt(left);
    Value* b = unboxInt(right);
    push(boxInt(emit(intOp(op), types::I64, {a, b})));
    return true;
  }
  if (areInts && mayBeInts && op == kTrueDivide) {
    Value* a = asFloat(left, true);
    Value* b = asFloat(right, true);
    push(boxFloat(emit(Op::FloatDiv, types::F64, {a, b})));
    return true;
  }
  const bool mayBeFloats = left->type.mayBe(types::Float) && right->type.mayBe(types::Float);
  if (areFloats && mayBeFloats && floatOp(op) != Op::kCount) {
    Value* a = unboxFloat(left);
    Value* b = unboxFloat(right);
    push(boxFloat(emit(floatOp(op), types::F64, {a, b})));
    return true;
  }
  if (floatOp(op) == Op::kCount) return false;
  const auto mixed = learnedMixedPair(left, right);
  if (mixed) push(boxFloat(emit(floatOp(op), types::F64, {mixed->first, mixed->second})));
  return mixed.has_value();
}

/// An int and a float that were met at this instruction, as floats. Nothing where they cannot be these.
std::optional<std::pair<Value*, Value*>> Translator::learnedMixedPair(Value* left, Value* right) {
  const bool intFirst = ins_->special == Special::OperatorIntFloat;
  if (!speculates() || (!intFirst && ins_->special != Special::OperatorFloatInt)) return std::nullopt;
  const Value* integer = intFirst ? left : right;
  const Value* other = intFirst ? right : left;
  if (!mayFit(integer) || !other->type.mayBe(types::Float)) return std::nullopt;
  Value* a = asFloat(left, intFirst);
  return std::pair{a, asFloat(right, !intFirst)};
}

/// The same, or they are known to be.
std::optional<std::pair<Value*, Value*>> Translator::mixedPair(Value* left, Value* right) {
  const bool isKnown = (isKnownFloat(left) && isKnownInt(right)) || (isKnownInt(left) && isKnownFloat(right));
  if (!speculates() || !isKnown) return learnedMixedPair(left, right);
  Value* a = toFloat(left);
  return std::pair{a, toFloat(right)};
}

/// What an operand is taken for beside a bool, or where the other one is a bool.
std::optional<uint32_t> Translator::classBesideBool(const Value* value, uint32_t learned) const {
  const auto isLearned = [&](uint32_t which) { return ins_->special == Special::OperatorBool && learned == which; };
  if (value->type == types::Bool || (isLearned(bool_pair::kBool) && value->type.mayBe(types::Bool)))
    return bool_pair::kBool;
  if (isKnownInt(value) || (isLearned(bool_pair::kInt) && mayFit(value))) return bool_pair::kInt;
  if (isKnownFloat(value) || (isLearned(bool_pair::kFloat) && value->type.mayBe(types::Float)))
    return bool_pair::kFloat;
  return std::nullopt;
}

/// Two numbers, one at least a bool, as ints or floats. Nothing where that is not known.
std::optional<Translator::NumberPair> Translator::pairWithBool(Value* left, Value* right) {
  const auto a = classBesideBool(left, bool_pair::left(ins_->index));
  const auto b = classBesideBool(right, bool_pair::right(ins_->index));
  if (!speculates() || !a || !b || (*a != bool_pair::kBool && *b != bool_pair::kBool)) return std::nullopt;
  const bool areFloats = *a == bool_pair::kFloat || *b == bool_pair::kFloat;
  const auto unboxed = [&](Value* value, uint32_t which) {
    if (which == bool_pair::kFloat) return unboxFloat(value);
    Value* number = which == bool_pair::kInt ? unboxInt(value) : unboxBool(value);
    return areFloats ? emit(Op::IntToFloat, types::F64, {number}) : number;
  };
  Value* first = unboxed(left, *a);
  return NumberPair{first, unboxed(right, *b), areFloats, *a == *b};
}

Value* Translator::unboxBool(Value* value) {
  guardType(value, types::Bool);
  return emit(Op::BoolToInt, types::I64, {is(value, snapshot_.trueObject)});
}

bool Translator::binaryOpOnBools(Value* left, Value* right) {
  const int32_t op = plainOperator(ins_->arg);
  if (intOp(op) == Op::kCount && floatOp(op) == Op::kCount) return false;
  const auto pair = pairWithBool(left, right);
  if (!pair) return false;
  const bool isFloat = pair->areFloats || op == kTrueDivide;
  const Op machineOp = isFloat ? floatOp(op) : intOp(op);
  if (machineOp == Op::kCount) return false;
  Value *a = pair->left, *b = pair->right;
  if (isFloat && !pair->areFloats) {
    a = emit(Op::IntToFloat, types::F64, {a});
    b = emit(Op::IntToFloat, types::F64, {b});
  }
  Value* result = emit(machineOp, isFloat ? types::F64 : types::I64, {a, b});
  const bool isBool = pair->areBools && (op == kAnd || op == kOr || op == kXor);
  push(isBool ? boolObject(isNonZero(result)) : isFloat ? boxFloat(result) : boxInt(result));
  return true;
}

/// Where the interpreter had no time to find a quickened form, or has none: learn what it is made of. This is how a
/// wrong guess ends that has blocked the instruction, too.
void Translator::learnNumbers(Value* left, Value* right) {
  const bool isClosed = snapshot_.blocked.contains(kBlockAll) || isMixed(*ins_);
  if (isClosed || failure_ || ins_->special != Special::None || snapshot_.siteCaches == nullptr) return;
  const auto mayBeNumber = [this](const Value* v) { return mayFit(v) || v->type.mayBe(types::Float | types::Bool); };
  const bool mayBeNumbers = mayBeNumber(left) && mayBeNumber(right);
  const bool mayBeMethod = ins_->op == BytecodeOp::BinaryOp && left->type.mayBe(types::OtherObject);
  if (!mayBeNumbers && !mayBeMethod) return;
  const int64_t use = mayBeMethod ? operand_use::kOperator + ins_->arg : operand_use::kNumbers;
  emit(Op::GuardUnlearned, types::kNothing, {left, right}, ins_->site | use << 32);
}

/// True if a value is a number, or could be and comes from a list or tuple, which is where numeric code has them.
bool Translator::isLikelyInt(const Value* value) const {
  return isKnownInt(value) || (value->isItem() && mayFit(value));
}

/// A number as a float; an int has to have an exact double.
Value* Translator::asFloat(Value* value, bool isInt) {
  return isInt ? emit(Op::IntToFloat, types::F64, {unboxInt(value)}) : unboxFloat(value);
}

/// What an operand is unboxed to where the other one is a float.
Value* Translator::toFloat(Value* value) {
  return asFloat(value, isKnownInt(value));
}

/// Operators that the interpreter does not specialize. The guess is that numbers meet numbers: one operand is known to
/// be one, or is an item, and the other may be one. A wrong guess is not repeated at this instruction.
bool Translator::binaryOpOnKnownNumbers(Value* left, Value* right) {
  if (!speculates() || (ins_->special != Special::None && !isLearned(ins_->special))) return false;
  const int32_t op = plainOperator(ins_->arg);
  const bool mayBeInts = mayFit(left) && mayFit(right);
  const bool isIntOnly = op != kAdd && op != kSubtract && op != kMultiply;
  const bool areInts = isKnownInt(left) && isKnownInt(right);
  if (intOp(op) != Op::kCount && (areInts || (isIntOnly && mayBeInts && (isLikelyInt(left) || isLikelyInt(right)) &&
                                              !isKnownFloat(left) && !isKnownFloat(right)))) {
    Value* a = unboxInt(left);
    Value* b = unboxInt(right);
    push(boxInt(emit(intOp(op), types::I64, {a, b})));
    return true;
  }
  auto mayBeNumber = [this](const Value* v) { return v->type.mayBe(types::Float) || isKnownInt(v); };
  const bool areFloats = (isKnownFloat(left) || isKnownFloat(right)) && mayBeNumber(left) && mayBeNumber(right);
  if ((areFloats || (areInts && op == kTrueDivide)) && floatOp(op) != Op::kCount) {
    Value* a = toFloat(left);
    Value* b = toFloat(right);
    push(boxFloat(emit(floatOp(op), types::F64, {a, b})));
    return true;
  }
  return false;
}

/// `s += t` where the next instruction stores to the local that holds `s`: both instructions at once.
bool Translator::concatenateInPlace(Value* left, Value* right) {
  if (inlined_ != nullptr) return false;
  if (!speculates() || ins_->special != Special::InplaceAddUnicode || next_ >= snapshot_.instructions.size())
    return false;
  const Instruction& store = snapshot_.instructions[next_];
  // Of a superinstruction only one half would have been carried out.
  const bool isHalf =
      next_ + 1 < snapshot_.instructions.size() && snapshot_.instructions[next_ + 1].offset == store.offset;
  if (store.op != BytecodeOp::StoreFast || isHalf || flow_.isLeader(next_) || store.arg >= snapshot_.localCount)
    return false;
  // `s += s`: the right operand would be a borrowed reference to the string that changes.
  if (locals_[static_cast<size_t>(store.arg)] != left || left == right) return false;
  if (!left->type.mayBe(types::Str) || !right->type.mayBe(types::Str)) return false;
  guardType(left, types::Str);
  guardType(right, types::Str);
  Value* result = function_.newValue(Op::ConcatLocal, types::Str, {right}, store.arg);
  result->state = makeState();
  // It never re-executes the instruction: it can only fail, and then slot and left operand are gone. So the operands
  // must not be looked at any more.
  result->state->stack = stack_;
  result->state->nextOffset = store.nextOffset;
  function_.append(block_, result);
  locals_[static_cast<size_t>(store.arg)] = result;
  ++next_;
  return true;
}

bool Translator::concatenate(Value* left, Value* right) {
  if (ins_->special != Special::AddUnicode && ins_->special != Special::InplaceAddUnicode) return false;
  if (speculates() && left->type.mayBe(types::Str) && right->type.mayBe(types::Str)) {
    guardType(left, types::Str);
    guardType(right, types::Str);
    push(call(Helper::StrConcat, {left, right}));
    return true;
  }
  // The helper goes on with a plain addition for what are no strings, which would be wrong for `+=`.
  if (ins_->arg != kAdd) return false;
  push(call(Helper::ConcatStr, {left, right}));
  return true;
}

void Translator::compareOp() {
  Value* right = pop();
  Value* left = pop();
  const int64_t comparison = ins_->arg >> 5;
  const bool wantsBool = (ins_->arg & 16) != 0;
  const bool mayBeInts = mayFit(left) && mayFit(right);
  const bool mayBeFloats = left->type.mayBe(types::Float) && right->type.mayBe(types::Float);
  if (speculates() && ins_->special == Special::CompareInt && mayBeInts) {
    Value* a = unboxInt(left);
    Value* b = unboxInt(right);
    return push(boolObject(emit(Op::IntCompare, types::I1, {a, b}, comparison)));
  }
  if (speculates() && ins_->special == Special::CompareFloat && mayBeFloats) {
    Value* a = unboxFloat(left);
    Value* b = unboxFloat(right);
    return push(boolObject(emit(Op::FloatCompare, types::I1, {a, b}, comparison)));
  }
  if (const auto mixed = mixedPair(left, right)) {
    return push(boolObject(emit(Op::FloatCompare, types::I1, {mixed->first, mixed->second}, comparison)));
  }
  if (const auto pair = pairWithBool(left, right)) {
    const Op op = pair->areFloats ? Op::FloatCompare : Op::IntCompare;
    return push(boolObject(emit(op, types::I1, {pair->left, pair->right}, comparison)));
  }
  const bool mayBeStrings = left->type.mayBe(types::Str) && right->type.mayBe(types::Str);
  if (speculates() && ins_->special == Special::CompareStr && mayBeStrings) {
    guardType(left, types::Str);
    guardType(right, types::Str);
    return push(boolObject(call(Helper::StrCompareValue, {left, right}, {comparison})));
  }
  if (inlined_ != nullptr) {
    Value* isKnown = call(Helper::CompareQuiet, {left, right}, {comparison});
    Value* result = output(isKnown, 0, types::I64);
    emit(Op::GuardTrue, types::kNothing, {isKnown})->reason = hir::ExitReason::Inlined;
    return push(boolObject(isNonZero(result)));
  }
  learnNumbers(left, right);
  const Helper helper = ins_->special == Special::CompareInt   ? Helper::CompareInt
                        : ins_->special == Special::CompareStr ? Helper::CompareStr
                                                               : Helper::CompareOp;
  push(callTyped(wantsBool ? types::Bool : types::kObject, helper, {left, right}, {ins_->arg}));
}

void Translator::toBool() {
  Value* value = pop();
  if (value->type == types::Bool) return push(value);
  if (speculates() && ins_->special == Special::ToBoolInt && mayFit(value)) {
    return push(boolObject(isNonZero(unboxInt(value))));
  }
  if (mayFit(value)) learnNumbers(value, value);
  const bool isOfClass = speculates() && ins_->special == Special::ToBoolAlwaysTrue;
  push(boolObject(isNonZero(isOfClass ? call(Helper::ToBoolOfClass, {value}, {static_cast<int64_t>(ins_->version)})
                                      : call(Helper::ToBool, {value}))));
}

}  // namespace martlet::frontend
