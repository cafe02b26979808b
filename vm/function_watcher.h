// SPDX-License-Identifier: MIT
// New functions over compiled code objects (closures) get the native entry when they are made. Owns: the function
// watcher, CodeData::function.
#pragma once
#include "vm/code_data.h"

namespace martlet::vm {

/// From the first compilation on: until then programs pay nothing for it. Where CPython has no watcher id left, a new
/// function gets its entry when it is first called. Idempotent.
void startFunctionWatcher();
void stopFunctionWatcher();
/// Remembers a function that runs `data`'s code, while it lives. Without a watcher nobody can say how long that is.
void noteFunction(PyFunctionObject* func, CodeData& data);

}  // namespace martlet::vm
