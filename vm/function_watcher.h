// SPDX-License-Identifier: MIT
// New functions over compiled code objects (closures) get the native entry when they are made. Owns: the function
// watcher.
#pragma once

namespace martlet::vm {
/// From the first version on that calls enter: until then programs pay nothing for it. Where CPython has no watcher id
/// left, a new function gets its entry when it is first called. Idempotent.
void startFunctionWatcher();
void stopFunctionWatcher();
}  // namespace martlet::vm
