// SPDX-License-Identifier: MIT
#include "libjit/options.h"

namespace martlet {

bool matchesPattern(const char* pattern, const char* text) {
  if (*pattern == '\0') return *text == '\0';
  if (*pattern == '*') return matchesPattern(pattern + 1, text) || (*text != '\0' && matchesPattern(pattern, text + 1));
  return *text != '\0' && (*pattern == '?' || *pattern == *text) && matchesPattern(pattern + 1, text + 1);
}

}  // namespace martlet
