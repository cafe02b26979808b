// SPDX-License-Identifier: MIT
// Every op and every helper: well formed when built by the tables, and the same after print -> parse -> print.
#include <gtest/gtest.h>

#include <cmath>

#include "lowering/hir/parser.h"
#include "lowering/hir/printer.h"
#include "tests/hir/sample.h"

namespace martlet::hir::test {
namespace {

void expectRoundTrip(Function& function, Phase phase) {
  EXPECT_EQ(complaints(function, phase), "");
  const std::string text = print(function);
  const std::unique_ptr<Function> again = parseOne(text);
  ASSERT_NE(again, nullptr);
  EXPECT_EQ(print(*again), text);
  EXPECT_EQ(complaints(*again, phase), "");
}

class EachOp : public testing::TestWithParam<size_t> {};

TEST_P(EachOp, RoundTrips) {
  const auto op = static_cast<Op>(GetParam());
  Sample sample;
  sample.add(op);
  expectRoundTrip(sample.finish(), phaseOf(op));
}

INSTANTIATE_TEST_SUITE_P(Ops, EachOp, testing::Range<size_t>(0, static_cast<size_t>(Op::kCount)),
                         [](const auto& each) { return std::string(hir::info(static_cast<Op>(each.param)).name); });

class EachHelper : public testing::TestWithParam<size_t> {};

TEST_P(EachHelper, RoundTrips) {
  Sample sample;
  sample.addCall(static_cast<Helper>(GetParam()));
  expectRoundTrip(sample.finish(), Phase::AfterFrontend);
}

INSTANTIATE_TEST_SUITE_P(Helpers, EachHelper, testing::Range<size_t>(0, static_cast<size_t>(Helper::kCount)),
                         [](const auto& each) { return std::string(hir::info(static_cast<Helper>(each.param)).name); });

TEST(RoundTrip, StatesKeepEveryField) {
  Sample sample;
  Value* op = sample.addCall(Helper::ContainsOp);
  FrameState& state = *op->state;
  state.completion = Completion::PushBool;
  state.dirty = {false, true};
  state.owned = {state.stack[0], state.stack[0]};
  Function& function = sample.finish();
  expectRoundTrip(function, Phase::AfterRefcount);

  const std::unique_ptr<Function> again = parseOne(print(function));
  const FrameState& read = *valueById(*again, op->id)->state;
  EXPECT_EQ(read.offset, 8U);
  EXPECT_EQ(read.resumeOffset, 7U);
  EXPECT_EQ(read.nextOffset, 12U);
  EXPECT_EQ(read.stackAfterPop, 1U);
  EXPECT_EQ(read.completion, Completion::PushBool);
  EXPECT_TRUE(read.isDirty(1));
  EXPECT_FALSE(read.isDirty(0));
  ASSERT_EQ(read.owned.size(), 2U);
  EXPECT_EQ(read.owned[1]->id, state.stack[0]->id);
}

TEST(RoundTrip, ImmediatesAtTheirLimits) {
  const int64_t values[] = {0, -1, INT64_MAX, INT64_MIN};
  for (int64_t value : values) {
    Sample sample;
    const uint32_t ofInt = sample.add(Op::ConstInt)->id;
    const uint32_t ofFloat = sample.add(Op::ConstFloat)->id;
    Function& function = sample.finish();
    valueById(function, ofInt)->imm = value;
    valueById(function, ofFloat)->imm = value;  // 0.0, a NaN, another NaN, -0.0
    const std::unique_ptr<Function> again = parseOne(print(function));
    EXPECT_EQ(valueById(*again, ofInt)->imm, value);
    EXPECT_EQ(valueById(*again, ofFloat)->imm, value);
  }
}

TEST(RoundTrip, ExitReasonsAndNames) {
  for (size_t reason = 1; reason < static_cast<size_t>(ExitReason::kCount); ++reason) {
    Sample sample;
    Value* exit = sample.add(Op::Exit);
    exit->reason = static_cast<ExitReason>(reason);
    Function& function = sample.finish();
    function.name = "a\n\"b\"\\\x7f ; é";
    expectRoundTrip(function, Phase::AfterFrontend);
    const std::unique_ptr<Function> again = parseOne(print(function));
    EXPECT_EQ(again->name, function.name);
    EXPECT_EQ(again->blocks[0]->terminator()->reason, exit->reason);
  }
}

TEST(RoundTrip, Objects) {
  Sample sample;
  Function& function = sample.finish();
  function.addObject({.name = "int", .type = types::Long, .hasInt = true, .intValue = INT64_MIN});
  function.addObject({.name = "float", .type = types::Float, .floatValue = -0.0});
  function.addObject({.name = "x", .type = types::kObject.without(types::Long)});
  expectRoundTrip(function, Phase::AfterFrontend);
  const std::unique_ptr<Function> again = parseOne(print(function));
  ASSERT_EQ(again->objects.size(), 4U);
  EXPECT_TRUE(again->objects[0].immortal);
  EXPECT_EQ(again->objects[0].name, function.objects[0].name);
  EXPECT_EQ(again->objects[1].intValue, INT64_MIN);
  EXPECT_TRUE(std::signbit(again->objects[2].floatValue));
  EXPECT_EQ(again->objects[3].type, function.objects[3].type);
}

TEST(RoundTrip, GapsBetweenIdsStay) {
  Sample sample;
  Value* unused = sample.operand('l');
  Value* used = sample.operand('l');
  Function& function = sample.finish();
  function.remove(unused);
  const std::unique_ptr<Function> again = parseOne(print(function));
  ASSERT_NE(valueById(*again, used->id), nullptr);
  EXPECT_EQ(valueById(*again, unused->id), nullptr);
  EXPECT_EQ(print(*again), print(function));
}

}  // namespace
}  // namespace martlet::hir::test
