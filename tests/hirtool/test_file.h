// SPDX-License-Identifier: MIT
// The form of a text test: arguments in `; RUN:` lines, HIR, and below a marker the expected output; or HIR with
// `; error: …` on the guilty lines. Must not know: what the tool does with the HIR.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::hirtool {

inline constexpr std::string_view kMarker = "; ==== output (hirtool --bless renews what follows) ====\n";

struct ExpectedError {
  uint32_t line;     ///< from 1
  std::string text;  ///< part of the message
};

struct TestFile {
  std::vector<std::string> arguments;  ///< of all `; RUN:` lines
  std::string input;                   ///< above the marker; also holds the comments
  std::string expected;                ///< below it
  std::vector<ExpectedError> errors;
};

TestFile readTest(std::string_view text);

}  // namespace martlet::hirtool
