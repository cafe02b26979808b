// SPDX-License-Identifier: MIT
// Resuming compiled asynchronous generators. Must not know: how code is compiled.
//
// CPython tells the awaiting code of a yielded value by raising StopIteration. Native code that awaits is told without
// (martlet_step_async_send); everybody else gets the exception.
#include "vm/cpython_3_13/async_generators.h"
#include "vm/cpython_3_13/generators.h"
#include "vm/entry.h"
#include "vm/runtime/leave.h"
#include "vm/runtime/singletons.h"

namespace martlet::vm {
namespace {

port::AsyncSendFunctions originals = {};

port::AsyncSend* asAsyncSend(PyObject* object) {
  return reinterpret_cast<port::AsyncSend*>(object);
}

/// True if the awaitable may be driven now; anything else is CPython's to refuse.
bool canStep(const port::AsyncSend* send) {
  if (send->state == port::AsyncSend::Closed) return false;
  return send->state != port::AsyncSend::New || send->generator->ag_running_async == 0;
}

/// What CPython does with a generator that raised or returned.
void noteEnd(PyAsyncGenObject* generator) {
  if (PyErr_ExceptionMatches(PyExc_StopAsyncIteration) || PyErr_ExceptionMatches(PyExc_GeneratorExit)) {
    generator->ag_closed = 1;
  }
}

/// Drives an awaitable for which canStep() holds; the results are martlet_step_async_send()'s.
int step(PyThreadState* tstate, port::AsyncSend* send, PyObject* argument, PyObject** result) {
  PyAsyncGenObject* generator = send->generator;
  if (send->state == port::AsyncSend::New) {
    if (argument == nullptr || argument == Py_None) argument = send->value;
    send->state = port::AsyncSend::Iterated;
  }
  generator->ag_running_async = 1;
  const int outcome = martlet_resume_generator(tstate, reinterpret_cast<PyObject*>(generator), argument, result);
  if (outcome > 0 && !port::unwrapAsyncYield(result)) return 1;
  if (outcome <= 0) {
    if (outcome == 0) Py_CLEAR(*result);
    if (tstate->current_exception == nullptr) PyErr_SetNone(PyExc_StopAsyncIteration);
    noteEnd(generator);
  }
  generator->ag_running_async = 0;
  send->state = port::AsyncSend::Closed;
  return outcome > 0 ? 0 : -1;
}

/// The awaited value, or NULL with an exception set, which is StopIteration for a value that was yielded.
PyObject* awaited(PyObject* self, PyObject* argument) {
  PyObject* result = nullptr;
  if (step(PyThreadState_Get(), asAsyncSend(self), argument, &result) == 0) {
    _PyGen_SetStopIterationValue(result);
    Py_CLEAR(result);
  }
  return result;
}

PyObject* nextNatively(PyObject* self) {
  return canStep(asAsyncSend(self)) ? awaited(self, nullptr) : originals.next(self);
}

PyObject* sendMethod(PyObject* self, PyObject* argument) {
  return canStep(asAsyncSend(self)) ? awaited(self, argument) : originals.sendMethod(self, argument);
}

}  // namespace

void installAsyncGeneratorEntries() {
  if (originals.next != nullptr) return;
  if (!port::findAsyncGeneratorTypes()) PyErr_Clear();
  originals = port::replaceAsyncSendFunctions({nextNatively, sendMethod});
  martlet_singletons.asyncSend = port::asyncSendType();
}

}  // namespace martlet::vm

extern "C" int martlet_step_async_send(PyThreadState* tstate, PyObject* awaitable, PyObject** result) {
  using namespace martlet::vm;
  port::AsyncSend* send = asAsyncSend(awaitable);
  if (canStep(send)) return step(tstate, send, nullptr, result);
  *result = originals.next(awaitable);
  return -1;
}
