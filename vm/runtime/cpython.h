// SPDX-License-Identifier: MIT
// CPython's headers as the runtime helpers need them. Owns: which internal headers they see. Must not know: HIR, LLVM.
#pragma once
#ifndef Py_BUILD_CORE
#define Py_BUILD_CORE 1
#endif
#include <Python.h>

#include <frameobject.h>

#include "internal/pycore_call.h"
#include "internal/pycore_ceval.h"
#include "internal/pycore_code.h"
#include "internal/pycore_descrobject.h"
#include "internal/pycore_dict.h"
#include "internal/pycore_frame.h"
#include "internal/pycore_function.h"
#include "internal/pycore_genobject.h"
#include "internal/pycore_interp.h"
#include "internal/pycore_intrinsics.h"
#include "internal/pycore_list.h"
#include "internal/pycore_long.h"
#include "internal/pycore_object.h"
#include "internal/pycore_opcode_utils.h"
#include "internal/pycore_pyerrors.h"
#include "internal/pycore_range.h"
#include "internal/pycore_setobject.h"
#include "internal/pycore_tuple.h"
#include "internal/pycore_typeobject.h"
#include "internal/pycore_unicodeobject.h"
#include "opcode.h"

using Frame = _PyInterpreterFrame;
