// SPDX-License-Identifier: MIT
// See simulator.h.
#include "tests/passes/simulator.h"

#include <algorithm>
#include <bit>
#include <map>
#include <utility>

#include "lowering/hir/printer.h"
#include "lowering/hir/unpack_targets.h"
#include "passes/fold.h"

namespace martlet::simulator {

using namespace hir;

namespace {

constexpr size_t kMaxOps = 4000;
constexpr int kImmortal = 1 << 28;

struct Object {
  Type kind;
  int64_t number = 0;
  double real = 0;
  uint64_t label = 0;  ///< identity of what is no number
  int count = 0;
  int64_t remaining = 0;  ///< RangeIter
  bool dead = false;
};

/// The content of a register or of a slot of the frame.
struct Cell {
  enum class Kind : uint8_t { Nothing, Int, Float, Bool, Object };
  Kind kind = Kind::Nothing;
  int64_t number = 0;  ///< an object's index; -1 is NULL
  double real = 0;
};
constexpr int64_t kNull = -1;

uint64_t mix(uint64_t a, uint64_t b) {
  uint64_t x = a * 0x9e3779b97f4a7c15ULL + b + 0x632be59bd9b4e019ULL;
  x ^= x >> 29;
  x *= 0xbf58476d1ce4e5b9ULL;
  x ^= x >> 32;
  return x;
}

std::string realKey(double value) {
  return "float:" + std::to_string(std::bit_cast<uint64_t>(value));
}

class Machine {
 public:
  Machine(const Function& function, const Function& original, uint64_t seed, bool counted)
      : function_(function), original_(original), seed_(seed), counted_(counted), registers_(function.valueCount()) {}

  Trace run();

 private:
  enum class Step : uint8_t { Next, Jumped, Stop };

  uint64_t random(uint64_t what, uint64_t n) const { return mix(mix(seed_, what), n); }
  void fail(const std::string& message) {
    if (trace_.error.empty()) trace_.error = (at_ != nullptr ? print(*at_) : "end") + ": " + message;
  }

  // Objects
  int64_t newObject(Object object) {
    heap_.push_back(object);
    return static_cast<int64_t>(heap_.size()) - 1;
  }
  int64_t randomObject(Type type, uint64_t choice);
  int64_t constantObject(size_t index);
  int64_t box(const Cell& cell);
  void take(int64_t object);
  void release(int64_t object);
  void releaseConsumed(const Value& op);
  const Object* alive(int64_t object);
  std::string key(const Cell& cell);
  std::string keyOf(int64_t object) { return key({Cell::Kind::Object, object, 0}); }
  std::string memoryKey();

  // Values
  const Cell& read(const Value* value) { return registers_[value->id]; }
  int64_t reference(const Value* value) { return read(value).number; }
  void set(const Value& op, Cell cell) { registers_[op.id] = cell; }
  void setInt(const Value& op, int64_t n) { set(op, {Cell::Kind::Int, n, 0}); }
  void setReal(const Value& op, double d) { set(op, {Cell::Kind::Float, 0, d}); }
  void setBool(const Value& op, bool b) { set(op, {Cell::Kind::Bool, b ? 1 : 0, 0}); }
  void setObject(const Value& op, int64_t object) { set(op, {Cell::Kind::Object, object, 0}); }

  // Execution
  void fillFrame(const Block& entry);
  void noteState(const FrameState& state, const char* what);
  void enter(const Block& from, size_t successor);
  Step execute(const Value& op);
  Step arithmetic(const Value& op);
  Step unbox(const Value& op);
  Step storeLocal(const Value& op);
  Step storeConditionally(const Value& op);
  Step copyLocal(const Value& op);
  bool isDirtyIn(const FrameState& state, size_t slot) {
    const Value* condition = state.conditionOf(slot);
    return state.isDirty(slot) && (condition == nullptr || read(condition).number != 0);
  }
  void noteCall(const Value& op);
  Step call(const Value& op);
  void setResult(const Value& op, uint64_t n, bool more);
  void setOutputs(const Value& op, uint64_t n, bool more);
  void unpackToSlots(const Value& op, uint64_t n);
  Step silentCall(const Value& op);
  Step concatenate(const Value& op);
  Step releaseLast(const Value& op);
  Step leave(const Value& op, bool failed);
  Step returnFrom(const Value& op);
  bool truth(int64_t object);
  void rebindGlobals();
  void finish(std::vector<int64_t> stack);

  const Function& function_;
  const Function& original_;
  const uint64_t seed_;
  const bool counted_;
  std::vector<Cell> registers_;
  std::vector<Object> heap_;
  std::vector<int64_t> slots_, stack_;
  std::vector<bool> dirty_;
  std::map<size_t, int64_t> constants_;
  std::vector<int64_t> external_;  ///< objects of which somebody else holds one reference
  uint64_t calls_ = 0, safepoints_ = 0;
  bool failed_ = false;   ///< the call before a BranchFailed
  bool changed_ = false;  ///< Python code has rebound the globals that were taken for constants
  const Block* block_ = nullptr;
  const Value* at_ = nullptr;
  std::map<const Value*, std::vector<Cell>> outputs_;
  Trace trace_;
};

// ---- Objects --------------------------------------------------------------------------------------------------------

/// An object of one of the classes of a type, or NULL.
int64_t Machine::randomObject(Type type, uint64_t choice) {
  std::vector<Type> kinds;
  for (Type kind : {types::Long,      types::Long,        types::Long,        types::Float, types::Float,
                    types::Bool,      types::None,        types::Str,         types::Tuple, types::List,
                    types::RangeIter, types::OtherObject, types::OtherObject, types::Dict,  types::Set,
                    types::Slice,     types::Function,    types::Class,       types::Cell,  types::Bytes}) {
    if (kind.isSubtypeOf(type)) kinds.push_back(kind);
  }
  if (kinds.empty() || (type.mayBe(types::Null) && choice % 11 == 0)) return kNull;
  Object object{kinds[(choice >> 8) % kinds.size()]};
  object.label = choice;
  object.number = static_cast<int64_t>((choice >> 16) % 4000) - 1000;
  if (object.kind == types::Long && (choice >> 40) % 16 == 0) object.number = INT64_MAX - 3;
  if (object.kind == types::Bool) object.number &= 1;
  object.real = static_cast<double>(object.number) / 8;
  object.remaining = static_cast<int64_t>((choice >> 20) % 6);
  if (object.kind == types::Bool || object.kind == types::None) object.count = kImmortal;
  return newObject(object);
}

int64_t Machine::constantObject(size_t index) {
  auto [at, isNew] = constants_.emplace(index, 0);
  if (!isNew) return at->second;
  const ObjectRef& ref = function_.objects[index];
  Object object{ref.type};
  object.label = index;
  object.number = ref.hasInt ? ref.intValue : ref.name.ends_with("True") ? 1 : 0;
  object.real = ref.floatValue;
  object.count = ref.immortal ? kImmortal : 1;
  return at->second = newObject(object);
}

int64_t Machine::box(const Cell& cell) {
  Object object{cell.kind == Cell::Kind::Int     ? types::Long
                : cell.kind == Cell::Kind::Float ? types::Float
                                                 : types::Bool};
  object.number = cell.number;
  object.real = cell.real;
  object.count = cell.kind == Cell::Kind::Bool ? kImmortal : 1;
  return newObject(object);
}

void Machine::take(int64_t object) {
  if (object == kNull || !counted_) return;
  if (alive(object) != nullptr) ++heap_[static_cast<size_t>(object)].count;
}

void Machine::release(int64_t index) {
  if (index == kNull || !counted_ || alive(index) == nullptr) return;
  Object& object = heap_[static_cast<size_t>(index)];
  if (--object.count != 0) return;
  object.dead = true;
  const bool quiet = object.kind.isSubtypeOf(types::kSimple | types::RangeIter);
  if (!quiet && std::find(dirty_.begin(), dirty_.end(), true) != dirty_.end())
    fail("a finalizer would see a stale slot");
  if (!quiet && random(12, static_cast<uint64_t>(index)) % 4 == 0) rebindGlobals();
}

const Object* Machine::alive(int64_t index) {
  const Object& object = heap_[static_cast<size_t>(index)];
  if (object.dead) fail("object " + std::to_string(index) + " is used after its release");
  return object.dead ? nullptr : &object;
}

/// What a program can tell apart: numbers by value, other objects by identity.
std::string Machine::key(const Cell& cell) {
  switch (cell.kind) {
  case Cell::Kind::Int: return "int:" + std::to_string(cell.number);
  case Cell::Kind::Float: return realKey(cell.real);
  case Cell::Kind::Bool: return "bool:" + std::to_string(cell.number);
  case Cell::Kind::Nothing: return "nothing";
  case Cell::Kind::Object: break;
  }
  if (cell.number == kNull) return "null";
  const Object* object = alive(cell.number);
  if (object == nullptr) return "dead";
  if (object->kind == types::Long) return "int:" + std::to_string(object->number);
  if (object->kind == types::Float) return realKey(object->real);
  if (object->kind == types::Bool) return "bool:" + std::to_string(object->number);
  if (object->kind == types::None) return "None";
  return object->kind.str() + ":" + std::to_string(object->label);
}

std::string Machine::memoryKey() {
  std::string text = " [";
  for (int64_t object : slots_) text += keyOf(object) + " ";
  return text + "]";
}

// ---- Execution ------------------------------------------------------------------------------------------------------

void Machine::fillFrame(const Block& entry) {
  const FrameState& state = *entry.entry;
  for (size_t slot = 0; slot < state.locals.size(); ++slot) {
    slots_.push_back(randomObject(state.locals[slot]->type, random(1, slot)));
  }
  for (size_t i = 0; i < state.stack.size(); ++i) {
    stack_.push_back(randomObject(state.stack[i]->type.without(types::Null), random(2, i)));
  }
  dirty_.assign(slots_.size(), false);
  for (int64_t object : slots_) take(object);
  for (int64_t object : stack_) take(object);
  for (const auto& list : {slots_, stack_}) {
    for (int64_t object : list) {
      if (object == kNull || random(3, static_cast<uint64_t>(object)) % 2 == 0) continue;
      take(object);
      external_.push_back(object);
    }
  }
}

Trace Machine::run() {
  const size_t which = random(0, 0) % function_.entries.size();
  fillFrame(*original_.entries[which].block);
  block_ = function_.entries[which].block;
  for (size_t ops = 0, index = 0; ops < kMaxOps; ++ops) {
    if (index == 0 && !counted_ && block_ != function_.entries[which].block) noteState(*block_->entry, "at ");
    at_ = block_->ops[index];
    if (at_->state && !counted_) noteState(*at_->state, "at ");
    const Step step = execute(*at_);
    if (!trace_.error.empty() || step == Step::Stop) return std::move(trace_);
    index = step == Step::Jumped ? 0 : index + 1;
  }
  return std::move(trace_);
}

void Machine::noteState(const FrameState& state, const char* what) {
  std::string text =
      what + std::to_string(trace_.events.size()) + " offset " + std::to_string(state.resumeOffset) + memoryKey();
  for (const Value* v : state.stack) text += key(read(v)) + " ";
  trace_.states.insert(text);
}

void Machine::enter(const Block& from, size_t successor) {
  const Edge& edge = from.successors[successor];
  std::vector<Cell> cells;
  for (const Value* argument : edge.args) cells.push_back(read(argument));
  for (size_t i = 0; i < cells.size(); ++i) registers_[edge.target->params[i]->id] = cells[i];
  block_ = edge.target;
}

Machine::Step Machine::execute(const Value& op) {
  if (counted_ && op.op != Op::Output) {
    for (const Value* v : op.operands) {
      if (read(v).kind == Cell::Kind::Object && reference(v) != kNull) alive(reference(v));
    }
  }
  switch (op.op) {
  case Op::ConstInt: setInt(op, op.imm); return Step::Next;
  case Op::ConstFloat: setReal(op, std::bit_cast<double>(op.imm)); return Step::Next;
  case Op::ConstBool: setBool(op, op.imm != 0); return Step::Next;
  case Op::ConstObject:
    if (changed_ && function_.objects[static_cast<size_t>(op.imm)].watched) fail("the global has another value by now");
    setObject(op, constantObject(static_cast<size_t>(op.imm)));
    return Step::Next;
  case Op::ConstNull: setObject(op, kNull); return Step::Next;
  case Op::LoadLocal:
    if (dirty_[static_cast<size_t>(op.imm)]) fail("the slot is dirty");
    setObject(op, slots_[static_cast<size_t>(op.imm)]);
    return Step::Next;
  case Op::LoadStack: setObject(op, stack_[static_cast<size_t>(op.imm)]); return Step::Next;
  case Op::StoreLocal:
  case Op::SyncLocal:
  case Op::DeferLocal: return storeLocal(op);
  case Op::SyncLocalIf:
  case Op::DeferLocalIf:
  case Op::TakeLocal: return storeConditionally(op);
  case Op::CopyLocal: return copyLocal(op);
  case Op::ConcatLocal: return concatenate(op);
  case Op::CallRuntime: return call(op);
  case Op::Output: set(op, outputs_[op.operands[0]][static_cast<size_t>(op.imm)]); return Step::Next;
  case Op::UnboxInt:
  case Op::UnboxFloat: return unbox(op);
  case Op::BoxInt:
  case Op::BoxFloat:
  case Op::BoxBool: setObject(op, box(read(op.operands[0]))); return Step::Next;
  case Op::BoolNot: setBool(op, read(op.operands[0]).number == 0); return Step::Next;
  case Op::ObjectIs: {
    // Numbers have no identity here: passes may merge equal ones.
    setBool(op, key(read(op.operands[0])) == key(read(op.operands[1])));
    return Step::Next;
  }
  case Op::IsNull: setBool(op, reference(op.operands[0]) == kNull); return Step::Next;
  case Op::GuardType: {
    const int64_t object = reference(op.operands[0]);
    if (object == kNull) return trace_.end = Trace::End::Undefined, Step::Stop;
    const bool fits = heap_[static_cast<size_t>(object)].kind.isSubtypeOf(Type(static_cast<uint32_t>(op.imm)));
    return fits ? Step::Next : leave(op, false);
  }
  case Op::GuardQuiet: {
    const int64_t object = reference(op.operands[0]);
    const bool fits =
        object == kNull || heap_[static_cast<size_t>(object)].kind.isSubtypeOf(types::kNumber | types::None);
    return fits ? Step::Next : leave(op, false);
  }
  case Op::GuardGlobals: return Step::Next;
  case Op::GuardValid: return changed_ ? leave(op, false) : Step::Next;
  case Op::GuardTrue: return read(op.operands[0]).number != 0 ? Step::Next : leave(op, false);
  case Op::Safepoint: return random(4, safepoints_++) % 9 == 0 ? leave(op, false) : Step::Next;
  case Op::IncRef: take(reference(op.operands[0])); return Step::Next;
  case Op::DecRef: release(reference(op.operands[0])); return Step::Next;
  case Op::Release: return releaseLast(op);
  case Op::KeepAlive: return Step::Next;
  case Op::Jump: enter(*block_, 0); return Step::Jumped;
  case Op::Branch: enter(*block_, read(op.operands[0]).number != 0 ? 0 : 1); return Step::Jumped;
  case Op::BranchFailed: enter(*block_, std::exchange(failed_, false) ? 0 : 1); return Step::Jumped;
  case Op::Return: return returnFrom(op);
  case Op::Exit: return leave(op, false);
  case Op::Unreachable: fail("reached"); return Step::Stop;
  default: return arithmetic(op);
  }
}

Machine::Step Machine::arithmetic(const Value& op) {
  const Cell& a = read(op.operands[0]);
  const Cell& b = op.operands.size() > 1 ? read(op.operands[1]) : a;
  if (op.op == Op::IntCompare) return setBool(op, passes::foldCompare(op.imm, a.number, b.number)), Step::Next;
  if (op.op == Op::FloatCompare) return setBool(op, passes::foldCompare(op.imm, a.real, b.real)), Step::Next;
  if (op.op == Op::IntToFloat || op.type == types::F64) {
    const auto result =
        op.op == Op::IntToFloat ? passes::exactDouble(a.number) : passes::foldFloat(op.op, a.real, b.real);
    if (!result) return leave(op, false);
    return setReal(op, *result), Step::Next;
  }
  const auto result = passes::foldInt(op.op, a.number, b.number);
  if (!result) {
    trace_.overflow = op.reason == ExitReason::IntOverflow;
    return leave(op, false);
  }
  return setInt(op, *result), Step::Next;
}

Machine::Step Machine::unbox(const Value& op) {
  const int64_t index = reference(op.operands[0]);
  if (index == kNull) {
    trace_.end = Trace::End::Undefined;
    if (counted_) fail("NULL is unboxed");
    return Step::Stop;
  }
  const Object& object = heap_[static_cast<size_t>(index)];
  const bool isInt = op.op == Op::UnboxInt;
  if (object.kind != (isInt ? types::Long : types::Float)) return leave(op, false);
  isInt ? setInt(op, object.number) : setReal(op, object.real);
  return Step::Next;
}

Machine::Step Machine::storeLocal(const Value& op) {
  const auto slot = static_cast<size_t>(op.imm);
  dirty_[slot] = op.op == Op::DeferLocal;
  if (op.op == Op::DeferLocal) {
    const int64_t stale = slots_[slot];
    if (stale != kNull && !heap_[static_cast<size_t>(stale)].kind.isSubtypeOf(types::kNumber))
      fail("no number is hidden");
    return Step::Next;
  }
  const int64_t old = slots_[slot];
  slots_[slot] = reference(op.operands[0]);
  if (op.op == Op::SyncLocal) {
    if (old != kNull && !heap_[static_cast<size_t>(old)].kind.isSubtypeOf(types::kNumber))
      fail("no number is replaced");
    release(old);
  }
  return Step::Next;
}

Machine::Step Machine::storeConditionally(const Value& op) {
  const auto slot = static_cast<size_t>(op.imm);
  const bool isDirty = read(op.operands.back()).number != 0;
  if (op.op == Op::DeferLocalIf) {
    dirty_[slot] = isDirty;
    return Step::Next;
  }
  if (isDirty != dirty_[slot]) fail("the flag is wrong about the slot");
  if (op.op == Op::TakeLocal) {
    setObject(op, isDirty ? kNull : std::exchange(slots_[slot], kNull));
  } else if (isDirty) {
    release(std::exchange(slots_[slot], box(read(op.operands[0]))));
    dirty_[slot] = false;
  }
  return Step::Next;
}

Machine::Step Machine::copyLocal(const Value& op) {
  const auto slot = static_cast<size_t>(op.imm & 0xffffffff);
  const auto source = static_cast<size_t>(op.imm >> 32);
  if (read(op.operands[0]).number != 0) return Step::Next;
  if (dirty_[source]) fail("what is copied is stale");
  const int64_t copied = slots_[source];
  take(copied);
  release(std::exchange(slots_[slot], copied));
  return Step::Next;
}

bool Machine::truth(int64_t index) {
  const Object& object = heap_[static_cast<size_t>(index)];
  if (object.kind == types::None) return false;
  if (object.kind == types::Long || object.kind == types::Bool) return object.number != 0;
  if (object.kind == types::Float) return object.real != 0;
  return mix(object.label, 7) % 2 == 0;
}

/// Calls that passes may remove or move: the answer depends on nothing but the operands.
Machine::Step Machine::silentCall(const Value& op) {
  const int64_t object = op.operands.empty() ? kNull : reference(op.operands[0]);
  if (object == kNull && !op.operands.empty()) return trace_.end = Trace::End::Undefined, Step::Stop;
  if (op.calls(Helper::ToBool)) return setInt(op, truth(object)), Step::Next;
  if (op.calls(Helper::RangeNext)) {
    Object& range = heap_[static_cast<size_t>(object)];
    const bool more = range.remaining-- > 0;
    outputs_[&op] = {{Cell::Kind::Int, range.number++, 0}};
    return setBool(op, more), Step::Next;
  }
  uint64_t choice = static_cast<uint64_t>(op.helper);
  for (int64_t imm : op.imms) choice = mix(choice, static_cast<uint64_t>(imm));
  if (object != kNull) choice = mix(choice, heap_[static_cast<size_t>(object)].label);
  if (op.type == types::I1) return setBool(op, choice % 2 == 0), Step::Next;
  if (op.type == types::I64) return setInt(op, static_cast<int64_t>(choice % 5)), Step::Next;
  const int64_t result = op.type.isReference() ? randomObject(op.type.without(types::Null), choice) : kNull;
  if (op.ownership() == Ownership::Owned) take(result);
  return setObject(op, result), Step::Next;
}

/// What others see of a call: its operands, and where it runs Python code, the frame.
void Machine::noteCall(const Value& op) {
  // The variants with an unboxed key are the same to the program.
  std::string name = info(op.helper).name;
  if (name.ends_with("I64")) name.replace(name.size() - 3, 3, "Int");
  // So is an unpacking that stores the items itself.
  const bool stores = op.calls(Helper::UnpackToSlots);
  if (stores) name = info(Helper::UnpackSequence).name;
  std::string event = name + "(";
  for (const Value* v : op.operands) event += key(read(v)) + " ";
  const std::vector<int64_t> imms = stores ? std::vector<int64_t>{UnpackTargets::countOf(op.imms[0])} : op.imms;
  for (int64_t imm : imms) event += "#" + std::to_string(imm) + " ";
  const bool python = op.effects() == Effects::Python;
  trace_.events.push_back(event + ")" + (python ? memoryKey() : ""));
  if (python && std::find(dirty_.begin(), dirty_.end(), true) != dirty_.end())
    fail("Python code would see a stale slot");
}

Machine::Step Machine::call(const Value& op) {
  const bool isSilent = op.effects() == Effects::Pure || op.effects() == Effects::Reads;
  if (isSilent || op.calls(Helper::ToBool) || op.calls(Helper::RangeNext)) return silentCall(op);
  // Lists have no items here: what it does by itself is never possible.
  if (op.calls(Helper::CopySlice)) return setBool(op, false), Step::Next;
  noteCall(op);
  const uint64_t n = calls_++;
  if (op.effects() == Effects::Python && random(13, n) % 6 == 0) rebindGlobals();
  const auto& ops = block_->ops;
  const auto self = std::find(ops.begin(), ops.end(), &op);
  const bool isCaught = op.isCaught();
  const Op next = isCaught ? block_->successors[1].target->ops.front()->op : (*(self + 1))->op;
  if (next == Op::Unreachable || (op.canExit() && random(5, n) % (isCaught ? 4 : 40) == 0)) {
    releaseConsumed(op);
    failed_ = isCaught;
    return isCaught ? Step::Next : leave(op, true);
  }
  const bool more = random(6, n) % 4 != 0;
  setResult(op, n, more);
  setOutputs(op, n, more);
  releaseConsumed(op);
  if (op.calls(Helper::UnpackToSlots)) unpackToSlots(op, n);
  return Step::Next;
}

void Machine::setResult(const Value& op, uint64_t n, bool more) {
  if (op.type == types::I64) setInt(op, more);
  if (op.type == types::I1) setBool(op, more);
  if (op.type == types::F64) setReal(op, 0.5);
  if (!op.type.isReference()) return;
  // One of the operands (no number: those may come unboxed), or something new.
  int64_t result = kNull;
  for (const Value* v : op.operands) {
    if (!v->type.isReference() || reference(v) == kNull || random(7, n) % 3 != 0) continue;
    const Type kind = heap_[static_cast<size_t>(reference(v))].kind;
    if (kind.isSubtypeOf((info(op.helper).resultType & op.type).without(types::kNumber))) result = reference(v);
  }
  if (result == kNull) result = randomObject(op.type, random(8, n));
  take(result);
  setObject(op, result);
}

void Machine::setOutputs(const Value& op, uint64_t n, bool more) {
  std::vector<Cell> outputs;
  const bool exhausted = std::string_view(info(op.helper).name).starts_with("ForIter") && !more;
  for (size_t i = 0; i < op.outputCount(); ++i) {
    const Type type = op.outputType(i);
    if (type == types::I64) outputs.push_back({Cell::Kind::Int, static_cast<int64_t>(random(9, n) % 100), 0});
    if (type == types::F64) outputs.push_back({Cell::Kind::Float, 0, 1.5});
    if (!type.isReference()) continue;
    const bool mayBeNull = op.calls(Helper::LoadMethod) || op.calls(Helper::LoadSuperMethod);
    const bool isNull = exhausted || (mayBeNull && random(10, n) % 2 == 0);
    const int64_t object = isNull ? kNull : randomObject(types::kObject, random(11 + i, n));
    take(object);
    outputs.push_back({Cell::Kind::Object, object, 0});
  }
  outputs_[&op] = outputs;
}

void Machine::unpackToSlots(const Value& op, uint64_t n) {
  const UnpackTargets targets = UnpackTargets::unpack({op.imms[0], op.imms[1], op.imms[2]});
  std::vector<int64_t> items;
  for (size_t i = 0; i < targets.count; ++i) {
    items.push_back(randomObject(types::kObject, random(11 + i, n)));
    take(items.back());
  }
  for (size_t i = 0; i < targets.count; ++i) {
    dirty_[targets.slots[i]] = false;
    release(std::exchange(slots_[targets.slots[i]], items[targets.count - 1 - i]));
  }
}

/// A helper ends by letting go what it consumed.
void Machine::releaseConsumed(const Value& op) {
  for (size_t i = 0; i < op.operands.size(); ++i) {
    if (op.consumesAlways(i)) release(reference(op.operands[i]));
  }
}

/// The dict that kept them alive lets them go.
void Machine::rebindGlobals() {
  if (std::exchange(changed_, true)) return;
  for (auto [index, object] : constants_) {
    if (function_.objects[index].watched) release(object);
  }
}

/// A release that brings slots up to date first if it is the last one; they are taken for dirty all the same.
Machine::Step Machine::releaseLast(const Value& op) {
  const int64_t index = reference(op.operands[0]);
  if (index == kNull || alive(index) == nullptr || heap_[static_cast<size_t>(index)].count != 1) {
    return release(index), Step::Next;
  }
  const std::vector<bool> dirty = dirty_;
  for (size_t slot = 0; slot < slots_.size(); ++slot) {
    if (!isDirtyIn(*op.state, slot)) continue;
    if (!dirty_[slot]) fail("a clean slot is brought up to date");
    const Cell& cell = read(op.state->locals[slot]);
    const int64_t old = slots_[slot];
    slots_[slot] = cell.kind == Cell::Kind::Object ? cell.number : box(cell);
    if (cell.kind == Cell::Kind::Object) take(cell.number);
    release(old);
    dirty_[slot] = false;
  }
  release(index);
  dirty_ = dirty;
  return Step::Next;
}

Machine::Step Machine::concatenate(const Value& op) {
  const auto slot = static_cast<size_t>(op.imm);
  trace_.events.push_back("ConcatLocal(" + key(read(op.operands[0])) + ")" + memoryKey());
  const uint64_t n = calls_++;
  const int64_t old = slots_[slot];
  const bool failed = random(5, n) % 40 == 0;
  const int64_t result = failed ? kNull : randomObject(types::Str, random(8, n));
  take(result);
  slots_[slot] = result;
  release(old);
  if (failed) return leave(op, true);
  setObject(op, result);
  return Step::Next;
}

// ---- Leaving --------------------------------------------------------------------------------------------------------

/// What the vm makes of an exit: see native_abi.h.
Machine::Step Machine::leave(const Value& op, bool failed) {
  const FrameState& state = *op.state;
  trace_.end = Trace::End::Exit;
  std::vector<const Value*> owned(state.owned.begin(), state.owned.end());
  std::map<uint32_t, int64_t> boxes;
  std::vector<int64_t> fresh;
  auto objectOf = [&](const Value* v) {
    const Cell& cell = read(v);
    if (cell.kind != Cell::Kind::Object) {
      auto [at, isNew] = boxes.emplace(v->id, 0);
      if (isNew) {
        at->second = box(cell);
        fresh.push_back(at->second);
      }
      take(at->second);
      return at->second;
    }
    if (auto mine = std::find(owned.begin(), owned.end(), v); mine != owned.end()) {
      owned.erase(mine);
      if (cell.number != kNull) alive(cell.number);
    } else {
      take(cell.number);
    }
    return cell.number;
  };
  std::vector<int64_t> stack;
  for (const Value* v : state.stack) stack.push_back(objectOf(v));
  std::vector<int64_t> replaced;
  for (size_t slot = 0; slot < slots_.size(); ++slot) {
    if (counted_ && dirty_[slot] != isDirtyIn(state, slot)) fail("dirty slots are not those of the state");
    if (!isDirtyIn(state, slot)) continue;
    replaced.push_back(slots_[slot]);
    slots_[slot] = objectOf(state.locals[slot]);
  }
  dirty_.assign(slots_.size(), false);
  for (int64_t object : replaced) release(object);
  for (const Value* v : owned) release(reference(v));
  for (int64_t object : fresh) release(object);  // the box's own first reference
  while (failed && stack.size() > state.stackAfterPop) {
    release(stack.back());
    stack.pop_back();
  }
  trace_.result = (failed ? "failed " : "at ") + std::to_string(trace_.events.size()) + " offset " +
                  std::to_string(failed ? state.offset : state.resumeOffset) + memoryKey();
  for (int64_t object : stack) trace_.result += keyOf(object) + " ";
  if (!counted_) trace_.states.insert(trace_.result);
  finish(stack);
  return Step::Stop;
}

Machine::Step Machine::returnFrom(const Value& op) {
  trace_.end = Trace::End::Return;
  trace_.result = "return " + key(read(op.operands[0]));
  dirty_.assign(slots_.size(), false);
  finish({reference(op.operands[0])});
  return Step::Stop;
}

/// The frame goes, and so do all references that the function's world held: nothing may be left.
void Machine::finish(std::vector<int64_t> stack) {
  if (!counted_) return;
  for (int64_t object : stack) release(object);
  for (int64_t object : slots_) release(object);
  for (int64_t object : external_) release(object);
  for (auto [index, object] : constants_) {
    if (function_.objects[index].watched && changed_) {
      if (heap_[static_cast<size_t>(object)].count != 0) fail("global " + std::to_string(index) + " has a wrong count");
      continue;
    }
    if (heap_[static_cast<size_t>(object)].dead) fail("constant " + std::to_string(index) + " was released");
    if (function_.objects[index].immortal) continue;
    if (heap_[static_cast<size_t>(object)].count != 1) fail("constant " + std::to_string(index) + " has a wrong count");
  }
  std::set<int64_t> constants;
  for (auto [index, object] : constants_) constants.insert(object);
  for (size_t i = 0; i < heap_.size(); ++i) {
    const Object& object = heap_[i];
    const bool expected = constants.contains(static_cast<int64_t>(i)) || object.count >= kImmortal / 2;
    if (!expected && object.count != 0) {
      fail("object " + std::to_string(i) + " (" + object.kind.str() + ") is left with " + std::to_string(object.count));
    }
  }
}

}  // namespace

Trace execute(const Function& function, const Function& original, uint64_t seed, bool counted) {
  return Machine(function, original, seed, counted).run();
}

std::optional<std::string> compare(const Trace& original, const Trace& optimized, bool* early) {
  if (original.end == Trace::End::Undefined) return std::nullopt;
  if (!original.error.empty()) return "original: " + original.error;
  if (!optimized.error.empty()) return optimized.error;
  const size_t common = std::min(original.events.size(), optimized.events.size());
  for (size_t i = 0; i < common; ++i) {
    if (original.events[i] != optimized.events[i]) {
      return "event " + std::to_string(i) + ": " + original.events[i] + " became " + optimized.events[i];
    }
  }
  if (original.overflow) return std::nullopt;
  if (original.end == Trace::End::Limit || optimized.end == Trace::End::Limit) return std::nullopt;
  if (optimized.events.size() > original.events.size())
    return "goes on after the original: " + optimized.events[common];
  if (optimized.end == Trace::End::Exit) {
    if (early != nullptr) *early = original.result != optimized.result;
    if (original.states.contains(optimized.result)) return std::nullopt;
    return "leaves in a state that the original was never in: " + optimized.result;
  }
  if (original.result != optimized.result) return original.result + " became " + optimized.result;
  return std::nullopt;
}

}  // namespace martlet::simulator
