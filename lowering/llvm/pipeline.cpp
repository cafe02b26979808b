// SPDX-License-Identifier: MIT
#include "lowering/llvm/pipeline.h"

#include <llvm/Analysis/AliasAnalysis.h>
#include <llvm/Analysis/AssumptionCache.h>
#include <llvm/Analysis/BasicAliasAnalysis.h>
#include <llvm/Analysis/BlockFrequencyInfo.h>
#include <llvm/Analysis/BranchProbabilityInfo.h>
#include <llvm/Analysis/LastRunTrackingAnalysis.h>
#include <llvm/Analysis/LazyValueInfo.h>
#include <llvm/Analysis/LoopInfo.h>
#include <llvm/Analysis/MemoryDependenceAnalysis.h>
#include <llvm/Analysis/MemorySSA.h>
#include <llvm/Analysis/OptimizationRemarkEmitter.h>
#include <llvm/Analysis/PostDominators.h>
#include <llvm/Analysis/ProfileSummaryInfo.h>
#include <llvm/Analysis/ScalarEvolution.h>
#include <llvm/Analysis/ScopedNoAliasAA.h>
#include <llvm/Analysis/TargetLibraryInfo.h>
#include <llvm/Analysis/TargetTransformInfo.h>
#include <llvm/Analysis/TypeBasedAliasAnalysis.h>
#include <llvm/Bitcode/BitcodeReader.h>
#include <llvm/CodeGen/MachineModuleInfo.h>
#include <llvm/CodeGen/Passes.h>
#include <llvm/CodeGen/RegAllocRegistry.h>
#include <llvm/CodeGen/TargetPassConfig.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/MDBuilder.h>
#include <llvm/Linker/Linker.h>
#include <llvm/Support/SmallVectorMemoryBuffer.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/TargetParser/Host.h>
#include <llvm/TargetParser/SubtargetFeature.h>
#include <llvm/Transforms/IPO/AlwaysInliner.h>
#include <llvm/Transforms/InstCombine/InstCombine.h>
#include <llvm/Transforms/Scalar/EarlyCSE.h>
#include <llvm/Transforms/Scalar/GVN.h>
#include <llvm/Transforms/Scalar/JumpThreading.h>
#include <llvm/Transforms/Scalar/LICM.h>
#include <llvm/Transforms/Scalar/LoopPassManager.h>
#include <llvm/Transforms/Scalar/LoopRotation.h>
#include <llvm/Transforms/Scalar/SROA.h>
#include <llvm/Transforms/Scalar/SimplifyCFG.h>
#include <llvm/Transforms/Utils/Cloning.h>

// LLVM's own registry: with hidden visibility this library would get one to itself.
extern template llvm::MachinePassRegistry<llvm::FunctionPass* (*)()>
    llvm::RegisterRegAllocBase<llvm::RegisterRegAlloc>::Registry;

namespace martlet::backend {

namespace {

llvm::Error error(const llvm::Twine& text) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), text);
}

std::string hostFeatures() {
  llvm::SubtargetFeatures features;
  for (const auto& feature : llvm::sys::getHostCPUFeatures()) features.AddFeature(feature.first(), feature.second);
  return features.getString();
}

// The pass lists are chosen by measurement; README.md has the figures. Python is optimized in HIR: what is left for
// LLVM is to clean up behind the inlined helpers.

llvm::InstCombinePass instCombine() {
  return llvm::InstCombinePass(llvm::InstCombineOptions().setVerifyFixpoint(false));
}

llvm::FunctionPassManager quickPasses() {
  llvm::FunctionPassManager passes;
  passes.addPass(llvm::SROAPass(llvm::SROAOptions::ModifyCFG));
  passes.addPass(llvm::EarlyCSEPass(/*UseMemorySSA=*/true));
  passes.addPass(llvm::SimplifyCFGPass());
  return passes;
}

llvm::FunctionPassManager scalarPasses() {
  llvm::FunctionPassManager passes = quickPasses();
  passes.addPass(instCombine());
  // Takes a helper's fast path past the check whether the helper failed.
  passes.addPass(llvm::JumpThreadingPass());
  passes.addPass(llvm::SimplifyCFGPass());
  return passes;
}

llvm::FunctionPassManager loopPasses() {
  llvm::LoopPassManager loops;
  loops.addPass(llvm::LoopRotatePass());
  loops.addPass(llvm::LICMPass(llvm::LICMOptions()));
  llvm::FunctionPassManager passes;
  passes.addPass(llvm::createFunctionToLoopPassAdaptor(std::move(loops), /*UseMemorySSA=*/true));
  passes.addPass(llvm::GVNPass());
  passes.addPass(instCombine());
  passes.addPass(llvm::SimplifyCFGPass());
  return passes;
}

/// What the passes above ask for. LLVM's PassBuilder would know, too, and have all of LLVM's passes linked and
/// initialized: twice the library.
class Analyses {
 public:
  explicit Analyses(const llvm::TargetMachine& target) {
    functions.registerPass([&] { return target.getTargetIRAnalysis(); });
    functions.registerPass([] {
      llvm::AAManager aliases;
      aliases.registerFunctionAnalysis<llvm::BasicAA>();
      aliases.registerFunctionAnalysis<llvm::ScopedNoAliasAA>();
      aliases.registerFunctionAnalysis<llvm::TypeBasedAA>();
      return aliases;
    });
    addTo<llvm::PassInstrumentationAnalysis, llvm::AssumptionAnalysis, llvm::BasicAA, llvm::BlockFrequencyAnalysis,
          llvm::BranchProbabilityAnalysis, llvm::DominatorTreeAnalysis, llvm::LastRunTrackingAnalysis,
          llvm::LazyValueAnalysis, llvm::LoopAnalysis, llvm::MemoryDependenceAnalysis, llvm::MemorySSAAnalysis,
          llvm::OptimizationRemarkEmitterAnalysis, llvm::PostDominatorTreeAnalysis, llvm::ScalarEvolutionAnalysis,
          llvm::ScopedNoAliasAA, llvm::TargetLibraryAnalysis, llvm::TypeBasedAA>(functions);
    addTo<llvm::PassInstrumentationAnalysis>(loops_);
    addTo<llvm::PassInstrumentationAnalysis, llvm::ProfileSummaryAnalysis>(modules);
    modules.registerPass([&] { return llvm::FunctionAnalysisManagerModuleProxy(functions); });
    functions.registerPass([&] { return llvm::ModuleAnalysisManagerFunctionProxy(modules); });
    functions.registerPass([&] { return llvm::LoopAnalysisManagerFunctionProxy(loops_); });
    loops_.registerPass([&] { return llvm::FunctionAnalysisManagerLoopProxy(functions); });
  }

 private:
  template <class... Passes, class Manager>
  static void addTo(Manager& manager) {
    (manager.registerPass([] { return Passes(); }), ...);
  }

  llvm::LoopAnalysisManager loops_;  // dies behind those that refer to it

 public:
  llvm::FunctionAnalysisManager functions;
  llvm::ModuleAnalysisManager modules;
};

/// Weight of the usual side of a branch against 1 for the other.
constexpr uint32_t kUsual = 2000;
/// Larger helpers stay calls of the native helper.
constexpr unsigned kMostInlined = 100;
/// Machine sinking takes time quadratic in a function's size; from here on it would dominate.
constexpr size_t kMostSunk = 3000;
/// So does the greedy register allocator's splitting of live ranges: at 22000 instructions it was nine tenths of code
/// generation, and the basic allocator made code of the same size.
constexpr size_t kMostSplit = 6000;
/// And the joining of live ranges that copies connect: 30 of 38 seconds at 44000 instructions.
constexpr size_t kMostJoined = 10000;

/// True for a call that an inline helper makes only on its slow path.
bool isSlowCall(const llvm::Instruction& instruction) {
  const auto* call = llvm::dyn_cast<llvm::CallInst>(&instruction);
  const llvm::Function* callee = call ? call->getCalledFunction() : nullptr;
  return callee && (callee->getName().starts_with("rt_") || callee->getName() == "_Py_Dealloc");
}

/// An inline helper is inlined wherever it is called. What it calls in turn is its slow path: the branches to it are
/// marked, so that it is laid out behind the hot code.
void prepareHelper(llvm::Function& helper) {
  if (helper.getInstructionCount() <= kMostInlined) helper.addFnAttr(llvm::Attribute::AlwaysInline);
  llvm::MDBuilder metadata(helper.getContext());
  const auto isSlow = [](const llvm::BasicBlock* block) { return llvm::any_of(*block, isSlowCall); };
  for (llvm::BasicBlock& block : helper) {
    auto* branch = llvm::dyn_cast<llvm::BranchInst>(block.getTerminator());
    if (!branch || !branch->isConditional() || branch->hasMetadata(llvm::LLVMContext::MD_prof)) continue;
    const bool first = isSlow(branch->getSuccessor(0)), second = isSlow(branch->getSuccessor(1));
    if (first == second) continue;
    const uint32_t taken = first ? 1 : kUsual, other = first ? kUsual : 1;
    branch->setMetadata(llvm::LLVMContext::MD_prof, metadata.createBranchWeights(taken, other));
  }
}

size_t instructionCount(const llvm::Module& module) {
  size_t count = 0;
  for (const llvm::Function& function : module) count += function.getInstructionCount();
  return count;
}

/// Passes of code generation that are left out, by their names: an eighth of its time. A name that another LLVM does
/// not have leaves out nothing.
constexpr std::array<llvm::StringLiteral, 57> kLeftOut{
    // For what our code does not have: invokes, vectors, tiles, indirect jumps, statepoints, debug values, profiling.
    "Lower AMX intrinsics", "Lower AMX type for load/store", "Tile Register Pre-configure", "Tile Register Configure",
    "X86 Lower Tile Copy", "Merge contiguous icmps into a memcmp", "Expand memcmp() to load/stores",
    "Lower Garbage Collection Instructions", "Shadow Stack GC Lowering", "Analyze Machine Code For Garbage Collection",
    "Fixup Statepoint Caller Saved", "StackMap Liveness Analysis", "Scalarize Masked Memory Intrinsics",
    "Expand reduction intrinsics", "Interleaved Access Pass", "X86 Partial Reduction", "X86 Fixup Vector Constants",
    "Detect Dead Lanes", "Replace intrinsics with calls to vector library", "Expand indirectbr instructions",
    "Exception handling preparation", "Prepare callbr", "Contiguously Lay Out Funclets", "ObjC ARC contraction",
    "Local Dynamic TLS Access Clean-up", "Argument Stack Rebase", "X86 DynAlloca Expander",
    "Remove Redundant DEBUG_VALUE analysis", "Live DEBUG_VALUE analysis", "Pseudo Probe Inserter",
    "Insert fentry calls", "Insert XRay ops", "Implement the 'patchable-function' attribute",
    "Machine Sanitizer Binary Metadata", "Stack Frame Layout Analysis", "Register Allocation Pass Scoring",
    "X86 Suppress APX features for relocation",
    // Alias rules of C: ours have none.
    "Type-Based Alias Analysis", "Scoped NoAlias Alias Analysis",
    // For what the passes over LLVM IR have done, or what is rare where most time goes to memory and calls.
    "Loop Strength Reduction", "Constant Hoisting", "Partially inline calls to library functions",
    "Early Tail Duplication", "Optimize machine instruction PHIs", "Early If-Conversion", "Machine InstCombiner",
    "X86 cmov Conversion", "X86 Fixup SetCC", "X86 LEA Optimize", "X86 Domain Reassignment Pass",
    "X86 Avoid Store Forwarding Blocks",
    // Behind register allocation, each with an analysis of its own.
    "X86 Execution Dependency Fix", "BreakFalseDeps", "X86 Byte/Word Instruction Fixup", "X86 LEA Fixup",
    "X86 Fixup Inst Tuning", "Machine Late Instructions Cleanup Pass"};

class LeanPassManager : public llvm::legacy::PassManager {
 public:
  void add(llvm::Pass* pass) override {
    if (llvm::is_contained(kLeftOut, pass->getPassName())) {
      delete pass;
    } else {
      PassManager::add(pass);
    }
  }
};

/// LLVM takes the choice from a registry of the whole library, at the time when passes are added. Compilations follow
/// one another, so that nobody else sees it. The registry is empty until the first compilation has filled it.
void addMachinePasses(llvm::TargetPassConfig& config, size_t instructions) {
  const llvm::RegisterRegAlloc::FunctionPassCtor usual = llvm::RegisterRegAlloc::getDefault();
  const bool basic = usual && instructions > kMostSplit;
  if (basic) llvm::RegisterRegAlloc::setDefault(llvm::createBasicRegisterAllocator);
  config.addMachinePasses();
  if (basic) llvm::RegisterRegAlloc::setDefault(usual);
}

llvm::CodeGenOptLevel codegenLevel(int optLevel) {
  return optLevel >= 2 ? llvm::CodeGenOptLevel::Default : llvm::CodeGenOptLevel::None;
}

}  // namespace

llvm::Expected<std::unique_ptr<Pipeline>> Pipeline::create(const std::string& bitcodePath) {
  if (llvm::InitializeNativeTarget() || llvm::InitializeNativeTargetAsmPrinter()) {
    return error("this LLVM has no code generator for the host");
  }
  std::unique_ptr<Pipeline> pipeline(new Pipeline);
  std::string problem;
  pipeline->target_ = llvm::TargetRegistry::lookupTarget(pipeline->triple_, problem);
  if (!pipeline->target_) return error(problem);
  if (!pipeline->target_->hasTargetMachine()) return error("no target machine for the host");
  if (!bitcodePath.empty()) {
    auto buffer = llvm::MemoryBuffer::getFile(bitcodePath, /*IsText=*/false, /*RequiresNullTerminator=*/false);
    if (!buffer) return error(bitcodePath + ": " + buffer.getError().message());
    pipeline->bitcode_ = std::move(*buffer);
  }
  return pipeline;
}

Pipeline::Pipeline() : triple_(llvm::sys::getProcessTriple()), features_(hostFeatures()) {}

llvm::TargetMachine& Pipeline::machine(int optLevel) {
  std::unique_ptr<llvm::TargetMachine>& made = machines_[static_cast<size_t>(optLevel)];
  if (!made) {
    made.reset(target_->createTargetMachine(triple_, llvm::sys::getHostCPUName(), features_, llvm::TargetOptions(),
                                            llvm::Reloc::PIC_, llvm::CodeModel::Small, codegenLevel(optLevel),
                                            /*JIT=*/true));
    made->setFastISel(codegenLevel(optLevel) == llvm::CodeGenOptLevel::None);
  }
  return *made;
}

void Pipeline::rest() {
  for (auto& machine : machines_) machine.reset();
}

void Pipeline::prepare(llvm::Module& module, int optLevel) {
  module.setTargetTriple(triple_);
  module.setDataLayout(machine(optLevel).createDataLayout());
  module.setPICLevel(llvm::PICLevel::BigPIC);
}

llvm::Error Pipeline::linkHelpers(llvm::Module& module) const {
  if (!bitcode_) return llvm::Error::success();
  auto helpers = llvm::getLazyBitcodeModule(bitcode_->getMemBufferRef(), module.getContext());
  if (!helpers) return helpers.takeError();
  (*helpers)->setTargetTriple(module.getTargetTriple());
  (*helpers)->setDataLayout(module.getDataLayout());
  const auto imported = [](llvm::Module& linked, const llvm::StringSet<>& names) {
    for (const auto& name : names) {
      llvm::GlobalValue* value = linked.getNamedValue(name.first());
      if (!value || value->isDeclaration() || value->hasLocalLinkage()) continue;
      if (auto* object = llvm::dyn_cast<llvm::GlobalObject>(value)) object->setComdat(nullptr);
      value->setLinkage(llvm::GlobalValue::AvailableExternallyLinkage);
      if (auto* function = llvm::dyn_cast<llvm::Function>(value)) prepareHelper(*function);
    }
  };
  if (llvm::Linker::linkModules(module, std::move(*helpers), llvm::Linker::LinkOnlyNeeded, imported)) {
    return error("the runtime's bitcode could not be linked");
  }
  // What the helpers themselves call: through the GOT, which JITLink turns into direct calls within reach.
  for (llvm::Function& function : module) {
    if (function.isDeclaration() && !function.isIntrinsic()) function.addFnAttr(llvm::Attribute::NonLazyBind);
    // For the host, as the code that it becomes a part of. LLVM keeps some 350 KB for each target that it has met.
    for (const char* name : {"target-cpu", "target-features", "tune-cpu", "min-legal-vector-width"}) {
      function.removeFnAttr(name);
    }
  }
  return llvm::Error::success();
}

void Pipeline::optimize(llvm::Module& module, int optLevel) {
  Analyses analyses(machine(optLevel));
  llvm::FunctionAnalysisManager& functions = analyses.functions;
  llvm::AlwaysInlinerPass(/*InsertLifetimeIntrinsics=*/false).run(module, analyses.modules);
  for (llvm::Function& function : module) {
    if (function.isDeclaration()) continue;
    if (function.hasAvailableExternallyLinkage()) {
      function.deleteBody();
      continue;
    }
    (optLevel >= 2 ? scalarPasses() : quickPasses()).run(function, functions);
    if (optLevel < 2 || functions.getResult<llvm::LoopAnalysis>(function).empty()) continue;
    loopPasses().run(function, functions);
  }
}

/// What addPassesToEmitFile would add, without the passes that do not pay for themselves. Scheduling is a tenth of code
/// generation, and the processor reorders anyway.
bool Pipeline::addCodegen(llvm::legacy::PassManager& passes, llvm::raw_pwrite_stream& stream,
                          llvm::CodeGenFileType type, int optLevel, size_t instructions) {
  llvm::TargetMachine& target = machine(optLevel);
  auto* info = new llvm::MachineModuleInfoWrapperPass(&target);
  llvm::TargetPassConfig* config = target.createPassConfig(passes);
  config->setDisableVerify(true);
  if (instructions > kMostSunk) config->disablePass(&llvm::MachineSinkingLegacyID);
  if (instructions > kMostJoined) config->disablePass(&llvm::RegisterCoalescerID);
  config->disablePass(&llvm::MachineSchedulerID);
  config->disablePass(&llvm::PostRASchedulerID);
  passes.add(config);
  passes.add(info);
  if (config->addISelPasses()) return false;
  addMachinePasses(*config, optLevel >= 2 ? instructions : 0);
  config->setInitialized();
  if (target.addAsmPrinter(passes, stream, nullptr, type, info->getMMI().getContext())) return false;
  passes.add(llvm::createFreeMachineFunctionPass());
  return true;
}

llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> Pipeline::emitObject(llvm::Module& module, int optLevel) {
  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream stream(bytes);
  LeanPassManager passes;
  if (!addCodegen(passes, stream, llvm::CodeGenFileType::ObjectFile, optLevel, instructionCount(module))) {
    return error("the target cannot emit object files");
  }
  passes.run(module);
  return std::make_unique<llvm::SmallVectorMemoryBuffer>(std::move(bytes), module.getModuleIdentifier(),
                                                         /*RequiresNullTerminator=*/false);
}

std::string Pipeline::assembly(const llvm::Module& module, int optLevel) {
  const std::unique_ptr<llvm::Module> copy = llvm::CloneModule(module);
  llvm::SmallString<0> text;
  llvm::raw_svector_ostream stream(text);
  LeanPassManager passes;
  if (!addCodegen(passes, stream, llvm::CodeGenFileType::AssemblyFile, optLevel, instructionCount(module))) return {};
  passes.run(*copy);
  return std::string(text);
}

}  // namespace martlet::backend
