// SPDX-License-Identifier: MIT
// The part of the port that is needed before anything is counted; the rest comes with the engine.
#include "vm/cpython_3_13/port.h"

#include <cstddef>
#include <cstring>

#include "internal/pycore_runtime.h"

namespace martlet::vm::port {

namespace {

bool refuse(const char* reason) {
  PyErr_Format(PyExc_RuntimeError, "martlet: cannot work in this interpreter: %s", reason);
  return false;
}

}  // namespace

bool layoutIsAsExpected() {
  const _Py_DebugOffsets& running = _PyRuntime.debug_offsets;
  if (std::memcmp(running.cookie, "xdebugpy", 8) != 0) return refuse("this interpreter publishes no structure offsets");
  if ((running.version ^ PY_VERSION_HEX) & 0xffff0000U) return refuse("this interpreter is not CPython 3.13");
  if (running.free_threaded) return refuse("this interpreter is a free-threaded build");
  struct Field {
    const char* name;
    uint64_t running;
    uint64_t compiled;
  };
  const Field fields[] = {
      {"_PyRuntimeState size", running.runtime_state.size, sizeof(_PyRuntimeState)},
      {"PyInterpreterState size", running.interpreter_state.size, sizeof(PyInterpreterState)},
      {"PyInterpreterState.gc", running.interpreter_state.gc, offsetof(PyInterpreterState, gc)},
      {"PyThreadState size", running.thread_state.size, sizeof(PyThreadState)},
      {"PyThreadState.current_frame", running.thread_state.current_frame, offsetof(PyThreadState, current_frame)},
      {"PyThreadState.datastack_chunk", running.thread_state.datastack_chunk, offsetof(PyThreadState, datastack_chunk)},
      {"_PyInterpreterFrame size", running.interpreter_frame.size, sizeof(Frame)},
      {"_PyInterpreterFrame.instr_ptr", running.interpreter_frame.instr_ptr, offsetof(Frame, instr_ptr)},
      {"_PyInterpreterFrame.localsplus", running.interpreter_frame.localsplus, offsetof(Frame, localsplus)},
      {"_PyInterpreterFrame.owner", running.interpreter_frame.owner, offsetof(Frame, owner)},
      {"PyCodeObject size", running.code_object.size, sizeof(PyCodeObject)},
      {"PyCodeObject.co_code_adaptive", running.code_object.co_code_adaptive, offsetof(PyCodeObject, co_code_adaptive)},
      {"PyTypeObject size", running.type_object.size, sizeof(PyTypeObject)},
      {"PyListObject size", running.list_object.size, sizeof(PyListObject)},
      {"PyDictObject size", running.dict_object.size, sizeof(PyDictObject)},
      {"PyDictObject.ma_values", running.dict_object.ma_values, offsetof(PyDictObject, ma_values)},
      {"PyFloatObject.ob_fval", running.float_object.ob_fval, offsetof(PyFloatObject, ob_fval)},
      {"PyLongObject.lv_tag", running.long_object.lv_tag, offsetof(PyLongObject, long_value.lv_tag)},
      {"PyLongObject.ob_digit", running.long_object.ob_digit, offsetof(PyLongObject, long_value.ob_digit)},
      {"gc state size", running.gc.size, sizeof(struct _gc_runtime_state)},
  };
  for (const Field& field : fields) {
    if (field.running != field.compiled) {
      PyErr_Format(
          PyExc_RuntimeError,
          "martlet: cannot work in this interpreter: %s is %llu in this interpreter and %llu in the headers that "
          "Martlet was built with",
          field.name, static_cast<unsigned long long>(field.running), static_cast<unsigned long long>(field.compiled));
      return false;
    }
  }
  return true;
}

bool foreignToolsActive(PyInterpreterState* interp) {
  for (uint8_t tools : interp->monitors.tools) {
    if (tools & ~(1U << kToolId)) return true;
  }
  return false;
}

}  // namespace martlet::vm::port
