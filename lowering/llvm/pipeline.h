// SPDX-License-Identifier: MIT
// LLVM IR -> object file. Owns: the target machine, the runtime's bitcode, the pass list. Must not know: HIR, where the
// object is linked.
#pragma once
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/Module.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Support/Error.h>
#include <llvm/Support/MemoryBuffer.h>
#include <llvm/Target/TargetMachine.h>

#include <array>
#include <memory>
#include <string>

#include "lowering/backend.h"

namespace martlet::backend {

/// Lowest to highest effort; BackendOptions::optLevel.
inline constexpr int kOptLevels = 3;

class Pipeline {
 public:
  /// `bitcodePath` may be empty: then nothing is inlined.
  static llvm::Expected<std::unique_ptr<Pipeline>> create(const std::string& bitcodePath);

  /// Gives an empty module the target's triple, data layout and flags.
  void prepare(llvm::Module& module, int optLevel);
  /// Links the bitcode of the helpers that the module calls. They stay out of the object file where they are not
  /// inlined: those calls go to the native helper.
  llvm::Error linkHelpers(llvm::Module& module) const;
  void optimize(llvm::Module& module, int optLevel);
  /// Consumes the module's IR (code generation prepares it in place).
  llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> emitObject(llvm::Module& module, int optLevel);
  std::string assembly(const llvm::Module& module, int optLevel);
  /// Gives back what the next compilation can make anew in half a millisecond.
  void rest();

 private:
  Pipeline();
  bool addCodegen(llvm::legacy::PassManager& passes, llvm::raw_pwrite_stream& stream, llvm::CodeGenFileType type,
                  int optLevel, size_t instructions);
  llvm::TargetMachine& machine(int optLevel);

  const llvm::Target* target_ = nullptr;
  const llvm::Triple triple_;
  const std::string features_;
  /// Made with the first compilation that needs it: 0.6 MB each, with what it finds out about the processor.
  std::array<std::unique_ptr<llvm::TargetMachine>, kOptLevels> machines_;
  std::unique_ptr<llvm::MemoryBuffer> bitcode_;
};

}  // namespace martlet::backend
