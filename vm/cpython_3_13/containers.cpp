// SPDX-License-Identifier: MIT
#include "vm/cpython_3_13/containers.h"

#include <algorithm>
#include <iterator>

#include "vm/ref.h"

namespace martlet::vm::port {

namespace {

bool areIntsAsExpected() {
  constexpr int kTwo = 2 * PyLong_SHIFT;
  constexpr long long kNumbers[] = {0, 1, -1, 1LL << PyLong_SHIFT, (1LL << kTwo) - 1, 1 - (1LL << kTwo)};
  return std::all_of(std::begin(kNumbers), std::end(kNumbers), [](long long number) {
    const Ref object = Ref::steal(PyLong_FromLongLong(number));
    return object && PyObject_Hash(object.get()) == hashOfTwoDigits(reinterpret_cast<PyLongObject*>(object.get()));
  });
}

}  // namespace

PyObject* newCollectedList() {
  constexpr Py_ssize_t kGuess = 8;
  PyObject* list = PyList_New(kGuess);
  if (list != nullptr) Py_SET_SIZE(list, 0);
  return list;
}

void trimCollectedList(PyListObject* list) {
  const Py_ssize_t size = Py_SIZE(list);
  if (size >= list->allocated / 2) return;
  // list_resize(): a multiple of four with some room.
  const Py_ssize_t wanted = size != 0 ? (size + size / 8 + 6) & ~Py_ssize_t{3} : 0;
  void* items = PyMem_Realloc(list->ob_item, static_cast<size_t>(wanted) * sizeof(PyObject*));
  if (items == nullptr) return;
  list->ob_item = static_cast<PyObject**>(items);
  list->allocated = wanted;
}

bool hashesAreAsExpected() {
  constexpr long kNumbers[] = {0, 1, -1, (1L << PyLong_SHIFT) - 1, 1 - (1L << PyLong_SHIFT)};
  const Ref tuple = Ref::steal(PyTuple_New(std::size(kNumbers)));
  TupleHash expected;
  for (size_t i = 0; tuple && i < std::size(kNumbers); ++i) {
    PyObject* number = PyLong_FromLong(kNumbers[i]);
    if (number == nullptr) return false;
    PyTuple_SET_ITEM(tuple.get(), i, number);
    expected.add(hashOfCompact(kNumbers[i]));
  }
  if (!tuple || PyObject_Hash(tuple.get()) != expected.of(std::size(kNumbers))) return false;
  return areIntsAsExpected() && PyObject_Hash(Py_Ellipsis) == hashOfIdentity(Py_Ellipsis);
}

}  // namespace martlet::vm::port
