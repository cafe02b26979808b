// SPDX-License-Identifier: MIT
#include "vm/argument_binding.h"

#include <algorithm>
#include <bit>

namespace martlet::vm {
namespace {

/// One call. What can fail comes first; references move when nothing can fail any more.
class Binding {
 public:
  Binding(const PyFunctionObject* func, PyObject* const* args, size_t count, PyObject* names, PyObject** bound)
      : func_(func), code_(reinterpret_cast<const PyCodeObject*>(func->func_code)), args_(args), count_(count),
        names_(names), named_(names != nullptr ? static_cast<size_t>(PyTuple_GET_SIZE(names)) : 0), bound_(bound),
        positional_(static_cast<size_t>(code_->co_argcount)),
        parameters_(positional_ + static_cast<size_t>(code_->co_kwonlyargcount)) {}

  bool bind() {
    const bool hasRest = (code_->co_flags & CO_VARARGS) != 0;
    const bool hasKeywords = (code_->co_flags & CO_VARKEYWORDS) != 0;
    if (parameters_ + 2 > kBound || (count_ > positional_ && !hasRest)) return false;
    // Volatile keeps the compiler from calling memcpy and memset: there are a handful of slots.
    auto* slots = const_cast<PyObject* volatile*>(bound_);
    const size_t placed = std::min(count_, positional_);
    for (size_t i = 0; i < placed; ++i) slots[i] = args_[i];
    if (placed != parameters_) {
      for (size_t i = placed; i < parameters_; ++i) slots[i] = nullptr;
      if (!findOthers(placed)) return false;
    } else if (named_ != 0 && !placeNames()) {
      return false;
    }
    PyObject* keywords = hasKeywords ? makeKeywords() : nullptr;
    const bool good = !hasKeywords || keywords != nullptr;
    PyObject* rest = hasRest && good ? makeRest() : nullptr;
    if (!good || (hasRest && rest == nullptr)) [[unlikely]] {
      Py_XDECREF(keywords);
      PyErr_Clear();
      return false;
    }
    takeReferences();
    PyObject** end = bound_ + parameters_;
    if (hasRest) *end++ = rest;
    if (hasKeywords) *end = keywords;
    return true;
  }

 private:
  /// The parameter of that name, or none. Both are interned.
  size_t parameterNamed(PyObject* name) const {
    PyObject* const* known = _PyTuple_ITEMS(code_->co_localsplusnames);
    auto at = static_cast<size_t>(code_->co_posonlyargcount);
    while (at < parameters_ && known[at] != name) ++at;
    return at;
  }

  /// What the positional arguments leave open.
  [[gnu::noinline]] bool findOthers(size_t placed) {
    return (named_ == 0 || placeNames()) && findDefaults(placed) && findKeywordDefaults();
  }

  [[gnu::noinline]] bool placeNames() {
    for (size_t i = 0; i < named_; ++i) {
      PyObject* name = PyTuple_GET_ITEM(names_, i);
      const size_t at = parameterNamed(name);
      if (at == parameters_) {
        // A string that is not interned may still be equal to a parameter's name, and one of a subclass runs code.
        const bool certain = PyUnicode_CheckExact(name) && PyUnicode_CHECK_INTERNED(name) != 0;
        if ((code_->co_flags & CO_VARKEYWORDS) == 0 || !certain) return false;
        ++others_;
      } else {
        if (bound_[at] != nullptr) return false;
        bound_[at] = args_[count_ + i];
      }
    }
    return true;
  }

  bool findDefaults(size_t placed) {
    PyObject* defaults = func_->func_defaults;
    const size_t given = defaults != nullptr ? static_cast<size_t>(PyTuple_GET_SIZE(defaults)) : 0;
    for (size_t i = placed; i < positional_; ++i) {
      if (bound_[i] != nullptr) continue;
      if (i + given < positional_) return false;
      setDefault(i, PyTuple_GET_ITEM(defaults, i + given - positional_));
    }
    return true;
  }

  bool findKeywordDefaults() {
    PyObject* defaults = func_->func_kwdefaults;
    for (size_t i = positional_; i < parameters_; ++i) {
      if (bound_[i] != nullptr) continue;
      // Other keys than strings may be compared by Python code.
      if (defaults == nullptr || !DK_IS_UNICODE(reinterpret_cast<PyDictObject*>(defaults)->ma_keys)) return false;
      PyObject* value = PyDict_GetItemWithError(defaults, PyTuple_GET_ITEM(code_->co_localsplusnames, i));
      if (value == nullptr) return false;
      setDefault(i, value);
    }
    return true;
  }

  void setDefault(size_t at, PyObject* value) {
    bound_[at] = value;
    defaults_ |= 1U << at;
  }

  /// The tuple of the arguments that are left over, which gets their references: nothing can fail behind it. NULL where
  /// there is no memory.
  PyObject* makeRest() const {
    if (count_ <= positional_) return reinterpret_cast<PyObject*>(&_Py_SINGLETON(tuple_empty));  // immortal
    PyObject* tuple = PyTuple_New(static_cast<Py_ssize_t>(count_ - positional_));
    for (size_t i = positional_; tuple != nullptr && i < count_; ++i) {
      PyTuple_SET_ITEM(tuple, i - positional_, args_[i]);
    }
    return tuple;
  }

  PyObject* makeKeywords() const {
    PyObject* dict = PyDict_New();
    if (dict == nullptr || others_ == 0 || fillKeywords(dict)) return dict;
    Py_DECREF(dict);
    return nullptr;
  }
  bool fillKeywords(PyObject* dict) const {
    for (size_t i = 0; i < named_; ++i) {
      PyObject* name = PyTuple_GET_ITEM(names_, i);
      if (parameterNamed(name) == parameters_ && PyDict_SetItem(dict, name, args_[count_ + i]) < 0) return false;
    }
    return true;
  }

  /// The slots get their references, the rests have theirs. Nobody loses the last one.
  void takeReferences() const {
    for (uint32_t bits = defaults_; bits != 0; bits &= bits - 1) Py_INCREF(bound_[std::countr_zero(bits)]);
    for (size_t i = 0; others_ != 0 && i < named_; ++i) {
      if (parameterNamed(PyTuple_GET_ITEM(names_, i)) == parameters_) Py_DECREF(args_[count_ + i]);
    }
  }

  const PyFunctionObject* func_;
  const PyCodeObject* code_;
  PyObject* const* args_;
  size_t count_;
  PyObject* names_;
  size_t named_;
  PyObject** bound_;
  size_t positional_;
  size_t parameters_;
  size_t others_ = 0;      ///< named arguments that belong to no parameter
  uint32_t defaults_ = 0;  ///< slots that have a default, borrowed so far
  static_assert(kBound <= 32);
};

}  // namespace

bool bindArguments(const PyFunctionObject* func, PyObject* const* args, size_t count, PyObject* names,
                   PyObject** bound) {
  return Binding(func, args, count, names, bound).bind();
}

}  // namespace martlet::vm
