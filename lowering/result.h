// SPDX-License-Identifier: MIT
// Failure as a value: why a code object was not compiled, and where. Must not know: Python.h, LLVM.
#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <variant>

namespace martlet {

enum class BailoutReason : uint8_t {
#define BAILOUT_REASON(name, ...) name,
#include "lowering/bailout_reasons.def"
  kCount
};

struct Bailout {
  BailoutReason reason;
  uint32_t offset = 0;  ///< bytecode offset in code units
  std::string detail;
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : data_(std::move(value)) {}
  Result(Bailout bailout) : data_(std::move(bailout)) {}
  explicit operator bool() const { return data_.index() == 0; }
  T& operator*() { return std::get<0>(data_); }
  T* operator->() { return &std::get<0>(data_); }
  const Bailout& bailout() const { return std::get<1>(data_); }

 private:
  std::variant<T, Bailout> data_;
};

const char* name(BailoutReason reason);
const char* sentence(BailoutReason reason);
/// The sentence, with the detail in parentheses where there is one.
std::string describe(const Bailout& bailout);

}  // namespace martlet
