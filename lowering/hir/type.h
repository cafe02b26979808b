// SPDX-License-Identifier: MIT
// The type lattice of HIR. Owns: what is statically known of a value. Must not know: Python.h, LLVM.
//
// A type is a set of possibilities, kept as bits: exact built-in classes, "some other object", NULL (an unbound
// local or an absent self), or one machine kind. Union is join; a type with no bits is "no value".
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace martlet::hir {

// TYPE(Name, bit): exact classes first (subclasses are OtherObject), then NULL, then machine kinds. The last two are of
// parameters that stand for a frame slot: on some ways it is the number, and on the others what the slot's memory
// holds.
#define MARTLET_TYPE_BITS(TYPE)                                                                                        \
  TYPE(Long, 0)                                                                                                        \
  TYPE(Float, 1)                                                                                                       \
  TYPE(Bool, 2)                                                                                                        \
  TYPE(None, 3)                                                                                                        \
  TYPE(Str, 4)                                                                                                         \
  TYPE(Bytes, 5)                                                                                                       \
  TYPE(Tuple, 6)                                                                                                       \
  TYPE(List, 7)                                                                                                        \
  TYPE(Dict, 8)                                                                                                        \
  TYPE(Set, 9)                                                                                                         \
  TYPE(Slice, 10)                                                                                                      \
  TYPE(Function, 11)                                                                                                   \
  TYPE(Class, 12)                                                                                                      \
  TYPE(Cell, 13)                                                                                                       \
  TYPE(RangeIter, 14)                                                                                                  \
  TYPE(ListIter, 15)                                                                                                   \
  TYPE(TupleIter, 16)                                                                                                  \
  TYPE(OtherObject, 20)                                                                                                \
  TYPE(Null, 21)                                                                                                       \
  TYPE(I64, 24)                                                                                                        \
  TYPE(F64, 25)                                                                                                        \
  TYPE(I1, 26)                                                                                                         \
  TYPE(I64OrSlot, 27)                                                                                                  \
  TYPE(F64OrSlot, 28)

class Type {
 public:
  constexpr Type() = default;
  constexpr explicit Type(uint32_t bits) : bits_(bits) {}

  constexpr uint32_t bits() const { return bits_; }
  constexpr bool operator==(const Type&) const = default;
  constexpr Type operator|(Type o) const { return Type(bits_ | o.bits_); }
  constexpr Type operator&(Type o) const { return Type(bits_ & o.bits_); }
  constexpr Type without(Type o) const { return Type(bits_ & ~o.bits_); }
  /// True if every possibility of this type is one of `o`.
  constexpr bool isSubtypeOf(Type o) const { return (bits_ & ~o.bits_) == 0; }
  constexpr bool mayBe(Type o) const { return (bits_ & o.bits_) != 0; }
  constexpr bool isNothing() const { return bits_ == 0; }
  /// Object or NULL: lives in a pointer register and takes part in reference counting.
  constexpr bool isReference() const { return bits_ != 0 && (bits_ & ~0x3fffffU) == 0; }
  constexpr bool isMachine() const { return (bits_ & 0x1f000000U) != 0; }

  /// "Object", "Nullable", "Long", "Long|Float", "I64", "Nothing", ….
  std::string str() const;
  static std::optional<Type> parse(std::string_view text);

 private:
  uint32_t bits_ = 0;
};

namespace types {
// The names are those of the text form.
// NOLINTBEGIN(readability-identifier-naming)
#define MARTLET_TYPE(name, bit) inline constexpr Type name{1U << (bit)};
MARTLET_TYPE_BITS(MARTLET_TYPE)
#undef MARTLET_TYPE
// NOLINTEND(readability-identifier-naming)
inline constexpr Type kNothing{};
inline constexpr Type kObject{0x1fffffU};    // any object, not NULL
inline constexpr Type kNullable{0x3fffffU};  // any object, or NULL
/// Objects whose deallocation cannot run Python code and which hold no other object.
inline constexpr Type kSimple = Long | Float | Bool | None | Str | Bytes;
inline constexpr Type kNumber = Long | Float | Bool;
inline constexpr Type kNumberOrSlot = I64OrSlot | F64OrSlot;
/// What is iterated, and searched, without Python code but that of items.
inline constexpr Type kContainer = Tuple | List | Dict | Set;
}  // namespace types

}  // namespace martlet::hir
