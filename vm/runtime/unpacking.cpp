// SPDX-License-Identifier: MIT
// Helper: many items of a sequence to frame slots at once. Must not know: HIR, LLVM.
#include <utility>

#include "lowering/hir/unpack_targets.h"
#include "vm/runtime/held.h"
#include "vm/runtime/runtime.h"

using namespace martlet::vm;

namespace {

using martlet::hir::UnpackTargets;

/// Stores the items from number `from` on, whose references it takes over. What is released may run any Python code.
void storeUnpacked(Frame* frame, const UnpackTargets& targets, size_t from, PyObject* const* items) {
  _Py_CODEUNIT* const shown = frame->instr_ptr;
  for (size_t i = from; i < targets.count; ++i) {
    PyObject* old = std::exchange(frame->localsplus[targets.slots[i]], items[i]);
    rt_set_instruction(frame, targets.offsetOf(i));
    Py_XDECREF(old);
  }
  frame->instr_ptr = shown;
}

/// From number `from` on the items wait where nobody can take them away, as on the interpreter's stack.
[[gnu::noinline]] int storeCarefully(Frame* frame, int64_t word, int64_t slots, int64_t moreSlots, size_t from,
                                     PyObject* const* items) {
  const UnpackTargets targets = UnpackTargets::unpack({word, slots, moreSlots});
  PyObject* own[UnpackTargets::kMost];
  for (size_t i = from; i < targets.count; ++i) own[i] = Py_NewRef(items[i]);
  storeUnpacked(frame, targets, from, own);
  return 0;
}

/// Replaces what a slot holds; false, and nothing is done, where that would be the end of an object.
[[gnu::always_inline]] inline bool replaceQuietly(PyObject** place, PyObject* item) {
  PyObject* old = *place;
  if (old == item) return true;  // a reference more, and one less
  if (old != nullptr && !_Py_IsImmortal(old)) {
    if (Py_REFCNT(old) == 1) return false;
    --old->ob_refcnt;
  }
  *place = Py_NewRef(item);
  return true;
}

[[gnu::noinline]] int unpackIterable(PyThreadState* tstate, Frame* frame, int64_t borrowed, PyObject* iterable,
                                     int64_t word, int64_t slots, int64_t moreSlots) {
  const UnpackTargets targets = UnpackTargets::unpack({word, slots, moreSlots});
  PyObject* pushed[UnpackTargets::kMost];
  PyObject* items[UnpackTargets::kMost];
  PyObject** top = pushed + targets.count;
  const int good =
      holding(borrowed, {iterable}, [&] { return _PyEval_UnpackIterable(tstate, iterable, targets.count, -1, top); });
  if (good == 0) return -1;
  for (size_t i = 0; i < targets.count; ++i) items[i] = *--top;
  storeUnpacked(frame, targets, 0, items);
  return 0;
}

}  // namespace

extern "C" {

// Calls nothing but as its last act, so that it needs no registers saved: it is as fast as the code that it replaces.
// Its loops take a third longer where they lie across cache lines.
[[gnu::aligned(64)]] int rt_unpack_to_slots(PyThreadState* tstate, Frame* frame, int64_t borrowed, PyObject* sequence,
                                            int64_t word, int64_t slots, int64_t moreSlots) {
  const size_t count = UnpackTargets::countOf(word);
  PyObject* const* items = nullptr;
  if (PyTuple_CheckExact(sequence) && static_cast<size_t>(PyTuple_GET_SIZE(sequence)) == count) {
    items = reinterpret_cast<PyTupleObject*>(sequence)->ob_item;
  } else if (PyList_CheckExact(sequence) && static_cast<size_t>(PyList_GET_SIZE(sequence)) == count) {
    items = reinterpret_cast<PyListObject*>(sequence)->ob_item;
  } else {
    return unpackIterable(tstate, frame, borrowed, sequence, word, slots, moreSlots);
  }
  auto rest = static_cast<uint64_t>(slots);
  if (UnpackTargets::areInARow(word)) {
    PyObject** const places = &frame->localsplus[rest & UINT8_MAX];
    for (size_t i = 0; i < count; ++i) {
      if (!replaceQuietly(places + i, items[i])) return storeCarefully(frame, word, slots, moreSlots, i, items);
    }
    return 0;
  }
  for (size_t i = 0; i < count; ++i, rest >>= 8) {
    if (i == UnpackTargets::kInWord) rest = static_cast<uint64_t>(moreSlots);
    PyObject** const place = &frame->localsplus[rest & UINT8_MAX];
    if (!replaceQuietly(place, items[i])) return storeCarefully(frame, word, slots, moreSlots, i, items);
  }
  return 0;
}

}  // extern "C"
