// SPDX-License-Identifier: MIT
#include "vm/counting.h"

#include <cstddef>
#include <iterator>

#include "vm/cold_counts.h"
#include "vm/cpython_3_13/fresh_code.h"
#include "vm/cpython_3_13/port.h"
#include "vm/ref.h"

namespace martlet::vm {
namespace {

/// The rest of the vm is needed: false where it cannot be loaded.
bool hasHooks() {
  return counting.hooks != nullptr || (counting.on && counting.load());
}

/// Behind an event that is not just one more count: what the rest of the vm does with it.
PyObject* reachedLimit(vectorcallfunc EventFunctions::* event, PyObject* const* args, size_t count) {
  if (!hasHooks()) Py_RETURN_NONE;
  return (counting.hooks->events.*event)(nullptr, args, count, nullptr);
}

bool isRunning(PyObject* code) {
  const port::Frame* frame = PyThreadState_Get()->current_frame;
  return frame != nullptr && frame->f_executable == code;
}

bool isJustCounted(PyObject* code, bool isJump) {
  return countCold(counting, reinterpret_cast<PyCodeObject*>(code), isJump);
}

template <vectorcallfunc EventFunctions::* kEvent>
PyObject* onEntry(PyObject*, PyObject* const* args, size_t count, PyObject*) {
  if (!isRunning(args[0]) || isJustCounted(args[0], /*isJump=*/false)) Py_RETURN_NONE;
  return reachedLimit(kEvent, args, count);
}

PyObject* onJump(PyObject*, PyObject* const* args, size_t count, PyObject*) {
  if (byteOffset(args[2]) > byteOffset(args[1])) return Py_NewRef(counting.disableMarker);
  if (!isRunning(args[0]) || isJustCounted(args[0], /*isJump=*/true)) Py_RETURN_NONE;
  return reachedLimit(&EventFunctions::jump, args, count);
}

constexpr EventFunctions kColdEvents = {onEntry<&EventFunctions::start>, onEntry<&EventFunctions::resume>, onJump};

void freeExtra(void* data) {
  // Nothing where somebody else stored something, and the code never ran.
  if (data != nullptr && !isColdCount(reinterpret_cast<uintptr_t>(data))) counting.hooks->freeData(data);
}

bool reserveIndex() {
  if (counting.extraIndex < 0) counting.extraIndex = PyUnstable_Eval_RequestCodeExtraIndex(freeExtra);
  if (counting.extraIndex >= 0) return true;
  PyErr_SetString(PyExc_RuntimeError, "martlet: no co_extra index is left in this interpreter");
  return false;
}

// The program's own view of sys.monitoring: our counting is an implementation detail, like the interpreter's own
// counters. The functions that are replaced stay alive.
PyObject* originalGetEvents = nullptr;
PyObject* originalAllEvents = nullptr;
PyObject* originalSetEvents = nullptr;
PyObject* originalSetLocalEvents = nullptr;

PyObject* getEvents(PyObject*, PyObject* tool) {
  const long id = PyLong_AsLong(tool);
  if (id == -1 && PyErr_Occurred()) PyErr_Clear();  // the original has the right error
  if (id == port::kToolId && counting.on) return PyLong_FromLong(0);
  return PyObject_CallOneArg(originalGetEvents, tool);
}

PyObject* allEvents(PyObject*, PyObject*) {
  Ref events = Ref::steal(PyObject_CallNoArgs(originalAllEvents));
  Ref visible = events ? Ref::steal(PyDict_New()) : Ref();
  if (!visible) return nullptr;
  PyObject *name = nullptr, *tools = nullptr;
  for (Py_ssize_t position = 0; PyDict_Next(events.get(), &position, &name, &tools);) {
    const long others = PyLong_AsLong(tools) & ~(counting.on ? 1L << port::kToolId : 0L);
    if (others == 0) continue;
    const Ref value = Ref::steal(PyLong_FromLong(others));
    if (!value || PyDict_SetItem(visible.get(), name, value.get()) < 0) return nullptr;
  }
  return visible.release();
}

void toolsChanged() {
  if (counting.hooks != nullptr) counting.hooks->toolsChanged();
}

PyObject* setEvents(PyObject*, PyObject* const* args, Py_ssize_t count) {
  PyObject* result = PyObject_Vectorcall(originalSetEvents, args, static_cast<size_t>(count), nullptr);
  toolsChanged();
  return result;
}

PyObject* setLocalEvents(PyObject*, PyObject* const* args, Py_ssize_t count) {
  PyObject* result = PyObject_Vectorcall(originalSetLocalEvents, args, static_cast<size_t>(count), nullptr);
  if (result != nullptr && count == 3 && PyCode_Check(args[1]) && hasHooks()) {
    counting.hooks->codeToolsChanged(reinterpret_cast<PyCodeObject*>(args[1]));
  }
  return result;
}

PyMethodDef replacements[] = {
    {"get_events", getEvents, METH_O, nullptr},
    {"_all_events", allEvents, METH_NOARGS, nullptr},
    {"set_events", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(setEvents)), METH_FASTCALL, nullptr},
    {"set_local_events", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(setLocalEvents)), METH_FASTCALL,
     nullptr},
};
/// What is registered with sys.monitoring. A built-in function would do, but for what CPython does around calling one.
struct Callback {
  PyObject_HEAD vectorcallfunc call;
};
PyMemberDef callbackMembers[] = {
    {"__vectorcalloffset__", Py_T_PYSSIZET, offsetof(Callback, call), Py_READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};
PyType_Slot callbackSlots[] = {
    {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
    {Py_tp_members, callbackMembers},
    {0, nullptr},
};
PyType_Spec callbackSpec = {"martlet.callback", sizeof(Callback), 0,
                            Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                            callbackSlots};

PyObject* newCallback(vectorcallfunc call) {
  static PyObject* type = nullptr;
  if (type == nullptr) type = PyType_FromSpec(&callbackSpec);
  if (type == nullptr) return nullptr;
  Callback* callback = PyObject_New(Callback, reinterpret_cast<PyTypeObject*>(type));
  if (callback != nullptr) callback->call = call;
  return reinterpret_cast<PyObject*>(callback);
}

constexpr struct {
  const char* name;
  vectorcallfunc EventFunctions::* function;
} kEvents[] = {
    {"PY_START", &EventFunctions::start}, {"PY_RESUME", &EventFunctions::resume}, {"JUMP", &EventFunctions::jump}};

bool replaceFunction(PyObject* module, PyMethodDef* method, PyObject** original) {
  if (*original != nullptr) return true;
  *original = PyObject_GetAttrString(module, method->ml_name);
  if (*original == nullptr) return false;
  const Ref moduleName = Ref::steal(PyUnicode_FromString("sys.monitoring"));
  // The docstring, with its text signature, stays CPython's.
  if (PyCFunction_Check(*original)) {
    method->ml_doc = reinterpret_cast<PyCFunctionObject*>(*original)->m_ml->ml_doc;
  }
  const Ref function = moduleName ? Ref::steal(PyCFunction_NewEx(method, nullptr, moduleName.get())) : Ref();
  return function && PyObject_SetAttrString(module, method->ml_name, function.get()) == 0;
}

bool hideEvents(PyObject* module) {
  PyObject** originals[] = {&originalGetEvents, &originalAllEvents, &originalSetEvents, &originalSetLocalEvents};
  for (size_t i = 0; i < std::size(originals); ++i) {
    if (!replaceFunction(module, &replacements[i], originals[i])) return false;
  }
  return true;
}

/// Registers the callbacks, or (without functions) removes them. The events that they are for.
bool registerCallbacks(PyObject* module, const EventFunctions* functions, long* mask) {
  const Ref events = Ref::steal(PyObject_GetAttrString(module, "events"));
  if (!events) return false;
  for (const auto& [name, function] : kEvents) {
    const Ref event = Ref::steal(PyObject_GetAttrString(events.get(), name));
    if (!event) return false;
    *mask |= PyLong_AsLong(event.get());
    const Ref callback = functions != nullptr ? Ref::steal(newCallback(functions->*function)) : Ref::borrow(Py_None);
    const Ref done = callback ? Ref::steal(PyObject_CallMethod(module, "register_callback", "iOO", port::kToolId,
                                                               event.get(), callback.get()))
                              : Ref();
    if (!done) return false;
  }
  return true;
}

bool switchEvents(PyObject* module, bool on) {
  const EventFunctions& functions = counting.hooks != nullptr ? counting.hooks->events : kColdEvents;
  long mask = 0;
  if (!registerCallbacks(module, on ? &functions : nullptr, &mask)) return false;
  return static_cast<bool>(Ref::steal(PyObject_CallMethod(module, "set_events", "il", port::kToolId, on ? mask : 0L)));
}

PyObject* monitoringModule() {
  return PySys_GetObject("monitoring");
}

bool takeToolId(PyObject* module) {
  if (Ref::steal(PyObject_CallMethod(module, "use_tool_id", "is", port::kToolId, "martlet"))) return true;
  if (!PyErr_ExceptionMatches(PyExc_ValueError)) return false;
  PyErr_Clear();
  PyErr_SetString(PyExc_RuntimeError,
                  "martlet: sys.monitoring's tool id 5 (OPTIMIZER_ID) is already in use by another tool");
  return false;
}

/// From now on events go to the rest of the vm directly.
bool setHooks(const CountingHooks& hooks) {
  if (!reserveIndex()) return false;
  PyObject* module = monitoringModule();
  long mask = 0;
  if (counting.on && (module == nullptr || !registerCallbacks(module, &hooks.events, &mask))) return false;
  counting.hooks = &hooks;
  return true;
}

}  // namespace

Counting counting = {.setHooks = setHooks, .reportLoops = port::reportLoops};

bool startCounting() {
  PyObject* module = monitoringModule();
  if (module == nullptr) {
    PyErr_SetString(PyExc_RuntimeError, "martlet: this interpreter has no sys.monitoring");
    return false;
  }
  if (!reserveIndex() || !takeToolId(module)) return false;
  if (counting.disableMarker == nullptr) counting.disableMarker = PyObject_GetAttrString(module, "DISABLE");
  if (counting.disableMarker == nullptr || !hideEvents(module) || !switchEvents(module, true)) {
    PyObject* error = PyErr_GetRaisedException();
    stopCounting();
    PyErr_SetRaisedException(error);
    return false;
  }
  counting.on = true;
  if (!port::foreignToolsActive(PyInterpreterState_Get())) port::prepareFreshCode(true);
  return true;
}

void stopCounting() {
  counting.on = false;
  port::prepareFreshCode(false);
  PyObject* module = monitoringModule();
  if (module == nullptr) return;
  if (!switchEvents(module, false)) PyErr_Clear();
  if (!Ref::steal(PyObject_CallMethod(module, "free_tool_id", "i", port::kToolId))) PyErr_Clear();
}

}  // namespace martlet::vm
