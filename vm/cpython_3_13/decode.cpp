// SPDX-License-Identifier: MIT
// See decode.h. Must not know: compilation, frames.
#include "vm/cpython_3_13/decode.h"

#include <array>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "internal/pycore_code.h"
#include "internal/pycore_dict.h"
#include "internal/pycore_object.h"
#include "opcode_ids.h"
#include "vm/argument_binding.h"
#include "vm/cpython_3_13/opcode_lengths.h"
#include "vm/known_objects.h"
#include "vm/runtime/singletons.h"

namespace martlet::vm {
namespace {

using frontend::BytecodeOp;
using frontend::Instruction;
using frontend::Snapshot;
using frontend::Special;
namespace types = hir::types;

// ---- opcode tables -------------------------------------------------------------------------------------------------

struct Opcode {
  enum Kind : uint8_t { None, Plain, Pair };
  Kind kind = None;
  BytecodeOp first = BytecodeOp::kCount;
  BytecodeOp second = BytecodeOp::kCount;  ///< of a superinstruction
};

struct Quickened {
  int base = 0;
  Special special = Special::None;
};

struct Tables {
  std::array<Opcode, 256> plain{};
  std::array<Quickened, 256> quickened{};
  std::array<bool, 256> adaptive{};  ///< by plain opcode: its first cache unit counts down to the next specialization
};

constexpr Tables makeTables() {
  Tables t;
#define OPCODE(NAME, caches, neutral) t.plain[NAME] = {Opcode::Plain, BytecodeOp::neutral, BytecodeOp::kCount};
#define SUPERINSTRUCTION(NAME, one, two) t.plain[NAME] = {Opcode::Pair, BytecodeOp::one, BytecodeOp::two};
#define QUICKENED(NAME, BASE, special)                                                                                 \
  t.quickened[NAME] = {BASE, Special::special};                                                                        \
  t.adaptive[BASE] = port::kLengths[BASE] > 1;
#define INSTRUMENTED(NAME)
#define INTERNAL(NAME)
#include "vm/cpython_3_13/opcodes.def"
  return t;
}

constexpr Tables kTables = makeTables();

// ---- objects -------------------------------------------------------------------------------------------------------

/// The bit of a class that has one.
hir::Type bitOf(const PyTypeObject* type) {
  struct Row {
    const PyTypeObject* type;
    hir::Type bits;
  };
  static const Row rows[] = {
      {&PyLong_Type, types::Long},     {&PyFloat_Type, types::Float}, {&PyBool_Type, types::Bool},
      {Py_TYPE(Py_None), types::None}, {&PyUnicode_Type, types::Str}, {&PyBytes_Type, types::Bytes},
      {&PyTuple_Type, types::Tuple},   {&PyList_Type, types::List},   {&PyDict_Type, types::Dict},
      {&PySet_Type, types::Set},       {&PySlice_Type, types::Slice}, {&PyFunction_Type, types::Function},
      {&PyType_Type, types::Class},    {&PyCell_Type, types::Cell},   {&PyRangeIter_Type, types::RangeIter},
  };
  for (const Row& row : rows) {
    if (type == row.type) return row.bits;
  }
  return types::OtherObject;
}

hir::Type typeOf(PyObject* object) {
  return bitOf(Py_TYPE(object));
}

/// The classes with a bit that are derived from one, or are it.
hir::Type instancesOf(const PyTypeObject* type) {
  if (type == &PyBaseObject_Type) return types::kObject;
  const hir::Type own = bitOf(type).without(types::OtherObject);
  return own == types::Long ? own | types::Bool : own;
}

std::string utf8(PyObject* text) {
  if (text == nullptr || !PyUnicode_Check(text)) return "?";
  PyObject* bytes = PyUnicode_AsEncodedString(text, "utf-8", "backslashreplace");
  if (bytes == nullptr) {
    PyErr_Clear();
    return "?";
  }
  std::string result(PyBytes_AS_STRING(bytes), static_cast<size_t>(PyBytes_GET_SIZE(bytes)));
  Py_DECREF(bytes);
  return result;
}

std::string repr(PyObject* object) {
  PyObject* text = PyObject_Repr(object);
  if (text == nullptr) {
    PyErr_Clear();
    return "?";
  }
  std::string result = utf8(text);
  Py_DECREF(text);
  return result;
}

/// What a dump shows of a constant. Only built-in types are asked for their repr: others would run Python code, and
/// large ones cost time. Never an address: dumps are deterministic.
std::string describe(PyObject* object, const hir::ObjectRef& ref) {
  constexpr Py_ssize_t kLongest = 32;
  if (object == Py_None || object == Py_Ellipsis || ref.type == types::Bool || ref.type == types::Float)
    return repr(object);
  if (ref.hasInt) return std::to_string(ref.intValue);
  if (ref.type == types::Long) return "large int";
  if (ref.type == types::Str) {
    PyObject* start = PyUnicode_Substring(object, 0, kLongest);
    if (start == nullptr) {
      PyErr_Clear();
      return "str";
    }
    std::string text = repr(start);
    Py_DECREF(start);
    return PyUnicode_GET_LENGTH(object) > kLongest ? text + "..." : text;
  }
  if (ref.type == types::Bytes && PyBytes_GET_SIZE(object) <= kLongest) return repr(object);
  if (ref.type == types::Tuple) return "tuple of " + std::to_string(PyTuple_GET_SIZE(object));
  if (PyCode_Check(object)) return "code " + utf8(reinterpret_cast<PyCodeObject*>(object)->co_qualname);
  return Py_TYPE(object)->tp_name;
}

hir::ObjectRef makeRef(PyObject* object) {
  hir::ObjectRef ref;
  ref.type = typeOf(object);
  ref.immortal = _Py_IsImmortal(object) != 0;
  ref.address = object;
  if (ref.type == types::Long) {
    int overflow = 0;
    const long long value = PyLong_AsLongLongAndOverflow(object, &overflow);
    ref.hasInt = overflow == 0;
    ref.intValue = overflow == 0 ? value : 0;
  }
  if (ref.type == types::Float) ref.floatValue = PyFloat_AS_DOUBLE(object);
  if (ref.type == types::Class) ref.instances = instancesOf(reinterpret_cast<PyTypeObject*>(object));
  return ref;
}

// ---- the decoder ---------------------------------------------------------------------------------------------------

uint32_t read32(const uint16_t* p) {
  uint32_t value = 0;
  std::memcpy(&value, p, sizeof value);
  return value;
}

class Decoder {
 public:
  Decoder(PyCodeObject* code, PyObject* bytes, Snapshot& snapshot, const std::vector<SiteCache>& caches)
      : code_(code), snapshot_(snapshot), caches_(caches),
        base_(reinterpret_cast<const uint8_t*>(PyBytes_AS_STRING(bytes))), running_(_PyCode_CODE(code)),
        size_(static_cast<uint32_t>(Py_SIZE(code))) {}

  void copyProperties();
  void copyObjects();
  std::optional<Bailout> decode();
  void copyHandlers();
  void copyGlobals(const GlobalScope& scope);
  uint32_t siteCount() const { return siteCount_; }

 private:
  int32_t copyGlobal(const GlobalScope& scope, PyObject* name);
  void copyModuleAttribute(const GlobalScope& scope, size_t index);
  void noteKnown(int32_t index, PyObject* object);
  int32_t addObject(PyObject* object, std::string name);
  int32_t addCached(const uint16_t* slot);
  int32_t addBorrowed(void* address);
  void readSite(Instruction& instruction);
  void readRecorded(Instruction& instruction);
  void readArguments(Instruction& instruction) const;
  void readSpecial(Instruction& instruction, int opcode);
  void readMethodCache(Instruction& instruction, const _PyLoadMethodCache& cache);
  void setTarget(Instruction& instruction);
  frontend::Ran whetherRun(uint32_t offset, int opcode) const;
  uint16_t countMisses(uint32_t offset, int opcode) const;

  PyCodeObject* code_;
  Snapshot& snapshot_;
  const std::vector<SiteCache>& caches_;  ///< of earlier versions, or empty
  uint32_t siteCount_ = 0;
  const uint8_t* base_;          ///< co_code: plain opcodes, no instrumentation, caches zero
  const _Py_CODEUNIT* running_;  ///< what the interpreter runs
  uint32_t size_;
};

void Decoder::copyProperties() {
  Snapshot& s = snapshot_;
  s.name = utf8(code_->co_qualname);
  s.version = code_->co_version;
  s.argCount = static_cast<uint16_t>(parameterSlots(code_));
  s.localCount = static_cast<uint16_t>(code_->co_nlocalsplus);
  s.stackSize = static_cast<uint16_t>(code_->co_stacksize);
  s.freeVarBase = static_cast<uint16_t>(code_->co_nlocalsplus - code_->co_nfreevars);
  s.isGenerator = (code_->co_flags & (CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR)) != 0;
}

int32_t Decoder::addObject(PyObject* object, std::string name) {
  hir::ObjectRef ref = makeRef(object);
  ref.name = std::move(name);
  snapshot_.objects.push_back(std::move(ref));
  return static_cast<int32_t>(snapshot_.objects.size() - 1);
}

void Decoder::copyObjects() {
  Snapshot& s = snapshot_;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(code_->co_consts); ++i) {
    PyObject* object = PyTuple_GET_ITEM(code_->co_consts, i);
    const int32_t index = addObject(object, {});
    hir::ObjectRef& ref = s.objects[static_cast<size_t>(index)];
    ref.name = "const " + std::to_string(i) + " " + describe(object, ref);
  }
  s.nameBase = static_cast<uint32_t>(s.objects.size());
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(code_->co_names); ++i) {
    PyObject* object = PyTuple_GET_ITEM(code_->co_names, i);
    addObject(object, "name " + utf8(object));
  }
  s.noneObject = addObject(Py_None, "None");
  s.trueObject = addObject(Py_True, "True");
  s.falseObject = addObject(Py_False, "False");
  s.assertionErrorObject = addObject(PyExc_AssertionError, "type AssertionError");
}

/// An object that an inline cache borrows. It must not be looked at (decode.h): nothing is known but its address.
int32_t Decoder::addCached(const uint16_t* slot) {
  void* address = nullptr;
  std::memcpy(&address, slot, sizeof address);
  return addBorrowed(address);
}

int32_t Decoder::addBorrowed(void* address) {
  if (address == nullptr) return -1;
  hir::ObjectRef ref;
  ref.name = "cached " + std::to_string(snapshot_.objects.size());
  ref.type = types::kObject;
  ref.address = address;
  snapshot_.objects.push_back(std::move(ref));
  return static_cast<int32_t>(snapshot_.objects.size() - 1);
}

void Decoder::readMethodCache(Instruction& instruction, const _PyLoadMethodCache& cache) {
  instruction.version = read32(cache.type_version);
  const bool hasKeys = instruction.special == Special::AttrMethodWithValues ||
                       instruction.special == Special::AttrNondescriptorWithValues;
  if (hasKeys) instruction.version2 = read32(cache.keys_version);
  if (instruction.special == Special::AttrMethodLazyDict) instruction.index = cache.dict_offset;
  instruction.object = addCached(cache.descr);
  if (instruction.object < 0) instruction.special = Special::None;
  if (instruction.special != Special::AttrMethodNoDict) return;
  const void* address = snapshot_.objects[static_cast<size_t>(instruction.object)].address;
  // A subclass has another version.
  const auto known = knownMethod(address, instruction.version);
  if (known) snapshot_.known[instruction.object] = *known;
}

void Decoder::readSpecial(Instruction& instruction, int opcode) {
  const Quickened& form = kTables.quickened[running_[instruction.offset].op.code];
  if (form.base != opcode) return;
  instruction.special = form.special;
  const void* cache = running_ + instruction.offset + 1;
  switch (form.special) {
  case Special::GlobalModule:
  case Special::GlobalBuiltin: {
    const auto& global = *static_cast<const _PyLoadGlobalCache*>(cache);
    instruction.version = global.module_keys_version;
    if (form.special == Special::GlobalBuiltin) instruction.version2 = global.builtin_keys_version;
    instruction.index = global.index;
    return;
  }
  case Special::AttrInstanceValue:
  case Special::AttrModule:
  case Special::AttrWithHint:
  case Special::AttrSlot:
  case Special::StoreAttrInstanceValue:
  case Special::StoreAttrSlot:
  case Special::StoreAttrWithHint: {
    const auto& attribute = *static_cast<const _PyAttrCache*>(cache);
    instruction.version = read32(attribute.version);
    instruction.index = attribute.index;
    return;
  }
  case Special::AttrClass:
  case Special::AttrProperty:
  case Special::AttrMethodWithValues:
  case Special::AttrMethodNoDict:
  case Special::AttrMethodLazyDict:
  case Special::AttrNondescriptorWithValues:
  case Special::AttrNondescriptorNoDict:
    return readMethodCache(instruction, *static_cast<const _PyLoadMethodCache*>(cache));
  case Special::ToBoolAlwaysTrue:
    instruction.version = read32(static_cast<const _PyToBoolCache*>(cache)->version);
    return;
  default: return;
  }
}

/// The first run of an adaptive instruction changes its counter. One that was specialized and given up may come back to
/// the initial value for the length of one run, and switching another tool's instrumentation off resets counters.
frontend::Ran Decoder::whetherRun(uint32_t offset, int opcode) const {
  const uint8_t now = running_[offset].op.code;
  if (!kTables.adaptive[static_cast<size_t>(opcode)]) return frontend::Ran::Unknown;
  if (kTables.quickened[now].base == opcode) return frontend::Ran::Yes;
  if (now != opcode) return frontend::Ran::Unknown;
  const bool isInitial = running_[offset + 1].counter.as_counter == adaptive_counter_warmup().as_counter;
  return isInitial ? frontend::Ran::Never : frontend::Ran::Yes;
}

/// A quickened instruction counts down what is not for it, until it is quickened anew.
uint16_t Decoder::countMisses(uint32_t offset, int opcode) const {
  if (kTables.quickened[running_[offset].op.code].base != opcode || !kTables.adaptive[static_cast<size_t>(opcode)]) {
    return 0;
  }
  const _Py_BackoffCounter start = adaptive_counter_cooldown(), now = running_[offset + 1].counter;
  return now.backoff == start.backoff && now.value < start.value ? static_cast<uint16_t>(start.value - now.value) : 0;
}

bool hasSite(BytecodeOp op) {
  switch (op) {
  case BytecodeOp::LoadAttr:
  case BytecodeOp::StoreAttr:
  case BytecodeOp::LoadSuperAttr:
  case BytecodeOp::LoadGlobal:
  case BytecodeOp::BinarySubscr:
  case BytecodeOp::StoreSubscr:
  case BytecodeOp::BinaryOp:
  case BytecodeOp::CompareOp:
  case BytecodeOp::UnaryInvert:
  case BytecodeOp::UnaryNegative:
  case BytecodeOp::Call:
  case BytecodeOp::ForIter:
  case BytecodeOp::ToBool: return true;
  default: return false;
  }
}

/// The quickened form for the operands that were met.
Special specialOf(const Instruction& instruction, SiteEntry::Kind kind) {
  const bool isInt = kind == SiteEntry::IntPair, isFloat = kind == SiteEntry::FloatPair;
  const Special mixed = kind == SiteEntry::IntFloatPair   ? Special::OperatorIntFloat
                        : kind == SiteEntry::FloatIntPair ? Special::OperatorFloatInt
                        : kind == SiteEntry::BoolPair     ? Special::OperatorBool
                                                          : Special::None;
  switch (instruction.op) {
  case BytecodeOp::BinarySubscr:
    if (kind == SiteEntry::ArrayItem) return Special::SubscrArray;
    if (kind == SiteEntry::TupleItem) return Special::SubscrTupleInt;
    if (kind == SiteEntry::ByteItem) return Special::SubscrBytes;
    return kind == SiteEntry::ListItem ? Special::SubscrListInt : Special::None;
  case BytecodeOp::StoreSubscr:
    if (kind == SiteEntry::ArrayItem) return Special::StoreSubscrArray;
    if (kind == SiteEntry::ByteItem) return Special::StoreSubscrBytes;
    return kind == SiteEntry::ListItem ? Special::StoreSubscrListInt : Special::None;
  case BytecodeOp::CompareOp: return isInt ? Special::CompareInt : isFloat ? Special::CompareFloat : mixed;
  case BytecodeOp::ForIter: return kind == SiteEntry::QuietIterator ? Special::ForIterQuiet : Special::None;
  case BytecodeOp::ToBool: return isInt ? Special::ToBoolInt : Special::None;
  case BytecodeOp::BinaryOp:
    if (!isInt && !isFloat) return mixed;
    switch (instruction.arg) {
    case NB_ADD:
    case NB_INPLACE_ADD: return isInt ? Special::AddInt : Special::AddFloat;
    case NB_SUBTRACT:
    case NB_INPLACE_SUBTRACT: return isInt ? Special::SubtractInt : Special::SubtractFloat;
    case NB_MULTIPLY:
    case NB_INPLACE_MULTIPLY: return isInt ? Special::MultiplyInt : Special::MultiplyFloat;
    default: return isInt ? Special::OperatorInt : Special::OperatorFloat;
    }
  case BytecodeOp::Call:
  case BytecodeOp::UnaryInvert:
  case BytecodeOp::UnaryNegative: return isInt ? Special::OperatorInt : isFloat ? Special::OperatorFloat : mixed;
  default: return Special::None;
  }
}

/// What native code met at an instruction that the interpreter has not specialized.
void Decoder::readRecorded(Instruction& instruction) {
  const SiteCache& cache = caches_[instruction.site];
  const SiteEntry* entry = cache.hottest();
  if (entry == nullptr || (instruction.special == Special::AttrProperty && !cache.isLearnedProperty())) return;
  const bool inlineValue = entry->storage == SiteEntry::Inline && entry->index != SiteEntry::kNoIndex;
  instruction.version = entry->version;
  instruction.index = entry->index;
  switch (entry->kind) {
  case SiteEntry::Instance:
    if (inlineValue) instruction.special = Special::AttrInstanceValue;
    return;
  case SiteEntry::Slot: instruction.special = Special::AttrSlot; return;
  case SiteEntry::StoreInstance:
    if (inlineValue) instruction.special = Special::StoreAttrInstanceValue;
    return;
  case SiteEntry::StoreSlot: instruction.special = Special::StoreAttrSlot; return;
  case SiteEntry::ClassItself:
    if (entry->index != 0 || caches_[instruction.site].count != 1) return;
    instruction.special = Special::AttrClassWithMeta;
    instruction.version2 = entry->version2;
    instruction.object = addBorrowed(entry->object);
    return;
  case SiteEntry::Property:
  case SiteEntry::StoreProperty:
    if (cache.isLearnedProperty()) instruction.special = Special::LearnedProperty;
    return;
  case SiteEntry::Global: instruction.special = Special::GlobalModule; return;
  case SiteEntry::Builtin:
    instruction.version2 = entry->version2;
    instruction.special = Special::GlobalBuiltin;
    return;
  case SiteEntry::SpecialMethod:
    instruction.special = Special::ClassMethod;
    instruction.version2 = entry->version2;
    return;
  default: instruction.special = specialOf(instruction, entry->kind); return;
  }
}

/// What numbers a call met as arguments.
void Decoder::readArguments(Instruction& instruction) const {
  const SiteEntry* entry = caches_.empty() ? nullptr : caches_[instruction.site].hottest();
  if (entry != nullptr) instruction.numbers = specialOf(instruction, entry->kind);
}

void Decoder::readSite(Instruction& instruction) {
  instruction.site = siteCount_++;
  if (!caches_.empty()) instruction.classes = static_cast<uint8_t>(caches_[instruction.site].count);
  if (instruction.op == BytecodeOp::Call) {
    readArguments(instruction);
    // Still there where the interpreter has given up the form: a compiled function has no version any more.
    const auto& cache = *reinterpret_cast<const _PyCallCache*>(running_ + instruction.offset + 1);
    instruction.version = read32(cache.func_version);
    return;
  }
  const bool isOpen = instruction.special == Special::None || instruction.special == Special::SubscrGetitem ||
                      instruction.special == Special::AttrProperty;
  if (isOpen && !caches_.empty()) readRecorded(instruction);
}

void Decoder::setTarget(Instruction& instruction) {
  const auto distance = static_cast<uint32_t>(instruction.arg);
  switch (instruction.op) {
  case BytecodeOp::JumpForward:
  case BytecodeOp::PopJumpIfFalse:
  case BytecodeOp::PopJumpIfNone:
  case BytecodeOp::PopJumpIfNotNone:
  case BytecodeOp::PopJumpIfTrue:
  case BytecodeOp::Send: instruction.target = instruction.nextOffset + distance; return;
  // An exhausted iterator is popped by FOR_ITER itself, which then skips END_FOR and POP_TOP.
  case BytecodeOp::ForIter: instruction.target = instruction.nextOffset + distance + 2; return;
  case BytecodeOp::JumpBackward:
  case BytecodeOp::JumpBackwardNoInterrupt: instruction.target = instruction.nextOffset - distance; return;
  default: return;
  }
}

std::optional<Bailout> Decoder::decode() {
  std::vector<Instruction>& out = snapshot_.instructions;
  bool hasResume = false;
  for (uint32_t offset = 0; offset < size_;) {
    Instruction instruction;
    instruction.resumeOffset = offset;
    uint32_t arg = base_[2 * offset + 1];
    while (base_[2 * offset] == EXTENDED_ARG && offset + 1 < size_) {
      ++offset;
      arg = arg << 8 | base_[2 * offset + 1];
    }
    const int number = base_[2 * offset];
    const Opcode& opcode = kTables.plain[static_cast<size_t>(number)];
    if (opcode.kind == Opcode::None) {
      return Bailout{BailoutReason::UnsupportedOpcode, offset, "opcode " + std::to_string(number)};
    }
    instruction.op = opcode.first;
    instruction.arg = static_cast<int32_t>(arg);
    instruction.offset = offset;
    instruction.nextOffset = offset + port::kLengths[static_cast<size_t>(number)];
    if (instruction.nextOffset > size_) return Bailout{BailoutReason::MalformedBytecode, offset, "truncated"};
    if (opcode.kind == Opcode::Pair) {
      Instruction second = instruction;
      instruction.arg = static_cast<int32_t>(arg >> 4);
      second.op = opcode.second;
      second.arg = static_cast<int32_t>(arg & 15);
      out.push_back(instruction);
      out.push_back(second);
    } else {
      readSpecial(instruction, number);
      instruction.ran = whetherRun(offset, number);
      instruction.misses = countMisses(offset, number);
      if (hasSite(instruction.op)) readSite(instruction);
      setTarget(instruction);
      if (instruction.op == BytecodeOp::Resume && !std::exchange(hasResume, true)) {
        snapshot_.firstTraceable = static_cast<uint32_t>(out.size());
      }
      out.push_back(instruction);
    }
    offset = instruction.nextOffset;
  }
  return std::nullopt;
}

const uint8_t* readVarint(const uint8_t* p, uint32_t* result) {
  uint32_t value = *p & 63U;
  while (*p & 64) {
    ++p;
    value = (value << 6) | (*p & 63U);
  }
  *result = value;
  return p + 1;
}

void Decoder::copyHandlers() {
  const auto* p = reinterpret_cast<const uint8_t*>(PyBytes_AS_STRING(code_->co_exceptiontable));
  const uint8_t* end = p + PyBytes_GET_SIZE(code_->co_exceptiontable);
  while (p < end) {
    uint32_t start = 0, size = 0, target = 0, depthAndLasti = 0;
    p = readVarint(p, &start);
    p = readVarint(p, &size);
    p = readVarint(p, &target);
    p = readVarint(p, &depthAndLasti);
    snapshot_.handlers.push_back(
        {start, start + size, target, static_cast<uint16_t>(depthAndLasti >> 1), (depthAndLasti & 1) != 0});
  }
}

/// Looking a name up in a dict that has only names for keys runs no Python code.
bool isPlainNamespace(PyObject* dict) {
  return dict != nullptr && PyDict_CheckExact(dict) &&
         reinterpret_cast<PyDictObject*>(dict)->ma_keys->dk_kind == DICT_KEYS_UNICODE;
}

/// The object table index of a global's value, or -1. The object is not kept alive: its dict does that.
int32_t Decoder::copyGlobal(const GlobalScope& scope, PyObject* name) {
  PyObject* value = PyDict_GetItemWithError(scope.globals, name);
  const bool isBuiltin = value == nullptr;
  if (isBuiltin) value = PyDict_GetItemWithError(scope.builtins, name);
  if (value == nullptr) return -1;
  // A builtin depends on the absence of a global, too.
  if (!scope.validity->dependOn(scope.globals, name)) return -1;
  if (isBuiltin && !scope.validity->dependOn(scope.builtins, name)) return -1;
  const int32_t index = addObject(value, (isBuiltin ? "builtin " : "global ") + utf8(name));
  snapshot_.objects[static_cast<size_t>(index)].watched = true;
  noteKnown(index, value);
  return index;
}

void Decoder::noteKnown(int32_t index, PyObject* object) {
  if (const auto known = knownCallable(object)) snapshot_.known[index] = *known;
}

/// `module.name` behind the LOAD_GLOBAL of an exact module: its value, where it is no variable.
void Decoder::copyModuleAttribute(const GlobalScope& scope, size_t index) {
  if (index + 1 >= snapshot_.instructions.size()) return;
  Instruction& load = snapshot_.instructions[index + 1];
  if (load.op != BytecodeOp::LoadAttr || load.special != Special::AttrModule) return;
  const int32_t owner = snapshot_.instructions[index].object;
  auto* module = static_cast<PyObject*>(const_cast<void*>(snapshot_.objects[static_cast<size_t>(owner)].address));
  if (!PyModule_CheckExact(module)) return;
  PyObject* dict = PyModule_GetDict(module);
  PyObject* name = PyTuple_GET_ITEM(code_->co_names, load.arg >> 1);
  if (!isPlainNamespace(dict)) return;
  PyObject* value = PyDict_GetItemWithError(dict, name);
  if (value == nullptr || !knownCallable(value) || !scope.validity->dependOn(dict, name)) return;
  load.object = addObject(value, "attribute " + utf8(name));
  snapshot_.objects[static_cast<size_t>(load.object)].watched = true;
  noteKnown(load.object, value);
}

void Decoder::copyGlobals(const GlobalScope& scope) {
  if (scope.validity == nullptr || !isPlainNamespace(scope.globals) || !isPlainNamespace(scope.builtins)) return;
  std::vector<std::optional<int32_t>> known(static_cast<size_t>(PyTuple_GET_SIZE(code_->co_names)));
  bool any = false;
  for (size_t i = 0; i < snapshot_.instructions.size(); ++i) {
    Instruction& instruction = snapshot_.instructions[i];
    if (instruction.op != BytecodeOp::LoadGlobal) continue;
    const auto nameIndex = static_cast<size_t>(instruction.arg >> 1);
    if (nameIndex >= known.size()) continue;
    if (!known[nameIndex]) known[nameIndex] = copyGlobal(scope, PyTuple_GET_ITEM(code_->co_names, nameIndex));
    instruction.object = *known[nameIndex];
    if (instruction.object < 0) continue;
    any = true;
    copyModuleAttribute(scope, i);
  }
  if (!any) return;
  snapshot_.globalsObject = addObject(scope.globals, "globals");
  addObject(scope.builtins, "builtins");
  frontend::addValidity(snapshot_, scope.validity->word());
}

}  // namespace

Result<Snapshot> snapshotCode(PyCodeObject* code, const frontend::BlockedSites& blocked, std::vector<SiteCache>& caches,
                              const GlobalScope& scope) {
  // co_code is the one view of the instructions whose format no patch release changes: CPython undoes instrumentation.
  PyObject* bytes = PyCode_GetCode(code);
  if (bytes == nullptr) {
    PyErr_Clear();
    return Bailout{BailoutReason::MalformedBytecode, 0, "the interpreter gives no bytecode"};
  }
  findArrayType();
  Snapshot result;
  Decoder decoder(code, bytes, result, caches);
  decoder.copyProperties();
  decoder.copyObjects();
  decoder.copyHandlers();
  std::optional<Bailout> failure = decoder.decode();
  Py_DECREF(bytes);
  if (failure) return *failure;
  decoder.copyGlobals(scope);
  result.blocked = blocked;
  if (caches.empty()) caches.resize(decoder.siteCount());
  result.siteCaches = caches.empty() ? nullptr : caches.data();
  return result;
}

std::vector<hir::Type> typesOf(PyObject* const* objects, size_t count) {
  std::vector<hir::Type> result;
  result.reserve(count);
  for (size_t i = 0; i < count; ++i) result.push_back(objects[i] != nullptr ? typeOf(objects[i]) : types::Null);
  return result;
}

bool hasLoop(PyCodeObject* code) {
  PyObject* bytes = PyCode_GetCode(code);
  if (bytes == nullptr) {
    PyErr_Clear();
    return true;
  }
  const auto* units = reinterpret_cast<const _Py_CODEUNIT*>(PyBytes_AS_STRING(bytes));
  bool found = false;
  const bool allKnown = port::visitInstructions(units, units + Py_SIZE(code), [&](const _Py_CODEUNIT& unit) {
    found |= unit.op.code == JUMP_BACKWARD || unit.op.code == JUMP_BACKWARD_NO_INTERRUPT;
  });
  Py_DECREF(bytes);
  return found || !allKnown;
}

const std::vector<OpcodeRow>& opcodeRows() {
  using Kind = OpcodeRow::Kind;
  static const std::vector<OpcodeRow> rows = {
#define OPCODE(NAME, caches, neutral) {#NAME, NAME, Kind::Plain, caches, "", #neutral, ""},
#define SUPERINSTRUCTION(NAME, one, two) {#NAME, NAME, Kind::Superinstruction, 0, "", #one "+" #two, ""},
#define QUICKENED(NAME, BASE, special) {#NAME, NAME, Kind::Quickened, 0, #BASE, "", #special},
#define INSTRUMENTED(NAME) {#NAME, NAME, Kind::Instrumented, 0, "", "", ""},
#define INTERNAL(NAME) {#NAME, NAME, Kind::Internal, 0, "", "", ""},
#include "vm/cpython_3_13/opcodes.def"
  };
  return rows;
}

}  // namespace martlet::vm
