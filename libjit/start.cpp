// SPDX-License-Identifier: MIT
// The extension module martlet._start: switching the JIT on, with its defaults, and off. Owns: loading the engine's
// shared object when something is hot. Each program pays for what is here, and many end after ten milliseconds: it took
// the engine three times as long to be loaded as it takes this, which does without the C++ library. Must not know: how
// anything is compiled, what options mean.
#include "libjit/start.h"

#include <Python.h>

#include <dlfcn.h>
#include <pthread.h>

#include <climits>
#include <cstdlib>
#include <cstring>

#include "libjit/clock.h"
#include "vm/bottom_call.h"
#include "vm/cpython_3_13/port.h"
#include "vm/ref.h"

extern "C" char** environ;

namespace martlet {
namespace {

using vm::Ref;

/// Processor time that a forked child has to use before it compiles anything: a pool's workers often end before that.
constexpr double kYouth = 0.1;

namespace default_types {
using int_t = int64_t;
using bool_t = bool;
using str_t = const char*;
}  // namespace default_types

constexpr struct {
#define OPTION(name, type, default_value, ...) default_types::type##_t name = default_value;
#include "libjit/options.def"
} kDefaults;

bool mayWork();
bool count(const vm::ColdLimits& limits);
Start start = {&vm::counting, mayWork, count};
bool isEnding = false;

// --- the engine ----------------------------------------------------------------------------------------------------

/// The engine lies beside this shared object, which may have been loaded through a link. False with a Python error set.
bool findEngine(char (&path)[PATH_MAX]) {
  Dl_info self;
  const bool found =
      dladdr(reinterpret_cast<const void*>(&start), &self) != 0 && realpath(self.dli_fname, path) != nullptr;
  char* name = found ? std::strrchr(path, '/') : nullptr;
  if (name != nullptr && name + sizeof(MARTLET_ENGINE_FILE) < path + PATH_MAX - 1) {
    std::memcpy(name + 1, MARTLET_ENGINE_FILE, sizeof(MARTLET_ENGINE_FILE));
    return true;
  }
  PyErr_SetString(PyExc_RuntimeError, "martlet: cannot find the folder of the extension module");
  return false;
}

bool loadEngine() {
  char path[PATH_MAX];
  if (!findEngine(path)) return false;
  void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  auto* load = library != nullptr ? reinterpret_cast<LoadEngine*>(dlsym(library, "martlet_load_engine")) : nullptr;
  if (load != nullptr) return load(&start);
  PyErr_Format(PyExc_RuntimeError, "martlet: %s", dlerror());
  return false;
}

/// In the middle of a program nobody gets the error: it is printed, and the program goes on without the JIT.
bool loadForEvent() {
  if (isEnding) return false;
  if (loadEngine()) return true;
  PyErr_FormatUnraisable("Exception ignored by martlet, which is disabled from here on");
  vm::stopCounting();
  return false;
}

PyObject* atExit(PyObject*, PyObject*) {
  isEnding = true;
  if (start.engine != nullptr) start.engine->shutDown();
  Py_RETURN_NONE;
}

/// A module object of atexit, whose state is the interpreter's. The import system would take 0.03 ms to find the
/// built-in module, and show the program one that it has not asked for.
Ref makeAtExitModule() {
  const _inittab* row = PyImport_Inittab;
  while (row->name != nullptr && std::strcmp(row->name, "atexit") != 0) ++row;
  PyObject* made = row->name != nullptr ? row->initfunc() : nullptr;
  if (made == nullptr || !PyObject_TypeCheck(made, &PyModuleDef_Type)) return {};
  auto* atexit = reinterpret_cast<PyModuleDef*>(made);
  const Ref spec = Ref::steal(PyModule_New(row->name));  // anything that has a name
  const Ref name = Ref::steal(PyUnicode_FromString(row->name));
  if (!spec || !name || PyObject_SetAttrString(spec.get(), "name", name.get()) < 0) return {};
  Ref module = Ref::steal(PyModule_FromDefAndSpec(atexit, spec.get()));
  return module && PyModule_ExecDef(module.get(), atexit) == 0 ? std::move(module) : Ref();
}

/// Before anything is counted, and not when the engine is loaded: that may be while such functions run.
bool registerAtExit() {
  static PyMethodDef method = {"martlet_at_exit", atExit, METH_NOARGS, "stop the background compiler"};
  Ref atexit = makeAtExitModule();
  if (!atexit && !PyErr_Occurred()) atexit = Ref::steal(PyImport_ImportModule("atexit"));
  const Ref function = Ref::steal(PyCFunction_New(&method, nullptr));
  return atexit && function && Ref::steal(PyObject_CallMethod(atexit.get(), "register", "O", function.get()));
}

bool isPrepared = false;
bool prepareOnce() {
  if (isPrepared) return true;
  if (!registerAtExit()) return false;
  pthread_atfork(nullptr, nullptr, [] { start.youngUntil = processSeconds() + kYouth; });
  vm::counting.load = loadForEvent;
  return isPrepared = true;
}

bool mayWork() {
  if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
    PyErr_SetString(PyExc_RuntimeError, "martlet: works in the main interpreter only");
    return false;
  }
  if (isEnding) {
    PyErr_SetString(PyExc_RuntimeError, "martlet: the interpreter is shutting down");
    return false;
  }
  return vm::port::layoutIsAsExpected();
}

bool count(const vm::ColdLimits& limits) {
  if (!mayWork() || !prepareOnce()) return false;
  if (!vm::counting.on && !vm::startCounting()) return false;
  vm::counting.limits = limits;
  return true;
}

// --- functions -----------------------------------------------------------------------------------------------------

PyObject* enable(PyObject*, PyObject*) {
  if (!enableWithDefaults()) return nullptr;
  Py_RETURN_NONE;
}

PyObject* disable(PyObject*, PyObject*) {
  if (vm::counting.on) {
    vm::stopCounting();
    if (start.engine != nullptr) start.engine->disable();
  }
  Py_RETURN_NONE;
}

PyObject* isEnabled(PyObject*, PyObject*) {
  return PyBool_FromLong(vm::counting.on);
}

PyObject* hasOptionsIn(PyObject*, PyObject*) {
  return PyBool_FromLong(hasOptions());
}

PyObject* callAtBottom(PyObject*, PyObject* const* args, Py_ssize_t count) {
  if (count < 1) return PyErr_Format(PyExc_TypeError, "call_at_bottom() takes a callable and its arguments");
  return vm::callAtBottom(args[0], args + 1, static_cast<size_t>(count - 1));
}

/// compile() without looking whether the source is a syntax tree: that makes the classes of all its nodes, in 0.8 ms.
PyObject* compileProgram(PyObject*, PyObject* args) {
  PyObject *source = nullptr, *name = nullptr;
  if (!PyArg_ParseTuple(args, "OU:compile_program", &source, &name)) return nullptr;
  const bool isText = PyUnicode_Check(source);
  const char* text = isText ? PyUnicode_AsUTF8(source) : PyBytes_AsString(source);
  if (text == nullptr) return nullptr;
  PyCompilerFlags flags = _PyCompilerFlags_INIT;
  flags.cf_flags = PyCF_SOURCE_IS_UTF8 | (isText ? PyCF_IGNORE_COOKIE : 0);
  return Py_CompileStringObject(text, name, Py_file_input, &flags, -1);
}

PyMethodDef methods[] = {
    {"enable", enable, METH_NOARGS, "enable the JIT with all options as they are by default"},
    {"disable", disable, METH_NOARGS, "disable the JIT"},
    {"is_enabled", isEnabled, METH_NOARGS, "whether the JIT is enabled"},
    {"has_options", hasOptionsIn, METH_NOARGS, "whether the environment has a variable MARTLET_..."},
    {"call_at_bottom", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(callAtBottom)), METH_FASTCALL,
     "call with no Python frame below"},
    {"compile_program", compileProgram, METH_VARARGS, "the code object of a main program without null bytes"},
    {nullptr, nullptr, 0, nullptr},
};

PyModuleDef definition = {PyModuleDef_HEAD_INIT,
                          "martlet._start",
                          "Switches the engine of martlet on and off.",
                          -1,
                          methods,
                          nullptr,
                          nullptr,
                          nullptr,
                          nullptr};

}  // namespace

bool enableWithDefaults() {
  if (!count(coldLimits(kDefaults.call_threshold, kDefaults.loop_threshold))) return false;
  if (start.engine != nullptr) start.engine->enableWithDefaults();
  return true;
}

bool hasOptions() {
  constexpr const char* kPrefix = "MARTLET_";
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    if (std::strncmp(*variable, kPrefix, std::strlen(kPrefix)) == 0) return true;
  }
  return false;
}

}  // namespace martlet

PyMODINIT_FUNC PyInit__start(void) {
  using namespace martlet;
  vm::Ref module = vm::Ref::steal(PyModule_Create(&definition));
  const vm::Ref capsule = vm::Ref::steal(PyCapsule_New(&start, kStartCapsule, nullptr));
  if (!module || !capsule || PyModule_AddObjectRef(module.get(), "start", capsule.get()) < 0) return nullptr;
  return module.release();
}
