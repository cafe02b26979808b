// SPDX-License-Identifier: MIT
// Helpers: generic unary and binary operators, comparison, membership, string building in place. Must not know: HIR,
// LLVM.
#include <cmath>
#include <cstring>

#include "vm/runtime/class_operators.h"
#include "vm/runtime/held.h"
#include "vm/runtime/leave.h"
#include "vm/runtime/runtime.h"

using namespace martlet::vm;

namespace {

bool isNumber(PyObject* object) {
  return PyLong_CheckExact(object) || PyFloat_CheckExact(object) || PyBool_Check(object);
}

/// True if an object is equal to itself only. None's class has a comparison of its own that says the same.
bool comparesByIdentity(PyObject* object) {
  return Py_IsNone(object) || Py_TYPE(object)->tp_richcompare == PyBaseObject_Type.tp_richcompare;
}

/// As bytes_concat() in CPython, of exact bytes: without buffers, and without asking either operand for a slot that
/// it has not.
PyObject* concatBytes(PyObject* a, PyObject* b) {
  const Py_ssize_t left = PyBytes_GET_SIZE(a), right = PyBytes_GET_SIZE(b);
  if (left == 0) return Py_NewRef(b);
  if (right == 0) return Py_NewRef(a);
  if (left > PY_SSIZE_T_MAX - right) return PyErr_NoMemory();
  PyObject* result = PyBytes_FromStringAndSize(nullptr, left + right);
  if (result == nullptr) return nullptr;
  std::memcpy(PyBytes_AS_STRING(result), PyBytes_AS_STRING(a), static_cast<size_t>(left));
  std::memcpy(PyBytes_AS_STRING(result) + left, PyBytes_AS_STRING(b), static_cast<size_t>(right));
  return result;
}

/// An operator whose left operand may be of a Python class with a method for it.
[[gnu::noinline]] PyObject* operateByClass(PyThreadState* tstate, int64_t borrowed, PyObject* a, PyObject* b,
                                           int64_t oparg) {
  return leaveChecked(tstate, holding(borrowed, {a, b}, [&] {
                        PyObject* method = operatorMethod(a, b, oparg);
                        return method != nullptr ? operateByMethod(tstate, method, a, b, oparg)
                                                 : _PyEval_BinaryOps[oparg](a, b);
                      }));
}

}  // namespace

extern "C" {

PyObject* rt_binary_op_quiet(PyObject* a, PyObject* b, int64_t oparg) {
  if (!isNumber(a) || !isNumber(b)) return letInterpreterDoIt();
  return _PyEval_BinaryOps[oparg](a, b);
}

bool rt_compare_quiet(PyObject* a, PyObject* b, int64_t comparison, int64_t* result) {
  if (comparesByIdentity(a) && comparesByIdentity(b) && (comparison == Py_EQ || comparison == Py_NE)) {
    *result = (a == b) == (comparison == Py_EQ);
    return true;
  }
  const bool areStrings = PyUnicode_CheckExact(a) && PyUnicode_CheckExact(b);
  if (!areStrings && (!isNumber(a) || !isNumber(b))) return false;
  PyObject* answer = PyObject_RichCompare(a, b, static_cast<int>(comparison));
  if (answer == nullptr) PyErr_Clear();  // out of memory
  *result = answer == Py_True;
  return answer != nullptr;
}

PyObject* rt_unary_negative(PyThreadState* tstate, int64_t borrowed, PyObject* object) {
  return leaveChecked(tstate, holding(borrowed, {object}, [&] { return PyNumber_Negative(object); }));
}

PyObject* rt_unary_invert(PyThreadState* tstate, int64_t borrowed, PyObject* object) {
  return leaveChecked(tstate, holding(borrowed, {object}, [&] { return PyNumber_Invert(object); }));
}

PyObject* rt_binary_op(PyThreadState* tstate, int64_t borrowed, PyObject* a, PyObject* b, int64_t oparg) {
  const bool isAddition = oparg == NB_ADD || oparg == NB_INPLACE_ADD;
  if (isAddition && PyBytes_CheckExact(a) && PyBytes_CheckExact(b)) return concatBytes(a, b);
  if (mayHaveOperatorMethod(a, oparg)) return operateByClass(tstate, borrowed, a, b, oparg);
  return leaveChecked(tstate, holding(borrowed, {a, b}, [&] { return _PyEval_BinaryOps[oparg](a, b); }));
}

PyObject* rt_concat_str(PyThreadState* tstate, int64_t borrowed, PyObject* a, PyObject* b) {
  if (PyUnicode_CheckExact(a) && PyUnicode_CheckExact(b)) return PyUnicode_Concat(a, b);
  return rt_binary_op(tstate, borrowed, a, b, tstate->current_frame->instr_ptr->op.arg);
}

PyObject* rt_concat_local(PyThreadState*, Frame* frame, int64_t slot, PyObject* right) {
  PyObject** local = &frame->localsplus[slot];
  PyObject* left = *local;
  if (PyUnicode_CheckExact(left) && PyUnicode_CheckExact(right)) {
    // The slot's reference is consumed, so that a string that nobody else holds grows in place. As in the interpreter,
    // the local is unbound where memory runs out.
    Py_INCREF(right);  // in `s += s` both may hang on the slot's one reference
    PyUnicode_Append(local, right);
    Py_DECREF(right);
    return *local;
  }
  // Not what was seen before: the instruction that runs says whether it is `a + b` or `a += b`.
  PyObject* result = holding(1, {left}, [&] { return _PyEval_BinaryOps[frame->instr_ptr->op.arg](left, right); });
  if (result == nullptr) return nullptr;
  PyObject* old = *local;  // the operator may have rebound the local
  *local = result;
  Py_XDECREF(old);
  return result;
}

PyObject* rt_compare_op(PyThreadState* tstate, int64_t borrowed, PyObject* a, PyObject* b, int64_t oparg) {
  constexpr int64_t kToBool = 16;
  PyObject* result =
      holding(borrowed, {a, b}, [&] { return PyObject_RichCompare(a, b, static_cast<int>(oparg >> 5)); });
  if (result != nullptr && (oparg & kToBool) != 0) {
    const int truth = PyObject_IsTrue(result);
    Py_DECREF(result);
    if (truth < 0) return nullptr;
    result = truth != 0 ? Py_True : Py_False;
  }
  return leaveChecked(tstate, result);
}

int rt_contains(PyThreadState* tstate, int64_t borrowed, PyObject* item, PyObject* container) {
  return leaveCheckedByArgument(tstate, tstate->current_frame, holding(borrowed, {item, container}, [&] {
                                  return PySequence_Contains(container, item);
                                }));
}

int rt_contains_dict(PyThreadState* tstate, int64_t borrowed, PyObject* item, PyObject* container) {
  if (!PyDict_CheckExact(container)) return rt_contains(tstate, borrowed, item, container);
  return leaveCheckedByArgument(tstate, tstate->current_frame,
                                holding(borrowed, {item, container}, [&] { return PyDict_Contains(container, item); }));
}

int rt_contains_set(PyThreadState* tstate, int64_t borrowed, PyObject* item, PyObject* container) {
  if (!PyAnySet_CheckExact(container)) return rt_contains(tstate, borrowed, item, container);
  return leaveCheckedByArgument(tstate, tstate->current_frame, holding(borrowed, {item, container}, [&] {
                                  return _PySet_Contains(reinterpret_cast<PySetObject*>(container), item);
                                }));
}

// As float_floor_div() and float_rem() of CPython, operation by operation.
double rt_float_floor_div(double a, double b) {
  const double remainder = std::fmod(a, b);
  double quotient = (a - remainder) / b;
  if (remainder != 0 && (b < 0) != (remainder < 0)) quotient -= 1;
  if (quotient == 0) return std::copysign(0.0, a / b);
  const double floor = std::floor(quotient);
  return quotient - floor > 0.5 ? floor + 1 : floor;
}

double rt_float_mod(double a, double b) {
  const double remainder = std::fmod(a, b);
  if (remainder == 0) return std::copysign(0.0, b);
  return (b < 0) != (remainder < 0) ? remainder + b : remainder;
}

// The other powers are complex, errors, or have rules of their own: the interpreter knows them.
bool rt_float_pow(double base, double exponent, double* result) {
  *result = 0;
  if (base == 0 || !std::isfinite(base) || !std::isfinite(exponent)) return false;
  if (base < 0 && exponent != std::floor(exponent)) return false;
  const bool negative = base < 0 && std::fmod(std::fabs(exponent), 2.0) == 1.0;
  const double power = std::pow(std::fabs(base), exponent);
  *result = negative ? -power : power;
  return power > 0 && std::isfinite(power);
}

}  // extern "C"
