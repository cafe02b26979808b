// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "lowering/hir/analysis.h"
#include "tests/hir/random_graph.h"
#include "tests/hir/sample.h"

namespace martlet::hir::test {
namespace {

constexpr const char* kNestedLoops = R"(
function "loops" locals=1 stack=2 {
  entry offset=0 depth=0 -> bb0
bb0 {offset=0 locals=[v0] stack=[]}:
  v0:Nullable = LoadLocal 0
  v1:I64 = ConstInt 0
  Jump -> bb1(v1)
bb1(v2:I64) {offset=2 locals=[v0] stack=[]}:
  v3:I1 = IsNull v0
  Branch v3 -> bb2, bb5
bb2 {offset=4 locals=[v0] stack=[]}:
  Jump -> bb3
bb3 {offset=6 locals=[v0] stack=[]}:
  v4:I1 = IntCompare v2 < v1
  Branch v4 -> bb3, bb4
bb4 {offset=8 locals=[v0] stack=[]}:
  Jump -> bb1(v2)
bb5 {offset=10 locals=[v0] stack=[]}:
  v5:I1 = ConstBool false
  v6:Bool = BoxBool v5
  Return v6 imm=11
}
)";

TEST(Dominators, NestedLoops) {
  const std::unique_ptr<Function> function = parseOne(kNestedLoops);
  const DominatorTree tree(*function);
  auto block = [&](uint32_t id) { return blockById(*function, id); };
  auto value = [&](uint32_t id) { return valueById(*function, id); };
  EXPECT_EQ(tree.idom(block(0)), nullptr);
  EXPECT_EQ(tree.idom(block(1)), block(0));
  EXPECT_EQ(tree.idom(block(3)), block(2));
  EXPECT_EQ(tree.idom(block(5)), block(1));
  EXPECT_TRUE(tree.dominates(block(1), block(4)));
  EXPECT_FALSE(tree.dominates(block(4), block(1)));
  EXPECT_TRUE(tree.dominates(block(4), block(4)));
  EXPECT_TRUE(tree.dominates(value(0), value(1)));
  EXPECT_FALSE(tree.dominates(value(1), value(0)));
  EXPECT_FALSE(tree.dominates(value(1), value(1)));
  EXPECT_TRUE(tree.dominates(value(2), value(3)));  // a parameter before the ops
  EXPECT_FALSE(tree.dominates(value(3), value(2)));
  EXPECT_TRUE(tree.dominates(value(1), value(6)));
  EXPECT_FALSE(tree.dominates(value(4), value(6)));
  EXPECT_EQ(tree.children(block(1)).size(), 2U);
}

TEST(Dominators, TwoEntriesThatJoinHaveNoCommonDominator) {
  const std::unique_ptr<Function> function = parseOne(R"(
function "entries" locals=0 stack=1 {
  entry offset=0 depth=0 -> bb0
  entry offset=5 depth=0 -> bb1
bb0 {offset=0 locals=[] stack=[]}:
  Jump -> bb2
bb1 {offset=5 locals=[] stack=[]}:
  Jump -> bb2
bb2 {offset=5 locals=[] stack=[]}:
  Unreachable
}
)");
  const DominatorTree tree(*function);
  EXPECT_EQ(tree.idom(blockById(*function, 2)), nullptr);
  EXPECT_FALSE(tree.dominates(blockById(*function, 0), blockById(*function, 2)));
}

TEST(Loops, NestedLoops) {
  const std::unique_ptr<Function> function = parseOne(kNestedLoops);
  const DominatorTree tree(*function);
  const LoopInfo loops(*function, tree);
  ASSERT_EQ(loops.loops().size(), 2U);
  const Loop& outer = loops.loops()[0];
  const Loop& inner = loops.loops()[1];
  auto block = [&](uint32_t id) { return blockById(*function, id); };
  EXPECT_EQ(outer.header, block(1));
  EXPECT_EQ(outer.latches, std::vector<Block*>{block(4)});
  EXPECT_EQ(outer.blocks, (std::vector<Block*>{block(1), block(2), block(3), block(4)}));
  EXPECT_EQ(inner.header, block(3));
  EXPECT_EQ(inner.parent, &outer);
  EXPECT_EQ(inner.depth, 2U);
  EXPECT_EQ(inner.blocks, std::vector<Block*>{block(3)});
  EXPECT_EQ(loops.loopOf(block(2)), &outer);
  EXPECT_EQ(loops.loopOf(block(3)), &inner);
  EXPECT_EQ(loops.loopOf(block(5)), nullptr);
  EXPECT_EQ(loops.depth(block(3)), 2U);
  EXPECT_EQ(loops.depth(block(0)), 0U);
}

// ---- Properties of random graphs ------------------------------------------------------------------------------------

/// What is reachable from the entries without going through `avoided`.
std::set<const Block*> reachableWithout(const Function& function, const Block* avoided) {
  std::set<const Block*> seen;
  std::vector<const Block*> pending;
  auto visit = [&](const Block* block) {
    if (block != avoided && seen.insert(block).second) pending.push_back(block);
  };
  for (const Entry& entry : function.entries) visit(entry.block);
  while (!pending.empty()) {
    const Block* block = pending.back();
    pending.pop_back();
    for (const Edge& edge : block->successors) visit(edge.target);
  }
  return seen;
}

TEST(Dominators, AgreeWithTheirDefinitionOnRandomGraphs) {
  for (uint32_t seed = 0; seed < 200; ++seed) {
    const std::unique_ptr<Function> function = randomGraph(seed, 1 + seed % 3, 2 + seed % 17);
    const DominatorTree tree(*function);
    ASSERT_EQ(tree.order().size(), function->blocks.size());
    for (const auto& a : function->blocks) {
      const std::set<const Block*> others = reachableWithout(*function, a.get());
      for (const auto& b : function->blocks) {
        ASSERT_EQ(tree.dominates(a.get(), b.get()), !others.contains(b.get())) << "seed " << seed;
      }
      // The immediate dominator is the nearest: every other dominator of a dominates it.
      const Block* idom = tree.idom(a.get());
      for (const auto& b : function->blocks) {
        if (a == b || !tree.dominates(b.get(), a.get())) continue;
        ASSERT_NE(idom, nullptr);
        ASSERT_TRUE(tree.dominates(b.get(), idom));
      }
    }
  }
}

TEST(Dominators, OrderPutsDominatorsFirst) {
  for (uint32_t seed = 0; seed < 50; ++seed) {
    const std::unique_ptr<Function> function = randomGraph(seed, 2, 12);
    const DominatorTree tree(*function);
    for (size_t i = 0; i < tree.order().size(); ++i) {
      ASSERT_EQ(tree.order()[i], function->blocks[i].get());  // recomputePredecessors() uses the same order
      for (size_t j = i + 1; j < tree.order().size(); ++j)
        ASSERT_FALSE(tree.dominates(tree.order()[j], tree.order()[i]));
    }
  }
}

TEST(Loops, OfRandomGraphsAreNatural) {
  for (uint32_t seed = 0; seed < 100; ++seed) {
    const std::unique_ptr<Function> function = randomGraph(seed, 1 + seed % 2, 3 + seed % 15);
    const DominatorTree tree(*function);
    const LoopInfo loops(*function, tree);
    for (const Loop& loop : loops.loops()) {
      ASSERT_EQ(loop.blocks.front(), loop.header);
      ASSERT_FALSE(loop.latches.empty());
      for (const Block* block : loop.blocks) {
        ASSERT_TRUE(tree.dominates(loop.header, block)) << "seed " << seed;
        ASSERT_LE(loop.depth, loops.depth(block));
      }
      if (loop.parent != nullptr) {
        for (const Block* block : loop.blocks) ASSERT_TRUE(loop.parent->contains(block));
      }
    }
    size_t headers = 0;
    for (const auto& block : function->blocks) {
      headers += std::any_of(block->predecessors.begin(), block->predecessors.end(),
                             [&](const Block* from) { return tree.dominates(block.get(), from); });
    }
    ASSERT_EQ(loops.loops().size(), headers);
  }
}

}  // namespace
}  // namespace martlet::hir::test
