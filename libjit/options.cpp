// SPDX-License-Identifier: MIT
#include "libjit/options.h"

#include <algorithm>
#include <iterator>

namespace martlet {

bool namesStage(const std::string& stages, const std::string& stage) {
  return ("," + stages + ",").find("," + stage + ",") != std::string::npos;
}

std::string errorIn(const Options& options) {
  static constexpr const char* kStages[] = {"bytecode", "hir", "passes", "llvm", "assembly"};
  const std::string& stages = options.dump_stages;
  for (size_t start = 0, end = 0; start < stages.size(); start = end + 1) {
    end = std::min(stages.find(',', start), stages.size());
    const std::string stage = stages.substr(start, end - start);
    if (std::find(std::begin(kStages), std::end(kStages), stage) != std::end(kStages)) continue;
    return "option 'dump_stages' has no stage '" + stage + "'; they are bytecode, hir, passes, llvm and assembly";
  }
  return "";
}

bool matchesPattern(const char* pattern, const char* text) {
  if (*pattern == '\0') return *text == '\0';
  if (*pattern == '*') return matchesPattern(pattern + 1, text) || (*text != '\0' && matchesPattern(pattern, text + 1));
  return *text != '\0' && (*pattern == '?' || *pattern == *text) && matchesPattern(pattern + 1, text + 1);
}

}  // namespace martlet
