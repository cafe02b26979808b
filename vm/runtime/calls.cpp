// SPDX-License-Identifier: MIT
// Helpers: calls, and making functions. Must not know: HIR, LLVM.
#include "vm/runtime/c_functions.h"
#include "vm/runtime/class_functions.h"
#include "vm/runtime/held.h"
#include "vm/runtime/leave.h"
#include "vm/runtime/runtime.h"
#include "vm/runtime/singletons.h"
#include "vm/runtime/site_cache.h"

using namespace martlet::vm;

namespace {

bool isPythonFunction(PyObject* callable) {
  return Py_IS_TYPE(callable, &PyFunction_Type);
}

/// Neither a Python function nor a class.
bool isForeign(PyObject* callable) {
  return !isPythonFunction(callable) && !Py_IS_TYPE(callable, &PyType_Type);
}

/// The result of a Python function; a failure is marked as one of its own.
PyObject* ofFunction(PyObject* result) {
  if (result == nullptr) martlet_leave_state.calledFunction = true;
  return result;
}

/// The operands of a call, which are consumed. The interpreter moves them into a Python function's frame, and keeps
/// them on its stack while any other callable runs.
class Call {
 public:
  /// Takes a bound method apart, as CALL and CALL_KW do. `args` has two scratch words in front. In line, or the call's
  /// operands would have to live in memory.
  Call(PyObject* callable, PyObject* self, PyObject** args, int64_t count)
      : callable_(callable), args_(args), count_(static_cast<size_t>(count)) {
    if (self == nullptr && Py_IS_TYPE(callable, &PyMethod_Type)) [[unlikely]] {
      takeApart(reinterpret_cast<PyMethodObject*>(callable));
    } else if (self != nullptr) {
      prepend(self);
    }
  }

  PyObject* callable() const { return callable_; }
  PyObject** args() const { return args_; }
  size_t count() const { return count_; }

  /// Puts an argument in front of all others, and calls something else than the operand, which is released.
  void redirect(PyObject* callable, PyObject* first) {
    prepend(first);
    Py_SETREF(callable_, callable);
  }
  /// Any callable. `named` of the arguments, the last ones, belong to `names`. As PyObject_Vectorcall().
  PyObject* vectorcall(PyThreadState* tstate, PyObject* names, size_t named) const {
    const vectorcallfunc function = PyVectorcall_Function(callable_);
    const size_t count = count_ - named;
    if (function == nullptr) {
      return _PyObject_MakeTpCall(tstate, callable_, args_, static_cast<Py_ssize_t>(count), names);
    }
    PyObject* result = function(callable_, args_, count | PY_VECTORCALL_ARGUMENTS_OFFSET, names);
    const bool failed = tstate->current_exception != nullptr;
    return failed == (result == nullptr) ? result : _Py_CheckFunctionResult(tstate, callable_, result, nullptr);
  }
  /// A Python function: its frame takes the references over.
  PyObject* enter(PyThreadState* tstate, PyObject* names = nullptr, size_t named = 0) const {
    return ofFunction(martlet_call_function(tstate, callable_, args_, count_ - named, names));
  }
  PyObject* enterAt(PyThreadState* tstate, SiteCache* cache) const {
    return ofFunction(martlet_call_remembered(tstate, callable_, args_, count_, cache));
  }
  /// The end of a call of anything else.
  PyObject* finish(PyObject* result) const {
    PyObject* const* const end = args_ + count_;
    Py_DECREF(callable_);
    for (PyObject* const* argument = args_; argument != end; ++argument) Py_DECREF(*argument);
    return result;
  }

 private:
  void takeApart(PyMethodObject* method) {
    callable_ = Py_NewRef(method->im_func);
    prepend(Py_NewRef(method->im_self));
    Py_DECREF(method);
  }
  void prepend(PyObject* first) {
    *--args_ = first;
    ++count_;
  }

  PyObject* callable_;
  PyObject** args_;
  size_t count_;
};

/// plainInitializer(), remembered at the call.
PyObject* rememberedInitializer(PyObject* callable, SiteCache* cache) {
  if (cache == nullptr || !Py_IS_TYPE(callable, &PyType_Type)) return plainInitializer(callable);
  const auto* type = reinterpret_cast<PyTypeObject*>(callable);
  SiteEntry& entry = cache->entries[0];
  if (entry.kind == SiteEntry::Initializer && entry.version == type->tp_version_tag) return entry.object;
  PyObject* init = plainInitializer(callable);
  if (init != nullptr && type->tp_version_tag != 0) {
    entry.kind = SiteEntry::Initializer;
    entry.version = type->tp_version_tag;
    entry.object = init;
  }
  return init;
}

/// Makes an instance of the class that is called, without type.__call__ and its tuple of arguments in between.
PyObject* instantiate(PyThreadState* tstate, Call& call, PyObject* init, SiteCache* cache, PyObject* names,
                      size_t named) {
  auto* type = reinterpret_cast<PyTypeObject*>(call.callable());
  Py_INCREF(init);
  PyObject* object = type->tp_alloc(type, 0);
  if (object == nullptr) {
    Py_DECREF(init);
    return call.finish(nullptr);
  }
  call.redirect(init, Py_NewRef(object));
  PyObject* result = named == 0 ? call.enterAt(tstate, cache) : call.enter(tstate, names, named);
  if (result == Py_None) return object;
  if (result != nullptr) {
    PyErr_Format(PyExc_TypeError, "__init__() should return None, not '%.200s'", Py_TYPE(result)->tp_name);
    Py_DECREF(result);
  }
  Py_DECREF(object);
  return nullptr;
}

/// A callable that is neither a Python function nor a class.
inline PyObject* callForeign(PyThreadState* tstate, const Call& call, PyObject* names = nullptr, size_t named = 0) {
  return leaveChecked(tstate, call.finish(call.vectorcall(tstate, names, named)), true);
}

/// A class. The call is a copy: that of all others need not live in memory.
[[gnu::noinline]] PyObject* callClass(PyThreadState* tstate, Call call, SiteCache* cache, PyObject* names = nullptr,
                                      size_t named = 0) {
  PyObject* init = rememberedInitializer(call.callable(), cache);
  PyObject* result = init != nullptr ? instantiate(tstate, call, init, cache, names, named)
                                     : call.finish(call.vectorcall(tstate, names, named));
  return leaveChecked(tstate, result, true);
}

/// A C function with the last `count` of a call's arguments, without vectorcall where that can be. In line: two
/// callers, and none of a call's operands goes through memory.
[[gnu::always_inline]] inline PyObject* callNative(PyThreadState* tstate, const Call& call, const PyMethodDef* method,
                                                   PyObject* self, size_t count) {
  const std::optional<PyObject*> result =
      callByFlags(tstate, method, self, call.args() + call.count() - count, static_cast<Py_ssize_t>(count));
  if (!result) [[unlikely]]
    return callForeign(tstate, call);
  if (*result == nullptr && tstate->current_exception == nullptr) [[unlikely]] {
    _Py_CheckFunctionResult(tstate, call.callable(), nullptr, nullptr);
  }
  return leaveChecked(tstate, call.finish(*result), true);
}

/// What is not a call of the kind that native code was made for; of a bound method it is one in the end.
[[gnu::noinline]] PyObject* callOther(PyThreadState* tstate, PyObject* callable, PyObject* self, PyObject** args,
                                      int64_t count, SiteCache* cache = nullptr) {
  const Call call(callable, self, args, count);
  if (isPythonFunction(call.callable())) {
    return martlet_call_at(tstate, call.callable(), call.args(), call.count(), cache);
  }
  return isForeign(call.callable()) ? callForeign(tstate, call) : callClass(tstate, call, cache);
}

/// CALL_FUNCTION_EX with a Python function: its frame takes the arguments, and the tuple and the dict go before it
/// runs. False, and nothing is done, if this needs CPython's own words: keywords that are no strings, or no memory.
class SpreadCall {
 public:
  bool unpack(PyObject* positional, PyObject* keywords) {
    const Py_ssize_t named = keywords != nullptr ? PyDict_GET_SIZE(keywords) : 0;
    count_ = PyTuple_GET_SIZE(positional);
    if (!reserve(count_ + named) || (named != 0 && !nameArguments(keywords, named))) return false;
    for (Py_ssize_t i = 0; i < count_; ++i) args_[i] = Py_NewRef(PyTuple_GET_ITEM(positional, i));
    for (Py_ssize_t i = 0; i < named; ++i) Py_INCREF(args_[count_ + i]);
    return true;
  }
  PyObject* enter(PyThreadState* tstate, PyObject* callable) {
    PyObject* result = ofFunction(martlet_call_function(tstate, callable, args_, static_cast<size_t>(count_), names_));
    Py_XDECREF(names_);
    if (args_ != room_) PyMem_Free(args_);
    return result;
  }

 private:
  bool reserve(Py_ssize_t count) {
    if (count <= kRoom) return true;
    args_ = static_cast<PyObject**>(PyMem_Malloc(static_cast<size_t>(count) * sizeof(PyObject*)));
    return args_ != nullptr;
  }
  /// Puts the keyword arguments behind the others, still borrowed.
  bool nameArguments(PyObject* keywords, Py_ssize_t named) {
    names_ = PyTuple_New(named);
    Py_ssize_t at = 0, i = 0;
    PyObject *name = nullptr, *value = nullptr;
    bool good = names_ != nullptr;
    while (good && PyDict_Next(keywords, &at, &name, &value)) {
      good = PyUnicode_Check(name);
      args_[count_ + i] = value;
      if (good) PyTuple_SET_ITEM(names_, i++, Py_NewRef(name));
    }
    if (good) return true;
    PyErr_Clear();
    Py_XDECREF(names_);
    if (args_ != room_) PyMem_Free(args_);
    return false;
  }

  static constexpr Py_ssize_t kRoom = 32;
  PyObject* room_[kRoom];
  PyObject** args_ = room_;
  PyObject* names_ = nullptr;
  Py_ssize_t count_ = 0;
};

/// The positional arguments of CALL_FUNCTION_EX as a tuple; consumes them. NULL with an exception set.
PyObject* positionalTuple(PyObject* callable, PyObject* positional) {
  if (PyTuple_CheckExact(positional)) return positional;
  PyObject* tuple = nullptr;
  if (Py_TYPE(positional)->tp_iter != nullptr || PySequence_Check(positional)) {
    tuple = PySequence_Tuple(positional);
  } else if (PyObject* text = _PyObject_FunctionStr(callable)) {
    PyErr_Format(PyExc_TypeError, "%U argument after * must be an iterable, not %.200s", text,
                 Py_TYPE(positional)->tp_name);
    Py_DECREF(text);
  }
  Py_DECREF(positional);
  return tuple;
}

}  // namespace

extern "C" {

PyObject* rt_call(PyThreadState* tstate, Frame*, PyObject* callable, PyObject* self, PyObject** args, int64_t count,
                  SiteCache* cache) {
  if (!isPythonFunction(callable)) [[unlikely]]
    return callOther(tstate, callable, self, args, count, cache);
  // The commonest callee, without the machinery for all others.
  if (self != nullptr) {
    *--args = self;
    ++count;
  }
  return martlet_call_at(tstate, callable, args, static_cast<size_t>(count), cache);
}

PyObject* rt_new_instance(PyObject* object) {
  auto* type = reinterpret_cast<PyTypeObject*>(object);
  return type->tp_alloc(type, 0);
}

// As builtin_id(), whose argument nobody needs to take and let go for it.
PyObject* rt_id_of(PyThreadState* tstate, int64_t borrowed, PyObject* object) {
  if (tstate->c_recursion_remaining <= 0) return letInterpreterDoIt();
  PyObject* id = PyLong_FromVoidPtr(object);
  if (id == nullptr) return nullptr;
  if (holding(borrowed, {object}, [&] { return PySys_Audit("builtins.id", "O", id); }) >= 0) {
    return leaveChecked(tstate, id, true);
  }
  Py_DECREF(id);
  return nullptr;
}

PyObject* rt_call_kw(PyThreadState* tstate, Frame*, PyObject* callable, PyObject* self, PyObject* names,
                     PyObject** args, int64_t count) {
  const Call call(callable, self, args, count);
  const auto named = static_cast<size_t>(PyTuple_GET_SIZE(names));
  if (isPythonFunction(call.callable())) [[likely]]
    return leaveChecked(tstate, call.enter(tstate, names, named), true);
  return isForeign(call.callable()) ? callForeign(tstate, call, names, named)
                                    : callClass(tstate, call, nullptr, names, named);
}

PyObject* rt_call_ex(PyThreadState* tstate, Frame*, PyObject* callable, PyObject* positional, PyObject* keywords) {
  PyObject* tuple = positionalTuple(callable, positional);
  SpreadCall spread;
  PyObject* result = nullptr;
  if (tuple != nullptr && isPythonFunction(callable) && spread.unpack(tuple, keywords)) {
    Py_DECREF(tuple);
    Py_XDECREF(keywords);
    return leaveChecked(tstate, spread.enter(tstate, callable), true);
  }
  if (tuple != nullptr) result = PyObject_Call(callable, tuple, keywords);
  Py_DECREF(callable);
  Py_XDECREF(tuple);
  Py_XDECREF(keywords);
  return leaveChecked(tstate, result, true);
}

PyObject* rt_call_str_1(PyThreadState* tstate, int64_t borrowed, PyObject* callable, PyObject* self,
                        PyObject* const* args, int64_t count) {
  if (callable != reinterpret_cast<PyObject*>(&PyUnicode_Type) || self != nullptr || count != 1) {
    return letInterpreterDoIt();
  }
  return leaveChecked(tstate, holding(borrowed >> 2, {args[0]}, [&] { return PyObject_Str(args[0]); }), true);
}

PyObject* rt_call_tuple_1(PyThreadState* tstate, int64_t borrowed, PyObject* callable, PyObject* self,
                          PyObject* const* args, int64_t count) {
  if (callable != reinterpret_cast<PyObject*>(&PyTuple_Type) || self != nullptr || count != 1) {
    return letInterpreterDoIt();
  }
  PyObject* iterable = args[0];
  return leaveChecked(tstate,
                      holding(borrowed >> 2, {iterable},
                              [&] {
                                return PyGen_CheckExact(iterable) ? tupleOfGenerator(tstate, iterable)
                                                                  : PySequence_Tuple(iterable);
                              }),
                      true);
}

PyObject* rt_call_builtin(PyThreadState* tstate, Frame*, PyObject* callable, PyObject* self, PyObject** args,
                          int64_t count) {
  if (self != nullptr || !PyCFunction_CheckExact(callable)) [[unlikely]]
    return callOther(tstate, callable, self, args, count);
  const auto* function = reinterpret_cast<PyCFunctionObject*>(callable);
  const Call call(callable, nullptr, args, count);
  return callNative(tstate, call, function->m_ml, function->m_self, call.count());
}

PyObject* rt_call_method_descriptor(PyThreadState* tstate, Frame*, PyObject* callable, PyObject* self, PyObject** args,
                                    int64_t count) {
  if (!Py_IS_TYPE(callable, &PyMethodDescr_Type) || (self == nullptr && count == 0)) [[unlikely]]
    return callOther(tstate, callable, self, args, count);
  const auto* descriptor = reinterpret_cast<PyMethodDescrObject*>(callable);
  PyObject* object = self != nullptr ? self : args[0];
  if (!Py_IS_TYPE(object, descriptor->d_common.d_type)) [[unlikely]]
    return callOther(tstate, callable, self, args, count);
  const Call call(callable, self, args, count);
  return callNative(tstate, call, descriptor->d_method, object, call.count() - 1);
}

PyObject* rt_intrinsic_1(PyThreadState* tstate, Frame*, int64_t borrowed, PyObject* value, int64_t oparg) {
  return leaveChecked(
      tstate, holding(borrowed, {value}, [&] { return _PyIntrinsics_UnaryFunctions[oparg].func(tstate, value); }));
}

PyObject* rt_intrinsic_2(PyThreadState* tstate, Frame*, int64_t borrowed, PyObject* value2, PyObject* value1,
                         int64_t oparg) {
  return leaveChecked(tstate, holding(borrowed, {value2, value1}, [&] {
                        return _PyIntrinsics_BinaryFunctions[oparg].func(tstate, value2, value1);
                      }));
}

PyObject* rt_make_function(PyThreadState*, Frame* frame, PyObject* code) {
  PyObject* function = PyFunction_New(code, frame->f_globals);
  if (function == nullptr) return nullptr;
  _PyFunction_SetVersion(reinterpret_cast<PyFunctionObject*>(function),
                         reinterpret_cast<PyCodeObject*>(code)->co_version);
  return function;
}

void rt_set_function_attribute(PyObject* function, PyObject* value, int64_t oparg) {
  auto* object = reinterpret_cast<PyFunctionObject*>(function);
  switch (oparg) {
  case MAKE_FUNCTION_CLOSURE: object->func_closure = Py_NewRef(value); break;
  case MAKE_FUNCTION_ANNOTATIONS: object->func_annotations = Py_NewRef(value); break;
  case MAKE_FUNCTION_KWDEFAULTS: object->func_kwdefaults = Py_NewRef(value); break;
  case MAKE_FUNCTION_DEFAULTS: object->func_defaults = Py_NewRef(value); break;
  default: Py_UNREACHABLE();
  }
}

// As BINARY_SUBSCR_GETITEM: the class's function, which the interpreter keeps with it, runs in a frame of its own.
PyObject* rt_subscr_getitem(PyThreadState* tstate, int64_t borrowed, PyObject* container, PyObject* key) {
  PyTypeObject* type = Py_TYPE(container);
  if ((type->tp_flags & Py_TPFLAGS_HEAPTYPE) == 0) return rt_subscr(tstate, borrowed, container, key);
  const auto& cache = reinterpret_cast<PyHeapTypeObject*>(type)->_spec_cache;
  PyObject* getitem = cache.getitem;
  if (getitem == nullptr || reinterpret_cast<PyFunctionObject*>(getitem)->func_version != cache.getitem_version) {
    return rt_subscr(tstate, borrowed, container, key);
  }
  PyObject* room[] = {nullptr, nullptr, Py_NewRef(container), Py_NewRef(key)};
  return leaveChecked(tstate, ofFunction(martlet_call_function(tstate, Py_NewRef(getitem), room + 2, 2, nullptr)));
}

}  // extern "C"
