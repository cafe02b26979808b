// SPDX-License-Identifier: MIT
// Native code of small HIR functions, at each level of effort: results, exits, spills, outputs, entries.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <fstream>
#include <limits>
#include <optional>
#include <string>
#include <thread>

#include "tests/llvm/harness.h"

extern "C" FakeObject fake_true;

namespace martlet::test {

using hir::ExitReason;
using hir::Helper;
using hir::Op;
namespace types = hir::types;

class BackendTest : public testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    ASSERT_NE(backend(), nullptr);
    live_ = fake_live();
  }
  void TearDown() override { EXPECT_EQ(fake_live(), live_); }
  BackendOptions options() const { return {.optLevel = GetParam()}; }

 private:
  int64_t live_ = 0;
};
INSTANTIATE_TEST_SUITE_P(Levels, BackendTest, testing::Values(0, 1, 2));

int64_t takeInt(const NativeResult& result) {
  auto* object = static_cast<FakeObject*>(result.value);
  const int64_t value = object->integer;
  drop(object);
  return value;
}

/// box(op(unbox(local 0), unbox(local 1))), exits at offset 4.
Builder binary(Op which) {
  Builder b;
  b.newEntry();
  hir::Value* x = b.local(0);
  hir::Value* y = b.local(1);
  hir::Value* a = b.unboxInt(x, 4, {x, y});
  hir::Value* c = b.unboxInt(y, 4, {x, y});
  hir::Value* sum = b.arithmetic(which, a, c, 4);
  b.ret(b.op(Op::BoxInt, types::Long, {sum}));
  return b;
}

TEST_P(BackendTest, ArithmeticAndOverflow) {
  constexpr int64_t big = std::numeric_limits<int64_t>::max();
  struct Case {
    Op op;
    int64_t a, b;
    std::optional<int64_t> result;
  };
  const Case cases[] = {
      {Op::IntAdd, 3, 4, 7},           {Op::IntAdd, big, 1, {}},    {Op::IntSub, 3, 4, -1},
      {Op::IntSub, -big, 2, {}},       {Op::IntMul, -3, 4, -12},    {Op::IntMul, big, 2, {}},
      {Op::IntFloorDiv, -7, 2, -4},    {Op::IntFloorDiv, 7, 0, {}}, {Op::IntMod, -7, 2, 1},
      {Op::IntMod, 7, -2, -1},         {Op::IntMod, 1, 0, {}},      {Op::IntLshift, 3, 4, 48},
      {Op::IntLshift, 3, 63, {}},      {Op::IntRshift, -8, 1, -4},  {Op::IntRshift, -8, -1, {}},
      {Op::IntFloorDiv, ~big, -1, {}},
  };
  for (const Case& c : cases) {
    Builder b = binary(c.op);
    Compiled f(b.function, options());
    ASSERT_EQ(f.bailout, "");
    FakeObject* x = f.frame.slots[0] = newInt(c.a);
    FakeObject* y = f.frame.slots[1] = newInt(c.b);
    const NativeResult result = f.run();
    if (c.result) {
      ASSERT_EQ(leaveKind(result.status), LeaveKind::Returned) << info(c.op).name;
      EXPECT_EQ(leavePayload(result.status), 99U);
      EXPECT_EQ(takeInt(result), *c.result) << info(c.op).name << " " << c.a << " " << c.b;
    } else {
      ASSERT_EQ(leaveKind(result.status), LeaveKind::Exit) << info(c.op).name;
      const ExitDescriptor& exit = f.exitOf(result);
      EXPECT_EQ(exit.reason, info(c.op).exit);
      EXPECT_EQ(exit.offset, 4U);
      EXPECT_EQ(exit.stackDepth, 2);
      ASSERT_EQ(f.valuesOf(exit).size(), 2U);
      EXPECT_EQ(f.valuesOf(exit)[0].kind, ExitValue::Kind::Int);
      EXPECT_EQ(static_cast<int64_t>(f.spilled(f.valuesOf(exit)[0])), c.a);
      EXPECT_EQ(static_cast<int64_t>(f.spilled(f.valuesOf(exit)[1])), c.b);
    }
    drop(x);
    drop(y);
  }
}

TEST_P(BackendTest, GuardExitSpillsTheObjects) {
  Builder b = binary(Op::IntAdd);
  Compiled f(b.function, options());
  ASSERT_EQ(f.bailout, "");
  FakeObject* x = f.frame.slots[0] = newInt(1);
  FakeObject* y = f.frame.slots[1] = newFloat(2);
  const NativeResult result = f.run();
  ASSERT_EQ(leaveKind(result.status), LeaveKind::Exit);
  const ExitDescriptor& exit = f.exitOf(result);
  EXPECT_EQ(exit.reason, ExitReason::NotInt);
  ASSERT_EQ(f.valuesOf(exit).size(), 2U);
  EXPECT_EQ(f.valuesOf(exit)[0].target, ExitValue::Target::Stack);
  EXPECT_EQ(f.valuesOf(exit)[0].kind, ExitValue::Kind::Object);
  EXPECT_FALSE(f.valuesOf(exit)[0].owned);
  EXPECT_EQ(f.spilled(f.valuesOf(exit)[0]), std::bit_cast<uint64_t>(x));
  EXPECT_EQ(f.spilled(f.valuesOf(exit)[1]), std::bit_cast<uint64_t>(y));
  EXPECT_EQ(f.code.exits.size(), 2U) << "both unboxings share an exit; the addition has its own";
  drop(x);
  drop(y);
}

/// total = 0; for i in range(n): total += i * i, with the loop's numbers in registers and slot 1 dirty.
TEST_P(BackendTest, LoopWithBlockParameters) {
  Builder b;
  hir::Block* entry = b.newEntry();
  hir::Value* n = b.local(0);
  hir::Value* count = b.unboxInt(n, 2, {n});
  hir::Value* zero = b.integer(0);
  hir::Block* head = b.function.newBlock();
  hir::Block* body = b.function.newBlock();
  hir::Block* done = b.function.newBlock();
  b.jump(head, {zero, zero});
  (void)entry;
  b.block = head;
  hir::Value* i = b.function.newParam(head, types::I64);
  hir::Value* total = b.function.newParam(head, types::I64);
  hir::Value* more = b.op(Op::IntCompare, types::I1, {i, count}, 0);
  b.branch(more, {body, {}}, {done, {}});
  b.block = body;
  hir::Value* safe = b.at(b.op(Op::Safepoint, {}), 30);
  safe->state->locals = {n, total};
  safe->state->dirty = {false, true};
  hir::Value* square = b.arithmetic(Op::IntMul, i, i, 10);
  hir::Value* next = b.arithmetic(Op::IntAdd, total, square, 12);
  hir::Value* one = b.integer(1);
  hir::Value* ii = b.arithmetic(Op::IntAdd, i, one, 14);
  b.jump(head, {ii, next});
  b.block = done;
  b.ret(b.op(Op::BoxInt, types::Long, {total}));

  Compiled f(b.function, options());
  ASSERT_EQ(f.bailout, "");
  FakeObject* limit = f.frame.slots[0] = newInt(1000);
  NativeResult result = f.run();
  ASSERT_EQ(leaveKind(result.status), LeaveKind::Returned);
  EXPECT_EQ(takeInt(result), 332833500);

  f.thread.pending = true;
  result = f.run();
  ASSERT_EQ(leaveKind(result.status), LeaveKind::Exit);
  const ExitDescriptor& exit = f.exitOf(result);
  EXPECT_EQ(exit.reason, ExitReason::Safepoint);
  ASSERT_EQ(f.valuesOf(exit).size(), 1U);
  EXPECT_EQ(f.valuesOf(exit)[0].target, ExitValue::Target::Local);
  EXPECT_EQ(f.valuesOf(exit)[0].index, 1);
  EXPECT_EQ(f.valuesOf(exit)[0].kind, ExitValue::Kind::Int);
  EXPECT_EQ(f.spilled(f.valuesOf(exit)[0]), 0U);
  drop(limit);
}

TEST_P(BackendTest, FloatsAndComparisons) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (int64_t which = 0; which < 6; ++which) {
    Builder b;
    b.newEntry();
    hir::Value* x = b.local(0);
    hir::Value* a = b.at(b.op(Op::UnboxFloat, types::F64, {x}), 2, {x});
    hir::Value* y = b.op(Op::ConstFloat, types::F64, {}, std::bit_cast<int64_t>(1.5));
    hir::Value* result = b.op(Op::FloatCompare, types::I1, {a, y}, which);
    b.ret(b.op(Op::BoxBool, types::Bool, {result}));
    Compiled f(b.function, options());
    ASSERT_EQ(f.bailout, "");
    for (double value : {1.0, 1.5, 2.0, nan}) {
      const bool expected[] = {value < 1.5, value <= 1.5, value == 1.5, value != 1.5, value > 1.5, value >= 1.5};
      FakeObject* object = f.frame.slots[0] = newFloat(value);
      EXPECT_EQ(static_cast<FakeObject*>(f.run().value)->integer, expected[which]) << which << " " << value;
      drop(object);
    }
  }
}

TEST_P(BackendTest, FloatDivisionAndExactConversion) {
  Builder b;
  b.newEntry();
  hir::Value* x = b.local(0);
  hir::Value* y = b.local(1);
  hir::Value* a = b.unboxInt(x, 2, {x, y});
  hir::Value* c = b.unboxInt(y, 2, {x, y});
  hir::Value* p = b.at(b.op(Op::IntToFloat, types::F64, {a}), 2, {x, y});
  hir::Value* q = b.at(b.op(Op::IntToFloat, types::F64, {c}), 2, {x, y});
  hir::Value* d = b.at(b.op(Op::FloatDiv, types::F64, {p, q}), 2, {x, y});
  hir::Value* negated = b.op(Op::FloatNeg, types::F64, {d});
  b.ret(b.op(Op::BoxFloat, types::Float, {negated}));
  Compiled f(b.function, options());
  ASSERT_EQ(f.bailout, "");
  constexpr int64_t exact = int64_t{1} << 53;
  const auto run = [&](int64_t lhs, int64_t rhs) {
    FakeObject* objects[] = {f.frame.slots[0] = newInt(lhs), f.frame.slots[1] = newInt(rhs)};
    const NativeResult result = f.run();
    for (FakeObject* object : objects) drop(object);
    return result;
  };
  for (auto [lhs, rhs] : {std::pair{7L, 2L}, {exact, 1L}, {-exact, 1L}, {0L, -3L}}) {
    const NativeResult result = run(lhs, rhs);
    ASSERT_EQ(leaveKind(result.status), LeaveKind::Returned);
    auto* object = static_cast<FakeObject*>(result.value);
    EXPECT_EQ(std::bit_cast<uint64_t>(object->real),
              std::bit_cast<uint64_t>(-(static_cast<double>(lhs) / static_cast<double>(rhs))));
    drop(object);
  }
  for (int64_t lhs : {exact + 1, -exact - 1, INT64_MAX, INT64_MIN}) {
    const NativeResult result = run(lhs, 2);
    ASSERT_EQ(leaveKind(result.status), LeaveKind::Exit) << lhs;
    EXPECT_EQ(f.exitOf(result).reason, ExitReason::NotExact);
  }
  const NativeResult result = run(1, 0);
  ASSERT_EQ(leaveKind(result.status), LeaveKind::Exit);
  EXPECT_EQ(f.exitOf(result).reason, ExitReason::DivideByZero);
}

TEST_P(BackendTest, FailingHelperLeavesWithWhatItOwns) {
  Builder b;
  b.newEntry();
  hir::Value* x = b.local(0);
  hir::Value* y = b.local(1);
  hir::Value* first = b.at(b.call(Helper::BinaryOp, types::kObject, {x, y}, {0}), 4, {x, y});
  hir::Value* second = b.at(b.call(Helper::BinaryOp, types::kObject, {first, y}, {0}), 6, {first, first, y});
  first->state->completion = second->state->completion = hir::Completion::PushObject;
  second->state->stackAfterPop = 1;
  hir::Value* other = b.local(1);
  second->state->owned = {first, first, other};
  b.function.remove(other);
  b.function.insertBefore(first, other);
  b.op(Op::DecRef, {}, {first});
  b.ret(second);

  Compiled f(b.function, options());
  ASSERT_EQ(f.bailout, "");
  FakeObject* arguments[] = {f.frame.slots[0] = newInt(3), f.frame.slots[1] = newInt(4)};
  NativeResult result = f.run();
  ASSERT_EQ(leaveKind(result.status), LeaveKind::Returned);
  EXPECT_EQ(takeInt(result), 11);
  EXPECT_EQ(f.frame.instruction, 6);
  EXPECT_EQ(f.frame.instructionStores, 2);
  f.thread.failNext = true;
  result = f.run();
  ASSERT_EQ(leaveKind(result.status), LeaveKind::Failed);
  EXPECT_EQ(f.exitOf(result).offset, 4U);
  EXPECT_EQ(f.exitOf(result).reason, ExitReason::Helper);
  const auto exit = std::find_if(f.code.exits.begin(), f.code.exits.end(), [](const auto& e) { return e.offset == 6; });
  ASSERT_NE(exit, f.code.exits.end());
  EXPECT_EQ(exit->stackAfterPop, 1);
  EXPECT_EQ(exit->completion, hir::Completion::PushObject);
  ASSERT_EQ(f.valuesOf(*exit).size(), 4U);
  EXPECT_TRUE(f.valuesOf(*exit)[0].owned);
  EXPECT_TRUE(f.valuesOf(*exit)[1].owned);
  EXPECT_NE(f.valuesOf(*exit)[0].spill, f.valuesOf(*exit)[1].spill) << "a slot for each reference";
  EXPECT_FALSE(f.valuesOf(*exit)[2].owned);
  EXPECT_EQ(f.valuesOf(*exit)[3].target, ExitValue::Target::Release);
  for (FakeObject* object : arguments) drop(object);
}

TEST_P(BackendTest, OutputsOfInlineAndNativeHelpers) {
  Builder b;
  b.newEntry();
  hir::Value* tuple = b.local(0);
  hir::Value* unpack = b.at(b.call(Helper::UnpackSequence, types::I64, {tuple}, {3}, 3), 4, {tuple});
  hir::Value* low = b.op(Op::Output, types::kObject, {unpack}, 0);
  hir::Value* high = b.op(Op::Output, types::kObject, {unpack}, 2);
  hir::Value* name = b.op(Op::Output, types::kObject, {unpack}, 1);
  hir::Value* method = b.at(b.call(Helper::LoadMethod, types::kObject, {high, name}, {0}, 1), 6, {high});
  hir::Value* self = b.op(Op::Output, types::kNullable, {method}, 0);
  b.op(Op::IncRef, {}, {low});
  hir::Value* result = b.at(b.call(Helper::Call, types::kObject, {method, self, low, low, name}, {0}), 8, {});
  b.op(Op::DecRef, {}, {high});
  b.ret(result);

  Compiled f(b.function, options());
  ASSERT_EQ(f.bailout, "");
  FakeObject* object = f.frame.slots[0] = fake_allocate(FakeObject::kTuple);
  for (int i = 0; i < 3; ++i) object->items[i] = newInt(i == 0 ? 1 : i == 1 ? 10 : 100);
  const NativeResult out = f.run();
  ASSERT_EQ(leaveKind(out.status), LeaveKind::Returned);
  EXPECT_EQ(takeInt(out), 10 + 1 + 100 + 100 + 10);
  EXPECT_EQ(f.thread.lastCount, 3);
  EXPECT_EQ(f.thread.lastArguments[0], object->items[2]);
  EXPECT_EQ(f.thread.lastArguments[2], object->items[1]);
  EXPECT_EQ(f.thread.seenInstruction, 8);
  for (FakeObject* item : {object->items[0], object->items[1], object->items[2]}) {
    EXPECT_EQ(item->references, 1);
    drop(item);
  }
  drop(object);
}

TEST_P(BackendTest, CallsOfAnyLengthShareTheArgumentArray) {
  Builder b;
  b.newEntry();
  hir::Value* x = b.local(0);
  hir::Value* null = b.op(Op::ConstNull, types::Null);
  for (int i = 0; i < 7; ++i) b.op(Op::IncRef, {}, {x});  // one for each use of it below
  hir::Value* none = b.at(b.call(Helper::Call, types::kObject, {x, null}, {0}), 2, {});
  hir::Value* four = b.at(b.call(Helper::Call, types::kObject, {x, null, x, x, none, x}, {0}), 4, {});
  hir::Value* one = b.at(b.call(Helper::Call, types::kObject, {x, x, four}, {0}), 6, {});
  b.ret(one);
  Compiled f(b.function, options());
  ASSERT_EQ(f.bailout, "");
  FakeObject* object = f.frame.slots[0] = newInt(1);
  EXPECT_EQ(takeInt(f.run()), 7);
  EXPECT_EQ(f.thread.calls, 3);
  drop(object);
}

TEST_P(BackendTest, UnwindingPassesThroughNativeCode) {
  Builder b;
  b.newEntry();
  hir::Value* x = b.local(0);
  for (int i = 0; i < 3; ++i) b.op(Op::IncRef, {}, {x});
  b.ret(b.at(b.call(Helper::Call, types::kObject, {x, x, x}, {0}), 2, {}));
  Compiled f(b.function, options());
  ASSERT_EQ(f.bailout, "");
  FakeObject* object = f.frame.slots[0] = newInt(1);
  takeInt(f.run());
  drop(object);
  const auto start = reinterpret_cast<uintptr_t>(f.code.function);
  int native = -1;
  for (int i = 0; i < f.thread.callerCount; ++i) {
    const auto address = reinterpret_cast<uintptr_t>(f.thread.callers[i]);
    if (address > start && address < start + f.code.codeBytes) native = i;
  }
  ASSERT_GE(native, 0);
  EXPECT_GT(f.thread.callerCount, native + 3) << "the test's own frames are behind it";
}

TEST_P(BackendTest, SeveralEntriesAndStackValues) {
  Builder b(1);
  b.newEntry(0, 0);
  b.ret(b.local(0), 1);
  b.newEntry(10, 2);
  hir::Value* low = b.op(Op::LoadStack, types::kObject, {}, 0);
  hir::Value* high = b.op(Op::LoadStack, types::kObject, {}, 1);
  b.ret(b.at(b.call(Helper::BinaryOp, types::kObject, {low, high}, {0}), 10, {low, high}), 11);
  b.newEntry(20, 1);
  b.ret(b.op(Op::LoadStack, types::kObject, {}, 0), 21);
  Compiled f(b.function, options());
  ASSERT_EQ(f.bailout, "");
  ASSERT_EQ(f.code.entries.size(), 3U);
  EXPECT_EQ(f.code.entries[1].offset, 10U);
  EXPECT_EQ(f.code.entries[1].stackDepth, 2);
  FakeObject* objects[] = {newInt(1), newInt(2), newInt(3)};
  for (int i = 0; i < 3; ++i) f.frame.slots[i] = objects[i];
  EXPECT_EQ(f.run(0).value, objects[0]);
  const NativeResult sum = f.run(1);
  EXPECT_EQ(leavePayload(sum.status), 11U);
  EXPECT_EQ(takeInt(sum), 5);
  EXPECT_EQ(f.run(2).value, objects[1]);
  for (FakeObject* object : objects) drop(object);
}

TEST_P(BackendTest, BothEdgesToOneBlock) {
  Builder b;
  b.newEntry();
  hir::Value* x = b.local(0);
  hir::Value* y = b.local(1);
  hir::Block* join = b.function.newBlock();
  b.branch(b.op(Op::ObjectIs, types::I1, {x, y}), {join, {x, b.integer(1)}}, {join, {y, b.integer(2)}});
  b.block = join;
  hir::Value* object = b.function.newParam(join, types::kObject);
  hir::Value* number = b.function.newParam(join, types::I64);
  b.op(Op::StoreLocal, {}, {object}, 2);
  b.ret(b.op(Op::BoxInt, types::Long, {number}));
  Compiled f(b.function, options());
  ASSERT_EQ(f.bailout, "");
  FakeObject* a = f.frame.slots[0] = f.frame.slots[1] = newInt(5);
  EXPECT_EQ(takeInt(f.run()), 1);
  FakeObject* c = f.frame.slots[1] = newInt(6);
  EXPECT_EQ(takeInt(f.run()), 2);
  EXPECT_EQ(f.frame.slots[2], c);
  drop(a);
  drop(c);
}

/// Constants are symbols, and LLVM must not reason about which of them are the same object.
TEST_P(BackendTest, ConstantObjectsKeepTheirIdentity) {
  FakeObject one{1, FakeObject::kInt, 1, 0, {}};
  const void* const addresses[] = {&one, &one, &fake_true, &one.integer};
  Builder b;
  b.newEntry();
  std::vector<hir::Value*> constants;
  for (const void* address : addresses) {
    hir::ObjectRef ref;
    ref.name = "object";
    ref.address = address;
    const uint32_t index = b.function.addObject(ref);
    constants.push_back(b.op(Op::ConstObject, types::kObject, {}, index));
  }
  hir::Value* truth = b.at(b.call(Helper::ToBool, types::I64, {constants[2]}), 2, {constants[2], constants[0]});
  hir::Value* same = b.op(Op::ObjectIs, types::I1, {constants[0], constants[1]});
  hir::Block* yes = b.function.newBlock();
  hir::Block* no = b.function.newBlock();
  b.branch(same, {yes, {}}, {no, {}});
  b.block = yes;
  b.ret(b.op(Op::BoxInt, types::Long, {truth}));
  b.block = no;
  b.ret(constants[3]);
  Compiled f(b.function, options());
  ASSERT_EQ(f.bailout, "");
  EXPECT_EQ(takeInt(f.run()), 1);
  f.thread.failNext = true;
  const NativeResult result = f.run();
  ASSERT_EQ(leaveKind(result.status), LeaveKind::Failed);
  EXPECT_EQ(f.spilled(f.valuesOf(f.exitOf(result))[0]), std::bit_cast<uint64_t>(&fake_true));
  EXPECT_EQ(f.spilled(f.valuesOf(f.exitOf(result))[1]), std::bit_cast<uint64_t>(&one));
}

TEST_P(BackendTest, MachineOutputOfAHelper) {
  Builder b;
  b.newEntry();
  hir::Value* range = b.local(0);
  hir::Block* head = b.function.newBlock();
  hir::Block* body = b.function.newBlock();
  hir::Block* done = b.function.newBlock();
  b.jump(head, {b.integer(0)});
  b.block = head;
  hir::Value* total = b.function.newParam(head, types::I64);
  hir::Value* more = b.call(Helper::RangeNext, types::I1, {range});
  hir::Value* i = b.op(Op::Output, types::I64, {more}, 0);
  b.branch(more, {body, {}}, {done, {}});
  b.block = body;
  b.jump(head, {b.arithmetic(Op::IntAdd, total, i, 4)});
  b.block = done;
  b.ret(b.op(Op::BoxInt, types::Long, {total}));
  Compiled f(b.function, options());
  ASSERT_EQ(f.bailout, "");
  FakeObject* object = f.frame.slots[0] = newInt(100);
  EXPECT_EQ(takeInt(f.run()), 4950);
  drop(object);
}

TEST_P(BackendTest, LocalsOfTheFrame) {
  Builder b(3);
  b.newEntry();
  hir::Value* x = b.local(0);
  hir::Value* joined = b.at(b.op(Op::ConcatLocal, types::Str, {x}, 1), 4, {x});
  hir::Value* number = b.unboxInt(joined, 6, {joined});
  b.op(Op::SyncLocal, {}, {b.op(Op::BoxInt, types::Long, {number})}, 2);
  b.op(Op::GuardType, {}, {x}, types::Long.bits());
  b.at(b.block->ops.back(), 8, {x});
  hir::Value* yes = b.op(Op::BoolNot, types::I1, {b.op(Op::IsNull, types::I1, {x})});
  b.at(b.op(Op::GuardTrue, {}, {yes}), 10);
  b.op(Op::IncRef, {}, {x});
  b.ret(x);
  Compiled f(b.function, options());
  ASSERT_EQ(f.bailout, "");
  FakeObject* objects[] = {newInt(7), newInt(12)};
  f.frame.slots[0] = objects[0];
  f.frame.slots[1] = objects[1];
  f.frame.slots[2] = newInt(0);
  EXPECT_EQ(f.run().value, objects[0]);
  EXPECT_EQ(objects[0]->references, 2);
  EXPECT_EQ(f.frame.slots[2]->integer, 127);
  drop(f.frame.slots[2]);
  f.frame.slots[2] = nullptr;
  f.thread.failNext = true;
  EXPECT_EQ(leaveKind(f.run().status), LeaveKind::Failed);
  drop(objects[0]);
  for (FakeObject* object : objects) drop(object);
}

TEST_P(BackendTest, LastReleaseTellsDirtySlots) {
  Builder b(3);
  b.newEntry();
  hir::Value* x = b.local(0);
  hir::Value* n = b.integer(-5);
  hir::Value* real = b.op(Op::ConstFloat, types::F64, {}, std::bit_cast<int64_t>(0.5));
  hir::Value* yes = b.op(Op::ConstBool, types::I1, {}, 1);
  hir::Value* release = b.at(b.op(Op::Release, {}, {x}), 14);
  release->state->locals = {real, n, real, yes};
  release->state->dirty = {true, true, true, true};
  b.ret(b.op(Op::BoxInt, types::Long, {n}));
  Compiled f(b.function, options());
  ASSERT_EQ(f.bailout, "");
  FakeObject* tuple = f.frame.slots[0] = fake_allocate(FakeObject::kTuple);
  ++tuple->references;
  EXPECT_EQ(takeInt(f.run()), -5);
  EXPECT_EQ(tuple->references, 1);
  EXPECT_TRUE(f.frame.words.empty());
  EXPECT_EQ(takeInt(f.run()), -5);
  EXPECT_EQ(f.frame.releasedAt, 14);
  const auto word = [](uint64_t slot, ExitValue::Kind kind, bool shared) {
    return static_cast<int64_t>(SlotWord{slot, kind, shared, false}.pack());
  };
  const auto half = std::bit_cast<int64_t>(0.5);
  const std::vector<int64_t> expected = {
      word(1, ExitValue::Kind::Int, false),  -5,   word(0, ExitValue::Kind::Float, false), half,
      word(2, ExitValue::Kind::Float, true), half, word(3, ExitValue::Kind::Bool, false),  1,
  };
  EXPECT_EQ(f.frame.words, expected);
  f.frame.words.clear();
  f.frame.slots[0] = newInt(3);  // a number's end runs nothing
  EXPECT_EQ(takeInt(f.run()), -5);
  EXPECT_TRUE(f.frame.words.empty());
}

TEST_P(BackendTest, ForcedExits) {
  Builder b = binary(Op::IntAdd);
  BackendOptions stress = options();
  stress.forceExitEvery = 3;
  Compiled f(b.function, stress);
  ASSERT_EQ(f.bailout, "");
  FakeObject* x = f.frame.slots[0] = newInt(1);
  FakeObject* y = f.frame.slots[1] = newInt(2);
  fake_force_exit_every(3);
  NativeResult result = f.run();
  ASSERT_EQ(leaveKind(result.status), LeaveKind::Exit) << "the third guard is the addition";
  EXPECT_EQ(f.exitOf(result).reason, ExitReason::IntOverflow);
  fake_force_exit_every(4);
  EXPECT_EQ(takeInt(f.run()), 3);
  EXPECT_EQ(leaveKind(f.run().status), LeaveKind::Exit);
  fake_force_exit_every(0);
  drop(x);
  drop(y);
}

TEST_P(BackendTest, ExitOpAndUnreachable) {
  Builder b;
  b.newEntry();
  hir::Value* x = b.local(0);
  hir::Block* leaves = b.function.newBlock();
  hir::Block* raises = b.function.newBlock();
  b.branch(b.op(Op::IsNull, types::I1, {x}), {leaves, {}}, {raises, {}});
  b.block = leaves;
  hir::Value* constant = b.op(Op::ConstFloat, types::F64, {}, std::bit_cast<int64_t>(2.5));
  hir::Value* flag = b.op(Op::ConstBool, types::I1, {}, 1);
  b.at(b.op(Op::Exit, {}), 8, {constant, flag, b.op(Op::ConstNull, types::Null)})->reason = ExitReason::Interpret;
  b.block = raises;
  b.at(b.call(Helper::BinaryOp, types::kObject, {x, x}, {0}), 9, {x});
  b.op(Op::Unreachable, {});
  Compiled f(b.function, options());
  ASSERT_EQ(f.bailout, "");
  NativeResult result = f.run();
  ASSERT_EQ(leaveKind(result.status), LeaveKind::Exit);
  const ExitDescriptor& exit = f.exitOf(result);
  EXPECT_EQ(exit.reason, ExitReason::Interpret);
  EXPECT_EQ(exit.stackDepth, 3);
  EXPECT_EQ(std::bit_cast<double>(f.spilled(f.valuesOf(exit)[0])), 2.5);
  EXPECT_EQ(f.valuesOf(exit)[0].kind, ExitValue::Kind::Float);
  EXPECT_EQ(f.spilled(f.valuesOf(exit)[1]), 1U);
  EXPECT_EQ(f.valuesOf(exit)[1].kind, ExitValue::Kind::Bool);
  EXPECT_EQ(f.spilled(f.valuesOf(exit)[2]), 0U);
  FakeObject* object = f.frame.slots[0] = newInt(1);
  f.thread.failNext = true;
  EXPECT_EQ(leaveKind(f.run().status), LeaveKind::Failed);
  drop(object);
}

TEST_P(BackendTest, Yield) {
  const int64_t live = fake_live();
  {
    Builder b(2);
    b.newEntry();
    hir::Value* x = b.local(0);
    hir::Value* number = b.integer(7);
    hir::Value* yield = b.at(b.op(Op::Exit, {}, {}, 1), 8, {number, x, number});
    yield->reason = ExitReason::Yield;
    yield->state->locals = {x, number};
    yield->state->dirty = {false, true};
    Compiled f(b.function, options());
    ASSERT_EQ(f.bailout, "");
    f.frame.slots[0] = newInt(1);
    f.frame.slots[1] = newInt(2);
    f.thread.pending = true;
    NativeResult result = f.run();
    ASSERT_EQ(leaveKind(result.status), LeaveKind::Exit) << "something has to be looked at first";
    EXPECT_EQ(f.exitOf(result).reason, ExitReason::Yield);
    f.thread.pending = false;
    result = f.run();
    ASSERT_EQ(leaveKind(result.status), LeaveKind::Yielded);
    EXPECT_EQ(leavePayload(result.status), 1U) << "the instruction's argument";
    auto* yielded = static_cast<FakeObject*>(result.value);
    EXPECT_EQ(yielded->integer, 7);
    EXPECT_EQ(yielded->references, 3) << "one box for all: stack, local and the one yielded";
    EXPECT_EQ(f.frame.slots[1], yielded) << "the dirty local";
    EXPECT_EQ(f.frame.slots[2], yielded);
    EXPECT_EQ(f.frame.slots[3], f.frame.slots[0]);
    EXPECT_EQ(f.frame.slots[0]->references, 2) << "what was borrowed from a slot is kept by the stack";
    EXPECT_EQ(f.frame.instruction, yield->state->nextOffset);
    EXPECT_EQ(f.frame.stackTop, 4);
    drop(f.frame.slots[0]);
    for (FakeObject* object : {yielded, yielded, yielded, f.frame.slots[3]}) drop(object);
  }
  EXPECT_EQ(fake_live(), live);
}

TEST_P(BackendTest, FailuresAreValues) {
  Builder missing;
  missing.newEntry();
  const uint32_t index = missing.function.addObject({});
  missing.ret(missing.op(Op::ConstObject, types::kObject, {}, index));
  EXPECT_EQ(Compiled(missing.function, options()).bailout.rfind("LinkFailed", 0), 0U);

  Builder undefinedHelper;
  undefinedHelper.newEntry();
  hir::Value* x = undefinedHelper.local(0);
  undefinedHelper.ret(undefinedHelper.at(undefinedHelper.call(Helper::Subscr, types::kObject, {x, x}), 2, {x}));
  const std::string text = Compiled(undefinedHelper.function, options()).bailout;
  EXPECT_EQ(text.rfind("LinkFailed", 0), 0U) << text;
  EXPECT_NE(text.find("rt_subscr"), std::string::npos) << text;

  Builder noState;
  noState.newEntry();
  hir::Value* y = noState.local(0);
  noState.ret(noState.op(Op::BoxInt, types::Long, {noState.op(Op::UnboxInt, types::I64, {y})}));
  EXPECT_EQ(Compiled(noState.function, options()).bailout.rfind("VerifierFailed", 0), 0U);

  Builder wrongType;
  wrongType.newEntry();
  wrongType.ret(wrongType.op(Op::BoxInt, types::Long, {wrongType.local(0)}));
  EXPECT_EQ(Compiled(wrongType.function, options()).bailout.rfind("VerifierFailed", 0), 0U);
}

TEST_P(BackendTest, DumpsAndCounts) {
  Builder b = binary(Op::IntAdd);
  b.function.name = "Outer.<locals>.f";
  BackendOptions dumping = options();
  dumping.dumpLlvm = dumping.dumpAssembly = true;
  Compiled f(b.function, dumping);
  ASSERT_EQ(f.bailout, "");
  std::string stages;
  for (const Dump& dump : f.code.dumps) {
    stages += dump.stage + ";";
    EXPECT_NE(dump.text.find("Outer.<locals>.f"), std::string::npos) << dump.stage;
  }
  EXPECT_EQ(stages, GetParam() == 0 ? "llvm: lowered;assembly;" : "llvm: lowered;llvm: optimized;assembly;");
  EXPECT_GT(f.code.irInstructions, 10U);
  EXPECT_GT(f.code.exitInstructions, 4U);
  EXPECT_LT(f.code.exitInstructions, f.code.irInstructions);
  EXPECT_GT(f.code.codeBytes, 20U);
  EXPECT_GT(f.code.times.codegenSeconds, 0);
}

TEST(BackendLife, ManyCompilationsAndReleases) {
  ASSERT_NE(backend(), nullptr);
  Builder b = binary(Op::IntAdd);
  for (int i = 0; i < 50; ++i) {
    Compiled f(b.function, {.optLevel = 0});
    ASSERT_EQ(f.bailout, "");
    FakeObject* x = f.frame.slots[0] = f.frame.slots[1] = newInt(i);
    EXPECT_EQ(takeInt(f.run()), 2 * i);
    drop(x);
  }
}

TEST(BackendLife, ReleaseFromAnotherThreadWhileCompiling) {
  Builder b = binary(Op::IntAdd);
  for (int i = 0; i < 20; ++i) {
    auto old = backend()->compile(b.function, {.optLevel = 0});
    ASSERT_TRUE(old);
    std::thread other([&] { codeMemory().release(old->place); });
    auto code = backend()->compile(b.function, {.optLevel = 1});
    other.join();
    ASSERT_TRUE(code);
    codeMemory().release(code->place);
  }
}

/// A jump to `target` from an address below 2 GiB, where the functions of a CPython linked at a fixed address are.
const void* jumpFromBelow(const void* target) {
  constexpr size_t kSize = 4096;
  void* page = mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
  if (page == MAP_FAILED) return nullptr;
  auto* code = static_cast<unsigned char*>(page);
  const unsigned char movRax[] = {0x48, 0xb8}, jmpRax[] = {0xff, 0xe0};
  std::memcpy(code, movRax, sizeof movRax);
  std::memcpy(code + sizeof movRax, &target, sizeof target);
  std::memcpy(code + sizeof movRax + sizeof target, jmpRax, sizeof jmpRax);
  return mprotect(page, kSize, PROT_READ | PROT_EXEC) == 0 ? page : nullptr;
}

TEST(BackendLife, CallsHelpersBelowFourGigabytes) {
  std::vector<HelperAddress> helpers = fakeHelpers();
  const auto add = std::find_if(helpers.begin(), helpers.end(), [](const HelperAddress& helper) {
    return helper.symbol == std::string("rt_binary_op");
  });
  ASSERT_NE(add, helpers.end());
  add->address = jumpFromBelow(add->address);
  ASSERT_NE(add->address, nullptr);
  std::string error;
  const std::unique_ptr<Backend> low = newBackend(&error, FAKE_BITCODE, &helpers);
  ASSERT_NE(low, nullptr) << error;
  Builder b;
  b.newEntry();
  hir::Value* x = b.local(0);
  b.ret(b.at(b.call(Helper::BinaryOp, types::kObject, {x, x}, {0}), 2, {x, x}));
  auto code = low->compile(b.function, {.optLevel = 2});
  ASSERT_TRUE(code);
  FakeFrame frame{};
  FakeThread thread{};
  frame.slots[0] = newInt(21);
  std::vector<uint64_t> spill(code->spillSlots + size_t{1});
  EXPECT_EQ(takeInt(code->function(&thread, &frame, 0, spill.data())), 42);
  drop(frame.slots[0]);
  codeMemory().release(code->place);
}

TEST(BackendLife, NoMemoryIsWritableAndExecutable) {
  Builder b = binary(Op::IntAdd);
  Compiled f(b.function, {.optLevel = 2});
  ASSERT_EQ(f.bailout, "");
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) EXPECT_EQ(line.find(" rwx"), std::string::npos) << line;
}

TEST(BackendLife, CodeOutlivesItsBackend) {
  std::string error;
  std::unique_ptr<Backend> gone = newBackend(&error, FAKE_BITCODE);
  ASSERT_NE(gone, nullptr) << error;
  Builder b = binary(Op::IntAdd);
  auto code = gone->compile(b.function, {.optLevel = 2});
  ASSERT_TRUE(code);
  gone.reset();
  FakeFrame frame{};
  FakeThread thread{};
  FakeObject* x = frame.slots[0] = frame.slots[1] = newInt(21);
  std::vector<uint64_t> spill(code->spillSlots + size_t{1});
  EXPECT_EQ(takeInt(code->function(&thread, &frame, 0, spill.data())), 42);
  drop(x);
  codeMemory().release(code->place);
}

TEST(CodeMemory, FreedPagesAreUsedAgain) {
  constexpr size_t kPage = 4096;
  CodeBlocks memory;
  char* pages[3];
  for (char*& page : pages) {
    page = static_cast<char*>(memory.allocate(10));
    ASSERT_NE(page, nullptr);
    page[0] = 1;
    ASSERT_TRUE(memory.seal(page, 10));
  }
  EXPECT_EQ(pages[1], pages[0] + kPage);
  EXPECT_EQ(pages[2], pages[1] + kPage);
  for (const size_t i : {0, 2, 1}) memory.release(pages[i], 10);
  auto* whole = static_cast<char*>(memory.allocate(3 * kPage));
  EXPECT_EQ(whole, pages[0]);
  EXPECT_EQ(whole[kPage], 0);
  whole[kPage] = 1;                           // and can be written to
  constexpr size_t kLarge = size_t{5} << 20;  // more than a block
  auto* large = static_cast<char*>(memory.allocate(kLarge));
  ASSERT_NE(large, nullptr);
  large[kLarge - 1] = 1;
}

TEST(BackendLife, ASecondBackendIsIndependent) {
  std::string error;
  Builder b = binary(Op::IntAdd);
  std::unique_ptr<Backend> other = newBackend(&error, FAKE_BITCODE);
  ASSERT_NE(other, nullptr) << error;
  auto code = other->compile(b.function, {.optLevel = 2});
  ASSERT_TRUE(code);
  codeMemory().release(code->place);
  EXPECT_EQ(newBackend(&error, "/nonexistent.bc"), nullptr);
  EXPECT_NE(error.find("/nonexistent.bc"), std::string::npos);
}

}  // namespace martlet::test
