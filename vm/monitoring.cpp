// SPDX-License-Identifier: MIT
#include "vm/monitoring.h"

#include "vm/cold_counts.h"
#include "vm/safepoint.h"
#include "vm/validity.h"

namespace martlet::vm {
namespace {

MonitoringHooks hooks = {};
const Counting* cold = nullptr;

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
  if (!cold->on || frame == nullptr || port::codeOf(frame) != code) Py_RETURN_NONE;
  if (martlet_interpreting_thread == tstate) Py_RETURN_NONE;
  refreshSafepoint(tstate);
  forgetMemoryError();
  if (hooks.ready->load(std::memory_order_relaxed)) hooks.publishReady();
  learnFromChildren();
  const bool isJump = kind == RedirectKind::Jump;
  if (countCold(*cold, code, isJump)) Py_RETURN_NONE;
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
    if (entry == nullptr) return Py_NewRef(verdict == Verdict::StopCounting ? cold->disableMarker : Py_None);
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
  return !hooks.ready->load(std::memory_order_relaxed) && countCold(*cold, code, isJump);
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
  if (to > from) return Py_NewRef(cold->disableMarker);
  if (isJustCounted(args[0], /*isJump=*/true)) Py_RETURN_NONE;
  return handleEvent(args[0], codeUnits(from), codeUnits(to), RedirectKind::Jump);
}

/// After another tool may have switched events.
void reconsiderEntries() {
  bool watched = port::foreignToolsActive(PyInterpreterState_Get());
  CodeData::forEach([&](const CodeData& data) { watched |= data.watchedByOthers; });
  allowEntries(!watched);
}

void codeToolsChanged(PyCodeObject* code) {
  CodeData* data = CodeData::findOrCreate(code);
  if (data == nullptr) return PyErr_Clear();
  data->watchedByOthers = port::foreignToolsWatch(code);
  if (data->watchedByOthers) leaveWatchedCode();
  if (data->watchedByOthers && data->inlined != nullptr) data->inlined->invalidate();
  reconsiderEntries();
}

constexpr CountingHooks kHooks = {{onStart, onResume, onJump},
                                  [](void* data) { static_cast<CodeData*>(data)->die(); },
                                  reconsiderEntries,
                                  codeToolsChanged};

}  // namespace

bool takeOverCounting(Counting& started, const MonitoringHooks& newHooks) {
  cold = &started;
  hooks = newHooks;
  if (!started.setHooks(kHooks)) return false;
  CodeData::useCounting(started);
  reconsiderEntries();
  return true;
}

}  // namespace martlet::vm
