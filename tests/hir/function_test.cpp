// SPDX-License-Identifier: MIT
// Editing of functions.
#include <gtest/gtest.h>

#include <algorithm>

#include "lowering/hir/printer.h"
#include "tests/hir/random_graph.h"
#include "tests/hir/sample.h"

namespace martlet::hir::test {
namespace {

constexpr const char* kDiamond = R"(
function "diamond" locals=1 stack=2 {
  entry offset=0 depth=0 -> bb0
bb0 {offset=0 locals=[v0] stack=[]}:
  v0:Nullable = LoadLocal 0
  v1:I1 = IsNull v0
  v2:I64 = ConstInt 1
  Branch v1 -> bb1, bb2
bb1 {offset=2 locals=[v0] stack=[]}:
  v3:Long = BoxInt v2
  Jump -> bb3(v3, v2)
bb2 {offset=4 locals=[v0] stack=[]}:
  v4:Long = BoxInt v2
  Jump -> bb3(v4, v2)
bb3(v5:Object, v6:I64) {offset=6 locals=[v0] stack=[v5]}:
  v7:I64 = IntAdd v6, v2 {offset=6 locals=[v0] stack=[v5]}
  Return v5 imm=7
}
)";

TEST(Function, ReplaceUsesReachesEveryPlace) {
  const std::unique_ptr<Function> function = parseOne(kDiamond);
  Value* old = valueById(*function, 0);
  Value* replacement = function->newValue(Op::ConstNull, types::Null);
  function->insertBefore(old, replacement);
  function->replaceUses(old, replacement);
  const std::string text = print(*function);
  EXPECT_EQ(text.find("v0]"), std::string::npos) << text;
  EXPECT_EQ(text.find("IsNull v0"), std::string::npos);

  function->replaceUses(valueById(*function, 2), valueById(*function, 6));
  EXPECT_NE(print(*function).find("bb3(v3, v6)"), std::string::npos);
}

TEST(Function, ReplaceUsesOfManyFollowsChains) {
  const std::unique_ptr<Function> function = parseOne(kDiamond);
  std::vector<Value*> replacements(function->valueCount());
  replacements[3] = valueById(*function, 4);
  replacements[4] = valueById(*function, 0);
  function->replaceUses(replacements);
  EXPECT_EQ(blockById(*function, 1)->successors[0].args[0]->id, 0U);
  EXPECT_EQ(blockById(*function, 2)->successors[0].args[0]->id, 0U);
}

TEST(Function, RemoveParamTakesArgumentsAlong) {
  const std::unique_ptr<Function> function = parseOne(kDiamond);
  Block* join = blockById(*function, 3);
  function->replaceUses(valueById(*function, 5), valueById(*function, 0));
  function->removeParam(join, 0);
  ASSERT_EQ(join->params.size(), 1U);
  EXPECT_EQ(join->params[0]->imm, 0);
  for (uint32_t from : {1, 2}) {
    ASSERT_EQ(blockById(*function, from)->successors[0].args.size(), 1U);
    EXPECT_EQ(blockById(*function, from)->successors[0].args[0]->id, 2U);
  }
  EXPECT_EQ(complaints(*function, Phase::AfterFrontend), "");
}

TEST(Function, InsertAndRemove) {
  const std::unique_ptr<Function> function = parseOne(kDiamond);
  Value* before = function->newValue(Op::ConstInt, types::I64, {}, 1);
  Value* at = valueById(*function, 1);
  function->insertBefore(at, before);
  const std::vector<Value*>& ops = at->block->ops;
  EXPECT_EQ(ops[1], before);
  EXPECT_EQ(ops[2], at);
  function->remove(before);
  EXPECT_EQ(before->block, nullptr);
  EXPECT_EQ(ops[1], at);
  function->append(blockById(*function, 1), before);  // a removed value can be put elsewhere
  EXPECT_EQ(before->block, blockById(*function, 1));
}

TEST(Function, SplitEdgeMakesAStateFromTheTargets) {
  const std::unique_ptr<Function> function = parseOne(kDiamond);
  Block* join = blockById(*function, 3);
  Block* middle = function->splitEdge(blockById(*function, 2), 0);
  EXPECT_EQ(complaints(*function, Phase::AfterFrontend), "");
  EXPECT_TRUE(middle->params.empty());
  ASSERT_EQ(middle->ops.size(), 1U);
  EXPECT_EQ(middle->successors[0].target, join);
  EXPECT_EQ(middle->successors[0].args.size(), 2U);
  EXPECT_EQ(middle->entry->offset, 6U);
  EXPECT_EQ(middle->entry->stack[0]->id, 4U);  // the argument in the parameter's place
  EXPECT_EQ(join->predecessors, (std::vector<Block*>{blockById(*function, 1), middle}));
  EXPECT_EQ(function->blocks[3].get(), middle);  // right behind bb2
}

TEST(Function, SplitEdgeOfABranchWithBothEdgesToOneBlock) {
  const std::unique_ptr<Function> function = parseOne(R"(
function "both" locals=0 stack=1 {
  entry offset=0 depth=0 -> bb0
bb0 {offset=0 locals=[] stack=[]}:
  v0:I1 = ConstBool true
  v1:I64 = ConstInt 1
  Branch v0 -> bb1(v0), bb1(v0)
bb1(v2:I1) {offset=1 locals=[] stack=[v2]}:
  v3:Bool = BoxBool v2
  Return v3 imm=0
}
)");
  Block* first = blockById(*function, 0);
  Block* target = blockById(*function, 1);
  EXPECT_EQ(target->predecessors, std::vector<Block*>{first});
  Block* middle = function->splitEdge(first, 1);
  EXPECT_EQ(target->predecessors, (std::vector<Block*>{first, middle}));
  EXPECT_EQ(complaints(*function, Phase::AfterFrontend), "");
  Block* other = function->splitEdge(first, 0);
  EXPECT_EQ(target->predecessors, (std::vector<Block*>{other, middle}));
  EXPECT_EQ(complaints(*function, Phase::AfterFrontend), "");
}

TEST(Function, SplitEveryEdgeOfRandomGraphs) {
  for (uint32_t seed = 0; seed < 50; ++seed) {
    const std::unique_ptr<Function> function = randomGraph(seed, 1 + seed % 2, 2 + seed % 11);
    const size_t blocks = function->blocks.size();
    size_t splits = 0;
    for (size_t id = 0; id < blocks; ++id) {
      Block* from = function->blocks[id].get();
      for (size_t i = 0; i < from->successors.size(); ++i, ++splits) function->splitEdge(from, i);
    }
    auto predecessorsOf = [](const Function& each) {
      std::vector<std::vector<uint32_t>> all(each.blocks.size());
      for (const auto& block : each.blocks) {
        for (const Block* from : block->predecessors) all[block->id].push_back(from->id);
        std::sort(all[block->id].begin(), all[block->id].end());
      }
      return all;
    };
    ASSERT_EQ(function->blocks.size(), blocks + splits);
    // Ids are not dense after unreachable blocks were dropped: renumber by what recomputing gives.
    for (size_t i = 0; i < function->blocks.size(); ++i) function->blocks[i]->id = static_cast<uint32_t>(i);
    const auto kept = predecessorsOf(*function);
    function->recomputePredecessors();
    ASSERT_EQ(predecessorsOf(*function), kept) << "seed " << seed;
  }
}

TEST(Function, RecomputeDropsUnreachableBlocksAndOrdersTheRest) {
  const std::unique_ptr<Function> function = parseOne(R"(
function "order" locals=0 stack=1 {
  entry offset=0 depth=0 -> bb0
  entry offset=9 depth=0 -> bb6
bb5 {offset=5 locals=[] stack=[]}:
  Jump -> bb2
bb3 {offset=3 locals=[] stack=[]}:
  Unreachable
bb2 {offset=2 locals=[] stack=[]}:
  v0:I1 = ConstBool true
  Branch v0 -> bb4, bb3
bb4 {offset=4 locals=[] stack=[]}:
  Jump -> bb2
bb0 {offset=0 locals=[] stack=[]}:
  Jump -> bb2
bb6 {offset=9 locals=[] stack=[]}:
  Jump -> bb3
}
)");
  Value* gone = blockById(*function, 5)->ops[0];
  function->recomputePredecessors();
  std::vector<uint32_t> order;
  for (const auto& block : function->blocks) order.push_back(block->id);
  // Entries in their order, a loop's body right behind its header, a join behind what joins.
  EXPECT_EQ(order, (std::vector<uint32_t>{0, 2, 4, 6, 3}));
  EXPECT_EQ(gone->block, nullptr);
  EXPECT_EQ(blockById(*function, 2)->predecessors.size(), 2U);
  EXPECT_EQ(complaints(*function, Phase::AfterFrontend), "");
}

TEST(Function, RecomputeIsStable) {
  for (uint32_t seed = 0; seed < 30; ++seed) {
    const std::unique_ptr<Function> function = randomGraph(seed, 2, 10);
    const std::string once = print(*function);
    function->recomputePredecessors();
    ASSERT_EQ(print(*function), once);
  }
}

}  // namespace
}  // namespace martlet::hir::test
