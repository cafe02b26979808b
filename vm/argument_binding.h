// SPDX-License-Identifier: MIT
// Where the arguments of a call belong in the frame of a Python function. Must not know: frames, native code.
#pragma once
#include "vm/runtime/cpython.h"

namespace martlet::vm {

/// Room for the slots of a call. Where there are more, CPython binds.
inline constexpr size_t kBound = 18;

/// The slots of all parameters: positional ones, keyword-only ones, the tuple of the rest, the dict of the rest.
inline size_t parameterSlots(const PyCodeObject* code) {
  const size_t rests = ((code->co_flags & CO_VARARGS) != 0 ? 1 : 0) + ((code->co_flags & CO_VARKEYWORDS) != 0 ? 1 : 0);
  return static_cast<size_t>(code->co_argcount) + static_cast<size_t>(code->co_kwonlyargcount) + rests;
}

/// Puts the arguments of a call in their places, and defaults where there are none: fills the first parameterSlots()
/// words of `bound`, and consumes the arguments. No Python code runs. False, and nothing is consumed or raised, if this
/// needs CPython's own words: for an error, keyword names that may be compared by Python code, more than kBound slots.
bool bindArguments(const PyFunctionObject* func, PyObject* const* args, size_t count, PyObject* names,
                   PyObject** bound);

}  // namespace martlet::vm
