// SPDX-License-Identifier: MIT
// What the verifier says about functions that cannot be written as text. (The rest is in *.hir files with `; error:`.)
#include <gtest/gtest.h>

#include "tests/hir/sample.h"

namespace martlet::hir::test {
namespace {

void expectComplaint(const Function& function, std::string_view message, Phase phase = Phase::AfterFrontend) {
  const std::string all = complaints(function, phase);
  EXPECT_NE(all.find(message), std::string::npos) << "got: " << all;
}

TEST(Verifier, NoEntry) {
  Sample sample;
  Function& function = sample.finish();
  function.entries.clear();
  expectComplaint(function, "the function has no entry");
}

TEST(Verifier, ValueInTwoPlaces) {
  Sample sample;
  Value* value = sample.operand('l');
  sample.block()->ops.push_back(value);
  expectComplaint(sample.finish(), "stands in two places");
}

TEST(Verifier, ValueThatNamesAnotherBlock) {
  Sample sample;
  sample.operand('l')->block = nullptr;
  expectComplaint(sample.finish(), "names another block as its own");
}

TEST(Verifier, UseOfARemovedValue) {
  Sample sample;
  Value* value = sample.add(Op::IntNeg);
  Function& function = sample.finish();
  function.remove(value->operands[0]);
  expectComplaint(function, "is in no block");
}

TEST(Verifier, ValueOfAnotherFunction) {
  Sample sample, other;
  Value* foreign = other.operand('l');
  Value* value = sample.add(Op::IntNeg);
  value->operands[0] = foreign;
  expectComplaint(sample.finish(), "is in no block");
}

TEST(Verifier, StalePredecessors) {
  Sample sample;
  sample.add(Op::Branch);
  Function& function = sample.finish();
  function.blocks[1]->predecessors.clear();
  expectComplaint(function, "predecessors are not those of the edges");
}

TEST(Verifier, ParamWithAWrongIndex) {
  Sample sample;
  Value* param = sample.add(Op::Param);
  Function& function = sample.finish();
  param->imm = 3;
  expectComplaint(function, "parameter 0 is no Param with that index");
}

TEST(Verifier, CallWithoutHelper) {
  Sample sample;
  Value* call = sample.addCall(Helper::BinaryOp);
  Function& function = sample.finish();
  call->helper = Helper::kCount;
  expectComplaint(function, "CallRuntime without a helper");
}

TEST(Verifier, EdgeIntoAnotherFunction) {
  Sample sample, other;
  sample.add(Op::Jump);
  Function& function = sample.finish();
  function.blocks[0]->successors[0].target = other.block();
  other.block()->id = 77;
  expectComplaint(function, "an edge leads to a block that is not in the function");
}

TEST(Verifier, EveryPhaseAcceptsWhatItIntroduces) {
  for (Op op : {Op::IncRef, Op::SyncLocal, Op::SyncLocalIf, Op::TakeLocal, Op::CopyLocal, Op::DeferLocal,
                Op::DeferLocalIf, Op::DecRef, Op::Release}) {
    for (Phase phase : {Phase::AfterFrontend, Phase::AfterPasses, Phase::AfterRefcount}) {
      Sample sample;
      sample.add(op);
      EXPECT_EQ(complaints(sample.finish(), phase).empty(), phase >= phaseOf(op)) << info(op).name;
    }
  }
}

}  // namespace
}  // namespace martlet::hir::test
