// SPDX-License-Identifier: MIT
// Objects and places inside the running CPython that helpers use. Owns: finding them once, by asking CPython
// rather than by structure offsets: those of _PyRuntime moved between 3.13.0 and 3.13.5. Must not know: HIR, LLVM.
#pragma once
#include "vm/runtime/cpython.h"

namespace martlet::vm {

struct Singletons {
  PyLongObject* smallInts;            ///< of 0; -5 … 256 follow each other
  const char* asciiStrings;           ///< the one-character str of code point 0 …
  Py_ssize_t asciiStride;             ///< … and the distance between two of these
  _Py_float_freelist* floatFreelist;  ///< the main interpreter's, or an empty one that stays empty
  uint64_t* dictVersion;              ///< interp->dict_state.global_version, or NULL: not found
  uint32_t* nextKeysVersion;          ///< interp->dict_state.next_keys_version, or NULL: not found
  vectorcallfunc usualEntries[2];     ///< of Python functions: CPython's, and that of compiled ones (set by vm)
  getattrofunc getattrHook;           ///< tp_getattro of classes with a __getattr__
  PyObject* emptyString;
  PyTypeObject* asyncSend;  ///< class of what asynchronous generators' __anext__() returns; NULL: not known (set by vm)
  PyTypeObject* asciiIterator;  ///< class of the iterators of ASCII strings
  PyTypeObject* arrayType;      ///< array.array, or NULL while no code needed to know it; kept alive
  // The functions that the interpreter recognizes by identity.
  PyObject* len;
  PyObject* isinstance;
  PyObject* listAppend;
  PyObject* defaultImport;
  PyObject* classOfObject;  ///< what object has for __class__
  // Interned names.
  PyObject *dunderAenter, *dunderAexit, *dunderAnnotations, *dunderBuildClass, *dunderClass, *dunderEnter, *dunderExit,
      *dunderGetattribute, *dunderGetitem, *dunderImport, *dunderInit, *dunderIter, *dunderName, *array, *dunderSetitem,
      *send;
};

/// Fills `martlet_singletons`. Called once with the GIL held, in the main interpreter, before native code runs. False
/// with a Python exception set.
bool initializeRuntime();

/// Finds what CPython puts into the slots of classes with methods: `getattrHook`, and the operators' functions. It
/// takes making classes, so it is done before the first compilation, not before each program. False with a Python
/// exception set.
bool findClassSlots();

/// Fills in `arrayType` if the program has imported the module by now. Runs no Python code.
void findArrayType();

}  // namespace martlet::vm

extern "C" martlet::vm::Singletons martlet_singletons;
