// SPDX-License-Identifier: MIT
// A shared object with every helper, for helpers_test.py to call through ctypes. Owns: a stand-in for vm's half of the
// leave protocol. Must not know: HIR, LLVM.
#include <cstring>

#include "vm/cpython_3_13/containers.h"
#include "vm/runtime/helper_table.h"
#include "vm/runtime/leave.h"
#include "vm/runtime/runtime.h"
#include "vm/runtime/singletons.h"

#define EXPORT __attribute__((visibility("default")))

using martlet::vm::LeaveState;

extern "C" {

uintptr_t martlet_expected_breaker;
LeaveState martlet_leave_state;
PyThreadState* martlet_interpreting_thread;
EXPORT int test_park;    ///< what vm decides when asked
EXPORT int test_checks;  ///< how often it was asked
EXPORT int test_calls;   ///< … behind a call

void martlet_memory_ran_out() {}
bool martlet_is_variable(PyObject* dict, PyObject*) {
  return !martlet::vm::port::isWatched(reinterpret_cast<PyDictObject*>(dict));
}
void martlet_caught(PyThreadState*, _PyInterpreterFrame*, bool) {}
PyObject* martlet_leave_check_object(PyThreadState*, PyObject* result, bool isCall) {
  ++test_checks;
  test_calls += isCall;
  if (test_park == 0) return result;
  martlet_leave_state = {LeaveState::ParkedObject, result, 0};
  return nullptr;
}

int martlet_leave_check_number(PyThreadState*, int result, bool isCall) {
  ++test_checks;
  test_calls += isCall;
  if (test_park == 0) return result;
  martlet_leave_state = {LeaveState::ParkedNumber, nullptr, result};
  return -1;
}

PyObject* martlet_leave_check_quiet(PyThreadState* tstate, PyObject* result) {
  return martlet_leave_check_object(tstate, result, true);
}

PyObject* martlet_call_function(PyThreadState*, PyObject* function, PyObject** args, size_t count, PyObject* names) {
  PyObject* result = PyObject_Vectorcall(function, args, count, names);
  const size_t all = count + (names != nullptr ? static_cast<size_t>(PyTuple_GET_SIZE(names)) : 0);
  Py_DECREF(function);
  for (size_t i = 0; i < all; ++i) Py_DECREF(args[i]);
  return result;
}

PyObject* martlet_call_remembered(PyThreadState* tstate, PyObject* function, PyObject** args, size_t count,
                                  martlet::vm::SiteCache*) {
  return martlet_call_function(tstate, function, args, count, nullptr);
}

void martlet_note_callee(PyObject*, martlet::vm::SiteCache*) {}

PyObject* martlet_call_at(PyThreadState* tstate, PyObject* function, PyObject** args, size_t count,
                          martlet::vm::SiteCache* cache) {
  PyObject* result = martlet_call_remembered(tstate, function, args, count, cache);
  martlet_leave_state.calledFunction = result == nullptr;
  return martlet::vm::leaveChecked(tstate, result, true);
}

int martlet_resume_generator(PyThreadState*, PyObject* generator, PyObject* argument, PyObject** result) {
  switch (PyIter_Send(generator, argument != nullptr ? argument : Py_None, result)) {
  case PYGEN_NEXT: return 1;
  case PYGEN_RETURN: return 0;
  default: return -1;
  }
}

int martlet_step_async_send(PyThreadState*, PyObject*, PyObject**) {
  return -1;
}

EXPORT int test_initialize() {
  return martlet::vm::initializeRuntime() && martlet::vm::findClassSlots() ? 0 : -1;
}
/// What vm tells the helpers.
EXPORT void test_usual_entry(PyObject* function) {
  martlet_singletons.usualEntries[0] = reinterpret_cast<PyFunctionObject*>(function)->vectorcall;
}
EXPORT const void* test_address(const char* symbol) {
  for (const auto& row : martlet::vm::helperAddresses()) {
    if (std::strcmp(row.symbol, symbol) == 0) return row.address;
  }
  return nullptr;
}
EXPORT void* test_tstate() {
  return PyThreadState_Get();
}
EXPORT void* test_frame() {
  return PyThreadState_Get()->current_frame;
}
/// Makes "must native code be left?" a question for vm, or not.
EXPORT void test_expect(int matching) {
  martlet_expected_breaker = matching ? PyThreadState_Get()->eval_breaker : ~static_cast<uintptr_t>(0);
}
EXPORT int test_leave_kind() {
  return martlet_leave_state.kind;
}
EXPORT int64_t test_leave_number() {
  return martlet_leave_state.number;
}
/// Takes the parked object, or None, and clears the state.
EXPORT PyObject* test_leave_take() {
  PyObject* object = martlet_leave_state.object != nullptr ? martlet_leave_state.object : Py_NewRef(Py_None);
  martlet_leave_state = {};
  return object;
}
EXPORT uint32_t test_type_version(PyObject* type) {
  return reinterpret_cast<PyTypeObject*>(type)->tp_version_tag;
}
EXPORT uint32_t test_keys_version(PyObject* dict) {
  return reinterpret_cast<PyDictObject*>(dict)->ma_keys->dk_version;
}
EXPORT uint32_t test_cached_keys_version(PyObject* type) {
  return reinterpret_cast<PyHeapTypeObject*>(type)->ht_cached_keys->dk_version;
}
EXPORT uint64_t test_dict_version(PyObject* dict) {
  return reinterpret_cast<PyDictObject*>(dict)->ma_version_tag;
}
EXPORT int test_has_inline_values(PyObject* object) {
  return _PyObject_InlineValues(object)->valid && _PyObject_GetManagedDict(object) == nullptr;
}
EXPORT void test_find_array_type() {
  martlet::vm::findArrayType();
}
EXPORT int test_found_everything() {
  return martlet_singletons.dictVersion != nullptr &&
         martlet_singletons.floatFreelist == &PyInterpreterState_Get()->object_state.freelists.floats;
}
/// The running frame's local slot, without a new reference.
EXPORT void* test_local(Frame* frame, int64_t slot) {
  return frame->localsplus[slot];
}
EXPORT PyObject* test_handled_exception() {
  PyObject* value = PyThreadState_Get()->exc_info->exc_value;
  return Py_NewRef(value != nullptr ? value : Py_None);
}
/// What native code does behind a call that failed with `raised`.
EXPORT PyObject* test_catch(Frame* frame, int64_t offset, PyObject* raised) {
  PyErr_SetObject(PyExceptionInstance_Class(raised), raised);
  PyObject* caught = rt_catch_exception(PyThreadState_Get(), frame, offset);
  if (caught == nullptr) PyErr_Clear();
  return caught != nullptr ? caught : Py_NewRef(Py_None);
}
EXPORT void* test_generator_frame(PyObject* generator) {
  return reinterpret_cast<PyGenObject*>(generator)->gi_iframe;
}
EXPORT int test_stack_top(Frame* frame) {
  return frame->stacktop;
}
EXPORT int64_t test_instruction(Frame* frame) {
  return frame->instr_ptr - _PyCode_CODE(reinterpret_cast<PyCodeObject*>(frame->f_executable));
}

}  // extern "C"
