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

/// True if `dump_stages` names this stage.
bool namesStage(const std::string& stages, const std::string& stage);
/// What is wrong with the values as a whole, as far as the table's ranges do not say it; empty if nothing is.
std::string errorIn(const Options& options);

/// Shell-like pattern with * and ?.
bool matchesPattern(const char* pattern, const char* text);

}  // namespace martlet
