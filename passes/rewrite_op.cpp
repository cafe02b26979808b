// SPDX-License-Identifier: MIT
// Rewrites of single ops: see rewrite_op.h. Canonical forms: a constant is the second operand of a comparison; BoolNot
// stands only where no comparison absorbs it; numbers are unboxed as early as the op table allows.
#include "passes/rewrite_op.h"

#include <algorithm>
#include <bit>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

#include "passes/fold.h"

namespace martlet::passes {

using namespace hir;

namespace {

using namespace comparison;

class OpRewriter {
 public:
  OpRewriter(Function& function, Value& op) : function_(function), op_(op) {}
  Rewrite run();

 private:
  Value* operand(size_t i) const { return op_.operands[i]; }
  Value* make(Op op, Type type, std::vector<Value*> operands, int64_t imm = 0) {
    return function_.insertNew(&op_, op, type, std::move(operands), imm);
  }
  Value* makeInt(int64_t number) { return make(Op::ConstInt, types::I64, {}, number); }
  Value* makeFloat(double number) { return make(Op::ConstFloat, types::F64, {}, std::bit_cast<int64_t>(number)); }
  Value* makeBool(bool truth) { return make(Op::ConstBool, types::I1, {}, truth); }
  const ObjectRef* object(const Value* value) const {
    return value->op == Op::ConstObject ? &function_.objects[static_cast<size_t>(value->imm)] : nullptr;
  }
  std::optional<bool> knownBool(const Value* value) const;

  void narrowItem(Type type);
  Rewrite unboxInt();
  Rewrite unboxFloat();
  Rewrite arithmetic();
  Rewrite intIdentity();
  Rewrite intToFloat();
  Rewrite intCompare();
  Rewrite floatCompare();
  Rewrite compareTruth();
  Rewrite boolNot();
  Rewrite objectIs();
  Rewrite isNull();
  Rewrite tupleItem();
  Rewrite sizeOf();
  Rewrite keepAlive();
  std::optional<bool> isInstance(const Value& call) const;
  Rewrite knownCall();
  Value* truthOf(Value* object);

  Function& function_;
  Value& op_;
};

std::optional<int64_t> intConstant(const Value* value) {
  return value->op == Op::ConstInt ? std::optional(value->imm) : std::nullopt;
}

std::optional<double> floatConstant(const Value* value) {
  return value->op == Op::ConstFloat ? std::optional(std::bit_cast<double>(value->imm)) : std::nullopt;
}

int64_t mirrored(int64_t sign) {
  constexpr int64_t kMirrored[] = {kGreater, kGreaterEqual, kEqual, kNotEqual, kLess, kLessEqual};
  return kMirrored[sign];
}

int64_t negated(int64_t sign) {
  constexpr int64_t kNegated[] = {kGreaterEqual, kGreater, kNotEqual, kEqual, kLessEqual, kLess};
  return kNegated[sign];
}

// Turn this: UnboxFloat(v: Object = ListItem …)    Into this: UnboxFloat(v: Float = ListItem …)
// The guess moves to where the item is loaded: then everybody knows its class, and who releases it runs no code.
void OpRewriter::narrowItem(Type type) {
  Value* item = operand(0);
  const bool mayNarrow = item->isItem() && item->type == types::kObject && !item->keepsType;
  if (mayNarrow && item->block == op_.block) item->type = type;
}

// Turn this: UnboxInt(BoxInt(x))        Into this: x
// Turn this: UnboxInt(ConstObject 5)    Into this: ConstInt 5
Rewrite OpRewriter::unboxInt() {
  Value* source = operand(0);
  if (source->op == Op::BoxInt) return {source->operands[0]};
  narrowItem(types::Long);
  const ObjectRef* constant = object(source);
  if (constant != nullptr && constant->hasInt && constant->type == types::Long) return {makeInt(constant->intValue)};
  return {};
}

// The same for floats.
Rewrite OpRewriter::unboxFloat() {
  Value* source = operand(0);
  if (source->op == Op::BoxFloat) return {source->operands[0]};
  narrowItem(types::Float);
  const ObjectRef* constant = object(source);
  if (constant != nullptr && constant->type == types::Float) return {makeFloat(constant->floatValue)};
  return {};
}

// Turn this: IntAdd(ConstInt 1, ConstInt 2)    Into this: ConstInt 3, unless the op would exit.
Rewrite OpRewriter::arithmetic() {
  const bool binary = op_.operands.size() == 2;
  if (op_.type == types::I64) {
    const auto a = intConstant(operand(0));
    const auto b = binary ? intConstant(operand(1)) : std::optional<int64_t>(0);
    const auto result = a && b ? foldInt(op_.op, *a, *b) : std::nullopt;
    return result ? Rewrite{makeInt(*result)} : intIdentity();
  }
  const auto a = floatConstant(operand(0));
  const auto b = binary ? floatConstant(operand(1)) : std::optional<double>(0);
  const auto result = a && b ? foldFloat(op_.op, *a, *b) : std::nullopt;
  return result ? Rewrite{makeFloat(*result)} : Rewrite{};
}

// Turn this: x + 0, x - 0, x * 1, x << 0, x >> 0, x // 1, x | 0, x ^ 0    Into this: x
Rewrite OpRewriter::intIdentity() {
  if (op_.operands.size() != 2) return {};
  Value* left = operand(0);
  Value* right = operand(1);
  const bool commutes = op_.op == Op::IntAdd || op_.op == Op::IntMul || op_.op == Op::IntOr || op_.op == Op::IntXor;
  if (commutes && intConstant(left)) std::swap(left, right);
  const auto constant = intConstant(right);
  if (!constant) return {};
  switch (op_.op) {
  case Op::IntAdd:
  case Op::IntSub:
  case Op::IntLshift:
  case Op::IntRshift:
  case Op::IntOr:
  case Op::IntXor: return *constant == 0 ? Rewrite{left} : Rewrite{};
  case Op::IntMul:
  case Op::IntFloorDiv: return *constant == 1 ? Rewrite{left} : Rewrite{};
  default: return {};
  }
}

Rewrite OpRewriter::intToFloat() {
  const auto number = intConstant(operand(0));
  const auto result = number ? exactDouble(*number) : std::nullopt;
  return result ? Rewrite{makeFloat(*result)} : Rewrite{};
}

Rewrite OpRewriter::intCompare() {
  const auto a = intConstant(operand(0));
  const auto b = intConstant(operand(1));
  if (a && b) return {makeBool(foldCompare(op_.imm, *a, *b))};
  if (operand(0) == operand(1)) return {makeBool(foldCompare(op_.imm, 0, 0))};
  if (a) {
    // Turn this: 5 < x    Into this: x > 5
    return {make(Op::IntCompare, types::I1, {operand(1), operand(0)}, mirrored(op_.imm))};
  }
  return compareTruth();
}

// No shortcut for equal operands: NaN is not equal to itself.
Rewrite OpRewriter::floatCompare() {
  const auto a = floatConstant(operand(0));
  const auto b = floatConstant(operand(1));
  return a && b ? Rewrite{makeBool(foldCompare(op_.imm, *a, *b))} : Rewrite{};
}

/// The truth of an object as an I1, where it can be told without a call.
Value* OpRewriter::truthOf(Value* object) {
  if (object->op == Op::BoxBool) return object->operands[0];
  if (object->op == Op::BoxInt) return make(Op::IntCompare, types::I1, {object->operands[0], makeInt(0)}, kNotEqual);
  if (object->op == Op::BoxFloat) {
    return make(Op::FloatCompare, types::I1, {object->operands[0], makeFloat(0)}, kNotEqual);  // NaN is true
  }
  if (const auto truth = knownBool(object)) return makeBool(*truth);
  if (object->type == types::None) return makeBool(false);
  if (object->type != types::Bool) {
    const ObjectRef* constant = this->object(object);
    if (constant == nullptr) return nullptr;
    if (constant->hasInt && constant->type == types::Long) return makeBool(constant->intValue != 0);
    if (constant->type == types::Float) return makeBool(constant->floatValue != 0);
    return nullptr;
  }
  for (size_t i = 0; i < function_.objects.size(); ++i) {
    if (isTrueObject(function_.objects[i]) != std::optional(true)) continue;
    Value* trueObject = make(Op::ConstObject, types::Bool, {}, static_cast<int64_t>(i));
    return make(Op::ObjectIs, types::I1, {object, trueObject});
  }
  return nullptr;
}

// Turn this: IntCompare(ToBool(BoxBool(c)) != 0)    Into this: c
// Turn this: IntCompare(ToBool(BoxInt(x)) != 0)     Into this: IntCompare(x != 0)
// Turn this: IntCompare(ToBool(b: Bool) != 0)       Into this: ObjectIs(b, True)
// The call itself stays; dce knows that it cannot be noticed.
Rewrite OpRewriter::compareTruth() {
  Value* call = operand(0);
  const auto zero = intConstant(operand(1));
  if (!call->calls(Helper::ToBool) || zero != std::optional<int64_t>(0)) return {};
  const bool isTrue = op_.imm == kNotEqual || op_.imm == kGreater;
  if (!isTrue && op_.imm != kEqual && op_.imm != kLessEqual) return {};
  Value* truth = truthOf(call->operands[0]);
  if (truth == nullptr) return {};
  return {isTrue ? truth : make(Op::BoolNot, types::I1, {truth})};
}

// Turn this: BoolNot(BoolNot(c))            Into this: c
// Turn this: BoolNot(IntCompare(a < b))     Into this: IntCompare(a >= b)
// Of float comparisons only == and != have an opposite: NaN.
Rewrite OpRewriter::boolNot() {
  Value* source = operand(0);
  switch (source->op) {
  case Op::ConstBool: return {makeBool(source->imm == 0)};
  case Op::BoolNot: return {source->operands[0]};
  case Op::IntCompare: return {make(source->op, types::I1, source->operands, negated(source->imm))};
  case Op::FloatCompare:
    if (source->imm != kEqual && source->imm != kNotEqual) return {};
    return {make(source->op, types::I1, source->operands, negated(source->imm))};
  default: return {};
  }
}

std::optional<bool> OpRewriter::knownBool(const Value* value) const {
  const ObjectRef* constant = object(value);
  return constant == nullptr ? std::nullopt : isTrueObject(*constant);
}

// Turn this: ObjectIs(BoxBool(c), True)       Into this: c
// Turn this: ObjectIs(a, a)                   Into this: true
// Turn this: ObjectIs of different classes, or of different immortal constants    Into this: false
Rewrite OpRewriter::objectIs() {
  Value* a = operand(0);
  Value* b = operand(1);
  if (a == b) return {makeBool(true)};
  if (a->op == Op::ConstObject) std::swap(a, b);
  const auto truth = knownBool(b);
  if (truth && a->op == Op::BoxBool) {
    Value* c = a->operands[0];
    return {*truth ? c : make(Op::BoolNot, types::I1, {c})};
  }
  if (!a->type.mayBe(b->type)) return {makeBool(false)};
  if ((a->type == types::None && b->type == types::None) || (a->type == types::Null && b->type == types::Null)) {
    return {makeBool(true)};
  }
  const ObjectRef* first = object(a);
  const ObjectRef* second = object(b);
  if (first == nullptr || second == nullptr) return {};
  if (a->imm == b->imm) return {makeBool(true)};
  if (first->address != nullptr && second->address != nullptr) return {makeBool(first->address == second->address)};
  return {};
}

Rewrite OpRewriter::isNull() {
  const Type type = operand(0)->type;
  if (type == types::Null) return {makeBool(true)};
  return type.mayBe(types::Null) ? Rewrite{} : Rewrite{makeBool(false)};
}

// Turn this: TupleItem(BuildTuple(a, b), 1)    Into this: b
Rewrite OpRewriter::tupleItem() {
  const std::optional<int64_t> index = intConstant(operand(1));
  if (!index || !operand(0)->calls(Helper::BuildTuple)) return {};
  const std::vector<Value*>& items = operand(0)->operands;
  const auto place = static_cast<size_t>(*index < 0 ? *index + std::ssize(items) : *index);
  return place < items.size() && items[place]->type.isSubtypeOf(op_.type) ? Rewrite{items[place]} : Rewrite{};
}

// Turn this: SizeOf(BuildTuple(a, b))    Into this: 2
Rewrite OpRewriter::sizeOf() {
  if (!operand(0)->calls(Helper::BuildTuple)) return {};
  return {makeInt(std::ssize(operand(0)->operands))};
}

// What is a number in a register needs no object to be kept alive, and the end of some others cannot be noticed.
Rewrite OpRewriter::keepAlive() {
  std::erase_if(op_.operands, [](const Value* v) { return v->type.isSubtypeOf(types::kSimple | types::Null); });
  return {nullptr, op_.operands.empty()};
}

/// The answer of isinstance(), where types tell: a class derived from a built-in one is OtherObject.
std::optional<bool> OpRewriter::isInstance(const Value& call) const {
  if (!call.calls(Helper::IsInstanceValue)) return std::nullopt;
  constexpr Type kExact = types::kSimple | types::kContainer;
  const Type type = call.operands[0]->type;
  if (type.isNothing() || !type.isSubtypeOf(kExact)) return std::nullopt;
  const std::vector<Value*> classes =
      call.operands[1]->calls(Helper::BuildTuple) ? call.operands[1]->operands : std::vector<Value*>{call.operands[1]};
  Type instances;
  for (const Value* v : classes) {
    const ObjectRef* ref = object(v);
    if (ref == nullptr || ref->type != types::Class) return std::nullopt;
    instances = instances | ref->instances;
  }
  if (type.isSubtypeOf(instances)) return true;
  return type.mayBe(instances) ? std::nullopt : std::optional(false);
}

// Turn this: v1:I1 = CallRuntime IsInstanceValue(BoxInt(x), int); v2 = Output v1, 0    Into this: true; 1
Rewrite OpRewriter::knownCall() {
  if (op_.op == Op::Output) {
    const std::optional<bool> answer = isInstance(*operand(0));
    return answer ? Rewrite{makeInt(*answer)} : Rewrite{};
  }
  if (!isInstance(op_)) return {};
  const std::vector<Value*>& ops = op_.block->ops;
  const auto next = std::find(ops.begin(), ops.end(), &op_) + 1;
  return (*next)->op == Op::Output ? Rewrite{} : Rewrite{makeBool(true)};
}

Rewrite OpRewriter::run() {
  switch (op_.op) {
  case Op::UnboxInt: return unboxInt();
  case Op::UnboxFloat: return unboxFloat();
  case Op::IntToFloat: return intToFloat();
  case Op::IntAdd:
  case Op::IntSub:
  case Op::IntMul:
  case Op::IntFloorDiv:
  case Op::IntMod:
  case Op::IntAnd:
  case Op::IntOr:
  case Op::IntXor:
  case Op::IntLshift:
  case Op::IntRshift:
  case Op::IntNeg:
  case Op::IntInvert:
  case Op::FloatAdd:
  case Op::FloatSub:
  case Op::FloatMul:
  case Op::FloatDiv:
  case Op::FloatNeg: return arithmetic();
  case Op::IntCompare: return intCompare();
  case Op::FloatCompare: return floatCompare();
  case Op::BoolNot: return boolNot();
  case Op::ObjectIs: return objectIs();
  case Op::IsNull: return isNull();
  case Op::GuardType: return {nullptr, operand(0)->type.isSubtypeOf(Type(static_cast<uint32_t>(op_.imm)))};
  case Op::GuardQuiet: return {nullptr, operand(0)->type.isSubtypeOf(types::kNumber | types::None | types::Null)};
  case Op::TupleItem: return tupleItem();
  case Op::SizeOf: return sizeOf();
  case Op::KeepAlive: return keepAlive();
  case Op::Output:
  case Op::CallRuntime: return knownCall();
  case Op::GuardTrue: return {nullptr, operand(0)->op == Op::ConstBool && operand(0)->imm != 0};
  default: return {};
  }
}

}  // namespace

Rewrite rewriteOp(Function& function, Value& op) {
  return OpRewriter(function, op).run();
}

std::optional<bool> isTrueObject(const ObjectRef& object) {
  if (object.type != types::Bool) return std::nullopt;
  const std::string_view name = object.name;
  if (name.ends_with("True")) return true;
  if (name.ends_with("False")) return false;
  return std::nullopt;
}

}  // namespace martlet::passes
