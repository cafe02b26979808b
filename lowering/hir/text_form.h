// SPDX-License-Identifier: MIT
// What the printer and the parser agree on beyond the op table: how the immediate of an op is written.
// Must not know: Python.h, LLVM.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>

#include "lowering/hir/hir.h"

namespace martlet::hir {

/// Ops without a form of their own write `imm=N` behind the operands, and nothing where it is zero.
enum class ImmForm : uint8_t {
  Named,    ///< Return v7 imm=12
  Number,   ///< LoadLocal 0, StoreLocal 0, v3
  Last,     ///< Output v4, 0
  Double,   ///< ConstFloat 0.5
  Bool,     ///< ConstBool true
  Compare,  ///< IntCompare v0 < v1
  Types,    ///< GuardType v0, Long|Float
};

constexpr ImmForm immForm(Op op) {
  switch (op) {
  case Op::ConstInt:
  case Op::ConstObject:
  case Op::LoadLocal:
  case Op::LoadStack:
  case Op::StoreLocal:
  case Op::SyncLocal:
  case Op::SyncLocalIf:
  case Op::TakeLocal:
  case Op::DeferLocal:
  case Op::DeferLocalIf:
  case Op::ConcatLocal: return ImmForm::Number;
  case Op::Output: return ImmForm::Last;
  case Op::ConstFloat: return ImmForm::Double;
  case Op::ConstBool: return ImmForm::Bool;
  case Op::IntCompare:
  case Op::FloatCompare: return ImmForm::Compare;
  case Op::GuardType: return ImmForm::Types;
  default: return ImmForm::Named;
  }
}

inline constexpr std::array<std::string_view, 6> kCompareSigns = {"<", "<=", "==", "!=", ">", ">="};
inline constexpr std::array<std::string_view, 4> kCompletionNames = {"None", "PushObject", "PushBool", "Nothing"};

}  // namespace martlet::hir
