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
  const NativeResult native = invoke(tstate, frame, version, index);
  if (leaveKind(native.status) == LeaveKind::Returned && !localsWritesPending()) {
    data.activationEnded(version);
    ++tstate->py_recursion_remaining;
    port::finishGenerator(tstate, frame);
    *result = static_cast<PyObject*>(native.value);
    return Outcome::Returned;
  }
  if (leaveKind(native.status) != LeaveKind::Yielded || !mayEnterNative(tstate)) [[unlikely]] {
    return finishResume(tstate, generator, finishActivation(tstate, frame, data, version, native), result);
  }
  ++counters().exitsByReason[static_cast<size_t>(hir::ExitReason::Yield)];
  data.activationEnded(version);
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
Outcome enterBehind(PyThreadState* tstate, PyGenObject* generator, _Py_CODEUNIT* instruction, PyObject** result) {
  port::Frame* frame = port::frameOf(generator);
  PyCodeObject* code = port::codeOf(frame);
  _PyFrame_StackPush(frame, *result);
  frame->instr_ptr = instruction;
  CodeData* data = CodeData::find(code);
  const NativeEntry* entry = mayActivate(tstate, *data, code) ? data->entryAt(port::offsetOf(frame)) : nullptr;
  if (entry == nullptr || entry->stackDepth != port::stackDepth(frame)) {
    return interpretFrom(tstate, generator, instruction, result);
  }
  return enter(tstate, generator, *data, entry->version, entry->index, result);
}

/// Resumes the generator that this one waits for. While that yields, this one has nothing to do.
[[gnu::noinline]] Outcome resumeDelegate(PyThreadState* tstate, PyGenObject* generator,
                                         const port::Delegation& delegation, PyObject* argument, PyObject** result) {
  port::Frame* frame = port::frameOf(generator);
  if (argument == nullptr) argument = Py_None;
  const int stackTop = port::beginDelegation(tstate, generator, delegation);
  --tstate->py_recursion_remaining;
  auto* receiver = reinterpret_cast<PyObject*>(delegation.receiver);
  const int status = martlet_resume_generator(tstate, receiver, argument, result);
  frame->stacktop = stackTop;
  if (status > 0 && mayEnterNative(tstate)) [[likely]] {
    ++tstate->py_recursion_remaining;
    frame->instr_ptr = delegation.resume;
    port::suspendGenerator(tstate, generator, 1);
    return Outcome::Yielded;
  }
  if (status > 0) {
    _PyFrame_StackPush(frame, *result);
    return interpretFrom(tstate, generator, delegation.yield, result);
  }
  if (status == 0) return enterBehind(tstate, generator, delegation.returned, result);
  const int depth = port::stackDepth(frame);
  _PyFrame_StackPush(frame, Py_NewRef(argument));
  const auto next = static_cast<uint32_t>(delegation.yield - _PyCode_CODE(port::codeOf(frame)));
  const Leave leave = failInstruction(tstate, frame, next, depth);
  return finishResume(tstate, generator, handle(tstate, frame, *CodeData::find(port::codeOf(frame)), leave), result);
}

/// Resumes a generator or coroutine natively, with `argument` (NULL: None) sent to it. `*result` is what was yielded or
/// returned, or NULL with an exception set.
[[gnu::always_inline]] inline Outcome resume(PyThreadState* tstate, PyGenObject* generator, PyObject* argument,
                                             PyObject** result) {
  port::Frame* frame = port::frameOf(generator);
  if (!port::canResume(generator, argument)) [[unlikely]]
    return Outcome::NotNative;
  PyCodeObject* code = port::codeOf(frame);
  CodeData* data = CodeData::find(code);
  if (data == nullptr || !mayActivate(tstate, *data, code)) [[unlikely]]
    return Outcome::NotNative;
  const port::ResumePoint point = port::resumePointOf(generator);
  const NativeEntry* entry = data->resumeAt(point.offset);
  if (entry == nullptr || entry->stackDepth != point.stackDepth || !hasNativeStack()) [[unlikely]]
    return Outcome::NotNative;
  if (port::waits(generator)) {
    const port::Delegation delegation = port::delegationOf(generator);
    if (delegation.receiver != nullptr && port::canResume(delegation.receiver, argument)) {
      return resumeDelegate(tstate, generator, delegation, argument, result);
    }
  }
  port::beginResume(tstate, generator, argument);
  --tstate->py_recursion_remaining;
  return enter(tstate, generator, *data, entry->version, entry->index, result);
}

PyGenObject* asGenerator(PyObject* object) {
  return reinterpret_cast<PyGenObject*>(object);
}

PyObject* nextNatively(PyObject* self) {
  PyObject* result = nullptr;
  switch (resume(PyThreadState_Get(), asGenerator(self), nullptr, &result)) {
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
  switch (resume(PyThreadState_Get(), asGenerator(self), argument, result)) {
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
  switch (resume(PyThreadState_Get(), asGenerator(self), argument, &result)) {
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
  switch (resume(tstate, asGenerator(generator), argument, result)) {
  case Outcome::Yielded: return 1;
  case Outcome::Returned: return 0;
  case Outcome::Raised: return -1;
  case Outcome::NotNative: break;
  }
  switch ((Py_IS_TYPE(generator, &PyGen_Type) ? originals.generatorSend : originals.coroutineSend)(generator, argument,
                                                                                                   result)) {
  case PYGEN_NEXT: return 1;
  case PYGEN_RETURN: return 0;
  default: return -1;
  }
}
