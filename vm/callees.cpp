// SPDX-License-Identifier: MIT
#include "vm/callees.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "vm/entry.h"
#include "vm/runtime/class_functions.h"

namespace martlet::vm {
namespace {

using frontend::BytecodeOp;
using frontend::Callee;
using frontend::Instruction;
using frontend::Snapshot;

/// How long a body may be, in code units.
constexpr Py_ssize_t kMaxUnits = 240;

/// True if a call fills the frame with its arguments and nothing else happens before the body, which has no handlers.
bool mayBeInlined(const PyCodeObject* code) {
  return entersThroughVectorcall(code) && plainArgumentsOf(code) >= 0 && code->co_ncellvars == 0 &&
         code->co_nfreevars == 0 && Py_SIZE(code) <= kMaxUnits && code->co_version != 0 &&
         PyBytes_GET_SIZE(code->co_exceptiontable) == 0;
}

/// An object that code only compares with.
int32_t addCompared(Snapshot& snapshot, PyObject* object, std::string name) {
  hir::ObjectRef ref;
  ref.name = std::move(name);
  ref.type = hir::types::kObject;
  ref.immortal = true;  // needs no counting
  ref.address = object;
  snapshot.objects.push_back(std::move(ref));
  return static_cast<int32_t>(snapshot.objects.size() - 1);
}

class CalleeFinder {
 public:
  explicit CalleeFinder(Validity& validity) : validity_(validity) {}

  /// Generator expressions that a call takes in whole, in the function itself. They nest as MAKE_FUNCTION and the call
  /// that makes the generator do. Their functions are made in `scope`.
  void addGenerators(Snapshot& snapshot, const GlobalScope& scope) {
    std::vector<PyCodeObject*> made;
    for (uint32_t i = 1; i + 1 < snapshot.instructions.size(); ++i) {
      const Instruction* at = &snapshot.instructions[i];
      if (at->op == BytecodeOp::MakeFunction) {
        PyCodeObject* code = constantCode(snapshot, at[-1]);
        if (code != nullptr && (code->co_flags & CO_GENERATOR) != 0) made.push_back(code);
        continue;
      }
      if (at->op != BytecodeOp::Call || at->arg != 0 || at[-1].op != BytecodeOp::GetIter || made.empty()) continue;
      if (at[1].op == BytecodeOp::Call && at[1].arg == 1) addGenerator(snapshot, i, made.back(), scope);
      made.pop_back();
    }
    if (!snapshot.callees.empty() && snapshot.validityObject < 0) addValidity(snapshot, validity_.word());
  }

  void addTo(Snapshot& snapshot, CodeData& data) {
    path_.push_back(&data);
    for (uint32_t i = 0; i < snapshot.instructions.size(); ++i) {
      const Instruction& instruction = snapshot.instructions[i];
      if (instruction.special == frontend::Special::ClassMethod ||
          instruction.special == frontend::Special::LearnedProperty) {
        addLearned(snapshot, i, data);
        continue;
      }
      if (instruction.op != BytecodeOp::Call) continue;
      if (PyTypeObject* type = calledClass(snapshot, instruction)) {
        addInitializer(snapshot, i, type);
      } else if (PyFunctionObject* function = calledAt(instruction, data)) {
        add(snapshot, i, function);
      }
    }
    path_.pop_back();
    if (!snapshot.callees.empty() && snapshot.validityObject < 0) addValidity(snapshot, validity_.word());
  }

 private:
  /// A function that is alive and runs the code that a site remembers, or NULL.
  static PyFunctionObject* rememberedAt(const SiteCache& cache) {
    const CodeData* callee = cache.callee;
    return callee != nullptr && callee->code() != nullptr ? callee->function : nullptr;
  }

  static PyFunctionObject* calledAt(const Instruction& instruction, const CodeData& data) {
    if (instruction.site < data.siteCaches.size()) {
      if (PyFunctionObject* function = rememberedAt(data.siteCaches[instruction.site])) return function;
    }
    if (PyFunctionObject* function = port::functionOfVersion(instruction.version)) return function;
    // A compiled function has lost its version.
    const CodeData* callee = instruction.version != 0 ? CodeData::ofVersion(instruction.version) : nullptr;
    return callee != nullptr ? callee->function : nullptr;
  }

  /// The special method's function may be gone by now: its code and its class's version are what is known. A property
  /// is one of its class as long as that has its version; which function it calls is asked each time.
  void addLearned(Snapshot& snapshot, uint32_t index, const CodeData& data) {
    const SiteCache& cache = data.siteCaches[snapshot.instructions[index].site];
    const PyFunctionObject* function = rememberedAt(cache);
    if (function == nullptr || !add(snapshot, index, function)) return;
    Callee& entry = snapshot.callees[index];
    const bool isMethod = snapshot.instructions[index].special == frontend::Special::ClassMethod;
    entry.functionObject = addCompared(snapshot, cache.entries[0].object, isMethod ? "special method" : "property");
    if (isMethod) entry.notImplementedObject = addCompared(snapshot, Py_NotImplemented, "NotImplemented");
  }

  /// The class that is called, if it is a global and its __init__ may be inlined.
  static PyTypeObject* calledClass(const Snapshot& snapshot, const Instruction& instruction) {
    if (instruction.special != frontend::Special::CallAllocAndEnterInit || instruction.version == 0) return nullptr;
    for (const hir::ObjectRef& object : snapshot.objects) {
      if (!object.watched || object.type != hir::types::Class) continue;
      auto* type = static_cast<PyTypeObject*>(const_cast<void*>(object.address));
      if (type->tp_version_tag == instruction.version) return type;
    }
    return nullptr;
  }

  void addInitializer(Snapshot& snapshot, uint32_t index, PyTypeObject* type) {
    PyObject* init = plainInitializer(reinterpret_cast<PyObject*>(type));
    if (init == nullptr || type->tp_finalize != nullptr || type->tp_del != nullptr ||
        type->tp_alloc != PyType_GenericAlloc) {
      return;
    }
    auto* function = reinterpret_cast<PyFunctionObject*>(init);
    if (!add(snapshot, index, function)) return;
    Callee& entry = snapshot.callees[index];
    entry.classVersion = type->tp_version_tag;
    entry.functionObject = addCompared(snapshot, init, "__init__");
  }

  struct Body {
    std::shared_ptr<const Snapshot> snapshot;  ///< NULL: not to be inlined
    GlobalScope scope;                         ///< in which its globals were looked up
    bool isTried = false;
  };

  static PyCodeObject* constantCode(const Snapshot& snapshot, const Instruction& load) {
    if (load.op != BytecodeOp::LoadConst || load.arg < 0 || static_cast<uint32_t>(load.arg) >= snapshot.nameBase) {
      return nullptr;
    }
    const void* object = snapshot.objects[static_cast<size_t>(load.arg)].address;
    auto* constant = static_cast<PyObject*>(const_cast<void*>(object));
    return constant != nullptr && PyCode_Check(constant) ? reinterpret_cast<PyCodeObject*>(constant) : nullptr;
  }

  /// Its one argument is the iterator; the handler around it all only rewords a StopIteration.
  static bool mayBeConsumed(const PyCodeObject* code) {
    constexpr int kOthers = CO_COROUTINE | CO_ASYNC_GENERATOR | CO_ITERABLE_COROUTINE;
    return plainArgumentsOf(code) == 1 && code->co_ncellvars == 0 && Py_SIZE(code) <= kMaxUnits &&
           code->co_version != 0 && (code->co_flags & kOthers) == 0;
  }

  void addGenerator(Snapshot& snapshot, uint32_t index, PyCodeObject* code, const GlobalScope& scope) {
    if (!mayBeConsumed(code) || port::foreignToolsWatch(code)) return;
    if (CodeData* data = dataOf(code)) addBody(snapshot, index, code, bodyOf(*data, scope, /*mayLoop=*/true));
  }

  static CodeData* dataOf(PyCodeObject* code) {
    CodeData* data = CodeData::findOrCreate(code);
    if (data == nullptr) PyErr_Clear();
    return data;
  }

  bool add(Snapshot& snapshot, uint32_t index, const PyFunctionObject* function) {
    auto* calleeCode = reinterpret_cast<PyCodeObject*>(function->func_code);
    if (!mayBeInlined(calleeCode) || port::foreignToolsWatch(calleeCode)) return false;
    CodeData* data = dataOf(calleeCode);
    if (data == nullptr) return false;
    const GlobalScope scope{function->func_globals, function->func_builtins, &validity_};
    if (!addBody(snapshot, index, calleeCode, bodyOf(*data, scope, /*mayLoop=*/false))) return false;
    Callee& entry = snapshot.callees[index];
    entry.function = function;
    const PyObject* defaults = function->func_defaults;
    entry.defaults = defaults != nullptr ? static_cast<size_t>(PyTuple_GET_SIZE(defaults)) : 0;
    return true;
  }

  static bool addBody(Snapshot& snapshot, uint32_t index, PyCodeObject* code, const Body& body) {
    if (body.snapshot == nullptr) return false;
    Callee& entry = snapshot.callees[index];
    entry.body = body.snapshot;
    entry.codeObject = addCompared(snapshot, reinterpret_cast<PyObject*>(code), "code " + body.snapshot->name);
    if (body.snapshot->validityObject < 0) return true;
    entry.globalsObject = addCompared(snapshot, body.scope.globals, "globals");
    addCompared(snapshot, body.scope.builtins, "builtins");
    return true;
  }

  const Body& bodyOf(CodeData& callee, const GlobalScope& scope, bool mayLoop) {
    Body& body = bodies_[&callee];
    const bool isOnPath = std::find(path_.begin(), path_.end(), &callee) != path_.end();
    if (body.isTried || isOnPath || path_.size() > frontend::kMaxInliningDepth) return body;
    body.isTried = true;
    if (!mayLoop && hasLoop(callee.code())) return body;
    std::vector<SiteCache> none;
    body.scope = scope;
    std::vector<SiteCache>& caches = callee.siteCaches.empty() ? none : callee.siteCaches;
    Result<Snapshot> copy = snapshotCode(callee.code(), callee.blocked, caches, body.scope);
    if (!copy) return body;
    validity_.dependOn(callee);
    auto found = std::make_shared<Snapshot>(std::move(*copy));
    found->siteCaches = nullptr;  // the callee's own
    found->reached = callee.reached;
    found->leavesOutNotRun = !callee.compiledWhole;
    addTo(*found, callee);
    body.snapshot = std::move(found);
    return body;
  }

  Validity& validity_;
  std::map<const CodeData*, Body> bodies_;
  std::vector<const CodeData*> path_;
};

}  // namespace

void addCallees(Snapshot& snapshot, CodeData& data, const GlobalScope& scope) {
  CalleeFinder finder(*scope.validity);
  finder.addTo(snapshot, data);
  finder.addGenerators(snapshot, scope);
}

}  // namespace martlet::vm
