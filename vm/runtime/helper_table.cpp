// SPDX-License-Identifier: MIT
#include "vm/runtime/helper_table.h"

#include <cstring>

#include "vm/runtime/leave.h"
#include "vm/runtime/runtime.h"
#include "vm/runtime/singletons.h"

namespace martlet::vm {
namespace {

const HelperAddress kAddresses[] = {
#define HELPER(name, symbol, ...) {#symbol, reinterpret_cast<const void*>(&(symbol))},
#include "vm/runtime/helpers.def"
#define EXTERNAL(symbol) {#symbol, reinterpret_cast<const void*>(&(symbol))},
#include "vm/runtime/bitcode_externals.def"
};

}  // namespace

std::span<const HelperAddress> helperAddresses() {
  return kAddresses;
}

}  // namespace martlet::vm
