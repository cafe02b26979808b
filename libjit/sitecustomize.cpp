// SPDX-License-Identifier: MIT
// The module `sitecustomize`, which is martlet._start's shared object under another name. On PYTHONPATH (scripts/python
// puts it there for MARTLET=1) the interpreter imports it before the program starts. Such a process may end after ten
// milliseconds: Python files, and the package martlet, which few programs ask for, would cost more than counting does.
// Must not know: how anything is compiled.
#include <Python.h>

#include <cstdlib>
#include <cstring>

#include "libjit/start.h"
#include "vm/ref.h"

namespace martlet {
namespace {

using vm::Ref;

constexpr const char* kName = "sitecustomize";

/// The folder that a module was found in.
Ref folderOf(PyObject* module) {
  const Ref file = Ref::steal(PyModule_GetFilenameObject(module));
  const Py_ssize_t length = file ? PyUnicode_GetLength(file.get()) : 0;
  const Py_ssize_t slash = file ? PyUnicode_FindChar(file.get(), '/', 0, length, -1) : -1;
  return slash > 0 ? Ref::steal(PyUnicode_Substring(file.get(), 0, slash)) : Ref();
}

bool isNotFound() {
  if (!PyErr_ExceptionMatches(PyExc_ModuleNotFoundError)) return false;
  const Ref error = Ref::steal(PyErr_GetRaisedException());
  const Ref name = Ref::steal(PyObject_GetAttrString(error.get(), "name"));
  const bool is = name && PyUnicode_Check(name.get()) && PyUnicode_CompareWithASCIIString(name.get(), kName) == 0;
  PyErr_SetRaisedException(Py_NewRef(error.get()));
  return is;
}

/// Imports the sitecustomize that there would be without ours, if there is one; it takes our place in sys.modules.
bool importOther(PyObject* ours) {
  PyObject* modules = PyImport_GetModuleDict();
  if (PyDict_DelItemString(modules, kName) < 0) PyErr_Clear();
  if (Ref::steal(PyImport_ImportModule(kName))) return true;
  if (!isNotFound()) return false;
  PyErr_Clear();
  return PyDict_SetItemString(modules, kName, ours) == 0;
}

/// The same while our folder is not searched.
bool importOtherFrom(PyObject* path, PyObject* folder, PyObject* ours) {
  const Py_ssize_t place = PySequence_Index(path, folder);
  if (place < 0) {  // it was not the search for a sitecustomize that found ours
    PyErr_Clear();
    return true;
  }
  if (PyList_SetSlice(path, place, place + 1, nullptr) < 0) return false;
  const bool done = importOther(ours);
  PyObject* error = PyErr_GetRaisedException();
  const bool restored = PyList_Insert(path, place, folder) == 0;  // martlet is found there, too
  if (error != nullptr) PyErr_SetRaisedException(error);
  return done && restored;
}

bool isWanted() {
  const char* value = std::getenv("MARTLET");
  return value != nullptr && *value != '\0' && std::strcmp(value, "0") != 0;
}

int activate(PyObject* module) {
  PyObject* path = PySys_GetObject("path");
  const Ref folder = folderOf(module);
  if (path == nullptr || !PyList_Check(path) || !folder) return PyErr_Occurred() != nullptr ? -1 : 0;
  if (!importOtherFrom(path, folder.get(), module)) return -1;
  // Other interpreters go without, and silently.
  if (!isWanted() || PyInterpreterState_Get() != PyInterpreterState_Main()) return 0;
  // The package reads them, and enables.
  if (hasOptions()) return Ref::steal(PyImport_ImportModule("martlet")) ? 0 : -1;
  return enableWithDefaults() ? 0 : -1;
}

PyModuleDef_Slot slots[] = {
    {Py_mod_exec, reinterpret_cast<void*>(activate)},
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
    {0, nullptr},
};
PyModuleDef definition = {PyModuleDef_HEAD_INIT,
                          kName,
                          "Enables the JIT before the program starts.",
                          0,
                          nullptr,
                          slots,
                          nullptr,
                          nullptr,
                          nullptr};

}  // namespace
}  // namespace martlet

PyMODINIT_FUNC PyInit_sitecustomize(void) {
  return PyModuleDef_Init(&martlet::definition);
}
