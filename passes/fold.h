// SPDX-License-Identifier: MIT
// Arithmetic of constants, exactly as native code would do it. Must not know: how ops are replaced.
#pragma once
#include <cstdint>
#include <optional>

#include "lowering/hir/hir.h"

namespace martlet::passes {

/// The result, or nothing where the op would exit or is no arithmetic of that kind. `b` is ignored by unary ops.
std::optional<int64_t> foldInt(hir::Op op, int64_t a, int64_t b);
std::optional<double> foldFloat(hir::Op op, double a, double b);
/// `sign` is the imm of IntCompare and FloatCompare.
template <class Number>
bool foldCompare(int64_t sign, Number a, Number b) {
  using namespace hir::comparison;
  switch (sign) {
  case kLess: return a < b;
  case kLessEqual: return a <= b;
  case kEqual: return a == b;
  case kNotEqual: return a != b;
  case kGreater: return a > b;
  default: return a >= b;
  }
}
/// The double that equals `number`, if there is one.
std::optional<double> exactDouble(int64_t number);

}  // namespace martlet::passes
