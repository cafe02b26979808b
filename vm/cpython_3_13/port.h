// SPDX-License-Identifier: MIT
// The 3.13 port: everything the vm needs to know of this version's frames, code objects and monitoring. Owns: access to
// CPython's internal structures. Must not know: tiering, compilation.
#pragma once
#ifndef Py_BUILD_CORE
#define Py_BUILD_CORE 1
#endif
#include <Python.h>

#include <cstdint>
#include <optional>
#include <string>

#include <frameobject.h>

#include "internal/pycore_ceval.h"
#include "internal/pycore_code.h"
#include "internal/pycore_frame.h"
#include "internal/pycore_interp.h"
#include "internal/pycore_pystate.h"

namespace martlet::vm::port {

using Frame = _PyInterpreterFrame;

/// The tool id that PEP 669 reserves for optimizers.
inline constexpr int kToolId = 5;

/// `stacktop` of a frame whose code runs natively. Any negative value keeps the collector away from the slots;
/// CPython itself uses -1 for a frame that it is interpreting.
inline constexpr int kNativeStackTop = -2;

/// Compares the running interpreter's structure offsets with those compiled in. False with a Python error set that says
/// what differs.
bool layoutIsAsExpected();

inline PyCodeObject* codeOf(const Frame* frame) {
  return reinterpret_cast<PyCodeObject*>(frame->f_executable);
}
/// Finds CPython's table of functions by version, with the help of any function that has one. Without it
/// functionOfVersion() knows none.
void learnFunctionVersions(PyFunctionObject* example);
/// The function that CPython gave a version to, which is that of its code object, while it has it; or NULL.
PyFunctionObject* functionOfVersion(uint32_t version);

inline PyFunctionObject* functionOf(const Frame* frame) {
  PyObject* func = frame->f_funcobj;
  return func != nullptr && PyFunction_Check(func) ? reinterpret_cast<PyFunctionObject*>(func) : nullptr;
}
inline PyObject* globalsOf(const Frame* frame) {
  return frame->f_globals;
}
inline PyObject* builtinsOf(const Frame* frame) {
  return frame->f_builtins;
}
inline _Py_CODEUNIT* instructionAt(PyCodeObject* code, uint32_t offset) {
  return _PyCode_CODE(code) + offset;
}
inline int stackDepth(const Frame* frame) {
  return frame->stacktop - codeOf(frame)->co_nlocalsplus;
}
inline void setStackDepth(Frame* frame, int depth) {
  frame->stacktop = codeOf(frame)->co_nlocalsplus + depth;
}
inline PyObject** stackSlot(Frame* frame, int index) {
  return frame->localsplus + codeOf(frame)->co_nlocalsplus + index;
}
inline uint32_t codeSize(const PyCodeObject* code) {
  return static_cast<uint32_t>(Py_SIZE(code));
}

/// Makes a frame the running one.
inline void linkFrame(PyThreadState* tstate, Frame* frame) {
  frame->previous = tstate->current_frame;
  tstate->current_frame = frame;
}
/// What pushing and popping a frame has to know of its code object.
struct FrameLayout {
  int32_t words;   ///< of the data stack
  int32_t locals;  ///< slots in front of the operand stack
};
inline FrameLayout layoutOf(const PyCodeObject* code) {
  return {code->co_framesize, code->co_nlocalsplus};
}

/// True if the data stack has room for a frame, and nobody wants to evaluate frames himself (PEP 523).
inline bool hasFrameSpace(PyThreadState* tstate, FrameLayout layout) {
  // Before a thread's first frame both are NULL.
  const auto space =
      reinterpret_cast<intptr_t>(tstate->datastack_limit) - reinterpret_cast<intptr_t>(tstate->datastack_top);
  return layout.words * static_cast<intptr_t>(sizeof(PyObject*)) < space && tstate->interp->eval_frame == nullptr;
}
/// Fills in a frame at the start of a call whose `count` arguments fill all parameters. Consumes the function and the
/// arguments.
[[gnu::always_inline]] inline void initializeFrame(Frame* frame, PyFunctionObject* func, FrameLayout layout,
                                                   PyObject* const* args, size_t count) {
  auto* code = reinterpret_cast<PyCodeObject*>(func->func_code);
  // Two slots at a time, from the last one on: what is cleared below the first free one is filled in behind this.
  using Pair [[gnu::vector_size(2 * sizeof(PyObject*)), gnu::aligned(sizeof(PyObject*)), gnu::may_alias]] = intptr_t;
  const auto given = static_cast<ptrdiff_t>(count);
#pragma clang loop unroll(disable)
  for (ptrdiff_t i = layout.locals; i > given; i -= 2)
    *reinterpret_cast<volatile Pair*>(frame->localsplus + i - 2) = Pair{};
  frame->f_funcobj = reinterpret_cast<PyObject*>(func);
  // As a whole word: popFrame() soon reads one, and a processor is slow to read more than has just been written.
  if (!_Py_IsImmortal(code)) ++code->ob_base.ob_base.ob_refcnt;
  frame->f_executable = reinterpret_cast<PyObject*>(code);
  frame->f_builtins = func->func_builtins;
  frame->f_globals = func->func_globals;
  frame->f_locals = nullptr;
  frame->stacktop = layout.locals;
  frame->frame_obj = nullptr;
  frame->instr_ptr = _PyCode_CODE(code);
  frame->return_offset = 0;
  frame->owner = FRAME_OWNED_BY_THREAD;
  // Volatile keeps the compiler from calling memcpy: there are a handful of arguments.
  auto* slots = const_cast<PyObject* volatile*>(frame->localsplus);
#pragma clang loop unroll(disable)
  for (size_t i = 0; i < count; ++i) slots[i] = args[i];
}
/// Pushes a frame for a call whose `count` arguments fill all parameters, and makes it the running one. Consumes the
/// function and the arguments. hasFrameSpace() must hold.
[[gnu::always_inline]] inline Frame* pushFrame(PyThreadState* tstate, PyFunctionObject* func, FrameLayout layout,
                                               PyObject* const* args, size_t count) {
  auto* frame = reinterpret_cast<Frame*>(tstate->datastack_top);
  tstate->datastack_top += layout.words;
  initializeFrame(frame, func, layout, args, count);
  linkFrame(tstate, frame);
  return frame;
}
/// If `args` are the operands on the stack of a frame that the interpreter runs, at the CALL or CALL_KW that calls
/// `func` itself, moves their references to `taken`, and returns true. All that the interpreter does with operands
/// behind a call is to release what it finds in their place (unless calls are watched: nobody may be watching).
bool takeOperandsOfCall(const PyThreadState* tstate, const PyFunctionObject* func, PyObject* const* args, size_t count,
                        PyObject** taken);
/// Unlinks and releases the running thread-owned frame, whose operand stack is empty.
[[gnu::always_inline]] inline void popFrame(PyThreadState* tstate, Frame* frame, FrameLayout layout) {
  const int count = layout.locals;
  // Unlink first: releasing the locals may run Python code, which must not see this frame.
  tstate->current_frame = frame->previous;
  auto* base = reinterpret_cast<PyObject**>(frame);
  if (frame->frame_obj != nullptr || base == &tstate->datastack_chunk->data[0]) [[unlikely]] {
    frame->stacktop = count;
    _PyEval_FrameClearAndPop(tstate, frame);
    return;
  }
  // What _PyEval_FrameClearAndPop does where nobody has seen the frame and its chunk of the data stack stays.
  frame->stacktop = 0;
  for (int i = 0; i < count; ++i) Py_XDECREF(frame->localsplus[i]);
  Py_XDECREF(frame->f_locals);
  PyObject* code = frame->f_executable;
  Py_DECREF(frame->f_funcobj);
  Py_DECREF(code);
  tstate->datastack_top = base;
}
/// Lets the interpreter run the rest of a frame that pushFrame() made.
PyObject* interpret(PyThreadState* tstate, Frame* frame);

/// Where a generator that does not run goes on, and the stack depth there with the value sent.
struct ResumePoint {
  uint32_t offset;
  int stackDepth;
};

inline uint32_t offsetOf(const Frame* frame) {
  return static_cast<uint32_t>(frame->instr_ptr - _PyCode_CODE(codeOf(frame)));
}

/// Undoes the effects of a YIELD_VALUE on its frame's stack and instruction.
inline void unsuspend(Frame* frame, PyObject* yielded) {
  frame->localsplus[frame->stacktop++] = yielded;
  --frame->instr_ptr;
}

struct HandlerMatch {
  uint32_t target;
  int depth;
  bool pushLasti;
};
/// The innermost handler that covers an instruction (offset in code units).
std::optional<HandlerMatch> findHandler(PyCodeObject* code, uint32_t offset);
/// True if the lookup that 3.13 makes after an error from a JUMP callback, at a garbage offset, could find a handler.
bool jumpErrorIsUnsafe(PyCodeObject* code, uint32_t jumpOffset);
/// An uncovered RERAISE of the code object and whether it takes a lasti value; every generator's body ends in one.
struct ReraiseSite {
  uint32_t offset;
  bool takesLasti;
};
std::optional<ReraiseSite> findUncoveredReraise(PyCodeObject* code);
/// True if the instruction is RETURN_CONST (in any form), which returns without a value on the stack.
bool isReturnConst(PyCodeObject* code, uint32_t offset);

/// True if a tool other than ours has global events switched on.
bool foreignToolsActive(PyInterpreterState* interp);
/// True if a tool other than ours watches this code object.
bool foreignToolsWatch(PyCodeObject* code);
/// The instrumentation version that a thread is asked to run with; pending events masked out.
inline uintptr_t breakerVersion(const PyThreadState* tstate) {
  return _Py_atomic_load_uintptr_relaxed(&tstate->eval_breaker) & ~static_cast<uintptr_t>(_PY_EVAL_EVENTS_MASK);
}
inline uintptr_t breaker(const PyThreadState* tstate) {
  return _Py_atomic_load_uintptr_relaxed(&tstate->eval_breaker);
}

/// Tells other tools (tracing, profiling, debuggers) of an exception that native code meets in a frame, as the
/// interpreter would. With the exception set; a callback may replace it. `Handled` is told with the handler's offset.
enum class ExceptionEvent { Raised, Handled, Unwound };
/// True if an instruction other than a call, as it is specialized now, enters the frame of what it calls without a C
/// call. `firstInput` is its lowest operand, or NULL.
bool entersPythonFrame(PyCodeObject* code, uint32_t offset, PyObject* firstInput);
/// The instruction offset that the interpreter passes with RAISE and PY_UNWIND for an exception that an instruction
/// meets: the unit before the one it would have gone on with, which is the next instruction, or the instruction itself
/// where it had entered a Python callee's frame without a call of its own.
int32_t raiseOffset(uint32_t offset, uint32_t nextOffset, bool enteredFrame, PyObject* exception);
void tellException(PyThreadState* tstate, Frame* frame, ExceptionEvent event, int32_t offset);

/// Restores, for native code inside a monitoring callback, the thread's state outside it.
class CallbackScope {
 public:
  explicit CallbackScope(PyThreadState* tstate)
      : tstate_(tstate), tracing_(tstate->tracing), what_(tstate->what_event) {
    tstate->tracing = tracing_ - 1;
    tstate->what_event = -1;
  }
  ~CallbackScope() {
    tstate_->tracing = tracing_;
    tstate_->what_event = what_;
  }
  CallbackScope(const CallbackScope&) = delete;
  CallbackScope& operator=(const CallbackScope&) = delete;

 private:
  PyThreadState* tstate_;
  int tracing_;
  int what_;
};

/// Called when Python code is about to assign through a frame's f_locals proxy, and after it did.
struct LocalsWriteObserver {
  void (*wrote)(Frame* frame, int slot, PyObject* oldValue, PyObject* newValue);
};
/// Routes writes through f_locals proxies of natively running frames to the observer. Idempotent; cannot fail.
void installLocalsHook(LocalsWriteObserver observer);

}  // namespace martlet::vm::port
