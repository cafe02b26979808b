// SPDX-License-Identifier: MIT
// The interface of the shared object that links LLVM; the rest of Martlet loads it when the first function gets hot.
// Must not know: Python.h, LLVM's headers.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "lowering/native_abi.h"
#include "lowering/result.h"

namespace martlet {

struct HelperAddress {
  const char* symbol;
  const void* address;
};

struct BackendOptions {
  int optLevel = 2;       ///< 0: no bitcode, no IR passes, FastISel (quick mode); 2: full
  bool dumpLlvm = false;  ///< IR before and after optimization into CompiledCode::dumps
  bool dumpAssembly = false;
  uint32_t forceExitEvery = 0;  ///< stress: every Nth guard executed exits (0: off)
};

/// Memory for native code, which outlives the backend. From any thread.
class CodeMemory {
 public:
  /// Pages to write to, or NULL.
  virtual void* allocate(size_t bytes) = 0;
  /// They are written, and executable from now on.
  virtual bool seal(void* at, size_t bytes) = 0;
  virtual void release(void* at, size_t bytes) = 0;

 protected:
  ~CodeMemory() = default;
};

/// Compiles HIR that has been through the refcount pass. One thread at a time.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual Result<CompiledCode> compile(const hir::Function& function, const BackendOptions& options) = 0;
  /// Gives back memory that the next compilation can make anew.
  virtual void rest() = 0;
  /// A fatal error of LLVM passed: nothing more is compiled, and what it used is lost.
  virtual bool isBroken() const = 0;
};

/// Exported by the LLVM shared object. `helpers` lists every symbol that native code may refer to; `bitcodePath` is the
/// runtime's bitcode file. Returns null and fills `error` if LLVM cannot be set up. Owned by the caller; the code in
/// `memory` lives on when it is deleted, and when the shared object is closed behind that.
extern "C" Backend* martlet_backend_create(const HelperAddress* helpers, size_t count, const char* bitcodePath,
                                           CodeMemory* memory, std::string* error);

}  // namespace martlet
