// SPDX-License-Identifier: MIT
// Surviving LLVM's fatal errors. Owns: the process-wide fatal error handler. Must not know: what is compiled.
#pragma once
#include <functional>
#include <string>

namespace martlet::backend {

/// Installs the handler, once for the process. Errors outside `guarded` keep LLVM's behavior (a message, then exit).
void installFatalErrorHandler();

/// Runs `body`; false and `error` filled if LLVM reported a fatal error meanwhile. Destructors between here and the
/// error did not run then: what `body` used is lost, and the caller must not use it again.
bool guarded(const std::function<void()>& body, std::string& error);

}  // namespace martlet::backend
