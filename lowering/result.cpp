// SPDX-License-Identifier: MIT
// Names and sentences of the bailout reasons. Must not know: Python.h, LLVM.
#include "lowering/result.h"

#include <cstddef>
#include <iterator>

namespace martlet {
namespace {

struct BailoutRow {
  const char* name;
  const char* sentence;
};

constexpr BailoutRow kBailouts[] = {
#define BAILOUT_REASON(name, sentence) {#name, sentence},
#include "lowering/bailout_reasons.def"
};
static_assert(std::size(kBailouts) == static_cast<size_t>(BailoutReason::kCount));

}  // namespace

const char* name(BailoutReason reason) {
  return kBailouts[static_cast<size_t>(reason)].name;
}
const char* sentence(BailoutReason reason) {
  return kBailouts[static_cast<size_t>(reason)].sentence;
}
std::string describe(const Bailout& bailout) {
  std::string text = sentence(bailout.reason);
  if (!bailout.detail.empty()) text += " (" + bailout.detail + ")";
  return text;
}

}  // namespace martlet
