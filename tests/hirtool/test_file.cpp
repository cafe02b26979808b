// SPDX-License-Identifier: MIT
// Reading of text tests.
#include "tests/hirtool/test_file.h"

#include <sstream>

namespace martlet::hirtool {
namespace {

constexpr std::string_view kRun = "; RUN:";
constexpr std::string_view kError = "; error:";

std::string trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return "";
  return std::string(text.substr(first, text.find_last_not_of(" \t\r") - first + 1));
}

}  // namespace

TestFile readTest(std::string_view text) {
  TestFile test;
  const size_t marker = text.find(kMarker);
  test.input = text.substr(0, marker);
  if (marker != std::string_view::npos) test.expected = text.substr(marker + kMarker.size());

  std::istringstream lines(test.input);
  std::string line;
  for (uint32_t number = 1; std::getline(lines, line); ++number) {
    if (line.starts_with(kRun)) {
      std::istringstream words(line.substr(kRun.size()));
      for (std::string word; words >> word;) test.arguments.push_back(word);
    }
    for (size_t at = line.find(kError); at != std::string::npos;) {
      const size_t next = line.find(kError, at + 1);
      const size_t from = at + kError.size();
      test.errors.push_back({number, trimmed(std::string_view(line).substr(from, next - from))});
      at = next;
    }
  }
  return test;
}

}  // namespace martlet::hirtool
