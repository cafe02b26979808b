// SPDX-License-Identifier: MIT
#include "libjit/compiler.h"

#include <dlfcn.h>
#include <malloc.h>

#include <cstdlib>

#include "libjit/clock.h"
#include "lowering/frontend/frontend.h"
#include "lowering/hir/printer.h"
#include "passes/passes.h"

namespace martlet {
namespace {

/// So many forks and ends of a child take longer with LLVM, for its pages, than it takes to unload and load it.
constexpr uint32_t kForksUnused = 100;

/// Which stages of this function are to be kept as text.
struct DumpPlan {
  bool bytecode = false, hir = false, passes = false, llvm = false, assembly = false;
  DumpPlan(const Options& options, const std::string& name) {
    if (options.dump.empty() || !matchesPattern(options.dump.c_str(), name.c_str())) return;
    auto wants = [&](const char* stage) { return namesStage(options.dump_stages, stage); };
    bytecode = wants("bytecode");
    passes = wants("passes");
    hir = wants("hir") || passes;
    llvm = wants("llvm");
    assembly = wants("assembly");
  }
};

/// Of this shared object, which may have been loaded through a link: the backend and its bitcode lie beside it.
std::string ownFolder() {
  Dl_info self;
  if (dladdr(reinterpret_cast<const void*>(&ownFolder), &self) == 0) return ".";
  char* resolved = realpath(self.dli_fname, nullptr);
  const std::string path = resolved != nullptr ? resolved : self.dli_fname;
  std::free(resolved);
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

}  // namespace

Compiler::Compiler(std::vector<HelperAddress> helpers) : helpers_(std::move(helpers)) {}

bool Compiler::loadBackend(std::string* error) {
  if (backend_ != nullptr) return true;
  if (!loadError_.empty()) {
    *error = loadError_;
    return false;
  }
  const double start = processorSeconds();
  const std::string folder = ownFolder();
  library_ = dlopen((folder + "/martlet_llvm.so").c_str(), RTLD_NOW | RTLD_LOCAL);
  using Create = Backend* (*)(const HelperAddress*, size_t, const char*, CodeMemory*, std::string*);
  Create create = nullptr;
  if (library_ != nullptr) create = reinterpret_cast<Create>(dlsym(library_, "martlet_backend_create"));
  if (create != nullptr) {
    const std::string bitcode = folder + "/martlet_runtime.bc";
    backend_.reset(create(helpers_.data(), helpers_.size(), bitcode.c_str(), &memory_, &loadError_));
  } else {
    const char* reason = dlerror();
    loadError_ = reason != nullptr ? reason : "martlet_backend_create is missing";
  }
  backendLoadSeconds_ += processorSeconds() - start;
  if (backend_ == nullptr && loadError_.empty()) loadError_ = "the backend could not be created";
  *error = loadError_;
  return backend_ != nullptr;
}

Result<CompiledCode> Compiler::compile(const frontend::Snapshot& snapshot,
                                       const std::vector<frontend::EntryRequest>& entries, const Options& options) {
  const std::lock_guard<std::mutex> lock(mutex_);
  forksUnused_ = 0;
  std::string error;
  if (!loadBackend(&error)) return Bailout{BailoutReason::BackendUnavailable, 0, error};
  const DumpPlan plan(options, snapshot.name);
  std::vector<Dump> dumps;
  if (plan.bytecode) dumps.push_back({"bytecode", frontend::print(snapshot)});
  const double start = processorSeconds();
  Result<hir::Function> function = frontend::translate(snapshot, entries);
  if (!function) return function.bailout();
  if (plan.hir) dumps.push_back({"hir: frontend", hir::print(*function)});
  passes::PipelineHooks hooks;
  hooks.verify = options.verify;
  if (plan.passes) {
    hooks.afterPass = [&](const char* pass, const hir::Function& f) {
      dumps.push_back({std::string("hir: ") + pass, hir::print(f)});
    };
  }
  if (auto message = passes::runPipeline(*function, hooks)) return Bailout{BailoutReason::VerifierFailed, 0, *message};
  if (plan.hir && !plan.passes) dumps.push_back({"hir: final", hir::print(*function)});
  const double hirSeconds = processorSeconds() - start;
  BackendOptions backendOptions;
  backendOptions.optLevel = static_cast<int>(options.opt_level);
  backendOptions.dumpLlvm = plan.llvm;
  backendOptions.dumpAssembly = plan.assembly;
  backendOptions.forceExitEvery = static_cast<uint32_t>(options.force_exit_every);
  Result<CompiledCode> code = backend_->compile(*function, backendOptions);
  if (!code) return code;
  code->times.hirSeconds = hirSeconds;
  dumps.insert(dumps.end(), code->dumps.begin(), code->dumps.end());
  code->dumps = std::move(dumps);
  return code;
}

/// Nothing of it is referred to: native code calls helpers in our own module only, and lies in our own memory.
void Compiler::unloadBackend() {
  if (backend_ == nullptr || backend_->isBroken()) return;
  backend_.reset();
  dlclose(library_);
  malloc_trim(0);
}

void Compiler::lockForFork() {
  mutex_.lock();
  if (++forksUnused_ == kForksUnused) unloadBackend();
}

void Compiler::rest() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (backend_ != nullptr) backend_->rest();
  malloc_trim(0);
}

}  // namespace martlet
