// SPDX-License-Identifier: MIT
// Counting through sys.monitoring (PEP 669), tool id 5. Owns: registration, callbacks, and hiding our events from
// programs that ask. Must not know: what the engine does with a hot place.
#pragma once
#include <atomic>

#include "vm/entry.h"

namespace martlet::vm {

enum class Verdict { KeepCounting, StopCounting };

struct MonitoringHooks {
  /// Code without a native entry at `offset` was started, resumed, or jumped back to it. May publish entries.
  Verdict (*reached)(CodeData& data, RedirectKind kind, uint32_t offset, uint16_t stackDepth);
  /// Finished compilations wait: publish them.
  void (*publishReady)();
  std::atomic<bool>* ready;
  const ColdLimits* coldLimits;
};

/// Takes tool id 5 and switches counting on. False with a Python error set (ValueError if the tool id is taken), and
/// nothing changed.
bool startMonitoring(const MonitoringHooks& hooks);
/// Gives the tool id back.
void stopMonitoring();

}  // namespace martlet::vm
