// SPDX-License-Identifier: MIT
// References for the time of a foreign call. Owns: what a helper's B parameter means. Must not know: HIR, LLVM.
//
// Native code borrows operands from frame slots where the interpreter's operand stack has a reference of its own. Code
// that looks at reference counts must not notice: a helper holds what is borrowed while foreign code runs.
#pragma once
#include <Python.h>

#include <bit>
#include <cstddef>
#include <cstdint>

namespace martlet::vm {

/// Takes a reference. As a whole word: it is given up soon, and a processor is slow to read more than has just been
/// written.
inline void takeBriefly(PyObject* object) {
  if (!_Py_IsImmortal(object)) ++object->ob_refcnt;
}

/// Holds operands[i] where bit i of `borrowed` is set. The array outlives the object and does not change.
class HeldArguments {
 public:
  HeldArguments(uint64_t borrowed, PyObject* const* operands) : borrowed_(borrowed), operands_(operands) {
    for (uint64_t bits = borrowed_; bits != 0; bits &= bits - 1) {
      if (PyObject* operand = operands_[std::countr_zero(bits)]) takeBriefly(operand);
    }
  }
  ~HeldArguments() {
    for (uint64_t bits = borrowed_; bits != 0; bits &= bits - 1) Py_XDECREF(operands_[std::countr_zero(bits)]);
  }
  HeldArguments(const HeldArguments&) = delete;
  HeldArguments& operator=(const HeldArguments&) = delete;

 private:
  const uint64_t borrowed_;
  PyObject* const* operands_;
};

/// The same for single operands; those that are no references, or need not be held, are null.
template <size_t N>
class Held {
 public:
  Held(int64_t borrowed, PyObject* const (&operands)[N]) {
    for (size_t i = 0; i < N; ++i) {
      operands_[i] = (borrowed >> i & 1) != 0 ? operands[i] : nullptr;
      if (operands_[i] != nullptr) takeBriefly(operands_[i]);
    }
  }
  ~Held() {
    for (PyObject* operand : operands_) Py_XDECREF(operand);
  }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

 private:
  PyObject* operands_[N];
};

/// The result of `body`, during which the operands are held: like the interpreter, a helper lets its inputs go before
/// it looks at pending events.
template <size_t N, class Body>
auto holding(int64_t borrowed, PyObject* const (&operands)[N], Body&& body) {
  const Held<N> held(borrowed, operands);
  return body();
}

}  // namespace martlet::vm
