// SPDX-License-Identifier: MIT
// Processor time of the calling thread: what compiling costs does not depend on who else uses the machine.
#pragma once
#include <time.h>

namespace martlet {

inline double processorSeconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

}  // namespace martlet
