// SPDX-License-Identifier: MIT
// The helpers of the fake runtime that are also compiled to bitcode.
#include "tests/llvm/fake_runtime.h"

extern "C" {

void fake_free(FakeObject* object);
FakeObject* fake_box_int(int64_t value);
FakeObject* fake_box_float(double value);
extern FakeObject fake_true, fake_false;

void rt_incref(FakeObject* object) {
  ++object->references;
}
void rt_xincref(FakeObject* object) {
  if (object) ++object->references;
}
void rt_decref(FakeObject* object) {
  if (--object->references == 0) fake_free(object);
}
void rt_xdecref(FakeObject* object) {
  if (object) rt_decref(object);
}
FakeObject* rt_load_local(FakeFrame* frame, int64_t slot) {
  return frame->slots[slot];
}
void rt_store_local(FakeFrame* frame, int64_t slot, FakeObject* value) {
  frame->slots[slot] = value;
}
void rt_sync_local(FakeFrame* frame, int64_t slot, FakeObject* value) {
  rt_xdecref(frame->slots[slot]);
  frame->slots[slot] = value;
}
FakeObject* rt_take_local(FakeFrame* frame, int64_t slot, bool isDirty) {
  FakeObject* content = isDirty ? nullptr : frame->slots[slot];
  if (!isDirty) frame->slots[slot] = nullptr;
  return content;
}
void rt_copy_local(FakeFrame* frame, int64_t slot, int64_t source, bool isDirty) {
  if (isDirty) return;
  rt_incref(frame->slots[source]);
  rt_sync_local(frame, slot, frame->slots[source]);
}
void rt_set_instruction(FakeFrame* frame, int64_t offset) {
  frame->instruction = offset;
  ++frame->instructionStores;
}
void rt_suspend_frame(FakeFrame* frame, int64_t offset, int64_t stackTop) {
  frame->instruction = offset;
  frame->stackTop = stackTop;
}
bool rt_safepoint_pending(FakeThread* thread) {
  return *static_cast<volatile bool*>(&thread->pending);
}
bool rt_unbox_int(FakeObject* object, int64_t* out) {
  if (object->kind != FakeObject::kInt) return false;
  *out = object->integer;
  return true;
}
bool rt_unbox_float(FakeObject* object, double* out) {
  if (object->kind != FakeObject::kFloat) return false;
  *out = object->real;
  return true;
}
FakeObject* rt_box_int(int64_t value) {
  return fake_box_int(value);
}
FakeObject* rt_box_float(double value) {
  return fake_box_float(value);
}
void rt_sync_int_if(FakeFrame* frame, int64_t slot, bool isDirty, int64_t value) {
  if (isDirty) rt_sync_local(frame, slot, rt_box_int(value));
}
void rt_sync_float_if(FakeFrame* frame, int64_t slot, bool isDirty, double value) {
  if (isDirty) rt_sync_local(frame, slot, rt_box_float(value));
}
FakeObject* rt_box_bool(bool value) {
  return value ? &fake_true : &fake_false;
}
bool rt_int_floor_div(int64_t a, int64_t b, int64_t* out) {
  if (b == 0 || (b == -1 && a == INT64_MIN)) return false;
  *out = a / b - (a % b != 0 && (a < 0) != (b < 0));
  return true;
}
bool rt_int_mod(int64_t a, int64_t b, int64_t* out) {
  if (b == 0) return false;
  if (b == -1) {
    *out = 0;
    return true;
  }
  const int64_t rest = a % b;
  *out = rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
  return true;
}
bool rt_int_lshift(int64_t a, int64_t count, int64_t* out) {
  if (count < 0 || count > 62 || (a << count) >> count != a) return false;
  *out = a << count;
  return true;
}
bool rt_int_rshift(int64_t a, int64_t count, int64_t* out) {
  if (count < 0) return false;
  *out = a >> (count > 63 ? 63 : count);
  return true;
}
bool rt_has_class(FakeObject* object, int64_t bit) {
  return bit == 0 ? object->kind == FakeObject::kInt : object->kind == FakeObject::kFloat;
}
bool rt_drop(FakeObject* object) {
  return --object->references == 0;
}
bool rt_xdrop(FakeObject* object) {
  return object && rt_drop(object);
}
int rt_to_bool(FakeThread* thread, int64_t, FakeObject* object) {
  if (thread->failNext) return -1;
  return object == &fake_true ? 1 : object == &fake_false ? 0 : object->integer != 0;
}
int rt_unpack_sequence(FakeThread* thread, int64_t, FakeObject* tuple, int64_t count, FakeObject** out) {
  if (thread->failNext || tuple->kind != FakeObject::kTuple) return -1;
  for (int64_t i = 0; i < count; ++i) {
    out[i] = tuple->items[count - 1 - i];
    rt_incref(out[i]);
  }
  return 0;
}
bool rt_range_next(FakeObject* range, int64_t* out) {
  if (range->integer == 0) return false;
  *out = --range->integer;
  return true;
}
}
