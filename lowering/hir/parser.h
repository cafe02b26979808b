// SPDX-License-Identifier: MIT
// Text -> HIR, the inverse of printer.h. Checks only that the text is well formed: whether the function makes sense is
// the verifier's business. Must not know: Python.h, LLVM.
//
// One op to a line; `;` begins a comment. Commas between the operands of an op may be left out, and so may everything
// in a state's braces but the offset. Ids of values and blocks are kept.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lowering/hir/hir.h"

namespace martlet::hir {

struct ParsedFunction {
  std::unique_ptr<Function> function;
  std::vector<uint32_t>
      valueLines;  ///< by value id: the line (from 1) that defines the value, or of an op without result
  std::vector<uint32_t> blockLines;  ///< by block id
  uint32_t line = 0;                 ///< of the function's header
};

struct ParseResult {
  std::vector<ParsedFunction> functions;
  std::string error;  ///< empty when the whole text could be read
  uint32_t line = 0;  ///< of the error, from 1
  explicit operator bool() const { return error.empty(); }
};

/// Reads any number of functions. Predecessors are set; blocks keep the order of the text.
ParseResult parse(std::string_view text);

}  // namespace martlet::hir
