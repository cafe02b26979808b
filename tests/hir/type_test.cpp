// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <random>

#include "lowering/hir/type.h"

namespace martlet::hir {
namespace {

TEST(Type, NamesOfCommonSets) {
  EXPECT_EQ(types::kNothing.str(), "Nothing");
  EXPECT_EQ(types::kObject.str(), "Object");
  EXPECT_EQ(types::kNullable.str(), "Nullable");
  EXPECT_EQ(types::Null.str(), "Null");
  EXPECT_EQ((types::Long | types::Float).str(), "Long|Float");
  EXPECT_EQ((types::Long | types::Null).str(), "Long|Null");
  EXPECT_EQ(types::kObject.without(types::Long | types::None).str(), "Object-Long-None");
  EXPECT_EQ(types::kNullable.without(types::Str).str(), "Nullable-Str");
  EXPECT_EQ(types::I64.str(), "I64");
}

TEST(Type, ParseRejectsOtherText) {
  for (const char* text :
       {"", "long", "Long|", "|Long", "Long||Float", "Object-", "#", "#123456789", "#xyz", "Long Float"}) {
    EXPECT_FALSE(Type::parse(text).has_value()) << text;
  }
}

TEST(Type, ParseCombinesFromLeftToRight) {
  EXPECT_EQ(Type::parse("Object-Long|Long"), types::kObject);
  EXPECT_EQ(Type::parse("Long|Float-Long"), types::Float);
}

TEST(Type, EverySetOfBitsPrintsAndParsesBack) {
  auto check = [](uint32_t bits) {
    const Type type(bits);
    EXPECT_EQ(Type::parse(type.str()), type) << type.str();
  };
  for (int bit = 0; bit < 32; ++bit) {
    check(1U << bit);
    check(types::kObject.bits() & ~(1U << bit));
    check(types::kNullable.bits() & ~(1U << bit));
    check(types::kObject.bits() | (1U << bit));
  }
  std::mt19937 random(1);
  for (int i = 0; i < 2000; ++i) check(random() & (i % 2 == 0 ? ~0U : types::kNullable.bits()));
}

TEST(Type, LatticeQuestions) {
  EXPECT_TRUE(types::Long.isSubtypeOf(types::kNumber));
  EXPECT_FALSE(types::kNumber.isSubtypeOf(types::Long));
  EXPECT_TRUE(types::kNothing.isSubtypeOf(types::Long));
  EXPECT_TRUE(types::kNullable.mayBe(types::Null));
  EXPECT_FALSE(types::kObject.mayBe(types::Null));
  EXPECT_TRUE(types::Null.isReference());
  EXPECT_FALSE(types::kNothing.isReference());
  for (Type machine : {types::I64, types::F64, types::I1}) {
    EXPECT_TRUE(machine.isMachine());
    EXPECT_FALSE(machine.isReference());
    EXPECT_FALSE((machine | types::Long).isReference());
  }
}

#define MARTLET_TYPE(name, bit) static_assert(types::name.isMachine() != types::name.isReference());
MARTLET_TYPE_BITS(MARTLET_TYPE)
#undef MARTLET_TYPE

}  // namespace
}  // namespace martlet::hir
