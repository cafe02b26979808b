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
/// The lowest address of this thread's stack that native frames may use; 0: not determined yet.
extern thread_local uintptr_t stackLimit [[gnu::tls_model("initial-exec")]];
bool determineNativeStack();
/// True if the C stack has room for native frames.
inline bool hasNativeStack() {
  if (stackLimit == 0) [[unlikely]]
    return determineNativeStack();
  return reinterpret_cast<uintptr_t>(__builtin_frame_address(0)) > stackLimit;
}
/// True if this thread ran out of memory in native code (see martlet_memory_ran_out()), once; a MemoryError is due.
bool takeMemoryError(const PyThreadState* tstate);
/// No native code is left to tell of it: the numbers were boxed, all is well.
void forgetMemoryError();
void installSafepointHooks();
/// Another tool began to watch a code object: frames that run it natively leave behind their current instruction.
void leaveWatchedCode();

}  // namespace martlet::vm
