// SPDX-License-Identifier: MIT
#include "vm/monitoring.h"

#include <iterator>
#include <string>

#include "vm/ref.h"
#include "vm/safepoint.h"

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

uint32_t codeUnits(PyObject* byteOffset) {
  const auto* number = reinterpret_cast<PyLongObject*>(byteOffset);
  const Py_ssize_t bytes =
      PyUnstable_Long_IsCompact(number) ? PyUnstable_Long_CompactValue(number) : PyLong_AsSsize_t(byteOffset);
  return static_cast<uint32_t>(static_cast<size_t>(bytes) / sizeof(_Py_CODEUNIT));
}

PyObject* onStart(PyObject*, PyObject* const* args, Py_ssize_t) {
  const uint32_t offset = codeUnits(args[1]);
  return handleEvent(args[0], offset, offset, RedirectKind::Start);
}

PyObject* onResume(PyObject*, PyObject* const* args, Py_ssize_t) {
  const uint32_t offset = codeUnits(args[1]);
  return handleEvent(args[0], offset, offset, RedirectKind::Resume);
}

PyObject* onJump(PyObject*, PyObject* const* args, Py_ssize_t) {
  const uint32_t from = codeUnits(args[1]);
  const uint32_t to = codeUnits(args[2]);
  if (to > from) return Py_NewRef(disableMarker);
  return handleEvent(args[0], from, to, RedirectKind::Jump);
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
PyMethodDef callbacks[] = {
    {"on_start", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(onStart)), METH_FASTCALL, nullptr},
    {"on_resume", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(onResume)), METH_FASTCALL, nullptr},
    {"on_jump", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(onJump)), METH_FASTCALL, nullptr},
};
constexpr const char* kEventNames[] = {"PY_START", "PY_RESUME", "JUMP"};

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
  for (size_t i = 0; i < 3; ++i) {
    const Ref event = Ref::steal(PyObject_GetAttrString(events.get(), kEventNames[i]));
    if (!event) return false;
    mask |= PyLong_AsLong(event.get());
    const Ref callback = on ? Ref::steal(PyCFunction_New(&callbacks[i], nullptr)) : Ref::borrow(Py_None);
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
  return true;
}

void stopMonitoring() {
  monitoring = false;
  PyObject* module = monitoringModule();
  if (module == nullptr) return;
  if (!switchEvents(module, false)) PyErr_Clear();
  if (!Ref::steal(PyObject_CallMethod(module, "free_tool_id", "i", port::kToolId))) PyErr_Clear();
}

}  // namespace martlet::vm
