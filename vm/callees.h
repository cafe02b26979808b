// SPDX-License-Identifier: MIT
// Which Python functions' bodies may take the place of calls. Owns: who is called where, by what the interpreter and
// native code have seen. Must not know: how bodies are inlined.
#pragma once
#include "vm/code_data.h"
#include "vm/cpython_3_13/decode.h"

namespace martlet::vm {

/// Adds the callees that are known to a snapshot of `data`'s code, and theirs to them, and its generator expressions.
/// `scope` is the code's; its validity depends on their code and globals from then on. With the GIL held; runs no
/// Python code, leaves no exception.
void addCallees(frontend::Snapshot& snapshot, CodeData& data, const GlobalScope& scope);

}  // namespace martlet::vm
