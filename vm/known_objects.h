// SPDX-License-Identifier: MIT
// Which objects of the running CPython known_callables.def means. Must not know: compilation, bytecode.
#pragma once
#include <Python.h>

#include <optional>

#include "lowering/known_callables.h"

namespace martlet::vm {

/// What a living object is, told by what it is made of: no program can make one that is like it.
std::optional<KnownCallable> knownCallable(PyObject* object);

/// The same for what may be the address of a method that instances of the very class that has it got by the class's
/// version, and is not looked at. Methods of built-in classes live for ever.
std::optional<KnownCallable> knownMethod(const void* address, uint32_t version);

}  // namespace martlet::vm
