// SPDX-License-Identifier: MIT
// Generators and coroutines of 3.13: making, suspending, finishing and resuming their frames, and the slots through
// which they are driven. Must not know: tiering, compilation.
#pragma once
#include "vm/cpython_3_13/port.h"

#include "internal/pycore_genobject.h"

namespace martlet::vm::port {

inline Frame* frameOf(PyGenObject* generator) {
  return reinterpret_cast<Frame*>(generator->gi_iframe);
}
inline bool isSuspended(const PyGenObject* generator) {
  return generator->gi_frame_state == FRAME_SUSPENDED || generator->gi_frame_state == FRAME_SUSPENDED_YIELD_FROM;
}
/// True if a generator can go on with `argument` (NULL: None) sent to it; anything else is CPython's to refuse.
inline bool canResume(const PyGenObject* generator, const PyObject* argument) {
  if (generator->gi_frame_state == FRAME_CREATED) return argument == nullptr || argument == Py_None;
  return isSuspended(generator);
}

/// NULL for an object that is neither an exact generator nor a coroutine.
inline PyGenObject* asGenerator(PyObject* object) {
  return PyGen_CheckExact(object) || PyCoro_CheckExact(object) ? reinterpret_cast<PyGenObject*>(object) : nullptr;
}

/// A delegation is SEND with its cache, YIELD_VALUE, RESUME, and a jump back to the SEND.
inline constexpr int kSendToResume = 3;
/// True at the RESUME of one.
bool isDelegation(const _Py_CODEUNIT* resume);

/// True if a suspended generator waits for another iterator (yield from, await).
inline bool waits(const PyGenObject* generator) {
  return generator->gi_frame_state == FRAME_SUSPENDED_YIELD_FROM;
}

inline ResumePoint resumePointOf(PyGenObject* generator) {
  const Frame* frame = frameOf(generator);
  if (generator->gi_frame_state == FRAME_CREATED) [[unlikely]] {
    return {static_cast<uint32_t>(codeOf(frame)->_co_firsttraceable), stackDepth(frame)};
  }
  return {offsetOf(frame), stackDepth(frame) + 1};
}

/// What every resumption does: the frame runs, and the generator's exception state is the innermost one.
inline void startExecuting(PyThreadState* tstate, PyGenObject* generator) {
  generator->gi_exc_state.previous_item = tstate->exc_info;
  tstate->exc_info = &generator->gi_exc_state;
  generator->gi_frame_state = FRAME_EXECUTING;
  linkFrame(tstate, frameOf(generator));
}
inline void unlinkExceptionState(PyThreadState* tstate, PyGenObject* generator) {
  tstate->exc_info = generator->gi_exc_state.previous_item;
  generator->gi_exc_state.previous_item = nullptr;
}

/// Makes a suspended generator's frame the running one, with `argument` (NULL: None) sent to it.
inline void beginResume(PyThreadState* tstate, PyGenObject* generator, PyObject* argument) {
  Frame* frame = frameOf(generator);
  // At its start the value sent, None, would be popped at once.
  if (generator->gi_frame_state != FRAME_CREATED) [[likely]] {
    frame->localsplus[frame->stacktop] = argument != nullptr ? Py_NewRef(argument) : Py_None;  // immortal
  }
  startExecuting(tstate, generator);
}

/// Behind a YIELD_VALUE with the argument `oparg`, whose value has left the stack: unlinks the frame.
inline void suspendGenerator(PyThreadState* tstate, PyGenObject* generator, uint32_t oparg) {
  Frame* frame = frameOf(generator);
  generator->gi_frame_state = static_cast<int8_t>(FRAME_SUSPENDED + static_cast<int>(oparg));
  unlinkExceptionState(tstate, generator);
  tstate->current_frame = frame->previous;
  frame->previous = nullptr;
}

/// The generator or coroutine that a suspended one waits for (yield from, await); NULL: another iterator, or in a way
/// that is not known.
inline PyGenObject* delegateOf(PyGenObject* generator) {
  if (generator->gi_frame_state != FRAME_SUSPENDED_YIELD_FROM) return nullptr;
  const Frame* frame = frameOf(generator);
  return isDelegation(frame->instr_ptr) ? asGenerator(frame->localsplus[frame->stacktop - 1]) : nullptr;
}
/// Makes the frame of a generator that waits the running one, at its SEND. The values of a running frame are nobody's
/// business: its stack top is hidden.
inline void beginDelegation(PyThreadState* tstate, PyGenObject* generator) {
  Frame* frame = frameOf(generator);
  startExecuting(tstate, generator);
  frame->instr_ptr -= kSendToResume;
  frame->stacktop = kNativeStackTop - frame->stacktop;
}
/// The delegate of the running frame's generator has suspended itself or ended.
inline void endDelegation(Frame* frame) {
  frame->stacktop = kNativeStackTop - frame->stacktop;
}
/// Of a frame at a SEND: where the interpreter goes on when the delegate has yielded (YIELD_VALUE), when that has been
/// done, too, and when the delegate has returned.
inline _Py_CODEUNIT* behindSend(const Frame* frame) {
  return frame->instr_ptr + kSendToResume - 1;
}
inline _Py_CODEUNIT* behindYield(const Frame* frame) {
  return frame->instr_ptr + kSendToResume;
}
inline _Py_CODEUNIT* behindDelegation(const Frame* frame) {
  return behindSend(frame) + frame->instr_ptr->op.arg;
}

/// True for code whose call makes a generator, a coroutine or an asynchronous generator.
inline bool makesGenerator(const PyCodeObject* code) {
  return (code->co_flags & (CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR)) != 0;
}
/// True if makeGenerator() can do what a call of the function would, frame evaluation included.
bool canMakeGenerator(const PyThreadState* tstate, const PyFunctionObject* func);
/// What a call of a generator function returns: a generator at its start, whose frame has `count` arguments, which fill
/// all parameters. Consumes the function and the arguments. NULL with an exception set where there is no memory.
PyObject* makeGenerator(PyFunctionObject* func, PyObject* const* args, size_t count);

/// A generator's frame returned or was unwound (its operand stack is empty): clears and unlinks it.
void finishGenerator(PyThreadState* tstate, Frame* frame);
/// Lets the interpreter run the rest of a generator's frame, up to its next suspension or its end.
PyObject* interpretGenerator(PyThreadState* tstate, Frame* frame, bool* yielded);
/// Makes a StopIteration the raised exception.
void setStopIteration(PyObject* value);

/// The functions behind next() and send() on generators and coroutines, also for C code.
struct GeneratorFunctions {
  iternextfunc next;
  sendfunc generatorSend, coroutineSend;
  PyCFunction generatorSendMethod, coroutineSendMethod;
};
/// Replaces what a method that takes one argument calls; returns that. NULL, and nothing is replaced, where there is no
/// such method.
PyCFunction replaceMethod(PyTypeObject* type, const char* name, PyCFunction function);
/// Replaces CPython's functions once and for all; returns those. Cannot fail.
GeneratorFunctions replaceGeneratorFunctions(const GeneratorFunctions& functions);

}  // namespace martlet::vm::port
