// SPDX-License-Identifier: MIT
// What is awaited for an asynchronous generator's next item, in 3.13: its layout, and the functions that drive it. Must
// not know: tiering, compilation.
#pragma once
#include <Python.h>

namespace martlet::vm::port {

/// What __anext__() and asend() return; CPython's own, which no header shows.
struct AsyncSend {
  PyObject_HEAD PyAsyncGenObject* generator;
  PyObject* value;  ///< to be sent; NULL: None
  enum State { New, Iterated, Closed } state;
};

/// The functions behind `next(awaitable)` and `awaitable.send()`.
struct AsyncSendFunctions {
  iternextfunc next;
  PyCFunction sendMethod;
};

/// Finds the classes below, and checks that their objects look as expected. Where they do not, asynchronous generators
/// are CPython's to resume. False with a Python error set where there is no memory.
bool findAsyncGeneratorTypes();
/// The class of AsyncSend, or NULL.
PyTypeObject* asyncSendType();
/// If `object` is what an asynchronous generator yields, gives that up for the value in it.
bool unwrapAsyncYield(PyObject** object);
/// Replaces CPython's functions once and for all; returns those. All NULL where the class was not found.
AsyncSendFunctions replaceAsyncSendFunctions(const AsyncSendFunctions& functions);

}  // namespace martlet::vm::port
