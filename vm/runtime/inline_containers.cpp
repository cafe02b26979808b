// SPDX-License-Identifier: MIT
// Inline helpers: subscripts, building, taking apart, iteration. Also compiled to bitcode. Must not know: HIR, LLVM.
#include "lowering/native_abi.h"
#include "vm/cpython_3_13/array_layout.h"
#include "vm/runtime/inline.h"
#include "vm/runtime/site_cache.h"

using namespace martlet;
using namespace martlet::vm;

namespace {

/// The index that an exact non-negative one-digit int stands for; otherwise a huge one.
inline size_t plainIndex(PyObject* key) {
  // Tags up to 8: zero (1) and positive (8) values of at most one digit.
  if (!Py_IS_TYPE(key, &PyLong_Type) || asLong(key)->long_value.lv_tag > (1U << _PyLong_NON_SIZE_BITS)) return SIZE_MAX;
  return asLong(key)->long_value.ob_digit[0];
}

inline PyObject* item(PyObject* const* items, size_t index) {
  PyObject* object = items[index];
  retain(object);
  return object;
}

inline PyObject** listItems(PyObject* list) {
  return reinterpret_cast<PyListObject*>(list)->ob_item;
}
inline PyObject** tupleItems(PyObject* tuple) {
  return reinterpret_cast<PyTupleObject*>(tuple)->ob_item;
}

/// Another iterator, or the end: what tp_iternext does there is the same. In registers: see ColdItem.
inline int otherItem(PyThreadState* tstate, int64_t borrowed, PyObject* iterator, PyObject** outputs) {
  const ColdItem slow = rt_cold_for_iter(tstate, borrowed, iterator);
  outputs[0] = slow.item;
  return static_cast<int>(slow.status);
}

/// The items of an exact tuple or list of that size, or NULL.
inline PyObject* const* itemsOf(PyObject* sequence, size_t size) {
  const bool isTuple = Py_IS_TYPE(sequence, &PyTuple_Type);
  if ((!isTuple && !Py_IS_TYPE(sequence, &PyList_Type)) || sizeOf(sequence) != size) [[unlikely]]
    return nullptr;
  return isTuple ? tupleItems(sequence) : listItems(sequence);
}

inline void replaceItem(PyObject** place, PyObject* value) {
  PyObject* old = *place;
  retain(value);
  *place = value;
  release(old);  // last: it may run code that changes the list
}

/// Where an item of an exact array is; NULL if it is none, has another type code, or has no such item.
inline char* arrayPlace(PyObject* object, int64_t index, int64_t typeCode, size_t itemSize) {
  if (Py_TYPE(object) != martlet_singletons.arrayType) [[unlikely]]
    return nullptr;
  const port::ArrayObject* array = port::asArray(object);
  const size_t size = sizeOf(object), place = wrapped(index, size);
  if (array->descriptor->typeCode != typeCode || place >= size) [[unlikely]]
    return nullptr;
  return array->items + place * itemSize;
}

template <class T>
inline bool loadInt(PyObject* array, int64_t index, int64_t typeCode, int64_t* result) {
  const char* place = arrayPlace(array, index, typeCode, sizeof(T));
  if (place == nullptr) [[unlikely]]
    return false;
  T item;
  __builtin_memcpy(&item, place, sizeof item);
  *result = static_cast<int64_t>(item);  // NOLINT(bugprone-signed-char-misuse): 'b' items are signed numbers
  return true;
}

template <class T>
inline bool storeInt(PyObject* array, int64_t index, int64_t typeCode, int64_t value) {
  char* place = arrayPlace(array, index, typeCode, sizeof(T));
  const T item = static_cast<T>(value);
  if (place == nullptr || static_cast<int64_t>(item) != value) [[unlikely]]
    return false;
  __builtin_memcpy(place, &item, sizeof item);
  return true;
}

/// What `body` makes of an item of the C type that a type code of integers stands for; false for any other code.
template <class Body>
MARTLET_ALWAYS_INLINE inline bool withItemType(int64_t typeCode, Body&& body) {
  switch (typeCode) {
  case 'b': return body(static_cast<signed char>(0));
  case 'B': return body(static_cast<unsigned char>(0));
  case 'h': return body(static_cast<short>(0));
  case 'H': return body(static_cast<unsigned short>(0));
  case 'i': return body(0);
  case 'I': return body(0U);
  case 'l':
  case 'q': return body(int64_t{0});
  default: return false;
  }
}

}  // namespace

extern "C" {

PyObject* rt_subscr_list_int(PyThreadState* tstate, int64_t borrowed, PyObject* container, PyObject* key) {
  if (Py_IS_TYPE(container, &PyList_Type)) [[likely]] {
    const size_t index = plainIndex(key);
    if (index < sizeOf(container)) [[likely]]
      return item(listItems(container), index);
  }
  return rt_subscr(tstate, borrowed, container, key);
}

PyObject* rt_subscr_tuple_int(PyThreadState* tstate, int64_t borrowed, PyObject* container, PyObject* key) {
  if (Py_IS_TYPE(container, &PyTuple_Type)) [[likely]] {
    const size_t index = plainIndex(key);
    if (index < sizeOf(container)) [[likely]]
      return item(tupleItems(container), index);
  }
  return rt_subscr(tstate, borrowed, container, key);
}

PyObject* rt_subscr_str_int(PyThreadState* tstate, int64_t borrowed, PyObject* container, PyObject* key) {
  if (const unsigned char* characters = asciiText(container)) [[likely]] {
    const size_t index = plainIndex(key);
    if (index < static_cast<size_t>(reinterpret_cast<PyASCIIObject*>(container)->length)) [[likely]]
      return asciiString(characters[index]);
  }
  return rt_subscr(tstate, borrowed, container, key);
}

PyObject* rt_subscr_list_i64(PyThreadState* tstate, int64_t borrowed, PyObject* container, int64_t index) {
  if (Py_IS_TYPE(container, &PyList_Type)) [[likely]] {
    const size_t size = sizeOf(container), place = wrapped(index, size);
    if (place < size) [[likely]]
      return item(listItems(container), place);
  }
  return rt_cold_subscr_i64(tstate, borrowed, container, index);
}

PyObject* rt_subscr_tuple_i64(PyThreadState* tstate, int64_t borrowed, PyObject* container, int64_t index) {
  if (Py_IS_TYPE(container, &PyTuple_Type)) [[likely]] {
    const size_t size = sizeOf(container), place = wrapped(index, size);
    if (place < size) [[likely]]
      return item(tupleItems(container), place);
  }
  return rt_cold_subscr_i64(tstate, borrowed, container, index);
}

int rt_store_subscr_list_int(PyThreadState* tstate, int64_t borrowed, PyObject* container, PyObject* key,
                             PyObject* value) {
  if (Py_IS_TYPE(container, &PyList_Type)) [[likely]] {
    const size_t index = plainIndex(key);
    if (index < sizeOf(container)) [[likely]] {
      replaceItem(listItems(container) + index, value);
      return 0;
    }
  }
  return rt_store_subscr(tstate, borrowed, container, key, value);
}

int rt_store_subscr_list_i64(PyThreadState* tstate, int64_t borrowed, PyObject* container, int64_t index,
                             PyObject* value) {
  if (Py_IS_TYPE(container, &PyList_Type)) [[likely]] {
    const size_t size = sizeOf(container), place = wrapped(index, size);
    if (place < size) [[likely]] {
      replaceItem(listItems(container) + place, value);
      return 0;
    }
  }
  return rt_cold_store_subscr_i64(tstate, borrowed, container, index, value);
}

MARTLET_ALWAYS_INLINE bool rt_list_item(PyObject* list, int64_t index, PyObject** result) {
  const size_t size = sizeOf(list), place = wrapped(index, size);
  *result = nullptr;
  if (place >= size) [[unlikely]]
    return false;
  *result = listItems(list)[place];
  return true;
}

MARTLET_ALWAYS_INLINE bool rt_tuple_item(PyObject* tuple, int64_t index, PyObject** result) {
  const size_t size = sizeOf(tuple), place = wrapped(index, size);
  *result = nullptr;
  if (place >= size) [[unlikely]]
    return false;
  *result = tupleItems(tuple)[place];
  return true;
}

MARTLET_ALWAYS_INLINE bool rt_list_store(PyObject* list, int64_t index, PyObject* value) {
  const size_t size = sizeOf(list), place = wrapped(index, size);
  if (place >= size) [[unlikely]]
    return false;
  PyObject** items = listItems(list);
  PyObject* old = items[place];
  if (!isPlainRelease(old)) [[unlikely]]
    return false;
  items[place] = value;
  release(old);
  return true;
}

// A float that only the list has a reference of is as good as a new one.
MARTLET_ALWAYS_INLINE bool rt_list_store_float(PyObject* list, int64_t index, double value) {
  const size_t size = sizeOf(list), place = wrapped(index, size);
  if (place >= size) [[unlikely]]
    return false;
  PyObject* old = listItems(list)[place];
  if (!isFloat(old) || old->ob_refcnt != 1) [[unlikely]]
    return rt_cold_list_store_float(listItems(list) + place, value);
  reinterpret_cast<PyFloatObject*>(old)->ob_fval = value;
  return true;
}

MARTLET_ALWAYS_INLINE bool rt_array_float(PyObject* array, int64_t index, double* result) {
  *result = 0;
  const char* place = arrayPlace(array, index, 'd', sizeof(double));
  if (place == nullptr) [[unlikely]]
    return false;
  __builtin_memcpy(result, place, sizeof(double));
  return true;
}

MARTLET_ALWAYS_INLINE bool rt_array_int(PyObject* array, int64_t index, int64_t typeCode, int64_t* result) {
  *result = 0;
  return withItemType(typeCode, [&](auto item) { return loadInt<decltype(item)>(array, index, typeCode, result); });
}

MARTLET_ALWAYS_INLINE bool rt_array_store_float(PyObject* array, int64_t index, double value) {
  char* place = arrayPlace(array, index, 'd', sizeof(double));
  if (place == nullptr) [[unlikely]]
    return false;
  __builtin_memcpy(place, &value, sizeof(double));
  return true;
}

MARTLET_ALWAYS_INLINE bool rt_array_store_int(PyObject* array, int64_t index, int64_t typeCode, int64_t value) {
  return withItemType(typeCode, [&](auto item) { return storeInt<decltype(item)>(array, index, typeCode, value); });
}

/// False for classes that are made in C: nobody puts Python functions into them.
static MARTLET_ALWAYS_INLINE bool mayHaveFunctions(const PyTypeObject* type) {
  constexpr unsigned long kBoth = Py_TPFLAGS_HEAPTYPE | Py_TPFLAGS_IMMUTABLETYPE;
  return (type->tp_flags & kBoth) == Py_TPFLAGS_HEAPTYPE;
}

MARTLET_ALWAYS_INLINE bool rt_operands_unlearned(SiteCache* cache, PyObject* left, PyObject* right, int64_t use) {
  constexpr unsigned long kLearned =
      Py_TPFLAGS_LONG_SUBCLASS | Py_TPFLAGS_LIST_SUBCLASS | Py_TPFLAGS_TUPLE_SUBCLASS | Py_TPFLAGS_BYTES_SUBCLASS;
  PyTypeObject* type = Py_TYPE(left);
  if ((type->tp_flags & kLearned) == 0 && type != &PyFloat_Type && type != &PyByteArray_Type &&
      type != martlet_singletons.arrayType && (use == operand_use::kNumbers || !mayHaveFunctions(type))) [[likely]]
    return true;
  if (cache == nullptr || cache->entries[0].kind == SiteEntry::MixedTypes) return true;
  return rt_cold_learn_operands(cache, left, right, use);
}

MARTLET_ALWAYS_INLINE PyObject* rt_list_item_in_range(PyObject* list, int64_t index) {
  return listItems(list)[index];
}
MARTLET_ALWAYS_INLINE PyObject* rt_tuple_item_in_range(PyObject* tuple, int64_t index) {
  return tupleItems(tuple)[index];
}

MARTLET_ALWAYS_INLINE bool rt_list_has_next(PyObject* iterator) {
  const auto* it = reinterpret_cast<_PyListIterObject*>(iterator);
  const PyListObject* list = it->it_seq;
  return list != nullptr && static_cast<size_t>(it->it_index) < static_cast<size_t>(list->ob_base.ob_size);
}
MARTLET_ALWAYS_INLINE bool rt_tuple_has_next(PyObject* iterator) {
  const auto* it = reinterpret_cast<_PyTupleIterObject*>(iterator);
  const PyTupleObject* tuple = it->it_seq;
  return tuple != nullptr && static_cast<size_t>(it->it_index) < static_cast<size_t>(tuple->ob_base.ob_size);
}

MARTLET_ALWAYS_INLINE PyObject* rt_list_peek(PyObject* iterator) {
  const auto* it = reinterpret_cast<_PyListIterObject*>(iterator);
  return it->it_seq->ob_item[it->it_index];
}
MARTLET_ALWAYS_INLINE PyObject* rt_tuple_peek(PyObject* iterator) {
  const auto* it = reinterpret_cast<_PyTupleIterObject*>(iterator);
  return it->it_seq->ob_item[it->it_index];
}

// Iterators of lists and of tuples begin with the same fields.
MARTLET_ALWAYS_INLINE void rt_skip_item(PyObject* iterator) {
  static_assert(offsetof(_PyListIterObject, it_index) == offsetof(_PyTupleIterObject, it_index));
  reinterpret_cast<_PyListIterObject*>(iterator)->it_index++;
}

MARTLET_ALWAYS_INLINE int64_t rt_size_of(PyObject* sequence) {
  return static_cast<int64_t>(sizeOf(sequence));
}

int rt_list_append(PyObject* list, PyObject* value) {
  auto* object = reinterpret_cast<PyListObject*>(list);
  const Py_ssize_t size = object->ob_base.ob_size;
  if (object->allocated <= size) [[unlikely]]
    return rt_cold_list_grow(list, value);
  retain(value);
  object->ob_item[size] = value;
  object->ob_base.ob_size = size + 1;
  return 0;
}

int rt_unpack_sequence(PyThreadState* tstate, int64_t borrowed, PyObject* sequence, int64_t count, PyObject** outputs) {
  // `count` is a constant at each site. Where all are of one class, and few, it does not come here; pairs are what is
  // worth inlining.
  if (count != 2) return rt_cold_unpack_sequence(tstate, borrowed, sequence, count, outputs);
  if (PyObject* const* items = itemsOf(sequence, 2)) [[likely]] {
    outputs[1] = item(items, 0);
    outputs[0] = item(items, 1);
    return 0;
  }
  const ColdPair slow = rt_cold_unpack_pair(tstate, borrowed, sequence);
  outputs[0] = slow.first;
  outputs[1] = slow.second;
  return slow.first != nullptr ? 0 : -1;
}

int rt_for_iter_list(PyThreadState* tstate, int64_t borrowed, PyObject* iterator, PyObject** outputs) {
  if (Py_IS_TYPE(iterator, &PyListIter_Type)) [[likely]] {
    auto* it = reinterpret_cast<_PyListIterObject*>(iterator);
    PyListObject* list = it->it_seq;
    const auto index = static_cast<size_t>(it->it_index);
    if (list != nullptr && index < static_cast<size_t>(PyList_GET_SIZE(list))) [[likely]] {
      it->it_index++;
      outputs[0] = item(list->ob_item, index);
      return 1;
    }
  }
  return otherItem(tstate, borrowed, iterator, outputs);
}

int rt_for_iter_tuple(PyThreadState* tstate, int64_t borrowed, PyObject* iterator, PyObject** outputs) {
  if (Py_IS_TYPE(iterator, &PyTupleIter_Type)) [[likely]] {
    auto* it = reinterpret_cast<_PyTupleIterObject*>(iterator);
    PyTupleObject* tuple = it->it_seq;
    const auto index = static_cast<size_t>(it->it_index);
    if (tuple != nullptr && index < static_cast<size_t>(PyTuple_GET_SIZE(tuple))) [[likely]] {
      it->it_index++;
      outputs[0] = item(tuple->ob_item, index);
      return 1;
    }
  }
  return otherItem(tstate, borrowed, iterator, outputs);
}

MARTLET_ALWAYS_INLINE bool rt_range_next(PyObject* iterator, int64_t* result) {
  auto* it = reinterpret_cast<_PyRangeIterObject*>(iterator);
  *result = 0;
  if (it->len <= 0) return false;
  const long value = it->start;
  it->start = static_cast<long>(static_cast<unsigned long>(value) + static_cast<unsigned long>(it->step));
  it->len--;
  *result = value;
  return true;
}

// As range_iter() decides in rangeobject.c.
MARTLET_ALWAYS_INLINE bool rt_range_length(int64_t start, int64_t stop, int64_t step, int64_t* length) {
  *length = 0;
  if (step == 0) return false;
  if (step > 0 ? start >= stop : start <= stop) return true;
  const auto low = static_cast<uint64_t>(step > 0 ? start : stop),
             high = static_cast<uint64_t>(step > 0 ? stop : start);
  const uint64_t stride = step > 0 ? static_cast<uint64_t>(step) : 0 - static_cast<uint64_t>(step);
  const uint64_t count = 1 + (high - 1 - low) / stride;
  if (count > INT64_MAX || (step > 0 ? stop > INT64_MAX - (step - 1) : stop < INT64_MIN + (-1 - step))) return false;
  *length = static_cast<int64_t>(count);
  return true;
}

MARTLET_ALWAYS_INLINE bool rt_is_own_range(PyObject* iterator) {
  return Py_IS_TYPE(iterator, &PyRangeIter_Type) && iterator->ob_refcnt == 1;
}

MARTLET_ALWAYS_INLINE int64_t rt_range_field(PyObject* iterator, int64_t field) {
  const auto* it = reinterpret_cast<_PyRangeIterObject*>(iterator);
  return field == 0 ? it->start : field == 1 ? it->len : it->step;
}

MARTLET_ALWAYS_INLINE void rt_sync_range(PyObject* iterator, int64_t next, int64_t left) {
  auto* it = reinterpret_cast<_PyRangeIterObject*>(iterator);
  it->start = next;
  it->len = left;
}

int rt_for_iter_range(PyThreadState* tstate, int64_t borrowed, PyObject* iterator, PyObject** outputs) {
  int64_t value = 0;
  if (Py_IS_TYPE(iterator, &PyRangeIter_Type) && rt_range_next(iterator, &value)) [[likely]] {
    outputs[0] = boxInt(value);
    return __builtin_expect(outputs[0] == nullptr, 0) ? -1 : 1;
  }
  return otherItem(tstate, borrowed, iterator, outputs);
}

}  // extern "C"
