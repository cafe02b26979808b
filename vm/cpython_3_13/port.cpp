// SPDX-License-Identifier: MIT
#include "vm/cpython_3_13/port.h"

#include <cstddef>
#include <cstring>
#include <utility>
#include <vector>

#include "internal/pycore_ceval.h"
#include "internal/pycore_function.h"
#include "internal/pycore_instruments.h"
#include "internal/pycore_runtime.h"
#include "opcode_ids.h"

namespace martlet::vm::port {

namespace {

/// True for CALL in any form, and CALL_KW, unless instrumented.
bool isCall(int opcode) {
  switch (opcode) {
  case CALL:
  case CALL_KW: return true;
#define OPCODE(...)
#define SUPERINSTRUCTION(...)
#define QUICKENED(NAME, BASE, special)                                                                                 \
  case NAME: return (BASE) == CALL;
#define INSTRUMENTED(...)
#define INTERNAL(...)
#include "vm/cpython_3_13/opcodes.def"
  default: return false;
  }
}

}  // namespace

bool takeOperandsOfCall(const PyThreadState* tstate, const PyFunctionObject* func, PyObject* const* args, size_t count,
                        PyObject** taken) {
  Frame* frame = tstate->current_frame;
  if (frame == nullptr || frame->stacktop == kNativeStackTop || frame->owner == FRAME_OWNED_BY_CSTACK) return false;
  // A callable that passes (some of) its operands on must not lose them: it is the interpreter that calls `func`.
  auto* first = stackSlot(frame, 2);
  if (args + 1 < first || args + count > reinterpret_cast<PyObject**>(frame) + codeOf(frame)->co_framesize)
    return false;
  const _Py_CODEUNIT* call = frame->instr_ptr;
  if (!isCall(call->op.code)) return false;
  const bool hasSelf = args[-1] != nullptr;
  if ((hasSelf ? args[-1] : args[-2]) != reinterpret_cast<const PyObject*>(func)) return false;
  if (count != static_cast<size_t>(call->op.arg) + static_cast<size_t>(hasSelf)) return false;
  for (size_t i = 0; i < count; ++i) taken[i] = std::exchange(const_cast<PyObject**>(args)[i], Py_None);
  return true;
}

PyObject* interpret(PyThreadState* tstate, Frame* frame) {
  tstate->current_frame = frame->previous;
  return _PyEval_EvalFrameDefault(tstate, frame, 0);
}

namespace {

const uint8_t* readVarint(const uint8_t* p, int* result) {
  int value = *p & 63;
  while (*p & 64) {
    ++p;
    value = (value << 6) | (*p & 63);
  }
  *result = value;
  return p + 1;
}

}  // namespace

std::optional<HandlerMatch> findHandler(PyCodeObject* code, uint32_t offset) {
  const auto* p = reinterpret_cast<const uint8_t*>(PyBytes_AS_STRING(code->co_exceptiontable));
  const uint8_t* end = p + PyBytes_GET_SIZE(code->co_exceptiontable);
  while (p < end) {
    int start = 0, size = 0, target = 0, depthAndLasti = 0;
    p = readVarint(p, &start);
    p = readVarint(p, &size);
    p = readVarint(p, &target);
    p = readVarint(p, &depthAndLasti);
    if (static_cast<int>(offset) < start) break;
    if (static_cast<int>(offset) < start + size) {
      return HandlerMatch{static_cast<uint32_t>(target), depthAndLasti >> 1, (depthAndLasti & 1) != 0};
    }
  }
  return std::nullopt;
}

bool jumpErrorIsUnsafe(PyCodeObject* code, uint32_t jumpOffset) {
  // INSTRUMENTED_JUMP computes `next_instr - oparg` after next_instr became NULL, and looks the handler up one unit
  // below.
  const int oparg = instructionAt(code, jumpOffset)->op.arg;
  const auto start = reinterpret_cast<intptr_t>(_PyCode_CODE(code));
  const intptr_t garbage = (static_cast<intptr_t>(1 - oparg) * 2 - start) / 2;
  for (intptr_t slack = -2; slack <= 2; ++slack) {
    const auto index = static_cast<int32_t>(garbage - 1 + slack);
    if (index >= 0 && index < static_cast<int32_t>(codeSize(code))) return true;
  }
  return false;
}

std::optional<ReraiseSite> findUncoveredReraise(PyCodeObject* code) {
  // co_code has plain opcodes and zeros for caches, so that every unit can be looked at.
  PyObject* bytes = PyCode_GetCode(code);
  if (bytes == nullptr) {
    PyErr_Clear();
    return std::nullopt;
  }
  const auto* units = reinterpret_cast<const uint8_t*>(PyBytes_AS_STRING(bytes));
  std::optional<ReraiseSite> site;
  for (uint32_t offset = 0; offset < codeSize(code) && !site; ++offset) {
    if (units[offset * 2] == RERAISE && !findHandler(code, offset)) {
      site = ReraiseSite{offset, units[offset * 2 + 1] != 0};
    }
  }
  Py_DECREF(bytes);
  return site;
}

bool isReturnConst(PyCodeObject* code, uint32_t offset) {
  const int opcode = instructionAt(code, offset)->op.code;
  if (opcode != INSTRUMENTED_LINE && opcode != INSTRUMENTED_INSTRUCTION) {
    return opcode == RETURN_CONST || opcode == INSTRUMENTED_RETURN_CONST;
  }
  // Where the original opcode is kept differs between patch releases.
  PyObject* bytes = PyCode_GetCode(code);
  if (bytes == nullptr) {
    PyErr_Clear();
    return false;
  }
  const bool is = static_cast<uint8_t>(PyBytes_AS_STRING(bytes)[offset * 2]) == RETURN_CONST;
  Py_DECREF(bytes);
  return is;
}

bool foreignToolsWatch(PyCodeObject* code) {
  if (code->_co_monitoring == nullptr) return false;
  for (uint8_t tools : code->_co_monitoring->local_monitors.tools) {
    if (tools & ~(1U << kToolId)) return true;
  }
  return false;
}

bool entersPythonFrame(PyCodeObject* code, uint32_t offset, PyObject* firstInput) {
  switch (instructionAt(code, offset)->op.code) {
  case SEND: return firstInput != nullptr && (PyGen_CheckExact(firstInput) || PyCoro_CheckExact(firstInput));
  case BINARY_SUBSCR_GETITEM:
  case LOAD_ATTR_PROPERTY:
  case LOAD_ATTR_GETATTRIBUTE_OVERRIDDEN:
  case FOR_ITER_GEN:
  case SEND_GEN: return true;
  default: return false;
  }
}

int32_t raiseOffset(uint32_t offset, uint32_t nextOffset, bool enteredFrame, PyObject* exception) {
  // An exception from the callee's frame has been there; one from binding its arguments has no traceback yet.
  const bool fromFrame = reinterpret_cast<PyBaseExceptionObject*>(exception)->traceback != nullptr;
  const bool inner = fromFrame && enteredFrame;
  return static_cast<int32_t>(inner ? offset : nextOffset) - 1;
}

void tellException(PyThreadState* tstate, Frame* frame, ExceptionEvent event, int32_t offset) {
  struct Row {
    int number;
    int (*fire)(PyMonitoringState*, PyObject*, int32_t);
  };
  static constexpr Row kRows[] = {
      {PY_MONITORING_EVENT_RAISE, _PyMonitoring_FireRaiseEvent},
      {PY_MONITORING_EVENT_EXCEPTION_HANDLED, _PyMonitoring_FireExceptionHandledEvent},
      {PY_MONITORING_EVENT_PY_UNWIND, _PyMonitoring_FirePyUnwindEvent},
  };
  const Row& row = kRows[static_cast<size_t>(event)];
  const uint8_t tools = tstate->interp->monitors.tools[row.number];
  if (tools == 0 || tstate->tracing != 0 || (codeOf(frame)->co_flags & CO_NO_MONITORING_EVENTS) != 0) return;
  PyMonitoringState state = {tools, 0};
  // A callback that raises replaces the exception.
  row.fire(&state, frame->f_executable, offset * static_cast<int32_t>(sizeof(_Py_CODEUNIT)));
}

namespace {

using AssignSubscript = int (*)(PyObject*, PyObject*, PyObject*);
AssignSubscript originalAssign = nullptr;
LocalsWriteObserver localsObserver = {};

int assignThroughProxy(PyObject* self, PyObject* key, PyObject* value) {
  Frame* frame = reinterpret_cast<PyFrameLocalsProxyObject*>(self)->frame->f_frame;
  if (frame->stacktop != kNativeStackTop) return originalAssign(self, key, value);
  // Native code holds borrowed references to the slots' values: keep them while CPython replaces one.
  const int count = codeOf(frame)->co_nlocalsplus;
  std::vector<PyObject*> before(frame->localsplus, frame->localsplus + count);
  for (PyObject* object : before) Py_XINCREF(object);
  const int status = originalAssign(self, key, value);
  for (int slot = 0; slot < count; ++slot) {
    if (frame->localsplus[slot] != before[slot]) {
      localsObserver.wrote(frame, slot, before[slot], frame->localsplus[slot]);
    }
  }
  for (PyObject* object : before) Py_XDECREF(object);
  return status;
}

}  // namespace

void installLocalsHook(LocalsWriteObserver observer) {
  localsObserver = observer;
  if (originalAssign != nullptr) return;
  PyMappingMethods* mapping = PyFrameLocalsProxy_Type.tp_as_mapping;
  originalAssign = mapping->mp_ass_subscript;
  mapping->mp_ass_subscript = assignThroughProxy;
  // proxy.__setitem__ is a wrapper that captured the slot when the type was made ready.
  PyObject* dict = PyFrameLocalsProxy_Type.tp_dict != nullptr ? PyFrameLocalsProxy_Type.tp_dict
                                                              : PyType_GetDict(&PyFrameLocalsProxy_Type);
  for (const char* name : {"__setitem__", "__delitem__"}) {
    PyObject* wrapper = dict != nullptr ? PyDict_GetItemString(dict, name) : nullptr;
    if (wrapper == nullptr || !Py_IS_TYPE(wrapper, &PyWrapperDescr_Type)) continue;
    auto* descriptor = reinterpret_cast<PyWrapperDescrObject*>(wrapper);
    if (descriptor->d_wrapped == reinterpret_cast<void*>(originalAssign)) {
      descriptor->d_wrapped = reinterpret_cast<void*>(assignThroughProxy);
    }
  }
}

namespace {
const _func_version_cache_item* functionVersions = nullptr;
}

void learnFunctionVersions(PyFunctionObject* example) {
  // The interpreter does so behind each `def`.
  const auto* code = reinterpret_cast<PyCodeObject*>(example->func_code);
  if (example->func_version == 0) _PyFunction_SetVersion(example, code->co_version);
  // Where this patch release has it at another place than the headers say, the example is not there.
  const _func_version_cache_item* items = PyInterpreterState_Get()->func_state.func_version_cache;
  const uint32_t version = example->func_version;
  const _func_version_cache_item& item = items[version % FUNC_VERSION_CACHE_SIZE];
  if (version != 0 && item.func == example && item.code == example->func_code) functionVersions = items;
}

PyFunctionObject* functionOfVersion(uint32_t version) {
  if (functionVersions == nullptr || version == 0) return nullptr;
  PyFunctionObject* func = functionVersions[version % FUNC_VERSION_CACHE_SIZE].func;
  return func != nullptr && func->func_version == version ? func : nullptr;
}

}  // namespace martlet::vm::port
