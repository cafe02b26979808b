// SPDX-License-Identifier: MIT
// Tables of ops, helpers and exit reasons, properties of a single op, and the editing of functions.
// Must not know: Python.h, LLVM, a CPython version.
#include "lowering/hir/hir.h"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <utility>

namespace martlet::hir {
namespace {

constexpr OpInfo kOps[] = {
#define OP(name, result, operands, effects, exit, ownership, description)                                              \
  {#name, #result, operands, Effects::effects, ExitReason::exit, Ownership::ownership, description},
#include "lowering/hir/ops.def"
};
static_assert(std::size(kOps) == static_cast<size_t>(Op::kCount));

enum class Placement : uint8_t { Native, Inline };

namespace rows {
using namespace types;
constexpr HelperInfo kHelpers[] = {
#define HELPER(name, symbol, result, params, type, effects, failure, placement)                                        \
  {#name, #symbol, params, type, result, Effects::effects, Failure::failure, Placement::placement == Placement::Inline},
#include "vm/runtime/helpers.def"
};
}  // namespace rows
static_assert(std::size(rows::kHelpers) == static_cast<size_t>(Helper::kCount));

struct ExitReasonRow {
  const char* name;
  bool counted;
  const char* sentence;
};
constexpr ExitReasonRow kExitReasons[] = {
#define EXIT_REASON(name, counted, sentence) {#name, counted, sentence},
#include "lowering/hir/exit_reasons.def"
};
static_assert(std::size(kExitReasons) == static_cast<size_t>(ExitReason::kCount));

/// The letter of operand `index` in a list of operand letters, where A stands for any number of N, and V of C. For a
/// helper's parameters, `skipped` are the letters that are not operands.
char letterOfOperand(std::string_view letters, size_t index, std::string_view skipped) {
  for (char letter : letters) {
    if (skipped.find(letter) != std::string_view::npos) continue;
    if (letter == 'A') return 'N';
    if (letter == 'V') return 'C';
    if (index-- == 0) return letter;
  }
  return 0;
}

constexpr std::string_view kNotOperands = "TFBIKXYZ";

size_t indexInBlock(const Value* value) {
  const std::vector<Value*>& ops = value->block->ops;
  auto found = std::find(ops.begin(), ops.end(), value);
  assert(found != ops.end());
  return static_cast<size_t>(found - ops.begin());
}

/// Calls `visit(Value*&)` for every place of a function where a value is used, entry states included.
template <class Visit>
void visitAllUses(Function& function, Visit&& visit) {
  for (const std::unique_ptr<Block>& block : function.blocks) {
    if (block->entry) visitState(*block->entry, visit);
    for (Value* op : block->ops) {
      visitUses(*op, visit);
      if (!op->state) continue;
      for (Value*& value : op->state->owned) visit(value);
    }
    for (Edge& edge : block->successors) {
      for (Value*& value : edge.args) visit(value);
    }
  }
}

}  // namespace

const OpInfo& info(Op op) {
  return kOps[static_cast<size_t>(op)];
}
const HelperInfo& info(Helper helper) {
  return rows::kHelpers[static_cast<size_t>(helper)];
}
const char* name(ExitReason reason) {
  return kExitReasons[static_cast<size_t>(reason)].name;
}
const char* sentence(ExitReason reason) {
  return kExitReasons[static_cast<size_t>(reason)].sentence;
}
bool isCounted(ExitReason reason) {
  return kExitReasons[static_cast<size_t>(reason)].counted;
}

Type resultType(const HelperInfo& helper) {
  switch (helper.result) {
  case 'O':
  case 'F': return helper.resultType;
  case 'N': return helper.resultType | types::Null;
  case 'i':
  case 'l': return types::I64;
  case 'd': return types::F64;
  case 'b': return types::I1;
  default: return types::kNothing;
  }
}

// ---- Value ----------------------------------------------------------------------------------------------------------

size_t successorCount(Op terminator) {
  if (terminator == Op::Jump) return 1;
  return terminator == Op::Branch || terminator == Op::BranchFailed ? 2 : 0;
}

bool Value::canExit() const {
  if (op == Op::CallRuntime && helper != Helper::kCount) return hir::info(helper).failure != Failure::Never;
  return info().exit != ExitReason::Never;
}

bool Value::consumesValue(const Value* value) const {
  for (size_t i = 0; i < operands.size(); ++i) {
    if (operands[i] == value && consumes(i)) return true;
  }
  return false;
}

void dropConsumed(FrameState& state, const Value& call) {
  for (size_t i = 0; i < call.operands.size(); ++i) {
    if (!call.consumesAlways(i)) continue;
    state.stack.resize(std::min<size_t>(state.stack.size(), state.stackAfterPop));
    return;
  }
}

bool Value::isCaught() const {
  const Value* end = block != nullptr ? block->terminator() : nullptr;
  return end != nullptr && end->op == Op::BranchFailed && end->operands[0] == this;
}

Value* catchOf(const Block& block) {
  const auto isCatch = [](const Value* op) { return op->calls(Helper::CatchException); };
  const auto found = std::find_if(block.ops.begin(), block.ops.end(), isCatch);
  const auto isQuiet = [](const Value* op) { return !op->state && op->effects() != Effects::Python; };
  return found != block.ops.end() && std::all_of(block.ops.begin(), found, isQuiet) ? *found : nullptr;
}

Effects Value::effects() const {
  if (op == Op::CallRuntime) return helper == Helper::kCount ? Effects::Python : hir::info(helper).effects;
  return info().effects;
}

Ownership Value::ownership() const {
  if (!type.isReference()) return Ownership::None;
  if (op == Op::CallRuntime && helper != Helper::kCount && hir::info(helper).result == 'F') return Ownership::Forever;
  if (isItem() && (imm & kBorrowedItem) != 0) return Ownership::Container;
  return info().ownership;
}

char Value::operandKind(size_t index) const {
  if (op != Op::CallRuntime) return letterOfOperand(info().operands, index, "");
  return helper == Helper::kCount ? 0 : letterOfOperand(hir::info(helper).params, index, kNotOperands);
}

bool Value::consumes(size_t index) const {
  const char kind = operandKind(index);
  return kind == 'S' || kind == 'M' || kind == 'C';
}

bool Value::consumesAlways(size_t index) const {
  return operandKind(index) == 'C';
}

size_t Value::outputCount() const {
  size_t count = 0;
  if (op != Op::CallRuntime || helper == Helper::kCount) return count;
  for (char letter : std::string_view(hir::info(helper).params)) {
    if (letter == 'X') count += outputs;
    if (letter == 'Y' || letter == 'Z') ++count;
  }
  return count;
}

Type Value::outputType(size_t index) const {
  if (op != Op::CallRuntime || helper == Helper::kCount) return types::kNothing;
  for (char letter : std::string_view(hir::info(helper).params)) {
    const size_t width = letter == 'X' ? outputs : letter == 'Y' || letter == 'Z' ? 1 : 0;
    if (index < width) return letter == 'X' ? types::kNullable : letter == 'Y' ? types::I64 : types::F64;
    index -= width;
  }
  return types::kNothing;
}

// ---- Function -------------------------------------------------------------------------------------------------------

Block* Function::newBlock() {
  auto block = std::make_unique<Block>();
  block->id = nextBlockId_++;
  block->function = this;
  blocks.push_back(std::move(block));
  return blocks.back().get();
}

Value* Function::newValue(Op op, Type type, std::vector<Value*> operands, int64_t imm) {
  auto value = std::make_unique<Value>();
  value->op = op;
  value->type = type;
  value->id = static_cast<uint32_t>(values_.size());
  value->operands = std::move(operands);
  value->imm = imm;
  value->reason = hir::info(op).exit;
  values_.push_back(std::move(value));
  return values_.back().get();
}

Value* Function::newCall(Helper helper, std::vector<Value*> operands, std::vector<int64_t> imms) {
  Value* call = newValue(Op::CallRuntime, resultType(hir::info(helper)), std::move(operands));
  call->helper = helper;
  call->imms = std::move(imms);
  return call;
}

Value* Function::insertNew(Value* position, Op op, Type type, std::vector<Value*> operands, int64_t imm) {
  Value* value = newValue(op, type, std::move(operands), imm);
  insertBefore(position, value);
  return value;
}

Value* Function::newParam(Block* block, Type type) {
  Value* param = newValue(Op::Param, type, {}, static_cast<int64_t>(block->params.size()));
  param->block = block;
  block->params.push_back(param);
  return param;
}

void Function::append(Block* block, Value* value) {
  assert(value->block == nullptr);
  value->block = block;
  block->ops.push_back(value);
}

void Function::insertBefore(Value* position, Value* value) {
  assert(value->block == nullptr);
  const size_t index = indexInBlock(position);
  value->block = position->block;
  value->block->ops.insert(value->block->ops.begin() + static_cast<ptrdiff_t>(index), value);
}

void Function::remove(Value* value) {
  assert(value->op != Op::Param && "removeParam() takes the arguments along");
  std::vector<Value*>& ops = value->block->ops;
  ops.erase(ops.begin() + static_cast<ptrdiff_t>(indexInBlock(value)));
  value->block = nullptr;
}

void Function::removeParam(Block* block, size_t index) {
  block->params[index]->block = nullptr;
  block->params.erase(block->params.begin() + static_cast<ptrdiff_t>(index));
  for (size_t i = index; i < block->params.size(); ++i) block->params[i]->imm = static_cast<int64_t>(i);
  // Not by predecessors: those may be stale in the middle of a pass.
  for (const std::unique_ptr<Block>& from : blocks) {
    for (Edge& edge : from->successors) {
      if (edge.target == block) edge.args.erase(edge.args.begin() + static_cast<ptrdiff_t>(index));
    }
  }
}

void Function::replaceUses(Value* from, Value* to) {
  visitAllUses(*this, [from, to](Value*& use) {
    if (use == from) use = to;
  });
}

void Function::replaceUses(const std::vector<Value*>& replacements) {
  visitAllUses(*this, [&replacements](Value*& use) {
    while (use->id < replacements.size() && replacements[use->id] != nullptr && replacements[use->id] != use) {
      use = replacements[use->id];
    }
  });
}

void Function::recomputePredecessors() {
  // Postorder of a depth-first walk that takes the last successor first: reversed, the first successor (the loop body,
  // the likely way) follows its block directly, and the entries come in their own order.
  std::vector<bool> seen(nextBlockId_, false);
  std::vector<Block*> postorder;
  struct Visit {
    Block* block;
    size_t remaining;
  };
  std::vector<Visit> path;
  auto enter = [&](Block* block) {
    if (seen[block->id]) return;
    seen[block->id] = true;
    path.push_back({block, block->successors.size()});
  };
  for (auto root = entries.rbegin(); root != entries.rend(); ++root) {
    enter(root->block);
    while (!path.empty()) {
      Visit& top = path.back();
      if (top.remaining == 0) {
        postorder.push_back(top.block);
        path.pop_back();
      } else {
        enter(top.block->successors[--top.remaining].target);
      }
    }
  }

  std::vector<std::unique_ptr<Block>> owners(nextBlockId_);
  for (std::unique_ptr<Block>& block : blocks) owners[block->id] = std::move(block);
  blocks.clear();
  for (auto block = postorder.rbegin(); block != postorder.rend(); ++block) {
    blocks.push_back(std::move(owners[(*block)->id]));
  }
  for (const std::unique_ptr<Block>& unreachable : owners) {
    if (!unreachable) continue;
    for (Value* value : unreachable->params) value->block = nullptr;
    for (Value* value : unreachable->ops) value->block = nullptr;
  }

  for (const std::unique_ptr<Block>& block : blocks) block->predecessors.clear();
  for (const std::unique_ptr<Block>& block : blocks) {
    for (Edge& edge : block->successors) {
      std::vector<Block*>& into = edge.target->predecessors;
      if (into.empty() || into.back() != block.get()) into.push_back(block.get());
    }
  }
}

void replaceParams(FrameState& state, const Block& target, const std::vector<Value*>& args) {
  visitState(state, [&](Value*& value) {
    if (value->op == Op::Param && value->block == &target) value = args[static_cast<size_t>(value->imm)];
  });
}

Block* Function::splitEdge(Block* from, size_t successor) {
  Block* target = from->successors[successor].target;
  Block* middle = newBlock();
  if (target->entry) {
    middle->entry = std::make_unique<FrameState>(*target->entry);
    const std::vector<Value*>& args = from->successors[successor].args;
    replaceParams(*middle->entry, *target, args);
  }
  append(middle, newValue(Op::Jump, types::kNothing));
  middle->successors.push_back({target, std::move(from->successors[successor].args)});
  from->successors[successor] = {middle, {}};

  // Right behind `from` the order stays a reverse postorder.
  auto at = std::find_if(blocks.begin(), blocks.end(), [from](const auto& block) { return block.get() == from; });
  std::rotate(at + 1, blocks.end() - 1, blocks.end());

  middle->predecessors.push_back(from);
  auto stillThere = std::any_of(from->successors.begin(), from->successors.end(),
                                [target](const Edge& edge) { return edge.target == target; });
  std::vector<Block*>& into = target->predecessors;
  if (auto old = std::find(into.begin(), into.end(), from); old != into.end() && !stillThere) {
    *old = middle;
  } else {
    into.push_back(middle);
  }
  return middle;
}

uint32_t Function::addObject(ObjectRef object) {
  objects.push_back(std::move(object));
  return static_cast<uint32_t>(objects.size() - 1);
}

}  // namespace martlet::hir
