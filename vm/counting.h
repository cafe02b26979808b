// SPDX-License-Identifier: MIT
// Counting through sys.monitoring (PEP 669), tool id 5, until something is hot: most programs are over by then. Owns:
// the tool id, the events and their callbacks, hiding them from programs that ask, and the counts in code objects'
// co_extra. All of it is in a small shared object that is loaded first; the rest of the vm comes with the engine, once
// a limit is reached. Guarded by the GIL. Must not know: CodeData, native code, the engine.
#pragma once
#include <Python.h>

#include <cstdint>

namespace martlet::vm {

/// How many calls, and jumps of all its loops together, a code object may have before it gets its CodeData.
struct ColdLimits {
  uint32_t calls = 0, jumps = 0;
};

/// The callbacks of the three events.
struct EventFunctions {
  vectorcallfunc start, resume, jump;
};

/// What is done by the rest of the vm, where it is loaded.
struct CountingHooks {
  EventFunctions events;
  void (*freeData)(void* data);                  ///< a code object with a CodeData dies
  void (*toolsChanged)();                        ///< another tool may have switched events
  void (*codeToolsChanged)(PyCodeObject* code);  ///< or those of a code object
};

struct Counting {
  Py_ssize_t extraIndex = -1;
  ColdLimits limits = {};
  bool on = false;
  PyObject* disableMarker = nullptr;  ///< sys.monitoring.DISABLE, alive as long as the interpreter
  const CountingHooks* hooks = nullptr;
  /// Where a limit is reached for the first time: to load the rest, which calls setHooks(). False where it cannot.
  bool (*load)() = nullptr;
  // For the rest of the vm, which lies in another shared object.
  bool (*setHooks)(const CountingHooks& hooks) = nullptr;
  void (*reportLoops)(PyCodeObject* code) = nullptr;
};
extern Counting counting;

/// Takes tool id 5 and switches counting on. False with a Python error set (ValueError if the tool id is taken), and
/// nothing changed.
bool startCounting();
/// Gives the tool id back.
void stopCounting();

}  // namespace martlet::vm
