// SPDX-License-Identifier: MIT
// Addresses of everything that native code may refer to by name. Owns: the list of them. Must not know: LLVM.
#pragma once
#include <span>

#include "lowering/backend.h"

namespace martlet::vm {

/// The helpers of helpers.def, and what martlet_runtime.bc refers to but does not define. A test holds it to the
/// bitcode.
std::span<const HelperAddress> helperAddresses();

}  // namespace martlet::vm
