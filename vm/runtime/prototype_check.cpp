// SPDX-License-Identifier: MIT
// Holds the prototypes of runtime.h to the signatures of helpers.def, at compile time. Must not know: LLVM.
#include <cstddef>
#include <iterator>
#include <string_view>

#include "lowering/hir/hir.h"
#include "vm/runtime/inline.h"
#include "vm/runtime/parking.h"
#include "vm/runtime/runtime.h"

namespace {

// One letter for each C type. Objects are all alike here.
template <class T>
constexpr char kLetter = '?';
template <>
constexpr char kLetter<PyThreadState*> = 'T';
template <>
constexpr char kLetter<Frame*> = 'F';
template <>
constexpr char kLetter<PyObject*> = 'O';
template <>
constexpr char kLetter<int64_t> = 'l';
template <>
constexpr char kLetter<double> = 'd';
template <>
constexpr char kLetter<bool> = 'b';
template <>
constexpr char kLetter<int> = 'i';
template <>
constexpr char kLetter<void> = 'v';
template <>
constexpr char kLetter<PyObject* const*> = 'A';
template <>
constexpr char kLetter<SiteCache*> = 'K';
template <>
constexpr char kLetter<PyObject**> = 'X';
template <>
constexpr char kLetter<int64_t*> = 'Y';
template <>
constexpr char kLetter<double*> = 'Z';

/// The letter of the C type that a parameter or result of the table has.
constexpr char plain(char letter) {
  switch (letter) {
  case 'N':
  case 'S':
  case 'M':
  case 'C': return 'O';
  case 'V': return 'X';
  case 'B':
  case 'I': return 'l';
  default: return letter;
  }
}
constexpr char plainResult(char letter) {
  return letter == 'N' || letter == 'F' ? 'O' : letter;
}

template <class Result, class... Params>
constexpr bool matches(Result (*)(Params...), char result, std::string_view params) {
  if (kLetter<Result> != plainResult(result)) return false;
  constexpr char kActual[] = {kLetter<Params>..., '\0'};
  size_t at = 0;
  for (char letter : params) {
    if (kActual[at++] != plain(letter)) return false;
    if ((letter == 'A' || letter == 'V') && kActual[at++] != 'l') return false;  // the array's length
  }
  return at == sizeof...(Params);
}

#define HELPER(name, symbol, result, params, ...)                                                                      \
  static_assert(matches(&symbol, result, params), "runtime.h and helpers.def differ: " #symbol);
#include "vm/runtime/helpers.def"

/// What may park must be able to fail, and its result must fit the completion.
constexpr bool canPark(martlet::hir::Completion completion, char result, std::string_view failure) {
  using martlet::hir::Completion;
  if (completion == Completion::None) return true;
  return completion == Completion::PushObject ? result == 'O' && failure == "Null"
                                              : result == 'i' && failure == "Negative";
}
#define HELPER(name, symbol, result, params, type, effects, failure, placement)                                        \
  static_assert(canPark(martlet::completionOf(martlet::hir::Helper::name), result, #failure),                          \
                "parking.def and helpers.def differ: " #symbol);
#include "vm/runtime/helpers.def"

// The classes of the type bits.
namespace types = martlet::hir::types;
using martlet::vm::kExactTypes;
constexpr bool isAt(martlet::hir::Type type, PyTypeObject* object) {
  for (size_t bit = 0; bit < std::size(kExactTypes); ++bit) {
    if (type.bits() == 1U << bit) return kExactTypes[bit] == object;
  }
  return false;
}
static_assert(isAt(types::Long, &PyLong_Type) && isAt(types::Float, &PyFloat_Type) && isAt(types::Bool, &PyBool_Type));
static_assert(isAt(types::None, &_PyNone_Type) && isAt(types::Str, &PyUnicode_Type) &&
              isAt(types::Bytes, &PyBytes_Type));
static_assert(isAt(types::Tuple, &PyTuple_Type) && isAt(types::List, &PyList_Type) && isAt(types::Dict, &PyDict_Type));
static_assert(isAt(types::Set, &PySet_Type) && isAt(types::Slice, &PySlice_Type) && isAt(types::Cell, &PyCell_Type));
static_assert(isAt(types::Function, &PyFunction_Type) && isAt(types::Class, &PyType_Type));
static_assert(types::OtherObject.bits() == martlet::vm::kOtherTypesBit);
static_assert(isAt(types::RangeIter, &PyRangeIter_Type) && isAt(types::ListIter, &PyListIter_Type) &&
              isAt(types::TupleIter, &PyTupleIter_Type));

}  // namespace
