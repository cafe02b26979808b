// SPDX-License-Identifier: MIT
#include "vm/function_watcher.h"

#include "vm/entry.h"

namespace martlet::vm {
namespace {

int watcherId = -1;

int onFunctionEvent(PyFunction_WatchEvent event, PyFunctionObject* func, PyObject*) {
  if (event != PyFunction_EVENT_CREATE) return 0;
  // Assigning __code__ needs nothing: the entry looks at the function's code object on each call.
  const CodeData* data = CodeData::find(reinterpret_cast<PyCodeObject*>(func->func_code));
  if (data != nullptr && data->callVersion != nullptr) installEntry(func);
  return 0;
}

}  // namespace

void startFunctionWatcher() {
  if (watcherId < 0) watcherId = PyFunction_AddWatcher(onFunctionEvent);
  if (watcherId < 0) PyErr_Clear();
}

void stopFunctionWatcher() {
  if (watcherId >= 0 && PyFunction_ClearWatcher(watcherId) < 0) PyErr_Clear();
  watcherId = -1;
}

}  // namespace martlet::vm
