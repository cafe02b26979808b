// SPDX-License-Identifier: MIT
// The out-of-line halves of the inline helpers. Never in bitcode. Must not know: LLVM.
#include <algorithm>
#include <bit>
#include <iterator>
#include <utility>

#include "lowering/native_abi.h"
#include "vm/runtime/class_functions.h"
#include "vm/runtime/class_operators.h"
#include "vm/runtime/emergency.h"
#include "vm/runtime/held.h"
#include "vm/runtime/inline.h"
#include "vm/runtime/site_cache.h"
#include "vm/runtime/words.h"

using namespace martlet;
using namespace martlet::vm;

namespace {

/// A reference that ends with its scope.
class Reference {
 public:
  explicit Reference(PyObject* object) : object_(object) {}
  ~Reference() { Py_XDECREF(object_); }
  Reference(const Reference&) = delete;
  Reference& operator=(const Reference&) = delete;
  PyObject* get() const { return object_; }

 private:
  PyObject* object_;
};

/// PyLong_FromLong() for a number that is none of the small ones; in half of the time where it has one or two digits.
PyObject* newInt(int64_t value) {
  const uint64_t magnitude = value < 0 ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  if (magnitude >> (2 * PyLong_SHIFT) != 0) [[unlikely]]
    return PyLong_FromLong(value);
  const Py_ssize_t count = magnitude > PyLong_MASK ? 2 : 1;
  constexpr size_t kHead = offsetof(PyLongObject, long_value.ob_digit);
  auto* number = static_cast<PyLongObject*>(PyObject_Malloc(kHead + static_cast<size_t>(count) * sizeof(digit)));
  if (number == nullptr) return PyErr_NoMemory();
  number->ob_base.ob_refcnt = 1;
  number->ob_base.ob_type = &PyLong_Type;
  _PyLong_SetSignAndDigitCount(number, value < 0 ? -1 : 1, count);
  number->long_value.ob_digit[0] = static_cast<digit>(magnitude & PyLong_MASK);
  if (count > 1) number->long_value.ob_digit[1] = static_cast<digit>(magnitude >> PyLong_SHIFT);
  return reinterpret_cast<PyObject*>(number);
}

}  // namespace

extern "C" {

bool rt_has_type(PyObject* object, int64_t typeBits) {
  const auto bits = static_cast<uint32_t>(typeBits);
  const auto* found = std::find(std::begin(kExactTypes), std::end(kExactTypes), Py_TYPE(object));
  if (found == std::end(kExactTypes)) return (bits & kOtherTypesBit) != 0;
  return (bits >> (found - std::begin(kExactTypes)) & 1) != 0;
}

bool rt_end_quietly(PyObject* object) {
  if (!endsQuietly(object)) return false;
  _Py_Dealloc(object);
  return true;
}

void rt_end_shown(Frame* frame, PyObject* object, int64_t offset) {
  _Py_CODEUNIT* const shown = frame->instr_ptr;
  rt_set_instruction(frame, offset);
  _Py_Dealloc(object);
  frame->instr_ptr = shown;
}

void rt_release_last(Frame* frame, PyObject* object, int64_t offset, PyObject* const* words, int64_t count) {
  PyObject* before = nullptr;
  for (int64_t i = 0; i + 1 < count; i += 2) {
    const auto place = martlet::SlotWord::unpack(std::bit_cast<uint64_t>(words[i]));
    const uint64_t value = std::bit_cast<uint64_t>(words[i + 1]);
    if (place.conditional && words[++i + 1] == nullptr) continue;
    const bool isNew = !place.shared && place.kind != martlet::ExitValue::Kind::Object;
    PyObject* content = place.shared ? before : objectOfWord(place.kind, value);
    before = isNew ? content : Py_XNewRef(content);
    PyObject* old = std::exchange(frame->localsplus[place.slot], before);
    Py_XDECREF(old);  // a number: nothing runs
  }
  rt_end_shown(frame, object, offset);
}

ColdInt rt_cold_unbox_int(PyObject* object) {
  if (!PyLong_CheckExact(object)) return {0, 0};
  const PyLongObject* value = asLong(object);
  const Py_ssize_t digits = _PyLong_DigitCount(value);
  if (digits == 2) {
    const auto both = static_cast<int64_t>(value->long_value.ob_digit[0]) |
                      static_cast<int64_t>(value->long_value.ob_digit[1]) << PyLong_SHIFT;
    return {_PyLong_IsNegative(value) ? -both : both, 1};
  }
  if (digits > 3) return {0, 0};  // 3 digits are 90 bits
  unsigned __int128 magnitude = 0;
  for (Py_ssize_t i = digits; i-- > 0;) magnitude = (magnitude << PyLong_SHIFT) | value->long_value.ob_digit[i];
  const bool negative = _PyLong_IsNegative(value);
  const unsigned __int128 limit = static_cast<uint64_t>(INT64_MAX) + static_cast<uint64_t>(negative);
  if (magnitude > limit) return {0, 0};
  const auto low = static_cast<uint64_t>(magnitude);
  return {static_cast<int64_t>(negative ? 0 - low : low), 1};
}

PyObject* rt_cold_box_int(int64_t value) {
  PyObject* object = newInt(value);
  return object != nullptr ? object : emergencyInt(value);
}
PyObject* rt_cold_box_float(double value) {
  PyObject* object = PyFloat_FromDouble(value);
  return object != nullptr ? object : emergencyFloat(value);
}

PyObject* rt_cold_make_int(int64_t value) {
  return newInt(value);
}
PyObject* rt_cold_make_float(double value) {
  return PyFloat_FromDouble(value);
}

int rt_cold_to_bool(PyThreadState* tstate, int64_t borrowed, PyObject* object) {
  return leaveChecked(tstate, holding(borrowed, {object}, [&] { return PyObject_IsTrue(object); }));
}

ColdItem rt_cold_for_iter(PyThreadState* tstate, int64_t borrowed, PyObject* iterator) {
  ColdItem result = {};
  result.status = rt_for_iter(tstate, borrowed, iterator, &result.item);
  return result;
}

PyObject* rt_cold_unbound_deref(PyThreadState* tstate, Frame* frame, int64_t slot) {
  _PyEval_FormatExcUnbound(tstate, _PyFrame_GetCode(frame), static_cast<int>(slot));
  return nullptr;
}

PyObject* rt_cold_call_len(PyThreadState* tstate, int64_t borrowed, PyObject* object) {
  const Py_ssize_t length = holding(borrowed, {object}, [&] { return PyObject_Length(object); });
  return length < 0 ? nullptr : leaveChecked(tstate, PyLong_FromSsize_t(length), true);
}

PyObject* rt_cold_call_isinstance(PyThreadState* tstate, int64_t borrowed, PyObject* object, PyObject* type) {
  const int answer = holding(borrowed, {object, type}, [&] { return PyObject_IsInstance(object, type); });
  return answer < 0 ? nullptr : leaveChecked(tstate, boolObject(answer != 0), true);
}

ColdPair rt_cold_unpack_pair(PyThreadState* tstate, int64_t borrowed, PyObject* sequence) {
  PyObject* values[2] = {};
  if (rt_cold_unpack_sequence(tstate, borrowed, sequence, 2, values) < 0) return {};
  return {values[0], values[1]};
}

int rt_cold_unpack_sequence(PyThreadState* tstate, int64_t borrowed, PyObject* sequence, int64_t count,
                            PyObject** outputs) {
  PyObject** items = nullptr;
  if (PyTuple_CheckExact(sequence) && PyTuple_GET_SIZE(sequence) == count) {
    items = reinterpret_cast<PyTupleObject*>(sequence)->ob_item;
  } else if (PyList_CheckExact(sequence) && PyList_GET_SIZE(sequence) == count) {
    items = reinterpret_cast<PyListObject*>(sequence)->ob_item;
  }
  if (items == nullptr) {
    return holding(borrowed, {sequence},
                   [&] {
                     return _PyEval_UnpackIterable(tstate, sequence, static_cast<int>(count), -1, outputs + count);
                   }) != 0
               ? 0
               : -1;
  }
  for (int64_t i = 0; i < count; ++i) outputs[count - 1 - i] = Py_NewRef(items[i]);
  return 0;
}

PyObject* rt_cold_subscr_i64(PyThreadState* tstate, int64_t borrowed, PyObject* container, int64_t index) {
  const Reference key(boxInt(index));
  return key.get() != nullptr ? rt_subscr(tstate, borrowed, container, key.get()) : nullptr;
}

int rt_cold_store_subscr_i64(PyThreadState* tstate, int64_t borrowed, PyObject* container, int64_t index,
                             PyObject* value) {
  const Reference key(boxInt(index));
  return key.get() != nullptr ? rt_store_subscr(tstate, borrowed, container, key.get(), value) : -1;
}

bool rt_cold_list_store_float(PyObject** place, double value) {
  PyObject* old = *place;
  if (!isPlainRelease(old)) return false;
  *place = rt_cold_box_float(value);
  Py_DECREF(old);
  return true;
}

bool rt_cold_is_learned_property(const SiteCache* cache) {
  return cache->isLearnedProperty();
}

bool rt_cold_learn_operands(SiteCache* cache, PyObject* container, PyObject* key, int64_t use) {
  const PyTypeObject* type = Py_TYPE(container);
  const bool mayHaveMethod = (type->tp_flags & Py_TPFLAGS_HEAPTYPE) != 0 && type != martlet_singletons.arrayType;
  const bool isNumber = PyLong_CheckExact(container) || PyFloat_CheckExact(container);
  if (isNumber && (use == operand_use::kLoadItem || use == operand_use::kStoreItem)) return true;
  if (use == operand_use::kNumbers || !mayHaveMethod) {
    return recordOperands(cache, container, key);
  }
  PyObject* method = nullptr;
  if (use == operand_use::kLoadItem) method = ofClass(container, martlet_singletons.dunderGetitem);
  if (use == operand_use::kStoreItem) method = ofClass(container, martlet_singletons.dunderSetitem);
  if (use >= operand_use::kOperator) method = operatorMethod(container, key, use - operand_use::kOperator);
  return recordMethod(cache, method, container, use >= operand_use::kOperator ? key : nullptr);
}

int rt_cold_list_grow(PyObject* list, PyObject* value) {
  return _PyList_AppendTakeRefListResize(reinterpret_cast<PyListObject*>(list), Py_NewRef(value));
}

}  // extern "C"
