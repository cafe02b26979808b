// SPDX-License-Identifier: MIT
// Entering and leaving native code. Owns: the vectorcall entry, the entry on a frame that the interpreter pushed,
// exits, exception unwinding. Must not know: how code is compiled.
#pragma once
#include "vm/code_data.h"

namespace martlet::vm {

/// What happened, in plain numbers. Guarded by the GIL.
struct Counters {
  uint64_t entries = 0;         ///< activations through a call or a frame at its start
  uint64_t osrEntries = 0;      ///< activations in the middle of a frame: loop heads
  uint64_t resumeEntries = 0;   ///< activations of generators and coroutines
  uint64_t handlerEntries = 0;  ///< exception handlers entered natively
  uint64_t exits = 0;           ///< failed assumptions: the sum of the counted reasons
  uint64_t exceptions = 0;      ///< exceptions that native code met, with a handler in the same frame or without
  uint64_t caught = 0;          ///< those among them whose handler was reached without leaving it
  /// Every way out of native code but a return; an exception and a parked result are reason Helper.
  uint64_t exitsByReason[static_cast<size_t>(hir::ExitReason::kCount)] = {};
};
extern Counters theCounters;
inline Counters& counters() {
  return theCounters;
}

/// Upcalls into tiering; set by the engine before anything is entered.
struct TieringHooks {
  /// A version was left by an exception, for a handler that has no native entry.
  void (*coldHandler)(CodeData& data, NativeVersion& version, uint32_t offset, uint16_t depth);
  /// A counted exit happened; `count` is the site's total.
  void (*exited)(CodeData& data, NativeVersion& version, const ExitDescriptor& exit, uint32_t count);
};
void setTieringHooks(const TieringHooks& hooks);

/// Makes calls of the function go straight to native code. The code object must have a call version.
void installEntry(PyFunctionObject* func);
/// True if calls of functions over this code object can enter native code at once (not those that make generators).
bool entersThroughVectorcall(const PyCodeObject* code);
/// Undoes installEntry().
void removeEntry(PyFunctionObject* func);
/// While another tool watches calls there are no entries: the interpreter tells of a call of a function with its own
/// vectorcall as one of a Python function, of any other as one of a C function (C_RETURN, C_RAISE).
void allowEntries(bool allowed);
/// Learns CPython's own vectorcall from any function. False with an error set if it cannot.
bool learnDefaultVectorcall(PyObject* function);

enum class RedirectKind { Start, Resume, Jump };
/// From a monitoring callback: runs native code on the current frame and leaves the frame where the interpreter is to
/// go on. Returns false with an exception set if the frame is to be unwound by the interpreter.
bool enterOnFrame(PyThreadState* tstate, CodeData& data, const NativeEntry& entry, RedirectKind kind,
                  uint32_t instruction);

/// Routes next() and send() on compiled generators and coroutines to native code. Idempotent.
void installGeneratorEntries();
/// The same for what is awaited of asynchronous generators; without memory these stay CPython's to resume.
void installAsyncGeneratorEntries();

}  // namespace martlet::vm
