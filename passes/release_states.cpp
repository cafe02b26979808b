// SPDX-License-Identifier: MIT
// The pass "release-states": what Python code finds in the frame when a release runs it.
//
// Turn this: DecRef v        Into this: Release v {offset=…, dirty slots}
//
// … unless v is an object whose end runs nothing. If the release turns out to be the last one, native code brings the
// frame's instruction and its dirty slots up to date before the object goes: nearly never, and so out of the way. The
// slots stay dirty for the code behind it, which may have a newer value by the time it leaves.
//
// A slot whose value is an object that SSA holds is not listed, since that object may be gone by now: local-sync has
// brought those up to date where it foresaw the release.
#include "passes/pass_list.h"
#include "passes/references.h"

namespace martlet::passes {

using namespace hir;

namespace {

class ReleaseStates {
 public:
  explicit ReleaseStates(Function& function) : function_(function), slotsAtStart_(slotsAtStart(function)) {}

  bool run() {
    for (const auto& block : function_.blocks) describeIn(*block);
    return changed_;
  }

 private:
  void describeIn(Block& block) {
    SlotMap slots = slotsAtStart_[block.id];
    uint32_t offset = block.entry->offset;
    for (Value* op : block.ops) {
      if (op->state) offset = op->state->offset;
      if (op->offset != 0) offset = op->offset;
      slots.step(*op);
      if (op->op == Op::DecRef && !isQuietlyReleased(op->operands[0]->type)) describe(*op, slots, offset);
    }
  }

  void describe(Value& release, const SlotMap& slots, uint32_t offset) {
    auto state = std::make_unique<FrameState>();
    state->offset = state->resumeOffset = offset;
    state->nextOffset = offset;
    state->dirty.assign(slots.size(), false);
    state->when.assign(slots.size(), nullptr);
    for (size_t slot = 0; slot < slots.size(); ++slot) {
      Value* content = slots.content(slot);
      state->locals.push_back(content);
      state->dirty[slot] = slots.isDirty(slot) && !isHeldBySsa(*content);
      if (state->dirty[slot]) state->when[slot] = slots.conditionOf(slot);
    }
    release.op = Op::Release;
    release.state = std::move(state);
    changed_ = true;
  }

  Function& function_;
  const std::vector<SlotMap> slotsAtStart_;
  bool changed_ = false;
};

}  // namespace

bool describeReleases(Function& function) {
  return ReleaseStates(function).run();
}

}  // namespace martlet::passes
