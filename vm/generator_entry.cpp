// SPDX-License-Identifier: MIT
// Resuming compiled generators and coroutines. Must not know: how code is compiled.
#include "vm/activation.h"
#include "vm/cpython_3_13/generators.h"
#include "vm/runtime/leave.h"

namespace martlet::vm {
namespace {

port::GeneratorFunctions originals = {};

/// What became of a generator that was to be resumed.
enum class Outcome {
  NotNative,  ///< nothing has happened: it is CPython's to resume
  Yielded,
  Returned,
  Raised,
};

/// A resumed generator came back in any other way than by a plain yield.
[[gnu::noinline]] Outcome finishResume(PyThreadState* tstate, PyGenObject* generator, const Leave& leave,
                                       PyObject** result) {
  port::Frame* frame = port::frameOf(generator);
  bool yielded = false;
  switch (leave.kind) {
  case Leave::Yielded:
    ++tstate->py_recursion_remaining;
    port::suspendGenerator(tstate, generator, leave.offset);
    *result = leave.value;
    return Outcome::Yielded;
  case Leave::Returned:
  case Leave::Unwind: *result = endFrame(tstate, frame, leave, [&] { port::finishGenerator(tstate, frame); }); break;
  default:
    ++tstate->py_recursion_remaining;
    *result = port::interpretGenerator(tstate, frame, &yielded);
    if (yielded) return Outcome::Yielded;
  }
  return *result != nullptr ? Outcome::Returned : Outcome::Raised;
}

/// Runs the frame of a generator, which is the running one, from an entry.
[[gnu::always_inline]] inline Outcome enter(PyThreadState* tstate, PyGenObject* generator, CodeData& data,
                                            NativeVersion* version, uint32_t index, PyObject** result) {
  port::Frame* frame = port::frameOf(generator);
  ++counters().resumeEntries;
  const NativeResult native = invoke(tstate, frame, data, version->code.function, index);
  if (leaveKind(native.status) == LeaveKind::Returned && !localsWritesPending()) {
    data.activationEnded();
    ++tstate->py_recursion_remaining;
    port::finishGenerator(tstate, frame);
    *result = static_cast<PyObject*>(native.value);
    return Outcome::Returned;
  }
  if (leaveKind(native.status) != LeaveKind::Yielded || !mayEnterNative(tstate)) [[unlikely]] {
    Leave leave;
    finishActivation(tstate, frame, data, version, native, leave);
    return finishResume(tstate, generator, leave, result);
  }
  ++counters().exitsByReason[static_cast<size_t>(hir::ExitReason::Yield)];
  data.activationEnded();
  ++tstate->py_recursion_remaining;
  port::suspendGenerator(tstate, generator, leavePayload(native.status));
  *result = static_cast<PyObject*>(native.value);
  return Outcome::Yielded;
}

/// Leaves the frame of a generator, which is the running one, to the interpreter at `instruction`.
Outcome interpretFrom(PyThreadState* tstate, PyGenObject* generator, _Py_CODEUNIT* instruction, PyObject** result) {
  port::frameOf(generator)->instr_ptr = instruction;
  return finishResume(tstate, generator, {}, result);
}

/// The generator that this one waits for has returned `*result`.
Outcome enterBehind(PyThreadState* tstate, PyGenObject* generator, PyObject** result) {
  port::Frame* frame = port::frameOf(generator);
  PyCodeObject* code = port::codeOf(frame);
  _Py_CODEUNIT* instruction = port::behindDelegation(frame);
  _PyFrame_StackPush(frame, *result);
  frame->instr_ptr = instruction;
  CodeData* data = CodeData::find(code);
  const NativeEntry* entry = mayActivate(tstate, *data) ? data->entryAt(port::offsetOf(frame)) : nullptr;
  if (entry == nullptr || entry->stackDepth != port::stackDepth(frame)) {
    return interpretFrom(tstate, generator, instruction, result);
  }
  return enter(tstate, generator, *data, entry->version, entry->index, result);
}

/// The generator that this one, whose frame is the running one, waits for has come back. While that yields, this one
/// has nothing to do.
Outcome settle(PyThreadState* tstate, PyGenObject* generator, PyObject* argument, Outcome delegate, PyObject** result) {
  port::Frame* frame = port::frameOf(generator);
  port::endDelegation(frame);
  switch (delegate) {
  case Outcome::Yielded:
    if (!mayEnterNative(tstate)) {
      _PyFrame_StackPush(frame, *result);
      return interpretFrom(tstate, generator, port::behindSend(frame), result);
    }
    ++tstate->py_recursion_remaining;
    frame->instr_ptr = port::behindYield(frame);
    port::suspendGenerator(tstate, generator, 1);
    return Outcome::Yielded;
  case Outcome::Returned: return enterBehind(tstate, generator, result);
  default: break;
  }
  PyCodeObject* code = port::codeOf(frame);
  const int depth = port::stackDepth(frame);
  _PyFrame_StackPush(frame, Py_NewRef(argument));
  const auto next = static_cast<uint32_t>(port::behindSend(frame) - _PyCode_CODE(code));
  Leave leave;
  failInstruction(tstate, frame, next, depth, leave);
  handle(tstate, frame, *CodeData::find(code), leave);
  return finishResume(tstate, generator, leave, result);
}

/// Resumes a generator or coroutine natively at its own next instruction.
[[gnu::always_inline]] inline Outcome resumeHere(PyThreadState* tstate, PyGenObject* generator, PyObject* argument,
                                                 PyObject** result) {
  PyCodeObject* code = port::codeOf(port::frameOf(generator));
  CodeData* data = CodeData::find(code);
  if (data == nullptr || !mayActivate(tstate, *data)) [[unlikely]]
    return Outcome::NotNative;
  const NativeEntry* entry = data->resumeAt(port::resumePointOf(generator));
  if (entry == nullptr || !hasNativeStack()) [[unlikely]]
    return Outcome::NotNative;
  port::beginResume(tstate, generator, argument);
  --tstate->py_recursion_remaining;
  return enter(tstate, generator, *data, entry->version, entry->index, result);
}

PySendResult sendByCPython(PyGenObject* generator, PyObject* argument, PyObject** result) {
  const sendfunc send = Py_IS_TYPE(generator, &PyGen_Type) ? originals.generatorSend : originals.coroutineSend;
  return send(reinterpret_cast<PyObject*>(generator), argument, result);
}

Outcome outcomeOf(PySendResult status) {
  return status == PYGEN_NEXT ? Outcome::Yielded : status == PYGEN_RETURN ? Outcome::Returned : Outcome::Raised;
}

/// Makes the frames of generators of which each waits for the next one running ones. Returns how many, and moves on to
/// the last one, which does not wait for another one, or cannot be passed by.
int descend(PyThreadState* tstate, PyGenObject** generator, const PyObject* argument) {
  int levels = 0;
  const PyCodeObject* checked = nullptr;
  while (PyGenObject* delegate = port::delegateOf(*generator)) {
    PyCodeObject* code = port::codeOf(port::frameOf(*generator));
    if (!port::canResume(delegate, argument) || tstate->py_recursion_remaining <= 1) break;
    if (code != checked) {
      CodeData* data = CodeData::find(code);
      if (data == nullptr || !mayActivate(tstate, *data)) break;
      checked = code;
    }
    port::beginDelegation(tstate, *generator);
    --tstate->py_recursion_remaining;
    *generator = delegate;
    ++levels;
  }
  return levels;
}

/// Resumes a generator that waits for another iterator.
[[gnu::noinline]] Outcome resumeWaiting(PyThreadState* tstate, PyGenObject* generator, PyObject* argument,
                                        PyObject** result) {
  const int levels = descend(tstate, &generator, argument);
  if (levels == 0) return resumeHere(tstate, generator, argument, result);
  if (argument == nullptr) argument = Py_None;
  Outcome outcome = resumeHere(tstate, generator, argument, result);
  if (outcome == Outcome::NotNative) outcome = outcomeOf(sendByCPython(generator, argument, result));
  for (int i = 0; i < levels; ++i) {
    outcome = settle(tstate, _PyFrame_GetGenerator(tstate->current_frame), argument, outcome, result);
  }
  return outcome;
}

/// Resumes a generator or coroutine natively, with `argument` (NULL: None) sent to it. `*result` is what was yielded or
/// returned, or NULL with an exception set.
[[gnu::always_inline]] inline Outcome resume(PyThreadState* tstate, PyGenObject* generator, PyObject* argument,
                                             PyObject** result) {
  if (!port::canResume(generator, argument)) [[unlikely]]
    return Outcome::NotNative;
  if (port::waits(generator)) return resumeWaiting(tstate, generator, argument, result);
  return resumeHere(tstate, generator, argument, result);
}

PyGenObject* unchecked(PyObject* object) {
  return reinterpret_cast<PyGenObject*>(object);
}

PyObject* nextNatively(PyObject* self) {
  PyObject* result = nullptr;
  switch (resume(PyThreadState_Get(), unchecked(self), nullptr, &result)) {
  case Outcome::NotNative: return originals.next(self);
  case Outcome::Returned:
    if (result != Py_None) port::setStopIteration(result);
    Py_CLEAR(result);
    return nullptr;
  default: return result;
  }
}

template <sendfunc port::GeneratorFunctions::* kOriginal>
PySendResult sendNatively(PyObject* self, PyObject* argument, PyObject** result) {
  switch (resume(PyThreadState_Get(), unchecked(self), argument, result)) {
  case Outcome::NotNative: return (originals.*kOriginal)(self, argument, result);
  case Outcome::Yielded: return PYGEN_NEXT;
  case Outcome::Raised: return PYGEN_ERROR;
  case Outcome::Returned: break;
  }
  if (*result != Py_None || argument != nullptr) return PYGEN_RETURN;
  *result = nullptr;  // as for next()
  return PYGEN_ERROR;
}

/// The method send().
template <PyCFunction port::GeneratorFunctions::* kOriginal>
PyObject* sendMethod(PyObject* self, PyObject* argument) {
  PyObject* result = nullptr;
  switch (resume(PyThreadState_Get(), unchecked(self), argument, &result)) {
  case Outcome::NotNative: return (originals.*kOriginal)(self, argument);
  case Outcome::Returned:
    if (result != Py_None) {
      port::setStopIteration(result);
    } else {
      PyErr_SetNone(PyExc_StopIteration);
    }
    Py_DECREF(result);
    return nullptr;
  default: return result;
  }
}

}  // namespace

void installGeneratorEntries() {
  if (originals.next != nullptr) return;
  using Functions = port::GeneratorFunctions;
  originals = port::replaceGeneratorFunctions({
      .next = nextNatively,
      .generatorSend = sendNatively<&Functions::generatorSend>,
      .coroutineSend = sendNatively<&Functions::coroutineSend>,
      .generatorSendMethod = sendMethod<&Functions::generatorSendMethod>,
      .coroutineSendMethod = sendMethod<&Functions::coroutineSendMethod>,
  });
}

}  // namespace martlet::vm

extern "C" int martlet_resume_generator(PyThreadState* tstate, PyObject* generator, PyObject* argument,
                                        PyObject** result) {
  using namespace martlet::vm;
  Outcome outcome = resume(tstate, unchecked(generator), argument, result);
  if (outcome == Outcome::NotNative) outcome = outcomeOf(sendByCPython(unchecked(generator), argument, result));
  return outcome == Outcome::Yielded ? 1 : outcome == Outcome::Returned ? 0 : -1;
}
