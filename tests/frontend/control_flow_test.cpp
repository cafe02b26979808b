// SPDX-License-Identifier: MIT
// Blocks and edges. Must not know: HIR.
#include "lowering/frontend/control_flow.h"

#include "tests/frontend/code_builder.h"

namespace martlet::frontend {
namespace {

using Op = BytecodeOp;

Result<ControlFlow> analyze(const CodeBuilder& builder, std::vector<EntryRequest> entries = {{0, 0}}) {
  return analyzeControlFlow(builder.code, entries);
}

TEST(ControlFlow, CountsEdgesIntoABlock) {
  CodeBuilder b(1, 1);
  b.op(Op::LoadFast).jump(Op::PopJumpIfTrue, 3).op(Op::Nop).op(Op::ReturnConst);
  Result<ControlFlow> flow = analyze(b);
  ASSERT_TRUE(flow);
  EXPECT_EQ(flow->incoming[0], 1U);
  EXPECT_EQ(flow->incoming[2], 1U);
  EXPECT_EQ(flow->incoming[3], 2U) << "the jump and the fall-through";
  EXPECT_FALSE(flow->isLeader(1));
  EXPECT_EQ(flow->joins, 1U);
}

TEST(ControlFlow, LeavesOutWhatIsNotReached) {
  CodeBuilder b;
  b.op(Op::ReturnConst).jump(Op::JumpForward, 99).op(Op::ReturnConst);
  Result<ControlFlow> flow = analyze(b);
  ASSERT_TRUE(flow) << "the broken jump is dead code";
  EXPECT_FALSE(flow->isLeader(2));
}

TEST(ControlFlow, FindsInstructionsByTheirExtendedArg) {
  CodeBuilder b;
  b.op(Op::Nop).op(Op::ReturnConst);
  b.code.instructions[1].offset = 3;
  b.code.instructions[1].resumeOffset = 1;
  b.code.instructions[1].nextOffset = 4;
  Result<ControlFlow> flow = analyze(b, {{1, 0}});
  ASSERT_TRUE(flow);
  EXPECT_EQ(flow->entries[0].index, 1U);
  EXPECT_EQ(flow->find(3), 1);
  EXPECT_EQ(flow->find(2), -1);
}

TEST(ControlFlow, GeneratorsStartAtTheirFirstResume) {
  CodeBuilder b;
  b.op(Op::ReturnGenerator).op(Op::PopTop).op(Op::Resume).op(Op::ReturnConst);
  b.code.isGenerator = true;
  b.code.firstTraceable = 2;
  Result<ControlFlow> flow = analyze(b);
  ASSERT_TRUE(flow);
  EXPECT_EQ(flow->entries[0].offset, 2U);
}

TEST(ControlFlow, SameEntryTwiceIsOne) {
  CodeBuilder b;
  b.op(Op::Resume).op(Op::ReturnConst);
  Result<ControlFlow> flow = analyze(b, {{0, 0}, {0, 0}});
  ASSERT_TRUE(flow);
  EXPECT_EQ(flow->entries.size(), 1U);
  EXPECT_EQ(analyze(b, {{0, 0}, {0, 1}}).bailout().reason, BailoutReason::MalformedBytecode);
}

TEST(ControlFlow, RefusesWhatDoesNotFit) {
  CodeBuilder b;
  b.op(Op::Nop);
  EXPECT_EQ(analyze(b).bailout().reason, BailoutReason::MalformedBytecode) << "falls off the end";
  EXPECT_EQ(analyze(b, {}).bailout().reason, BailoutReason::NothingToCompile);
  EXPECT_EQ(analyze(b, {{7, 0}}).bailout().reason, BailoutReason::MalformedBytecode);
  b.jump(Op::JumpForward, 7);
  EXPECT_EQ(analyze(b).bailout().reason, BailoutReason::MalformedBytecode);
}

}  // namespace
}  // namespace martlet::frontend
