// SPDX-License-Identifier: MIT
// Where the items of one unpacking go, in three words: what the pass "unpack-to-slots" tells the helper. Must not know:
// Python.h, LLVM.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

namespace martlet::hir {

struct UnpackTargets {
  static constexpr size_t kMost = 16;
  static constexpr size_t kInWord = 8;
  using Words = std::array<int64_t, 1 + kMost / kInWord>;

  uint8_t count = 0;
  uint16_t advances = 0;  ///< bit i: item i is stored by the instruction behind the one that stores item i - 1
  uint32_t offset = 0;    ///< of the instruction that stores the first item
  std::array<uint8_t, kMost> slots = {};

  /// Of the instruction that stores item `index`.
  constexpr uint32_t offsetOf(size_t index) const {
    uint32_t result = offset;
    for (size_t i = 1; i <= index; ++i) result += advances >> i & 1;
    return result;
  }

  /// True if the items go to one slot after the other: what names that are met first in an unpacking have.
  constexpr bool areInARow() const {
    for (size_t i = 1; i < count; ++i) {
      if (slots[i] != slots[i - 1] + 1) return false;
    }
    return true;
  }

  // Of the first of the words.
  static constexpr uint8_t countOf(int64_t word) { return static_cast<uint8_t>(word); }
  static constexpr bool areInARow(int64_t word) { return (word >> kRowBit & 1) != 0; }

  constexpr Words pack() const {
    const uint64_t row = uint64_t{areInARow()} << kRowBit;
    Words words = {static_cast<int64_t>(uint64_t{offset} << 32 | row | uint64_t{advances} << 8 | count)};
    for (size_t i = 0; i < kMost; ++i) {
      auto& word = words[1 + i / kInWord];
      word = static_cast<int64_t>(static_cast<uint64_t>(word) | uint64_t{slots[i]} << (i % kInWord * 8));
    }
    return words;
  }
  static constexpr UnpackTargets unpack(const Words& words) {
    UnpackTargets targets;
    targets.count = countOf(words[0]);
    targets.advances = static_cast<uint16_t>(words[0] >> 8);
    targets.offset = static_cast<uint32_t>(words[0] >> 32);
    for (size_t i = 0; i < kMost; ++i) {
      targets.slots[i] = static_cast<uint8_t>(words[1 + i / kInWord] >> (i % kInWord * 8));
    }
    return targets;
  }

 private:
  static constexpr int kRowBit = 24;
};

}  // namespace martlet::hir
