// SPDX-License-Identifier: MIT
#include "libjit/orc_session.h"

#include <llvm/ADT/BitmaskEnum.h>
#include <llvm/ExecutionEngine/JITLink/JITLink.h>
#include <llvm/ExecutionEngine/JITLink/JITLinkMemoryManager.h>
#include <llvm/ExecutionEngine/JITLink/x86_64.h>
#include <llvm/ExecutionEngine/Orc/AbsoluteSymbols.h>
#include <llvm/ExecutionEngine/Orc/EHFrameRegistrationPlugin.h>
#include <llvm/ExecutionEngine/Orc/MapperJITLinkMemoryManager.h>
#include <llvm/ExecutionEngine/Orc/MemoryMapper.h>
#include <llvm/ExecutionEngine/Orc/SelfExecutorProcessControl.h>
#include <llvm/ExecutionEngine/Orc/TargetProcess/RegisterEHFrames.h>
#include <llvm/ExecutionEngine/Orc/TaskDispatch.h>
#include <llvm/Support/MathExtras.h>

#include <cstring>

namespace martlet::backend {

namespace orc = llvm::orc;
namespace jitlink = llvm::jitlink;

namespace {

bool isExecutable(orc::MemProt protection) {
  return (static_cast<unsigned>(protection) & static_cast<unsigned>(orc::MemProt::Exec)) != 0;
}

/// `call *foo@GOTPCREL(%rip)` becomes a direct call where it is near enough, as most helpers are: one entry less in the
/// tables by which a processor foresees where an indirect call goes. JITLink would do so only for a callee below 4 GiB
/// (a CPython linked at a fixed address), and then writes the callee's address where the distance to it belongs (seen
/// in LLVM 22.1.8): those calls stay indirect.
void makeDirect(jitlink::LinkGraph& graph, jitlink::Block& block, jitlink::Edge& edge) {
  constexpr char kIndirect[] = "\xff\x15", kDirect[] = "\x67\xe8";  // the prefix does nothing
  constexpr size_t kOpcode = 2;
  const jitlink::Symbol& entry = edge.getTarget();
  edge.setKind(jitlink::x86_64::PCRel32);
  if (!entry.isDefined() || entry.getBlock().edges_size() != 1 || edge.getOffset() < kOpcode) return;
  jitlink::Symbol& callee = entry.getBlock().edges().begin()->getTarget();
  const auto distance = static_cast<int64_t>(callee.getAddress() - block.getFixupAddress(edge));
  char* opcode = block.getMutableContent(graph).data() + edge.getOffset() - kOpcode;
  if (!llvm::isInt<31>(distance) || std::memcmp(opcode, kIndirect, kOpcode) != 0) return;
  std::memcpy(opcode, kDirect, kOpcode);
  edge.setKind(jitlink::x86_64::BranchPCRel32);
  edge.setTarget(callee);
}

llvm::Error relaxCalls(jitlink::LinkGraph& graph) {
  for (jitlink::Block* block : graph.blocks()) {
    for (jitlink::Edge& edge : block->edges()) {
      if (edge.getKind() == jitlink::x86_64::PCRel32GOTLoadRelaxable) makeDirect(graph, *block, edge);
    }
  }
  return llvm::Error::success();
}

/// Code and what belongs to it have pages of one kind. Next to each other they are one mapping for the kernel, however
/// much is compiled: fork() takes its time for each mapping, and again where the child ends.
void makeExecutable(jitlink::LinkGraph& graph) {
  using llvm::BitmaskEnumDetail::operator|;
  for (jitlink::Section& section : graph.sections()) {
    if (section.getMemProt() == orc::MemProt::Read) section.setMemProt(orc::MemProt::Read | orc::MemProt::Exec);
  }
}

/// Mapped at a time.
constexpr size_t kReservedBytes = size_t{4} << 20;

}  // namespace

/// Adds up the executable bytes of what is being linked.
class OrcSession::CodeSize : public orc::LinkGraphLinkingLayer::Plugin {
 public:
  size_t bytes = 0;

  void modifyPassConfig(orc::MaterializationResponsibility&, jitlink::LinkGraph&,
                        jitlink::PassConfiguration& config) override {
    config.PreFixupPasses.insert(config.PreFixupPasses.begin(), relaxCalls);
    config.PostPrunePasses.push_back([this](jitlink::LinkGraph& graph) {
      bytes = 0;
      for (jitlink::Section& section : graph.sections()) {
        if (!isExecutable(section.getMemProt())) continue;
        for (jitlink::Block* block : section.blocks()) bytes += block->getSize();
      }
      makeExecutable(graph);
      return llvm::Error::success();
    });
  }
  llvm::Error notifyFailed(orc::MaterializationResponsibility&) override { return llvm::Error::success(); }
  llvm::Error notifyRemovingResources(orc::JITDylib&, orc::ResourceKey) override { return llvm::Error::success(); }
  void notifyTransferringResources(orc::JITDylib&, orc::ResourceKey, orc::ResourceKey) override {}
};

llvm::Expected<std::unique_ptr<OrcSession>> OrcSession::create(const HelperAddress* helpers, size_t count) {
  // Tasks run where they are asked for: no thread of LLVM's own, so that fork() leaves nothing half-done.
  auto control = orc::SelfExecutorProcessControl::Create(nullptr, std::make_unique<orc::InPlaceTaskDispatcher>());
  if (!control) return control.takeError();
  std::unique_ptr<OrcSession> out(new OrcSession);
  out->session_ = std::make_unique<orc::ExecutionSession>(std::move(*control));
  // The cause of a failed link comes here, and the lookup only says that it failed. The default prints.
  out->session_->setErrorReporter(
      [session = out.get()](llvm::Error error) { session->causes_ += llvm::toString(std::move(error)) + "; "; });
  auto memory = orc::MapperJITLinkMemoryManager::CreateWithMapper<orc::InProcessMemoryMapper>(kReservedBytes);
  if (!memory) return memory.takeError();
  out->layer_ = std::make_unique<orc::ObjectLinkingLayer>(*out->session_, std::move(*memory));
  out->layer_->addPlugin(std::make_shared<orc::EHFrameRegistrationPlugin>(
      orc::ExecutorAddr::fromPtr(&llvm_orc_registerEHFrameSectionAllocAction),
      orc::ExecutorAddr::fromPtr(&llvm_orc_deregisterEHFrameSectionAllocAction)));
  out->codeSize_ = std::make_shared<CodeSize>();
  out->layer_->addPlugin(out->codeSize_);
  if (llvm::Error error = out->defineHelpers(helpers, count)) return error;
  return out;
}

OrcSession::~OrcSession() {
  if (!session_) return;
  if (llvm::Error error = session_->endSession()) llvm::consumeError(std::move(error));
}

llvm::Error OrcSession::defineHelpers(const HelperAddress* helpers, size_t count) {
  helpers_ = &session_->createBareJITDylib("martlet.helpers");
  orc::SymbolMap symbols;
  for (size_t i = 0; i < count; ++i) {
    symbols[session_->intern(helpers[i].symbol)] = {orc::ExecutorAddr::fromPtr(helpers[i].address),
                                                    llvm::JITSymbolFlags::Exported};
  }
  return helpers_->define(orc::absoluteSymbols(std::move(symbols)));
}

llvm::Error OrcSession::linkInto(orc::JITDylib& dylib, std::unique_ptr<llvm::MemoryBuffer> object,
                                 const std::vector<ObjectSymbol>& objects) {
  dylib.addToLinkOrder(*helpers_);
  orc::SymbolMap symbols;
  for (const ObjectSymbol& symbol : objects) {
    symbols[session_->intern(symbol.name)] = {orc::ExecutorAddr::fromPtr(symbol.address),
                                              llvm::JITSymbolFlags::Exported};
  }
  if (llvm::Error error = dylib.define(orc::absoluteSymbols(std::move(symbols)))) return error;
  return layer_->add(dylib, std::move(object));
}

llvm::Expected<LinkedCode> OrcSession::link(std::unique_ptr<llvm::MemoryBuffer> object, const std::string& symbol,
                                            const std::vector<ObjectSymbol>& objects) {
  const std::lock_guard lock(mutex_);
  causes_.clear();
  orc::JITDylib& dylib = session_->createBareJITDylib("code." + std::to_string(++serial_));
  llvm::Error problem = linkInto(dylib, std::move(object), objects);
  if (!problem) {
    auto found = session_->lookup({&dylib}, session_->intern(symbol));
    if (found) return LinkedCode{found->getAddress().toPtr<void*>(), codeSize_->bytes, &dylib};
    problem = llvm::createStringError(causes_ + llvm::toString(found.takeError()));
  }
  if (llvm::Error error = session_->removeJITDylib(dylib)) {
    problem = llvm::joinErrors(std::move(problem), std::move(error));
  }
  return std::move(problem);
}

void OrcSession::release(void* handle) {
  if (!handle) return;
  const std::lock_guard lock(mutex_);
  if (llvm::Error error = session_->removeJITDylib(*static_cast<orc::JITDylib*>(handle))) {
    llvm::consumeError(std::move(error));
  }
}

}  // namespace martlet::backend
