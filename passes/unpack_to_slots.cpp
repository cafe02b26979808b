// SPDX-License-Identifier: MIT
// The pass "unpack-to-slots": items that go from a sequence straight to frame slots do so in one call.
//
// Turn this: v1 = UnpackSequence(v0); v2 = Output v1, 1; v3 = Output v1, 0; StoreLocal 4, v2; Release v8; StoreLocal 5,
// … Into this: v1 = UnpackToSlots(v0); v2 = LoadLocal 4; v3 = LoadLocal 5
//
// … where v8, … are what the slots held. A reference that a slot takes over and one that it gives up are some 90 bytes
// of code for each item, which take longer to fetch than to execute. Few items are better off without the call.
#include <algorithm>
#include <functional>
#include <optional>

#include "lowering/hir/unpack_targets.h"
#include "passes/pass_list.h"
#include "passes/references.h"

namespace martlet::passes {

using namespace hir;

namespace {

constexpr size_t kFewestItems = 5;
constexpr int64_t kLastSlot = 255;

/// An unpacking, and the ops behind its outputs that store these and release what was stored there before.
struct Unpacking {
  Value* call;
  UnpackTargets targets;
  size_t begin, end;  ///< positions of the stores and releases in their block
};

class SlotUnpacker {
 public:
  explicit SlotUnpacker(Function& function) : function_(function), slotsAtStart_(slotsAtStart(function)) {}

  bool run() {
    for (const auto& block : function_.blocks) {
      const std::vector<Unpacking> found = findIn(*block);
      // The last one first: the others stay where they are.
      for (auto unpacking = found.rbegin(); unpacking != found.rend(); ++unpacking) rewrite(*block, *unpacking);
      changed_ |= !found.empty();
    }
    return changed_;
  }

 private:
  std::vector<Unpacking> findIn(Block& block) const {
    std::vector<Unpacking> found;
    SlotMap slots = slotsAtStart_[block.id];
    for (size_t k = 0; k < block.ops.size(); ++k) {
      const Value& op = *block.ops[k];
      const bool isUnpacking = op.calls(Helper::UnpackSequence);
      const bool fits = isUnpacking && op.outputs >= kFewestItems && op.outputs <= UnpackTargets::kMost;
      if (fits) {
        if (const auto unpacking = match(block, k, slots)) found.push_back(*unpacking);
      }
      slots.step(*block.ops[k]);
    }
    return found;
  }

  /// The unpacking at position `at`, if all of its items are stored in the order of the items, each to another slot.
  static std::optional<Unpacking> match(const Block& block, size_t at, const SlotMap& slots) {
    const size_t count = block.ops[at]->outputs;
    Unpacking unpacking{block.ops[at], {}, at + 1 + count, at + 1 + count};
    UnpackTargets& targets = unpacking.targets;
    uint32_t last = 0;
    for (size_t i = 0; i < count; ++i) {
      const Value* store = opAt(block, unpacking.end);
      if (!isStoreOf(store, block.ops[at], count - 1 - i)) return std::nullopt;
      const auto slot = static_cast<uint8_t>(store->imm);
      if (std::find(targets.slots.begin(), targets.slots.begin() + i, slot) != targets.slots.begin() + i)
        return std::nullopt;
      if (i != 0 && store->offset != last && store->offset != last + 1) return std::nullopt;
      if (i == 0) targets.offset = store->offset;
      if (i != 0 && store->offset != last) targets.advances |= static_cast<uint16_t>(1U << i);
      last = store->offset;
      targets.slots[targets.count++] = slot;
      const Value* old = slots.content(slot);
      ++unpacking.end;
      if (isReleaseOf(opAt(block, unpacking.end), old)) {
        ++unpacking.end;
      } else if (!isUncounted(*old)) {
        return std::nullopt;  // it goes somewhere else
      }
    }
    return unpacking;
  }

  static const Value* opAt(const Block& block, size_t position) {
    return position < block.ops.size() ? block.ops[position] : nullptr;
  }

  static bool isStoreOf(const Value* store, const Value* call, size_t output) {
    if (store == nullptr || store->op != Op::StoreLocal || store->offset == 0 || store->imm > kLastSlot) return false;
    const Value& item = *store->operands[0];
    return item.op == Op::Output && item.operands[0] == call && item.imm == static_cast<int64_t>(output);
  }

  /// Dirty slots would have to be brought up to date before the release.
  static bool isReleaseOf(const Value* release, const Value* old) {
    if (release == nullptr || (release->op != Op::Release && release->op != Op::DecRef)) return false;
    if (release->operands[0] != old) return false;
    return !release->state || std::none_of(release->state->dirty.begin(), release->state->dirty.end(), std::identity());
  }

  static void rewrite(Block& block, const Unpacking& unpacking) {
    Value& call = *unpacking.call;
    const UnpackTargets::Words words = unpacking.targets.pack();
    call.helper = Helper::UnpackToSlots;
    call.imms.assign(words.begin(), words.end());
    call.outputs = 0;
    const auto first = block.ops.begin() + static_cast<ptrdiff_t>(unpacking.begin);
    const auto last = block.ops.begin() + static_cast<ptrdiff_t>(unpacking.end);
    for (auto op = first; op != last; ++op) (*op)->block = nullptr;
    block.ops.erase(first, last);
    for (size_t i = 0; i < unpacking.targets.count; ++i) {
      Value& output = *block.ops[unpacking.begin - 1 - i];
      output.imm = unpacking.targets.slots[static_cast<size_t>(unpacking.targets.count - 1 - output.imm)];
      output.op = Op::LoadLocal;
      output.operands.clear();
    }
  }

  Function& function_;
  const std::vector<SlotMap> slotsAtStart_;
  bool changed_ = false;
};

}  // namespace

bool unpackToSlots(Function& function) {
  return SlotUnpacker(function).run();
}

}  // namespace martlet::passes
