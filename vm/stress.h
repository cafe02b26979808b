// SPDX-License-Identifier: MIT
// The stress test that makes guards fail. Owns: its counter. Must not know: anything else.
#pragma once
#include <cstdint>

namespace martlet::vm {
/// Every Nth guard that asks is to exit; 0: none.
void setForceExitEvery(uint64_t every);
/// True if the exit that was just taken was forced.
bool takeForcedExit();
}  // namespace martlet::vm

/// Called by native code that was compiled for the stress test, before each guard. Under the GIL.
extern "C" bool martlet_force_exit();
