// SPDX-License-Identifier: MIT
// Inline helpers: calls of the builtins that the interpreter knows. Also compiled to bitcode.
// Must not know: HIR, LLVM.
#include "vm/runtime/inline.h"

using namespace martlet::vm;

namespace {

/// The bit of a call's first argument, self included, in its mask of borrowed operands.
inline int firstArgument(PyObject* self) {
  return self != nullptr ? 1 : 2;
}

/// The only argument of a call, whether it was passed as self or as an argument; NULL if the call has not exactly one.
inline PyObject* onlyArgument(PyObject* self, PyObject* const* args, int64_t count) {
  if (self != nullptr) return count == 0 ? self : nullptr;
  return count == 1 ? args[0] : nullptr;
}

}  // namespace

extern "C" {

bool rt_runs_code(PyObject* callable, PyObject* code) {
  if (!Py_IS_TYPE(callable, &PyFunction_Type)) [[unlikely]]
    return false;
  const auto* function = reinterpret_cast<PyFunctionObject*>(callable);
  const vectorcallfunc* usual = martlet_singletons.usualEntries;
  return function->func_code == code && (function->vectorcall == usual[0] || function->vectorcall == usual[1]);
}

PyObject* rt_property_function(PyObject* object, int64_t isStore) {
  const auto* property = reinterpret_cast<propertyobject*>(object);
  PyObject* function = isStore != 0 ? property->prop_set : property->prop_get;
  return function != nullptr ? function : object;
}

bool rt_has_scope(PyObject* object, PyObject* globals, PyObject* builtins) {
  const auto* function = reinterpret_cast<PyFunctionObject*>(object);
  return function->func_globals == globals && function->func_builtins == builtins;
}

PyObject* rt_default_argument(PyObject* function, int64_t fromEnd) {
  PyObject* defaults = reinterpret_cast<PyFunctionObject*>(function)->func_defaults;
  if (defaults == nullptr || PyTuple_GET_SIZE(defaults) < fromEnd) [[unlikely]]
    return letInterpreterDoIt();
  return Py_NewRef(PyTuple_GET_ITEM(defaults, PyTuple_GET_SIZE(defaults) - fromEnd));
}

bool rt_has_recursion_room(PyThreadState* tstate, int64_t calls) {
  return tstate->py_recursion_remaining >= calls;
}

PyObject* rt_call_len(PyThreadState* tstate, int64_t borrowed, PyObject* callable, PyObject* self,
                      PyObject* const* args, int64_t count) {
  PyObject* object = onlyArgument(self, args, count);
  if (object == nullptr || callable != martlet_singletons.len) [[unlikely]]
    return letInterpreterDoIt();
  const PyTypeObject* type = Py_TYPE(object);
  if (type == &PyList_Type || type == &PyTuple_Type) [[likely]]
    return boxInt(reinterpret_cast<PyVarObject*>(object)->ob_size);
  return rt_cold_call_len(tstate, borrowed >> firstArgument(self), object);
}

PyObject* rt_call_isinstance(PyThreadState* tstate, int64_t borrowed, PyObject* callable, PyObject* self,
                             PyObject* const* args, int64_t count) {
  if (count + (self != nullptr) != 2 || callable != martlet_singletons.isinstance) [[unlikely]]
    return letInterpreterDoIt();
  PyObject* object = self != nullptr ? self : args[0];
  PyObject* type = args[count - 1];
  if (reinterpret_cast<PyObject*>(Py_TYPE(object)) == type) return Py_True;
  return rt_cold_call_isinstance(tstate, borrowed >> firstArgument(self), object, type);
}

PyObject* rt_call_list_append(PyObject* callable, PyObject* self, PyObject* const* args, int64_t count) {
  if (callable == martlet_singletons.listAppend && self != nullptr && count == 1 && PyList_Check(self)) [[likely]] {
    return __builtin_expect(rt_list_append(self, args[0]) == 0, 1) ? Py_None : nullptr;
  }
  return letInterpreterDoIt();
}

PyObject* rt_call_type_1(PyObject* callable, PyObject* self, PyObject* const* args, int64_t count) {
  if (callable == reinterpret_cast<PyObject*>(&PyType_Type) && self == nullptr && count == 1) [[likely]] {
    return Py_NewRef(reinterpret_cast<PyObject*>(Py_TYPE(args[0])));
  }
  return letInterpreterDoIt();
}

}  // extern "C"
