// SPDX-License-Identifier: MIT
// What the translation looks like: blocks, states, entries, speculation. Must not know: Python.h.
#include "tests/frontend/code_builder.h"

namespace martlet::frontend {
namespace {

using Op = BytecodeOp;

BailoutReason reasonOf(const CodeBuilder& builder, std::vector<EntryRequest> entries = {{0, 0}}) {
  Result<hir::Function> function = builder.translate(std::move(entries));
  return function ? BailoutReason::kCount : function.bailout().reason;
}

CodeBuilder binary(int32_t oparg, Special special) {
  CodeBuilder b(2, 2);
  b.op(Op::LoadFast, 0).op(Op::LoadFast, 1).op(Op::BinaryOp, oparg, special).op(Op::ReturnValue);
  return b;
}

TEST(Translate, OnlyArgumentsAreBoundAtACall) {
  CodeBuilder b(1, 3);
  b.op(Op::ReturnConst);
  const std::string text = b.text();
  EXPECT_EQ(count(text, ":Object = LoadLocal 0"), 1) << text;
  EXPECT_EQ(count(text, "ConstNull"), 2) << text;
}

TEST(Translate, BehindThePrologueOnlyWhatItMakesIsBound) {
  CodeBuilder b(1, 3);
  b.op(Op::MakeCell, 2).op(Op::Resume).op(Op::ReturnConst);
  b.code.firstTraceable = 1;
  const std::string text = b.text({{1, 0}});
  EXPECT_EQ(count(text, "= LoadLocal"), 2) << text;
  EXPECT_EQ(count(text, "= LoadLocal 1"), 0) << text;
}

TEST(Translate, ElsewhereEverySlotIsLoaded) {
  CodeBuilder b(1, 3);
  b.op(Op::Nop).op(Op::ReturnConst);
  const std::string text = b.text({{1, 2}});
  EXPECT_EQ(count(text, ":Nullable = LoadLocal"), 3) << text;
  EXPECT_EQ(count(text, ":Nullable = LoadStack"), 2) << text;
  EXPECT_EQ(count(text, "entry offset=1 depth=2"), 1) << text;
}

TEST(Translate, StateIsBeforeTheInstruction) {
  CodeBuilder b = binary(2, Special::None);
  Result<hir::Function> f = b.translate();
  ASSERT_TRUE(f);
  for (const auto& block : f->blocks) {
    for (const hir::Value* op : block->ops) {
      if (op->op != hir::Op::CallRuntime) continue;
      EXPECT_EQ(op->state->offset, 2U);
      EXPECT_EQ(op->state->stack, op->operands) << "the inputs are still there";
      EXPECT_EQ(op->state->stackAfterPop, 0);
      EXPECT_EQ(op->state->completion, hir::Completion::PushObject);
      EXPECT_EQ(op->imms, std::vector<int64_t>{2});
    }
  }
}

TEST(Translate, StateResumesAtTheExtendedArg) {
  CodeBuilder b = binary(2, Special::None);
  b.code.instructions[2].offset = 3;
  b.code.instructions[2].nextOffset = b.code.instructions[3].offset = b.code.instructions[3].resumeOffset = 4;
  b.code.instructions[3].nextOffset = 5;
  EXPECT_EQ(count(b.text(), "offset=3 resume=2 next=4"), 1) << b.text();
}

TEST(Translate, SpeculatesOnInts) {
  const std::string text = binary(0, Special::AddInt).text();
  EXPECT_EQ(count(text, "UnboxInt"), 2) << text;
  EXPECT_EQ(count(text, "IntAdd"), 1) << text;
  EXPECT_EQ(count(text, "BoxInt"), 1) << text;
}

TEST(Translate, DoesNotSpeculateWhereItFailed) {
  CodeBuilder b = binary(0, Special::AddInt);
  b.code.blocked.insert(2);
  const std::string text = b.text();
  EXPECT_EQ(count(text, "UnboxInt"), 0) << text;
  EXPECT_EQ(count(text, "CallRuntime BinaryOpInt"), 1) << text;
  Result<hir::Function> f = b.translate();
  EXPECT_EQ(f->blocked, std::vector<uint32_t>{2});
  b.code.blocked = {kBlockAll};
  EXPECT_EQ(count(b.text(), "UnboxInt"), 0);
  f = b.translate();
  EXPECT_TRUE(f->isBlocked(2)) << "passes are told";
}

TEST(Translate, AsksForTheClassOfWhatIsAlwaysTrue) {
  CodeBuilder b(1, 1);
  b.op(Op::LoadFast, 0).op(Op::ToBool, 0, Special::ToBoolAlwaysTrue).op(Op::ReturnValue);
  EXPECT_EQ(count(b.text(), "CallRuntime ToBoolOfClass"), 1) << b.text();
  b.code.blocked = {kBlockAll};
  EXPECT_EQ(count(b.text(), "CallRuntime ToBool("), 1) << b.text();
}

TEST(Translate, DividesMachineFloats) {
  CodeBuilder b(2, 2);
  b.op(Op::LoadFast, 0).op(Op::LoadFast, 1).op(Op::BinaryOp, 5, Special::MultiplyFloat).op(Op::LoadConst, 2);
  b.op(Op::BinaryOp, 11).op(Op::ReturnValue);
  EXPECT_EQ(count(b.text(), "FloatDiv"), 1) << b.text();
  EXPECT_EQ(count(binary(11, Special::None).text(), "FloatDiv"), 0) << "nothing is known of arguments";
}

TEST(Translate, OperatorNumbersAreThoseOfTheInterpreter) {
  // opcode.h: NB_ADD 0, NB_AND 1, NB_FLOOR_DIVIDE 2, NB_LSHIFT 3, NB_MULTIPLY 5, NB_REMAINDER 6, NB_OR 7, NB_RSHIFT 9,
  // NB_SUBTRACT 10, NB_XOR 12; in place: 13 more.
  const std::pair<int32_t, const char*> intOps[] = {
      {0, "IntAdd"},
      {1, "IntAnd"},
      {2, "IntFloorDiv"},
      {3, "IntLshift"},
      {5, "IntMul"},
      {6, "IntMod"},
      {7, "IntOr"},
      {9, "IntRshift"},
      {10, "IntSub"},
      {12, "IntXor"},
      {4, "CallRuntime BinaryOp"},
      {8, "CallRuntime BinaryOp"},
      {11, "FloatDiv"},
  };
  for (const auto& [number, expected] : intOps) {
    for (int32_t oparg : {number, number + 13}) {
      CodeBuilder b;
      b.op(Op::LoadConst, 1).op(Op::LoadConst, 1).op(Op::BinaryOp, oparg).op(Op::ReturnValue);
      EXPECT_EQ(count(b.text(), expected), 1) << oparg << b.text();
    }
  }
  const std::pair<int32_t, const char*> floatOps[] = {
      {0, "FloatAdd"},      {5, "FloatMul"}, {10, "FloatSub"},           {11, "FloatDiv"},
      {2, "FloatFloorDiv"}, {6, "FloatMod"}, {3, "CallRuntime BinaryOp"}};
  for (const auto& [number, expected] : floatOps) {
    CodeBuilder b;
    b.op(Op::LoadConst, 2).op(Op::LoadConst, 2).op(Op::BinaryOp, number).op(Op::ReturnValue);
    EXPECT_EQ(count(b.text(), expected), 1) << number << b.text();
  }
}

TEST(Translate, ComparesAndBranches) {
  CodeBuilder b(2, 2);
  b.op(Op::LoadFast, 0).op(Op::LoadFast, 1).op(Op::CompareOp, (4 << 5) | 16, Special::CompareInt);
  b.jump(Op::PopJumpIfFalse, 5).op(Op::ReturnConst).op(Op::ReturnConst, 1);
  const std::string text = b.text();
  EXPECT_EQ(count(text, "IntCompare v3 > v4"), 1) << text;
  Result<hir::Function> f = b.translate();
  for (const auto& block : f->blocks) {
    if (block->successors.size() != 2) continue;
    EXPECT_EQ(block->successors[0].target->entry->offset, 4U) << "true goes on";
    EXPECT_EQ(block->successors[1].target->entry->offset, 5U);
  }
}

TEST(Translate, JoinsHaveParametersOfTheUnionType) {
  CodeBuilder b(1, 2);
  b.op(Op::LoadFast, 0).jump(Op::PopJumpIfTrue, 4).op(Op::LoadConst, 1).op(Op::StoreFast, 1);
  b.op(Op::LoadFastCheck, 1).op(Op::ReturnValue);
  const std::string text = b.text();
  EXPECT_EQ(count(text, ":Object, v"), 1) << text;
  EXPECT_EQ(count(text, ":Long|Null)"), 1) << text;
  EXPECT_EQ(count(text, "RaiseUnboundLocal() imms=[1]"), 1) << text;
}

TEST(Translate, BoundLocalsAreNotChecked) {
  CodeBuilder b(1, 1);
  b.op(Op::LoadFastCheck, 0).op(Op::ReturnValue);
  EXPECT_EQ(count(b.text(), "IsNull"), 0);
}

TEST(Translate, RangeLoop) {
  CodeBuilder b(1, 2);
  b.op(Op::LoadFast, 0).op(Op::GetIter).jump(Op::ForIter, 5, Special::ForIterRange).op(Op::StoreFast, 1);
  b.jump(Op::JumpBackward, 2).op(Op::ReturnConst);
  const std::string text = b.text();
  EXPECT_EQ(count(text, "GuardType"), 1) << text;
  EXPECT_EQ(count(text, "CallRuntime RangeNext"), 1) << text;
  EXPECT_EQ(count(text, ":I64 = Output"), 1) << text;
  EXPECT_EQ(count(text, "Safepoint"), 1) << text;
  b.code.blocked.insert(2);
  EXPECT_EQ(count(b.text(), "CallRuntime ForIterRange"), 1) << b.text();
}

TEST(Translate, NoSafepointWhereTheInterpreterHasNone) {
  CodeBuilder b;
  b.op(Op::Nop).jump(Op::JumpBackwardNoInterrupt, 0);
  EXPECT_EQ(count(b.text(), "Safepoint"), 0);
}

TEST(Translate, SuperinstructionHalvesShareAnOffset) {
  CodeBuilder b(2, 2);
  b.op(Op::LoadFast, 0).op(Op::LoadFast, 1).op(Op::BuildTuple, 2).op(Op::ReturnValue);
  for (uint32_t i = 1; i < 4; ++i) {
    Instruction& instruction = b.code.instructions[i];
    instruction.offset = instruction.resumeOffset = i - 1;
    instruction.nextOffset = i;
  }
  EXPECT_EQ(count(b.text(), "BuildTuple(v0, v1)"), 1) << b.text();
}

TEST(Translate, FreeVariablesAndCells) {
  CodeBuilder b(1, 3);
  b.code.freeVarBase = 2;
  b.op(Op::CopyFreeVars, 1).op(Op::MakeCell, 0).op(Op::LoadDeref, 2).op(Op::ReturnValue);
  const std::string text = b.text();
  EXPECT_EQ(count(text, "LoadClosure() imms=[0]"), 1) << text;
  EXPECT_EQ(count(text, "StoreLocal 2"), 1) << text;
  EXPECT_EQ(count(text, "MakeCell(v0)"), 1) << text;
  EXPECT_EQ(count(text, "StoreLocal 0"), 1) << text;
}

CodeBuilder concatenation(int32_t left, int32_t right, int32_t target) {
  CodeBuilder b(2, 2);
  b.op(Op::LoadFast, left).op(Op::LoadFast, right).op(Op::BinaryOp, 13, Special::InplaceAddUnicode);
  b.op(Op::StoreFast, target).op(Op::ReturnConst);
  return b;
}

TEST(Translate, ConcatenatesInPlace) {
  const std::string text = concatenation(0, 1, 0).text();
  EXPECT_EQ(count(text, "GuardType"), 2) << text;
  EXPECT_EQ(count(text, "ConcatLocal 0, v1 {offset=2 next=4"), 1) << text;
  EXPECT_EQ(count(text, "StoreLocal"), 0) << text;
}

TEST(Translate, ConcatenatesInPlaceOnlyWhereItIsSafe) {
  EXPECT_EQ(count(concatenation(0, 0, 0).text(), "ConcatLocal"), 0) << "s += s";
  EXPECT_EQ(count(concatenation(0, 1, 1).text(), "ConcatLocal"), 0) << "another local";
  CodeBuilder blocked = concatenation(0, 1, 0);
  blocked.code.blocked.insert(2);
  EXPECT_EQ(count(blocked.text(), "CallRuntime BinaryOp("), 1) << "an in-place operator stays one";
  CodeBuilder joined = concatenation(0, 1, 0);
  EXPECT_EQ(count(joined.text({{0, 0}, {3, 1}}), "ConcatLocal"), 0) << "the store begins a block";
}

TEST(Translate, MethodCallsPushTwoValues) {
  CodeBuilder b(1, 1);
  b.op(Op::LoadFast, 0).op(Op::LoadAttr, 1).op(Op::Call, 0).op(Op::ReturnValue);
  EXPECT_EQ(count(b.text(), "CallRuntime LoadMethod(v0, v2) imms=[0] outputs=1"), 1) << b.text();
  EXPECT_EQ(count(b.text(), "CallRuntime Call(v3, v4)"), 1) << b.text();
}

TEST(Translate, GeneratorsAreEnteredBehindEachYield) {
  CodeBuilder b(1, 1);
  b.op(Op::ReturnGenerator).op(Op::PopTop).op(Op::Resume).op(Op::LoadConst, 1).op(Op::LoadFast, 0).op(Op::YieldValue);
  b.op(Op::Resume, 1).op(Op::BinaryOp, 0).op(Op::ReturnValue);
  b.code.isGenerator = true;
  b.code.firstTraceable = 2;
  const std::string text = b.text();
  EXPECT_EQ(count(text, "entry offset=2 depth=0"), 1) << text;
  EXPECT_EQ(count(text, "entry offset=6 depth=2"), 1) << text;
  EXPECT_EQ(count(text, "Exit reason=Yield {offset=5"), 1) << text;
  EXPECT_EQ(count(b.text({{0, 0}, {6, 2}}), "entry offset=6"), 1) << "asked for as well";
  EXPECT_EQ(reasonOf(b, {{0, 0}, {6, 1}}), BailoutReason::MalformedBytecode);
}

TEST(Translate, SendHasTwoWaysOn) {
  CodeBuilder b;
  b.op(Op::ReturnGenerator).op(Op::PopTop).op(Op::Resume).op(Op::LoadConst, 1).op(Op::LoadConst, 0);
  b.jump(Op::Send, 9).op(Op::YieldValue, 1).op(Op::Resume, 2).jump(Op::JumpBackwardNoInterrupt, 5);
  b.op(Op::EndSend).op(Op::ReturnValue);
  b.code.isGenerator = true;
  b.code.firstTraceable = 2;
  const std::string text = b.text();
  EXPECT_EQ(count(text, "CallRuntime Send"), 1) << text;
  EXPECT_EQ(count(text, "entry offset=7 depth=2"), 1) << text;
}

TEST(Translate, HandlersAreRoots) {
  CodeBuilder b;
  b.op(Op::Nop).op(Op::ReturnConst).op(Op::PushExcInfo).op(Op::Reraise, 1).op(Op::Reraise, 1);
  b.code.handlers = {{0, 1, 2, 0, false}, {2, 3, 4, 1, true}, {3, 4, 4, 1, true}};
  const std::vector<EntryRequest> roots = allRoots(b.code);
  ASSERT_EQ(roots.size(), 3U);
  EXPECT_EQ(roots[1].offset, 2U);
  EXPECT_EQ(roots[1].stackDepth, 1);
  EXPECT_EQ(roots[2].stackDepth, 3);
  const std::string text = b.text(roots);
  EXPECT_EQ(count(text, "CallRuntime PushExcInfo"), 1) << text;
  EXPECT_EQ(count(text, "CallRuntime Reraise1"), 2) << text;
}

TEST(Translate, BlocksKnowTheirFunctionAfterAMove) {
  CodeBuilder b;
  b.op(Op::ReturnConst);
  Result<hir::Function> f = b.translate();
  hir::Function moved = std::move(*f);
  for (const auto& block : moved.blocks) EXPECT_EQ(block->function, &moved);
}

TEST(Translate, IsDeterministic) {
  CodeBuilder b(1, 2);
  b.op(Op::LoadFast, 0).op(Op::GetIter).jump(Op::ForIter, 5).op(Op::StoreFast, 1).jump(Op::JumpBackward, 2);
  b.op(Op::ReturnConst);
  EXPECT_EQ(b.text(), b.text());
}

/// if x: x + x (the side that has never run); return x
/// def f(x): try: x[7]; return None; except: return x
CodeBuilder withHandler() {
  CodeBuilder b(1, 1);
  b.op(Op::LoadFast).op(Op::LoadConst, 1).op(Op::BinarySubscr).op(Op::PopTop).op(Op::ReturnConst);
  b.op(Op::PushExcInfo).op(Op::PopTop).op(Op::LoadFast).op(Op::ReturnValue);
  b.code.handlers.push_back({0, 4, 5, 0, false});
  return b;
}

TEST(Translate, CallsThatFailGoOnAtTheirHandler) {
  const std::string text = withHandler().text();
  EXPECT_EQ(count(text, "BranchFailed"), 1) << text;
  EXPECT_EQ(count(text, "CatchException() imms=[2]"), 1) << text;
  EXPECT_EQ(count(text, "PushExcInfo"), 1) << text;
}

TEST(Translate, HandlersThatNeverRanHaveNoEdges) {
  CodeBuilder never = withHandler();
  never.code.leavesOutNotRun = true;
  EXPECT_EQ(count(never.text(), "BranchFailed"), 0) << "nothing is known of the handler";
  CodeBuilder ran = never;
  ran.code.instructions[7].ran = Ran::Yes;
  EXPECT_EQ(count(ran.text(), "BranchFailed"), 1);
  CodeBuilder reached = never;
  reached.code.reached = {5};
  EXPECT_EQ(count(reached.text(), "BranchFailed"), 1);
}

TEST(Translate, HandlersThatOnlyCleanUpHaveNoEdges) {
  CodeBuilder b = withHandler();
  b.code.instructions[5].op = Op::Nop;
  EXPECT_EQ(count(b.text(), "BranchFailed"), 0);
}

CodeBuilder withNotRun() {
  CodeBuilder b(1, 1);
  b.op(Op::Resume).op(Op::LoadFast, 0).jump(Op::PopJumpIfFalse, 7);
  b.op(Op::LoadFast, 0).op(Op::LoadFast, 0).op(Op::BinaryOp, 0).op(Op::PopTop);
  b.op(Op::LoadFast, 0).op(Op::ReturnValue);
  b.code.instructions[5].ran = Ran::Never;
  b.code.leavesOutNotRun = true;
  return b;
}

TEST(Translate, LeavesOutWhatHasNeverRunFromItsBlocksBeginning) {
  const std::string text = withNotRun().text();
  EXPECT_EQ(count(text, "BinaryOp"), 0) << text;
  EXPECT_EQ(count(text, "Exit reason=NotRun {offset=3"), 1) << text;
}

TEST(Translate, CompilesWhatHasNeverRunWhereThatSaysNothing) {
  CodeBuilder whole = withNotRun();
  whole.code.leavesOutNotRun = false;
  EXPECT_EQ(count(whole.text(), "NotRun"), 0);
  CodeBuilder reached = withNotRun();
  reached.code.reached = {5};
  EXPECT_EQ(count(reached.text(), "NotRun"), 0) << "it is in use by now";
  CodeBuilder raising = withNotRun();
  raising.code.instructions[4].ran = Ran::Yes;
  EXPECT_EQ(count(raising.text(), "Exit reason=NotRun {offset=5"), 1) << "what is before it did run";
  EXPECT_EQ(count(withNotRun().text({{3, 0}}), "Exit reason=NotRun {offset=4"), 1) << "an entry is in use";
}

TEST(Translate, RefusesBrokenStacks) {
  CodeBuilder under;
  under.op(Op::PopTop).op(Op::ReturnConst);
  EXPECT_EQ(reasonOf(under), BailoutReason::MalformedBytecode);
  CodeBuilder over(0, 0, 1);
  over.op(Op::PushNull).op(Op::PushNull).op(Op::ReturnConst);
  EXPECT_EQ(reasonOf(over), BailoutReason::MalformedBytecode);
  EXPECT_EQ(reasonOf(over, {{0, 9}}), BailoutReason::MalformedBytecode) << "an entry deeper than the stack";
  CodeBuilder uneven(1, 1);
  uneven.op(Op::LoadFast, 0).jump(Op::PopJumpIfTrue, 3).op(Op::PushNull).op(Op::ReturnConst);
  EXPECT_EQ(reasonOf(uneven), BailoutReason::MalformedBytecode);
  CodeBuilder noLocal;
  noLocal.op(Op::LoadFast, 3).op(Op::ReturnValue);
  EXPECT_EQ(reasonOf(noLocal), BailoutReason::MalformedBytecode);
  CodeBuilder noConst;
  noConst.op(Op::LoadConst, 300).op(Op::ReturnValue);
  EXPECT_EQ(reasonOf(noConst), BailoutReason::MalformedBytecode);
}

TEST(Translate, RefusesTheVeryLarge) {
  CodeBuilder b;
  for (int i = 0; i < 20001; ++i) b.op(Op::Nop);
  EXPECT_EQ(reasonOf(b), BailoutReason::TooLarge);
}

}  // namespace
}  // namespace martlet::frontend
