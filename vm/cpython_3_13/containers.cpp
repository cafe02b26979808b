// SPDX-License-Identifier: MIT
#include "vm/cpython_3_13/containers.h"

#include <iterator>

#include "vm/ref.h"

namespace martlet::vm::port {

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
  return tuple && PyObject_Hash(tuple.get()) == expected.of(std::size(kNumbers));
}

}  // namespace martlet::vm::port
