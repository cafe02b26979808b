// SPDX-License-Identifier: MIT
// The rewrites of single ops behind the pass "simplify". Must not know: blocks' order, edges.
#pragma once
#include <optional>

#include "lowering/hir/hir.h"

namespace martlet::passes {

/// What an op turns into.
struct Rewrite {
  hir::Value* replacement = nullptr;  ///< stands for the op's result from now on; the op goes away
  bool remove = false;                ///< the op goes away; it has no result
  explicit operator bool() const { return replacement != nullptr || remove; }
};

/// Looks at one op whose operands are up to date. New values are put right before it.
Rewrite rewriteOp(hir::Function& function, hir::Value& op);

/// Whether an object of the object table is True or False, as far as that can be told.
std::optional<bool> isTrueObject(const hir::ObjectRef& object);

}  // namespace martlet::passes
