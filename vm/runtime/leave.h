// SPDX-License-Identifier: MIT
// How a helper makes native code be left behind an instruction that has been carried out. Owns: the protocol between
// helpers and vm. Must not know: frames, exits, compilation.
//
// A helper that fails has either set a Python exception, or it has *parked* its good result in `martlet_leave_state`
// because native code must not go on (a write through f_locals, tracing switched on, …). Which helpers may park is
// listed in parking.def. `martlet_leave_state` is valid from a helper's failing return until vm has handled it, under
// the GIL; vm sets it back to None.
#pragma once
#include <cstdint>

#include "vm/runtime/cpython.h"

namespace martlet::vm {

struct SiteCache;

struct LeaveState {
  enum Kind {
    None,
    ParkedObject,  ///< `object` is owned
    ParkedNumber,  ///< `number`; 0 where the helper has no result
    Reraised,      ///< an exception is set that gets no traceback entry for this instruction; frame->instr_ptr is right
    Interpret,     ///< nothing was done, and no exception is set: the interpreter carries out the instruction
    ParkedCall,    ///< as ParkedObject, and pending events are to be handled behind the instruction
  };
  Kind kind = None;
  PyObject* object = nullptr;
  int64_t number = 0;
  bool calledFunction = false;  ///< the helper fails because a Python function that it called raised
};

}  // namespace martlet::vm

extern "C" {
/// tstate->eval_breaker equals it while nothing is pending, no other tool is active, and nobody asked native code to
/// leave.
extern uintptr_t martlet_expected_breaker;
extern martlet::vm::LeaveState martlet_leave_state;
/// The thread on which a helper lets the interpreter carry out what it was called for, or NULL: nothing is compiled or
/// entered there from monitoring events meanwhile.
extern PyThreadState* martlet_interpreting_thread;
/// Defined by vm. Calls a Python function with `count` positional arguments and one for each of `names` (a tuple, or
/// NULL) behind them. Consumes `function` and all arguments, also when it fails. Does not look at pending events.
PyObject* martlet_call_function(PyThreadState* tstate, PyObject* function, PyObject** args, size_t count,
                                PyObject* names);
/// Defined by vm. The same without names, for native code's CALL with the cache `cache` (or NULL).
PyObject* martlet_call_remembered(PyThreadState* tstate, PyObject* function, PyObject** args, size_t count,
                                  martlet::vm::SiteCache* cache);
/// Defined by vm. The same as all that the CALL does: marks a failure as the function's, and looks at pending events.
PyObject* martlet_call_at(PyThreadState* tstate, PyObject* function, PyObject** args, size_t count,
                          martlet::vm::SiteCache* cache);
/// Defined by vm. Remembers a Python function's code as what a place calls.
void martlet_note_callee(PyObject* function, martlet::vm::SiteCache* cache);
/// Defined by vm. Sends `argument` (NULL: None) to an exact generator or coroutine: 1 where it yields `*result`, 0
/// where it returns that, -1 where it raises. Where nothing was sent, a return of None may be -1 without an exception.
int martlet_resume_generator(PyThreadState* tstate, PyObject* generator, PyObject* argument, PyObject** result);
/// Defined by vm. Drives what an asynchronous generator's __anext__() or asend() returned
/// (martlet_singletons.asyncSend), sending None: 1 where `*result` is awaited, 0 where the generator yielded that, -1
/// where it raised.
int martlet_step_async_send(PyThreadState* tstate, PyObject* awaitable, PyObject** result);
/// Defined by vm. Native code is going to handle the exception that is set, to whose traceback the running frame is
/// added at its present instruction, if wanted.
void martlet_caught(PyThreadState* tstate, _PyInterpreterFrame* frame, bool isTraced);
/// Defined by vm. True if it makes no difference to code that has been compiled, nor to anybody else who watches the
/// dict, that the value of one of its keys (an exact str) becomes another one.
bool martlet_is_variable(PyObject* dict, PyObject* name);
/// Defined by vm. A number was boxed in spite of a lack of memory: the thread is to get a MemoryError where it leaves
/// native code, which it is made to.
void martlet_memory_ran_out();
/// Defined by vm. Handle pending events (behind calls only), then return the result, or park it and return NULL or -1.
PyObject* martlet_leave_check_object(PyThreadState* tstate, PyObject* result, bool isCall);
int martlet_leave_check_number(PyThreadState* tstate, int result, bool isCall);
/// Defined by vm. The same behind a call, for a helper that runs no Python code: events are left pending.
PyObject* martlet_leave_check_quiet(PyThreadState* tstate, PyObject* result);
}

namespace martlet::vm {

inline bool leavePending(const PyThreadState* tstate) {
  return __atomic_load_n(&tstate->eval_breaker, __ATOMIC_RELAXED) != martlet_expected_breaker;
}

/// The end of a parking helper: passes a failure on, and gives vm the chance to park a success.
inline PyObject* leaveChecked(PyThreadState* tstate, PyObject* result, bool isCall = false) {
  if (result != nullptr && leavePending(tstate)) [[unlikely]]
    return martlet_leave_check_object(tstate, result, isCall);
  return result;
}

inline int leaveChecked(PyThreadState* tstate, int result) {
  if (result >= 0 && leavePending(tstate)) [[unlikely]]
    return martlet_leave_check_number(tstate, result, false);
  return result;
}

/// The end of a LOAD_ATTR, LOAD_GLOBAL or CONTAINS_OP. With the low bit of its argument set it pushes a second value,
/// or the opposite of the result, which what is parked cannot say: go on natively.
template <class Result>
Result leaveCheckedByArgument(PyThreadState* tstate, const Frame* frame, Result result) {
  if (!leavePending(tstate) || (frame->instr_ptr->op.arg & 1) != 0) return result;
  return leaveChecked(tstate, result);
}

/// The end of a call that runs no Python code, and takes its time.
inline PyObject* leaveCheckedQuietly(PyThreadState* tstate, PyObject* result) {
  if (result != nullptr && leavePending(tstate)) [[unlikely]]
    return martlet_leave_check_quiet(tstate, result);
  return result;
}

/// The end of a helper that was called for something else than it is made for.
inline PyObject* letInterpreterDoIt() {
  martlet_leave_state.kind = LeaveState::Interpret;
  return nullptr;
}

}  // namespace martlet::vm
