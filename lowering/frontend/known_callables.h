// SPDX-License-Identifier: MIT
// C functions, classes and methods of which a call is more than a call. Owns: the reading of known_callables.def. Must
// not know: Python.h, LLVM.
#pragma once
#include <cstdint>

#include "lowering/hir/type.h"

namespace martlet::frontend {

enum class KnownCallable : uint8_t {
#define KNOWN(name, ...) name,
#include "lowering/frontend/known_callables.def"
  kCount
};

/// With which arguments a call runs no Python code.
enum class KnownArguments : uint8_t { Plain, Items, Any, None };

struct KnownInfo {
  const char* owner;
  const char* attribute;
  KnownArguments arguments;
  hir::Type result;
};
const KnownInfo& info(KnownCallable callable);

/// The exact class of which it is a method; nothing for functions and classes.
hir::Type ownerType(KnownCallable callable);

}  // namespace martlet::frontend
