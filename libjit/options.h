// SPDX-License-Identifier: MIT
// The engine's options, one field for each row of options.def. Must not know: Python.h, LLVM.
#pragma once
#include <cstdint>
#include <string>

namespace martlet {

namespace option_types {
using int_t = int64_t;
using bool_t = bool;
using str_t = std::string;
}  // namespace option_types

struct Options {
#define OPTION(name, type, default_value, ...) option_types::type##_t name = default_value;
#include "libjit/options.def"
};

/// Shell-like pattern with * and ?.
bool matchesPattern(const char* pattern, const char* text);

}  // namespace martlet
