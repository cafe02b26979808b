// SPDX-License-Identifier: MIT
// Which bodies take the place of calls, and what their exits go back to. Must not know: Python.h.
#include <memory>

#include "tests/frontend/code_builder.h"

namespace martlet::frontend {
namespace {

using Op = BytecodeOp;

constexpr uint32_t kVersion = 77;

/// `f(a, b)`: return g(a, b), where `g` is `a`'s class's method or any function: the callable is local 0.
CodeBuilder callOf(CodeBuilder body, int32_t arguments = 1) {
  CodeBuilder b(3, 3);
  b.op(Op::LoadFast, 0).op(Op::PushNull).op(Op::LoadFast, 1);
  if (arguments > 1) b.op(Op::LoadFast, 2);
  b.op(Op::Call, arguments).op(Op::ReturnValue);
  body.code.version = kVersion;
  Callee callee;
  callee.body = std::make_shared<const Snapshot>(std::move(body.code));
  callee.codeObject = b.code.noneObject;
  b.code.callees[static_cast<uint32_t>(b.code.instructions.size() - 2)] = callee;
  addValidity(b.code, nullptr);
  return b;
}

/// Attribute 3 of local `owner`, whose class has version 5.
void access(CodeBuilder& b, int32_t owner, Op op, Special special) {
  b.op(Op::LoadFast, owner).op(op, 0, special);
  b.code.instructions.back().version = 5;
  b.code.instructions.back().index = 3;
}

CodeBuilder storing() {
  CodeBuilder b(2, 2);
  b.op(Op::LoadFast, 1);
  access(b, 0, Op::StoreAttr, Special::StoreAttrInstanceValue);
  return b;
}

TEST(Inlining, ArithmeticOfTheBodyGoesBackToTheCall) {
  CodeBuilder body(1, 1);
  body.op(Op::LoadFast, 0).op(Op::LoadConst, 1).op(Op::BinaryOp, 0, Special::AddInt).op(Op::ReturnValue);
  const std::string text = callOf(std::move(body)).text();
  EXPECT_EQ(count(text, "CallRuntime Call("), 0) << text;
  EXPECT_EQ(count(text, "CallRuntime RunsCode("), 1) << text;
  EXPECT_EQ(count(text, "IntAdd"), 1) << text;
  EXPECT_EQ(count(text, "GuardValid"), 1) << "another code object may have got the address\n" << text;
  EXPECT_GE(count(text, "{offset=3 next=4 inlined=77 at=2"), 2) << text;
  EXPECT_EQ(count(text, "StoreLocal"), 0) << "a body has no frame\n" << text;
}

TEST(Inlining, NotWithAnotherNumberOfArguments) {
  CodeBuilder body(2, 2);
  body.op(Op::LoadFast, 0).op(Op::ReturnValue);
  EXPECT_EQ(count(callOf(std::move(body)).text(), "CallRuntime Call("), 1);
}

TEST(Inlining, NotWhereItFailedBefore) {
  CodeBuilder body(1, 1);
  body.op(Op::LoadFast, 0).op(Op::ReturnValue);
  CodeBuilder b = callOf(std::move(body));
  EXPECT_EQ(count(b.text(), "CallRuntime Call("), 0);
  b.code.blocked.insert(3);
  EXPECT_EQ(count(b.text(), "CallRuntime Call("), 1);
}

TEST(Inlining, WhatRunsPythonCodeIsNot) {
  CodeBuilder body(1, 1);
  body.op(Op::LoadFast, 0).op(Op::LoadFast, 0).op(Op::LoadFast, 0).op(Op::BinarySlice).op(Op::ReturnValue);
  const std::string text = callOf(std::move(body)).text();
  EXPECT_EQ(count(text, "CallRuntime Call("), 1) << text;
  EXPECT_EQ(count(text, "RunsCode"), 0) << "all of it is taken back\n" << text;
}

TEST(Inlining, AnItemThatIsThereNeedsNoPythonCode) {
  CodeBuilder body(1, 1);
  body.op(Op::LoadFast, 0).op(Op::LoadFast, 0).op(Op::BinarySubscr).op(Op::ReturnValue);
  const std::string text = callOf(std::move(body)).text();
  EXPECT_EQ(count(text, "CallRuntime Call("), 0) << text;
  EXPECT_EQ(count(text, "CallRuntime PresentItem("), 1) << text;
}

TEST(Inlining, ABranchOfTheBodyJoinsBehindTheCall) {
  CodeBuilder body(1, 1);
  body.op(Op::LoadFast, 0).op(Op::LoadConst, 1).op(Op::CompareOp, 16, Special::CompareInt);
  body.jump(Op::PopJumpIfFalse, 6).op(Op::LoadConst, 1).op(Op::ReturnValue).op(Op::LoadFast, 0).op(Op::ReturnValue);
  const std::string text = callOf(std::move(body)).text();
  EXPECT_EQ(count(text, "CallRuntime Call("), 0) << text;
  EXPECT_EQ(count(text, "KeepAlive"), 2) << "the operands live up to the end of each way\n" << text;
}

TEST(Inlining, ALoopIsNot) {
  CodeBuilder body(1, 1);
  body.op(Op::Nop).jump(Op::JumpBackward, 0);
  EXPECT_EQ(count(callOf(std::move(body)).text(), "CallRuntime Call("), 1);
}

TEST(Inlining, AttributesComeByTheClassesVersion) {
  CodeBuilder body(2, 2);
  access(body, 0, Op::LoadAttr, Special::AttrInstanceValue);
  body.op(Op::ReturnValue);
  const std::string text = callOf(std::move(body), 2).text();
  EXPECT_EQ(count(text, "CallRuntime HasTypeVersion(v1) imms=[5]"), 1) << text;
  EXPECT_EQ(count(text, "Field v1 imm=12"), 1) << text;
}

TEST(Inlining, StoresWaitUntilNothingCanFail) {
  CodeBuilder body = storing();
  body.op(Op::LoadFast, 1).op(Op::LoadConst, 1).op(Op::BinaryOp, 0, Special::AddInt).op(Op::ReturnValue);
  const std::string text = callOf(std::move(body), 2).text();
  EXPECT_EQ(count(text, "CallRuntime MayStoreField(v1) imms=[12]"), 1) << text;
  EXPECT_EQ(count(text, "CallRuntime StoreField(v1, v2) imms=[12]"), 1) << text;
  EXPECT_LT(text.find("IntAdd"), text.find("CallRuntime StoreField(v1")) << text;
}

TEST(Inlining, AStoreIsSeenByTheLoadBehindIt) {
  CodeBuilder body = storing();
  access(body, 0, Op::LoadAttr, Special::AttrInstanceValue);
  body.op(Op::ReturnValue);
  const std::string text = callOf(std::move(body), 2).text();
  EXPECT_EQ(count(text, "= Field"), 0) << text;
  EXPECT_EQ(count(text, "Return v2"), 1) << text;
}

TEST(Inlining, WhatMayBeTheSameObjectStopsIt) {
  CodeBuilder body = storing();
  access(body, 1, Op::LoadAttr, Special::AttrInstanceValue);
  body.op(Op::ReturnValue);
  EXPECT_EQ(count(callOf(std::move(body), 2).text(), "CallRuntime Call("), 1);
}

TEST(Inlining, NothingFailsBehindAnEffect) {
  CodeBuilder body(2, 2);
  body.op(Op::LoadConst, 1).op(Op::LoadFast, 0).op(Op::LoadFast, 1);
  body.op(Op::StoreSubscr, 0, Special::StoreSubscrListInt);
  body.op(Op::LoadFast, 1).op(Op::LoadConst, 1).op(Op::BinaryOp, 0, Special::AddInt).op(Op::ReturnValue);
  EXPECT_EQ(count(callOf(body, 2).text(), "CallRuntime Call("), 1);
  body.code.instructions.resize(4);
  body.op(Op::ReturnConst);
  const std::string text = callOf(body, 2).text();
  EXPECT_EQ(count(text, "CallRuntime Call("), 0) << text;
  EXPECT_EQ(count(text, "ListStore"), 1) << text;
}

TEST(Inlining, AReplacedArgumentMustEndQuietly) {
  CodeBuilder body(1, 1);
  body.op(Op::LoadConst, 1).op(Op::StoreFast, 0).op(Op::LoadFast, 0).op(Op::ReturnValue);
  EXPECT_EQ(count(callOf(std::move(body)).text(), "GuardQuiet v1"), 1);
}

TEST(Inlining, WhatHasNeverRunIsAnExit) {
  CodeBuilder body(1, 1);
  body.op(Op::LoadFast, 0).jump(Op::PopJumpIfTrue, 3).op(Op::ReturnConst, 1);
  body.op(Op::LoadFast, 0).op(Op::LoadFast, 0).op(Op::BinarySubscr).op(Op::ReturnValue);
  body.code.instructions[5].ran = Ran::Never;
  body.code.leavesOutNotRun = true;
  const std::string text = callOf(std::move(body)).text();
  EXPECT_EQ(count(text, "CallRuntime Call("), 0) << text;
  EXPECT_EQ(count(text, "Exit reason=NotRun {offset=3 next=4 inlined=77 at=3"), 1) << text;
}

}  // namespace
}  // namespace martlet::frontend
