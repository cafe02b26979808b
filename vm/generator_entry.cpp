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
  NativeVersion* version = entry->version;
  const uint32_t index = entry->index;
  port::beginResume(tstate, generator, argument);
  --tstate->py_recursion_remaining;
  ++counters().resumeEntries;
  const NativeResult native = invoke(tstate, frame, version, index);
  if (leaveKind(native.status) == LeaveKind::Returned && !localsWritesPending()) {
    data->activationEnded(version);
    ++tstate->py_recursion_remaining;
    port::finishGenerator(tstate, frame);
    *result = static_cast<PyObject*>(native.value);
    return Outcome::Returned;
  }
  if (leaveKind(native.status) != LeaveKind::Yielded || !mayEnterNative(tstate)) [[unlikely]] {
    return finishResume(tstate, generator, finishActivation(tstate, frame, *data, version, native), result);
  }
  ++counters().exitsByReason[static_cast<size_t>(hir::ExitReason::Yield)];
  data->activationEnded(version);
  ++tstate->py_recursion_remaining;
  port::suspendGenerator(tstate, generator, leavePayload(native.status));
  *result = static_cast<PyObject*>(native.value);
  return Outcome::Yielded;
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
