// SPDX-License-Identifier: MIT
// The invariants of HIR. Must not know: Python.h, LLVM.
//
// Structure (when one of these is violated the rest is not looked at)
//  1. There is an entry, and blocks and values have distinct ids.
//  2. A block ends in exactly one terminator. Jump has one successor, Branch and BranchFailed two, the other
//     terminators none.
//  3. Each value stands in one place, which its `block` names: parameters (op Param, imm = index) or ops.
//  4. Edges lead to blocks of the function; `predecessors` are exactly the sources of edges; every block is
//     reachable.
// Entries
//  5. An entry's block has no parameters, no predecessors, and belongs to one entry. Its entry state has the entry's
//     stack depth. (Not its offset: an entry at a RESUME is entered when the interpreter has executed that.)
//  6. Each stack slot of an entry is taken over by exactly one LoadStack, before anything else can happen in its
//     block; LoadStack occurs nowhere else.
// Values
//  7. A definition dominates its uses: operands, edge arguments, frame states, entry states. The entry state of a
//     block may use the block's parameters; that of an entry's block may also use the loads and constants that the
//     block begins with.
//  8. Operands are as many and of the kind that the op table or the helper table says. (Kind: a reference, I64, F64
//     or I1. Whether a reference can be NULL is not checked: a branch on IsNull does not narrow types.)
//  9. The result's type is what the table says or a subtype of it; I parameters and outputs of a helper are as many
//     as its row says; immediates are in range.
// 10. Edge arguments are as many as the target's parameters, and of their kind. (For a number or a slot's content: a
//     number, a reference, or the same.)
// 11. An Output stands right behind its CallRuntime (other outputs of it may come between), names an output that
//     exists, and each X output has its Output op: it is an owned reference that somebody must release.
// 12. A BranchFailed stands right behind its CallRuntime, which can fail, has no outputs, and consumes nothing that it
//     does not consume always. Its first successor is reached in no other way, has no parameters, and begins with a
//     CatchException; that helper is called nowhere else.
// Frame states
// 13. An op has a frame state exactly if it can exit or is a Release; a block always has an entry state.
// 14. A state has a value for each local, at most the function's stack size of stack entries, `stackAfterPop` of
//     which remain, and an instruction that is not resumed behind its own offset.
// 15. The completion fits the helper: PushObject for an object (result or output), PushBool for a number; and there
//     is room for what is pushed.
// Phases
// 16. After the frontend nothing is dirty, and there is no op about dirty slots. Before lowering there is no marker.
// 17. LoadLocal only reads clean slots (as far as the block shows).
// 18. IncRef, DecRef, Release and `owned` come with the refcount pass. `owned` lists references.
#include "lowering/hir/verifier.h"

#include <algorithm>
#include <memory>
#include <optional>

#include "lowering/hir/analysis.h"
#include "lowering/hir/printer.h"
#include "lowering/hir/text_form.h"

namespace martlet::hir {
namespace {

enum class Kind : uint8_t { Reference, I64, F64, I1, I64OrSlot, F64OrSlot, Invalid };

Kind kindOf(Type type) {
  if (type.isReference()) return Kind::Reference;
  if (type == types::I64) return Kind::I64;
  if (type == types::F64) return Kind::F64;
  if (type == types::I64OrSlot) return Kind::I64OrSlot;
  if (type == types::F64OrSlot) return Kind::F64OrSlot;
  return type == types::I1 ? Kind::I1 : Kind::Invalid;
}

/// A slot's number or content may be either.
bool fits(Kind argument, Kind param) {
  if (argument == param) return true;
  if (param == Kind::I64OrSlot) return argument == Kind::I64 || argument == Kind::Reference;
  return param == Kind::F64OrSlot && (argument == Kind::F64 || argument == Kind::Reference);
}

/// The kind that an operand letter asks for; nothing for v, which takes any.
std::optional<Kind> kindOf(char letter) {
  switch (letter) {
  case 'l': return Kind::I64;
  case 'd': return Kind::F64;
  case 'b': return Kind::I1;
  case 'v': return std::nullopt;
  default: return Kind::Reference;
  }
}

const char* name(Kind kind) {
  constexpr const char* kNames[] = {"a reference", "I64", "F64", "I1", "I64OrSlot", "F64OrSlot", "a value"};
  return kNames[static_cast<size_t>(kind)];
}

std::string named(const Value* value) {
  return "v" + std::to_string(value->id);
}
std::string named(const Block* block) {
  return "bb" + std::to_string(block->id);
}
std::string described(const Value* value) {
  return named(value) + " (" + value->type.str() + ")";
}

size_t countOf(const char* letters, char letter) {
  const std::string_view all = letters;
  return static_cast<size_t>(std::count(all.begin(), all.end(), letter));
}

bool takesAnyNumber(const Value& op) {
  const char* letters = op.op == Op::CallRuntime ? info(op.helper).params : op.info().operands;
  return countOf(letters, 'A') + countOf(letters, 'V') != 0;
}

/// May stand in front of the loads of an entry: changes nothing, and stays.
bool isPrologue(const Value& op) {
  return op.effects() <= Effects::Reads && !op.canExit();
}

/// True if the op begins a block that only a BranchFailed leads to, on its first way.
bool isAtCatch(const Value& op) {
  const Block& block = *op.block;
  if (catchOf(block) != &op || block.predecessors.size() != 1 || !block.params.empty()) return false;
  const Block& from = *block.predecessors[0];
  return from.terminator()->op == Op::BranchFailed && from.successors[0].target == &block &&
         from.successors[1].target != &block;
}

class Verifier {
 public:
  Verifier(const Function& function, Phase phase) : function_(function), phase_(phase) {}
  std::vector<Violation> run();

 private:
  // Structure
  void structure();
  void blockStructure(const Block& block);
  void place(const Block& block, const Value* value, size_t position);
  void edgeStructure(const Block& block);
  void predecessors();
  // Entries
  void entries();
  void takeover(const Entry& entry);
  // Contents
  void block(const Block& block);
  void op(const Value& op);
  void operands(const Value& op);
  void call(const Value& op);
  void result(const Value& op);
  void immediate(const Value& op);
  void output(const Value& op);
  void outputsOf(const Value& op);
  void edges(const Value& terminator);
  void caught(const Value& branch);
  void phase(const Value& op);
  void slots(const Block& block);
  // States
  void exitState(const Value& op);
  void entryState(const Block& block);
  void shape(const FrameState& state);
  void completion(const Value& op);

  bool isEntry(const Block& block) const;
  bool inFunction(const Value* value) const { return value->id < places_.size() && places_[value->id].value == value; }
  /// True if `value` is there when the op at `position` (0: the parameters are there, but no op) of `block` begins.
  bool isAvailable(const Value* value, const Block& block, size_t position) const;
  void use(const Value* value, const char* what, const Block& block, size_t position);
  void report(std::string message) { violations_.push_back({atBlock_, atOp_, std::move(message)}); }

  struct Place {
    const Value* value = nullptr;
    size_t position = 0;  // 0: a parameter; ops begin at 1
  };

  const Function& function_;
  const Phase phase_;
  std::vector<Violation> violations_;
  const Block* atBlock_ = nullptr;
  const Value* atOp_ = nullptr;
  std::vector<Place> places_;  // by value id
  std::vector<const Block*> blocksById_;
  std::unique_ptr<const DominatorTree> dominators_;
};

std::vector<Violation> Verifier::run() {
  structure();
  if (!violations_.empty()) return std::move(violations_);
  dominators_ = std::make_unique<DominatorTree>(function_);
  entries();
  for (const std::unique_ptr<Block>& each : function_.blocks) block(*each);
  return std::move(violations_);
}

// ---- Structure ------------------------------------------------------------------------------------------------------

void Verifier::structure() {
  if (function_.entries.empty()) report("the function has no entry");
  places_.resize(function_.valueCount());
  for (const std::unique_ptr<Block>& block : function_.blocks) {
    atBlock_ = block.get();
    if (block->function != &function_) report("the block belongs to another function");
    if (block->id >= blocksById_.size()) blocksById_.resize(block->id + size_t{1});
    if (blocksById_[block->id] != nullptr) report("two blocks have this id");
    blocksById_[block->id] = block.get();
  }
  for (const std::unique_ptr<Block>& block : function_.blocks) blockStructure(*block);
  for (const std::unique_ptr<Block>& block : function_.blocks) edgeStructure(*block);
  atBlock_ = nullptr;
  atOp_ = nullptr;
  for (const Entry& entry : function_.entries) {
    const bool known =
        entry.block != nullptr && entry.block->id < blocksById_.size() && blocksById_[entry.block->id] == entry.block;
    if (!known) report("an entry leads to a block that is not in the function");
  }
  if (violations_.empty()) predecessors();
}

void Verifier::blockStructure(const Block& block) {
  atBlock_ = &block;
  atOp_ = nullptr;
  for (size_t i = 0; i < block.params.size(); ++i) {
    const Value* param = block.params[i];
    if (param->op != Op::Param || param->imm != static_cast<int64_t>(i)) {
      report("parameter " + std::to_string(i) + " is no Param with that index");
    }
    place(block, param, 0);
  }
  if (block.ops.empty()) report("the block is empty");
  for (size_t i = 0; i < block.ops.size(); ++i) {
    atOp_ = block.ops[i];
    place(block, atOp_, i + 1);
    if (atOp_->op == Op::Param) report("a Param among the ops");
    if (atOp_->op >= Op::kCount) return report("an op that is not in the table");
    if (atOp_->op == Op::CallRuntime && atOp_->helper >= Helper::kCount) report("CallRuntime without a helper");
    const bool isLast = i + 1 == block.ops.size();
    if (isLast && !atOp_->isTerminator()) report("the block does not end in a terminator");
    if (!isLast && atOp_->isTerminator()) report("a terminator in the middle of a block");
  }
}

void Verifier::place(const Block& block, const Value* value, size_t position) {
  if (value->block != &block) report(named(value) + " names another block as its own");
  if (value->id >= places_.size()) return report(named(value) + " is not a value of this function");
  if (places_[value->id].value != nullptr) report(named(value) + " stands in two places, or two values have its id");
  places_[value->id] = {value, position};
}

void Verifier::edgeStructure(const Block& block) {
  atBlock_ = &block;
  atOp_ = block.terminator();
  if (atOp_ == nullptr) return;
  const size_t expected = successorCount(atOp_->op);
  if (block.successors.size() != expected) {
    report("expected " + std::to_string(expected) + " successors, got " + std::to_string(block.successors.size()));
  }
  for (const Edge& edge : block.successors) {
    const bool known =
        edge.target != nullptr && edge.target->id < blocksById_.size() && blocksById_[edge.target->id] == edge.target;
    if (!known) report("an edge leads to a block that is not in the function");
  }
}

void Verifier::predecessors() {
  std::vector<std::vector<const Block*>> sources(blocksById_.size());
  for (const std::unique_ptr<Block>& block : function_.blocks) {
    for (const Edge& edge : block->successors) {
      std::vector<const Block*>& into = sources[edge.target->id];
      if (std::find(into.begin(), into.end(), block.get()) == into.end()) into.push_back(block.get());
    }
  }
  const DominatorTree reachable(function_);
  auto byId = [](const Block* a, const Block* b) { return a->id < b->id; };
  for (const std::unique_ptr<Block>& block : function_.blocks) {
    atBlock_ = block.get();
    std::vector<const Block*> recorded(block->predecessors.begin(), block->predecessors.end());
    std::vector<const Block*>& actual = sources[block->id];
    std::sort(recorded.begin(), recorded.end(), byId);
    std::sort(actual.begin(), actual.end(), byId);
    if (recorded != actual) report("predecessors are not those of the edges (recomputePredecessors() is missing)");
    if (!reachable.isReachable(block.get())) report("the block is unreachable");
  }
}

// ---- Entries --------------------------------------------------------------------------------------------------------

bool Verifier::isEntry(const Block& block) const {
  return std::any_of(function_.entries.begin(), function_.entries.end(),
                     [&block](const Entry& entry) { return entry.block == &block; });
}

void Verifier::entries() {
  std::vector<const Block*> seen;
  for (const Entry& entry : function_.entries) {
    atBlock_ = entry.block;
    atOp_ = nullptr;
    if (!entry.block->params.empty()) report("an entry's block has parameters");
    if (!entry.block->predecessors.empty()) report("an entry's block has predecessors");
    if (std::find(seen.begin(), seen.end(), entry.block) != seen.end()) report("two entries lead here");
    seen.push_back(entry.block);
    if (entry.block->entry && entry.block->entry->stack.size() != entry.stackDepth) {
      report("the entry state's stack depth is not that of the entry");
    }
    takeover(entry);
  }
}

void Verifier::takeover(const Entry& entry) {
  std::vector<uint32_t> loads(entry.stackDepth, 0);
  for (const Value* op : entry.block->ops) {
    if (op->op != Op::LoadStack) continue;
    if (op->imm >= 0 && op->imm < entry.stackDepth) {
      ++loads[static_cast<size_t>(op->imm)];
    } else {
      atOp_ = op;
      report("the entry's stack has no such slot");
      atOp_ = nullptr;
    }
  }
  for (size_t slot = 0; slot < loads.size(); ++slot) {
    if (loads[slot] != 1) {
      report("stack slot " + std::to_string(slot) + " is taken over by " + std::to_string(loads[slot]) +
             " LoadStack ops, not by one");
    }
  }
}

// ---- Blocks and ops -------------------------------------------------------------------------------------------------

void Verifier::block(const Block& block) {
  atBlock_ = &block;
  atOp_ = nullptr;
  for (const Value* param : block.params) {
    if (kindOf(param->type) == Kind::Invalid) report("parameter " + described(param) + " has no register kind");
  }
  entryState(block);
  const bool entry = isEntry(block);
  bool prologue = entry;
  for (const Value* each : block.ops) {
    atOp_ = each;
    prologue = prologue && (isPrologue(*each) || each->op == Op::IncRef);
    if (each->op == Op::LoadStack && !prologue) {
      report(entry ? "LoadStack behind an op that can exit or has effects" : "LoadStack outside of an entry's block");
    }
    op(*each);
  }
  slots(block);
}

void Verifier::op(const Value& op) {
  operands(op);
  if (op.op == Op::CallRuntime) {
    call(op);
  } else if (op.helper != Helper::kCount || !op.imms.empty() || op.outputs != 0 || op.borrowed != 0) {
    report("helper, imms and outputs belong to CallRuntime only");
  }
  result(op);
  immediate(op);
  exitState(op);
  if (op.isTerminator()) edges(op);
  if (op.op == Op::BranchFailed) caught(op);
  phase(op);
}

void Verifier::operands(const Value& op) {
  const size_t position = places_[op.id].position;
  for (size_t i = 0; i < op.operands.size(); ++i) {
    const std::string place = "operand " + std::to_string(i);
    const Value* operand = op.operands[i];
    use(operand, place.c_str(), *atBlock_, position);
    if (operand == nullptr || op.op == Op::Output) continue;
    const char letter = op.operandKind(i);
    if (letter == 0) {
      report("has " + std::to_string(op.operands.size()) + " operands, " + std::to_string(i) + " expected");
      return;
    }
    const Kind kind = kindOf(operand->type);
    const std::optional<Kind> expected = kindOf(letter);
    if (kind == Kind::Invalid || (expected && *expected != kind)) {
      report(place + " is " + described(operand) + ", expected " + name(expected.value_or(Kind::Invalid)));
    }
  }
  // One more would have a letter: an operand is missing (an A takes any number).
  if (op.operandKind(op.operands.size()) != 0) {
    size_t needed = op.operands.size();
    if (takesAnyNumber(op)) {
      const char* letters = op.op == Op::CallRuntime ? info(op.helper).params : op.info().operands;
      needed = 0;
      for (char letter : std::string_view(letters))
        needed += std::string_view("ONSMCldbv").find(letter) != std::string_view::npos;
    } else {
      while (op.operandKind(needed) != 0) ++needed;
    }
    if (op.operands.size() < needed) {
      report("has " + std::to_string(op.operands.size()) + " operands, " + std::to_string(needed) + " expected");
    }
  }
}

void Verifier::call(const Value& op) {
  const HelperInfo& helper = info(op.helper);
  const size_t expected = countOf(helper.params, 'I') + countOf(helper.params, 'K');
  if (op.imms.size() != expected) {
    report("has " + std::to_string(op.imms.size()) + " imms, " + helper.name + " takes " + std::to_string(expected));
  }
  if (op.outputs != 0 && countOf(helper.params, 'X') == 0) report(std::string(helper.name) + " has no X parameter");
  if (op.borrowed != 0 && countOf(helper.params, 'B') == 0) report(std::string(helper.name) + " has no B parameter");
  if (op.outputCount() != 0) outputsOf(op);
  if (op.calls(Helper::CatchException) && !isAtCatch(op)) report("there is nothing to catch here");
}

void Verifier::outputsOf(const Value& op) {
  std::vector<uint32_t> named(op.outputCount(), 0);
  for (size_t i = places_[op.id].position; i < atBlock_->ops.size(); ++i) {
    const Value* next = atBlock_->ops[i];
    if (next->op != Op::Output || next->operands.size() != 1 || next->operands[0] != &op) break;
    if (next->imm >= 0 && static_cast<size_t>(next->imm) < named.size()) ++named[static_cast<size_t>(next->imm)];
  }
  for (size_t i = 0; i < named.size(); ++i) {
    if (named[i] > 1) report("output " + std::to_string(i) + " has more than one Output op");
    if (named[i] == 0 && op.outputType(i).isReference()) {
      report("output " + std::to_string(i) + " has no Output op behind the call: its reference would be lost");
    }
  }
}

void Verifier::caught(const Value& branch) {
  const Value* call = branch.operands.empty() ? nullptr : branch.operands[0];
  const bool isBehind = atBlock_->ops.size() > 1 && atBlock_->ops[atBlock_->ops.size() - 2] == call;
  if (!isBehind || call->op != Op::CallRuntime) return report("the CallRuntime is not right before its BranchFailed");
  if (!call->canExit() || call->outputCount() != 0) report("the call cannot fail, or has outputs");
  for (size_t i = 0; i < call->operands.size(); ++i) {
    if (call->consumes(i) && !call->consumesAlways(i)) report("the call consumes something only where it succeeds");
  }
  if (catchOf(*atBlock_->successors[0].target) == nullptr) report("nothing catches what fails");
}

void Verifier::result(const Value& op) {
  const std::string_view declared = op.info().result;
  Type expected = types::kNothing;
  if (op.op == Op::CallRuntime) {
    expected = resultType(info(op.helper));
  } else if (op.op == Op::Output) {
    return;  // output()
  } else if (declared == "Any") {
    expected = types::kNullable;
  } else if (declared == "Same") {
    expected = op.operands.empty() || op.operands[0] == nullptr ? types::kNothing : op.operands[0]->type;
  } else if (declared != "Void") {
    expected = Type::parse(declared).value_or(types::kNothing);
  }
  const bool fits = expected.isNothing() ? op.type.isNothing() : !op.type.isNothing() && op.type.isSubtypeOf(expected);
  if (!fits) report("the result's type is " + op.type.str() + ", expected " + expected.str());
}

void Verifier::immediate(const Value& op) {
  auto inRange = [&](size_t limit, const char* what) {
    if (op.imm >= 0 && static_cast<uint64_t>(op.imm) < limit) return true;
    report("imm " + std::to_string(op.imm) + " is no " + what);
    return false;
  };
  switch (op.op) {
  case Op::ConstBool: inRange(2, "bool"); return;
  case Op::ConstObject:
    if (!inRange(function_.objects.size(), "object of the function")) return;
    if (!function_.objects[static_cast<size_t>(op.imm)].type.isSubtypeOf(op.type)) {
      report("the object is " + function_.objects[static_cast<size_t>(op.imm)].type.str() +
             ", outside of the result's type");
    }
    return;
  case Op::LoadLocal:
  case Op::StoreLocal:
  case Op::SyncLocal:
  case Op::DeferLocal:
  case Op::ConcatLocal: inRange(function_.localCount, "frame slot"); return;
  case Op::CopyLocal: inRange(size_t{function_.localCount} << 32, "pair of frame slots"); return;
  case Op::IntCompare:
  case Op::FloatCompare: inRange(kCompareSigns.size(), "comparison"); return;
  case Op::GuardType:
    if (op.imm <= 0 || !Type(static_cast<uint32_t>(op.imm)).isSubtypeOf(types::kObject) || op.imm > UINT32_MAX) {
      report("imm is no set of object types");
    }
    return;
  case Op::ListItem:
  case Op::TupleItem:
  case Op::ListNext:
  case Op::TupleNext: inRange(4, "set of an item's properties"); return;
  case Op::Field: inRange(int64_t{1} << 34, "place of an attribute"); return;
  case Op::ArrayInt:
  case Op::ArrayStoreInt: inRange(128, "type code"); return;
  case Op::HasNext: inRange(2, "kind of iterator"); return;
  case Op::RangeField: inRange(3, "field of a range iterator"); return;
  case Op::Output: output(op); return;
  default: return;
  }
}

void Verifier::output(const Value& op) {
  if (op.operands.size() != 1 || op.operands[0] == nullptr) return report("Output has one operand: its call");
  const Value* call = op.operands[0];
  if (call->op != Op::CallRuntime) return report("the operand of an Output is a CallRuntime");
  if (op.imm < 0 || static_cast<size_t>(op.imm) >= call->outputCount()) return report("the call has no such output");
  const Type expected = call->outputType(static_cast<size_t>(op.imm));
  if (op.type.isNothing() || !op.type.isSubtypeOf(expected)) {
    report("the output is " + expected.str() + ", not " + op.type.str());
  }
  if (call->block != op.block) return report("an Output stands right behind its call");
  for (size_t i = places_[call->id].position; atBlock_->ops[i] != &op; ++i) {
    const Value* between = atBlock_->ops[i];
    if (between->op == Op::Output && between->operands == op.operands) continue;
    return report("an Output stands right behind its call");
  }
}

void Verifier::edges(const Value& terminator) {
  const size_t position = places_[terminator.id].position;
  for (const Edge& edge : atBlock_->successors) {
    const std::vector<Value*>& params = edge.target->params;
    if (edge.args.size() != params.size()) {
      report(named(edge.target) + " has " + std::to_string(params.size()) + " parameters, got " +
             std::to_string(edge.args.size()) + " arguments");
      continue;
    }
    for (size_t i = 0; i < params.size(); ++i) {
      use(edge.args[i], "an edge argument", *atBlock_, position);
      if (edge.args[i] == nullptr || fits(kindOf(edge.args[i]->type), kindOf(params[i]->type))) continue;
      report("argument " + described(edge.args[i]) + " for parameter " + described(params[i]) + " of " +
             named(edge.target));
    }
  }
}

void Verifier::phase(const Value& op) {
  const bool isCount = op.op == Op::IncRef || op.op == Op::DecRef || op.op == Op::Release;
  if (isCount && phase_ < Phase::AfterRefcount) report("reference counts come with the refcount pass");
  const bool isMarker = op.op == Op::DeferLocal || op.op == Op::DeferLocalIf;
  const bool defers = isMarker || op.op == Op::SyncLocal || op.op == Op::SyncLocalIf || op.op == Op::TakeLocal ||
                      op.op == Op::CopyLocal;
  if (defers && phase_ == Phase::AfterFrontend) report("stores are deferred by the local-sync pass only");
  if (isMarker && phase_ >= Phase::BeforeLowering) report("a marker that lowering does not know");
}

// A state speaks of the frame right before its op; between two states the stores tell what becomes clean or dirty.
void Verifier::slots(const Block& block) {
  std::vector<bool> dirty(function_.localCount, false);
  auto take = [&](const FrameState& state) {
    for (size_t slot = 0; slot < dirty.size(); ++slot) dirty[slot] = state.isDirty(slot);
  };
  if (block.entry) take(*block.entry);
  for (const Value* op : block.ops) {
    atOp_ = op;
    if (op->state && op->op != Op::Release) take(*op->state);
    if (op->imm < 0 || static_cast<size_t>(op->imm) >= dirty.size()) continue;
    const auto slot = static_cast<size_t>(op->imm);
    if (op->op == Op::LoadLocal && dirty[slot])
      report("slot " + std::to_string(slot) + " is dirty: its memory is stale");
    if (op->op == Op::DeferLocal || op->op == Op::DeferLocalIf) dirty[slot] = true;
    if (op->op == Op::StoreLocal || op->op == Op::SyncLocal || op->op == Op::SyncLocalIf || op->op == Op::ConcatLocal)
      dirty[slot] = false;
  }
}

// ---- Uses and states ------------------------------------------------------------------------------------------------

bool Verifier::isAvailable(const Value* value, const Block& block, size_t position) const {
  if (value->block != &block) return dominators_->dominates(value->block, &block);
  const size_t defined = places_[value->id].position;
  return defined == 0 || defined < position;
}

void Verifier::use(const Value* value, const char* what, const Block& block, size_t position) {
  if (value == nullptr) return report(std::string(what) + " is missing");
  if (!inFunction(value)) return report(std::string(what) + " " + named(value) + " is in no block");
  const bool onlyNamed = atOp_ != nullptr && atOp_->op == Op::Output;
  if (!value->hasResult() && !onlyNamed) {
    return report(std::string(what) + " " + named(value) + " has no result");
  }
  if (!isAvailable(value, block, position)) {
    report(std::string(what) + " " + named(value) + " is not defined on every way to here");
  }
}

void Verifier::shape(const FrameState& state) {
  if (state.locals.size() != function_.localCount) {
    report("the state has " + std::to_string(state.locals.size()) + " locals, the function " +
           std::to_string(function_.localCount));
  }
  if (state.stack.size() > function_.stackSize) {
    report("the state's stack has " + std::to_string(state.stack.size()) + " entries, the function's size is " +
           std::to_string(function_.stackSize));
  }
  if (state.stackAfterPop > state.stack.size()) report("more stack entries after the pop than before");
  if (state.dirty.size() > function_.localCount) report("a dirty slot that does not exist");
  if (state.resumeOffset > state.offset) report("the state resumes behind its instruction");
  const bool anyDirty = std::find(state.dirty.begin(), state.dirty.end(), true) != state.dirty.end();
  if (anyDirty && phase_ == Phase::AfterFrontend) report("a dirty slot before the local-sync pass");
  if (!state.owned.empty() && phase_ < Phase::AfterRefcount) report("owned references come with the refcount pass");
}

void Verifier::exitState(const Value& op) {
  if (op.op == Op::Exit && op.reason == ExitReason::Never) report("an Exit needs a reason");
  if (op.hasState() != (op.state != nullptr)) {
    return report(op.hasState() ? "an op that can exit needs a frame state"
                                : "a frame state on an op that cannot exit");
  }
  if (!op.state) return;
  const FrameState& state = *op.state;
  const size_t position = places_[op.id].position;
  shape(state);
  for (const Value* value : state.locals) use(value, "the state's local", *atBlock_, position);
  for (const Value* value : state.stack) use(value, "the state's stack entry", *atBlock_, position);
  for (const Value* value : state.when) {
    if (value != nullptr) use(value, "the state's condition", *atBlock_, position);
  }
  for (const Value* value : state.owned) {
    use(value, "the state's owned reference", *atBlock_, position);
    if (value != nullptr && !value->type.isReference()) report("owned " + described(value) + " is no reference");
  }
  completion(op);
}

void Verifier::completion(const Value& op) {
  const FrameState& state = *op.state;
  if (op.info().exit != ExitReason::Helper || state.completion == Completion::None) return;
  const HelperInfo* helper = op.op == Op::CallRuntime ? &info(op.helper) : nullptr;
  const bool pushesObject =
      helper != nullptr && (helper->result == 'O' || helper->result == 'N' || countOf(helper->params, 'X') != 0);
  const bool pushesNumber = helper != nullptr && (helper->result == 'i' || helper->result == 'l');
  if (op.calls(Helper::CatchException)) return;  // it is that of the call that failed
  if (state.completion == Completion::PushObject && !pushesObject) report("PushObject, but no object results");
  if (state.completion == Completion::PushBool && !pushesNumber) report("PushBool, but no number results");
  if (state.completion != Completion::Nothing && state.stackAfterPop >= function_.stackSize) {
    report("no room on the stack for the result");
  }
  if (state.nextOffset <= state.offset) report("the instruction behind this one is not behind it");
}

void Verifier::entryState(const Block& block) {
  if (!block.entry) return report("the block has no entry state");
  shape(*block.entry);
  size_t prologue = 0;
  if (isEntry(block)) {
    while (prologue < block.ops.size() && isPrologue(*block.ops[prologue])) ++prologue;
  }
  auto check = [&](const Value* value, const char* what) {
    if (value != nullptr && inFunction(value) && value->block == &block && places_[value->id].position <= prologue)
      return;
    use(value, what, block, 0);
  };
  for (const Value* value : block.entry->locals) check(value, "the entry state's local");
  for (const Value* value : block.entry->stack) check(value, "the entry state's stack entry");
  for (const Value* value : block.entry->when) {
    if (value != nullptr) check(value, "the entry state's condition");
  }
}

}  // namespace

std::vector<Violation> findViolations(const Function& function, Phase phase) {
  return Verifier(function, phase).run();
}

std::vector<std::string> verify(const Function& function, Phase phase) {
  std::vector<std::string> messages;
  for (const Violation& violation : findViolations(function, phase)) {
    std::string place = function.name;
    if (violation.block != nullptr) place += ", " + named(violation.block);
    if (violation.op != nullptr && violation.op->op < Op::kCount) place += ", `" + print(*violation.op) + "`";
    messages.push_back(place + ": " + violation.message);
  }
  return messages;
}

}  // namespace martlet::hir
