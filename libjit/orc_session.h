// SPDX-License-Identifier: MIT
// Linking object code into this process. Owns: the ORC session, JITLink's memory, unwind information, one dylib for
// each compilation. Must not know: HIR, IR, how the object came about.
#pragma once
#include <llvm/ExecutionEngine/JITSymbol.h>
#include <llvm/ExecutionEngine/Orc/Core.h>
#include <llvm/ExecutionEngine/Orc/ObjectLinkingLayer.h>
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

class OrcSession {
 public:
  static llvm::Expected<std::unique_ptr<OrcSession>> create(const HelperAddress* helpers, size_t count);
  ~OrcSession();

  /// Links an object file, with `objects` as its own absolute symbols, and looks `symbol` up.
  llvm::Expected<LinkedCode> link(std::unique_ptr<llvm::MemoryBuffer> object, const std::string& symbol,
                                  const std::vector<ObjectSymbol>& objects);
  /// Frees what `link` returned. From any thread.
  void release(void* handle);

 private:
  class CodeSize;
  OrcSession() = default;
  llvm::Error defineHelpers(const HelperAddress* helpers, size_t count);
  llvm::Error linkInto(llvm::orc::JITDylib& dylib, std::unique_ptr<llvm::MemoryBuffer> object,
                       const std::vector<ObjectSymbol>& objects);

  std::mutex mutex_;  ///< one link or release at a time; never held while LLVM generates code
  std::unique_ptr<llvm::orc::ExecutionSession> session_;
  std::unique_ptr<llvm::orc::ObjectLinkingLayer> layer_;
  std::shared_ptr<CodeSize> codeSize_;
  llvm::orc::JITDylib* helpers_ = nullptr;
  std::string causes_;  ///< what ORC reported during the current link
  uint64_t serial_ = 0;
};

}  // namespace martlet::backend
