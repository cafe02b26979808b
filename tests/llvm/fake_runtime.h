// SPDX-License-Identifier: MIT
// A stand-in for the vm's runtime, so that native code can be tested without Python: a toy object model and the
// helpers of the table that the tests use, with the table's symbols and signatures. Owns: FakeObject, FakeFrame.
#pragma once
#include <cstdint>
#include <vector>

extern "C" {

struct FakeObject {
  enum Kind : int64_t { kInt, kFloat, kTuple, kBool };
  int64_t references;
  Kind kind;
  int64_t integer;
  double real;
  FakeObject* items[4];
};

struct FakeFrame {
  FakeObject* slots[8];
  int64_t instruction;  ///< last offset that native code stored
  int64_t instructionStores;
  int64_t releasedAt;  ///< offset and words of the last rt_release_last
  std::vector<int64_t> words;
  int64_t stackTop;  ///< as native code has suspended the frame
};

struct FakeThread {
  bool pending;             ///< what rt_safepoint_pending answers
  int64_t calls;            ///< native calls
  bool failNext;            ///< the next call that can fail does
  int64_t seenInstruction;  ///< frame->instruction at the last rt_call
  int64_t lastCount;        ///< number of arguments of the last rt_call
  FakeObject* lastArguments[8];
  void* callers[64];  ///< backtrace of the last rt_call, made by the C++ unwinder
  int callerCount;
};

FakeObject* fake_allocate(FakeObject::Kind kind);
/// Live objects, to find leaks.
int64_t fake_live();
/// Makes every Nth guard exit; 0: none.
void fake_force_exit_every(uint32_t count);
}
