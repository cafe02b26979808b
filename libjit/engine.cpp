// SPDX-License-Identifier: MIT
#include "libjit/engine.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "libjit/clock.h"
#include "lowering/frontend/frontend.h"
#include "vm/callees.h"
#include "vm/function_watcher.h"
#include "vm/runtime/helper_table.h"
#include "vm/runtime/singletons.h"
#include "vm/safepoint.h"
#include "vm/stress.h"

namespace martlet {
namespace {

constexpr uint32_t kMaxRecompilations = 12;
/// Sites that have failed this part of the limit go along when another one has reached it.
constexpr int64_t kEarlyShare = 8;
/// In code units; doubled with each compilation.
constexpr uint32_t kBlockedBehind = 16;
/// An exit costs more than being interpreted: this part of the threshold is enough.
constexpr uint32_t kNotRunShare = 8;
/// Code that came to its threshold too slowly is looked at again after this part of it.
constexpr int64_t kWindowShare = 8;
/// Until a compilation pays where code runs as seldom as `least_rate` allows at first.
constexpr double kSecondsToPay = 14;
/// Each time that code which had never run has turned out hot, the next has to run twice as often.
constexpr size_t kMaxDoublings = 4;
constexpr size_t kMaxSecondsEach = 65536;
/// After so many rebindings of globals under a code object's versions, it gets no constants from globals any more.
constexpr uint32_t kMaxWithdrawals = 8;

/// In nanoseconds: how long after the system call os.fork() may look at the number of threads.
constexpr int64_t kForkingTakes = 2'000'000;

using Clock = std::chrono::steady_clock;
int64_t nanoseconds() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now().time_since_epoch()).count();
}
double secondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::vector<HelperAddress> allHelpers() {
  const auto helpers = vm::helperAddresses();
  std::vector<HelperAddress> all(helpers.begin(), helpers.end());
  all.push_back({"martlet_force_exit", reinterpret_cast<const void*>(&martlet_force_exit)});
  return all;
}

/// The frame that runs a code object now, or NULL.
const vm::port::Frame* runningFrame(const vm::CodeData& data) {
  const vm::port::Frame* frame = PyThreadState_Get()->current_frame;
  return frame != nullptr && vm::port::codeOf(frame) == data.code() ? frame : nullptr;
}

/// Its globals; nothing where there is none.
vm::GlobalScope runningScope(const vm::CodeData& data) {
  const vm::port::Frame* frame = runningFrame(data);
  if (frame == nullptr) return {};
  return {vm::port::globalsOf(frame), vm::port::builtinsOf(frame)};
}

/// A call of `data`'s code that is inlined needs to know whose globals it has.
void noteRunningFunction(vm::CodeData& data) {
  const vm::port::Frame* frame = runningFrame(data);
  PyFunctionObject* func = frame != nullptr ? vm::port::functionOf(frame) : nullptr;
  if (func != nullptr && func->func_code == reinterpret_cast<PyObject*>(data.code())) vm::noteFunction(func, data);
}

/// Keeps what the running frame's slots hold.
void noteSlots(vm::CodeData& data, uint32_t offset) {
  const vm::port::Frame* frame = runningFrame(data);
  if (frame == nullptr) return;
  data.slotsSeen[offset] = vm::typesOf(frame->localsplus, static_cast<size_t>(data.layout.locals));
}

/// True for an exit behind which the code is compiled again without what it took for granted.
bool isAssumption(hir::ExitReason reason) {
  return hir::isCounted(reason) && reason != hir::ExitReason::NotRun && reason != hir::ExitReason::Learned &&
         reason != hir::ExitReason::OtherGlobals;
}

/// Where the program's own threads want all processors, they come first. On Linux a nice level is a thread's.
void yieldToProgram(int64_t niceLevel) {
  const int level = getpriority(PRIO_PROCESS, 0);
  setpriority(PRIO_PROCESS, 0, level + static_cast<int>(niceLevel));
}

}  // namespace

Engine* Engine::instance_ = nullptr;

Engine::Engine(double* youngUntil) : compiler_(allHelpers()), youngUntil_(youngUntil) {}

bool Engine::create(vm::Counting* counting, double* youngUntil) {
  // It lives as long as native code: to the end of the process.
  if (instance_ == nullptr) instance_ = new Engine(youngUntil);
  vm::releaseNativeCode = [](CompiledCode& code) { instance_->compiler_.release(code); };
  vm::setTieringHooks({
      [](vm::CodeData& data, vm::NativeVersion& version, uint32_t offset, uint16_t depth) {
        instance_->coldHandler(data, version, offset, depth);
      },
      [](vm::CodeData& data, vm::NativeVersion& version, const ExitDescriptor& exit, uint32_t count) {
        instance_->exited(data, version, exit, count);
      },
  });
  const vm::MonitoringHooks hooks = {[](vm::CodeData& data, vm::RedirectKind kind, uint32_t offset, uint16_t depth) {
                                       return instance_->reached(data, kind, offset, depth);
                                     },
                                     [] { instance_->publishReady(); }, &instance_->ready_};
  if (!vm::takeOverCounting(*counting, hooks)) return false;
  vm::installSafepointHooks();
  vm::installGeneratorEntries();
  vm::installAsyncGeneratorEntries();
  installForkHandlers();
  return true;
}

void Engine::enable(const Options& options) {
  if (!enabled_) vm::startDictWatcher();
  options_ = options;
  enabled_ = true;
  enabledAt_ = processSeconds();
  vm::setForceExitEvery(static_cast<uint64_t>(options.force_exit_every));
  vm::setNativeAllowed(PyThreadState_Get(), true);
}

void Engine::disable() {
  if (!enabled_) return;
  enabled_ = false;
  vm::setNativeAllowed(PyThreadState_Get(), false);
  vm::stopFunctionWatcher();
  vm::stopDictWatcher();
  std::deque<std::unique_ptr<CompileJob>> dropped;
  {
    const std::lock_guard<std::mutex> lock(queueMutex_);
    dropped.swap(queue_);
  }
  for (auto& job : dropped) job->data->site(job->site).pending = nullptr;
  vm::CodeData::forEach([](vm::CodeData& data) { data.retireAll(); });
}

size_t Engine::unpublished() {
  const std::lock_guard<std::mutex> lock(queueMutex_);
  return queue_.size() + done_.size() + (current_ != nullptr ? 1 : 0);
}

// --- what is compiled when ---------------------------------------------------------------------------------------

/// Compiling takes time by the size of the code, and what one call or iteration gains does not grow as much: it runs a
/// small part of a large function.
int64_t Engine::threshold(const vm::CodeData& data, int64_t base) const {
  if (options_.compile_first_call) return 1;
  return base * std::max<int64_t>(1, Py_SIZE(data.code()) / options_.size_step);
}

/// A compilation takes 14 ms in the mean: with a thousand runs a second, and a gain of a microsecond each, 14 s until
/// it has paid. A program that has run for longer than that is expected to go on for as long again: so the longer it
/// runs the less it takes, and a server has all of its code compiled in the end. The first window is all the time
/// before; what was too seldom in it may have become hot, and gets short ones.
bool Engine::isFrequent(vm::CodeData::SiteCount& site, int64_t limit) const {
  if (options_.sync || options_.compile_first_call || options_.least_rate == 0) return true;
  const int64_t again = std::max<int64_t>(1, limit / kWindowShare);
  const double now = processSeconds();
  const bool isFirst = site.since == 0;
  const double passed = now - (isFirst ? enabledAt_ : site.since);  // negative where a forked child has the parent's
  const double rate = static_cast<double>(options_.least_rate) / std::max(1.0, (now - enabledAt_) / kSecondsToPay);
  if (passed * rate <= static_cast<double>(isFirst ? limit : again)) return true;
  site.since = now;
  site.count = static_cast<uint32_t>(limit - again);
  return false;
}

/// What code compiled for a site's operands gains is some 30 ns each time, and compiling it takes 200,000 ns a word. A
/// hundredth of what would pay for that: loops get there within a millisecond.
uint32_t Engine::patience(const vm::CodeData& data) const {
  constexpr int64_t kHitsPerStep = 16384, kMost = 1 << 20;
  return static_cast<uint32_t>(std::min(kMost, Py_SIZE(data.code()) * kHitsPerStep / options_.size_step));
}

/// Tells the worker how much code that waits for it is missed.
void Engine::noteAsked(vm::CodeData::SiteCount& site, uint32_t times) {
  // Only the GIL's holder writes it; the worker only looks.
  site.pending->store(site.pending->load(std::memory_order_relaxed) + times, std::memory_order_relaxed);
  if (!working_.load(std::memory_order_relaxed)) ensureWorker();  // a fork has ended the last one
}

vm::Verdict Engine::reached(vm::CodeData& data, vm::RedirectKind kind, uint32_t offset, uint16_t depth) {
  const bool isLoop = kind == vm::RedirectKind::Jump;
  const uint32_t siteOffset = isLoop ? offset : 0;
  vm::CodeData::SiteCount& site = data.site(siteOffset);
  if (site.failed) return vm::Verdict::StopCounting;
  ++site.count;
  if (site.pending != nullptr) {
    noteAsked(site, 1);
    return vm::Verdict::KeepCounting;
  }
  const int64_t limit = threshold(data, isLoop ? options_.loop_threshold : options_.call_threshold);
  if (site.count < limit || stopped_ || !isFrequent(site, limit)) return vm::Verdict::KeepCounting;
  // A generator that is met in its middle is compiled from there on; resume points behind that come with it.
  const bool whole = !isLoop && kind == vm::RedirectKind::Start;
  std::vector<frontend::EntryRequest> entries;
  noteSlots(data, whole ? 0 : offset);
  if (!whole) entries.push_back({offset, depth});
  request(data, siteOffset, std::move(entries));
  return data.site(siteOffset).failed ? vm::Verdict::StopCounting : vm::Verdict::KeepCounting;
}

/// The version that fails is compiled again and goes on at the handler by itself. What still leaves it for there gets
/// an entry.
void Engine::coldHandler(vm::CodeData& data, vm::NativeVersion& version, uint32_t offset, uint16_t depth) {
  vm::CodeData::SiteCount& site = data.site(offset);
  if (site.failed || site.pending != nullptr || stopped_ || !enabled_) return;
  if (++site.count < threshold(data, options_.call_threshold)) return;
  if (version.retired || !data.reached.insert(offset).second) return request(data, offset, {{offset, depth}});
  site.count = 0;
  recompile(data, version, /*keepUntilThen=*/true);
}

namespace {

/// The instruction behind an exit, by its code object's data.
struct Place {
  vm::CodeData& data;
  uint32_t offset;
};

/// In inlined code that is the callee's, which learns from it for all its callers; unless `data` has been compiled so
/// often that it had better make the call.
Place placeOf(const ExitDescriptor& exit, vm::CodeData& data) {
  const bool isInlined = exit.inlinedCode != 0 && data.recompilations < kMaxRecompilations / 2;
  vm::CodeData* callee = isInlined ? vm::CodeData::ofVersion(exit.inlinedCode) : nullptr;
  return callee != nullptr ? Place{*callee, exit.inlinedOffset} : Place{data, exit.offset};
}

/// Takes back what was assumed where an exit is.
void block(const ExitDescriptor& exit, vm::CodeData& data) {
  uint32_t kind = 0;
  if (exit.reason == hir::ExitReason::LoopValue) kind = hir::Function::kBlockLoopValues;
  if (exit.reason == hir::ExitReason::LoopGuard) kind = hir::Function::kBlockLoopGuards;
  if (exit.reason == hir::ExitReason::Inlined) kind = hir::Function::kBlockHelpers;
  if (exit.reason == hir::ExitReason::ItemType) kind = hir::Function::kBlockItemTypes;
  const Place place = placeOf(exit, data);
  const bool isCall = exit.inlinedCode != 0 && &place.data == &data;  // which is not inlined any more
  place.data.blocked.insert(isCall ? place.offset : place.offset | kind);
}

}  // namespace

/// Compiles again what a version was compiled for.
void Engine::recompile(vm::CodeData& data, vm::NativeVersion& version, bool keepUntilThen) {
  std::vector<frontend::EntryRequest> entries;
  uint32_t siteOffset = 0;
  if (&version != data.callVersion && !version.code.entries.empty()) {
    siteOffset = version.code.entries.front().offset;
    for (const EntryPoint& point : version.code.entries) entries.push_back({point.offset, point.stackDepth});
  }
  if (!keepUntilThen) data.retire(&version);
  vm::CodeData::SiteCount& site = data.site(siteOffset);
  if (site.pending != nullptr) return noteAsked(site, kNotRunShare);
  if (site.failed) return;
  ++stats_.recompiled;
  request(data, siteOffset, std::move(entries));
}

/// Code that is reached now and then is cheaper left to the interpreter than compiled.
void Engine::reachedNotRun(vm::CodeData& data, vm::NativeVersion& version, const ExitDescriptor& exit, uint32_t count) {
  const int64_t limit = std::max(options_.exit_limit, threshold(data, options_.call_threshold) / kNotRunShare);
  if (count < limit << std::min(data.reached.size(), kMaxDoublings)) return;
  const Place place = placeOf(exit, data);
  place.data.reached.insert(place.offset);
  recompile(data, version, /*keepUntilThen=*/true);
}

/// Takes back what has failed in a version: one compilation for many sites rather than one each. A number of another
/// kind than expected fails at one site after the other, because one check serves all sites behind it: from the third
/// time on, those go along.
void Engine::blockFailing(vm::CodeData& data, const vm::NativeVersion& version, const ExitDescriptor& failed) const {
  if (data.recompilations < kMaxRecompilations) {
    block(failed, data);
  } else {
    data.blocked.insert(frontend::kBlockAll);
  }
  const int64_t limit = std::max<int64_t>(1, options_.exit_limit / kEarlyShare);
  for (size_t i = 0; i < version.exitCounts.size(); ++i) {
    const ExitDescriptor& exit = version.code.exits[i];
    if (isAssumption(exit.reason) && version.exitCounts[i] >= limit) block(exit, data);
  }
  const bool isNumber = failed.reason == hir::ExitReason::NotInt || failed.reason == hir::ExitReason::NotFloat;
  if (!isNumber || data.recompilations < 2 || failed.inlinedCode != 0) return;
  const uint32_t end = failed.offset + (kBlockedBehind << data.recompilations);
  for (uint32_t offset = failed.offset; offset < end; ++offset) data.blocked.insert(offset);
}

void Engine::exited(vm::CodeData& data, vm::NativeVersion& version, const ExitDescriptor& exit, uint32_t count) {
  // Where everything that runs is compiled nothing is counted, and the code that would end the exits waits for that.
  if (ready_.load(std::memory_order_relaxed)) publishReady();
  if (version.retired || stopped_ || !enabled_) return;
  if (exit.reason == hir::ExitReason::NotRun) return reachedNotRun(data, version, exit, count);
  const bool hasLearned = exit.reason == hir::ExitReason::Learned;
  if (!hasLearned && count < static_cast<uint64_t>(options_.exit_limit)) return;
  // Past the limit nothing is assumed anywhere in the function any more; it cannot exit for ever.
  if (exit.reason == hir::ExitReason::OtherGlobals) {
    data.globalsDiffer = true;
  } else if (!hasLearned) {
    blockFailing(data, version, exit);
  } else if (exit.inlinedCode == 0) {
    data.blocked.erase(exit.offset);  // a guess had failed there, and now it is known
  }
  // What is learned is learned for good: there are no more of these compilations than sites.
  data.recompilations += hasLearned ? 0 : 1;
  // Until the new code is there the interpreter is faster than entering the old one only to leave it.
  recompile(data, version, /*keepUntilThen=*/false);
}

std::vector<frontend::EntryRequest> Engine::startEntries(const frontend::Snapshot& snapshot) const {
  // A frame that the interpreter pushed has run its prologue (cells and free variables) when we meet it.
  if (snapshot.isGenerator || snapshot.firstTraceable == 0) return {{0, 0}};
  return {{0, 0}, {snapshot.instructions[snapshot.firstTraceable].resumeOffset, 0}};
}

std::unique_ptr<CompileJob> Engine::makeJob(vm::CodeData& data, uint32_t site, const Options& options,
                                            vm::GlobalScope scope) {
  const auto start = Clock::now();
  auto job = std::make_unique<CompileJob>();
  job->code = vm::Ref::borrow(reinterpret_cast<PyObject*>(data.code()));
  job->data = &data;
  job->site = site;
  job->options = options;
  if (scope.globals != nullptr && !data.globalsDiffer && data.withdrawals < kMaxWithdrawals) {
    job->validity = std::make_unique<vm::Validity>(data);
    scope.validity = job->validity.get();
  }
  Result<frontend::Snapshot> copy = vm::snapshotCode(data.code(), data.blocked, data.siteCaches, scope);
  for (vm::SiteCache& cache : data.siteCaches) cache.patience = patience(data);
  if (copy) {
    job->snapshot = std::move(*copy);
    if (scope.validity != nullptr && options.inline_calls) vm::addCallees(job->snapshot, data, scope);
    job->snapshot.reached = data.reached;
    job->snapshot.leavesOutNotRun = !data.compiledWhole && data.reached.size() < kMaxRecompilations;
  } else {
    job->result = std::make_unique<Result<CompiledCode>>(copy.bailout());
  }
  job->gilSeconds = secondsSince(start);
  return job;
}

void Engine::request(vm::CodeData& data, uint32_t siteOffset, std::vector<frontend::EntryRequest> entries) {
  if (vm::port::foreignToolsWatch(data.code()) || (!options_.sync && isYoung())) return;
  if (!vm::findClassSlots()) return PyErr_Clear();  // no memory: the next event asks again
  vm::startFunctionWatcher();
  noteRunningFunction(data);
  data.compiledWhole |= options_.compile_first_call;
  std::unique_ptr<CompileJob> job = makeJob(data, siteOffset, options_, runningScope(data));
  const bool whole = entries.empty();
  job->entries = whole ? startEntries(job->snapshot) : std::move(entries);
  for (frontend::EntryRequest& entry : job->entries) {
    const auto seen = data.slotsSeen.find(whole ? 0 : entry.offset);
    if (seen != data.slotsSeen.end()) entry.seen = seen->second;
  }
  data.site(siteOffset).pending = &job->asked;
  if (options_.sync) {
    compileJob(*job);
    publish(std::move(job));
    return;
  }
  {
    const std::lock_guard<std::mutex> lock(queueMutex_);
    queue_.push_back(std::move(job));
  }
  ensureWorker();
}

void Engine::compileJob(CompileJob& job) {
  if (job.result != nullptr) return;  // the snapshot failed
  const double start = processorSeconds(), loadedBefore = compiler_.backendLoadSeconds();
  job.result = std::make_unique<Result<CompiledCode>>(compiler_.compile(job.snapshot, job.entries, job.options));
  job.loadSeconds = compiler_.backendLoadSeconds() - loadedBefore;
  job.seconds = processorSeconds() - start - job.loadSeconds;
}

// --- publishing, under the GIL -----------------------------------------------------------------------------------

void Engine::countFailure(const Bailout& bailout) {
  ++stats_.failed;
  ++stats_.reasons[describe(bailout)];
}

void Engine::countSuccess(const CompileJob& job, const CompiledCode& code) {
  ++stats_.compiled;
  if (stats_.secondsEach.size() < kMaxSecondsEach) stats_.secondsEach.push_back(static_cast<float>(job.seconds));
  stats_.instructions += job.snapshot.instructions.size();
  stats_.emittedBytes += code.codeBytes;
  stats_.hirSeconds += code.times.hirSeconds;
  stats_.buildSeconds += code.times.buildSeconds;
  stats_.optimizeSeconds += code.times.optimizeSeconds;
  stats_.codegenSeconds += code.times.codegenSeconds;
  stats_.inlinedCalls += code.inlinedCalls;
  stats_.irInstructions += code.irInstructions;
  stats_.exitInstructions += code.exitInstructions;
}

void Engine::publish(std::unique_ptr<CompileJob> job) {
  const auto start = Clock::now();
  vm::CodeData& data = *job->data;
  vm::CodeData::SiteCount& site = data.site(job->site);
  site.pending = nullptr;
  stats_.compileSeconds += job->seconds + job->loadSeconds;
  Result<CompiledCode>& result = *job->result;
  if (!result) {
    site.failed = true;
    countFailure(result.bailout());
    return;
  }
  CompiledCode& code = *result;
  countSuccess(*job, code);
  // A place that keeps asking although it was compiled gets no more tries.
  if (++site.compilations > 2 * kMaxRecompilations || code.entries.empty()) site.failed = true;
  for (const Dump& dump : code.dumps) {
    std::fprintf(stderr, "--- %s: %s\n%s\n", job->snapshot.name.c_str(), dump.stage.c_str(), dump.text.c_str());
  }
  const bool outdated = job->validity != nullptr && !job->validity->holds();
  if (outdated) ++data.withdrawals;
  if (outdated || !enabled_ || vm::port::foreignToolsWatch(data.code())) {
    compiler_.release(code);
    return;
  }
  compiler_.publish(code);
  auto version = std::make_unique<vm::NativeVersion>();
  // A copy: the worker's memory, from which it is, can then be given back as a whole.
  version->code = code;
  version->validity = std::move(job->validity);
  if (version->validity != nullptr) version->validity->protect(version.get());
  const bool entersCalls = job->site == 0 && vm::entersThroughVectorcall(data.code());
  data.publish(std::move(version), entersCalls);
  stats_.gilSeconds += job->gilSeconds + secondsSince(start);
}

void Engine::publishReady() {
  std::deque<std::unique_ptr<CompileJob>> done;
  {
    const std::lock_guard<std::mutex> lock(queueMutex_);
    done.swap(done_);
    ready_.store(false, std::memory_order_relaxed);
  }
  for (auto& job : done) publish(std::move(job));
  if (!stopped_ && unpublished() != 0) ensureWorker();
}

bool Engine::compileNow(PyCodeObject* code, PyFunctionObject* func) {
  vm::CodeData* data = vm::CodeData::findOrCreate(code);
  if (data == nullptr || stopped_ || !vm::findClassSlots()) {
    PyErr_Clear();
    return false;
  }
  if (data->entryAt(0) != nullptr) return true;
  data->compiledWhole = true;
  std::unique_ptr<CompileJob> job =
      makeJob(*data, 0, options_,
              func != nullptr ? vm::GlobalScope{func->func_globals, func->func_builtins} : vm::GlobalScope{});
  job->entries = startEntries(job->snapshot);
  compileJob(*job);
  publish(std::move(job));
  return data->entryAt(0) != nullptr;
}

std::unique_ptr<CompileJob> Engine::compileOnly(PyCodeObject* code, const Options& options) {
  const vm::OwnedCodeData scratch(new vm::CodeData(code));
  scratch->compiledWhole = true;
  std::unique_ptr<CompileJob> job = makeJob(*scratch, 0, options, {});
  job->data = nullptr;
  job->entries = frontend::allRoots(job->snapshot);
  compileJob(*job);
  if (*job->result) compiler_.release(**job->result);
  return job;
}

// --- the worker --------------------------------------------------------------------------------------------------

bool Engine::isYoung() {
  if (*youngUntil_ == 0) return false;
  constexpr uint32_t kSeldom = 64;  // the clock is a system call
  if (++youngQuestions_ % kSeldom != 0 || processSeconds() < *youngUntil_) return true;
  *youngUntil_ = 0;
  return false;
}

void Engine::ensureWorker() {
  if (isYoung() || nanoseconds() - forkedAt_.load(std::memory_order_relaxed) < kForkingTakes) return;
  const std::lock_guard<std::mutex> lock(queueMutex_);
  if (working_ || !mayWork()) return;
  if (worker_.joinable()) worker_.join();  // it has ended
  working_ = true;
  // Signals are the program's threads' business.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  worker_ = std::thread([this, niceLevel = options_.worker_nice] {
    yieldToProgram(niceLevel);
    work();
  });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void Engine::work() {
  std::unique_lock<std::mutex> lock(queueMutex_);
  do {
    while (mayWork()) {
      const auto hottest = std::max_element(queue_.begin(), queue_.end(), [](const auto& a, const auto& b) {
        return a->asked.load(std::memory_order_relaxed) < b->asked.load(std::memory_order_relaxed);
      });
      std::unique_ptr<CompileJob> job = std::move(*hottest);
      queue_.erase(hottest);
      current_ = job.get();
      lock.unlock();
      compileJob(*job);
      lock.lock();
      current_ = nullptr;
      done_.push_back(std::move(job));
      ready_.store(true, std::memory_order_relaxed);
    }
    lock.unlock();
    compiler_.rest();
    lock.lock();
  } while (mayWork());
  working_ = false;
}

void Engine::shutDown() {
  stopped_ = true;
  std::thread worker;
  {
    const std::lock_guard<std::mutex> lock(queueMutex_);
    stopping_ = true;
    worker = std::move(worker_);
  }
  if (worker.joinable()) {
    Py_BEGIN_ALLOW_THREADS worker.join();
    Py_END_ALLOW_THREADS
  }
  publishReady();
  std::deque<std::unique_ptr<CompileJob>> dropped;
  dropped.swap(queue_);
  for (auto& job : dropped) job->data->site(job->site).pending = nullptr;
}

/// Waits for a compilation that is under way: LLVM and the loader's tables are whole in the child then. What is left to
/// do gets another worker later, in the parent and in the child.
void Engine::beforeFork() {
  forkMutex_.lock();
  std::thread worker;
  {
    const std::lock_guard<std::mutex> lock(queueMutex_);
    forking_ = true;
    worker = std::move(worker_);
  }
  if (worker.joinable()) worker.join();
  compiler_.lockForFork();
  queueMutex_.lock();
}

void Engine::afterFork() {
  forking_ = false;
  forkedAt_.store(nanoseconds(), std::memory_order_relaxed);
  queueMutex_.unlock();
  compiler_.unlockAfterFork();
  forkMutex_.unlock();
}

void Engine::installForkHandlers() {
  pthread_atfork([] { instance_->beforeFork(); }, [] { instance_->afterFork(); },
                 [] {
                   instance_->enabledAt_ = 0;  // its clock is a new one
                   vm::tellParent();
                   instance_->afterFork();
                 });
}

}  // namespace martlet
