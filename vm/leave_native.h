// SPDX-License-Identifier: MIT
// Turns an exit of native code into the interpreter's state. Owns: the meaning of exit descriptors. Must not know: why
// an exit was taken, how code is compiled.
#pragma once
#include "lowering/native_abi.h"
#include "vm/cpython_3_13/port.h"

namespace martlet::vm {

/// Filled in where it lies: a copy of what was just written byte by byte makes the processor wait.
struct Leave {
  enum Kind {
    Returned,   ///< `value` is the result, `offset` the return instruction
    Yielded,    ///< `value` left the frame, whose stack and instruction are those of a suspended one; `offset` is the
                ///< YIELD_VALUE's argument
    Interpret,  ///< the frame is as the interpreter wants it: go on there
    Handler,    ///< the same, at an exception handler at `offset`
    Unwind,     ///< an exception is set and no handler is in this frame; its operand stack is empty
  };
  Kind kind = Interpret;
  PyObject* value = nullptr;
  uint32_t offset = 0;
  int32_t raiseOffset = 0;  ///< for Unwind: see port::raiseOffset()
  const ExitDescriptor* exit = nullptr;
  bool counted = false;  ///< a failed assumption
  bool raised = false;   ///< because of an exception
  hir::ExitReason reason = hir::ExitReason::Never;
};

/// Writes what the exit says into the frame, and unwinds to a handler of the frame where an exception is set. For
/// Unwind, the traceback entry is not added yet where the interpreter will (`addTraceback`), see the caller.
void leaveNative(PyThreadState* tstate, port::Frame* frame, const CompiledCode& code, uint32_t exitNumber,
                 LeaveKind kind, uint64_t* spill, Leave& leave);

/// With an exception set that the frame's instruction raises: what leaveNative() does. `depth` stack entries are left
/// of its operands' stack when the exception is handled.
void failInstruction(PyThreadState* tstate, port::Frame* frame, uint32_t nextOffset, int depth, Leave& leave);

/// Adds the running frame at its current instruction to the raised exception's traceback.
void addTraceback(PyThreadState* tstate, port::Frame* frame);

}  // namespace martlet::vm
