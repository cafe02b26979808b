// SPDX-License-Identifier: MIT
// When native code may run, and when it must be left. Owns: the expected value of tstate->eval_breaker, and the record
// of writes through f_locals proxies of natively running frames. Guarded by the GIL. Must not know: compilation.
#pragma once
#include "vm/cpython_3_13/port.h"
#include "vm/runtime/leave.h"

namespace martlet::vm {

/// Switches entering native code on or off altogether.
void setNativeAllowed(PyThreadState* tstate, bool allowed);
/// Looks at the instrumentation version and at other tools again if they may have changed.
void refreshSafepoint(PyThreadState* tstate);
/// True if native code may be entered on this thread now: nothing is pending and nobody watches.
inline bool mayEnterNative(const PyThreadState* tstate) {
  return port::breaker(tstate) == martlet_expected_breaker;
}
/// Writes through f_locals proxies that are not settled; read it before calling settleLocalsWrites() on hot paths.
extern bool unsettledLocalsWrites;
inline bool localsWritesPending() {
  return unsettledLocalsWrites;
}
/// The frame left native code (or is about to be popped): squares the books of writes through its f_locals proxy.
void settleLocalsWrites(port::Frame* frame);
/// The lowest address of this thread's stack that native frames may use; the highest there is: not determined yet.
/// Known to be a constant at first, or each look at it would have to ask whether it is initialized.
inline constexpr uintptr_t kUnknownStackLimit = UINTPTR_MAX;
extern constinit thread_local uintptr_t stackLimit [[gnu::tls_model("initial-exec")]];
bool determineNativeStack();
/// True if the C stack has room for native frames.
inline bool hasNativeStack() {
  const uintptr_t limit = stackLimit;
  if (reinterpret_cast<uintptr_t>(__builtin_frame_address(0)) > limit) [[likely]]
    return true;
  return limit == kUnknownStackLimit && determineNativeStack();
}
/// Like the interpreter's CALL, which handles signals and the like right behind the call. False with an exception set.
bool handlePendingEvents(PyThreadState* tstate);
/// True if this thread ran out of memory in native code (see martlet_memory_ran_out()), once; a MemoryError is due.
bool takeMemoryError(const PyThreadState* tstate);
/// No native code is left to tell of it: the numbers were boxed, all is well.
void forgetMemoryError();
void installSafepointHooks();
/// Another tool began to watch a code object: frames that run it natively leave behind their current instruction.
void leaveWatchedCode();

}  // namespace martlet::vm
