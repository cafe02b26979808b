// SPDX-License-Identifier: MIT
// Inline helpers: reference counts, frame slots, cells. Also compiled to bitcode. Must not know: HIR, LLVM.
#include <utility>

#include "vm/runtime/inline.h"

using namespace martlet::vm;

extern "C" {

MARTLET_ALWAYS_INLINE void rt_incref(PyObject* object) {
  retain(object);
}

MARTLET_ALWAYS_INLINE void rt_xincref(PyObject* object) {
  if (object != nullptr) retain(object);
}

MARTLET_ALWAYS_INLINE void rt_decref(PyObject* object) {
  release(object);
}

MARTLET_ALWAYS_INLINE void rt_xdecref(PyObject* object) {
  if (object != nullptr) release(object);
}

MARTLET_ALWAYS_INLINE bool rt_drop(PyObject* object) {
  return !_Py_IsImmortal(object) && --object->ob_refcnt == 0;
}

MARTLET_ALWAYS_INLINE bool rt_xdrop(PyObject* object) {
  return object != nullptr && rt_drop(object);
}

MARTLET_ALWAYS_INLINE PyObject* rt_load_local(Frame* frame, int64_t slot) {
  return frame->localsplus[slot];
}

MARTLET_ALWAYS_INLINE void rt_store_local(Frame* frame, int64_t slot, PyObject* value) {
  frame->localsplus[slot] = value;
}

MARTLET_ALWAYS_INLINE void rt_sync_local(Frame* frame, int64_t slot, PyObject* value) {
  PyObject* old = frame->localsplus[slot];
  frame->localsplus[slot] = value;
  if (old != nullptr) release(old);
}

MARTLET_ALWAYS_INLINE void rt_copy_local(Frame* frame, int64_t slot, int64_t source, bool isDirty) {
  if (!isDirty) rt_sync_local(frame, slot, Py_XNewRef(frame->localsplus[source]));
}

MARTLET_ALWAYS_INLINE PyObject* rt_take_local(Frame* frame, int64_t slot, bool isDirty) {
  return isDirty ? nullptr : std::exchange(frame->localsplus[slot], nullptr);
}

MARTLET_ALWAYS_INLINE void rt_set_instruction(Frame* frame, int64_t offset) {
  frame->instr_ptr = _PyCode_CODE(reinterpret_cast<PyCodeObject*>(frame->f_executable)) + offset;
}

MARTLET_ALWAYS_INLINE void rt_suspend_frame(Frame* frame, int64_t offset, int64_t stackTop) {
  rt_set_instruction(frame, offset);
  frame->stacktop = static_cast<int>(stackTop);
}

MARTLET_ALWAYS_INLINE bool rt_frame_has_globals(Frame* frame, PyObject* globals, PyObject* builtins) {
  return frame->f_globals == globals && frame->f_builtins == builtins;
}

MARTLET_ALWAYS_INLINE bool rt_frame_is_seen(Frame* frame) {
  return frame->frame_obj != nullptr && Py_REFCNT(frame->frame_obj) > 1;
}

MARTLET_ALWAYS_INLINE bool rt_safepoint_pending(PyThreadState* tstate) {
  return leavePending(tstate);
}

PyObject* rt_load_closure(Frame* frame, int64_t index) {
  PyObject* closure = reinterpret_cast<PyFunctionObject*>(frame->f_funcobj)->func_closure;
  return Py_NewRef(PyTuple_GET_ITEM(closure, index));
}

PyObject* rt_load_deref(PyThreadState* tstate, Frame* frame, PyObject* cell, int64_t slot) {
  PyObject* value = reinterpret_cast<PyCellObject*>(cell)->ob_ref;
  if (value == nullptr) [[unlikely]]
    return rt_cold_unbound_deref(tstate, frame, slot);
  retain(value);
  return value;
}

PyObject* rt_cell_content(PyObject* cell) {
  return Py_XNewRef(reinterpret_cast<PyCellObject*>(cell)->ob_ref);
}

void rt_store_deref(PyObject* cell, PyObject* value) {
  auto* holder = reinterpret_cast<PyCellObject*>(cell);
  PyObject* old = holder->ob_ref;
  holder->ob_ref = Py_XNewRef(value);
  if (old != nullptr) release(old);  // last: it may run code that looks into the cell
}

}  // extern "C"
