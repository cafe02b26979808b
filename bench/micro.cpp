// SPDX-License-Identifier: MIT
// Times the pieces of the machine one by one with Google Benchmark. Owns: turning the pairs of micro_cases.py, the
// runtime's helpers and compilations into benchmarks. Must not know: what a case is about.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <string>

#include "libjit/clock.h"
#include "vm/runtime/runtime.h"
#include "vm/runtime/singletons.h"

namespace {

constexpr int kSamples = 20;  ///< of measured and baseline in turns: a machine's speed drifts
constexpr double kSampleSeconds = 0.002;

[[noreturn]] void die() {
  PyErr_Print();
  std::exit(1);
}

PyObject* orDie(PyObject* result) {
  if (result == nullptr) die();
  return result;
}

double number(PyObject* object, const char* key) {
  PyObject* item = PyMapping_GetItemString(object, key);
  if (item == nullptr) {
    PyErr_Clear();
    return 0;
  }
  const double value = PyFloat_AsDouble(item);
  Py_DECREF(item);
  return value;
}

/// Processor seconds that a call with one int takes: who else uses the machine does not count.
double seconds(PyObject* function, int64_t rounds) {
  const double start = martlet::processorSeconds();
  Py_DECREF(orDie(PyObject_CallFunction(function, "L", static_cast<long long>(rounds))));
  return martlet::processorSeconds() - start;
}

struct Pair {
  PyObject *martlet, *measured, *baseline;
  int64_t operations;
  const char* counter;  ///< or NULL
  double counted() const {
    if (counter == nullptr) return 0;
    PyObject* stats = orDie(PyObject_CallMethod(martlet, "stats", nullptr));
    const double value = number(stats, counter);
    Py_DECREF(stats);
    return value;
  }
};

void runPair(benchmark::State& state, const Pair& pair) {
  int64_t rounds = 10;
  while (seconds(pair.measured, rounds) < kSampleSeconds) rounds *= 2;
  seconds(pair.baseline, rounds);
  const double before = pair.counted();
  // A sample is an iteration, and as long as it has to be: the library would choose its length by a difference.
  for ([[maybe_unused]] auto _ : state) {
    const double measured = seconds(pair.measured, rounds);
    const double each = (measured - seconds(pair.baseline, rounds)) / static_cast<double>(rounds * pair.operations);
    state.SetIterationTime(each);
  }
  if (pair.counter == nullptr) return;
  const double all = static_cast<double>(state.iterations() * rounds * pair.operations);
  state.counters[pair.counter] = (pair.counted() - before) / all;
}

void runCase(benchmark::State& state, PyObject* cases, PyObject* martlet, PyObject* prepare) {
  PyObject* quiet = orDie(PyObject_GetAttrString(cases, "QUIET"));
  PyObject* none = orDie(PyTuple_New(0));
  PyObject* enable = orDie(PyObject_GetAttrString(martlet, "enable"));
  Py_DECREF(orDie(PyObject_Call(enable, none, quiet)));
  PyObject* prepared = orDie(PyObject_CallNoArgs(prepare));
  Pair pair = {martlet, nullptr, nullptr, 0, nullptr};
  long long operations = 0;
  if (PyArg_ParseTuple(prepared, "OOLz", &pair.measured, &pair.baseline, &operations, &pair.counter) == 0) die();
  pair.operations = operations;
  runPair(state, pair);
  for (PyObject* object : {prepared, enable, none, quiet}) Py_DECREF(object);
}

void runCompilation(benchmark::State& state, PyObject* extension, PyObject* function) {
  double bytes = 0;
  for ([[maybe_unused]] auto _ : state) {
    PyObject* result = orDie(PyObject_CallMethod(extension, "compile_code", "O", function));
    state.SetIterationTime(number(result, "seconds"));
    bytes = number(result, "code_bytes");
    Py_DECREF(result);
  }
  PyObject* code = orDie(PyObject_GetAttrString(function, "__code__"));
  PyObject* bytecode = orDie(PyObject_GetAttrString(code, "co_code"));
  state.counters["code_units"] = static_cast<double>(PyBytes_GET_SIZE(bytecode)) / 2;
  state.counters["code_bytes"] = bytes;
  Py_DECREF(bytecode);
  Py_DECREF(code);
}

// With the release of the object, which a box has to have: the allocator's free list stays in its usual state.
void boxInt(benchmark::State& state) {
  int64_t value = 1000;
  for ([[maybe_unused]] auto _ : state) {
    benchmark::DoNotOptimize(value);
    Py_DECREF(rt_box_int(value));
  }
}

void boxFloat(benchmark::State& state) {
  double value = 1.5;
  for ([[maybe_unused]] auto _ : state) {
    benchmark::DoNotOptimize(value);
    Py_DECREF(rt_box_float(value));
  }
}

void initializePython() {
  PyConfig config;
  PyConfig_InitPythonConfig(&config);
  config.parse_argv = 0;
  // The installed python's standard library, whatever libpython was linked; and no variable that enables the JIT.
  config.use_environment = 0;
  PyStatus status = PyConfig_SetBytesString(&config, &config.program_name, MARTLET_BENCH_PYTHON);
  if (PyStatus_Exception(status) == 0) status = Py_InitializeFromConfig(&config);
  PyConfig_Clear(&config);
  if (PyStatus_Exception(status) != 0) Py_ExitStatusException(status);
  PyObject* path = PySys_GetObject("path");
  for (const char* folder : {MARTLET_BENCH_CASES, MARTLET_BENCH_PACKAGES}) {
    PyObject* text = orDie(PyUnicode_FromString(folder));
    if (PyList_Insert(path, 0, text) < 0) die();
    Py_DECREF(text);
  }
}

void registerAll() {
  PyObject* cases = orDie(PyImport_ImportModule("micro_cases"));
  PyObject* martlet = orDie(PyImport_ImportModule("martlet"));
  PyObject* extension = orDie(PyImport_ImportModule("martlet._martlet"));
  PyObject *key = nullptr, *value = nullptr;
  PyObject* table = orDie(PyObject_GetAttrString(cases, "CASES"));
  for (Py_ssize_t position = 0; PyDict_Next(table, &position, &key, &value) != 0;) {
    benchmark::RegisterBenchmark(PyUnicode_AsUTF8(key), runCase, cases, martlet, value)
        ->UseManualTime()
        ->Iterations(kSamples);
  }
  benchmark::RegisterBenchmark("box/int", boxInt)->MinTime(0.1);
  benchmark::RegisterBenchmark("box/float", boxFloat)->MinTime(0.1);
  table = orDie(PyObject_GetAttrString(cases, "COMPILED"));
  for (Py_ssize_t position = 0; PyDict_Next(table, &position, &key, &value) != 0;) {
    const std::string name = std::string("compile/") + PyUnicode_AsUTF8(key);
    benchmark::RegisterBenchmark(name.c_str(), runCompilation, extension, value)
        ->UseManualTime()
        ->Unit(benchmark::kMillisecond)
        ->Iterations(3);
  }
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  initializePython();
  if (!martlet::vm::initializeRuntime() || !martlet::vm::findClassSlots()) die();
  registerAll();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return Py_FinalizeEx() == 0 ? 0 : 1;
}
