// SPDX-License-Identifier: MIT
// Code objects of 3.13 as version-neutral snapshots. Owns: opcode numbers, inline-cache layouts, the exception table's
// format. Must not know: compilation, frames.
#pragma once
#ifndef Py_BUILD_CORE
#define Py_BUILD_CORE 1
#endif
#include <Python.h>

#include <vector>

#include "lowering/frontend/snapshot.h"
#include "lowering/result.h"
#include "vm/runtime/site_cache.h"
#include "vm/validity.h"

namespace martlet::vm {

/// Copies what a compilation needs out of a code object. With the GIL held; runs no Python code, leaves no exception.
///
/// Constants and names are alive with the code object, which the caller keeps alive.
/// Objects from inline caches are borrowed by the cache and may be dangling: they are alive only while a type has the
/// cached version. Compiled code must have compared the version before it touches such an object; nobody else may.
///
/// `caches` become the code object's if they are empty; otherwise what they recorded serves where the interpreter's
/// own caches say nothing. With `scope`, globals are copied too, by value: its `validity` then depends on them.
struct GlobalScope {
  PyObject* globals = nullptr;
  PyObject* builtins = nullptr;
  Validity* validity = nullptr;
};
Result<frontend::Snapshot> snapshotCode(PyCodeObject* code, const frontend::BlockedSites& blocked,
                                        std::vector<SiteCache>& caches, const GlobalScope& scope = {});

/// The exact class of each object; Null for NULL.
std::vector<hir::Type> typesOf(PyObject* const* objects, size_t count);

/// True if code jumps backward, or has an instruction that is not known. With the GIL held; leaves no exception.
bool hasLoop(PyCodeObject* code);

/// A row of opcodes.def, for a test against the running interpreter's own tables.
struct OpcodeRow {
  enum class Kind : uint8_t { Plain, Superinstruction, Quickened, Instrumented, Internal };
  const char* name;
  int number;
  Kind kind;
  int caches;           ///< Plain
  const char* base;     ///< Quickened: the plain opcode's name, else ""
  const char* neutral;  ///< name of the version-neutral opcode ("LoadFast+LoadFast" for superinstructions), or ""
  const char* special;  ///< Quickened: name of the special form, or ""
};
/// Ordered by kind, then by number.
const std::vector<OpcodeRow>& opcodeRows();

}  // namespace martlet::vm
