// SPDX-License-Identifier: MIT
// Text form of types. Owns: Type::str and Type::parse, which are inverse to each other for every set of bits.
// Must not know: Python.h, LLVM.
#include "lowering/hir/type.h"

#include <charconv>

namespace martlet::hir {
namespace {

struct NamedBit {
  std::string_view name;
  Type type;
};

constexpr NamedBit kNamedBits[] = {
#define MARTLET_TYPE(name, bit) {#name, types::name},
    MARTLET_TYPE_BITS(MARTLET_TYPE)
#undef MARTLET_TYPE
};

constexpr Type namedBits() {
  Type all;
  for (const NamedBit& bit : kNamedBits) all = all | bit.type;
  return all;
}

/// Bits of kObject that no class has yet. A set that came from "any object" by exclusion has all of them.
constexpr Type kSpare = types::kObject.without(namedBits());

std::optional<Type> parseTerm(std::string_view term) {
  if (term == "Nothing") return types::kNothing;
  if (term == "Object") return types::kObject;
  if (term == "Nullable") return types::kNullable;
  for (const NamedBit& bit : kNamedBits) {
    if (bit.name == term) return bit.type;
  }
  if (term.size() < 2 || term.front() != '#') return std::nullopt;
  uint32_t bits = 0;
  auto [end, error] = std::from_chars(term.data() + 1, term.data() + term.size(), bits, 16);
  if (error != std::errc() || end != term.data() + term.size()) return std::nullopt;
  return Type(bits);
}

void appendTerm(std::string& text, std::string_view term) {
  if (!text.empty()) text += '|';
  text += term;
}

}  // namespace

// "Object" and "Nullable" stand for the two large sets; sets that were made from them by exclusion read "Object-Long".
// Bits without a name are written in hexadecimal, so that nothing is lost.
std::string Type::str() const {
  if (isNothing()) return "Nothing";
  std::string text;
  std::string excluded;
  Type rest = *this;
  if (kSpare.isSubtypeOf(*this)) {
    const Type whole = mayBe(types::Null) ? types::kNullable : types::kObject;
    text = mayBe(types::Null) ? "Nullable" : "Object";
    for (const NamedBit& bit : kNamedBits) {
      if (bit.type.isSubtypeOf(whole.without(*this))) excluded.append("-").append(bit.name);
    }
    rest = rest.without(whole);
  }
  for (const NamedBit& bit : kNamedBits) {
    if (rest.mayBe(bit.type)) appendTerm(text, bit.name);
  }
  if (const uint32_t unnamed = rest.without(namedBits()).bits(); unnamed != 0) {
    char digits[8];
    auto [end, error] = std::to_chars(digits, digits + sizeof digits, unnamed, 16);
    appendTerm(text, "#" + std::string(digits, end));
  }
  return text + excluded;
}

std::optional<Type> Type::parse(std::string_view text) {
  Type result;
  char combine = '|';
  while (true) {
    const size_t end = text.find_first_of("|-");
    const std::optional<Type> term = parseTerm(text.substr(0, end));
    if (!term) return std::nullopt;
    result = combine == '|' ? result | *term : result.without(*term);
    if (end == std::string_view::npos) return result;
    combine = text[end];
    text.remove_prefix(end + 1);
  }
}

}  // namespace martlet::hir
