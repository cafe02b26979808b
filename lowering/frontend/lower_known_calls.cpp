// SPDX-License-Identifier: MIT
// Calls of C functions and methods that are known at compile time. Owns: which of them become ops on numbers and
// containers. Must not know: Python.h, LLVM.
//
// None of what is emitted here runs Python code: what could is left to the interpreter, and after some times of that
// the call is compiled without these assumptions.
#include <algorithm>

#include "lowering/frontend/translator.h"

namespace martlet::frontend {

namespace {

/// FloatToIntValue's number for a direction of rounding.
int64_t rounding(KnownCallable callable) {
  switch (callable) {
  case KnownCallable::Floor: return 1;
  case KnownCallable::Ceil: return 2;
  case KnownCallable::Round: return 3;
  default: return 0;  // towards zero
  }
}

}  // namespace

const KnownCallable* Translator::knownCallable(const Value* callable) const {
  if (callable->op != Op::ConstObject) return nullptr;
  const auto found = unit_.known.find(callable->imm);
  return found != unit_.known.end() ? &found->second : nullptr;
}

/// A call by CALL's operands: callable, self or NULL, arguments. False, and nothing is emitted that could be noticed,
/// where it is nothing special.
bool Translator::callKnown(const Values& operands) {
  if (failure_) return false;
  const KnownCallable* known = knownCallable(operands[0]);
  if (known == nullptr) return false;
  if (!speculates() && inlined_ == nullptr) return callWithAnything(*known, operands);
  Values args(operands.begin() + 1, operands.end());
  const Value* self = args[0];
  if (self->type == types::Null) {
    args.erase(args.begin());
  } else if (self->type.mayBe(types::Null) && self->op == Op::Output) {
    return false;  // only the call will tell
  }
  const hir::Type owner = ownerType(*known);
  if (args.empty() && !owner.isNothing()) return false;
  if (!owner.isNothing()) {
    if (!args[0]->type.mayBe(owner)) return false;
    guardType(args[0], owner);
  }
  if (!speculates()) return callQuiet(*known, operands[0], args);
  return callOnNumber(*known, args) || callOnNumbers(*known, args) || callOnObject(*known, operands, args) ||
         callOnContainer(*known, args) || iterateRange(*known, args) || callQuiet(*known, operands[0], args);
}

/// Where the guess about the arguments was wrong: the callee is certain all the same.
bool Translator::callWithAnything(KnownCallable known, const Values& operands) {
  if (operands[1]->type != types::Null) return false;
  Helper helper = Helper::kCount;
  size_t count = 1;
  switch (known) {
  case KnownCallable::Len: helper = Helper::CallLen; break;
  case KnownCallable::StrClass: helper = Helper::CallStr1; break;
  case KnownCallable::TupleClass: helper = Helper::CallTuple1; break;
  case KnownCallable::Isinstance:
    helper = Helper::CallIsinstance;
    count = 2;
    break;
  default: return false;
  }
  if (operands.size() != count + 2) return false;
  push(call(helper, operands));
  return true;
}

Translator::Number Translator::numberOf(const Value* value) const {
  if (!mayFit(value) && !value->type.mayBe(types::Float)) return Number::Unknown;
  if (isKnownInt(value) || value->type == types::Long) return Number::Int;
  if (isKnownFloat(value) || value->type == types::Float) return Number::Float;
  if (ins_->numbers == Special::OperatorInt && mayFit(value)) return Number::Int;
  if (ins_->numbers == Special::OperatorFloat && value->type.mayBe(types::Float)) return Number::Float;
  return Number::Unknown;
}

/// Nothing says which numbers a call is made for: learn it.
void Translator::learnArguments(Value* left, Value* right) {
  if (ins_->numbers != Special::None || snapshot_.siteCaches == nullptr) return;
  const bool mayBeInts = mayFit(left) && mayFit(right);
  const bool mayBeFloats = left->type.mayBe(types::Float) && right->type.mayBe(types::Float);
  if (mayBeInts || mayBeFloats) emit(Op::GuardUnlearned, types::kNothing, {left, right}, ins_->site);
}

/// The output of a helper that says whether it has one.
Value* Translator::checkedOutput(Value* call, hir::Type type) {
  Value* result = output(call, 0, type);
  emit(Op::GuardTrue, types::kNothing, {call});
  return result;
}

/// Functions of one number.
bool Translator::callOnNumber(KnownCallable known, const Values& args) {
  const bool isMath = known >= KnownCallable::Acos && known <= KnownCallable::Tan;
  const bool isFloatOnly = isMath || known == KnownCallable::Sqrt || known == KnownCallable::Fabs;
  if (args.size() != 1 || (!isFloatOnly && !(known <= KnownCallable::Trunc))) return false;
  Value* value = args[0];
  Number number = numberOf(value);
  if (number == Number::Unknown && isFloatOnly && value->type.mayBe(types::Float)) number = Number::Float;
  switch (known) {
  case KnownCallable::Abs:
  case KnownCallable::Round:
  case KnownCallable::IntClass:
  case KnownCallable::FloatClass:
  case KnownCallable::Floor:
  case KnownCallable::Ceil:
  case KnownCallable::Trunc:
    if (number == Number::Unknown) learnArguments(value, value);
    break;
  default:
    if (!isFloatOnly) return false;
  }
  if (number == Number::Unknown) return false;
  const bool isInt = number == Number::Int;
  if (known == KnownCallable::Abs && isInt) {
    push(boxInt(checkedOutput(call(Helper::IntAbsValue, {unboxInt(value)}), types::I64)));
  } else if (isFloatOnly || (known == KnownCallable::FloatClass && isInt)) {
    Value* x = asFloat(value, isInt);
    push(boxFloat(floatFunction(known, x)));
  } else if (known == KnownCallable::Abs) {
    push(boxFloat(call(Helper::FloatAbsValue, {unboxFloat(value)})));
  } else if (isInt || known == KnownCallable::FloatClass) {
    guardType(value, isInt ? types::Long : types::Float);  // it is what it would be made to
    push(value);
  } else {
    Value* result = call(Helper::FloatToIntValue, {unboxFloat(value)}, {rounding(known)});
    push(boxInt(checkedOutput(result, types::I64)));
  }
  return true;
}

Value* Translator::floatFunction(KnownCallable known, Value* x) {
  switch (known) {
  case KnownCallable::FloatClass: return x;
  case KnownCallable::Fabs: return call(Helper::FloatAbsValue, {x});
  case KnownCallable::Sqrt: return checkedOutput(call(Helper::FloatSqrtValue, {x}), types::F64);
  default: return checkedOutput(call(Helper::MathFunctionValue, {x}, {static_cast<int64_t>(known)}), types::F64);
  }
}

/// Functions of two numbers, or more.
bool Translator::callOnNumbers(KnownCallable known, const Values& args) {
  constexpr size_t kMany = 4;
  if (known == KnownCallable::Min || known == KnownCallable::Max) {
    return args.size() >= 2 && args.size() <= kMany && smallestOrLargest(args, known == KnownCallable::Min);
  }
  if (args.size() != 2) return false;
  const Number first = numberOf(args[0]), second = numberOf(args[1]);
  if (known == KnownCallable::Divmod) {
    if (first == Number::Unknown || second == Number::Unknown) {
      learnArguments(args[0], args[1]);
      return false;
    }
    if (first == Number::Float || second == Number::Float) {
      Value* x = asFloat(args[0], first == Number::Int);
      Value* y = asFloat(args[1], second == Number::Int);
      Value* whole = emit(Op::FloatFloorDiv, types::F64, {x, y});
      pushPair(boxFloat(whole), boxFloat(emit(Op::FloatMod, types::F64, {x, y})));
      return true;
    }
    Value* a = unboxInt(args[0]);
    Value* b = unboxInt(args[1]);
    Value* quotient = emit(Op::IntFloorDiv, types::I64, {a, b});
    Value* remainder = emit(Op::IntMod, types::I64, {a, b});
    pushPair(boxInt(quotient), boxInt(remainder));
    return true;
  }
  if (known < KnownCallable::Atan2 || known > KnownCallable::Pow) return false;
  Value* numbers[2] = {};
  for (size_t i = 0; i < 2; ++i) {
    const bool isInt = (i == 0 ? first : second) == Number::Int;
    if (!isInt && !args[i]->type.mayBe(types::Float)) return false;
    numbers[i] = asFloat(args[i], isInt);
  }
  Value* result = call(Helper::MathFunction2Value, {numbers[0], numbers[1]}, {static_cast<int64_t>(known)});
  push(boxFloat(checkedOutput(result, types::F64)));
  return true;
}

/// A tuple, or its items where the next instruction takes it apart.
void Translator::pushPair(Value* first, Value* second) {
  const bool more = next_ < snapshot_.instructions.size() && !flow_.isLeader(next_);
  if (more && snapshot_.instructions[next_].op == BytecodeOp::UnpackSequence &&
      snapshot_.instructions[next_].arg == 2) {
    beginInstruction(next_);
    push(second);
    return push(first);
  }
  push(call(Helper::BuildTuple, {first, second}));
}

/// One of two objects.
Value* Translator::choose(Value* takesSecond, Value* first, Value* second) {
  Block* join = newInnerBlock();
  Block* other = newInnerBlock();
  Value* chosen = function_.newParam(join, first->type | second->type);
  endWithBranch(takesSecond, {other, {}}, {join, {first}});
  switchTo(other);
  emit(Op::Jump, types::kNothing);
  block_->successors.push_back({join, {second}});
  switchTo(join);
  return chosen;
}

/// min() and max() return one of their arguments, not an equal number; the first one where several will do.
bool Translator::smallestOrLargest(const Values& args, bool isMin) {
  auto count = [&](Number number) {
    return static_cast<size_t>(
        std::count_if(args.begin(), args.end(), [&](const Value* v) { return numberOf(v) == number; }));
  };
  const bool isMixed = count(Number::Int) + count(Number::Float) == args.size() && count(Number::Float) != 0;
  const bool areInts = !isMixed && count(Number::Int) != 0 && count(Number::Float) == 0;
  const bool areFloats = !isMixed && count(Number::Float) != 0 && count(Number::Int) == 0;
  if (!isMixed && !areInts && !areFloats) {
    learnArguments(args[0], args[1]);
    return false;
  }
  if (isMixed && args.size() > 2) return false;
  auto number = [&](Value* value) -> Value* {
    if (areInts) return unboxInt(value);
    return asFloat(value, isMixed && numberOf(value) == Number::Int);
  };
  auto fits = [&](const Value* v) { return areInts ? mayFit(v) : v->type.mayBe(types::Float); };
  if (!isMixed && !std::all_of(args.begin(), args.end(), fits)) {
    return false;
  }
  Value* best = args[0];
  std::vector<Value*> numbers;
  for (Value* arg : args) numbers.push_back(number(arg));  // all guards come before the first way parts
  for (size_t i = 1; i < args.size(); ++i) {
    Value* bestNumber = i == 1 ? numbers[0] : number(best);
    Value* isBetter = emit(areInts ? Op::IntCompare : Op::FloatCompare, types::I1, {numbers[i], bestNumber},
                           isMin ? hir::comparison::kLess : hir::comparison::kGreater);
    best = choose(isBetter, best, args[i]);
  }
  push(best);
  return true;
}

/// A class whose class is type, or a tuple of these: others have an __instancecheck__.
bool Translator::isOrdinaryClass(const Value* value) const {
  if (value->op == Op::ConstObject) return value->type == types::Class;
  if (!value->calls(Helper::BuildTuple)) return false;
  return std::all_of(value->operands.begin(), value->operands.end(),
                     [](const Value* v) { return v->op == Op::ConstObject && v->type == types::Class; });
}

/// len(): a class of its own may have a __len__.
Value* Translator::sizeOf(const Values& operands, Value* object) {
  constexpr hir::Type kSized = types::kContainer | types::Str | types::Bytes;
  Value* isKnown = call(Helper::LenValue, {object});
  Value* size = output(isKnown, 0, types::I64);
  return orElse(isKnown, size, object->type.isSubtypeOf(kSized),
                [&] { return call(Helper::IntValue, {callTyped(types::Long, Helper::CallLen, operands)}); });
}

/// Functions of other objects.
bool Translator::callOnObject(KnownCallable known, const Values& operands, const Values& args) {
  switch (known) {
  case KnownCallable::Len:
    if (args.size() != 1) return false;
    push(boxInt(sizeOf(operands, args[0])));
    return true;
  case KnownCallable::Id:
    if (args.size() != 1 || inlined_ != nullptr) return false;
    push(callTyped(types::Long, Helper::IdOf, args));
    return true;
  case KnownCallable::Ord:
    if (args.size() != 1 || !args[0]->type.mayBe(types::Str)) return false;
    push(boxInt(checkedOutput(call(Helper::OrdValue, {args[0]}), types::I64)));
    return true;
  case KnownCallable::Chr:
    if (args.size() != 1 || numberOf(args[0]) != Number::Int) return false;
    push(call(Helper::ChrOf, {unboxInt(args[0])}));
    return true;
  case KnownCallable::Isinstance:
    if (args.size() != 2 || !isOrdinaryClass(args[1])) return false;
    push(boolObject(isNonZero(checkedOutput(call(Helper::IsInstanceValue, {args[0], args[1]}), types::I64))));
    return true;
  default: return false;
  }
}

/// Methods of containers whose keys run no code.
bool Translator::callOnContainer(KnownCallable known, const Values& args) {
  const size_t count = args.size();
  switch (known) {
  case KnownCallable::ListAppend:
    if (count != 2) return false;
    call(Helper::ListAppend, {args[0], args[1]});
    break;
  case KnownCallable::ListPop: {
    if (count > 2 || (count == 2 && !args[1]->type.mayBe(types::Long))) return false;
    Value* index = count == 2 ? unboxInt(args[1]) : emit(Op::ConstInt, types::I64, {}, -1);
    push(call(Helper::ListPop, {args[0], index}));
    return true;
  }
  case KnownCallable::SetAdd:
    if (count != 2) return false;
    call(Helper::SetAddQuiet, {args[0], args[1]});
    break;
  case KnownCallable::SetDiscard:
  case KnownCallable::SetRemove:
    if (count != 2) return false;
    call(Helper::SetDiscardQuiet, {args[0], args[1]}, {known == KnownCallable::SetRemove});
    break;
  case KnownCallable::DictGet:
  case KnownCallable::DictSetdefault:
    if (count != 2 && count != 3) return false;
    push(call(known == KnownCallable::DictGet ? Helper::DictGetQuiet : Helper::DictSetdefaultQuiet,
              {args[0], args[1], count == 3 ? args[2] : none()}));
    return true;
  case KnownCallable::DictPop:
    if (count != 2 && count != 3) return false;
    push(call(Helper::DictPopQuiet, {args[0], args[1], count == 3 ? args[2] : null()}));
    return true;
  default: return false;
  }
  push(none());
  return true;
}

/// Whether arguments are what known_callables.def says, as far as can be guessed. Functions that are as often called
/// for other things need to be told.
bool Translator::areLikelyQuiet(KnownCallable known, const Values& args) const {
  constexpr hir::Type kPlain = types::kSimple;
  constexpr hir::Type kItems = kPlain | types::kContainer;
  hir::Type expected = types::kNullable;
  switch (known) {
  case KnownCallable::Abs:
  case KnownCallable::BoolClass:
  case KnownCallable::Divmod:
  case KnownCallable::Max:
  case KnownCallable::Min:
  case KnownCallable::Round:
  case KnownCallable::SetClass:
  case KnownCallable::DictClass:
  case KnownCallable::StrClass: expected = kPlain; break;
  case KnownCallable::EnumerateClass:
  case KnownCallable::ListClass:
  case KnownCallable::ListExtend:
  case KnownCallable::StrJoin:
  case KnownCallable::TupleClass:
  case KnownCallable::ZipClass: expected = kItems; break;
  default: break;
  }
  const auto first = args.begin() + static_cast<ptrdiff_t>(!ownerType(known).isNothing());  // self is guarded
  return std::all_of(first, args.end(), [&](const Value* v) {
    const bool isIterable = expected == kItems && v->calls(Helper::CallQuiet);
    // A generator expression is taken in only if it is quiet.
    if (inlined_ != nullptr && inlined_->consumer != nullptr && v->type.mayBe(expected)) return true;
    return isIterable || v->type.without(types::Null).isSubtypeOf(expected);
  });
}

/// A range that is only made to be iterated: its iterator, which is its own.
bool Translator::iterateRange(KnownCallable known, const Values& args) {
  const bool isIterated =
      next_ < snapshot_.instructions.size() && snapshot_.instructions[next_].op == BytecodeOp::GetIter;
  if (known != KnownCallable::RangeClass || !isIterated || inlined_ != nullptr || args.empty() || args.size() > 3)
    return false;
  if (!std::all_of(args.begin(), args.end(), [this](const Value* v) { return mayFit(v); })) return false;
  emit(Op::Safepoint, types::kNothing, {});  // the interpreter looks for events behind the call
  Values numbers;
  for (Value* arg : args) numbers.push_back(unboxInt(arg));
  if (args.size() == 1) numbers.insert(numbers.begin(), emit(Op::ConstInt, types::I64, {}, 0));
  if (args.size() < 3) numbers.push_back(emit(Op::ConstInt, types::I64, {}, 1));
  Value* length = emit(Op::RangeLength, types::I64, numbers);
  push(call(Helper::NewRangeIter, {numbers[0], length, numbers[2]}));
  return true;
}

/// Any other known callable: its C function, without what calls of foreign code need.
bool Translator::callQuiet(KnownCallable known, Value* callable, const Values& args) {
  const KnownInfo& row = info(known);
  const bool isMethod = !ownerType(known).isNothing();
  if (row.arguments == KnownArguments::None && (!isMethod || args.size() != 1)) return false;
  if (!areLikelyQuiet(known, args)) return false;
  Values operands{callable};
  operands.insert(operands.end(), args.begin(), args.end());
  push(callTyped(row.result, Helper::CallQuiet, operands, {static_cast<int64_t>(row.arguments)}));
  return true;
}

}  // namespace martlet::frontend
