// SPDX-License-Identifier: MIT
// Leaving native code. Owns: exit blocks, which values they spill, exit descriptors. Must not know: what the vm does
// with a descriptor.
//
// A guard branches to a *stub*, which stands for one status (exit number and kind). Stubs whose exits spill the same
// values share the block with the stores; all of those end in one block that returns. So a hot block carries nothing of
// its exit but a conditional branch, and the stores exist once for each distinct set of values.
#include <algorithm>

#include "lowering/llvm/lower.h"

namespace martlet::backend {

namespace {

/// Slot 0 of the spill area takes the status on its way to the common return.
constexpr size_t kFirstSpill = 1;

/// A view stands for the object that it is a view of: references are counted for that one.
const hir::Value* objectOf(const hir::Value* value) {
  return value->op == hir::Op::RangeView ? value->operands[0] : value;
}

/// An object that there is not yet: what it is made of leaves in its place.
bool isMadeByExit(const hir::Value* value) {
  return value->op == hir::Op::TupleView || value->op == hir::Op::DeferredRange;
}

/// The values of a state that leave through the spill area, in order of first use. A value of which SSA holds several
/// references takes a slot for each: the vm takes one reference from a slot.
std::vector<const hir::Value*> spilledValues(const hir::FrameState& state) {
  std::vector<const hir::Value*> values;
  const auto add = [&](const hir::Value* value) {
    if (std::find(values.begin(), values.end(), value) != values.end()) return;
    const auto references = std::count(state.owned.begin(), state.owned.end(), objectOf(value));
    values.insert(values.end(), static_cast<size_t>(std::max<ptrdiff_t>(references, 1)), value);
  };
  for (const hir::Value* value : state.stack) {
    if (isMadeByExit(value)) {
      for (const hir::Value* item : value->operands) add(item);
    } else {
      add(value);
    }
  }
  for (const size_t slot : dirtySlots(state)) {
    add(state.locals[slot]);
    if (const hir::Value* condition = state.conditionOf(slot)) add(condition);
  }
  const auto isSpilled = [&values](const hir::Value* object) {
    return std::any_of(values.begin(), values.end(), [object](auto* value) { return objectOf(value) == object; });
  };
  for (const hir::Value* value : state.owned) {
    if (!isSpilled(value)) add(value);
  }
  return values;
}

/// What makes two exits the same exit; also the order in which descriptors are looked up.
std::vector<uint32_t> exitKey(const hir::FrameState& state, hir::ExitReason reason) {
  std::vector<uint32_t> key{state.offset,
                            state.resumeOffset,
                            state.nextOffset,
                            state.stackAfterPop,
                            static_cast<uint32_t>(state.completion),
                            static_cast<uint32_t>(reason),
                            state.inlinedCode,
                            state.inlinedOffset,
                            static_cast<uint32_t>(state.stack.size())};
  for (const hir::Value* value : state.stack) key.push_back(value->id);
  for (const size_t slot : dirtySlots(state)) {
    key.push_back(static_cast<uint32_t>(slot));
    key.push_back(state.locals[slot]->id);
    const hir::Value* condition = state.conditionOf(slot);
    key.push_back(condition != nullptr ? condition->id : UINT32_MAX);
  }
  key.push_back(UINT32_MAX);
  for (const hir::Value* value : state.owned) key.push_back(value->id);
  return key;
}

/// Deals the references that SSA holds out to an exit's values.
class References {
 public:
  References(const hir::FrameState& state, const std::vector<const hir::Value*>& spilled)
      : left_(state.owned.begin(), state.owned.end()), spilled_(spilled) {}

  struct Slot {
    size_t index;
    bool owned;
  };
  /// The spill slot that the next use of a value reads: one with a reference of its own while there are any.
  Slot next(const hir::Value* value) {
    const auto first = std::find(spilled_.begin(), spilled_.end(), value);
    const auto reference = std::find(left_.begin(), left_.end(), objectOf(value));
    const auto index = static_cast<size_t>(first - spilled_.begin());
    if (reference == left_.end()) return {index, false};
    left_.erase(reference);
    const auto copies = std::count(first, spilled_.end(), value);
    const auto unused = std::count(left_.begin(), left_.end(), objectOf(value));
    return {index + static_cast<size_t>(copies - unused - 1), true};
  }
  std::vector<const hir::Value*> left() const { return left_; }

 private:
  std::vector<const hir::Value*> left_;
  const std::vector<const hir::Value*>& spilled_;
};

}  // namespace

ExitValue::Kind exitKindOf(hir::Type type) {
  if (type.isSubtypeOf(hir::types::I64 | hir::types::I64OrSlot)) return ExitValue::Kind::Int;
  if (type.isSubtypeOf(hir::types::F64 | hir::types::F64OrSlot)) return ExitValue::Kind::Float;
  if (type == hir::types::I1) return ExitValue::Kind::Bool;
  return ExitValue::Kind::Object;
}

std::vector<size_t> dirtySlots(const hir::FrameState& state) {
  std::vector<size_t> slots;
  for (size_t slot = 0; slot < state.locals.size(); ++slot) {
    if (state.isDirty(slot)) slots.push_back(slot);
  }
  return slots;
}

void FunctionLowering::exitUnless(const hir::Value& op, llvm::Value* condition) {
  exitIf(op, builder_.CreateNot(condition));
}

void FunctionLowering::exitIf(const hir::Value& op, llvm::Value* condition) {
  branchToExit(op, forced(condition), LeaveKind::Exit);
}

/// A guard's condition for leaving: in a stress test, every so often it is true.
llvm::Value* FunctionLowering::forced(llvm::Value* condition) {
  if (options_.forceExitEvery == 0) return condition;
  auto* type = llvm::FunctionType::get(i1_, false);
  auto* force = llvm::cast<llvm::Function>(module_.getOrInsertFunction("martlet_force_exit", type).getCallee());
  force->addRetAttr(llvm::Attribute::ZExt);
  force->addFnAttr(llvm::Attribute::NoUnwind);
  return builder_.CreateOr(condition, builder_.CreateCall(force));
}

void FunctionLowering::branchToExit(const hir::Value& op, llvm::Value* condition, LeaveKind kind) {
  const hir::ExitReason failed = op.state->inlinedCode != 0 ? hir::ExitReason::Inlined : hir::ExitReason::Helper;
  branchToExit(op, condition, kind, kind == LeaveKind::Failed ? failed : op.reason);
}

void FunctionLowering::branchToExit(const hir::Value& op, llvm::Value* condition, LeaveKind kind,
                                    hir::ExitReason reason) {
  llvm::BasicBlock* stub = exitStub(op, kind, reason);
  llvm::BasicBlock* next = newBlock("");
  builder_.CreateCondBr(condition, stub, next, unlikely_);
  builder_.SetInsertPoint(next);
}

llvm::BasicBlock* FunctionLowering::exitStub(const hir::Value& op, LeaveKind kind, hir::ExitReason reason) {
  std::vector<const hir::Value*> values = spilledValues(*op.state);
  std::vector<uint32_t> groupKey;
  groupKey.reserve(values.size());
  for (const hir::Value* value : values) groupKey.push_back(value->id);
  SpillGroup& group = spillGroups_[groupKey];
  group.values = std::move(values);
  const uint64_t number = describeExit(*op.state, reason, group);
  const uint64_t status = number << 2 | static_cast<uint64_t>(kind);
  for (const auto& [known, stub] : group.stubs) {
    if (known == status) return stub;
  }
  // Not yet in the function: exits are laid out behind all other blocks.
  llvm::BasicBlock* stub = llvm::BasicBlock::Create(context_, "exit" + llvm::Twine(number));
  group.stubs.emplace_back(status, stub);
  return stub;
}

uint32_t FunctionLowering::describeExit(const hir::FrameState& state, hir::ExitReason reason, SpillGroup& group) {
  const auto [found, isNew] =
      exitNumbers_.try_emplace(exitKey(state, reason), static_cast<uint32_t>(lowered_.exits.size()));
  if (!isNew) return found->second;
  LoweredExit& exit = lowered_.exits.emplace_back();
  exit.reason = reason;
  exit.offset = state.offset;
  exit.resumeOffset = state.resumeOffset;
  exit.nextOffset = state.nextOffset;
  exit.stackDepth = static_cast<uint16_t>(state.stack.size());
  exit.stackAfterPop = state.stackAfterPop;
  exit.completion = state.completion;
  exit.inlinedCode = state.inlinedCode;
  exit.inlinedOffset = state.inlinedOffset;
  References references(state, group.values);
  const auto add = [&](ExitValue::Target target, const hir::Value* value, size_t index) {
    const References::Slot slot = references.next(value);
    exit.values.push_back({target, exitKindOf(value->type), slot.owned, static_cast<uint16_t>(index),
                           static_cast<uint16_t>(slot.index + kFirstSpill)});
  };
  for (size_t i = 0; i < state.stack.size(); ++i) {
    const hir::Value* value = state.stack[i];
    if (value->op == hir::Op::DeferredRange) {
      add(ExitValue::Target::Range, value->operands[0], i);
      for (const hir::Value* field : {value->operands[1], value->operands[2]}) add(ExitValue::Target::Item, field, 0);
      continue;
    }
    if (value->op != hir::Op::TupleView) {
      add(ExitValue::Target::Stack, value, i);
      continue;
    }
    const auto first =
        static_cast<size_t>(std::find(state.stack.begin(), state.stack.end(), value) - state.stack.begin());
    const bool isFirst = first == i;
    exit.values.push_back({isFirst ? ExitValue::Target::Tuple : ExitValue::Target::Same, ExitValue::Kind::Object, false,
                           static_cast<uint16_t>(i), static_cast<uint16_t>(isFirst ? value->operands.size() : first)});
    for (size_t k = 0; isFirst && k < value->operands.size(); ++k) add(ExitValue::Target::Item, value->operands[k], k);
  }
  exit.borrowsInputs = std::none_of(exit.values.begin(), exit.values.end(), [&](const ExitValue& value) {
    const bool isInput = value.target != ExitValue::Target::Stack || value.index >= state.stackAfterPop;
    return isInput && (value.owned || value.kind != ExitValue::Kind::Object);
  });
  for (const size_t slot : dirtySlots(state)) {
    add(ExitValue::Target::Local, state.locals[slot], slot);
    if (const hir::Value* condition = state.conditionOf(slot)) {
      const hir::Value& value = *state.locals[slot];
      exit.values.back().condition = static_cast<uint16_t>(references.next(condition).index + kFirstSpill);
      exit.values.back().lends = value.op == hir::Op::Param && !value.type.isSubtypeOf(hir::types::kNumberOrSlot);
    }
  }
  for (const hir::Value* value : references.left()) add(ExitValue::Target::Release, value, 0);
  lowered_.spillSlots = std::max(lowered_.spillSlots, static_cast<uint32_t>(group.values.size() + kFirstSpill));
  return found->second;
}

/// The object that stands for a value in the frame: the object itself, or a new box.
llvm::Value* FunctionLowering::objectFor(const hir::Value& op, const hir::Value& value) {
  if (value.op == hir::Op::RangeView) writeBack(value);
  llvm::Value* known = use(objectOf(&value));
  switch (exitKindOf(value.type)) {
  case ExitValue::Kind::Int: return callHelper(op, hir::Helper::BoxIntValue, {{known}, {}, {}});
  case ExitValue::Kind::Float: return callHelper(op, hir::Helper::BoxFloatValue, {{known}, {}, {}});
  case ExitValue::Kind::Bool: return callHelper(op, hir::Helper::BoxBoolValue, {{known}, {}, {}});
  case ExitValue::Kind::Object: break;
  }
  return known;
}

/// Writes what the exit says into the frame, as the vm would, and returns the top of the stack, which is yielded.
llvm::Value* FunctionLowering::storeSuspended(const hir::Value& op, const LoweredExit& exit,
                                              llvm::ArrayRef<const hir::Value*> spilled) {
  std::vector<llvm::Value*> objects(spilled.size());
  llvm::Value* yielded = nullptr;
  for (const ExitValue& value : exit.values) {
    const size_t index = value.spill - kFirstSpill;
    if (value.condition != 0) {
      syncLocalIf(op, *spilled[index], *spilled[value.condition - kFirstSpill], value.index);
      continue;
    }
    const bool isNew = objects[index] == nullptr;
    if (isNew) objects[index] = objectFor(op, *spilled[index]);
    llvm::Value* object = objects[index];
    // A box's reference, or one that is owned, goes to the first taker.
    if (!isNew || (value.kind == ExitValue::Kind::Object && !value.owned)) {
      callHelper(op, hir::Helper::XIncRef, {{object}, {}, {}});
    }
    if (value.target == ExitValue::Target::Local) {
      callHelper(op, hir::Helper::SyncLocalSlot, {{object}, {value.index}, {}});
    } else if (value.index + 1 == exit.stackDepth) {
      yielded = object;
    } else {
      callHelper(op, hir::Helper::StoreLocalSlot, {{object}, {int64_t{hir_.localCount} + value.index}, {}});
    }
  }
  return yielded;
}

/// Suspends the frame here, unless something has to be looked at first, or released: the exit does that.
void FunctionLowering::lowerYield(const hir::Value& op) {
  llvm::BasicBlock* stub = exitStub(op, LeaveKind::Exit, op.reason);
  const LoweredExit exit = lowered_.exits[exitNumbers_[exitKey(*op.state, op.reason)]];
  const auto isRare = [](const ExitValue& value) {
    return value.target != ExitValue::Target::Stack && value.target != ExitValue::Target::Local;
  };
  if (exit.stackDepth == 0 || std::any_of(exit.values.begin(), exit.values.end(), isRare)) {
    builder_.CreateBr(stub);
    return;
  }
  llvm::BasicBlock* next = newBlock("yield");
  builder_.CreateCondBr(forced(callHelper(op, hir::Helper::SafepointPending, {})), stub, next, unlikely_);
  builder_.SetInsertPoint(next);
  llvm::Value* yielded = storeSuspended(op, exit, spilledValues(*op.state));
  const int64_t stackTop = int64_t{hir_.localCount} + exit.stackDepth - 1;
  callHelper(op, hir::Helper::SuspendFrame, {{}, {exit.nextOffset, stackTop}, {}});
  leaveWith(yielded, LeaveKind::Yielded, op.imm);
}

/// Stubs hand their status over in memory: one phi over all exits costs 5 to 12 % of code generation. Volatile, or LLVM
/// would make the phi again.
void FunctionLowering::emitExits() {
  if (spillGroups_.empty()) return;
  llvm::BasicBlock* leave = llvm::BasicBlock::Create(context_, "leave");
  // In order of the exit numbers, so that the text of a function reads from top to bottom.
  std::vector<const SpillGroup*> groups;
  groups.reserve(spillGroups_.size());
  for (const auto& [key, group] : spillGroups_) groups.push_back(&group);
  std::sort(groups.begin(), groups.end(),
            [](const SpillGroup* a, const SpillGroup* b) { return a->stubs.front().first < b->stubs.front().first; });
  for (const SpillGroup* group : groups) emitSpills(*group, leave);
  leave->insertInto(fn_);
  exitBlocks_.push_back(leave);
  builder_.SetInsertPoint(leave);
  llvm::Value* status = builder_.CreateLoad(i64_, spill_, /*isVolatile=*/true);
  llvm::Value* result = llvm::PoisonValue::get(result_);
  result = builder_.CreateInsertValue(result, llvm::Constant::getNullValue(ptr_), 0);
  builder_.CreateRet(builder_.CreateInsertValue(result, status, 1));
}

void FunctionLowering::writeBack(const hir::Value& view) {
  callHelper(view, hir::Helper::SyncRange,
             {{use(view.operands[0]), use(view.operands[1]), use(view.operands[2])}, {}, {}});
}

void FunctionLowering::emitSpills(const SpillGroup& group, llvm::BasicBlock* leave) {
  for (const auto& [status, stub] : group.stubs) {
    stub->insertInto(fn_);
    exitBlocks_.push_back(stub);
    builder_.SetInsertPoint(stub);
    builder_.CreateStore(builder_.getInt64(status), spill_, /*isVolatile=*/true);
  }
  if (group.stubs.size() > 1 && !group.values.empty()) {
    llvm::BasicBlock* block = newBlock("spill");
    exitBlocks_.push_back(block);
    for (const auto& [status, stub] : group.stubs) llvm::IRBuilder<>(stub).CreateBr(block);
    builder_.SetInsertPoint(block);
  }
  for (size_t i = 0; i < group.values.size(); ++i) {
    llvm::Value* value = use(objectOf(group.values[i]));
    if (group.values[i]->op == hir::Op::RangeView) writeBack(*group.values[i]);
    if (value->getType() == i1_) value = builder_.CreateZExt(value, i64_);
    builder_.CreateStore(value, builder_.CreateConstInBoundsGEP1_64(i64_, spill_, i + kFirstSpill));
  }
  if (!group.values.empty() || group.stubs.size() == 1) {
    builder_.CreateBr(leave);
  } else {
    for (const auto& [status, stub] : group.stubs) llvm::IRBuilder<>(stub).CreateBr(leave);
  }
}

}  // namespace martlet::backend
