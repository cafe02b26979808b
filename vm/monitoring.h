// SPDX-License-Identifier: MIT
// What is done at the events of code that is counted no longer: entering native code, and asking the engine for it.
// Must not know: what the engine does with a hot place, how events are switched on.
#pragma once
#include <atomic>

#include "vm/counting.h"
#include "vm/entry.h"

namespace martlet::vm {

enum class Verdict { KeepCounting, StopCounting };

struct MonitoringHooks {
  /// Code without a native entry at `offset` was started, resumed, or jumped back to it. May publish entries.
  Verdict (*reached)(CodeData& data, RedirectKind kind, uint32_t offset, uint16_t stackDepth);
  /// Finished compilations wait: publish them.
  void (*publishReady)();
  std::atomic<bool>* ready;
};

/// Has all events come here from now on. Called once. False with a Python error set.
bool takeOverCounting(Counting& counting, const MonitoringHooks& hooks);

}  // namespace martlet::vm
