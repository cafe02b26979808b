// SPDX-License-Identifier: MIT
#include "vm/stress.h"

namespace {
uint64_t every = 0;
uint64_t guards = 0;
}  // namespace

namespace martlet::vm {
void setForceExitEvery(uint64_t newEvery) {
  every = newEvery;
}
}  // namespace martlet::vm

extern "C" bool martlet_force_exit() {
  return every != 0 && ++guards % every == 0;
}
