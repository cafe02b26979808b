// SPDX-License-Identifier: MIT
// The parser on text that a printer did not write.
#include <gtest/gtest.h>

#include <random>

#include "lowering/hir/parser.h"
#include "lowering/hir/printer.h"
#include "tests/hir/sample.h"

namespace martlet::hir::test {
namespace {

std::string body(std::string_view op) {
  return "function \"f\" locals=1 stack=1 {\n  entry offset=0 -> bb0\nbb0 {offset=0 locals=[v0]}:\n  v0:Object = "
         "LoadLocal 0\n  " +
         std::string(op) + "\n}\n";
}

void expectError(const std::string& text, uint32_t line, std::string_view message) {
  const ParseResult result = parse(text);
  EXPECT_FALSE(static_cast<bool>(result)) << text;
  EXPECT_EQ(result.line, line) << text;
  EXPECT_NE(result.error.find(message), std::string::npos) << result.error;
}

TEST(Parser, ErrorsHaveTheLine) {
  expectError("\n\nfunctio", 3, "expected 'function'");
  expectError("function \"f", 1, "a string does not end");
  expectError("function \"f\\q\" {", 1, "unknown escape");
  expectError("function \"f\" locals=70000 {", 1, "a number of 16 bits");
  expectError("function \"f\" {\n", 1, "closing '}' is missing");
  expectError("function \"f\" {\n} x\n", 2, "behind '}'");
  expectError("function \"f\" {\n  Unreachable\n}\n", 2, "outside of a block");
  expectError("function \"f\" {\n  object 1 \"x\" : Str\n}\n", 2, "numbered from 0");
  expectError("function \"f\" {\n  object 0 \"x\" : String\n}\n", 2, "unknown type 'String'");
  expectError("function \"f\" {\n  entry offset=0 -> bb3\n}\n", 2, "bb3 is not defined");
  expectError("function \"f\" {\nbb0:\nbb0:\n}\n", 3, "bb0 is defined twice");
  expectError("function \"f\" {\nbb0\n}\n", 2, "expected ':'");
  expectError(body("Nonsense v0"), 5, "unknown op 'Nonsense'");
  expectError(body("v0:I64 = ConstInt 1"), 5, "v0 is defined twice");
  expectError(body("v1:I1 = IsNull v2"), 5, "v2 is not defined");
  expectError(body("v1 = IsNull v0"), 5, "expected ':'");
  expectError(body("v1:I64 = ConstInt 9223372036854775808"), 5, "a number of 64 bits");
  expectError(body("v1:F64 = ConstFloat one"), 5, "floating-point");
  expectError(body("v1:I1 = IntCompare v0 ~ v0"), 5, "expected a comparison");
  expectError(body("v1:I1 = IntCompare v0 <> v0"), 5, "a second immediate");
  expectError(body("v1:Object = CallRuntime Nope(v0)"), 5, "unknown helper 'Nope'");
  expectError(body("v1:Object = CallRuntime GetIter v0"), 5, "expected '('");
  expectError(body("v1:I64 = UnboxInt v0 {offst=1}"), 5, "unknown field of a state");
  expectError(body("v1:I64 = UnboxInt v0 {offset=1 completion=Push}"), 5, "unknown completion");
  expectError(body("Exit reason=Boredom"), 5, "unknown exit reason 'Boredom'");
  expectError(body("Exit colour=1"), 5, "unknown field 'colour'");
  expectError(body("Jump -> v0"), 5, "expected a block");
  expectError(body("v99999999:I64 = ConstInt 1"), 5, "too large");
}

TEST(Parser, LinesOfValuesAndBlocks) {
  const ParseResult result = parse(body("Return v0"));
  ASSERT_TRUE(static_cast<bool>(result));
  const ParsedFunction& parsed = result.functions[0];
  EXPECT_EQ(parsed.line, 1U);
  EXPECT_EQ(parsed.blockLines[0], 3U);
  EXPECT_EQ(parsed.valueLines[0], 4U);
  EXPECT_EQ(parsed.valueLines[parsed.function->blocks[0]->terminator()->id], 5U);
}

TEST(Parser, CommentsAndFreeForm) {
  const std::unique_ptr<Function> function = parseOne("; a comment\n"
                                                      "function \"f ; no comment\" stack=1 locals=1 { ; another\n"
                                                      "\n"
                                                      "  entry -> bb0\n"
                                                      "bb0 { locals=[v0] offset=0 }:\n"
                                                      "  v0:Object=LoadLocal 0 ; a comment with v77 is none of ours\n"
                                                      "  v1:I1 = ObjectIs v0 v0\n"
                                                      "  v2:I1=ObjectIs v0,v0\n"
                                                      "  StoreLocal v0 0\n"
                                                      "  Branch v1 -> bb1() , bb1\n"
                                                      "bb1() {locals=[v0]}:\n"
                                                      "\tReturn v0\r\n"
                                                      "}");
  ASSERT_NE(function, nullptr);
  EXPECT_EQ(function->name, "f ; no comment");
  EXPECT_EQ(function->valueCount(), 6U);
  EXPECT_EQ(valueById(*function, 1)->operands.size(), 2U);
  EXPECT_EQ(complaints(*function, Phase::AfterFrontend), "");
}

TEST(Parser, SeveralFunctions) {
  const ParseResult result = parse(body("Return v0") + "\n; between\n" + body("Unreachable"));
  ASSERT_TRUE(static_cast<bool>(result));
  ASSERT_EQ(result.functions.size(), 2U);
  EXPECT_EQ(result.functions[1].line, 9U);
  EXPECT_EQ(result.functions[1].function->blocks[0]->terminator()->op, Op::Unreachable);
}

TEST(Parser, PrintsMissingOperandsAndReadsThem) {
  const std::unique_ptr<Function> function = parseOne(body("Return null"));
  EXPECT_EQ(function->blocks[0]->terminator()->operands[0], nullptr);
  EXPECT_NE(complaints(*function, Phase::AfterFrontend).find("`Return null imm=0`: operand 0 is missing"),
            std::string::npos);
}

// Whatever the text, the parser answers, and what it accepts is printed, read back and verified without harm.
TEST(Parser, SurvivesDamagedText) {
  Sample sample;
  sample.addCall(Helper::LoadMethod);
  sample.add(Op::IntCompare);
  sample.add(Op::ConstFloat);
  sample.add(Op::GuardType);
  sample.add(Op::Branch);
  const std::string good = print(sample.finish());
  std::mt19937 random(7);
  size_t accepted = 0;
  for (int i = 0; i < 3000; ++i) {
    std::string text = good;
    for (size_t edits = 1 + random() % 3; edits != 0 && !text.empty(); --edits) {
      const size_t at = random() % text.size();
      const size_t from = random() % text.size();
      switch (random() % 4) {
      case 0: text.erase(at, 1 + random() % 6); break;
      case 1: text[at] = static_cast<char>(' ' + random() % 95); break;
      case 2: text.insert(at, text.substr(from, random() % 9)); break;
      default: text[at] = text[from]; break;
      }
    }
    const ParseResult result = parse(text);
    if (!result) continue;
    for (const ParsedFunction& parsed : result.functions) {
      ++accepted;
      const std::string printed = print(*parsed.function);
      const ParseResult again = parse(printed);
      ASSERT_TRUE(static_cast<bool>(again)) << again.error << " in line " << again.line << "\n" << printed;
      ASSERT_EQ(print(*again.functions[0].function), printed);
      verify(*parsed.function, Phase::AfterFrontend);
    }
  }
  EXPECT_GT(accepted, 100U);
}

}  // namespace
}  // namespace martlet::hir::test
