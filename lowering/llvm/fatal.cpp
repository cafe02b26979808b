// SPDX-License-Identifier: MIT
#include "lowering/llvm/fatal.h"

#include <llvm/Support/ErrorHandling.h>

#include <csetjmp>
#include <cstdio>
#include <mutex>

namespace martlet::backend {

namespace {

/// The innermost `guarded` call of this thread.
struct Guard {
  std::jmp_buf target;
  std::string message;
};
thread_local Guard* current = nullptr;

void onFatalError(void*, const char* reason, bool) {
  if (!current) {
    std::fprintf(stderr, "LLVM ERROR: %s\n", reason);
    return;
  }
  current->message = reason;
  std::longjmp(current->target, 1);
}

}  // namespace

void installFatalErrorHandler() {
  static std::once_flag once;
  std::call_once(once, [] {
    llvm::remove_fatal_error_handler();
    llvm::install_fatal_error_handler(onFatalError);
  });
}

// LLVM is built without exceptions, so a jump is the only way back; it leaks, and happens only on an LLVM bug.
bool guarded(const std::function<void()>& body, std::string& error) {
  Guard guard;
  Guard* const outer = current;
  current = &guard;
  const bool good = setjmp(guard.target) == 0;
  if (good) {
    body();
  }
  current = outer;
  if (!good) error = guard.message;
  return good;
}

}  // namespace martlet::backend
