// SPDX-License-Identifier: MIT
// The Backend of martlet_llvm.so: lowering, pipeline and linking of one function after the other. Owns: the order of
// the stages, their times and dumps, and that failures come back as values. Must not know: Python.h.
#include "lowering/backend.h"

#include <llvm/IR/DiagnosticInfo.h>
#include <llvm/IR/DiagnosticPrinter.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Support/ManagedStatic.h>
#include <llvm/Support/raw_ostream.h>

#include <algorithm>
#include <atomic>
#include <ctime>
#include <utility>

#include "libjit/orc_session.h"
#include "lowering/llvm/fatal.h"
#include "lowering/llvm/lower.h"
#include "lowering/llvm/pipeline.h"

namespace martlet::backend {

namespace {

/// Processor time of the compiling thread: on the clock it mostly waits for the program's own threads.
class Stopwatch {
 public:
  /// Seconds since the last lap.
  double lap() {
    const double now = read();
    return now - std::exchange(last_, now);
  }

 private:
  static double read() {
    std::timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
  }
  double last_ = read();
};

/// Collects errors that LLVM would otherwise print before it ends the process.
class Diagnostics : public llvm::DiagnosticHandler {
 public:
  explicit Diagnostics(std::string* errors) : errors_(errors) {}
  bool handleDiagnostics(const llvm::DiagnosticInfo& info) override {
    if (info.getSeverity() != llvm::DS_Error) return true;
    llvm::raw_string_ostream stream(*errors_);
    llvm::DiagnosticPrinterRawOStream printer(stream);
    info.print(printer);
    return true;
  }

 private:
  std::string* errors_;
};

template <class Printable>
std::string text(const Printable& printable) {
  std::string out;
  llvm::raw_string_ostream stream(out);
  stream << printable;
  return out;
}

/// A symbol that gdb and perf can show: the qualified name, and a number, for there may be several.
std::string symbolName(const hir::Function& function, uint64_t serial) {
  std::string name = "py:" + function.name + ":" + std::to_string(serial);
  // Qualified names contain <locals>; quotes and control characters would need escapes in assembly text.
  std::replace_if(name.begin(), name.end(), [](unsigned char c) { return c < ' ' || c == '"' || c == '\\'; }, '?');
  return name;
}

void takeExits(const std::vector<LoweredExit>& exits, CompiledCode& code) {
  for (const LoweredExit& exit : exits) {
    ExitDescriptor& taken = code.exits.emplace_back(exit);
    taken.firstValue = static_cast<uint32_t>(code.exitValues.size());
    taken.valueCount = static_cast<uint32_t>(exit.values.size());
    code.exitValues.insert(code.exitValues.end(), exit.values.begin(), exit.values.end());
  }
}

/// All that one compilation allocates in LLVM; dies with it.
struct Unit {
  explicit Unit(const std::string& name) : module(name, context) {}
  std::string diagnostics;
  llvm::LLVMContext context;
  llvm::Module module;
};

}  // namespace

class LlvmBackend final : public Backend {
 public:
  static std::unique_ptr<LlvmBackend> create(const HelperAddress* helpers, size_t count, const char* bitcodePath,
                                             CodeMemory& memory, std::string& error);
  Result<CompiledCode> compile(const hir::Function& function, const BackendOptions& options) override;
  void rest() override { pipeline_->rest(); }
  bool isBroken() const override { return broken_; }

 private:
  Result<CompiledCode> compileUnit(Unit& unit, const hir::Function& function, const BackendOptions& options,
                                   const std::string& symbol);
  llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> generate(Unit& unit, const BackendOptions& options,
                                                               CompiledCode& code);

  std::unique_ptr<Pipeline> pipeline_;
  std::unique_ptr<OrcSession> session_;
  SymbolsByAddress symbols_;
  uint64_t serial_ = 0;
  std::atomic<bool> broken_ = false;  ///< a fatal error of LLVM passed: nothing more is compiled
};

std::unique_ptr<LlvmBackend> LlvmBackend::create(const HelperAddress* helpers, size_t count, const char* bitcodePath,
                                                 CodeMemory& memory, std::string& error) {
  auto backend = std::make_unique<LlvmBackend>();
  const bool survived = guarded(
      [&] {
        auto pipeline = Pipeline::create(bitcodePath ? bitcodePath : "");
        if (!pipeline) {
          error = llvm::toString(pipeline.takeError());
          return;
        }
        backend->pipeline_ = std::move(*pipeline);
        backend->session_ = std::make_unique<OrcSession>(memory, helpers, count);
      },
      error);
  if (!survived || !backend->session_) return nullptr;
  for (size_t i = 0; i < count; ++i) backend->symbols_.try_emplace(helpers[i].address, helpers[i].symbol);
  return backend;
}

Result<CompiledCode> LlvmBackend::compile(const hir::Function& function, const BackendOptions& options) {
  if (broken_) return Bailout{BailoutReason::CodegenFailed, 0, "LLVM failed fatally before"};
  BackendOptions clamped = options;
  clamped.optLevel = std::clamp(options.optLevel, 0, kOptLevels - 1);
  const std::string symbol = symbolName(function, ++serial_);
  // On the heap: if LLVM fails fatally, destructors of half-built IR must not run.
  auto* unit = new Unit(symbol);
  std::optional<Result<CompiledCode>> result;
  std::string error;
  if (!guarded([&] { result.emplace(compileUnit(*unit, function, clamped, symbol)); }, error)) {
    broken_ = true;
    return Bailout{BailoutReason::CodegenFailed, 0, "fatal error in LLVM: " + error};
  }
  delete unit;
  return std::move(*result);
}

Result<CompiledCode> LlvmBackend::compileUnit(Unit& unit, const hir::Function& function, const BackendOptions& options,
                                              const std::string& symbol) {
  Stopwatch watch;
  unit.context.setDiagnosticHandler(std::make_unique<Diagnostics>(&unit.diagnostics));
  unit.context.setDiscardValueNames(!options.dumpLlvm);
  pipeline_->prepare(unit.module, options.optLevel);
  Result<LoweredFunction> lowered = FunctionLowering(function, unit.module, options, symbols_).run(symbol);
  if (!lowered) return lowered.bailout();
  const auto missing = std::find_if(lowered->objects.begin(), lowered->objects.end(),
                                    [](const ObjectSymbol& object) { return object.address == nullptr; });
  if (missing != lowered->objects.end()) {
    return Bailout{BailoutReason::LinkFailed, 0, missing->name + " has no address"};
  }
  CompiledCode code;
  code.entries = std::move(lowered->entries);
  takeExits(lowered->exits, code);
  code.spillSlots = lowered->spillSlots;
  code.inlinedCalls = function.inlinedCalls;
  code.irInstructions = lowered->irInstructions;
  code.exitInstructions = lowered->exitInstructions;
  code.times.buildSeconds = watch.lap();
  if (options.dumpLlvm) code.dumps.push_back({"llvm: lowered", text(unit.module)});
#ifdef MARTLET_VERIFY_LLVM
  std::string problems;
  llvm::raw_string_ostream stream(problems);
  if (llvm::verifyModule(unit.module, &stream)) return Bailout{BailoutReason::VerifierFailed, 0, problems};
#endif

  auto object = generate(unit, options, code);
  if (!object) return Bailout{BailoutReason::CodegenFailed, 0, llvm::toString(object.takeError())};
  if (!unit.diagnostics.empty()) return Bailout{BailoutReason::CodegenFailed, 0, unit.diagnostics};
  watch.lap();
  auto linked = session_->link(std::move(*object), symbol, lowered->objects);
  if (!linked) return Bailout{BailoutReason::LinkFailed, 0, llvm::toString(linked.takeError())};
  code.times.codegenSeconds += watch.lap();
  code.function = reinterpret_cast<NativeFunction>(linked->address);
  code.codeBytes = linked->codeBytes;
  code.place = linked->place;
  return code;
}

llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> LlvmBackend::generate(Unit& unit, const BackendOptions& options,
                                                                          CompiledCode& code) {
  Stopwatch watch;
  if (options.optLevel > 0) {
    if (llvm::Error error = pipeline_->linkHelpers(unit.module)) return error;
    code.times.buildSeconds += watch.lap();
    pipeline_->optimize(unit.module, options.optLevel);
    code.times.optimizeSeconds = watch.lap();
    if (options.dumpLlvm) code.dumps.push_back({"llvm: optimized", text(unit.module)});
  }
  if (options.dumpAssembly) code.dumps.push_back({"assembly", pipeline_->assembly(unit.module, options.optLevel)});
  watch.lap();
  auto object = pipeline_->emitObject(unit.module, options.optLevel);
  code.times.codegenSeconds = watch.lap();
  return object;
}

}  // namespace martlet::backend

namespace __gnu_cxx {
void __freeres();  // which no header has: it is for tools that look for leaks
}

namespace {
/// When the shared object is closed, which may be opened again and again.
__attribute__((destructor)) void freeStatics() {
  llvm::llvm_shutdown();
#ifdef MARTLET_OWN_CXX_LIBRARY
  __gnu_cxx::__freeres();  // 72 KB for exceptions
#endif
}
}  // namespace

extern "C" __attribute__((visibility("default"))) martlet::Backend*
martlet_backend_create(const martlet::HelperAddress* helpers, size_t count, const char* bitcodePath,
                       martlet::CodeMemory* memory, std::string* error);

extern "C" martlet::Backend* martlet_backend_create(const martlet::HelperAddress* helpers, size_t count,
                                                    const char* bitcodePath, martlet::CodeMemory* memory,
                                                    std::string* error) {
  martlet::backend::installFatalErrorHandler();
  std::string problem;
  auto backend = martlet::backend::LlvmBackend::create(helpers, count, bitcodePath, *memory, problem);
  if (!backend && error) *error = problem;
  return backend.release();
}
