// SPDX-License-Identifier: MIT
#include "vm/function_watcher.h"

#include "vm/entry.h"

namespace martlet::vm {
namespace {

int watcherId = -1;

/// Called before the change. The entry looks at the function's code object on each call, and so does inlined code.
int onFunctionEvent(PyFunction_WatchEvent event, PyFunctionObject* func, PyObject*) {
  CodeData* data = CodeData::find(reinterpret_cast<PyCodeObject*>(func->func_code));
  if (data == nullptr) return 0;
  if (event == PyFunction_EVENT_CREATE) {
    if (data->callVersion != nullptr) installEntry(func);
  } else if (data->function == func && (event == PyFunction_EVENT_DESTROY || event == PyFunction_EVENT_MODIFY_CODE)) {
    data->function = nullptr;
  }
  return 0;
}

}  // namespace

void noteFunction(PyFunctionObject* func, CodeData& data) {
  if (watcherId >= 0) data.function = func;
}

void startFunctionWatcher() {
  if (watcherId < 0) watcherId = PyFunction_AddWatcher(onFunctionEvent);
  if (watcherId < 0) PyErr_Clear();
}

void stopFunctionWatcher() {
  if (watcherId >= 0 && PyFunction_ClearWatcher(watcherId) < 0) PyErr_Clear();
  watcherId = -1;
  CodeData::forEach([](CodeData& data) { data.function = nullptr; });
}

}  // namespace martlet::vm
