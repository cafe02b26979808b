// SPDX-License-Identifier: MIT
// How long the instructions of 3.13 are.
#pragma once
#include <array>
#include <cstdint>

#include "opcode_ids.h"

namespace martlet::vm::port {

/// By opcode: how many code units an instruction takes with its caches; 0 where that is not known.
inline constexpr std::array<uint8_t, 256> kLengths = [] {
  std::array<uint8_t, 256> lengths = {};
#define OPCODE(NAME, caches, Neutral) lengths[NAME] = 1 + (caches);
#define SUPERINSTRUCTION(NAME, First, Second) lengths[NAME] = 1;
#define QUICKENED(NAME, BASE, Special)
#define INSTRUMENTED(NAME)
#define INTERNAL(NAME)
#include "vm/cpython_3_13/opcodes.def"
#define OPCODE(...)
#define SUPERINSTRUCTION(...)
#define QUICKENED(NAME, BASE, Special) lengths[NAME] = lengths[BASE];
#define INSTRUMENTED(NAME)
#define INTERNAL(NAME)
#include "vm/cpython_3_13/opcodes.def"
  lengths[EXTENDED_ARG] = 1;
  return lengths;
}();

}  // namespace martlet::vm::port
