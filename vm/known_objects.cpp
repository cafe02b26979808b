// SPDX-License-Identifier: MIT
#include "vm/known_objects.h"

#include <cstring>
#include <string_view>
#include <unordered_map>

namespace martlet::vm {
namespace {

PyTypeObject* classOf(std::string_view name) {
  if (name == "bool") return &PyBool_Type;
  if (name == "bytes") return &PyBytes_Type;
  if (name == "dict") return &PyDict_Type;
  if (name == "enumerate") return &PyEnum_Type;
  if (name == "float") return &PyFloat_Type;
  if (name == "int") return &PyLong_Type;
  if (name == "list") return &PyList_Type;
  if (name == "range") return &PyRange_Type;
  if (name == "ref") return &_PyWeakref_RefType;
  if (name == "set") return &PySet_Type;
  if (name == "str") return &PyUnicode_Type;
  if (name == "tuple") return &PyTuple_Type;
  return name == "zip" ? &PyZip_Type : nullptr;
}

/// Methods by descriptor and classes by themselves.
std::unordered_map<const void*, KnownCallable> findClassesAndMethods() {
  std::unordered_map<const void*, KnownCallable> found;
  for (int i = 0; i < static_cast<int>(KnownCallable::kCount); ++i) {
    const auto callable = static_cast<KnownCallable>(i);
    const KnownInfo& row = info(callable);
    if (PyTypeObject* owner = classOf(row.owner)) {
      PyObject* methods = PyType_GetDict(owner);
      PyObject* method = PyDict_GetItemString(methods, row.attribute);
      if (method != nullptr && Py_IS_TYPE(method, &PyMethodDescr_Type)) found[method] = callable;
      Py_DECREF(methods);
    } else if (PyTypeObject* type = classOf(row.attribute)) {
      found[type] = callable;
    }
  }
  return found;
}

const auto& classesAndMethods() {
  static const auto& found = *new std::unordered_map<const void*, KnownCallable>(findClassesAndMethods());
  return found;
}

}  // namespace

std::optional<KnownCallable> knownMethod(const void* address, uint32_t version) {
  const auto found = classesAndMethods().find(address);
  if (found == classesAndMethods().end()) return std::nullopt;
  const PyTypeObject* owner = classOf(info(found->second).owner);
  return owner != nullptr && owner->tp_version_tag == version ? std::optional(found->second) : std::nullopt;
}

std::optional<KnownCallable> knownCallable(PyObject* object) {
  if (!PyCFunction_CheckExact(object)) {
    const auto found = classesAndMethods().find(object);
    return found != classesAndMethods().end() ? std::optional(found->second) : std::nullopt;
  }
  const auto* function = reinterpret_cast<PyCFunctionObject*>(object);
  if (function->m_self == nullptr || !PyModule_CheckExact(function->m_self)) return std::nullopt;
  const PyModuleDef* module = PyModule_GetDef(function->m_self);
  if (module == nullptr) return std::nullopt;
  for (int i = 0; i < static_cast<int>(KnownCallable::kCount); ++i) {
    const KnownInfo& row = info(static_cast<KnownCallable>(i));
    if (std::strcmp(row.attribute, function->m_ml->ml_name) != 0) continue;
    if (std::strcmp(row.owner, module->m_name) == 0) return static_cast<KnownCallable>(i);
  }
  return std::nullopt;
}

}  // namespace martlet::vm
