// SPDX-License-Identifier: MIT
// The extension module martlet._martlet: what python/martlet needs of the engine. Owns: conversion between Python
// objects and the engine's types. Must not know: how anything is compiled.
#include <Python.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "libjit/engine.h"
#include "libjit/start.h"
#include "vm/cpython_3_13/decode.h"
#include "vm/entry.h"
#include "vm/runtime/singletons.h"
#include "vm/safepoint.h"

namespace martlet {
namespace {

using vm::Ref;

Start* start = nullptr;  // martlet._start's, before anything else happens here

constexpr EngineHooks kHooks = {
    [] { Engine::instance()->enable({}); },
    [] { Engine::instance()->disable(); },
    [] { Engine::instance()->shutDown(); },
};

vm::ColdLimits limitsOf(const Options& options) {
  return options.compile_first_call ? vm::ColdLimits{} : coldLimits(options.call_threshold, options.loop_threshold);
}

/// Any Python function has CPython's own vectorcall, which is not exported.
bool learnFromFunction() {
  const Ref globals = Ref::steal(PyDict_New());
  const Ref code = Ref::steal(reinterpret_cast<PyObject*>(PyCode_NewEmpty("martlet", "example", 1)));
  const Ref function = globals && code ? Ref::steal(PyFunction_New(code.get(), globals.get())) : Ref();
  if (!function || !vm::learnDefaultVectorcall(function.get())) return false;
  vm::port::learnFunctionVersions(reinterpret_cast<PyFunctionObject*>(function.get()));
  return true;
}

/// The engine, made on first use; NULL with a Python error set where it cannot work.
Engine* engine() {
  if (start->engine != nullptr) return Engine::instance();
  if (!start->mayWork() || !learnFromFunction() || !vm::initializeRuntime()) return nullptr;
  if (!Engine::create(start->counting, &start->youngUntil)) return nullptr;
  start->engine = &kHooks;
  if (start->counting->on) Engine::instance()->enable({});
  return Engine::instance();
}

// --- options -----------------------------------------------------------------------------------------------------

bool readValue(const char* name, PyObject* value, int64_t minimum, int64_t maximum, int64_t* out) {
  if (!PyLong_CheckExact(value)) {
    PyErr_Format(PyExc_TypeError, "option '%s' has to be int, not %s", name, Py_TYPE(value)->tp_name);
    return false;
  }
  int overflow = 0;
  const long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
  if (overflow != 0 || number < minimum || number > maximum) {
    PyErr_Format(PyExc_ValueError, "option '%s' has to be between %lld and %lld", name, static_cast<long long>(minimum),
                 static_cast<long long>(maximum));
    return false;
  }
  *out = number;
  return true;
}

bool readValue(const char* name, PyObject* value, int64_t, int64_t, bool* out) {
  if (!PyBool_Check(value)) {
    PyErr_Format(PyExc_TypeError, "option '%s' has to be bool, not %s", name, Py_TYPE(value)->tp_name);
    return false;
  }
  *out = value == Py_True;
  return true;
}

bool readValue(const char* name, PyObject* value, int64_t, int64_t, std::string* out) {
  const char* text = PyUnicode_Check(value) ? PyUnicode_AsUTF8(value) : nullptr;
  if (text == nullptr) {
    if (!PyErr_Occurred()) {
      PyErr_Format(PyExc_TypeError, "option '%s' has to be str, not %s", name, Py_TYPE(value)->tp_name);
    }
    return false;
  }
  *out = text;
  return true;
}

bool readOption(PyObject* key, PyObject* value, Options* options) {
  const char* name = PyUnicode_Check(key) ? PyUnicode_AsUTF8(key) : nullptr;
  if (name != nullptr) {
#define OPTION(option, type, default_value, minimum, maximum, description)                                             \
  if (std::strcmp(name, #option) == 0) return readValue(name, value, minimum, maximum, &options->option);
#include "libjit/options.def"
  }
  if (!PyErr_Occurred()) PyErr_Format(PyExc_TypeError, "unknown option %R", key);
  return false;
}

bool readOptions(PyObject* dict, Options* options) {
  PyObject *key = nullptr, *value = nullptr;
  for (Py_ssize_t position = 0; dict != nullptr && PyDict_Next(dict, &position, &key, &value);) {
    if (!readOption(key, value, options)) return false;
  }
  const std::string error = errorIn(*options);
  if (!error.empty()) PyErr_SetString(PyExc_ValueError, error.c_str());
  return error.empty();
}

PyObject* toPython(int64_t value) {
  return PyLong_FromLongLong(value);
}
PyObject* toPython(bool value) {
  return PyBool_FromLong(value);
}
PyObject* toPython(const std::string& value) {
  return PyUnicode_FromStringAndSize(value.data(), static_cast<Py_ssize_t>(value.size()));
}

bool appendOption(PyObject* list, const char* name, const char* type, PyObject* value, const char* description) {
  std::string env = std::string("MARTLET_") + name, flag = std::string("--") + name;
  for (char& c : env) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  for (char& c : flag) c = c == '_' ? '-' : c;
  const Ref row = Ref::steal(Py_BuildValue("(ssNsss)", name, type, value, description, env.c_str(), flag.c_str()));
  return row && PyList_Append(list, row.get()) == 0;
}

PyObject* optionTable(PyObject*, PyObject*) {
  Ref list = Ref::steal(PyList_New(0));
  if (!list) return nullptr;
  const Options defaults;
#define OPTION(option, type, default_value, minimum, maximum, description)                                             \
  if (!appendOption(list.get(), #option, #type, toPython(defaults.option), description)) return nullptr;
#include "libjit/options.def"
  return list.release();
}

// --- functions ---------------------------------------------------------------------------------------------------

PyObject* enable(PyObject*, PyObject* dict) {
  if (!PyDict_Check(dict)) return PyErr_Format(PyExc_TypeError, "enable() takes a dict");
  Options options;
  if (!readOptions(dict, &options)) return nullptr;
  Engine* jit = engine();
  if (jit == nullptr || !start->count(limitsOf(options))) return nullptr;
  jit->enable(options);
  Py_RETURN_NONE;
}

/// The code object of a function or code object; `func` is set for a function. NULL with TypeError set otherwise.
PyCodeObject* codeArgument(PyObject* object, PyFunctionObject** func) {
  *func = nullptr;
  if (PyFunction_Check(object)) {
    *func = reinterpret_cast<PyFunctionObject*>(object);
    return reinterpret_cast<PyCodeObject*>((*func)->func_code);
  }
  if (PyCode_Check(object)) return reinterpret_cast<PyCodeObject*>(object);
  PyErr_Format(PyExc_TypeError, "expected a Python function or code object, got %s", Py_TYPE(object)->tp_name);
  return nullptr;
}

PyObject* compileFunction(PyObject*, PyObject* object) {
  PyFunctionObject* func = nullptr;
  PyCodeObject* code = codeArgument(object, &func);
  if (code == nullptr) return nullptr;
  if (!start->counting->on) {
    PyErr_SetString(PyExc_RuntimeError, "martlet: not enabled");
    return nullptr;
  }
  Engine* jit = engine();
  if (jit == nullptr) return nullptr;
  const bool compiled = jit->compileNow(code, func);
  if (compiled && func != nullptr && vm::CodeData::find(code)->callVersion != nullptr) vm::installEntry(func);
  return PyBool_FromLong(compiled);
}

PyObject* isCompiled(PyObject*, PyObject* object) {
  PyFunctionObject* func = nullptr;
  PyCodeObject* code = codeArgument(object, &func);
  if (code == nullptr) return nullptr;
  if (Engine::instance() == nullptr) Py_RETURN_FALSE;
  Engine::instance()->publishReady();
  const vm::CodeData* data = vm::CodeData::find(code);
  return PyBool_FromLong(data != nullptr && data->codeBytes() != 0);
}

bool setNumber(PyObject* dict, const char* key, PyObject* value) {
  const Ref owned = Ref::steal(value);
  return owned && PyDict_SetItemString(dict, key, owned.get()) == 0;
}

double percentile(std::vector<float> values, double share) {
  if (values.empty()) return 0;
  const size_t index = std::min(values.size() - 1, static_cast<size_t>(share * static_cast<double>(values.size())));
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(index), values.end());
  return values[index];
}

bool addEngineStats(PyObject* dict) {
  const EngineStats none;
  Engine* jit = Engine::instance();
  const EngineStats& stats = jit != nullptr ? jit->stats() : none;
  size_t codeBytes = 0;
  vm::CodeData::forEach([&](vm::CodeData& data) { codeBytes += data.codeBytes(); });
  const std::pair<const char*, uint64_t> counts[] = {
      {"compiled", stats.compiled},
      {"failed", stats.failed},
      {"recompiled", stats.recompiled},
      {"queued", jit != nullptr ? jit->unpublished() : 0},
      {"code_bytes", codeBytes},
      {"emitted_bytes", stats.emittedBytes},
      {"bytecode_instructions", stats.instructions},
      {"inlined_calls", stats.inlinedCalls},
      {"ir_instructions", stats.irInstructions},
      {"exit_instructions", stats.exitInstructions},
  };
  const std::pair<const char*, double> times[] = {
      {"compile_seconds", stats.compileSeconds},
      {"compile_seconds_median", percentile(stats.secondsEach, 0.5)},
      {"compile_seconds_95", percentile(stats.secondsEach, 0.95)},
      {"gil_seconds", stats.gilSeconds},
      {"hir_seconds", stats.hirSeconds},
      {"build_seconds", stats.buildSeconds},
      {"optimize_seconds", stats.optimizeSeconds},
      {"codegen_seconds", stats.codegenSeconds},
      {"backend_load_seconds", jit != nullptr ? jit->backendLoadSeconds() : 0.0},
  };
  for (const auto& [key, value] : counts) {
    if (!setNumber(dict, key, PyLong_FromUnsignedLongLong(value))) return false;
  }
  for (const auto& [key, value] : times) {
    if (!setNumber(dict, key, PyFloat_FromDouble(value))) return false;
  }
  return true;
}

bool addCounters(PyObject* dict) {
  const vm::Counters& counters = vm::counters();
  const std::pair<const char*, uint64_t> counts[] = {
      {"entries", counters.entries},
      {"osr_entries", counters.osrEntries},
      {"resume_entries", counters.resumeEntries},
      {"handler_entries", counters.handlerEntries},
      {"exits", counters.exits},
      {"exceptions", counters.exceptions},
      {"caught", counters.caught},
  };
  for (const auto& [key, value] : counts) {
    if (!setNumber(dict, key, PyLong_FromUnsignedLongLong(value))) return false;
  }
  for (size_t i = 1; i < static_cast<size_t>(hir::ExitReason::kCount); ++i) {
    std::string key = std::string("exits_") + hir::name(static_cast<hir::ExitReason>(i));
    if (!setNumber(dict, key.c_str(), PyLong_FromUnsignedLongLong(counters.exitsByReason[i]))) return false;
  }
  return true;
}

PyObject* stats(PyObject*, PyObject*) {
  if (Engine::instance() != nullptr) Engine::instance()->publishReady();
  Ref dict = Ref::steal(PyDict_New());
  if (!dict || !addEngineStats(dict.get()) || !addCounters(dict.get())) return nullptr;
  return dict.release();
}

PyObject* reasons(PyObject*, PyObject*) {
  Ref dict = Ref::steal(PyDict_New());
  if (!dict || Engine::instance() == nullptr) return dict.release();
  for (const auto& [reason, count] : Engine::instance()->stats().reasons) {
    if (!setNumber(dict.get(), reason.c_str(), PyLong_FromUnsignedLongLong(count))) return nullptr;
  }
  return dict.release();
}

/// Compiles without keeping anything: for coverage reports and dumps.
std::unique_ptr<CompileJob> compileOnly(PyObject* object, PyObject* keywords, const char* dump) {
  PyFunctionObject* func = nullptr;
  PyCodeObject* code = codeArgument(object, &func);
  Options options;
  if (code == nullptr || !readOptions(keywords, &options)) return nullptr;
  Engine* jit = engine();
  if (jit == nullptr || !vm::findClassSlots()) return nullptr;
  if (dump != nullptr) options.dump = dump;
  return jit->compileOnly(code, options);
}

PyObject* compileCode(PyObject*, PyObject* args, PyObject* keywords) {
  PyObject* object = nullptr;
  if (!PyArg_ParseTuple(args, "O:compile_code", &object)) return nullptr;
  const auto job = compileOnly(object, keywords, nullptr);
  if (job == nullptr) return nullptr;
  Ref dict = Ref::steal(Py_BuildValue("{sdsd}", "seconds", job->seconds, "gil_seconds", job->gilSeconds));
  if (!dict) return nullptr;
  Result<CompiledCode>& result = *job->result;
  if (!result) {
    if (!setNumber(dict.get(), "reason", toPython(describe(result.bailout())))) return nullptr;
  } else if (!setNumber(dict.get(), "code_bytes", PyLong_FromSize_t(result->codeBytes))) {
    return nullptr;
  }
  return dict.release();
}

PyObject* dumps(PyObject*, PyObject* object) {
  const auto job = compileOnly(object, nullptr, "*");
  Ref dict = job != nullptr ? Ref::steal(PyDict_New()) : Ref();
  if (!dict) return nullptr;
  Result<CompiledCode>& result = *job->result;
  if (!result) {
    PyErr_Format(PyExc_RuntimeError, "martlet: not compiled: %s", describe(result.bailout()).c_str());
    return nullptr;
  }
  for (const Dump& dump : result->dumps) {
    if (!setNumber(dict.get(), dump.stage.c_str(), toPython(dump.text))) return nullptr;
  }
  return dict.release();
}

PyObject* opcodes(PyObject*, PyObject*) {
  Ref list = Ref::steal(PyList_New(0));
  if (!list) return nullptr;
  for (const vm::OpcodeRow& row : vm::opcodeRows()) {
    const Ref item = Ref::steal(Py_BuildValue("(siiisss)", row.name, row.number, static_cast<int>(row.kind), row.caches,
                                              row.base, row.neutral, row.special));
    if (!item || PyList_Append(list.get(), item.get()) < 0) return nullptr;
  }
  return list.release();
}

/// For a file that is not plain text: the interpreter decodes it, or raises what it has to say about it.
PyObject* runFile(PyObject*, PyObject* args) {
  PyObject* path = nullptr;
  PyObject* names = nullptr;
  if (PyArg_ParseTuple(args, "O&O!", PyUnicode_FSConverter, &path, &PyDict_Type, &names) == 0) return nullptr;
  const Ref name = Ref::steal(path);
  FILE* file = std::fopen(PyBytes_AS_STRING(name.get()), "rb");
  if (file == nullptr) return PyErr_SetFromErrno(PyExc_OSError);
  return PyRun_FileEx(file, PyBytes_AS_STRING(name.get()), Py_file_input, names, names, 1);
}

PyMethodDef methods[] = {
    {"enable", enable, METH_O, "enable(options, /): enable the JIT with a dict of options"},
    {"compile", compileFunction, METH_O, "compile a function now; whether it has native code afterwards"},
    {"is_compiled", isCompiled, METH_O, "whether a function has native code"},
    {"stats", stats, METH_NOARGS, "plain numbers since the process started"},
    {"reasons", reasons, METH_NOARGS, "why functions were not compiled, counted"},
    {"option_table", optionTable, METH_NOARGS,
     "rows of (name, type, default, description, environment variable, flag)"},
    {"compile_code", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(compileCode)), METH_VARARGS | METH_KEYWORDS,
     "compile all entries of a code object without keeping the result"},
    {"dumps", dumps, METH_O, "the stages of a function's compilation as text"},
    {"_opcodes", opcodes, METH_NOARGS,
     "rows of (name, number, kind, caches, base, neutral name, special) of the port's opcode table"},
    {"run_file", runFile, METH_VARARGS, "run a file in a dict as the interpreter reads it"},
    {nullptr, nullptr, 0, nullptr},
};

PyModuleDef definition = {PyModuleDef_HEAD_INIT,
                          "martlet._martlet",
                          "The engine of martlet.",
                          -1,
                          methods,
                          nullptr,
                          nullptr,
                          nullptr,
                          nullptr};

}  // namespace
}  // namespace martlet

bool martlet_load_engine(martlet::Start* start) {
  martlet::start = start;
  return martlet::engine() != nullptr;
}

PyMODINIT_FUNC PyInit__martlet(void) {
  martlet::start = static_cast<martlet::Start*>(PyCapsule_Import(martlet::kStartCapsule, 0));
  return martlet::start != nullptr ? PyModule_Create(&martlet::definition) : nullptr;
}
