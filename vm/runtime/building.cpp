// SPDX-License-Identifier: MIT
// Helpers: building containers and strings, adding to them, taking them apart. Must not know: HIR, LLVM.
#include <cstring>
#include <utility>

#include "lowering/hir/unpack_targets.h"
#include "vm/runtime/held.h"
#include "vm/runtime/leave.h"
#include "vm/runtime/runtime.h"
#include "vm/runtime/singletons.h"

using namespace martlet::vm;

namespace {

PyObject* mappingError(PyThreadState*, PyObject* update) {
  if (PyErr_ExceptionMatches(PyExc_AttributeError)) {
    PyErr_Format(PyExc_TypeError, "'%.200s' object is not a mapping", Py_TYPE(update)->tp_name);
  }
  return nullptr;
}

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
[[gnu::noinline]] int storeCarefully(Frame* frame, const UnpackTargets& targets, size_t from, PyObject* const* items) {
  PyObject* own[UnpackTargets::kMost];
  for (size_t i = from; i < targets.count; ++i) own[i] = Py_NewRef(items[i]);
  storeUnpacked(frame, targets, from, own);
  return 0;
}

[[gnu::noinline]] int unpackIterable(PyThreadState* tstate, Frame* frame, int64_t borrowed, PyObject* iterable,
                                     const UnpackTargets& targets) {
  PyObject* pushed[UnpackTargets::kMost];
  PyObject* items[UnpackTargets::kMost];
  PyObject** top = pushed + targets.count;
  if (holding(borrowed, {iterable}, [&] { return _PyEval_UnpackIterable(tstate, iterable, targets.count, -1, top); }) ==
      0) {
    return -1;
  }
  for (size_t i = 0; i < targets.count; ++i) items[i] = *--top;
  storeUnpacked(frame, targets, 0, items);
  return 0;
}

}  // namespace

extern "C" {

PyObject* rt_build_tuple(PyObject* const* args, int64_t count) {
  PyObject* tuple = PyTuple_New(count);
  if (tuple == nullptr) return nullptr;
  for (int64_t i = 0; i < count; ++i) PyTuple_SET_ITEM(tuple, i, Py_NewRef(args[i]));
  return tuple;
}

PyObject* rt_build_list(PyObject* const* args, int64_t count) {
  PyObject* list = PyList_New(count);
  if (list == nullptr) return nullptr;
  for (int64_t i = 0; i < count; ++i) PyList_SET_ITEM(list, i, Py_NewRef(args[i]));
  return list;
}

PyObject* rt_build_set(PyThreadState* tstate, int64_t borrowed, PyObject* const* args, int64_t count) {
  PyObject* set = PySet_New(nullptr);
  if (set == nullptr) return nullptr;
  const HeldArguments held(static_cast<uint64_t>(borrowed), args);
  for (int64_t i = 0; i < count; ++i) {
    if (PySet_Add(set, args[i]) < 0) {
      Py_DECREF(set);
      return nullptr;
    }
  }
  return leaveChecked(tstate, set);
}

PyObject* rt_build_map(PyThreadState* tstate, int64_t borrowed, PyObject* const* args, int64_t count) {
  const HeldArguments held(static_cast<uint64_t>(borrowed), args);
  return leaveChecked(tstate, _PyDict_FromItems(args, 2, args + 1, 2, count / 2));
}

PyObject* rt_build_const_key_map(PyThreadState* tstate, int64_t borrowed, PyObject* keys, PyObject* const* args,
                                 int64_t count) {
  const HeldArguments held(static_cast<uint64_t>(borrowed) >> 1, args);
  return leaveChecked(tstate, _PyDict_FromItems(&PyTuple_GET_ITEM(keys, 0), 1, args, 1, count));
}

PyObject* rt_build_string(PyObject* const* args, int64_t count) {
  return _PyUnicode_JoinArray(martlet_singletons.emptyString, args, count);
}

PyObject* rt_build_slice(PyObject* start, PyObject* stop, PyObject* step) {
  return PySlice_New(start, stop, step);
}

int rt_list_extend(PyThreadState* tstate, int64_t borrowed, PyObject* list, PyObject* iterable) {
  PyObject* none = holding(borrowed, {list, iterable},
                           [&] { return _PyList_Extend(reinterpret_cast<PyListObject*>(list), iterable); });
  if (none != nullptr) return leaveChecked(tstate, 0);
  if (PyErr_ExceptionMatches(PyExc_TypeError) && Py_TYPE(iterable)->tp_iter == nullptr && !PySequence_Check(iterable)) {
    PyErr_Clear();
    PyErr_Format(PyExc_TypeError, "Value after * must be an iterable, not %.200s", Py_TYPE(iterable)->tp_name);
  }
  return -1;
}

int rt_set_add(PyThreadState* tstate, int64_t borrowed, PyObject* set, PyObject* value) {
  return leaveChecked(tstate, holding(borrowed, {set, value}, [&] { return PySet_Add(set, value); }));
}

int rt_set_update(PyThreadState* tstate, int64_t borrowed, PyObject* set, PyObject* iterable) {
  return leaveChecked(tstate, holding(borrowed, {set, iterable}, [&] { return _PySet_Update(set, iterable); }));
}

int rt_map_add(PyThreadState* tstate, PyObject* dict, PyObject* key, PyObject* value) {
  return leaveChecked(tstate, PyDict_SetItem(dict, key, value));
}

int rt_dict_update(PyThreadState* tstate, int64_t borrowed, PyObject* dict, PyObject* update) {
  if (holding(borrowed, {dict, update}, [&] { return PyDict_Update(dict, update); }) == 0)
    return leaveChecked(tstate, 0);
  mappingError(tstate, update);
  return -1;
}

int rt_dict_merge(PyThreadState* tstate, int64_t borrowed, PyObject* callable, PyObject* dict, PyObject* update) {
  if (holding(borrowed, {callable, dict, update}, [&] { return _PyDict_MergeEx(dict, update, 2); }) == 0)
    return leaveChecked(tstate, 0);
  _PyEval_FormatKwargsError(tstate, callable, update);
  return -1;
}

int rt_unpack_to_slots(PyThreadState* tstate, Frame* frame, int64_t borrowed, PyObject* sequence, int64_t targets,
                       int64_t slots, int64_t moreSlots) {
  const UnpackTargets::Words words = {targets, slots, moreSlots};
  const auto count = static_cast<size_t>(targets & 0xff);
  PyObject* const* items = nullptr;
  if (PyTuple_CheckExact(sequence) && static_cast<size_t>(PyTuple_GET_SIZE(sequence)) == count) {
    items = reinterpret_cast<PyTupleObject*>(sequence)->ob_item;
  } else if (PyList_CheckExact(sequence) && static_cast<size_t>(PyList_GET_SIZE(sequence)) == count) {
    items = reinterpret_cast<PyListObject*>(sequence)->ob_item;
  } else {
    return unpackIterable(tstate, frame, borrowed, sequence, UnpackTargets::unpack(words));
  }
  uint8_t slot[UnpackTargets::kMost];
  std::memcpy(slot, &words[1], sizeof slot);
  for (size_t i = 0; i < count; ++i) {
    PyObject** place = &frame->localsplus[slot[i]];
    PyObject *old = *place, *item = items[i];
    if (old == item) continue;  // a reference more, and one less
    if (old != nullptr && Py_REFCNT(old) == 1) {
      return storeCarefully(frame, UnpackTargets::unpack(words), i, items);
    }
    *place = Py_NewRef(item);
    Py_XDECREF(old);
  }
  return 0;
}

int rt_unpack_ex(PyThreadState* tstate, int64_t borrowed, PyObject* sequence, int64_t before, int64_t after,
                 PyObject** outputs) {
  PyObject** top = outputs + before + 1 + after;
  return holding(borrowed, {sequence},
                 [&] {
                   return _PyEval_UnpackIterable(tstate, sequence, static_cast<int>(before), static_cast<int>(after),
                                                 top);
                 }) != 0
             ? 0
             : -1;
}

PyObject* rt_convert_value(PyThreadState* tstate, int64_t borrowed, PyObject* value, int64_t oparg) {
  return leaveChecked(tstate, holding(borrowed, {value}, [&] { return _PyEval_ConversionFuncs[oparg](value); }));
}

PyObject* rt_format_simple(PyThreadState* tstate, int64_t borrowed, PyObject* value) {
  if (PyUnicode_CheckExact(value)) return Py_NewRef(value);
  return leaveChecked(tstate, holding(borrowed, {value}, [&] { return PyObject_Format(value, nullptr); }));
}

PyObject* rt_format_with_spec(PyThreadState* tstate, int64_t borrowed, PyObject* value, PyObject* spec) {
  return leaveChecked(tstate, holding(borrowed, {value, spec}, [&] { return PyObject_Format(value, spec); }));
}

}  // extern "C"
