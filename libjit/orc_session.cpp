// SPDX-License-Identifier: MIT
#include "libjit/orc_session.h"

#include <llvm/ADT/BitmaskEnum.h>
#include <llvm/ExecutionEngine/JITLink/JITLink.h>
#include <llvm/ExecutionEngine/JITLink/x86_64.h>
#include <llvm/ExecutionEngine/Orc/SymbolStringPool.h>
#include <llvm/Support/MathExtras.h>

#include <cstring>
#include <utility>

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

/// What came of a link.
struct Linked {
  std::string error;
  LinkedCode code;
};

/// The engine's memory, as JITLink asks for it.
class Memory final : public jitlink::JITLinkMemoryManager {
 public:
  Memory(CodeMemory& memory, CodePlace& out) : memory_(memory), out_(out) {}

  void allocate(const jitlink::JITLinkDylib*, jitlink::LinkGraph& graph, OnAllocatedFunction goOn) override {
    jitlink::BasicLayout layout(graph);
    auto sizes = layout.getContiguousPageBasedLayoutSizes(kPageBytes);
    if (!sizes) return goOn(sizes.takeError());
    const size_t bytes = sizes->total();
    char* at = static_cast<char*>(memory_.allocate(bytes));
    if (at == nullptr) return goOn(llvm::createStringError("no memory for native code"));
    auto placed = std::make_unique<Placed>(memory_, CodePlace{at, bytes}, out_);
    for (auto& [group, segment] : layout.segments()) {
      // Zeroed pages, as what has no content needs.
      segment.Addr = orc::ExecutorAddr::fromPtr(at);
      segment.WorkingMem = at;
      at += llvm::alignTo(segment.ContentSize + segment.ZeroFillSize, kPageBytes);
      if (!isExecutable(group.getMemProt())) return goOn(llvm::createStringError("code with variables"));
    }
    if (llvm::Error error = layout.apply()) return goOn(std::move(error));
    goOn(std::move(placed));
  }
  void deallocate(std::vector<FinalizedAlloc>, OnDeallocatedFunction goOn) override { goOn(llvm::Error::success()); }

 private:
  /// Is linked where it will run.
  class Placed final : public InFlightAlloc {
   public:
    Placed(CodeMemory& memory, CodePlace place, CodePlace& out) : memory_(memory), place_(place), out_(out) {}
    ~Placed() override {
      if (place_.at != nullptr) memory_.release(place_.at, place_.bytes);
    }
    void finalize(OnFinalizedFunction goOn) override {
      if (!memory_.seal(place_.at, place_.bytes)) return goOn(llvm::createStringError("mprotect failed"));
      out_.at = place_.at;
      out_.bytes = place_.bytes;
      goOn(FinalizedAlloc(orc::ExecutorAddr::fromPtr(std::exchange(place_.at, nullptr))));
    }
    void abandon(OnAbandonedFunction goOn) override { goOn(llvm::Error::success()); }

   private:
    CodeMemory& memory_;
    CodePlace place_;
    CodePlace& out_;
  };

  static constexpr size_t kPageBytes = 4096;
  CodeMemory& memory_;
  CodePlace& out_;
};

/// One link: what JITLink asks, and what it reports.
class Link : public jitlink::JITLinkContext {
 public:
  Link(jitlink::JITLinkMemoryManager& memory, const SymbolAddresses& helpers, const SymbolAddresses& objects,
       llvm::StringRef symbol, Linked& out)
      : JITLinkContext(nullptr), memory_(memory), helpers_(helpers), objects_(objects), symbol_(symbol), out_(out) {}

  jitlink::JITLinkMemoryManager& getMemoryManager() override { return memory_; }
  void notifyFailed(llvm::Error error) override { out_.error = llvm::toString(std::move(error)); }
  void notifyFinalized(jitlink::JITLinkMemoryManager::FinalizedAlloc code) override {
    code.release();  // it is the engine's
  }

  void lookup(const LookupMap& names, std::unique_ptr<jitlink::JITLinkAsyncLookupContinuation> goOn) override {
    jitlink::AsyncLookupResult found;
    std::string missing;
    for (const auto& [name, flags] : names) {
      if (const void* address = addressOf(*name)) {
        found[name] = {orc::ExecutorAddr::fromPtr(address), llvm::JITSymbolFlags::Exported};
      } else if (flags == jitlink::SymbolLookupFlags::RequiredSymbol) {
        missing += " " + (*name).str();
      }
    }
    if (missing.empty()) return goOn->run(std::move(found));
    goOn->run(llvm::createStringError("symbols not found:" + missing));
  }

  llvm::Error notifyResolved(jitlink::LinkGraph& graph) override {
    if (const jitlink::Symbol* entry = find(graph)) out_.code.address = entry->getAddress().toPtr<void*>();
    return out_.code.address != nullptr ? llvm::Error::success() : llvm::createStringError(symbol_ + " is not defined");
  }

  jitlink::LinkGraphPassFunction getMarkLivePass(const llvm::Triple&) const override {
    return [this](jitlink::LinkGraph& graph) {
      if (jitlink::Symbol* entry = find(graph)) entry->setLive(true);
      return llvm::Error::success();
    };
  }

  llvm::Error modifyPassConfig(jitlink::LinkGraph&, jitlink::PassConfiguration& config) override {
    config.PostPrunePasses.push_back([this](jitlink::LinkGraph& graph) {
      out_.code.codeBytes = executableBytes(graph);
      makeExecutable(graph);
      return llvm::Error::success();
    });
    config.PreFixupPasses.insert(config.PreFixupPasses.begin(), relaxCalls);
    config.PostFixupPasses.push_back([this](jitlink::LinkGraph& graph) {
      if (jitlink::Section* frames = graph.findSectionByName(".eh_frame"); frames != nullptr && !frames->empty()) {
        out_.code.place.frames = jitlink::SectionRange(*frames).getStart().toPtr<void*>();
      }
      return llvm::Error::success();
    });
    return llvm::Error::success();
  }

 private:
  const void* addressOf(llvm::StringRef name) const {
    const void* object = objects_.lookup(name);
    return object != nullptr ? object : helpers_.lookup(name);
  }

  jitlink::Symbol* find(jitlink::LinkGraph& graph) const {
    for (jitlink::Symbol* symbol : graph.defined_symbols()) {
      if (symbol->hasName() && *symbol->getName() == symbol_) return symbol;
    }
    return nullptr;
  }

  static size_t executableBytes(jitlink::LinkGraph& graph) {
    size_t bytes = 0;
    for (jitlink::Section& section : graph.sections()) {
      if (!isExecutable(section.getMemProt())) continue;
      for (const jitlink::Block* block : section.blocks()) bytes += block->getSize();
    }
    return bytes;
  }

  jitlink::JITLinkMemoryManager& memory_;
  const SymbolAddresses& helpers_;
  const SymbolAddresses& objects_;
  llvm::StringRef symbol_;
  Linked& out_;
};

}  // namespace

OrcSession::OrcSession(CodeMemory& memory, const HelperAddress* helpers, size_t count) : memory_(memory) {
  for (size_t i = 0; i < count; ++i) helpers_[helpers[i].symbol] = helpers[i].address;
}

llvm::Expected<LinkedCode> OrcSession::link(std::unique_ptr<llvm::MemoryBuffer> object, const std::string& symbol,
                                            const std::vector<ObjectSymbol>& objects) {
  SymbolAddresses addresses;
  for (const ObjectSymbol& entry : objects) addresses[entry.name] = entry.address;
  const auto names = std::make_shared<orc::SymbolStringPool>();  // dies behind the link, which keeps names to its end
  auto graph = jitlink::createLinkGraphFromObject(object->getMemBufferRef(), names);
  if (!graph) return graph.takeError();
  Linked linked;
  Memory memory(memory_, linked.code.place);
  // It is done when this returns: nothing here is asynchronous.
  jitlink::link(std::move(*graph), std::make_unique<Link>(memory, helpers_, addresses, symbol, linked));
  if (linked.code.place.at == nullptr) return llvm::createStringError(linked.error);
  return linked.code;
}

}  // namespace martlet::backend
