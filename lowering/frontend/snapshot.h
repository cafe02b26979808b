// SPDX-License-Identifier: MIT
// What the vm copies out of a code object under the GIL: version-neutral instructions, objects, exception table. The
// frontend and everything behind it works on this and never touches Python objects. Must not know: Python.h.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "lowering/hir/hir.h"
#include "lowering/known_callables.h"

namespace martlet::frontend {

/// Version-neutral opcodes (bytecode.def). Superinstructions are split by the decoder; both halves keep the offset.
enum class BytecodeOp : uint8_t {
#define BYTECODE(name, ...) name,
#include "lowering/frontend/bytecode.def"
  kCount
};
const char* name(BytecodeOp op);

/// What the specializing interpreter made of an instruction.
enum class Special : uint8_t {
#define SPECIAL(name) name,
#include "lowering/frontend/specials.def"
  kCount
};

/// What the interpreter's own counters say about an instruction.
enum class Ran : uint8_t { Unknown, Never, Yes };

struct Instruction {
  BytecodeOp op;
  Special special = Special::None;
  Ran ran = Ran::Unknown;
  uint16_t misses = 0;  ///< of the quickened form: operands of other kinds, since the interpreter chose it
  uint8_t classes = 0;  ///< attributes: how many native code met, where the interpreter has no quickened form; up to 4
  int32_t arg = 0;
  uint32_t offset = 0;        ///< code unit of the real opcode
  uint32_t resumeOffset = 0;  ///< code unit of its first EXTENDED_ARG, or `offset`
  uint32_t nextOffset = 0;    ///< code unit behind it and its caches
  uint32_t target = 0;        ///< jumps, SEND: where to; FOR_ITER: where the exhausted iterator has been popped
  // Inline-cache contents of a specialized instruction, as they are in the cache; meaning by `special`.
  uint32_t version = 0;   ///< type version, or keys version of a module or of builtins
  uint32_t version2 = 0;  ///< keys version (methods), builtins keys version (globals)
  uint32_t index = 0;     ///< byte offset (slots), or index of an inline value or a dict entry
  uint32_t site = 0;      ///< number of its cache, where the instruction has one
  /// Object table index, or -1. Attributes: a cached descriptor, alive only while `version` is. LoadGlobal, and
  /// AttrModule behind the LoadGlobal of an exact module: the value, as long as Snapshot::validityObject says so.
  int32_t object = -1;
  Special numbers = Special::None;  ///< OperatorInt, OperatorFloat: what native code met as arguments of a call
};

/// True if the interpreter's form of an instruction is for some of its operands only: so many misses are no accident.
/// What is called and which globals are loaded is known better than by the form: a compiled callee is a miss, too.
inline bool isMixed(const Instruction& instruction) {
  constexpr uint16_t kMixed = 4;
  const bool isKnownBetter = instruction.op == BytecodeOp::Call || instruction.op == BytecodeOp::LoadGlobal;
  return instruction.misses >= kMixed && !isKnownBetter;
}

struct Handler {
  uint32_t start, end, target;  ///< code units; [start, end)
  uint16_t depth;
  bool pushLasti;
};

/// A place where assumptions failed before: no speculation there.
using BlockedSites = std::set<uint32_t>;  // as hir::Function::blocked
inline constexpr uint32_t kBlockAll = hir::Function::kBlockAll;

struct Snapshot;

/// How deep inlined calls may be within one another.
inline constexpr size_t kMaxInliningDepth = 8;

/// A Python function whose body may take the place of a call, as long as what is called runs that code.
struct Callee {
  std::shared_ptr<const Snapshot> body;
  const void* function = nullptr;  ///< one that runs it
  int32_t codeObject = -1;         ///< object table index
  size_t defaults = 0;             ///< how many parameters have one
  /// Not 0: a class of that version is called, and this is its __init__, `functionObject`. The end of an instance runs
  /// no code.
  uint32_t classVersion = 0;
  int32_t functionObject = -1;        ///< of a special method, too; of a property, that
  int32_t notImplementedObject = -1;  ///< of a special method
  /// The function's globals, with the builtins behind it, if the body takes one for a constant; else -1.
  int32_t globalsObject = -1;
};

struct Snapshot {
  std::string name;                       ///< qualified name
  uint32_t version = 0;                   ///< of the code object; 0: it has none
  std::vector<Instruction> instructions;  ///< by offset; halves of a superinstruction follow each other
  std::vector<Handler> handlers;
  std::vector<hir::ObjectRef> objects;     ///< constants first (consts[i] = objects[i]), then names, then others
  std::map<int32_t, KnownCallable> known;  ///< by object table index; methods live as long as their class, for ever
  uint32_t nameBase = 0;                   ///< names[i] = objects[nameBase + i]
  int32_t noneObject = -1, trueObject = -1, falseObject = -1, assertionErrorObject = -1;  ///< always present
  /// Where some global is taken for a constant: the function's globals, with the builtins behind it, and the word that
  /// is not zero any more once one of them has changed.
  int32_t globalsObject = -1, validityObject = -1;
  uint16_t argCount = 0;    ///< slots filled by a call: positional, keyword-only, *args, **kwargs
  uint16_t localCount = 0;  ///< localsplus: locals, cells, free variables
  uint16_t stackSize = 0;
  uint16_t freeVarBase = 0;     ///< first free-variable slot in localsplus
  bool isGenerator = false;     ///< generator, coroutine or async generator
  uint32_t firstTraceable = 0;  ///< index of the first RESUME: prologue before it
  BlockedSites blocked;
  /// Code that has never run is left to the interpreter, but for what is in `reached`. Only where the code did run in
  /// the interpreter: counters know nothing of native code.
  bool leavesOutNotRun = false;
  std::set<uint32_t> reached;          ///< bytecode offsets
  const void* siteCaches = nullptr;    ///< the code object's, opaque here; NULL: none
  std::map<uint32_t, Callee> callees;  ///< by the calling instruction's index
};

/// Puts the word that says whether assumptions still hold into the object table.
inline void addValidity(Snapshot& snapshot, const void* word) {
  hir::ObjectRef ref;
  ref.name = "validity";
  ref.type = hir::types::OtherObject;
  ref.address = word;
  snapshot.validityObject = static_cast<int32_t>(snapshot.objects.size());
  snapshot.objects.push_back(std::move(ref));
}

/// Where a compilation is to be entered. Offset 0 stands for a call's start (the prologue is compiled too);
/// any other offset is a loop head, a resume point or an exception handler.
struct EntryRequest {
  uint32_t offset = 0;
  uint16_t stackDepth = 0;
  std::vector<hir::Type> seen = {};  ///< as hir::Entry::seen
};

}  // namespace martlet::frontend
