// SPDX-License-Identifier: MIT
// Linking object code into this process. Owns: the use of JITLink, the helpers' addresses. Must not
// know: HIR, IR, how the object came about.
#pragma once
#include <llvm/ADT/StringMap.h>
#include <llvm/Support/Error.h>
#include <llvm/Support/MemoryBuffer.h>

#include <memory>
#include <string>
#include <vector>

#include "lowering/backend.h"
#include "lowering/llvm/lower.h"

namespace martlet::backend {

struct LinkedCode {
  void* address = nullptr;
  size_t codeBytes = 0;
  CodePlace place;
};

/// Addresses by name.
using SymbolAddresses = llvm::StringMap<const void*>;

/// JITLink without ORC's execution session: that one keeps dylibs and symbol tables, 8 KB for each compilation, and
/// whatever is kept has to be copied and freed again with each fork().
class OrcSession {
 public:
  OrcSession(CodeMemory& memory, const HelperAddress* helpers, size_t count);

  /// Links an object file, with `objects` as its own absolute symbols, and looks `symbol` up.
  llvm::Expected<LinkedCode> link(std::unique_ptr<llvm::MemoryBuffer> object, const std::string& symbol,
                                  const std::vector<ObjectSymbol>& objects);

 private:
  CodeMemory& memory_;
  SymbolAddresses helpers_;
};

}  // namespace martlet::backend
