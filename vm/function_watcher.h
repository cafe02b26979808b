// SPDX-License-Identifier: MIT
// New functions over compiled code objects (closures) get the native entry when they are made. Owns: the function
// watcher.
#pragma once

namespace martlet::vm {
/// False with a Python error set if CPython has no watcher id left. Idempotent.
bool startFunctionWatcher();
void stopFunctionWatcher();
}  // namespace martlet::vm
