// SPDX-License-Identifier: MIT
// The functions behind the rows of passes.def. Each says whether it changed anything.
#pragma once

namespace martlet::hir {
class Function;
}

namespace martlet::passes {

#define PASS(name, function, purpose) bool function(hir::Function& fn);
#include "passes/passes.def"

}  // namespace martlet::passes
