// SPDX-License-Identifier: MIT
#include "vm/stress.h"

#include <utility>

namespace {
uint64_t every = 0;
uint64_t guards = 0;
bool forced = false;
}  // namespace

namespace martlet::vm {
void setForceExitEvery(uint64_t newEvery) {
  every = newEvery;
}
bool takeForcedExit() {
  return std::exchange(forced, false);
}
}  // namespace martlet::vm

extern "C" bool martlet_force_exit() {
  forced = every != 0 && ++guards % every == 0;
  return forced;
}
