// SPDX-License-Identifier: MIT
#include "lowering/llvm/pipeline.h"

#include <llvm/Analysis/CGSCCPassManager.h>
#include <llvm/Analysis/InlineCost.h>
#include <llvm/Bitcode/BitcodeReader.h>
#include <llvm/CodeGen/MachineModuleInfo.h>
#include <llvm/CodeGen/Passes.h>
#include <llvm/CodeGen/TargetPassConfig.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Linker/Linker.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/SmallVectorMemoryBuffer.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/TargetParser/Host.h>
#include <llvm/TargetParser/SubtargetFeature.h>
#include <llvm/Transforms/Utils/Cloning.h>

#include <cstdlib>

namespace martlet::backend {

namespace {

llvm::Error error(const llvm::Twine& text) { return llvm::createStringError(llvm::inconvertibleErrorCode(), text); }

std::string hostFeatures() {
  llvm::SubtargetFeatures features;
  for (const auto& feature : llvm::sys::getHostCPUFeatures()) features.AddFeature(feature.first(), feature.second);
  return features.getString();
}

llvm::CodeGenOptLevel codegenLevel(int optLevel) {
  return optLevel >= 2 ? llvm::CodeGenOptLevel::Default : llvm::CodeGenOptLevel::None;
}

}  // namespace

llvm::Expected<std::unique_ptr<Pipeline>> Pipeline::create(const std::string& bitcodePath) {
  if (llvm::InitializeNativeTarget() || llvm::InitializeNativeTargetAsmPrinter()) {
    return error("this LLVM has no code generator for the host");
  }
  const llvm::Triple triple(llvm::sys::getProcessTriple());
  std::string problem;
  const llvm::Target* target = llvm::TargetRegistry::lookupTarget(triple, problem);
  if (!target) return error(problem);
  std::unique_ptr<Pipeline> pipeline(new Pipeline);
  const std::string features = hostFeatures();
  for (int level = 0; level < kOptLevels; ++level) {
    std::unique_ptr<llvm::TargetMachine> machine(
        target->createTargetMachine(triple, llvm::sys::getHostCPUName(), features, llvm::TargetOptions(),
                                    llvm::Reloc::PIC_, llvm::CodeModel::Small, codegenLevel(level), /*JIT=*/true));
    if (!machine) return error("no target machine for the host");
    machine->setFastISel(codegenLevel(level) == llvm::CodeGenOptLevel::None);
    if (level == 2 && getenv("XF")) machine->setFastISel(true);
    if (level == 2 && getenv("XL")) machine->setOptLevel((llvm::CodeGenOptLevel)atoi(getenv("XL")));
    pipeline->machines_[static_cast<size_t>(level)] = std::move(machine);
  }
  if (!bitcodePath.empty()) {
    auto buffer = llvm::MemoryBuffer::getFile(bitcodePath, /*IsText=*/false, /*RequiresNullTerminator=*/false);
    if (!buffer) return error(bitcodePath + ": " + buffer.getError().message());
    pipeline->bitcode_ = std::move(*buffer);
  }
  return pipeline;
}

void Pipeline::prepare(llvm::Module& module) const {
  module.setTargetTriple(machine(0).getTargetTriple());
  module.setDataLayout(machine(0).createDataLayout());
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
      if (auto* function = llvm::dyn_cast<llvm::Function>(value)) function->addFnAttr(llvm::Attribute::AlwaysInline);
    }
  };
  if (llvm::Linker::linkModules(module, std::move(*helpers), llvm::Linker::LinkOnlyNeeded, imported)) {
    return error("the runtime's bitcode could not be linked");
  }
  return llvm::Error::success();
}

void Pipeline::optimize(llvm::Module& module, int optLevel) const {
  llvm::PassBuilder builder(&machine(optLevel));
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  if (const char* text = getenv("XP")) {
    llvm::ModulePassManager inliner;
    if (llvm::Error e = builder.parsePassPipeline(inliner, getenv("XM") ? getenv("XM") : "always-inline")) llvm::errs() << e << "\n";
    inliner.run(module, modules);
    llvm::FunctionPassManager passes;
    if (llvm::Error e = builder.parsePassPipeline(passes, text)) llvm::errs() << e << "\n";
    for (llvm::Function& fn : module) {
      if (fn.isDeclaration()) continue;
      if (fn.hasAvailableExternallyLinkage()) fn.deleteBody(); else passes.run(fn, functions);
    }
    return;
  }
  llvm::ModulePassManager passes = builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O2);
  passes.run(module, modules);
}

/// What addPassesToEmitFile would add, without the passes that do not pay for themselves.
bool Pipeline::addCodegen(llvm::legacy::PassManager& passes, llvm::raw_pwrite_stream& stream,
                          llvm::CodeGenFileType type, int optLevel) const {
  llvm::TargetMachine& target = machine(optLevel);
  auto* info = new llvm::MachineModuleInfoWrapperPass(&target);
  llvm::TargetPassConfig* config = target.createPassConfig(passes);
  config->setDisableVerify(true);
  if (getenv("XS")) config->disablePass(&llvm::MachineSinkingLegacyID);
  passes.add(config);
  passes.add(info);
  if (config->addISelPasses()) return false;
  config->addMachinePasses();
  config->setInitialized();
  if (target.addAsmPrinter(passes, stream, nullptr, type, info->getMMI().getContext())) return false;
  passes.add(llvm::createFreeMachineFunctionPass());
  return true;
}

llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> Pipeline::emitObject(llvm::Module& module, int optLevel) const {
  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream stream(bytes);
  llvm::legacy::PassManager passes;
  if (!addCodegen(passes, stream, llvm::CodeGenFileType::ObjectFile, optLevel)) {
    return error("the target cannot emit object files");
  }
  passes.run(module);
  return std::make_unique<llvm::SmallVectorMemoryBuffer>(std::move(bytes), module.getModuleIdentifier(),
                                                         /*RequiresNullTerminator=*/false);
}

std::string Pipeline::assembly(const llvm::Module& module, int optLevel) const {
  const std::unique_ptr<llvm::Module> copy = llvm::CloneModule(module);
  llvm::SmallString<0> text;
  llvm::raw_svector_ostream stream(text);
  llvm::legacy::PassManager passes;
  if (!addCodegen(passes, stream, llvm::CodeGenFileType::AssemblyFile, optLevel)) return {};
  passes.run(*copy);
  return std::string(text);
}

}  // namespace martlet::backend
