// SPDX-License-Identifier: MIT
#include "vm/monitoring.h"

#include <cstddef>
#include <iterator>
#include <string>

#include "vm/cpython_3_13/fresh_code.h"
#include "vm/ref.h"
#include "vm/safepoint.h"
#include "vm/validity.h"

namespace martlet::vm {
namespace {

MonitoringHooks hooks = {};
PyObject* disableMarker = nullptr;  // sys.monitoring.DISABLE, alive as long as the interpreter
bool monitoring = false;

const NativeEntry* findEntry(CodeData& data, RedirectKind kind, uint32_t offset) {
  const NativeEntry* entry = data.entryAt(offset);
  // A generator's body starts at its RESUME, behind the instructions that make the generator.
  if (entry == nullptr && kind == RedirectKind::Start) {
    constexpr int kGenerators = CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR;
    if ((data.code()->co_flags & kGenerators) != 0) entry = data.entryAt(0);
  }
  return entry;
}

PyObject* handleEvent(PyObject* codeObject, uint32_t instruction, uint32_t offset, RedirectKind kind) {
  auto* code = reinterpret_cast<PyCodeObject*>(codeObject);
  PyThreadState* tstate = PyThreadState_Get();
  port::Frame* frame = tstate->current_frame;
  if (!monitoring || frame == nullptr || port::codeOf(frame) != code) Py_RETURN_NONE;
  if (martlet_interpreting_thread == tstate) Py_RETURN_NONE;
  refreshSafepoint(tstate);
  forgetMemoryError();
  if (hooks.ready->load(std::memory_order_relaxed)) hooks.publishReady();
  learnFromChildren();
  const bool isJump = kind == RedirectKind::Jump;
  if (CodeData::countCold(code, isJump, *hooks.coldLimits)) Py_RETURN_NONE;
  CodeData* data = CodeData::findOrCreate(code, isJump ? offset : 0);
  if (data == nullptr) {
    PyErr_Clear();
    Py_RETURN_NONE;
  }
  const NativeEntry* entry = findEntry(*data, kind, offset);
  if (entry == nullptr) {
    const int depth = port::stackDepth(frame);
    const Verdict verdict = hooks.reached(*data, kind, offset, static_cast<uint16_t>(depth));
    entry = findEntry(*data, kind, offset);
    if (entry == nullptr) return Py_NewRef(verdict == Verdict::StopCounting ? disableMarker : Py_None);
  }
  if (data->watchedByOthers || !mayEnterNative(tstate)) Py_RETURN_NONE;
  if (kind == RedirectKind::Start && data->callVersion != nullptr) {
    if (PyFunctionObject* func = port::functionOf(frame);
        func != nullptr && func->func_code == codeObject && hasNativeStack()) {
      installEntry(func);
    }
  }
  const NativeEntry copy = *entry;  // entering may publish, which moves entries
  if (!enterOnFrame(tstate, *data, copy, kind, instruction)) return nullptr;
  Py_RETURN_NONE;
}

/// What almost every event comes to where little is hot: one more count. Looks no further than that: false also where
/// anything at all is out of the ordinary.
bool isJustCounted(PyObject* codeObject, bool isJump) {
  const PyThreadState* tstate = PyThreadState_Get();
  const port::Frame* frame = tstate->current_frame;
  auto* code = reinterpret_cast<PyCodeObject*>(codeObject);
  if (frame == nullptr || port::codeOf(frame) != code || !mayEnterNative(tstate)) return false;
  return !hooks.ready->load(std::memory_order_relaxed) && CodeData::countCold(code, isJump, *hooks.coldLimits);
}

size_t byteOffset(PyObject* object) {
  const auto* number = reinterpret_cast<PyLongObject*>(object);
  if (PyUnstable_Long_IsCompact(number)) [[likely]]
    return number->long_value.ob_digit[0];  // never negative
  return static_cast<size_t>(PyLong_AsSsize_t(object));
}
uint32_t codeUnits(size_t bytes) {
  return static_cast<uint32_t>(bytes / sizeof(_Py_CODEUNIT));
}

PyObject* onStart(PyObject*, PyObject* const* args, size_t, PyObject*) {
  if (isJustCounted(args[0], /*isJump=*/false)) Py_RETURN_NONE;
  const uint32_t offset = codeUnits(byteOffset(args[1]));
  return handleEvent(args[0], offset, offset, RedirectKind::Start);
}

PyObject* onResume(PyObject*, PyObject* const* args, size_t, PyObject*) {
  if (isJustCounted(args[0], /*isJump=*/false)) Py_RETURN_NONE;
  const uint32_t offset = codeUnits(byteOffset(args[1]));
  return handleEvent(args[0], offset, offset, RedirectKind::Resume);
}

PyObject* onJump(PyObject*, PyObject* const* args, size_t, PyObject*) {
  const size_t from = byteOffset(args[1]), to = byteOffset(args[2]);
  if (to > from) return Py_NewRef(disableMarker);
  if (isJustCounted(args[0], /*isJump=*/true)) Py_RETURN_NONE;
  return handleEvent(args[0], codeUnits(from), codeUnits(to), RedirectKind::Jump);
}

// The program's own view of sys.monitoring: our counting is an implementation detail, like the interpreter's own
// counters. Never destroyed: static destruction comes after the interpreter is gone.
Ref& originalGetEvents = *new Ref();
Ref& originalAllEvents = *new Ref();
Ref& originalSetEvents = *new Ref();
Ref& originalSetLocalEvents = *new Ref();

PyObject* getEvents(PyObject*, PyObject* tool) {
  const long id = PyLong_AsLong(tool);
  if (id == -1 && PyErr_Occurred()) PyErr_Clear();  // the original has the right error
  if (id == port::kToolId && monitoring) return PyLong_FromLong(0);
  return PyObject_CallOneArg(originalGetEvents.get(), tool);
}

PyObject* allEvents(PyObject*, PyObject*) {
  Ref events = Ref::steal(PyObject_CallNoArgs(originalAllEvents.get()));
  Ref visible = events ? Ref::steal(PyDict_New()) : Ref();
  if (!visible) return nullptr;
  PyObject *name = nullptr, *tools = nullptr;
  for (Py_ssize_t position = 0; PyDict_Next(events.get(), &position, &name, &tools);) {
    const long others = PyLong_AsLong(tools) & ~(monitoring ? 1L << port::kToolId : 0L);
    if (others == 0) continue;
    const Ref value = Ref::steal(PyLong_FromLong(others));
    if (!value || PyDict_SetItem(visible.get(), name, value.get()) < 0) return nullptr;
  }
  return visible.release();
}

/// After another tool may have switched events.
void reconsiderEntries() {
  bool watched = port::foreignToolsActive(PyInterpreterState_Get());
  CodeData::forEach([&](const CodeData& data) { watched |= data.watchedByOthers; });
  allowEntries(!watched);
}

PyObject* setEvents(PyObject*, PyObject* const* args, Py_ssize_t count) {
  PyObject* result = PyObject_Vectorcall(originalSetEvents.get(), args, static_cast<size_t>(count), nullptr);
  reconsiderEntries();
  return result;
}

PyObject* setLocalEvents(PyObject*, PyObject* const* args, Py_ssize_t count) {
  PyObject* result = PyObject_Vectorcall(originalSetLocalEvents.get(), args, static_cast<size_t>(count), nullptr);
  if (result != nullptr && count == 3 && PyCode_Check(args[1])) {
    auto* code = reinterpret_cast<PyCodeObject*>(args[1]);
    CodeData* data = CodeData::findOrCreate(code);
    if (data != nullptr) {
      data->watchedByOthers = port::foreignToolsWatch(code);
      if (data->watchedByOthers) leaveWatchedCode();
      if (data->watchedByOthers && data->inlined != nullptr) data->inlined->invalidate();
      reconsiderEntries();
    } else {
      PyErr_Clear();
    }
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
  static PyObject* type = PyType_FromSpec(&callbackSpec);
  if (type == nullptr) return PyErr_NoMemory();
  Callback* callback = PyObject_New(Callback, reinterpret_cast<PyTypeObject*>(type));
  if (callback != nullptr) callback->call = call;
  return reinterpret_cast<PyObject*>(callback);
}

constexpr struct {
  const char* name;
  vectorcallfunc call;
} kEvents[] = {{"PY_START", onStart}, {"PY_RESUME", onResume}, {"JUMP", onJump}};

bool replaceFunction(PyObject* module, PyMethodDef* method, Ref* original) {
  if (*original) return true;
  *original = Ref::steal(PyObject_GetAttrString(module, method->ml_name));
  if (!*original) return false;
  const Ref moduleName = Ref::steal(PyUnicode_FromString("sys.monitoring"));
  // The docstring, with its text signature, stays CPython's.
  if (PyCFunction_Check(original->get())) {
    method->ml_doc = reinterpret_cast<PyCFunctionObject*>(original->get())->m_ml->ml_doc;
  }
  const Ref function = moduleName ? Ref::steal(PyCFunction_NewEx(method, nullptr, moduleName.get())) : Ref();
  return function && PyObject_SetAttrString(module, method->ml_name, function.get()) == 0;
}

bool hideEvents(PyObject* module) {
  Ref* originals[] = {&originalGetEvents, &originalAllEvents, &originalSetEvents, &originalSetLocalEvents};
  for (size_t i = 0; i < std::size(originals); ++i) {
    if (!replaceFunction(module, &replacements[i], originals[i])) return false;
  }
  return true;
}

/// Registers (or with `on` false removes) the callbacks and switches their events.
bool switchEvents(PyObject* module, bool on) {
  const Ref events = Ref::steal(PyObject_GetAttrString(module, "events"));
  if (!events) return false;
  long mask = 0;
  for (const auto& [name, call] : kEvents) {
    const Ref event = Ref::steal(PyObject_GetAttrString(events.get(), name));
    if (!event) return false;
    mask |= PyLong_AsLong(event.get());
    const Ref callback = on ? Ref::steal(newCallback(call)) : Ref::borrow(Py_None);
    const Ref done = callback ? Ref::steal(PyObject_CallMethod(module, "register_callback", "iOO", port::kToolId,
                                                               event.get(), callback.get()))
                              : Ref();
    if (!done) return false;
  }
  return static_cast<bool>(Ref::steal(PyObject_CallMethod(module, "set_events", "il", port::kToolId, on ? mask : 0L)));
}

PyObject* monitoringModule() {
  return PySys_GetObject("monitoring");
}

}  // namespace

bool startMonitoring(const MonitoringHooks& newHooks) {
  PyObject* module = monitoringModule();
  if (module == nullptr) {
    PyErr_SetString(PyExc_RuntimeError, "martlet: this interpreter has no sys.monitoring");
    return false;
  }
  if (!Ref::steal(PyObject_CallMethod(module, "use_tool_id", "is", port::kToolId, "martlet"))) {
    if (PyErr_ExceptionMatches(PyExc_ValueError)) {
      PyErr_Clear();
      PyErr_SetString(PyExc_RuntimeError,
                      "martlet: sys.monitoring's tool id 5 (OPTIMIZER_ID) is already in use by another tool");
    }
    return false;
  }
  hooks = newHooks;
  if (disableMarker == nullptr) disableMarker = PyObject_GetAttrString(module, "DISABLE");
  if (disableMarker == nullptr || !hideEvents(module) || !switchEvents(module, true)) {
    PyObject* error = PyErr_GetRaisedException();
    stopMonitoring();
    PyErr_SetRaisedException(error);
    return false;
  }
  monitoring = true;
  if (!port::foreignToolsActive(PyInterpreterState_Get())) port::prepareFreshCode(true);
  return true;
}

void stopMonitoring() {
  monitoring = false;
  port::prepareFreshCode(false);
  PyObject* module = monitoringModule();
  if (module == nullptr) return;
  if (!switchEvents(module, false)) PyErr_Clear();
  if (!Ref::steal(PyObject_CallMethod(module, "free_tool_id", "i", port::kToolId))) PyErr_Clear();
}

}  // namespace martlet::vm
