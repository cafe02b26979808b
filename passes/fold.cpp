// SPDX-License-Identifier: MIT
// Arithmetic of constants: see fold.h.
#include "passes/fold.h"

#include <limits>

namespace martlet::passes {

using hir::Op;

namespace {

constexpr int64_t kMin = std::numeric_limits<int64_t>::min();

std::optional<int64_t> shiftLeft(int64_t a, int64_t count) {
  if (count < 0 || count > 62) return std::nullopt;
  const auto shifted = static_cast<int64_t>(static_cast<uint64_t>(a) << count);
  if ((shifted >> count) != a) return std::nullopt;
  return shifted;
}

std::optional<int64_t> shiftRight(int64_t a, int64_t count) {
  if (count < 0) return std::nullopt;
  return a >> (count > 63 ? 63 : count);
}

// C++ rounds to zero, Python to minus infinity.
std::optional<int64_t> floorDivide(int64_t a, int64_t b) {
  if (b == 0 || (a == kMin && b == -1)) return std::nullopt;
  const int64_t quotient = a / b;
  return quotient - (a % b != 0 && (a < 0) != (b < 0));
}

std::optional<int64_t> floorModulo(int64_t a, int64_t b) {
  if (b == 0 || (a == kMin && b == -1)) return std::nullopt;
  const int64_t rest = a % b;
  return rest + (rest != 0 && (rest < 0) != (b < 0) ? b : 0);
}

}  // namespace

std::optional<int64_t> foldInt(Op op, int64_t a, int64_t b) {
  int64_t result = 0;
  switch (op) {
  case Op::IntAdd: return __builtin_add_overflow(a, b, &result) ? std::nullopt : std::optional(result);
  case Op::IntSub: return __builtin_sub_overflow(a, b, &result) ? std::nullopt : std::optional(result);
  case Op::IntMul: return __builtin_mul_overflow(a, b, &result) ? std::nullopt : std::optional(result);
  case Op::IntFloorDiv: return floorDivide(a, b);
  case Op::IntMod: return floorModulo(a, b);
  case Op::IntAnd: return a & b;
  case Op::IntOr: return a | b;
  case Op::IntXor: return a ^ b;
  case Op::IntLshift: return shiftLeft(a, b);
  case Op::IntRshift: return shiftRight(a, b);
  case Op::IntNeg: return a == kMin ? std::nullopt : std::optional(-a);
  case Op::IntInvert: return ~a;
  default: return std::nullopt;
  }
}

std::optional<double> foldFloat(Op op, double a, double b) {
  switch (op) {
  case Op::FloatAdd: return a + b;
  case Op::FloatSub: return a - b;
  case Op::FloatMul: return a * b;
  case Op::FloatDiv: return b == 0 ? std::nullopt : std::optional(a / b);
  case Op::FloatNeg: return -a;
  default: return std::nullopt;
  }
}

std::optional<double> exactDouble(int64_t number) {
  // Two 32-bit halves are exact doubles; their sum is exact if nothing was rounded off, and that is tested without a
  // conversion back, which would be undefined at 2**63.
  constexpr int64_t kAlwaysExact = int64_t{1} << 53;
  const auto result = static_cast<double>(number);
  if (number >= -kAlwaysExact && number <= kAlwaysExact) return result;
  if (result >= 9223372036854775808.0) return std::nullopt;  // rounded up to 2**63
  return static_cast<int64_t>(result) == number ? std::optional(result) : std::nullopt;
}

}  // namespace martlet::passes
