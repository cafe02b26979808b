// SPDX-License-Identifier: MIT
// HIR: functions of basic blocks in SSA form with block parameters. Owns: values, blocks, frame states. Must not know:
// Python.h, LLVM, a CPython version.
//
// The contract between frontend, passes and lowering, in short (the essay is lowering/hir/README.md):
//  * Every compiled function runs on a real interpreter frame. Frame slots (localsplus) own one reference each.
//    A slot is *clean* where its memory holds the SSA value of the slot map, *dirty* where a store was deferred and
//    memory holds a stale number or NULL; which of both may be known at run time only (FrameState::when). The frontend
//    emits only clean slots (a StoreLocal for each store).
//  * Each block carries an entry state: offset, and the slot map and operand stack at its start.
//  * An op that can leave native code carries a FrameState that describes the interpreter *before* the instruction, its
//    inputs still on the stack. A guard exit re-executes the instruction. A failed helper has `stackAfterPop` entries
//    left when its exception is handled. A parked result (see `Completion`) continues behind the instruction.
//  * Guards come before the first side effect of an instruction.
//  * Reference counts are implicit until the refcount pass: every operand is borrowed except S and M operands.
#pragma once
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lowering/hir/type.h"

namespace martlet::hir {

class Block;
class Function;

enum class Op : uint8_t {
#define OP(name, ...) name,
#include "lowering/hir/ops.def"
  kCount
};

enum class ExitReason : uint8_t {
#define EXIT_REASON(name, ...) name,
#include "lowering/hir/exit_reasons.def"
  kCount
};

/// What IntCompare and FloatCompare ask, as their imm: COMPARE_OP's numbers.
namespace comparison {
inline constexpr int64_t kLess = 0, kLessEqual = 1, kEqual = 2, kNotEqual = 3, kGreater = 4, kGreaterEqual = 5;
}

/// Bits of the imm of items (Value::isItem()).
inline constexpr int64_t kBorrowedItem = 1;  ///< from the container or instance
inline constexpr int64_t kIndexInRange = 2;  ///< of ListItem and TupleItem

enum class Effects : uint8_t { Pure, Reads, Writes, Python, Control };
enum class Ownership : uint8_t { Owned, Slot, Container, Forever, None };

/// How a runtime helper says that it failed, and thereby that native code must be left.
enum class Failure : uint8_t {
  Never,
  Null,      ///< returns NULL
  Negative,  ///< returns a negative number
};

enum class Helper : uint16_t {
#define HELPER(name, ...) name,
#include "vm/runtime/helpers.def"
  kCount
};

/// A row of the op table.
struct OpInfo {
  const char* name;
  const char* result;
  const char* operands;
  Effects effects;
  ExitReason exit;
  Ownership ownership;
  const char* description;
};
const OpInfo& info(Op op);
/// How many successors the block of a terminator has.
size_t successorCount(Op terminator);

/// A row of the helper table.
struct HelperInfo {
  const char* name;
  const char* symbol;
  const char* params;  ///< see helpers.def
  Type resultType;     ///< of an O, N or F result
  /// O owned object, N owned object or NULL, F forever-alive object, i int -> I64, l I64, d F64, b I1, v nothing.
  char result;
  Effects effects;
  Failure failure;
  bool inlined;  ///< also compiled to bitcode
};
const HelperInfo& info(Helper helper);
/// Type of a CallRuntime of this helper: the row's type, or I64, F64, I1, nothing for machine results.
Type resultType(const HelperInfo& helper);
const char* name(ExitReason reason);
const char* sentence(ExitReason reason);
bool isCounted(ExitReason reason);

/// What a parked result of a helper means for the interpreter, when native code is left right behind an instruction
/// that has been carried out (its helper returned "failed", but with a result parked and no exception).
enum class Completion : uint8_t {
  None,        ///< the helper never parks here
  PushObject,  ///< pop the inputs, push the object, continue behind the instruction
  PushBool,    ///< the same with True or False for a non-negative number
  Nothing,     ///< pop the inputs, continue behind the instruction
};

class Value;

/// The interpreter's state before an instruction. Offsets are in code units.
struct FrameState {
  uint32_t offset = 0;         ///< the instruction: line numbers and handlers are looked up here
  uint32_t resumeOffset = 0;   ///< where the interpreter re-executes it: its first EXTENDED_ARG, or `offset`
  uint32_t nextOffset = 0;     ///< the instruction behind it
  uint16_t stackAfterPop = 0;  ///< stack entries left once the inputs are popped
  Completion completion = Completion::None;
  /// Of an op of inlined code, all of which comes back to here: which code it is of (a number of the vm's, not 0), and
  /// its offset there. What goes wrong in it is not the call's fault.
  uint32_t inlinedCode = 0, inlinedOffset = 0;
  std::vector<Value*> locals;  ///< slot map: one value for each localsplus slot (ConstNull when unbound)
  std::vector<Value*> stack;   ///< operand stack, bottom first
  std::vector<bool> dirty;     ///< dirty slots; empty means none (as before the local-sync pass)
  /// By slot: of a dirty one, the I1 that tells whether it really is; null or beyond the end: it is. Otherwise memory
  /// holds its content, and the value in `locals` means nothing.
  std::vector<Value*> when;
  /// References that SSA holds right before the op, one entry for each (a value can be listed twice). Filled by the
  /// refcount pass: leaving native code here hands over or releases exactly these.
  std::vector<Value*> owned;
  bool isDirty(size_t slot) const { return slot < dirty.size() && dirty[slot]; }
  Value* conditionOf(size_t slot) const { return slot < when.size() ? when[slot] : nullptr; }
};

/// Calls `visit(Value*&)` for every value that a state names, but for `owned`.
template <class State, class Visit>
void visitState(State& state, Visit&& visit) {
  for (auto& v : state.stack) visit(v);
  for (auto& v : state.locals) visit(v);
  for (auto& v : state.when) {
    if (v != nullptr) visit(v);
  }
}

/// An op, and the SSA value that it defines (if any). Owned by its function; block and position by its block.
class Value {
 public:
  Op op;
  Type type;        ///< kNothing for ops without a result
  uint32_t id = 0;  ///< unique in its function; iteration order
  Block* block = nullptr;
  std::vector<Value*> operands;
  int64_t imm = 0;
  Helper helper = Helper::kCount;  ///< CallRuntime only
  std::vector<int64_t> imms;       ///< CallRuntime only: values of the helper's I parameters, in order
  bool keepsType = false;          ///< items: an assumption about the class failed before
  uint16_t outputs = 0;            ///< CallRuntime only: number of outputs of its X parameter
  /// CallRuntime of a helper with a B parameter: bit i is set if operand i is borrowed from a frame slot, or is a
  /// second mention of one that SSA holds once. Filled by the refcount pass.
  uint64_t borrowed = 0;
  ExitReason reason = ExitReason::Never;
  uint32_t offset = 0;                ///< StoreLocal only: its instruction; 0 if that of the state before it will do
  std::unique_ptr<FrameState> state;  ///< where `hasState()`

  const OpInfo& info() const { return hir::info(op); }
  bool hasResult() const { return !type.isNothing(); }
  /// An object out of a container or an instance, which may be borrowed from it.
  bool isItem() const {
    return op == Op::ListItem || op == Op::TupleItem || op == Op::ListNext || op == Op::TupleNext || op == Op::Field;
  }
  /// True for a CallRuntime of this very helper.
  bool calls(Helper which) const { return op == Op::CallRuntime && helper == which; }
  bool isTerminator() const { return info().effects == Effects::Control; }
  /// True for a CallRuntime whose failure is handled in this function: a BranchFailed follows.
  bool isCaught() const;
  bool canExit() const;
  /// Exits need a frame state, and so does what lets Python code look at the frame out of the way.
  bool hasState() const { return canExit() || op == Op::Release; }
  /// Effects of this very op: the helper's for CallRuntime.
  Effects effects() const;
  /// Ownership of the result of this very op: None for machine values, by helper and type for CallRuntime and Output.
  Ownership ownership() const;
  /// True if operand `index` is consumed (S and M operands; S, M and C parameters of a helper).
  bool consumes(size_t index) const;
  /// True if it is consumed even where the helper fails (C): the exit behind the call does not have it any more.
  bool consumesAlways(size_t index) const;
  /// True if any operand that is `value` is consumed.
  bool consumesValue(const Value* value) const;
  /// What operand `index` has to be, as a letter of ops.def (for CallRuntime, of the helper's parameter; N for the
  /// operands of an A, C for those of a V); 0 where there is no such operand.
  char operandKind(size_t index) const;
  /// CallRuntime: how many Output ops it may have (X, Y and Z parameters), and the type of each; an X output is
  /// Nullable.
  size_t outputCount() const;
  Type outputType(size_t index) const;
};

/// Cuts the state down to what is left of the operand stack where a call has failed: what it consumes in any case is
/// gone.
void dropConsumed(FrameState& state, const Value& call);

/// The CatchException that a block begins with, or null: there is nothing before it that runs code or leaves.
Value* catchOf(const Block& block);

/// A successor with the arguments for its parameters.
struct Edge {
  Block* target = nullptr;
  std::vector<Value*> args;
};

class Block {
 public:
  uint32_t id = 0;
  Function* function = nullptr;
  std::vector<Value*> params;
  std::vector<Value*> ops;            ///< the last is the terminator
  std::vector<Edge> successors;       ///< in the terminator's order
  std::unique_ptr<FrameState> entry;  ///< state at the block's start; its values are parameters or dominate the block
  std::vector<Block*> predecessors;   ///< kept by Function::recomputePredecessors(); each block once

  Value* terminator() const { return ops.empty() || !ops.back()->isTerminator() ? nullptr : ops.back(); }
};

/// An object that code refers to: a symbol for the linker, never an address in HIR.
struct ObjectRef {
  std::string name;  ///< for dumps: "const 3 'abc'", "name x", "type Foo"
  Type type;         ///< exact type when known
  bool immortal = false;
  /// Alive only while something else holds it: it was found in a dict that is watched. A ConstObject of it stands where
  /// that has just been checked, and SSA counts it like any other reference.
  bool watched = false;
  const void* address = nullptr;  ///< opaque here
  bool hasInt = false;            ///< an exact int that fits 64 bits
  int64_t intValue = 0;
  double floatValue = 0;  ///< when type is Float
  Type instances = {};    ///< when type is Class: which built-in classes are that class or derived from it
};

/// Where native code may be entered.
struct Entry {
  uint32_t offset = 0;  ///< bytecode offset (code units) of the state that the entry expects in the frame
  uint16_t stackDepth = 0;
  Block* block = nullptr;  ///< without parameters; begins with LoadLocal and LoadStack ops
  /// What the slots held when the code was asked for, by slot; empty: not known. A hint: any entry may find others.
  std::vector<Type> seen = {};
};

class Function {
 public:
  std::string name;         ///< qualified name, for dumps and symbols
  uint16_t localCount = 0;  ///< localsplus slots
  uint16_t stackSize = 0;
  uint32_t inlinedCalls = 0;  ///< calls that a callee's body has taken the place of
  std::vector<ObjectRef> objects;
  std::vector<Entry> entries;
  const void* siteCaches = nullptr;  ///< the code object's, opaque here; NULL: none
  /// Bytecode offsets where assumptions failed before: passes add no guard there. For what failed before a loop the
  /// offset of its head has one of the bits below; so has that of an instruction which only failed by its item's class.
  std::vector<uint32_t> blocked;
  static constexpr uint32_t kBlockLoopValues = 1U << 30, kBlockLoopGuards = 1U << 31;
  static constexpr uint32_t kBlockItemTypes = 1U << 29;  ///< the class of the instruction's item
  static constexpr uint32_t kBlockHelpers = 1U << 28;    ///< helpers that may fail, in inlined code
  static constexpr uint32_t kBlockAll = 0xffffffff;      ///< no assumption anywhere
  bool isBlocked(uint32_t site) const {
    return std::any_of(blocked.begin(), blocked.end(), [=](uint32_t b) { return b == site || b == kBlockAll; });
  }
  std::vector<std::unique_ptr<Block>> blocks;  ///< in reverse postorder after recomputePredecessors()

  Function() = default;
  /// Blocks know their function: a move takes them along.
  Function(Function&& other) noexcept { *this = std::move(other); }
  Function& operator=(Function&& other) noexcept {
    name = std::move(other.name);
    localCount = other.localCount;
    stackSize = other.stackSize;
    inlinedCalls = other.inlinedCalls;
    objects = std::move(other.objects);
    entries = std::move(other.entries);
    siteCaches = other.siteCaches;
    blocked = std::move(other.blocked);
    blocks = std::move(other.blocks);
    values_ = std::move(other.values_);
    nextBlockId_ = other.nextBlockId_;
    for (const std::unique_ptr<Block>& block : blocks) block->function = this;
    return *this;
  }

  Block* newBlock();
  /// Creates a detached value; the caller puts it into a block (`append`, `insertBefore`).
  Value* newValue(Op op, Type type, std::vector<Value*> operands = {}, int64_t imm = 0);
  /// The same for a CallRuntime.
  Value* newCall(Helper helper, std::vector<Value*> operands, std::vector<int64_t> imms = {});
  /// Creates a value right before another one.
  Value* insertNew(Value* position, Op op, Type type, std::vector<Value*> operands = {}, int64_t imm = 0);
  Value* newParam(Block* block, Type type);
  void append(Block* block, Value* value);
  void insertBefore(Value* position, Value* value);
  /// Unlinks and frees nothing: the value stays owned by the function but is in no block.
  void remove(Value* value);
  /// Removes a parameter and the matching argument of each incoming edge.
  void removeParam(Block* block, size_t index);
  /// Replaces `from` in operands, edge arguments, frame states and entry states.
  void replaceUses(Value* from, Value* to);
  /// The same for many values in one walk: `replacements[id]` (where not null) takes the place of value `id`. Chains
  /// are followed.
  void replaceUses(const std::vector<Value*>& replacements);
  /// Removes unreachable blocks, orders the rest in reverse postorder, and sets their predecessors.
  void recomputePredecessors();
  /// Puts an empty block on an edge and returns it; its entry state is the target's with parameters replaced by
  /// arguments.
  Block* splitEdge(Block* from, size_t successor);
  /// All ids are below these.
  size_t valueCount() const { return values_.size(); }
  size_t blockIds() const { return nextBlockId_; }
  uint32_t addObject(ObjectRef object);

 private:
  std::vector<std::unique_ptr<Value>> values_;
  uint32_t nextBlockId_ = 0;
};

/// Names an edge's arguments in the place of its target's parameters.
void replaceParams(FrameState& state, const Block& target, const std::vector<Value*>& args);

/// Calls `visit(Value*&)` for every value that an op uses: operands, then what its frame state names.
template <class Visit>
void visitUses(Value& value, Visit&& visit) {
  for (Value*& v : value.operands) visit(v);
  if (value.state) visitState(*value.state, visit);
}

}  // namespace martlet::hir
