// SPDX-License-Identifier: MIT
// Helpers: import statements. Must not know: HIR, LLVM.
#include "vm/runtime/held.h"
#include "vm/runtime/leave.h"
#include "vm/runtime/runtime.h"
#include "vm/runtime/singletons.h"

using namespace martlet::vm;

namespace {

PyObject* returnSelf(PyObject* self, PyObject*) {
  return Py_NewRef(self);
}
PyMethodDef returnSelfMethod = {"__import__", returnSelf, METH_VARARGS, nullptr};

/// Takes the first entry off the traceback of the exception that is set.
void dropFirstTracebackEntry() {
  PyObject* exception = PyErr_GetRaisedException();
  PyObject* traceback = PyException_GetTraceback(exception);
  if (traceback != nullptr) {
    auto* next = reinterpret_cast<PyObject*>(reinterpret_cast<PyTracebackObject*>(traceback)->tb_next);
    PyException_SetTraceback(exception, next != nullptr ? next : Py_None);
    Py_DECREF(traceback);
  }
  PyErr_SetRaisedException(exception);
}

/// Lets the interpreter carry out `from module import name`. The ImportError's text is its business: it differs between
/// patch releases, and the functions that make it are not exported. Only for imports that fail.
PyObject* importFromByInterpreter(PyObject* module, PyObject* name) {
  PyObject* result = nullptr;
  PyObject* code = nullptr;
  PyObject* source = PyUnicode_FromFormat("from _ import %U", name);
  PyObject* import = PyCFunction_New(&returnSelfMethod, module);
  PyObject* builtins = import != nullptr ? Py_BuildValue("{sO}", "__import__", import) : nullptr;
  PyObject* globals = builtins != nullptr ? Py_BuildValue("{sO}", "__builtins__", builtins) : nullptr;
  const char* text = source != nullptr ? PyUnicode_AsUTF8(source) : nullptr;
  if (text != nullptr && globals != nullptr) code = Py_CompileString(text, "<import>", Py_file_input);
  if (code != nullptr) {
    PyThreadState* outer = martlet_interpreting_thread;
    martlet_interpreting_thread = PyThreadState_Get();
    PyObject* none = PyEval_EvalCode(code, globals, globals);
    martlet_interpreting_thread = outer;
    if (none != nullptr) {
      result = Py_XNewRef(PyDict_GetItemWithError(globals, name));
      Py_DECREF(none);
    } else {
      dropFirstTracebackEntry();
    }
  }
  Py_XDECREF(code);
  Py_XDECREF(globals);
  Py_XDECREF(builtins);
  Py_XDECREF(import);
  Py_XDECREF(source);
  return result;
}

/// sys.modules[module.__name__ + '.' + name]: finds a submodule that is being imported. NULL without an exception if
/// none.
PyObject* importedSubmodule(PyObject* module, PyObject* name) {
  PyObject* moduleName = nullptr;
  if (PyObject_GetOptionalAttr(module, martlet_singletons.dunderName, &moduleName) < 0) return nullptr;
  PyObject* submodule = nullptr;
  if (moduleName != nullptr && PyUnicode_Check(moduleName)) {
    PyObject* fullName = PyUnicode_FromFormat("%U.%U", moduleName, name);
    if (fullName != nullptr) submodule = PyImport_GetModule(fullName);
    Py_XDECREF(fullName);
  }
  Py_XDECREF(moduleName);
  return submodule;
}

}  // namespace

extern "C" {

PyObject* rt_import_name(PyThreadState* tstate, Frame* frame, PyObject* name, PyObject* fromlist, PyObject* level) {
  PyObject* import = nullptr;
  if (PyMapping_GetOptionalItem(frame->f_builtins, martlet_singletons.dunderImport, &import) < 0) return nullptr;
  if (import == nullptr) {
    PyErr_SetString(PyExc_ImportError, "__import__ not found");
    return nullptr;
  }
  PyObject* locals = frame->f_locals != nullptr ? frame->f_locals : Py_None;
  PyObject* result = nullptr;
  if (import == martlet_singletons.defaultImport) {
    const int depth = PyLong_AsInt(level);
    if (depth != -1 || tstate->current_exception == nullptr) {
      result = PyImport_ImportModuleLevelObject(name, frame->f_globals, locals, fromlist, depth);
    }
  } else {
    PyObject* args[5] = {name, frame->f_globals, locals, fromlist, level};
    result = _PyObject_VectorcallTstate(tstate, import, args, 5, nullptr);
  }
  Py_DECREF(import);
  return leaveChecked(tstate, result);
}

PyObject* rt_import_from(PyThreadState* tstate, int64_t borrowed, PyObject* module, PyObject* name) {
  PyObject* value = nullptr;
  if (holding(borrowed, {module}, [&] { return PyObject_GetOptionalAttr(module, name, &value); }) < 0) return nullptr;
  if (value == nullptr) value = importedSubmodule(module, name);
  if (value == nullptr && tstate->current_exception == nullptr) value = importFromByInterpreter(module, name);
  return leaveChecked(tstate, value);
}

}  // extern "C"
