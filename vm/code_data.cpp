// SPDX-License-Identifier: MIT
#include "vm/code_data.h"

#include <algorithm>
#include <new>
#include <unordered_map>
#include <utility>

namespace martlet::vm {

const Counting* CodeData::counting_ = nullptr;
Py_ssize_t CodeData::extraIndex_ = -1;
CodeData* CodeData::first_ = nullptr;
CodeData* CodeData::last_ = nullptr;
void (*releaseNativeCode)(CompiledCode& code) = nullptr;

namespace {
// Never destroyed: code objects die after static destruction has begun.
auto& dataByVersion = *new std::unordered_map<uint32_t, CodeData*>();
auto& freePlaces = *new std::vector<void*>();  // each for one CodeData
constexpr size_t kPageBytes = 4096;
}  // namespace

CodeData* CodeData::findOrCreate(PyCodeObject* code, uint32_t loop) {
  const uintptr_t* slot = slotOf(code);
  const uintptr_t old = slot != nullptr ? *slot : 0;
  if (old != 0 && !isColdCount(old)) return reinterpret_cast<CodeData*>(old);
  if (old == 0) counting_->reportLoops(code);
  OwnedCodeData data(new CodeData(code));
  const uint32_t calls = static_cast<uint32_t>(old) >> 1, jumps = static_cast<uint32_t>(old >> 32);
  if (calls != 0) data->site(0).count = calls;
  if (jumps != 0 && loop != 0) data->site(loop).count = jumps;
  if (!storeSlot(code, extraIndex_, reinterpret_cast<uintptr_t>(data.get()))) return nullptr;
  if (code->co_version != 0) dataByVersion[code->co_version] = data.get();
  return data.release();
}

CodeData* CodeData::ofVersion(uint32_t version) {
  const auto found = dataByVersion.find(version);
  return found != dataByVersion.end() ? found->second : nullptr;
}

void* CodeData::operator new(size_t size) {
  if (freePlaces.empty()) {
    constexpr size_t kTogether = 64;
    auto* places = static_cast<char*>(::operator new(kTogether * size, std::align_val_t{kPageBytes}));
    for (size_t i = kTogether; i-- > 0;) freePlaces.push_back(places + i * size);
  }
  void* place = freePlaces.back();
  freePlaces.pop_back();
  return place;
}

void CodeData::operator delete(void* place) {
  freePlaces.push_back(place);
}

CodeData::CodeData(PyCodeObject* code)
    : layout(port::layoutOf(code)), plainArguments(plainArgumentsOf(code)), code_(code), previous_(last_) {
  (last_ != nullptr ? last_->next_ : first_) = this;
  last_ = this;
}

void CodeData::die() {
  retireAll();
  (previous_ != nullptr ? previous_->next_ : first_) = next_;
  (next_ != nullptr ? next_->previous_ : last_) = previous_;
  if (ofVersion(code_->co_version) == this) dataByVersion.erase(code_->co_version);
  code_ = nullptr;
  if (inlined != nullptr) inlined->invalidate();
  ++pins_;  // it may be its own callee
  for (const SiteCache& cache : siteCaches) {
    if (cache.callee != nullptr) cache.callee->unpin();
  }
  siteCaches = {};
  unpin();
}

void CodeData::unpin() {
  if (--pins_ == 0 && code_ == nullptr) delete this;
}

void CodeData::rememberAt(SiteCache& cache) {
  ++pins_;
  if (CodeData* old = std::exchange(cache.callee, this)) old->unpin();
}

void CodeData::numberEntries() {
  lastResumed_ = kNone;
  std::fill(entryNumbers_.begin(), entryNumbers_.end(), uint16_t{0});
  for (size_t i = 0; i < entries_.size(); ++i) {
    const uint32_t offset = entries_[i].offset;
    if (offset >= entryNumbers_.size()) entryNumbers_.resize(offset + size_t{1});
    entryNumbers_[offset] = static_cast<uint16_t>(i + 1);
  }
}

void CodeData::publish(std::unique_ptr<NativeVersion> version, bool entersCalls) {
  NativeVersion* added = version.get();
  added->exitCounts.assign(added->code.exits.size(), 0);
  versions_.push_back(std::move(version));
  for (uint32_t i = 0; i < added->code.entries.size(); ++i) {
    const EntryPoint& point = added->code.entries[i];
    std::erase_if(entries_, [&](const NativeEntry& old) { return old.offset == point.offset; });
    entries_.push_back({added, i, point.offset, point.stackDepth});
    if (entersCalls && point.offset == 0) {
      callVersion = added;
      callFunction = added->code.function;
      callIndex = i;
    }
  }
  numberEntries();
  // A version that lost its last entry is of no more use.
  for (auto& old : versions_) {
    const bool used = old.get() == callVersion ||
                      std::any_of(entries_.begin(), entries_.end(), [&](auto& e) { return e.version == old.get(); });
    if (!used) stopEntering(old.get());
  }
  if (active == 0) freeRetired();
}

void CodeData::stopEntering(NativeVersion* version) {
  std::erase_if(entries_, [&](const NativeEntry& entry) { return entry.version == version; });
  numberEntries();
  if (callVersion == version) callVersion = nullptr;
  version->retired = true;
  hasRetired = true;
}

void CodeData::retire(NativeVersion* version) {
  stopEntering(version);
  if (active == 0) freeRetired();
}

void CodeData::withdraw(NativeVersion* version) {
  stopEntering(version);
  ++withdrawals;
}

void CodeData::retireAll() {
  for (auto& version : versions_) {
    if (!version->retired) stopEntering(version.get());
  }
  if (active == 0) freeRetired();
  sites_.clear();
}

void CodeData::freeRetired() {
  hasRetired = false;
  // Releasing an object may run Python code, which may run or compile this code.
  std::vector<std::unique_ptr<NativeVersion>> dying;
  for (auto& version : versions_) {
    if (version->retired) dying.push_back(std::move(version));
  }
  std::erase(versions_, nullptr);
  for (auto& version : dying) {
    if (releaseNativeCode != nullptr) releaseNativeCode(version->code);
  }
}

size_t CodeData::codeBytes() const {
  size_t bytes = 0;
  for (auto& version : versions_) bytes += version->code.codeBytes;
  return bytes;
}

CodeData::SiteCount& CodeData::site(uint32_t offset) {
  for (SiteCount& site : sites_) {
    if (site.offset == offset) return site;
  }
  sites_.push_back({offset, 0, nullptr, false, 0, 0});
  return sites_.back();
}

}  // namespace martlet::vm
