// SPDX-License-Identifier: MIT
#include "vm/cpython_3_13/fresh_code.h"

#include <cstddef>
#include <cstdint>

#include "internal/pycore_instruments.h"
#include "internal/pycore_interp.h"
#include "opcode_ids.h"
#include "vm/cpython_3_13/opcode_lengths.h"
#include "vm/cpython_3_13/port.h"

namespace martlet::vm::port {
namespace {

constexpr uint8_t kOurs = 1U << kToolId;

int watcherId = -1;
/// sys.monitoring's version since our events were switched on: as long as it has this one, no other tool has come.
uintptr_t ourVersion = 0;

bool isOurVersion() {
  return ourVersion != 0 && PyInterpreterState_Get()->ceval.instrumentation_version == ourVersion;
}

/// The interpreter finds what it would have written itself where the code started for the first time.
void reportStart(PyCodeObject* code) {
  // Generators have more than one instruction to report.
  constexpr int kOthers = CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR | CO_NO_MONITORING_EVENTS;
  if ((code->co_flags & kOthers) != 0 || code->_co_monitoring != nullptr || !isOurVersion()) return;
  if (code->_co_firsttraceable >= Py_SIZE(code)) return;
  _Py_CODEUNIT& first = _PyCode_CODE(code)[code->_co_firsttraceable];
  if (first.op.code != RESUME || first.op.arg != 0) return;
  auto* data = static_cast<_PyCoMonitoringData*>(PyMem_Malloc(sizeof(_PyCoMonitoringData)));
  if (data == nullptr) return;
  *data = {};
  data->active_monitors.tools[PY_MONITORING_EVENT_PY_START] = kOurs;
  code->_co_monitoring = data;
  first.op.code = INSTRUMENTED_RESUME;
  code->_co_instrumentation_version = ourVersion;
}

int onCodeEvent(PyCodeEvent event, PyCodeObject* code) {
  if (event == PY_CODE_EVENT_CREATE) reportStart(code);
  return 0;
}

/// True for most code that has loops, and some other: a cache may look like a jump.
bool mayJumpBack(const _Py_CODEUNIT* code, Py_ssize_t size) {
  // Without a way out of the loop, it is one of a few vector instructions.
  uint16_t found = 0;
  for (Py_ssize_t i = 0; i < size; ++i) found |= static_cast<uint16_t>((code[i].cache & UINT8_MAX) == JUMP_BACKWARD);
  return found != 0;
}

}  // namespace

void prepareFreshCode(bool on) {
  ourVersion = on ? PyInterpreterState_Get()->ceval.instrumentation_version : 0;
  if (on && watcherId < 0) watcherId = PyCode_AddWatcher(onCodeEvent);
  if (watcherId < 0) {
    PyErr_Clear();  // there are only so many: CPython prepares all code then
  } else if (!on) {
    if (PyCode_ClearWatcher(watcherId) < 0) PyErr_Clear();
    watcherId = -1;
  }
}

void reportLoops(PyCodeObject* code) {
  _PyCoMonitoringData* data = code->_co_monitoring;
  if (data == nullptr || data->tools != nullptr || code->_co_instrumentation_version != ourVersion) return;
  uint8_t& tools = data->active_monitors.tools[PY_MONITORING_EVENT_JUMP];
  if (tools != 0 || !isOurVersion()) return;
  tools = kOurs;
  _Py_CODEUNIT* const units = _PyCode_CODE(code);
  const Py_ssize_t size = Py_SIZE(code);
  if (!mayJumpBack(units, size)) return;
  const bool allKnown = visitInstructions(units + code->_co_firsttraceable, units + size, [](_Py_CODEUNIT& unit) {
    if (unit.op.code == JUMP_BACKWARD) unit.op.code = INSTRUMENTED_JUMP_BACKWARD;
  });
  if (allKnown) return;
  tools = 0;  // CPython knows
  code->_co_instrumentation_version = 0;
}

}  // namespace martlet::vm::port
