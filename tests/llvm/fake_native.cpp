// SPDX-License-Identifier: MIT
// The helpers of the fake runtime that are only called.
#include <execinfo.h>

#include <cstdlib>
#include <initializer_list>

#include "tests/llvm/fake_runtime.h"

extern "C" {
void rt_xdecref(FakeObject* object);

FakeObject fake_true{1 << 20, FakeObject::kBool, 1, 0, {}};
FakeObject fake_false{1 << 20, FakeObject::kBool, 0, 0, {}};

static int64_t live = 0;
static uint32_t forceEvery = 0, forceCount = 0;

FakeObject* fake_allocate(FakeObject::Kind kind) {
  auto* object = static_cast<FakeObject*>(std::calloc(1, sizeof(FakeObject)));
  object->references = 1;
  object->kind = kind;
  ++live;
  return object;
}
int64_t fake_live() {
  return live;
}
void fake_free(FakeObject* object) {
  --live;
  std::free(object);
}
FakeObject* fake_box_int(int64_t value) {
  FakeObject* object = fake_allocate(FakeObject::kInt);
  object->integer = value;
  return object;
}
FakeObject* fake_box_float(double value) {
  FakeObject* object = fake_allocate(FakeObject::kFloat);
  object->real = value;
  return object;
}
void fake_force_exit_every(uint32_t count) {
  forceEvery = count;
  forceCount = 0;
}
bool martlet_force_exit() {
  return forceEvery != 0 && ++forceCount % forceEvery == 0;
}

bool rt_end_quietly(FakeObject* object) {
  if (object->kind == FakeObject::kTuple) return false;
  fake_free(object);
  return true;
}
void rt_end_shown(FakeFrame* frame, FakeObject* object, int64_t offset) {
  frame->releasedAt = offset;
  fake_free(object);
}
/// Notes what it is given in the frame.
void rt_release_last(FakeFrame* frame, FakeObject* object, int64_t offset, const int64_t* words, int64_t count) {
  frame->releasedAt = offset;
  frame->words.assign(words, words + count);
  fake_free(object);
}

/// Adds; fails with ThreadState::failNext.
FakeObject* rt_binary_op(FakeThread* thread, int64_t, FakeObject* a, FakeObject* b, int64_t) {
  ++thread->calls;
  return thread->failNext ? nullptr : fake_box_int(a->integer + b->integer);
}
FakeObject* rt_concat_local(FakeThread* thread, FakeFrame* frame, int64_t slot, FakeObject* operand) {
  ++thread->calls;
  if (thread->failNext) return nullptr;
  frame->slots[slot]->integer = frame->slots[slot]->integer * 10 + operand->integer;
  return frame->slots[slot];
}
/// The sum of the arguments, which it consumes; args[-1] and args[-2] must be writable.
FakeObject* rt_call(FakeThread* thread, FakeFrame* frame, FakeObject* callable, FakeObject* self,
                    FakeObject** arguments, int64_t count, void*) {
  ++thread->calls;
  thread->seenInstruction = frame->instruction;
  thread->lastCount = count;
  thread->callerCount = backtrace(thread->callers, 64);
  arguments[-1] = self;
  arguments[-2] = callable;
  int64_t sum = callable->integer + (self ? self->integer : 0);
  for (int64_t i = 0; i < count; ++i) {
    thread->lastArguments[i] = arguments[i];
    sum += arguments[i]->integer;
  }
  FakeObject* result = thread->failNext ? nullptr : fake_box_int(sum);
  for (FakeObject* consumed : {callable, self}) rt_xdecref(consumed);
  for (int64_t i = 0; i < count; ++i) rt_xdecref(arguments[i]);
  return result;
}
FakeObject* rt_load_method(FakeThread* thread, int64_t, FakeObject* owner, FakeObject* name, void*, FakeObject** self) {
  ++thread->calls;
  if (thread->failNext) return nullptr;
  ++owner->references;
  ++name->references;
  *self = owner;
  return name;
}
}
