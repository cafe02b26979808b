// SPDX-License-Identifier: MIT
#include "vm/runtime/class_operators.h"

#include <iterator>

#include "vm/runtime/class_functions.h"

namespace martlet::vm {
namespace {

/// One operator with its in-place form. `plain` and `inPlace` are members of PyNumberMethods.
struct Operator {
  int plainArgument, inPlaceArgument;
  binaryfunc PyNumberMethods::* plain;
  binaryfunc PyNumberMethods::* inPlace;
  const char *method, *sign, *inPlaceSign;
};

using Numbers = PyNumberMethods;
constexpr Operator kOperators[] = {
    {NB_ADD, NB_INPLACE_ADD, &Numbers::nb_add, &Numbers::nb_inplace_add, "__add__", "+", "+="},
    {NB_AND, NB_INPLACE_AND, &Numbers::nb_and, &Numbers::nb_inplace_and, "__and__", "&", "&="},
    {NB_FLOOR_DIVIDE, NB_INPLACE_FLOOR_DIVIDE, &Numbers::nb_floor_divide, &Numbers::nb_inplace_floor_divide,
     "__floordiv__", "//", "//="},
    {NB_LSHIFT, NB_INPLACE_LSHIFT, &Numbers::nb_lshift, &Numbers::nb_inplace_lshift, "__lshift__", "<<", "<<="},
    {NB_MATRIX_MULTIPLY, NB_INPLACE_MATRIX_MULTIPLY, &Numbers::nb_matrix_multiply, &Numbers::nb_inplace_matrix_multiply,
     "__matmul__", "@", "@="},
    {NB_MULTIPLY, NB_INPLACE_MULTIPLY, &Numbers::nb_multiply, &Numbers::nb_inplace_multiply, "__mul__", "*", "*="},
    {NB_REMAINDER, NB_INPLACE_REMAINDER, &Numbers::nb_remainder, &Numbers::nb_inplace_remainder, "__mod__", "%", "%="},
    {NB_OR, NB_INPLACE_OR, &Numbers::nb_or, &Numbers::nb_inplace_or, "__or__", "|", "|="},
    {NB_RSHIFT, NB_INPLACE_RSHIFT, &Numbers::nb_rshift, &Numbers::nb_inplace_rshift, "__rshift__", ">>", ">>="},
    {NB_SUBTRACT, NB_INPLACE_SUBTRACT, &Numbers::nb_subtract, &Numbers::nb_inplace_subtract, "__sub__", "-", "-="},
    {NB_TRUE_DIVIDE, NB_INPLACE_TRUE_DIVIDE, &Numbers::nb_true_divide, &Numbers::nb_inplace_true_divide, "__truediv__",
     "/", "/="},
    {NB_XOR, NB_INPLACE_XOR, &Numbers::nb_xor, &Numbers::nb_inplace_xor, "__xor__", "^", "^="},
};

/// What an operator needs at run time, by the instruction's argument. Powers are not there: they take three operands.
struct Known {
  const Operator* op;
  PyObject *name, *reflectedName;  ///< interned
};
Known known[kOperatorArguments];

/// A sequence may have another way to add or multiply.
bool isSequence(const PyTypeObject* type) {
  const PySequenceMethods* methods = type->tp_as_sequence;
  return methods != nullptr && (methods->sq_concat != nullptr || methods->sq_repeat != nullptr ||
                                methods->sq_inplace_concat != nullptr || methods->sq_inplace_repeat != nullptr);
}

/// A class's function for an operator, or NULL.
binaryfunc functionOf(const PyTypeObject* type, const Known& entry) {
  return type->tp_as_number != nullptr ? type->tp_as_number->*entry.op->plain : nullptr;
}

/// What a class's slot function does for its right operand.
PyObject* callReflected(const Known& entry, PyObject* a, PyObject* b) {
  PyObject* method = _PyObject_LookupSpecial(b, entry.reflectedName);
  if (method == nullptr) return PyErr_Occurred() ? nullptr : Py_NotImplemented;  // immortal
  PyObject* result = PyObject_CallOneArg(method, a);
  Py_DECREF(method);
  return result;
}

PyObject* refuse(const Known& entry, PyObject* a, PyObject* b, int64_t oparg) {
  PyErr_Format(PyExc_TypeError, "unsupported operand type(s) for %.100s: '%.100s' and '%.100s'",
               oparg == entry.op->plainArgument ? entry.op->sign : entry.op->inPlaceSign, Py_TYPE(a)->tp_name,
               Py_TYPE(b)->tp_name);
  return nullptr;
}

/// Where a member of PyNumberMethods is.
size_t offsetOf(binaryfunc PyNumberMethods::* member) {
  static const PyNumberMethods example = {};
  return static_cast<size_t>(reinterpret_cast<const char*>(&(example.*member)) -
                             reinterpret_cast<const char*>(&example));
}

}  // namespace

OperatorSlot operatorSlots[kOperatorArguments];

bool findOperatorSlots() {
  PyObject* example = PyObject_CallFunction(reinterpret_cast<PyObject*>(&PyType_Type), "s(){}", "martlet_example");
  bool good = example != nullptr;
  for (const Operator& op : kOperators) {
    PyObject* name = good ? PyUnicode_InternFromString(op.method) : nullptr;
    PyObject* reflected = good ? PyUnicode_FromFormat("__r%s", op.method + 2) : nullptr;
    good = name != nullptr && reflected != nullptr && PyObject_SetAttr(example, name, Py_None) == 0;
    if (!good) break;
    PyUnicode_InternInPlace(&reflected);
    const binaryfunc slot = reinterpret_cast<PyTypeObject*>(example)->tp_as_number->*op.plain;
    known[op.plainArgument] = known[op.inPlaceArgument] = {&op, name, reflected};
    operatorSlots[op.plainArgument] = operatorSlots[op.inPlaceArgument] = {offsetOf(op.plain), slot};
  }
  Py_XDECREF(example);
  return good;
}

PyObject* operatorMethod(PyObject* a, PyObject* b, int64_t oparg) {
  PyTypeObject* type = Py_TYPE(a);
  const Known& entry = known[oparg];
  if (entry.op == nullptr || !mayHaveOperatorMethod(a, oparg) || isSequence(type)) return nullptr;
  if (oparg == entry.op->inPlaceArgument && type->tp_as_number->*entry.op->inPlace != nullptr) return nullptr;
  // The right operand comes first where its class is derived from the left one's.
  PyTypeObject* other = Py_TYPE(b);
  if (other != type && (isSequence(other) || PyType_IsSubtype(other, type))) return nullptr;
  return ofClass(a, entry.name);
}

PyObject* operateByMethod(PyThreadState* tstate, PyObject* method, PyObject* a, PyObject* b, int64_t oparg) {
  const Known& entry = known[oparg];
  // The method may give an operand another class: what is asked next is settled before.
  const binaryfunc reflected = Py_TYPE(b) != Py_TYPE(a) ? functionOf(Py_TYPE(b), entry) : nullptr;
  PyObject* result = callOfClass(tstate, method, {a, b});
  if (result == Py_NotImplemented && reflected != nullptr) {  // immortal
    result = reflected == operatorSlots[oparg].ofMethod ? callReflected(entry, a, b) : reflected(a, b);
  }
  return result != Py_NotImplemented ? result : refuse(entry, a, b, oparg);
}

}  // namespace martlet::vm
