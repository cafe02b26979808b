// SPDX-License-Identifier: MIT
#include "vm/cpython_3_13/async_generators.h"

#include <utility>

#include "internal/pycore_ceval.h"
#include "internal/pycore_intrinsics.h"
#include "vm/cpython_3_13/generators.h"
#include "vm/ref.h"

namespace martlet::vm::port {
namespace {

struct WrappedValue {
  PyObject_HEAD PyObject* value;
};

PyTypeObject* sendType = nullptr;
PyTypeObject* wrappedType = nullptr;

bool findWrappedType() {
  const Ref wrapped =
      Ref::steal(_PyIntrinsics_UnaryFunctions[INTRINSIC_ASYNC_GEN_WRAP].func(PyThreadState_Get(), Py_None));
  if (!wrapped) return false;
  if (reinterpret_cast<WrappedValue*>(wrapped.get())->value == Py_None) wrappedType = Py_TYPE(wrapped.get());
  return true;
}

/// An asynchronous generator that nobody else gets to see, not even the hooks of an event loop.
Ref makeExample() {
  const Ref scope = Ref::steal(PyDict_New());
  Ref code = Ref::steal(reinterpret_cast<PyObject*>(PyCode_NewEmpty("martlet", "example", 1)));
  if (!scope || !code) return {};
  reinterpret_cast<PyCodeObject*>(code.get())->co_flags |= CO_ASYNC_GENERATOR;
  const Ref function = Ref::steal(PyFunction_New(code.get(), scope.get()));
  Ref generator = function ? Ref::steal(_Py_MakeCoro(reinterpret_cast<PyFunctionObject*>(function.get()))) : Ref();
  if (!generator) return {};
  // Of its frame, which is marked as cleared, the code is looked at once more.
  auto* made = reinterpret_cast<PyAsyncGenObject*>(generator.get());
  reinterpret_cast<_PyInterpreterFrame*>(made->ag_iframe)->f_executable = code.release();
  made->ag_hooks_inited = 1;
  return generator;
}

bool findSendType() {
  const Ref generator = makeExample();
  if (!generator) return false;
  const Ref awaitable = Ref::steal(PyAsyncGen_Type.tp_as_async->am_anext(generator.get()));
  if (!awaitable) return false;
  PyTypeObject* type = Py_TYPE(awaitable.get());
  auto* send = reinterpret_cast<AsyncSend*>(awaitable.get());
  const bool expected = type->tp_basicsize == sizeof(AsyncSend) && send->value == nullptr &&
                        reinterpret_cast<PyObject*>(send->generator) == generator.get() &&
                        send->state == AsyncSend::New && type->tp_iternext != nullptr;
  // Or it would be told that it was never awaited.
  if (!Ref::steal(PyObject_CallMethod(awaitable.get(), "close", nullptr))) PyErr_Clear();
  if (expected && send->state == AsyncSend::Closed) sendType = type;
  return true;
}

}  // namespace

bool findAsyncGeneratorTypes() {
  return findWrappedType() && findSendType();
}

PyTypeObject* asyncSendType() {
  return wrappedType != nullptr ? sendType : nullptr;
}

bool unwrapAsyncYield(PyObject** object) {
  if (!Py_IS_TYPE(*object, wrappedType)) return false;
  PyObject* wrapped = std::exchange(*object, Py_NewRef(reinterpret_cast<WrappedValue*>(*object)->value));
  Py_DECREF(wrapped);
  return true;
}

AsyncSendFunctions replaceAsyncSendFunctions(const AsyncSendFunctions& functions) {
  PyTypeObject* type = asyncSendType();
  if (type == nullptr) return {};
  return {std::exchange(type->tp_iternext, functions.next), replaceMethod(type, "send", functions.sendMethod)};
}

}  // namespace martlet::vm::port
