// SPDX-License-Identifier: MIT
// Helpers: slices. Owns: those of CPython's own sequences by plain bounds, for which no slice object is made. Must not
// know: HIR, LLVM.
#include <algorithm>
#include <utility>

#include "vm/runtime/held.h"
#include "vm/runtime/inline.h"

using namespace martlet::vm;

namespace {

/// The bounds of a slice; those of exact ints of one digit, or None, are plain.
class Bounds {
 public:
  Bounds(PyObject* start, PyObject* stop, PyObject* step) : start_(start), stop_(stop), step_(step) {}

  /// Reads plain bounds, as they are for a sequence of `size` items. False where they are not plain.
  bool resolve(Py_ssize_t size) {
    if (step_ != nullptr && (!read(step_, 1, step) || step == 0)) return false;
    if (!read(start_, step < 0 ? PY_SSIZE_T_MAX : 0, first)) return false;
    if (!read(stop_, step < 0 ? PY_SSIZE_T_MIN : PY_SSIZE_T_MAX, stop)) return false;
    adjust(size);
    return true;
  }

  Py_ssize_t first = 0, stop = 0, step = 1;
  Py_ssize_t count = 0;

 private:
  /// PySlice_AdjustIndices without a division for the usual steps.
  void adjust(Py_ssize_t size) {
    const Py_ssize_t lowest = step < 0 ? -1 : 0, highest = step < 0 ? size - 1 : size;
    first = first < 0 ? std::max(first + size, lowest) : std::min(first, highest);
    stop = stop < 0 ? std::max(stop + size, lowest) : std::min(stop, highest);
    const Py_ssize_t distance = step < 0 ? first - stop : stop - first;
    count = std::max<Py_ssize_t>(distance, 0);
    if (count > 1 && step != 1 && step != -1) count = (count - 1) / (step < 0 ? -step : step) + 1;
  }
  static bool read(PyObject* bound, Py_ssize_t absent, Py_ssize_t& value) {
    if (bound == Py_None) {
      value = absent;
      return true;
    }
    if (!isCompactLong(bound)) return false;
    value = compactValue(bound);
    return true;
  }

 protected:
  PyObject *start_, *stop_, *step_;
};

/// The same with references of its own.
class OwnBounds : public Bounds {
 public:
  using Bounds::Bounds;
  ~OwnBounds() {
    Py_DECREF(start_);
    Py_DECREF(stop_);
    Py_XDECREF(step_);
  }
  OwnBounds(const OwnBounds&) = delete;
  OwnBounds& operator=(const OwnBounds&) = delete;

  /// The slice object, which then has the only references to the bounds; NULL without memory.
  PyObject* takeSlice() {
    PyObject* slice = PySlice_New(start_, stop_, step_);
    if (slice == nullptr) return nullptr;
    for (PyObject** bound : {&start_, &stop_, &step_}) {
      if (*bound != nullptr) Py_DECREF(std::exchange(*bound, Py_None));
    }
    return slice;
  }
};

PyObject* sliceOfList(PyObject* list, const Bounds& bounds) {
  PyObject* result = PyList_New(0);
  if (result == nullptr || bounds.count == 0) return result;
  auto** items = static_cast<PyObject**>(PyMem_Malloc(static_cast<size_t>(bounds.count) * sizeof(PyObject*)));
  if (items == nullptr) {
    Py_DECREF(result);
    return PyErr_NoMemory();
  }
  PyObject** from = reinterpret_cast<PyListObject*>(list)->ob_item + bounds.first;
  for (Py_ssize_t i = 0; i < bounds.count; ++i, from += bounds.step) {
    retain(*from);
    items[i] = *from;
  }
  auto* object = reinterpret_cast<PyListObject*>(result);
  object->ob_item = items;
  object->allocated = bounds.count;
  Py_SET_SIZE(object, bounds.count);
  return result;
}

/// The slice of a sequence whose class is CPython's own; false where it needs a slice object.
bool plainSlice(PyObject* container, Bounds& bounds, PyObject** result) {
  const PyTypeObject* type = Py_TYPE(container);
  if (type == &PyList_Type) {
    if (!bounds.resolve(PyList_GET_SIZE(container))) return false;
    *result = sliceOfList(container, bounds);
    return true;
  }
  if (type == &PyTuple_Type) {
    if (!bounds.resolve(PyTuple_GET_SIZE(container)) || bounds.step != 1) return false;
    *result = PyTuple_GetSlice(container, bounds.first, bounds.stop);
    return true;
  }
  if (type == &PyUnicode_Type) {
    if (!bounds.resolve(PyUnicode_GET_LENGTH(container)) || bounds.step != 1) return false;
    *result = PyUnicode_Substring(container, bounds.first, bounds.stop);
    return true;
  }
  if (type == &PyBytes_Type) {
    const Py_ssize_t size = PyBytes_GET_SIZE(container);
    if (!bounds.resolve(size) || bounds.step != 1) return false;
    *result = bounds.count == size && size != 0
                  ? Py_NewRef(container)
                  : PyBytes_FromStringAndSize(PyBytes_AS_STRING(container) + bounds.first, bounds.count);
    return true;
  }
  return false;
}

/// A slice of anything else, or by other bounds. `slice` is consumed; NULL without memory.
PyObject* generalSlice(PyThreadState* tstate, int64_t borrowed, PyObject* container, PyObject* slice,
                       PyObject* (*subscript)(PyThreadState*, int64_t, PyObject*, PyObject*)) {
  if (slice == nullptr) return nullptr;
  PyObject* result = subscript(tstate, borrowed, container, slice);
  Py_DECREF(slice);
  return result;
}

/// The items of an exact list or tuple.
PyObject** itemsOf(PyObject* sequence) {
  return PyList_CheckExact(sequence) ? reinterpret_cast<PyListObject*>(sequence)->ob_item
                                     : reinterpret_cast<PyTupleObject*>(sequence)->ob_item;
}

/// True if giving up these references runs no code, though an object may be among them several times.
inline bool arePlainReleases(PyObject* const* items, Py_ssize_t count) {
  // An immortal object has a large count, too.
  return std::all_of(items, items + count, [count](PyObject* item) {
    return item->ob_refcnt > count || PyLong_CheckExact(item) || PyFloat_CheckExact(item) || PyUnicode_CheckExact(item);
  });
}

/// Replaces as many items as `value`, a list or tuple, has; releasing the old ones runs no code.
void replaceItems(PyObject** items, Py_ssize_t count, PyObject* value) {
  PyObject** from = itemsOf(value);
  if (PyList_CheckExact(value) && Py_REFCNT(value) == 1) {
    // The caller's is the only reference, and about to go: what goes with the list may as well be the old items.
    std::swap_ranges(items, items + count, from);
    return;
  }
  for (Py_ssize_t i = 0; i < count; ++i) {
    PyObject* old = items[i];
    retain(from[i]);
    items[i] = from[i];
    release(old);
  }
}

/// Stores to a slice of an exact list; -2 where that needs a slice object.
int storePlainSlice(PyObject* list, Bounds& bounds, PyObject* value) {
  if (!PyList_CheckExact(list) || list == value || !(PyList_CheckExact(value) || PyTuple_CheckExact(value))) return -2;
  if (!bounds.resolve(PyList_GET_SIZE(list))) return -2;
  PyObject** items = reinterpret_cast<PyListObject*>(list)->ob_item + bounds.first;
  if (Py_SIZE(value) != bounds.count || !arePlainReleases(items, bounds.count)) {
    return PyList_SetSlice(list, bounds.first, bounds.stop, value);
  }
  replaceItems(items, bounds.count, value);
  return 0;
}

PyObject* subscriptBy(PyThreadState* tstate, int64_t borrowed, PyObject* container, PyObject* slice) {
  return leaveChecked(tstate, holding(borrowed, {container}, [&] { return PyObject_GetItem(container, slice); }));
}

}  // namespace

extern "C" {

PyObject* rt_binary_slice(PyThreadState* tstate, int64_t borrowed, PyObject* container, PyObject* start,
                          PyObject* stop) {
  OwnBounds bounds(start, stop, nullptr);
  PyObject* result = nullptr;
  if (plainSlice(container, bounds, &result)) return result;
  return generalSlice(tstate, borrowed, container, bounds.takeSlice(), subscriptBy);
}

PyObject* rt_subscr_slice(PyThreadState* tstate, int64_t borrowed, PyObject* container, PyObject* start, PyObject* stop,
                          PyObject* step) {
  OwnBounds bounds(start, stop, step);
  PyObject* result = nullptr;
  if (plainSlice(container, bounds, &result)) return result;
  return generalSlice(tstate, borrowed & 1, container, bounds.takeSlice(), rt_subscr);
}

bool rt_copy_slice(PyObject* list, PyObject* start, PyObject* stop, PyObject* from, PyObject* fromStart,
                   PyObject* fromStop, PyObject* fromStep) {
  constexpr Py_ssize_t kMost = 64;
  if (!PyList_CheckExact(list) || !PyList_CheckExact(from)) return false;
  Bounds place(start, stop, nullptr), source(fromStart, fromStop, fromStep);
  if (!source.resolve(PyList_GET_SIZE(from)) || !place.resolve(PyList_GET_SIZE(list))) return false;
  const Py_ssize_t count = source.count;
  PyObject** items = reinterpret_cast<PyListObject*>(list)->ob_item + place.first;
  if (place.count != count || count > kMost || !arePlainReleases(items, count)) return false;
  PyObject* copies[kMost];  // the slices may overlap
  PyObject** item = reinterpret_cast<PyListObject*>(from)->ob_item + source.first;
  for (Py_ssize_t i = 0; i < count; ++i, item += source.step) {
    retain(*item);
    copies[i] = *item;
  }
  for (Py_ssize_t i = 0; i < count; ++i) {
    PyObject* old = items[i];
    items[i] = copies[i];
    release(old);
  }
  return true;
}

int rt_store_slice(PyThreadState* tstate, int64_t borrowed, PyObject* container, PyObject* start, PyObject* stop,
                   PyObject* value) {
  OwnBounds bounds(start, stop, nullptr);
  int status = storePlainSlice(container, bounds, value);
  if (status == -2) {
    PyObject* slice = bounds.takeSlice();
    status = slice == nullptr
                 ? -1
                 : holding(borrowed, {container}, [&] { return PyObject_SetItem(container, slice, value); });
    Py_XDECREF(slice);
  }
  Py_DECREF(value);
  return leaveChecked(tstate, status);
}

}  // extern "C"
