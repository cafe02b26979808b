// SPDX-License-Identifier: MIT
#include "libjit/code_memory.h"

#include <dlfcn.h>
#include <sys/mman.h>

#include <algorithm>
#include <iterator>

namespace martlet {
namespace {

constexpr size_t kPageBytes = 4096;
/// Mapped at a time.
constexpr size_t kBlockBytes = size_t{4} << 20;

size_t wholePages(size_t bytes) {
  return (bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
}

/// The table of frames that all unwinders of the process share. The library is never closed: it would forget them.
struct Unwinder {
  using Call = void (*)(void*);
  void* library = dlopen("libgcc_s.so.1", RTLD_NOW | RTLD_LOCAL);
  Call add = find("__register_frame");
  Call remove = find("__deregister_frame");

  Call find(const char* name) const {
    return library != nullptr ? reinterpret_cast<Call>(dlsym(library, name)) : nullptr;
  }
  static const Unwinder& instance() {
    static const Unwinder unwinder;
    return unwinder;
  }
};

}  // namespace

std::vector<CodeBlocks::Range>::iterator CodeBlocks::findFree(size_t bytes) {
  return std::find_if(free_.begin(), free_.end(), [&](const Range& range) { return range.bytes >= bytes; });
}

void CodeBlocks::addFree(Range added) {
  const auto behind = std::find_if(free_.begin(), free_.end(), [&](const Range& range) { return range.at > added.at; });
  auto range = free_.insert(behind, added);
  if (const auto next = std::next(range); next != free_.end() && range->at + range->bytes == next->at) {
    range->bytes += next->bytes;
    free_.erase(next);
  }
  if (range == free_.begin()) return;
  const auto before = std::prev(range);
  if (before->at + before->bytes != range->at) return;
  before->bytes += range->bytes;
  free_.erase(range);
}

void* CodeBlocks::allocate(size_t bytes) {
  bytes = wholePages(bytes);
  const std::lock_guard<std::mutex> lock(mutex_);
  if (findFree(bytes) == free_.end()) {
    const size_t mapped = std::max(bytes, kBlockBytes);
    void* block = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (block == MAP_FAILED) return nullptr;
    addFree({static_cast<char*>(block), mapped});
  }
  const auto range = findFree(bytes);
  char* at = range->at;
  if (mprotect(at, bytes, PROT_READ | PROT_WRITE) != 0) return nullptr;
  range->at += bytes;
  range->bytes -= bytes;
  if (range->bytes == 0) free_.erase(range);
  return at;
}

bool CodeBlocks::seal(void* at, size_t bytes) {
  return mprotect(at, wholePages(bytes), PROT_READ | PROT_EXEC) == 0;
}

void CodeBlocks::release(void* at, size_t bytes) {
  bytes = wholePages(bytes);
  // Left executable: it stays one mapping with its neighbors.
  madvise(at, bytes, MADV_DONTNEED);
  const std::lock_guard<std::mutex> lock(mutex_);
  addFree({static_cast<char*>(at), bytes});
}

void CodeBlocks::showFrames(CodePlace& place) {
  const Unwinder& unwinder = Unwinder::instance();
  if (place.frames == nullptr || place.shown || unwinder.add == nullptr || unwinder.remove == nullptr) return;
  unwinder.add(place.frames);
  place.shown = true;
}

void CodeBlocks::release(CodePlace& place) {
  if (place.at == nullptr) return;
  if (place.shown) Unwinder::instance().remove(place.frames);
  release(place.at, place.bytes);
  place = {};
}

}  // namespace martlet
