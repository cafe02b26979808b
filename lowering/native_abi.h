// SPDX-License-Identifier: MIT
// What native code and the vm agree on. Owns: the calling convention of a compiled function, exit descriptors, compiled
// code. Must not know: Python.h, LLVM.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "lowering/hir/hir.h"

namespace martlet {

/// Result of native code: RAX and RDX.
struct NativeResult {
  void* value;      ///< the returned or yielded object (owned) when kind is Returned or Yielded
  uint64_t status;  ///< kind in the low two bits; above it the return's bytecode offset, the exit's number, or the
                    ///< argument of the YIELD_VALUE
};
/// Yielded: the frame is as the interpreter leaves that of a suspended generator, but for what the generator says of
/// it.
enum class LeaveKind : uint8_t { Returned = 0, Exit = 1, Failed = 2, Yielded = 3 };
constexpr LeaveKind leaveKind(uint64_t status) {
  return static_cast<LeaveKind>(status & 3);
}
constexpr uint32_t leavePayload(uint64_t status) {
  return static_cast<uint32_t>(status >> 2);
}

/// A compiled function. `tstate` and `frame` are CPython's; `entry` is an index into CompiledCode::entries; `spill` has
/// room for CompiledCode::spillSlots words and receives the values of an exit.
using NativeFunction = NativeResult (*)(void* tstate, void* frame, uint64_t entry, uint64_t* spill);

/// One value that an exit brings into the interpreter's frame. A Tuple for stack slot `index` is made of the `spill`
/// Items behind it, and Same is what stack slot `spill` got. A Range is an iterator whose count and step are the two
/// Items behind it, all of them numbers.
struct ExitValue {
  enum class Target : uint8_t { Stack, Local, Release, Tuple, Item, Same, Range };
  enum class Kind : uint8_t { Object, Int, Float, Bool };
  Target target;
  Kind kind;
  bool owned;      ///< Object: the spill slot holds a reference of its own (consumed once per spill slot)
  uint16_t index;  ///< stack or localsplus index
  uint16_t spill;  ///< entries with the same spill slot are the same object: boxed once
  /// Local: spill slot of the flag that tells whether the value is to be stored; 0: it is.
  uint16_t condition = 0;
  bool lends = false;  ///< where it is not, the slot's content is the object of all entries with the same spill slot
};

/// How native code names a dirty slot, in one word, where it brings slots up to date without leaving.
struct SlotWord {
  uint64_t slot;
  ExitValue::Kind kind;
  bool shared;       ///< the slot gets the object of the slot named before it, which has the same value
  bool conditional;  ///< behind the value a word follows that tells whether the slot is dirty

  constexpr uint64_t pack() const {
    return slot << 4 | static_cast<uint64_t>(conditional) << 3 | static_cast<uint64_t>(shared) << 2 |
           static_cast<uint64_t>(kind);
  }
  static constexpr SlotWord unpack(uint64_t word) {
    return {word >> 4, static_cast<ExitValue::Kind>(word & 3), (word & 4) != 0, (word & 8) != 0};
  }
};

/// What leaving at one instruction means. The frame's other slots are up to date.
struct ExitDescriptor {
  hir::ExitReason reason = hir::ExitReason::Never;
  uint32_t offset = 0;
  uint32_t resumeOffset = 0;
  uint32_t nextOffset = 0;
  uint16_t stackDepth = 0;
  uint16_t stackAfterPop = 0;
  /// None of the instruction's inputs brings a reference of its own to the stack: they may be left out.
  bool borrowsInputs = false;
  hir::Completion completion = hir::Completion::None;
  /// Where it happened in inlined code: version and offset; 0 in the function itself. It goes back to before the call.
  uint32_t inlinedCode = 0, inlinedOffset = 0;
  uint32_t firstValue = 0, valueCount = 0;  ///< in CompiledCode::exitValues
};

/// Size of the vm's cache of one attribute, super or global access. A code object's caches are an array, to which
/// native code refers by a symbol and the number of the site.
inline constexpr size_t kSiteCacheBytes = 24 + 4 * 40;

/// What an instruction that learns its operands' classes does with them: by which special method of the first one's
/// class it would be done. From kOperator on: BINARY_OP's argument.
/// Which numbers an operator has met, one at least a bool: two bits for each operand.
namespace bool_pair {
inline constexpr uint32_t kInt = 0, kFloat = 1, kBool = 2, kRightShift = 2;
constexpr uint32_t left(uint32_t pair) {
  return pair & 3;
}
constexpr uint32_t right(uint32_t pair) {
  return pair >> kRightShift;
}
}  // namespace bool_pair

namespace operand_use {
inline constexpr int64_t kNumbers = 0, kLoadItem = 1, kStoreItem = 2, kOperator = 3;
}

/// Where an attribute of an instance is, in one word whose bit 0 is Field's.
struct FieldPlace {
  uint32_t index;  ///< of an inline value; of a slot: its offset
  bool isSlot;

  constexpr int64_t pack() const { return int64_t{index} << 2 | (isSlot ? 2 : 0); }
  static constexpr FieldPlace unpack(int64_t word) { return {static_cast<uint32_t>(word >> 2), (word & 2) != 0}; }
};

struct EntryPoint {
  uint32_t offset;
  uint16_t stackDepth;
};

/// Text of the stages of one compilation, for `dump`.
struct Dump {
  std::string stage;  ///< "hir: frontend", "hir: refcount", "llvm", "assembly", …
  std::string text;
};

struct CompileTimes {
  double hirSeconds = 0, buildSeconds = 0, optimizeSeconds = 0, codegenSeconds = 0;
};

/// Where the code lies, with its constants and its frames for unwinders.
struct CodePlace {
  void* at = nullptr;
  size_t bytes = 0;
  void* frames = nullptr;  ///< the section, or NULL
  bool shown = false;      ///< unwinders know of the frames
};

struct CompiledCode {
  NativeFunction function = nullptr;
  std::vector<EntryPoint> entries;
  std::vector<ExitDescriptor> exits;
  std::vector<ExitValue> exitValues;  ///< of all exits: many small pieces of memory would be scattered
  std::span<const ExitValue> valuesOf(const ExitDescriptor& exit) const {
    return {exitValues.data() + exit.firstValue, exit.valueCount};
  }
  uint32_t spillSlots = 0;
  size_t codeBytes = 0;
  size_t exitInstructions = 0;  ///< LLVM IR instructions in exit blocks …
  uint32_t inlinedCalls = 0;    ///< as in hir::Function
  size_t irInstructions = 0;    ///< … of these in all, before optimization
  CompileTimes times;
  std::vector<Dump> dumps;
  CodePlace place;
};

}  // namespace martlet
