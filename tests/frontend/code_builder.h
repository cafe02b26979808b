// SPDX-License-Identifier: MIT
// Snapshots by hand. Every instruction is one code unit long. Must not know: Python.h.
#pragma once
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "lowering/frontend/frontend.h"
#include "lowering/hir/printer.h"
#include "lowering/hir/verifier.h"

namespace martlet::frontend {

class CodeBuilder {
 public:
  /// Constants: 0 is None, 1 is 7, 2 is 2.5, 3 is 'a'. Names: 0 is x.
  explicit CodeBuilder(uint16_t arguments = 0, uint16_t locals = 0, uint16_t stackSize = 16) {
    code.name = "f";
    code.argCount = arguments;
    code.localCount = locals;
    code.stackSize = stackSize;
    code.freeVarBase = locals;
    object("const 0 None", hir::types::None);
    object("const 1 7", hir::types::Long).hasInt = true;
    code.objects.back().intValue = 7;
    object("const 2 2.5", hir::types::Float).floatValue = 2.5;
    object("const 3 'a'", hir::types::Str);
    code.nameBase = 4;
    object("name x", hir::types::Str);
    code.noneObject = add("None", hir::types::None);
    code.trueObject = add("True", hir::types::Bool);
    code.falseObject = add("False", hir::types::Bool);
    code.assertionErrorObject = add("type AssertionError", hir::types::Class);
  }

  CodeBuilder& op(BytecodeOp op, int32_t arg = 0, Special special = Special::None) {
    Instruction instruction;
    instruction.op = op;
    instruction.arg = arg;
    instruction.special = special;
    instruction.offset = instruction.resumeOffset = static_cast<uint32_t>(code.instructions.size());
    instruction.nextOffset = instruction.offset + 1;
    code.instructions.push_back(instruction);
    return *this;
  }
  CodeBuilder& jump(BytecodeOp op, uint32_t target, Special special = Special::None) {
    this->op(op, 0, special);
    code.instructions.back().target = target;
    return *this;
  }

  Result<hir::Function> translate(std::vector<EntryRequest> entries = {{0, 0}}) const {
    return frontend::translate(code, entries);
  }
  /// The translation as text. Fails the test where there is none, or where it is not well formed.
  std::string text(std::vector<EntryRequest> entries = {{0, 0}}) const {
    Result<hir::Function> function = translate(std::move(entries));
    if (!function) {
      ADD_FAILURE() << name(function.bailout().reason) << ": " << function.bailout().detail;
      return "";
    }
    for (const std::string& violation : hir::verify(*function, hir::Phase::AfterFrontend)) ADD_FAILURE() << violation;
    return hir::print(*function);
  }

  Snapshot code;

 private:
  hir::ObjectRef& object(std::string name, hir::Type type) {
    hir::ObjectRef ref;
    ref.name = std::move(name);
    ref.type = type;
    code.objects.push_back(std::move(ref));
    return code.objects.back();
  }
  int32_t add(std::string name, hir::Type type) {
    object(std::move(name), type);
    return static_cast<int32_t>(code.objects.size() - 1);
  }
};

/// How often `what` occurs in `text`.
inline int count(const std::string& text, const std::string& what) {
  int found = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++found;
  return found;
}

}  // namespace martlet::frontend
