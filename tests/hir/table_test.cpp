// SPDX-License-Identifier: MIT
// The tables themselves: letters, names, and what the properties of an op make of them.
#include <gtest/gtest.h>

#include <set>
#include <string_view>

#include "lowering/hir/hir.h"
#include "lowering/result.h"
#include "tests/hir/sample.h"

namespace martlet::hir::test {
namespace {

template <class Enum, class Visit>
void forEach(Visit&& visit) {
  for (size_t i = 0; i < static_cast<size_t>(Enum::kCount); ++i) visit(static_cast<Enum>(i));
}

TEST(OpTable, RowsAreWellFormed) {
  std::set<std::string_view> names;
  forEach<Op>([&](Op op) {
    const OpInfo& row = info(op);
    SCOPED_TRACE(row.name);
    EXPECT_TRUE(names.insert(row.name).second);
    const std::string_view result = row.result;
    const bool special = result == "Void" || result == "Any" || result == "Same";
    EXPECT_TRUE(special || Type::parse(result).has_value());
    EXPECT_EQ(std::string_view(row.operands).find_first_not_of("ONSMldbvA"), std::string_view::npos);
    const size_t rest = std::string_view(row.operands).find('A');
    EXPECT_TRUE(rest == std::string_view::npos || rest + 1 == std::string_view(row.operands).size());
    if (row.effects == Effects::Control) EXPECT_EQ(result, "Void");
    if (special || !Type::parse(result)->isReference()) return;
    EXPECT_NE(row.ownership, Ownership::None);
  });
}

TEST(HelperTable, RowsAreWellFormed) {
  std::set<std::string_view> names, symbols;
  forEach<Helper>([&](Helper helper) {
    const HelperInfo& row = info(helper);
    SCOPED_TRACE(row.name);
    EXPECT_TRUE(names.insert(row.name).second);
    EXPECT_TRUE(symbols.insert(row.symbol).second);
    EXPECT_TRUE(std::string_view(row.symbol).starts_with("rt_"));
    EXPECT_NE(std::string_view("ONFildbv").find(row.result), std::string_view::npos);
    const std::string_view params = row.params;
    EXPECT_EQ(params.find_first_not_of("TFBONSMCldbIKAVXYZ"), std::string_view::npos);
    // An A or V takes all remaining operands.
    if (const size_t rest = params.find_first_of("AV"); rest != std::string_view::npos) {
      EXPECT_EQ(params.substr(rest + 1).find_first_of("ONSMCldbAV"), std::string_view::npos);
    }
    const bool isObject = row.result == 'O' || row.result == 'N' || row.result == 'F';
    EXPECT_EQ(isObject, row.resultType.isReference());
    if (row.failure == Failure::Null) EXPECT_TRUE(row.result == 'O' || row.result == 'F');
    if (row.failure == Failure::Negative) EXPECT_TRUE(row.result == 'i' || row.result == 'l');
    EXPECT_NE(row.effects, Effects::Control);
  });
}

TEST(ExitReasons, HaveNamesAndSentences) {
  std::set<std::string_view> names;
  forEach<ExitReason>([&](ExitReason reason) {
    EXPECT_TRUE(names.insert(name(reason)).second);
    EXPECT_TRUE(std::string_view(sentence(reason)).ends_with("."));
  });
  EXPECT_TRUE(isCounted(ExitReason::NotInt));
  EXPECT_FALSE(isCounted(ExitReason::Safepoint));
}

TEST(BailoutReasons, HaveNamesAndSentences) {
  std::set<std::string_view> names;
  for (size_t i = 0; i < static_cast<size_t>(BailoutReason::kCount); ++i) {
    EXPECT_TRUE(names.insert(martlet::name(static_cast<BailoutReason>(i))).second);
    EXPECT_TRUE(std::string_view(martlet::sentence(static_cast<BailoutReason>(i))).ends_with("."));
  }
  EXPECT_STREQ(martlet::name(BailoutReason::TooLarge), "TooLarge");
}

TEST(Value, ExitsOfHelpersFollowTheFailureColumn) {
  Sample sample;
  EXPECT_TRUE(sample.addCall(Helper::BinaryOp)->canExit());
  EXPECT_FALSE(sample.addCall(Helper::LoadClosure)->canExit());
  EXPECT_TRUE(sample.add(Op::UnboxInt)->canExit());
  EXPECT_FALSE(sample.add(Op::FloatAdd)->canExit());
  EXPECT_TRUE(sample.add(Op::ConcatLocal)->canExit());
}

TEST(Value, EffectsOfHelpersFollowTheHelperTable) {
  Sample sample;
  EXPECT_EQ(sample.addCall(Helper::BinaryOp)->effects(), Effects::Python);
  EXPECT_EQ(sample.addCall(Helper::BuildTuple)->effects(), Effects::Writes);
  EXPECT_EQ(sample.addCall(Helper::LoadClosure)->effects(), Effects::Reads);
  EXPECT_EQ(sample.add(Op::BoxInt)->effects(), Effects::Writes);
}

TEST(Value, OwnershipIsNoneForMachineValues) {
  Sample sample;
  EXPECT_EQ(sample.addCall(Helper::BinaryOp)->ownership(), Ownership::Owned);
  EXPECT_EQ(sample.addCall(Helper::ContainsOp)->ownership(), Ownership::None);
  EXPECT_EQ(sample.addCall(Helper::BoxBoolValue)->ownership(), Ownership::Forever);
  EXPECT_EQ(sample.addCall(Helper::StoreDeref)->ownership(), Ownership::None);
  EXPECT_EQ(sample.add(Op::Param)->ownership(), Ownership::None);  // an I64
  EXPECT_EQ(sample.add(Op::LoadLocal)->ownership(), Ownership::Slot);
  EXPECT_EQ(sample.add(Op::ConstObject)->ownership(), Ownership::Forever);
  EXPECT_EQ(sample.add(Op::BoxInt)->ownership(), Ownership::Owned);
  Value* call = sample.addCall(Helper::LoadMethod);
  EXPECT_EQ(sample.block()->ops.back()->op, Op::Output);
  EXPECT_EQ(sample.block()->ops.back()->ownership(), Ownership::Owned);
  EXPECT_EQ(call->outputCount(), 2U);
  sample.addCall(Helper::RangeNext);
  EXPECT_EQ(sample.block()->ops.back()->ownership(), Ownership::None);
}

TEST(Value, OperandKindsOfHelpersSkipWhatIsNoOperand) {
  Sample sample;
  const Value* call = sample.addCall(Helper::CallKw);  // TFCCOV
  const std::string_view kinds = "CCOCCCC";
  for (size_t i = 0; i < kinds.size(); ++i) EXPECT_EQ(call->operandKind(i), kinds[i]) << i;
  const Value* subscript = sample.addCall(Helper::SubscrListI64);  // TOl
  EXPECT_EQ(subscript->operandKind(0), 'O');
  EXPECT_EQ(subscript->operandKind(1), 'l');
  EXPECT_EQ(subscript->operandKind(2), 0);
  EXPECT_EQ(sample.addCall(Helper::LoadAttrSlot)->operandKind(2), 0);  // its I parameters take imms
}

TEST(Value, ConsumedOperands) {
  Sample sample;
  EXPECT_TRUE(sample.add(Op::StoreLocal)->consumes(0));
  EXPECT_FALSE(sample.add(Op::ConcatLocal)->consumes(0));
  EXPECT_FALSE(sample.add(Op::IsNull)->consumes(0));
  EXPECT_TRUE(sample.addCall(Helper::StoreLocalSlot)->consumes(0));  // FIM
  EXPECT_FALSE(sample.addCall(Helper::BinaryOp)->consumes(1));
  EXPECT_TRUE(sample.add(Op::Return)->consumes(0));
}

TEST(Value, OutputTypes) {
  Sample sample;
  const Value* unbox = sample.addCall(Helper::UnboxFloatValue);
  EXPECT_EQ(unbox->outputCount(), 1U);
  EXPECT_EQ(unbox->outputType(0), types::F64);
  EXPECT_TRUE(unbox->outputType(1).isNothing());
  const Value* unpack = sample.addCall(Helper::UnpackSequence);
  EXPECT_EQ(unpack->outputCount(), 2U);
  EXPECT_EQ(unpack->outputType(1), types::kNullable);
  EXPECT_EQ(sample.addCall(Helper::BinaryOp)->outputCount(), 0U);
}

}  // namespace
}  // namespace martlet::hir::test
