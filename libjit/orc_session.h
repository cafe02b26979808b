// SPDX-License-Identifier: MIT
// Linking object code into this process. Owns: JITLink's memory, unwind information, the helpers' addresses. Must not
// know: HIR, IR, how the object came about.
#pragma once
#include <llvm/ADT/StringMap.h>
#include <llvm/ExecutionEngine/JITLink/JITLinkMemoryManager.h>
#include <llvm/Support/Error.h>
#include <llvm/Support/MemoryBuffer.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "lowering/backend.h"
#include "lowering/llvm/lower.h"

namespace martlet::backend {

struct LinkedCode {
  void* address = nullptr;
  size_t codeBytes = 0;
  void* handle = nullptr;
};

/// Addresses by name.
using SymbolAddresses = llvm::StringMap<const void*>;

/// JITLink with ORC's memory, and without its execution session: that one keeps dylibs and symbol tables, 8 KB for each
/// compilation, and whatever is kept has to be copied and freed again with each fork().
class OrcSession {
 public:
  static llvm::Expected<std::unique_ptr<OrcSession>> create(const HelperAddress* helpers, size_t count);

  /// Links an object file, with `objects` as its own absolute symbols, and looks `symbol` up.
  llvm::Expected<LinkedCode> link(std::unique_ptr<llvm::MemoryBuffer> object, const std::string& symbol,
                                  const std::vector<ObjectSymbol>& objects);
  /// Frees what `link` returned. From any thread.
  void release(void* handle);

 private:
  OrcSession() = default;

  std::mutex mutex_;  ///< one link or release at a time; never held while LLVM generates code
  std::unique_ptr<llvm::jitlink::JITLinkMemoryManager> memory_;
  SymbolAddresses helpers_;
};

}  // namespace martlet::backend
