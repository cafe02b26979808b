// SPDX-License-Identifier: MIT
// Tiering: decides what is compiled when, queues it, publishes it. One engine a process, for the main interpreter.
// Owns: the worker thread, options, statistics. Guarded by the GIL except where said. Must not know: LLVM, frame
// layouts.
#pragma once
#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "libjit/compiler.h"
#include "vm/cpython_3_13/decode.h"
#include "vm/monitoring.h"
#include "vm/ref.h"

namespace martlet {

/// A compilation on its way: snapshot and, later, result. The worker touches only `snapshot`, `entries`, `options`,
/// `result` and the seconds of its own work.
struct CompileJob {
  vm::Ref code;  ///< keeps the code object, its constants and its CodeData alive
  vm::CodeData* data = nullptr;
  uint32_t site = 0;                ///< counter that asked: 0 a call, else a loop head or handler
  std::atomic<uint32_t> asked = 0;  ///< how often the place ran since: the hottest is compiled first
  frontend::Snapshot snapshot;
  std::unique_ptr<vm::Validity> validity;
  std::vector<frontend::EntryRequest> entries;
  Options options;
  std::unique_ptr<Result<CompiledCode>> result;
  double seconds = 0;      ///< processor time
  double loadSeconds = 0;  ///< and of loading the backend, where this was the first
  double gilSeconds = 0;
};

struct EngineStats {
  uint64_t compiled = 0, failed = 0, recompiled = 0;
  double compileSeconds = 0;                    ///< processor time, loading the backend included
  double gilSeconds = 0;                        ///< snapshots and publishing, while the program had to wait
  std::vector<float> secondsEach;               ///< of each compilation, for percentiles; bounded
  uint64_t instructions = 0, emittedBytes = 0;  ///< bytecode instructions compiled, and their native code
  double hirSeconds = 0, buildSeconds = 0, optimizeSeconds = 0, codegenSeconds = 0;
  uint64_t inlinedCalls = 0;
  uint64_t irInstructions = 0, exitInstructions = 0;
  std::map<std::string, uint64_t> reasons;  ///< sentence, with the detail where it helps -> count
};

class Engine {
 public:
  explicit Engine(double* youngUntil);
  static Engine* instance() { return instance_; }
  /// With the counting that is under way, or that has not begun. False with a Python error set.
  static bool create(vm::Counting* counting, double* youngUntil);

  void enable(const Options& options);
  void disable();
  const Options& options() const { return options_; }
  const EngineStats& stats() const { return stats_; }
  /// Compilations that were asked for and have no effect yet.
  size_t unpublished();
  double backendLoadSeconds() const { return compiler_.backendLoadSeconds(); }

  /// Compiles now, on this thread. True if the code object has native code for its start afterwards.
  bool compileNow(PyCodeObject* code, PyFunctionObject* func);
  /// Compiles all entries of a code object, and throws the result away.
  std::unique_ptr<CompileJob> compileOnly(PyCodeObject* code, const Options& options);
  /// Stops the worker for good; called before the interpreter goes away. Lets other threads run while it waits.
  void shutDown();

  // Called by the vm.
  vm::Verdict reached(vm::CodeData& data, vm::RedirectKind kind, uint32_t offset, uint16_t depth);
  void coldHandler(vm::CodeData& data, vm::NativeVersion& version, uint32_t offset, uint16_t depth);
  void exited(vm::CodeData& data, vm::NativeVersion& version, const ExitDescriptor& exit, uint32_t count);
  void publishReady();

 private:
  int64_t threshold(const vm::CodeData& data, int64_t base) const;
  bool isFrequent(vm::CodeData::SiteCount& site, int64_t limit) const;
  uint32_t patience(const vm::CodeData& data) const;
  std::unique_ptr<CompileJob> makeJob(vm::CodeData& data, uint32_t site, const Options& options, vm::GlobalScope scope);
  void request(vm::CodeData& data, uint32_t site, std::vector<frontend::EntryRequest> entries);
  void recompile(vm::CodeData& data, vm::NativeVersion& version, bool keepUntilThen);
  void noteAsked(vm::CodeData::SiteCount& site, uint32_t times);
  void reachedNotRun(vm::CodeData& data, vm::NativeVersion& version, const ExitDescriptor& exit, uint32_t count);
  void blockFailing(vm::CodeData& data, const vm::NativeVersion& version, const ExitDescriptor& failed) const;
  void compileJob(CompileJob& job);
  void publish(std::unique_ptr<CompileJob> job);
  void countFailure(const Bailout& bailout);
  void countSuccess(const CompileJob& job, const CompiledCode& code);
  std::vector<frontend::EntryRequest> startEntries(const frontend::Snapshot& snapshot) const;
  void ensureWorker();
  void work();
  /// With queueMutex_ held: true if the worker has something to do.
  bool mayWork() const { return !stopping_ && !forking_ && !queue_.empty(); }
  /// True in a forked child that has not run for long: most of them end soon.
  bool isYoung();
  // Around fork(), which a thread without the GIL may call, too.
  static void installForkHandlers();
  void beforeFork();
  void afterFork();

  static Engine* instance_;
  Options options_;
  EngineStats stats_;
  Compiler compiler_;
  bool enabled_ = false;
  double enabledAt_ = 0;  ///< in seconds of processor time
  bool stopped_ = false;

  std::mutex forkMutex_;   ///< held while a thread forks
  std::mutex queueMutex_;  ///< guards the queues, worker_, `stopping_` and `forking_`
  std::deque<std::unique_ptr<CompileJob>> queue_;
  std::deque<std::unique_ptr<CompileJob>> done_;
  CompileJob* current_ = nullptr;  ///< the worker's
  std::atomic<bool> ready_{false};
  bool stopping_ = false, forking_ = false;
  /// Ends when there is nothing to do: os.fork() counts threads, and warns of more than one.
  std::thread worker_;
  std::atomic<bool> working_{false};
  std::atomic<int64_t> forkedAt_{0};  ///< when a thread has last forked (nanoseconds)
  double* youngUntil_;                ///< as in Start
  uint32_t youngQuestions_ = 0;
};

}  // namespace martlet
