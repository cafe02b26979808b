// SPDX-License-Identifier: MIT
// Processor time: what compiling costs does not depend on who else uses the machine.
#pragma once
#include <time.h>

namespace martlet {

inline double secondsOf(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// Of the calling thread.
inline double processorSeconds() {
  return secondsOf(CLOCK_THREAD_CPUTIME_ID);
}

/// Of all threads.
inline double processSeconds() {
  return secondsOf(CLOCK_PROCESS_CPUTIME_ID);
}

}  // namespace martlet
