// SPDX-License-Identifier: MIT
#include "tests/llvm/harness.h"

#include <dlfcn.h>

#include <cstdio>
#include <utility>

extern "C" {
extern FakeObject fake_true, fake_false;
void fake_free(FakeObject* object);
FakeObject* fake_box_int(int64_t value);
FakeObject* fake_box_float(double value);
bool martlet_force_exit();
#define HELPER(name, symbol, ...) __attribute__((weak)) void symbol();
#include "vm/runtime/helpers.def"
}

namespace martlet::test {

std::vector<HelperAddress> fakeHelpers() {
  std::vector<HelperAddress> out{
      {"fake_true", &fake_true},
      {"fake_false", &fake_false},
      {"fake_free", reinterpret_cast<const void*>(&fake_free)},
      {"fake_box_int", reinterpret_cast<const void*>(&fake_box_int)},
      {"fake_box_float", reinterpret_cast<const void*>(&fake_box_float)},
      {"martlet_force_exit", reinterpret_cast<const void*>(&martlet_force_exit)},
  };
  const HelperAddress helpers[] = {
#define HELPER(name, symbol, ...) {#symbol, reinterpret_cast<const void*>(&symbol)},
#include "vm/runtime/helpers.def"
  };
  for (const HelperAddress& helper : helpers) {
    if (helper.address) out.push_back(helper);
  }
  return out;
}

std::unique_ptr<Backend> newBackend(std::string* error, const char* bitcode, const std::vector<HelperAddress>* given) {
  static void* library = dlopen(MARTLET_LLVM_PATH, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    *error = dlerror();
    return nullptr;
  }
  const auto create = reinterpret_cast<decltype(&martlet_backend_create)>(dlsym(library, "martlet_backend_create"));
  const std::vector<HelperAddress> helpers = given ? *given : fakeHelpers();
  return std::unique_ptr<Backend>(create(helpers.data(), helpers.size(), bitcode, &codeMemory(), error));
}

CodeBlocks& codeMemory() {
  static CodeBlocks memory;
  return memory;
}

Backend* backend() {
  static const std::unique_ptr<Backend> shared = [] {
    std::string error;
    auto out = newBackend(&error, FAKE_BITCODE);
    if (!out) std::fprintf(stderr, "no backend: %s\n", error.c_str());
    return out;
  }();
  return shared.get();
}

hir::Block* Builder::newEntry(uint32_t offset, uint16_t depth) {
  newBlock();
  function.entries.push_back({offset, depth, block});
  return block;
}

hir::Value* Builder::op(hir::Op op, hir::Type type, std::vector<hir::Value*> operands, int64_t imm) {
  hir::Value* value = function.newValue(op, type, std::move(operands), imm);
  function.append(block, value);
  return value;
}

hir::Value* Builder::at(hir::Value* value, uint32_t offset, std::vector<hir::Value*> stack) {
  value->state = std::make_unique<hir::FrameState>();
  value->state->offset = value->state->resumeOffset = offset;
  value->state->nextOffset = offset + 2;
  value->state->stack = std::move(stack);
  return value;
}

hir::Value* Builder::call(hir::Helper helper, hir::Type type, std::vector<hir::Value*> operands,
                          std::vector<int64_t> imms, uint16_t outputs) {
  hir::Value* value = op(hir::Op::CallRuntime, type, std::move(operands));
  value->helper = helper;
  value->imms = std::move(imms);
  value->outputs = outputs;
  return value;
}

void Builder::jump(hir::Block* target, std::vector<hir::Value*> arguments) {
  op(hir::Op::Jump, {});
  block->successors = {{target, std::move(arguments)}};
}

void Builder::branch(hir::Value* condition, hir::Edge yes, hir::Edge no) {
  op(hir::Op::Branch, {}, {condition});
  block->successors = {std::move(yes), std::move(no)};
}

hir::Value* Builder::unboxInt(hir::Value* object, uint32_t offset, std::vector<hir::Value*> stack) {
  return at(op(hir::Op::UnboxInt, hir::types::I64, {object}), offset, std::move(stack));
}

hir::Value* Builder::arithmetic(hir::Op which, hir::Value* lhs, hir::Value* rhs, uint32_t offset) {
  return at(op(which, hir::types::I64, {lhs, rhs}), offset, {lhs, rhs});
}

Compiled::Compiled(const hir::Function& function, BackendOptions options) {
  Result<CompiledCode> result = backend()->compile(function, options);
  if (!result) {
    bailout = std::string(name(result.bailout().reason)) + ": " + result.bailout().detail;
    return;
  }
  code = std::move(*result);
  codeMemory().showFrames(code.place);
  spill.assign(code.spillSlots + 1, 0xdeadbeef);
}

Compiled::~Compiled() {
  codeMemory().release(code.place);
}

NativeResult Compiled::run(uint64_t entry) {
  return code.function(&thread, &frame, entry, spill.data());
}

FakeObject* newInt(int64_t value) {
  return fake_box_int(value);
}
FakeObject* newFloat(double value) {
  return fake_box_float(value);
}
void drop(FakeObject* object) {
  if (--object->references == 0) fake_free(object);
}

}  // namespace martlet::test
