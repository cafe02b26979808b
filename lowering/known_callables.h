// SPDX-License-Identifier: MIT
// C functions, classes and methods of which a call is more than a call. Owns: the reading of known_callables.def. Must
// not know: Python.h, LLVM.
#pragma once
#include <cstdint>
#include <iterator>
#include <string_view>

#include "lowering/hir/type.h"

namespace martlet {

enum class KnownCallable : uint8_t {
#define KNOWN(name, ...) name,
#include "lowering/known_callables.def"
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

inline constexpr KnownInfo kKnownCallables[] = {
#define KNOWN(name, owner, attribute, arguments, result)                                                               \
  {#owner, #attribute, KnownArguments::arguments, hir::types::result},
#include "lowering/known_callables.def"
};
static_assert(std::size(kKnownCallables) == static_cast<size_t>(KnownCallable::kCount));

constexpr const KnownInfo& info(KnownCallable callable) {
  return kKnownCallables[static_cast<size_t>(callable)];
}

/// The exact class of which it is a method; nothing for functions and classes.
constexpr hir::Type ownerType(KnownCallable callable) {
  const std::string_view owner = info(callable).owner;
  if (owner == "list") return hir::types::List;
  if (owner == "dict") return hir::types::Dict;
  if (owner == "set") return hir::types::Set;
  if (owner == "str") return hir::types::Str;
  if (owner == "bytes") return hir::types::Bytes;
  if (owner == "int") return hir::types::Long;
  return hir::types::kNothing;
}

/// True if a call with such arguments may change an object that was there before, if only an iterator.
constexpr bool mayChangeObject(KnownCallable callable) {
  switch (callable) {
  case KnownCallable::DictPop:
  case KnownCallable::DictSetdefault:
  case KnownCallable::ListAppend:
  case KnownCallable::ListExtend:
  case KnownCallable::ListPop:
  case KnownCallable::ListReverse:
  case KnownCallable::SetAdd:
  case KnownCallable::SetDiscard:
  case KnownCallable::SetRemove: return true;
  default: return info(callable).arguments == KnownArguments::Items;
  }
}

}  // namespace martlet
