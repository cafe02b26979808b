// SPDX-License-Identifier: MIT
// See control_flow.h. Must not know: HIR.
#include "lowering/frontend/control_flow.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace martlet::frontend {
namespace {

enum class Flow : uint8_t {
  Next,     ///< only to the next instruction
  Jump,     ///< only to the target
  Branch,   ///< to either; the next instruction begins a block
  Loop,     ///< to either; the instruction makes a block of its own for the way to the next one
  Suspend,  ///< leaves; the next instruction is an entry
  End,
};

Flow flowOf(BytecodeOp op) {
  switch (op) {
  case BytecodeOp::JumpForward:
  case BytecodeOp::JumpBackward:
  case BytecodeOp::JumpBackwardNoInterrupt: return Flow::Jump;
  case BytecodeOp::PopJumpIfFalse:
  case BytecodeOp::PopJumpIfTrue:
  case BytecodeOp::PopJumpIfNone:
  case BytecodeOp::PopJumpIfNotNone:
  case BytecodeOp::Send: return Flow::Branch;
  case BytecodeOp::ForIter: return Flow::Loop;
  case BytecodeOp::YieldValue: return Flow::Suspend;
  case BytecodeOp::ReturnValue:
  case BytecodeOp::ReturnConst:
  case BytecodeOp::ReturnGenerator:
  case BytecodeOp::RaiseVarargs:
  case BytecodeOp::Reraise: return Flow::End;
  default: return Flow::Next;
  }
}

class Analysis {
 public:
  explicit Analysis(const Snapshot& snapshot) : code_(snapshot.instructions), snapshot_(snapshot) {}

  Result<ControlFlow> run(std::span<const EntryRequest> requests) {
    if (code_.empty() || requests.empty()) return Bailout{BailoutReason::NothingToCompile, 0, "no entry"};
    const size_t count = code_.size();
    flow_.incoming.assign(count, ControlFlow::kNoLeader);
    plainEdges_.assign(count, 0);
    reached_.assign(count, false);
    flow_.leftOut.assign(count, false);
    flow_.handlers.assign(count, -1);
    indexOffsets();
    for (const EntryRequest& request : requests) {
      if (!addEntry(request)) return *failure_;
    }
    if (snapshot_.leavesOutNotRun) findNotRun();
    while (!pending_.empty()) {
      const uint32_t index = pending_.back();
      pending_.pop_back();
      if (!visit(index)) return *failure_;
    }
    countFallthroughs();
    return std::move(flow_);
  }

 private:
  void indexOffsets() {
    uint32_t size = 0;
    for (const Instruction& instruction : code_) size = std::max(size, instruction.nextOffset);
    flow_.indexAt.assign(size + 1, -1);
    for (size_t i = code_.size(); i-- > 0;) {  // backwards: the first half of a superinstruction wins
      flow_.indexAt[code_[i].offset] = static_cast<int32_t>(i);
      flow_.indexAt[code_[i].resumeOffset] = static_cast<int32_t>(i);
    }
  }

  bool fail(uint32_t offset, std::string detail) {
    failure_ = Bailout{BailoutReason::MalformedBytecode, offset, std::move(detail)};
    return false;
  }

  bool addEntry(const EntryRequest& request) {
    uint32_t offset = request.offset;
    if (offset == 0 && snapshot_.isGenerator) {
      if (snapshot_.firstTraceable >= code_.size()) return fail(0, "a generator without RESUME");
      offset = code_[snapshot_.firstTraceable].resumeOffset;
    }
    const int32_t index = flow_.find(offset);
    if (index < 0) return fail(offset, "no instruction begins at this entry");
    for (const ResolvedEntry& known : flow_.entries) {
      if (known.index != static_cast<uint32_t>(index)) continue;
      return known.stackDepth == request.stackDepth || fail(offset, "two entries with different stack depths");
    }
    flow_.entries.push_back({static_cast<uint32_t>(index), offset, request.stackDepth, request.seen});
    addEdge(static_cast<uint32_t>(index));
    return true;
  }

  /// An edge to a block's beginning.
  void addEdge(uint32_t index) {
    uint32_t& edges = flow_.incoming[index];
    edges = edges == ControlFlow::kNoLeader ? 1 : edges + 1;
    reach(index);
  }

  void reach(uint32_t index) {
    if (reached_[index]) return;
    reached_[index] = true;
    pending_.push_back(index);
  }

  /// Backwards: what leads to nothing but instructions that have never run has not run either. An exception on the way
  /// there is the reason why it may have, nevertheless: the exit is counted, and compiled when it is taken often.
  void findNotRun() {
    const std::vector<bool> inUse = findInUse();
    for (size_t i = code_.size(); i-- > 0;) {
      const Instruction& instruction = code_[i];
      if (inUse[i] || instruction.ran == Ran::Yes || instruction.op == BytecodeOp::Resume) continue;
      flow_.leftOut[i] = instruction.ran == Ran::Never || leadsToNotRun(i);
    }
  }

  /// Entries, and where an earlier version was left often: from there up to the next instruction that has a counter.
  std::vector<bool> findInUse() const {
    std::vector<bool> inUse(code_.size());
    for (const ResolvedEntry& entry : flow_.entries) inUse[entry.index] = true;
    for (const uint32_t offset : snapshot_.reached) {
      const int32_t first = flow_.find(offset);
      if (first < 0) continue;
      auto i = static_cast<size_t>(first);
      inUse[i] = true;
      for (; flowOf(code_[i].op) == Flow::Next && i + 1 < code_.size(); ++i) {
        if (code_[i + 1].ran != Ran::Unknown) break;
        inUse[i + 1] = true;
      }
    }
    return inUse;
  }

  bool leadsToNotRun(size_t index) const {
    const Instruction& instruction = code_[index];
    const auto isLeftOut = [&](int32_t i) {
      return i > static_cast<int32_t>(index) && flow_.leftOut[static_cast<size_t>(i)];
    };
    const auto next = index + 1 < code_.size() ? static_cast<int32_t>(index + 1) : -1;
    switch (flowOf(instruction.op)) {
    case Flow::Next: return isLeftOut(next);
    case Flow::Jump: return isLeftOut(flow_.find(instruction.target));
    case Flow::Branch: return isLeftOut(next) && isLeftOut(flow_.find(instruction.target));
    default: return false;
    }
  }

  /// What can fail at an instruction may go on at a handler that is in use. An instruction may fail at several places,
  /// so that the handler always is where ways meet.
  void addHandler(uint32_t index) {
    const Handler* handler = handlerOf(index);
    if (handler == nullptr || !isInUse(*handler)) return;
    flow_.handlers[index] = static_cast<int32_t>(handler - snapshot_.handlers.data());
    for (int edges = 0; edges < 2; ++edges) addEdge(static_cast<uint32_t>(flow_.find(handler->target)));
  }

  /// The handler of what fails at an instruction, or null.
  const Handler* handlerOf(uint32_t index) const {
    const uint32_t offset = code_[index].offset;
    const auto covers = [offset](const Handler& handler) { return handler.start <= offset && offset < handler.end; };
    const auto found = std::find_if(snapshot_.handlers.begin(), snapshot_.handlers.end(), covers);
    return found != snapshot_.handlers.end() ? &*found : nullptr;
  }

  /// True for what ends the handling of an exception that another handler of this code takes, which is in use.
  bool passesOn(uint32_t handler) const {
    if (handler + 2 >= code_.size() || code_[handler].op != BytecodeOp::Copy) return false;
    if (code_[handler + 1].op != BytecodeOp::PopExcept || code_[handler + 2].op != BytecodeOp::Reraise) return false;
    const Handler* next = handlerOf(handler + 2);
    return next != nullptr && flow_.find(next->target) > static_cast<int32_t>(handler) && isInUse(*next);
  }

  /// True for a handler that has run, as far as is known: not one that only cleans up before the exception leaves.
  bool isInUse(const Handler& entry) const {
    const int32_t target = flow_.find(entry.target);
    if (target < 0) return false;
    const auto handler = static_cast<uint32_t>(target);
    if (passesOn(handler)) return true;
    if (code_[handler].op != BytecodeOp::PushExcInfo || flow_.leftOut[handler]) return false;
    if (!snapshot_.leavesOutNotRun || snapshot_.reached.contains(code_[handler].offset)) return true;
    for (size_t i = handler; i < code_.size() && flowOf(code_[i].op) != Flow::End; ++i) {
      if (code_[i].ran != Ran::Unknown) return code_[i].ran == Ran::Yes;
    }
    return false;
  }

  bool visit(uint32_t index) {
    if (flow_.leftOut[index]) return true;
    addHandler(index);
    const Instruction& instruction = code_[index];
    const Flow flow = flowOf(instruction.op);
    uint32_t target = 0;
    if (flow == Flow::Jump || flow == Flow::Branch || flow == Flow::Loop) {
      const int32_t found = flow_.find(instruction.target);
      if (found < 0) return fail(instruction.offset, "the jump target is no instruction");
      target = static_cast<uint32_t>(found);
      addEdge(target);
    }
    // Where a delegate has returned, the generator that waited for it is entered.
    if (instruction.op == BytecodeOp::Send && !isEntry(target) && sendTargets_.insert(target).second) addEdge(target);
    if (flow == Flow::Jump || flow == Flow::End) return true;
    const uint32_t next = index + 1;
    if (next >= code_.size()) return fail(instruction.offset, "execution falls off the end");
    if (flow == Flow::Branch) {
      addEdge(next);
    } else if (flow == Flow::Suspend) {
      if (!isEntry(next)) addEdge(next);
    } else {
      plainEdges_[next] = 1;
      reach(next);
    }
    return true;
  }

  bool isEntry(uint32_t index) const {
    return std::any_of(flow_.entries.begin(), flow_.entries.end(),
                       [index](const ResolvedEntry& entry) { return entry.index == index; });
  }

  /// Falling into a block's beginning is an edge, too; only now is it known what a beginning is.
  void countFallthroughs() {
    for (size_t i = 0; i < code_.size(); ++i) {
      uint32_t& edges = flow_.incoming[i];
      if (edges == ControlFlow::kNoLeader) continue;
      edges += plainEdges_[i];
      if (edges > 1) ++flow_.joins;
    }
  }

  const std::vector<Instruction>& code_;
  const Snapshot& snapshot_;
  ControlFlow flow_;
  std::vector<uint8_t> plainEdges_;  ///< by instruction: 1 if the one before falls into it
  std::vector<bool> reached_;
  std::set<uint32_t> sendTargets_;
  std::vector<uint32_t> pending_;
  std::optional<Bailout> failure_;
};

}  // namespace

Result<ControlFlow> analyzeControlFlow(const Snapshot& snapshot, std::span<const EntryRequest> entries) {
  return Analysis(snapshot).run(entries);
}

}  // namespace martlet::frontend
