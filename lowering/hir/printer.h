// SPDX-License-Identifier: MIT
// HIR as text. parser.h reads it back; printing the result again gives the same text. Must not know: Python.h, LLVM.
#pragma once
#include <string>

#include "lowering/hir/hir.h"

namespace martlet::hir {

std::string print(const Function& function);
/// One line, without its frame state and without a newline; for messages.
std::string print(const Value& value);
/// The braces: offsets, locals and stack.
std::string print(const FrameState& state);

}  // namespace martlet::hir
