// SPDX-License-Identifier: MIT
// Events of code that has not run yet. CPython looks at each instruction when such code is run first, which is half of
// what counting costs a program in which nothing gets hot. Owns: how a code object is made to report its start, and
// its backward jumps later, without that. Must not know: what happens at an event.
#pragma once
#include <Python.h>

namespace martlet::vm::port {

/// From now on, or (with `on` false) no longer, the events of our tool, and of no other one, are switched on for all
/// code: new code objects may be prepared for them. Code that is not prepared is CPython's business, as ever.
void prepareFreshCode(bool on);

/// Has prepared code that starts for the first time report its backward jumps. Does nothing with other code.
void reportLoops(PyCodeObject* code);

}  // namespace martlet::vm::port
