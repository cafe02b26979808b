// SPDX-License-Identifier: MIT
// Helpers: iterators, generators, awaitables, pattern matching. Must not know: HIR, LLVM.
#include <algorithm>
#include <utility>

#include "vm/runtime/class_functions.h"
#include "vm/runtime/held.h"
#include "vm/runtime/leave.h"
#include "vm/runtime/runtime.h"
#include "vm/runtime/singletons.h"

using namespace martlet::vm;

namespace {

PyObject* awaitableFromAnext(PyObject* next) {
  PyObject* awaitable = _PyCoro_GetAwaitableIter(next);
  if (awaitable == nullptr) {
    _PyErr_FormatFromCause(PyExc_TypeError, "'async for' received an invalid object from __anext__: %.100s",
                           Py_TYPE(next)->tp_name);
  }
  Py_DECREF(next);
  return awaitable;
}

/// gen.send() without the method lookup: for a generator that is not running, SEND runs it in line.
bool isIdleGenerator(PyObject* object) {
  if (!PyGen_CheckExact(object) && !PyCoro_CheckExact(object)) return false;
  return reinterpret_cast<PyGenObject*>(object)->gi_frame_state < FRAME_EXECUTING;
}

/// As PyObject_GetIter().
PyObject* iteratorOf(PyThreadState* tstate, PyObject* iterable) {
  PyObject* function = ofClass(iterable, martlet_singletons.dunderIter);
  if (function == nullptr) return PyObject_GetIter(iterable);
  PyObject* iterator = callOfClass(tstate, function, {iterable});
  if (iterator == nullptr || PyIter_Check(iterator)) return iterator;
  PyErr_Format(PyExc_TypeError, "iter() returned non-iterator of type '%.100s'", Py_TYPE(iterator)->tp_name);
  Py_DECREF(iterator);
  return nullptr;
}

/// FOR_ITER over a generator: what it returns is dropped, without a StopIteration in between.
int nextOfGenerator(PyThreadState* tstate, int64_t borrowed, PyObject* generator, PyObject** outputs) {
  const int status =
      holding(borrowed, {generator}, [&] { return martlet_resume_generator(tstate, generator, nullptr, outputs); });
  if (status > 0) return 1;
  if (status == 0) {
    Py_CLEAR(outputs[0]);
    return 0;
  }
  return tstate->current_exception != nullptr ? -1 : 0;
}

/// Items that wait for their number to be known.
class Items {
 public:
  Items() = default;
  ~Items() {
    while (count_ > 0) Py_DECREF(items_[--count_]);
    if (items_ != room_) PyMem_Free(items_);
  }
  Items(const Items&) = delete;
  Items& operator=(const Items&) = delete;

  /// Takes the item over. False with an exception set where there is no memory.
  bool add(PyObject* item) {
    if (count_ == capacity_ && !grow()) {
      Py_DECREF(item);
      return false;
    }
    items_[count_++] = item;
    return true;
  }
  PyObject* takeTuple() { return _PyTuple_FromArraySteal(items_, std::exchange(count_, 0)); }

 private:
  bool grow() {
    auto* larger = static_cast<PyObject**>(PyMem_Malloc(2 * static_cast<size_t>(capacity_) * sizeof(PyObject*)));
    if (larger == nullptr) {
      PyErr_NoMemory();
      return false;
    }
    std::copy(items_, items_ + count_, larger);
    if (items_ != room_) PyMem_Free(items_);
    items_ = larger;
    capacity_ *= 2;
    return true;
  }

  static constexpr Py_ssize_t kRoom = 32;
  PyObject* room_[kRoom];
  PyObject** items_ = room_;
  Py_ssize_t count_ = 0, capacity_ = kRoom;
};

}  // namespace

PyObject* martlet::vm::tupleOfGenerator(PyThreadState* tstate, PyObject* generator) {
  Items items;
  PyObject* item = nullptr;
  while (nextOfGenerator(tstate, 0, generator, &item) > 0) {
    if (!items.add(item)) return nullptr;
  }
  return tstate->current_exception == nullptr ? items.takeTuple() : nullptr;
}

extern "C" {

PyObject* rt_get_iter(PyThreadState* tstate, int64_t borrowed, PyObject* iterable) {
  return leaveChecked(tstate, holding(borrowed, {iterable}, [&] { return iteratorOf(tstate, iterable); }));
}

PyObject* rt_get_yield_from_iter(PyThreadState* tstate, Frame* frame, int64_t borrowed, PyObject* iterable) {
  if (PyCoro_CheckExact(iterable)) {
    if ((_PyFrame_GetCode(frame)->co_flags & (CO_COROUTINE | CO_ITERABLE_COROUTINE)) == 0) {
      PyErr_SetString(PyExc_TypeError, "cannot 'yield from' a coroutine object in a non-coroutine generator");
      return nullptr;
    }
    return Py_NewRef(iterable);
  }
  if (PyGen_CheckExact(iterable)) return Py_NewRef(iterable);
  return leaveChecked(tstate, holding(borrowed, {iterable}, [&] { return iteratorOf(tstate, iterable); }));
}

PyObject* rt_get_len(PyThreadState* tstate, int64_t borrowed, PyObject* object) {
  const Py_ssize_t length = holding(borrowed, {object}, [&] { return PyObject_Length(object); });
  return length < 0 ? nullptr : leaveChecked(tstate, PyLong_FromSsize_t(length));
}

int rt_for_iter(PyThreadState* tstate, int64_t borrowed, PyObject* iterator, PyObject** outputs) {
  if (Py_IS_TYPE(iterator, &PyGen_Type)) return nextOfGenerator(tstate, borrowed, iterator, outputs);
  PyObject* next = holding(borrowed, {iterator}, [&] { return Py_TYPE(iterator)->tp_iternext(iterator); });
  outputs[0] = next;
  if (next != nullptr) return 1;
  if (tstate->current_exception != nullptr) {
    if (!PyErr_ExceptionMatches(PyExc_StopIteration)) return -1;
    PyErr_Clear();
  }
  return 0;
}

PyObject* rt_get_aiter(PyThreadState* tstate, int64_t borrowed, PyObject* object) {
  PyTypeObject* type = Py_TYPE(object);
  const unaryfunc getter = type->tp_as_async != nullptr ? type->tp_as_async->am_aiter : nullptr;
  if (getter == nullptr) {
    PyErr_Format(PyExc_TypeError, "'async for' requires an object with __aiter__ method, got %.100s", type->tp_name);
    return nullptr;
  }
  PyObject* iterator = holding(borrowed, {object}, [&] { return getter(object); });
  if (iterator == nullptr) return nullptr;
  PyTypeObject* got = Py_TYPE(iterator);
  if (got->tp_as_async == nullptr || got->tp_as_async->am_anext == nullptr) {
    PyErr_Format(PyExc_TypeError,
                 "'async for' received an object from __aiter__ that does not implement __anext__: %.100s",
                 got->tp_name);
    Py_DECREF(iterator);
    return nullptr;
  }
  return leaveChecked(tstate, iterator);
}

PyObject* rt_get_anext(PyThreadState* tstate, int64_t borrowed, PyObject* iterator) {
  PyTypeObject* type = Py_TYPE(iterator);
  if (PyAsyncGen_CheckExact(iterator))
    return leaveChecked(tstate, holding(borrowed, {iterator}, [&] { return type->tp_as_async->am_anext(iterator); }));
  const unaryfunc getter = type->tp_as_async != nullptr ? type->tp_as_async->am_anext : nullptr;
  if (getter == nullptr) {
    PyErr_Format(PyExc_TypeError, "'async for' requires an iterator with __anext__ method, got %.100s", type->tp_name);
    return nullptr;
  }
  PyObject* next = holding(borrowed, {iterator}, [&] { return getter(iterator); });
  return next != nullptr ? leaveChecked(tstate, awaitableFromAnext(next)) : nullptr;
}

PyObject* rt_get_awaitable(PyThreadState* tstate, int64_t borrowed, PyObject* iterable, int64_t oparg) {
  PyObject* iterator = holding(borrowed, {iterable}, [&] { return _PyCoro_GetAwaitableIter(iterable); });
  if (iterator == nullptr) {
    _PyEval_FormatAwaitableError(tstate, Py_TYPE(iterable), static_cast<int>(oparg));
    return nullptr;
  }
  if (PyCoro_CheckExact(iterator)) {
    PyObject* awaited = _PyGen_yf(reinterpret_cast<PyGenObject*>(iterator));
    if (awaited != nullptr) {
      Py_DECREF(awaited);
      Py_DECREF(iterator);
      PyErr_SetString(PyExc_RuntimeError, "coroutine is being awaited already");
      return nullptr;
    }
  }
  return leaveChecked(tstate, iterator);
}

int rt_send(PyThreadState* tstate, Frame*, int64_t borrowed, PyObject* receiver, PyObject* value, PyObject** outputs) {
  outputs[0] = nullptr;
  if (isIdleGenerator(receiver)) {
    // The generator takes the value over, as in the interpreter.
    return holding(borrowed, {receiver},
                   [&] { return martlet_resume_generator(tstate, receiver, value, &outputs[0]); });
  }
  if (Py_IsNone(value) && Py_IS_TYPE(receiver, martlet_singletons.asyncSend)) {
    return holding(borrowed, {receiver}, [&] { return martlet_step_async_send(tstate, receiver, &outputs[0]); });
  }
  if (Py_IsNone(value) && PyIter_Check(receiver)) {
    outputs[0] = holding(borrowed, {receiver, value}, [&] { return Py_TYPE(receiver)->tp_iternext(receiver); });
  } else {
    outputs[0] = holding(borrowed, {receiver, value},
                         [&] { return PyObject_CallMethodOneArg(receiver, martlet_singletons.send, value); });
  }
  if (outputs[0] != nullptr) return 1;
  return _PyGen_FetchStopIterationValue(&outputs[0]) == 0 ? 0 : -1;
}

PyObject* rt_match_class(PyThreadState* tstate, int64_t borrowed, PyObject* subject, PyObject* type, PyObject* names,
                         int64_t count) {
  PyObject* attributes = holding(borrowed, {subject, type, names},
                                 [&] { return _PyEval_MatchClass(tstate, subject, type, count, names); });
  if (attributes == nullptr) {
    if (tstate->current_exception != nullptr) return nullptr;
    attributes = Py_None;
  }
  return leaveChecked(tstate, attributes);
}

PyObject* rt_match_keys(PyThreadState* tstate, int64_t borrowed, PyObject* subject, PyObject* keys) {
  return leaveChecked(tstate,
                      holding(borrowed, {subject, keys}, [&] { return _PyEval_MatchKeys(tstate, subject, keys); }));
}

bool rt_match_mapping(PyObject* subject) {
  return (Py_TYPE(subject)->tp_flags & Py_TPFLAGS_MAPPING) != 0;
}
bool rt_match_sequence(PyObject* subject) {
  return (Py_TYPE(subject)->tp_flags & Py_TPFLAGS_SEQUENCE) != 0;
}

}  // extern "C"
