// SPDX-License-Identifier: MIT
// Names of opcodes and quickened forms, and snapshots as text. Must not know: Python.h, LLVM.
#include <iterator>

#include "lowering/frontend/frontend.h"

namespace martlet::frontend {
namespace {

constexpr const char* kOps[] = {
#define BYTECODE(name, ...) #name,
#include "lowering/frontend/bytecode.def"
};
static_assert(std::size(kOps) == static_cast<size_t>(BytecodeOp::kCount));

constexpr const char* kSpecials[] = {
#define SPECIAL(name) #name,
#include "lowering/frontend/specials.def"
};
static_assert(std::size(kSpecials) == static_cast<size_t>(Special::kCount));

bool hasTarget(BytecodeOp op) {
  switch (op) {
  case BytecodeOp::ForIter:
  case BytecodeOp::JumpBackward:
  case BytecodeOp::JumpBackwardNoInterrupt:
  case BytecodeOp::JumpForward:
  case BytecodeOp::PopJumpIfFalse:
  case BytecodeOp::PopJumpIfNone:
  case BytecodeOp::PopJumpIfNotNone:
  case BytecodeOp::PopJumpIfTrue:
  case BytecodeOp::Send: return true;
  default: return false;
  }
}

/// The object that the argument refers to, or -1.
int64_t objectOf(const Snapshot& snapshot, const Instruction& instruction) {
  switch (instruction.op) {
  case BytecodeOp::LoadConst:
  case BytecodeOp::ReturnConst: return instruction.arg;
  case BytecodeOp::LoadAttr:
  case BytecodeOp::LoadGlobal: return snapshot.nameBase + (instruction.arg >> 1);
  case BytecodeOp::LoadSuperAttr: return snapshot.nameBase + (instruction.arg >> 2);
  case BytecodeOp::DeleteAttr:
  case BytecodeOp::DeleteGlobal:
  case BytecodeOp::DeleteName:
  case BytecodeOp::ImportFrom:
  case BytecodeOp::ImportName:
  case BytecodeOp::LoadFromDictOrGlobals:
  case BytecodeOp::LoadName:
  case BytecodeOp::StoreAttr:
  case BytecodeOp::StoreGlobal:
  case BytecodeOp::StoreName: return snapshot.nameBase + instruction.arg;
  default: return -1;
  }
}

std::string padded(std::string text, size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

std::string printInstruction(const Snapshot& snapshot, const Instruction& instruction) {
  std::string line = padded(std::to_string(instruction.offset), 6) + padded(name(instruction.op), 24) +
                     std::to_string(instruction.arg);
  if (hasTarget(instruction.op)) line += " -> " + std::to_string(instruction.target);
  const int64_t object = objectOf(snapshot, instruction);
  if (object >= 0 && object < static_cast<int64_t>(snapshot.objects.size())) {
    line += " (" + snapshot.objects[static_cast<size_t>(object)].name + ")";
  }
  if (instruction.special != Special::None) line += std::string(" ") + name(instruction.special);
  if (instruction.version != 0) line += " version=" + std::to_string(instruction.version);
  if (instruction.version2 != 0) line += " version2=" + std::to_string(instruction.version2);
  if (instruction.index != 0) line += " index=" + std::to_string(instruction.index);
  if (instruction.object >= 0) line += " object=" + std::to_string(instruction.object);
  if (instruction.ran == Ran::Never) line += " never";
  if (snapshot.blocked.contains(instruction.offset)) line += " blocked";
  return line + "\n";
}

}  // namespace

const char* name(BytecodeOp op) {
  return op < BytecodeOp::kCount ? kOps[static_cast<size_t>(op)] : "?";
}
const char* name(Special special) {
  return special < Special::kCount ? kSpecials[static_cast<size_t>(special)] : "?";
}

std::string print(const Snapshot& snapshot) {
  std::string text = "code \"" + snapshot.name + "\" locals=" + std::to_string(snapshot.localCount) +
                     " arguments=" + std::to_string(snapshot.argCount) +
                     " stack=" + std::to_string(snapshot.stackSize) + (snapshot.isGenerator ? " generator" : "") + "\n";
  for (const Instruction& instruction : snapshot.instructions) text += printInstruction(snapshot, instruction);
  for (const Handler& handler : snapshot.handlers) {
    text += "handler [" + std::to_string(handler.start) + ", " + std::to_string(handler.end) + ") -> " +
            std::to_string(handler.target) + " depth=" + std::to_string(handler.depth) +
            (handler.pushLasti ? " lasti" : "") + "\n";
  }
  return text;
}

}  // namespace martlet::frontend
