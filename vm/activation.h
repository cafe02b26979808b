// SPDX-License-Identifier: MIT
// One activation of native code: what the ways in (calls, redirects, generators) share. Internal to the vm. Must not
// know: how code is compiled.
#pragma once
#include "vm/entry.h"
#include "vm/leave_native.h"
#include "vm/safepoint.h"

namespace martlet::vm {

/// Where an exit's values wait until the vm has read them, which it does before any other native code can run.
/// ExitValue has room for no higher number. One for all threads: the GIL is held from the exit until then.
inline constexpr size_t kSpillWords = 1U << 16;
extern uint64_t spillArea[kSpillWords];

[[gnu::always_inline]] inline NativeResult invoke(PyThreadState* tstate, port::Frame* frame, CodeData& data,
                                                  NativeFunction function, uint32_t index) {
  frame->stacktop = port::kNativeStackTop;
  ++data.active;
  return function(tstate, frame, index, spillArea);
}

/// Native code came back in any other way than by a plain return: brings the frame up to date, goes on at compiled
/// exception handlers, and ends the activation. The frame then has returned, or was unwound, or is the interpreter's.
void finishActivation(PyThreadState* tstate, port::Frame* frame, CodeData& data, NativeVersion* version,
                      NativeResult result, Leave& leave);

/// Goes on at compiled exception handlers if `leave` is at one.
void handle(PyThreadState* tstate, port::Frame* frame, CodeData& data, Leave& leave);

/// What the interpreter does when no handler of a frame takes an exception.
void tellUnwound(PyThreadState* tstate, port::Frame* frame, const Leave& leave);

/// Ends a frame that returned or was unwound; `clear` unlinks and releases it. The result, or NULL with the exception
/// set.
template <class Clear>
PyObject* endFrame(PyThreadState* tstate, port::Frame* frame, const Leave& leave, Clear&& clear) {
  PyObject* exception = nullptr;
  if (leave.kind == Leave::Unwind) {
    tellUnwound(tstate, frame, leave);
    exception = PyErr_GetRaisedException();
  }
  ++tstate->py_recursion_remaining;
  clear();
  if (exception != nullptr) PyErr_SetRaisedException(exception);
  return leave.value;
}

/// True if a new activation of the code object may run natively: nothing is pending, nobody watches, the bytecode that
/// an exit would go on with is instrumented for today's tools, and there is room below the recursion limit.
inline bool mayActivate(const PyThreadState* tstate, CodeData& data) {
  return !data.watchedByOthers && mayEnterNative(tstate) && data.isInstrumentedFor(martlet_expected_breaker) &&
         tstate->py_recursion_remaining > 1;
}

}  // namespace martlet::vm
