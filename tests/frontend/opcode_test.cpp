// SPDX-License-Identifier: MIT
// Every opcode has a lowering, and every quickened form. Must not know: Python.h.
#include "tests/frontend/code_builder.h"

namespace martlet::frontend {
namespace {

using Op = BytecodeOp;

int32_t argumentFor(Op op) {
  switch (op) {
  case Op::Swap:
  case Op::BuildSlice: return 2;
  case Op::RaiseVarargs:
  case Op::LoadConst:
  case Op::ReturnConst: return 1;
  case Op::LoadFast:
  case Op::StoreFast:
  case Op::LoadAttr:
  case Op::LoadGlobal:
  case Op::LoadSuperAttr: return 1;
  default: return op < Op::kCount ? 1 : 0;
  }
}

/// Names have the index 0 only, and locals 0 and 1.
bool takesName(Op op) {
  switch (op) {
  case Op::DeleteAttr:
  case Op::DeleteGlobal:
  case Op::DeleteName:
  case Op::ImportFrom:
  case Op::ImportName:
  case Op::LoadFromDictOrGlobals:
  case Op::LoadName:
  case Op::StoreAttr:
  case Op::StoreGlobal:
  case Op::StoreName: return true;
  default: return false;
  }
}

/// Eight objects on the stack, the instruction, and an end.
CodeBuilder around(Op op, int32_t arg, Special special) {
  CodeBuilder b(1, 3, 32);
  for (int i = 0; i < 8; ++i) b.op(Op::LoadName, 0);
  const auto at = static_cast<uint32_t>(b.code.instructions.size());
  b.op(op, arg, special);
  b.code.instructions.back().target = at + 2;
  b.code.instructions.back().object = 4;
  b.code.instructions.back().version = 77;
  b.op(Op::Resume).op(Op::ReturnConst);
  b.code.freeVarBase = 2;
  return b;
}

TEST(Opcodes, AllAreTranslated) {
  for (int i = 0; i < static_cast<int>(Op::kCount); ++i) {
    const auto op = static_cast<Op>(i);
    SCOPED_TRACE(name(op));
    const CodeBuilder b = around(op, takesName(op) ? 0 : argumentFor(op), Special::None);
    if (op == Op::ExitInitCheck) {
      Result<hir::Function> f = b.translate();
      EXPECT_TRUE(!f && f.bailout().reason == BailoutReason::MalformedBytecode);
    } else if (op == Op::ForIter || op == Op::Send || op == Op::YieldValue) {
      Result<hir::Function> f = b.translate();  // shapes of their own: translate_test
      EXPECT_TRUE(f || f.bailout().reason == BailoutReason::MalformedBytecode);
    } else {
      b.text();
    }
  }
}

TEST(Opcodes, WithEveryQuickenedFormAndWithout) {
  const std::pair<Op, std::pair<Special, Special>> families[] = {
      {Op::ToBool, {Special::ToBoolAlwaysTrue, Special::ToBoolStr}},
      {Op::BinaryOp, {Special::MultiplyInt, Special::InplaceAddUnicode}},
      {Op::BinarySubscr, {Special::SubscrDict, Special::SubscrTupleInt}},
      {Op::StoreSubscr, {Special::StoreSubscrDict, Special::StoreSubscrListInt}},
      {Op::UnpackSequence, {Special::UnpackTwoTuple, Special::UnpackList}},
      {Op::StoreAttr, {Special::StoreAttrInstanceValue, Special::StoreAttrWithHint}},
      {Op::LoadGlobal, {Special::GlobalModule, Special::GlobalBuiltin}},
      {Op::LoadSuperAttr, {Special::SuperAttr, Special::SuperMethod}},
      {Op::LoadAttr, {Special::AttrInstanceValue, Special::AttrNondescriptorNoDict}},
      {Op::CompareOp, {Special::CompareFloat, Special::CompareStr}},
      {Op::ContainsOp, {Special::ContainsSet, Special::ContainsDict}},
      {Op::Call, {Special::CallBoundMethodExactArgs, Special::CallNonPyGeneral}},
  };
  const int32_t operators[] = {0, 5, 10};
  for (const auto& [op, range] : families) {
    for (int i = static_cast<int>(range.first); i <= static_cast<int>(range.second); ++i) {
      for (bool blocked : {false, true}) {
        const auto special = static_cast<Special>(i);
        SCOPED_TRACE(std::string(name(op)) + " " + name(special) + (blocked ? " blocked" : ""));
        for (int32_t arg = 0; arg < 2; ++arg) {
          const bool isArithmetic = op == Op::BinaryOp;
          if (op == Op::StoreAttr && arg == 1) continue;
          const int32_t choice = isArithmetic ? operators[i % 3] + (arg == 1 ? 13 : 0) : arg;
          CodeBuilder b = around(op, choice, special);
          if (blocked) b.code.blocked.insert(8);
          b.text();
        }
      }
    }
  }
}

TEST(Opcodes, PrintsTheBytecode) {
  CodeBuilder b(1, 1);
  b.op(Op::LoadFast).jump(Op::PopJumpIfNone, 3).op(Op::Nop).op(Op::ReturnConst, 1);
  b.code.handlers.push_back({0, 2, 3, 1, true});
  const std::string text = print(b.code);
  EXPECT_EQ(count(text, "PopJumpIfNone           0 -> 3\n"), 1) << text;
  EXPECT_EQ(count(text, "ReturnConst             1 (const 1 7)\n"), 1) << text;
  EXPECT_EQ(count(text, "handler [0, 2) -> 3 depth=1 lasti\n"), 1) << text;
}

}  // namespace
}  // namespace martlet::frontend
