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
