// SPDX-License-Identifier: MIT
// Executes HIR on an imagined heap, to compare a function before and after the pipeline: what helpers see of operands
// and frame memory, what exits hand to the interpreter, and whether every reference count comes out right. Helpers
// answer at random, but the same to both. Must not know: Python.h, how passes work.
#pragma once
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "lowering/hir/hir.h"

namespace martlet::simulator {

/// What can be noticed of one execution.
struct Trace {
  enum class End : uint8_t { Return, Exit, Limit, Undefined };
  std::vector<std::string> events;  ///< effects in order, with operands, and frame memory where Python code may run
  std::set<std::string> states;     ///< every interpreter state that was passed
  End end = End::Limit;
  bool overflow = false;  ///< left because a result did not fit: passes may drop that where nobody wants it
  std::string result;     ///< the returned value, or the state that was left in
  std::string error;      ///< of reference counts or memory; empty when all is well
};

/// `original` is the function as the frontend made it; it says what the frame may hold at the start. `counted` means
/// that `function` has been through the refcount pass (and still has its markers).
Trace execute(const hir::Function& function, const hir::Function& original, uint64_t seed, bool counted);

/// Compares two executions. Returns the first difference that a program could notice. `early` is set if the optimized
/// code left native code where the original went on.
std::optional<std::string> compare(const Trace& original, const Trace& optimized, bool* early = nullptr);

}  // namespace martlet::simulator
