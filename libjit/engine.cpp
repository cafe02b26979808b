// SPDX-License-Identifier: MIT
#include "libjit/engine.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "lowering/frontend/frontend.h"
#include "vm/cpython_3_13/decode.h"
#include "vm/function_watcher.h"
#include "vm/runtime/helper_table.h"
#include "vm/safepoint.h"
#include "vm/stress.h"

namespace martlet {
namespace {

constexpr uint32_t kMaxRecompilations = 12;

using Clock = std::chrono::steady_clock;
double secondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::vector<HelperAddress> allHelpers() {
  const auto helpers = vm::helperAddresses();
  std::vector<HelperAddress> all(helpers.begin(), helpers.end());
  all.push_back({"martlet_force_exit", reinterpret_cast<const void*>(&martlet_force_exit)});
  return all;
}

}  // namespace

Engine* Engine::instance_ = nullptr;

CompileJob::~CompileJob() {
  for (PyObject* object : objects) Py_DECREF(object);
}

Engine::Engine(std::string folder) : compiler_(std::move(folder), allHelpers()) {}

void Engine::create(std::string folder) {
  if (instance_ != nullptr) return;
  instance_ = new Engine(std::move(folder));  // lives as long as native code: to the end of the process
  vm::releaseNativeCode = [](CompiledCode& code) { instance_->compiler_.release(code); };
  vm::setTieringHooks({
      [](vm::CodeData& data, uint32_t offset, uint16_t depth) { instance_->coldHandler(data, offset, depth); },
      [](vm::CodeData& data, vm::NativeVersion& version, const ExitDescriptor& exit, uint32_t count) {
        instance_->exited(data, version, exit, count);
      },
  });
  vm::installSafepointHooks();
  vm::installGeneratorEntries();
  installForkHandlers();
}

bool Engine::enable(const Options& options) {
  if (stopped_) {
    PyErr_SetString(PyExc_RuntimeError, "martlet: the interpreter is shutting down");
    return false;
  }
  if (!enabled_) {
    if (!vm::CodeData::reserveIndex()) return false;
    const vm::MonitoringHooks hooks = {[](vm::CodeData& data, vm::RedirectKind kind, uint32_t offset, uint16_t depth) {
                                         return instance_->reached(data, kind, offset, depth);
                                       },
                                       [] { instance_->publishReady(); }, &ready_};
    if (!vm::startFunctionWatcher()) return false;
    if (!vm::startMonitoring(hooks)) {
      PyObject* error = PyErr_GetRaisedException();
      vm::stopFunctionWatcher();
      PyErr_SetRaisedException(error);
      return false;
    }
  }
  options_ = options;
  enabled_ = true;
  vm::setForceExitEvery(static_cast<uint64_t>(options.force_exit_every));
  vm::setNativeAllowed(PyThreadState_Get(), true);
  return true;
}

void Engine::disable() {
  if (!enabled_) return;
  enabled_ = false;
  vm::setNativeAllowed(PyThreadState_Get(), false);
  vm::stopMonitoring();
  vm::stopFunctionWatcher();
  std::deque<std::unique_ptr<CompileJob>> dropped;
  {
    const std::lock_guard<std::mutex> lock(queueMutex_);
    dropped.swap(queue_);
  }
  for (auto& job : dropped) job->data->site(job->site).pending = false;
  vm::CodeData::forEach([](vm::CodeData& data) { data.retireAll(); });
}

size_t Engine::queueLength() {
  const std::lock_guard<std::mutex> lock(queueMutex_);
  return queue_.size();
}

// --- what is compiled when ---------------------------------------------------------------------------------------

vm::Verdict Engine::reached(vm::CodeData& data, vm::RedirectKind kind, uint32_t offset, uint16_t depth) {
  const bool isLoop = kind == vm::RedirectKind::Jump;
  const uint32_t siteOffset = isLoop ? offset : 0;
  vm::CodeData::SiteCount& site = data.site(siteOffset);
  if (site.failed) return vm::Verdict::StopCounting;
  const int64_t limit = options_.compile_first_call ? 1 : isLoop ? options_.loop_threshold : options_.call_threshold;
  if (++site.count < limit || site.pending || stopped_) return vm::Verdict::KeepCounting;
  // A generator that is met in its middle is compiled from there on; resume points behind that come with it.
  const bool whole = !isLoop && kind == vm::RedirectKind::Start;
  std::vector<frontend::EntryRequest> entries;
  if (!whole) entries.push_back({offset, depth});
  request(data, siteOffset, std::move(entries));
  return data.site(siteOffset).failed ? vm::Verdict::StopCounting : vm::Verdict::KeepCounting;
}

void Engine::coldHandler(vm::CodeData& data, uint32_t offset, uint16_t depth) {
  vm::CodeData::SiteCount& site = data.site(offset);
  if (site.failed || site.pending || stopped_ || !enabled_) return;
  const int64_t limit = options_.compile_first_call ? 1 : options_.call_threshold;
  if (++site.count >= limit) request(data, offset, {{offset, depth}});
}

void Engine::exited(vm::CodeData& data, vm::NativeVersion& version, const ExitDescriptor& exit, uint32_t count) {
  if (count < static_cast<uint64_t>(options_.exit_limit) || version.retired || stopped_ || !enabled_) return;
  // Past the limit nothing is assumed anywhere in the function any more; it cannot exit for ever.
  data.blocked.insert(data.recompilations < kMaxRecompilations ? exit.offset : frontend::kBlockAll);
  ++data.recompilations;
  ++stats_.recompiled;
  std::vector<frontend::EntryRequest> entries;
  uint32_t siteOffset = 0;
  if (&version != data.callVersion && !version.code.entries.empty()) {
    siteOffset = version.code.entries.front().offset;
    for (const EntryPoint& point : version.code.entries) entries.push_back({point.offset, point.stackDepth});
  }
  // Until the new code is there the interpreter is faster than entering the old one only to leave it.
  data.retire(&version);
  vm::CodeData::SiteCount& site = data.site(siteOffset);
  if (!site.pending && !site.failed) request(data, siteOffset, std::move(entries));
}

std::vector<frontend::EntryRequest> Engine::startEntries(const frontend::Snapshot& snapshot) const {
  // A frame that the interpreter pushed has run its prologue (cells and free variables) when we meet it.
  if (snapshot.isGenerator || snapshot.firstTraceable == 0) return {{0, 0}};
  return {{0, 0}, {snapshot.instructions[snapshot.firstTraceable].resumeOffset, 0}};
}

std::unique_ptr<CompileJob> Engine::makeJob(vm::CodeData& data, uint32_t site, const Options& options) {
  const auto start = Clock::now();
  auto job = std::make_unique<CompileJob>();
  job->code = vm::Ref::borrow(reinterpret_cast<PyObject*>(data.code()));
  job->data = &data;
  job->site = site;
  job->options = options;
  Result<vm::CodeSnapshot> copy = vm::snapshotCode(data.code(), data.blocked, data.siteCaches);
  if (copy) {
    job->snapshot = std::move(copy->snapshot);
    job->objects = std::move(copy->ownedObjects);
  } else {
    job->result = std::make_unique<Result<CompiledCode>>(copy.bailout());
  }
  job->gilSeconds = secondsSince(start);
  return job;
}

void Engine::request(vm::CodeData& data, uint32_t siteOffset, std::vector<frontend::EntryRequest> entries) {
  if (vm::port::foreignToolsWatch(data.code())) return;
  std::unique_ptr<CompileJob> job = makeJob(data, siteOffset, options_);
  job->entries = entries.empty() ? startEntries(job->snapshot) : std::move(entries);
  data.site(siteOffset).pending = true;
  if (options_.sync) {
    compileJob(*job);
    publish(std::move(job));
    return;
  }
  ensureWorker();
  const std::lock_guard<std::mutex> lock(queueMutex_);
  queue_.push_back(std::move(job));
  queueChanged_.notify_one();
}

void Engine::compileJob(CompileJob& job) {
  if (job.result != nullptr) return;  // the snapshot failed
  const auto start = Clock::now();
  job.result = std::make_unique<Result<CompiledCode>>(compiler_.compile(job.snapshot, job.entries, job.options));
  job.seconds = secondsSince(start);
}

// --- publishing, under the GIL -----------------------------------------------------------------------------------

void Engine::countFailure(const Bailout& bailout) {
  ++stats_.failed;
  ++stats_.reasons[describe(bailout)];
}

void Engine::publish(std::unique_ptr<CompileJob> job) {
  const auto start = Clock::now();
  vm::CodeData& data = *job->data;
  vm::CodeData::SiteCount& site = data.site(job->site);
  site.pending = false;
  stats_.compileSeconds += job->seconds;
  Result<CompiledCode>& result = *job->result;
  if (!result) {
    site.failed = true;
    countFailure(result.bailout());
    return;
  }
  CompiledCode& code = *result;
  ++stats_.compiled;
  // A place that keeps asking although it was compiled gets no more tries.
  if (++site.compilations > 2 * kMaxRecompilations || code.entries.empty()) site.failed = true;
  stats_.hirSeconds += code.times.hirSeconds;
  stats_.buildSeconds += code.times.buildSeconds;
  stats_.optimizeSeconds += code.times.optimizeSeconds;
  stats_.codegenSeconds += code.times.codegenSeconds;
  stats_.irInstructions += code.irInstructions;
  stats_.exitInstructions += code.exitInstructions;
  for (const Dump& dump : code.dumps) {
    std::fprintf(stderr, "--- %s: %s\n%s\n", job->snapshot.name.c_str(), dump.stage.c_str(), dump.text.c_str());
  }
  if (!enabled_ || vm::port::foreignToolsWatch(data.code())) {
    compiler_.release(code);
    return;
  }
  auto version = std::make_unique<vm::NativeVersion>();
  version->code = std::move(code);
  version->objects = std::exchange(job->objects, {});
  data.publish(std::move(version), job->site == 0 && vm::entersThroughVectorcall(data.code()));
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
  if (!stopped_ && queueLength() != 0) ensureWorker();
}

bool Engine::compileNow(PyCodeObject* code) {
  vm::CodeData* data = vm::CodeData::findOrCreate(code);
  if (data == nullptr || stopped_) {
    PyErr_Clear();
    return false;
  }
  if (data->entryAt(0) != nullptr) return true;
  std::unique_ptr<CompileJob> job = makeJob(*data, 0, options_);
  job->entries = startEntries(job->snapshot);
  compileJob(*job);
  publish(std::move(job));
  return data->entryAt(0) != nullptr;
}

std::unique_ptr<CompileJob> Engine::compileOnly(PyCodeObject* code, const Options& options) {
  vm::CodeData scratch(code);
  std::unique_ptr<CompileJob> job = makeJob(scratch, 0, options);
  job->data = nullptr;
  job->entries = frontend::allRoots(job->snapshot);
  compileJob(*job);
  if (*job->result) compiler_.release(**job->result);
  return job;
}

// --- the worker --------------------------------------------------------------------------------------------------

void Engine::ensureWorker() {
  const std::lock_guard<std::mutex> lock(queueMutex_);
  if (worker_ != nullptr || stopping_) return;
  // Signals are the program's threads' business.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  worker_ = new std::thread([this] { work(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void Engine::work() {
  std::unique_lock<std::mutex> lock(queueMutex_);
  while (true) {
    queueChanged_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (stopping_) return;
    std::unique_ptr<CompileJob> job = std::move(queue_.front());
    queue_.pop_front();
    current_ = job.get();
    lock.unlock();
    compileJob(*job);
    lock.lock();
    current_ = nullptr;
    done_.push_back(std::move(job));
    ready_.store(true, std::memory_order_relaxed);
  }
}

void Engine::shutDown() {
  stopped_ = true;
  std::thread* worker = nullptr;
  {
    const std::lock_guard<std::mutex> lock(queueMutex_);
    stopping_ = true;
    worker = std::exchange(worker_, nullptr);
    queueChanged_.notify_all();
  }
  if (worker != nullptr) {
    Py_BEGIN_ALLOW_THREADS worker->join();
    Py_END_ALLOW_THREADS delete worker;
  }
  publishReady();
  std::deque<std::unique_ptr<CompileJob>> dropped;
  dropped.swap(queue_);
  for (auto& job : dropped) job->data->site(job->site).pending = false;
}

void Engine::adoptCurrentJob() {
  if (current_ == nullptr) return;
  std::unique_ptr<CompileJob> job(std::exchange(current_, nullptr));
  auto& list = job->result != nullptr ? done_ : queue_;
  list.push_back(std::move(job));
  ready_.store(true, std::memory_order_relaxed);  // the next event publishes, and starts a worker for the queue
}

void Engine::installForkHandlers() {
  // The child has only the forking thread. Waiting for a compilation that is under way keeps LLVM and the loader's
  // tables whole in the child; its worker starts again with its first request.
  pthread_atfork(
      [] {
        instance_->compiler_.lockForFork();
        instance_->queueMutex_.lock();
      },
      [] {
        instance_->queueMutex_.unlock();
        instance_->compiler_.unlockAfterFork();
      },
      [] {
        Engine& engine = *instance_;
        engine.worker_ = nullptr;  // the thread is the parent's; its handle is abandoned
        new (&engine.queueChanged_) std::condition_variable();
        engine.adoptCurrentJob();
        engine.queueMutex_.unlock();
        engine.compiler_.unlockAfterFork();
      });
}

}  // namespace martlet
