// SPDX-License-Identifier: MIT
// How long the instructions of 3.13 are, and where the next one begins.
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
  lengths[INSTRUMENTED_RESUME] = lengths[RESUME];
  lengths[EXTENDED_ARG] = 1;
  return lengths;
}();

/// Calls `visit(Unit&)` for one instruction after the other. False where it comes to one whose length is not known.
template <class Unit, class Visit>
bool visitInstructions(Unit* unit, Unit* end, Visit&& visit) {
  while (unit < end) {
    const uint8_t length = kLengths[unit->op.code];
    if (length == 0) return false;
    visit(*unit);
    unit += length;
  }
  return true;
}

}  // namespace martlet::vm::port
