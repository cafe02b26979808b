// SPDX-License-Identifier: MIT
// What compiling costs: compiles functions of growing size with the real runtime bitcode, and prints a table. The code
// is never run, so every symbol gets a made-up address.
//   llvm_cost martlet_runtime.bc [repetitions] [dump]
#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "tests/llvm/harness.h"

namespace martlet::test {

namespace {

namespace types = hir::types;
using hir::Helper;
using hir::Op;

std::vector<HelperAddress> allSymbols() {
  static char area[4096];
  std::vector<HelperAddress> out;
  const auto add = [&](const char* symbol) { out.push_back({symbol, area + 8 * out.size()}); };
#define HELPER(name, symbol, ...) add(#symbol);
#include "vm/runtime/helpers.def"
#define EXTERNAL(symbol) add(#symbol);
#include "vm/runtime/bitcode_externals.def"
  add("martlet_force_exit");
  return out;
}

hir::Value* constant(Builder& b, const char* name) {
  static char objects[1 << 16];
  hir::ObjectRef ref;
  ref.name = name;
  ref.address = objects + 16 * b.function.objects.size();
  const uint32_t index = b.function.addObject(ref);
  return b.op(Op::ConstObject, types::kObject, {}, index);
}

hir::Value* owning(hir::Value* value, std::vector<hir::Value*> owned) {
  value->state->owned = std::move(owned);
  return value;
}

/// `total += point.x * values[3]`, `count` times: caches, guards, unboxed floats, reference counts.
void guardedLoads(Builder& b, int count) {
  b.newEntry();
  hir::Value* object = b.local(0);
  hir::Value* list = b.local(1);
  hir::Value* total = b.op(Op::ConstFloat, types::F64);
  hir::Value* index = constant(b, "3");
  for (int i = 0; i < count; ++i) {
    const uint32_t offset = static_cast<uint32_t>(10 * i);
    hir::Value* name = constant(b, "name");
    hir::Value* x = b.at(b.call(Helper::LoadAttrInstanceValue, types::kObject, {object, name}, {1000 + i, i % 16, 0}),
                         offset, {object});
    hir::Value* y =
        owning(b.at(b.call(Helper::SubscrListInt, types::kObject, {list, index}), offset + 2, {x, list, index}), {x});
    hir::Value* p = owning(b.at(b.op(Op::UnboxFloat, types::F64, {x}), offset + 4, {x, y}), {x, y});
    hir::Value* q = owning(b.at(b.op(Op::UnboxFloat, types::F64, {y}), offset + 4, {x, y}), {x, y});
    total = b.op(Op::FloatAdd, types::F64, {total, b.op(Op::FloatMul, types::F64, {p, q})});
    b.op(Op::DecRef, {}, {x});
    b.op(Op::DecRef, {}, {y});
  }
  b.ret(b.op(Op::BoxFloat, types::Float, {total}));
}

/// `x = f(x, y)`, `y = x + y`, `count` times: calls and stores to the frame's slots.
void genericCalls(Builder& b, int count) {
  b.newEntry();
  hir::Value* x = b.local(0);
  hir::Value* y = b.local(1);
  hir::Value* null = b.op(Op::ConstNull, types::Null);
  for (int i = 0; i < count; ++i) {
    const uint32_t offset = static_cast<uint32_t>(20 * i);
    hir::Value* f = b.at(b.call(Helper::LoadGlobalModule, types::kObject, {constant(b, "f")}, {77, 5, 0}), offset, {});
    hir::Value* result =
        owning(b.at(b.call(Helper::Call, types::kObject, {f, null, x, y}, {0}), offset + 4, {f, null, x, y}), {f});
    b.op(Op::DecRef, {}, {f});
    b.op(Op::StoreLocal, {}, {result}, 0);
    b.op(Op::DecRef, {}, {x});
    x = result;
    hir::Value* sum = b.at(b.call(Helper::BinaryOpInt, types::kObject, {x, y}, {0}), offset + 8, {x, y});
    b.op(Op::StoreLocal, {}, {sum}, 1);
    b.op(Op::DecRef, {}, {y});
    y = sum;
  }
  b.op(Op::IncRef, {}, {y});
  b.ret(y);
}

struct Row {
  double build = 1e9, optimize = 1e9, codegen = 1e9;
};

bool measure(Backend& backend, const char* label, const hir::Function& function, int level, int repetitions,
             bool dump) {
  Row best;
  size_t bytes = 0, instructions = 0, exits = 0;
  for (int i = 0; i < repetitions; ++i) {
    BackendOptions options;
    options.optLevel = level;
    options.dumpLlvm = options.dumpAssembly = dump;
    auto code = backend.compile(function, options);
    if (!code) {
      std::fprintf(stderr, "%s\n", code.bailout().detail.c_str());
      return false;
    }
    for (const Dump& text : code->dumps) std::printf("; ---- %s\n%s\n", text.stage.c_str(), text.text.c_str());
    best.build = std::min(best.build, code->times.buildSeconds);
    best.optimize = std::min(best.optimize, code->times.optimizeSeconds);
    best.codegen = std::min(best.codegen, code->times.codegenSeconds);
    bytes = code->codeBytes;
    instructions = code->irInstructions;
    exits = code->exitInstructions;
    codeMemory().release(code->place);
  }
  std::printf("%-18s %d %7zu %6zu %8.2f %8.2f %8.2f %8.2f %8zu\n", label, level, instructions, exits, 1e3 * best.build,
              1e3 * best.optimize, 1e3 * best.codegen, 1e3 * (best.build + best.optimize + best.codegen), bytes);
  return true;
}

int run(const char* bitcode, int repetitions, bool dump) {
  std::string error;
  const std::vector<HelperAddress> symbols = allSymbols();
  std::unique_ptr<Backend> backend = newBackend(&error, bitcode, &symbols);
  if (!backend) {
    std::fprintf(stderr, "%s\n", error.c_str());
    return 1;
  }
  std::printf("%-18s L %7s %6s %8s %8s %8s %8s %8s\n", "function", "IR", "exits", "build", "optimize", "codegen",
              "all ms", "bytes");
  using Generator = void (*)(Builder&, int);
  const std::pair<const char*, Generator> generators[] = {{"guarded loads", guardedLoads},
                                                          {"generic calls", genericCalls}};
  for (const auto& [label, generate] : generators) {
    for (int size : dump ? std::vector<int>{2} : std::vector<int>{1, 10, 60, 200}) {
      Builder b;
      generate(b, size);
      const std::string name = std::string(label) + " " + std::to_string(size);
      for (int level : {0, 1, 2}) {
        if (!measure(*backend, name.c_str(), b.function, level, repetitions, dump)) return 1;
      }
    }
  }
  return 0;
}

}  // namespace

}  // namespace martlet::test

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s martlet_runtime.bc [repetitions] [dump]\n", argv[0]);
    return 2;
  }
  return martlet::test::run(argv[1], argc > 2 ? std::atoi(argv[2]) : 3, argc > 3);
}
