// SPDX-License-Identifier: MIT
// What martlet._start, which each program loads, and the engine's shared object, which comes when something is hot,
// know of each other. Must not know: how anything is compiled.
#pragma once
#include <algorithm>
#include <cstdint>

#include "vm/counting.h"

namespace martlet {

/// The engine's part of what martlet._start is asked to do.
struct EngineHooks {
  void (*enableWithDefaults)();
  void (*disable)();
  void (*shutDown)();
};

struct Start {
  vm::Counting* counting;
  /// Whether the JIT can work here and now. False with a Python error set.
  bool (*mayWork)();
  /// Counts from now on, to these limits. False with a Python error set and nothing changed.
  bool (*count)(const vm::ColdLimits& limits);
  const EngineHooks* engine = nullptr;
  double youngUntil = 0;  ///< in seconds of processor time, in a forked child; 0: not young
};

/// The attribute of martlet._start that is a capsule with its Start.
inline constexpr const char* kStartCapsule = "martlet._start.start";
/// What the engine's shared object exports: connects it with `start`. False with a Python error set.
using LoadEngine = bool(Start* start);

/// Calls are counted exactly. Jumps of several loops may be counted together, so only a small part of the threshold.
constexpr vm::ColdLimits coldLimits(int64_t callThreshold, int64_t loopThreshold) {
  constexpr int64_t kLargest = int64_t{1} << 30;
  return {static_cast<uint32_t>(std::min(callThreshold, kLargest) - 1),
          static_cast<uint32_t>(std::min(loopThreshold, kLargest) / 16)};
}

/// As martlet.enable() where no option is given. False with a Python error set and nothing changed.
bool enableWithDefaults();
/// True if an option is given by the environment.
bool hasOptions();

}  // namespace martlet

extern "C" [[gnu::visibility("default")]] martlet::LoadEngine martlet_load_engine;
