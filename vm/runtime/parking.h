// SPDX-License-Identifier: MIT
// Which helpers may park their result, as a function. Owns: the reading of parking.def. Must not know: Python.h.
#pragma once
#include "lowering/hir/hir.h"

namespace martlet {

/// The completion that the frame state of a call of this helper needs; None if the helper never parks.
constexpr hir::Completion completionOf(hir::Helper helper) {
  switch (helper) {
#define PARKS(name, completion)                                                                                        \
  case hir::Helper::name: return hir::Completion::completion;
#include "vm/runtime/parking.def"
  default: return hir::Completion::None;
  }
}

}  // namespace martlet
