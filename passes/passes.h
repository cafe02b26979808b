// SPDX-License-Identifier: MIT
// The passes from HIR to HIR, by name and as the default pipeline. Must not know: Python.h, LLVM, a CPython version.
#pragma once
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace martlet::hir {
class Function;
}

namespace martlet::passes {

/// A row of passes.def. `run` says whether it changed anything.
struct PassInfo {
  const char* name;
  const char* purpose;
  bool (*run)(hir::Function&);
};
std::span<const PassInfo> allPasses();
const PassInfo* findPass(std::string_view name);

/// A position of the default pipeline.
struct PipelineStep {
  const char* pass;
  const char* reason;  ///< why it runs here
};
std::span<const PipelineStep> defaultPipeline();

struct PipelineHooks {
  std::function<void(const char* passName, const hir::Function&)> afterPass;
  bool verify = false;  ///< the verifier after each pass, the refcount checker after "refcount"
};
/// Runs the default pipeline. Returns what the verifier said, or nothing.
[[nodiscard]] std::optional<std::string> runPipeline(hir::Function& function, const PipelineHooks& hooks = {});

/// Checks a function that has been through the refcount pass (with or without strip-markers behind it): on every path
/// each reference is released or handed over exactly once, and nothing is used that nobody holds. Returns the first
/// complaint.
[[nodiscard]] std::optional<std::string> verifyRefcounts(const hir::Function& function);

}  // namespace martlet::passes
