// SPDX-License-Identifier: MIT
#include "vm/cpython_3_13/iterators.h"

#include "vm/ref.h"

namespace martlet::vm::port {
namespace {

/// An iterator that has given one item; NULL where it is not of a class that has at least these fields.
template <class T>
T* begun(const Ref& iterator, const PyTypeObject& type) {
  if (!iterator || Py_TYPE(iterator.get()) != &type) return nullptr;
  if (type.tp_basicsize < static_cast<Py_ssize_t>(sizeof(T)) || type.tp_itemsize != 0) return nullptr;
  const Ref item = Ref::steal(type.tp_iternext(iterator.get()));
  return item ? reinterpret_cast<T*>(iterator.get()) : nullptr;
}

bool isAsExpected(const DictIterator* it, PyObject* dict) {
  return it != nullptr && reinterpret_cast<PyObject*>(it->dict) == dict && it->used == 2 && it->position == 1 &&
         it->left == 1;
}

bool dictsAre(PyObject* dict) {
  const Ref keys = Ref::steal(PyObject_GetIter(dict));
  const Ref view = Ref::steal(PyObject_CallMethod(dict, "items", nullptr));
  const Ref items = view ? Ref::steal(PyObject_GetIter(view.get())) : Ref();
  const auto* ofKeys = begun<DictIterator>(keys, PyDictIterKey_Type);
  const auto* ofItems = begun<DictIterator>(items, PyDictIterItem_Type);
  return isAsExpected(ofKeys, dict) && ofKeys->pair == nullptr && isAsExpected(ofItems, dict) &&
         ofItems->pair != nullptr && PyTuple_CheckExact(ofItems->pair) &&
         PyDictIterValue_Type.tp_basicsize == PyDictIterKey_Type.tp_basicsize;
}

bool setsAre(PyObject* dict) {
  const Ref set = Ref::steal(PySet_New(dict));
  const Ref iterator = set ? Ref::steal(PyObject_GetIter(set.get())) : Ref();
  const auto* it = begun<SetIterator>(iterator, PySetIter_Type);
  return it != nullptr && reinterpret_cast<PyObject*>(it->set) == set.get() && it->used == 2 && it->position > 0 &&
         it->left == 1;
}

bool listsAre(PyObject* dict) {
  const Ref list = Ref::steal(PyDict_Keys(dict));
  const Ref reversed = list ? Ref::steal(PyObject_CallMethod(list.get(), "__reversed__", nullptr)) : Ref();
  const auto* it = begun<ReverseIterator>(reversed, PyListRevIter_Type);
  return it != nullptr && reinterpret_cast<PyObject*>(it->list) == list.get() && it->index == 0;
}

bool tuplesAre(PyObject* dict) {
  const Ref numbered = Ref::steal(PyObject_CallOneArg(reinterpret_cast<PyObject*>(&PyEnum_Type), dict));
  const Ref zipped =
      Ref::steal(PyObject_CallFunctionObjArgs(reinterpret_cast<PyObject*>(&PyZip_Type), dict, dict, nullptr));
  const auto* enumeration = begun<Enumeration>(numbered, PyEnum_Type);
  const auto* zip = begun<Zip>(zipped, PyZip_Type);
  return enumeration != nullptr && enumeration->index == 1 && enumeration->iterator != nullptr &&
         Py_IS_TYPE(enumeration->iterator, &PyDictIterKey_Type) && enumeration->pair != nullptr &&
         PyTuple_CheckExact(enumeration->pair) && zip != nullptr && zip->count == 2 && zip->iterators != nullptr &&
         PyTuple_CheckExact(zip->iterators) && PyTuple_GET_SIZE(zip->iterators) == 2 && zip->last != nullptr &&
         PyTuple_CheckExact(zip->last);
}

}  // namespace

bool iteratorsAreAsExpected() {
  const Ref dict = Ref::steal(PyDict_New());
  const Ref numbers[] = {Ref::steal(PyLong_FromLong(0)), Ref::steal(PyLong_FromLong(1))};
  for (const Ref& number : numbers) {
    if (!dict || !number || PyDict_SetItem(dict.get(), number.get(), number.get()) < 0) return false;
  }
  return dictsAre(dict.get()) && setsAre(dict.get()) && listsAre(dict.get()) && tuplesAre(dict.get());
}

}  // namespace martlet::vm::port
