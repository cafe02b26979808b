// SPDX-License-Identifier: MIT
// Bytecode to HIR. Owns: the literal translation of a snapshot; it never optimizes. Must not know: Python.h, LLVM, a
// CPython version.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "lowering/frontend/snapshot.h"
#include "lowering/hir/hir.h"
#include "lowering/result.h"

namespace martlet::frontend {

/// Translates all code that is reachable from the entries.
///
/// Entry offsets are those of the jump, event or handler: the instruction's first EXTENDED_ARG. An entry at a RESUME
/// means that the interpreter has executed it. Offset 0 means the start of a call, prologue included; for a generator
/// it means the RESUME behind RETURN_GENERATOR (the function's entry then carries that offset). Resume points behind
/// each reachable YIELD_VALUE become entries by themselves.
Result<hir::Function> translate(const Snapshot& snapshot, std::span<const EntryRequest> entries);

/// Everything that can be compiled of a code object: its start, and each exception handler.
std::vector<EntryRequest> allRoots(const Snapshot& snapshot);

/// The instructions as text, for dumps.
std::string print(const Snapshot& snapshot);

const char* name(Special special);

}  // namespace martlet::frontend
