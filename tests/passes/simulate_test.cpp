// SPDX-License-Identifier: MIT
// Each function of this folder's text tests, executed before and after the default pipeline.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "lowering/hir/parser.h"
#include "lowering/hir/printer.h"
#include "lowering/hir/verifier.h"
#include "passes/passes.h"
#include "tests/hirtool/test_file.h"
#include "tests/passes/simulator.h"

namespace martlet {
namespace {

constexpr uint64_t kSeeds = 400;

/// An object less is no difference to a program, but one to the simulator.
bool mayLoseObjects(const hir::Function& function) {
  const auto keepsAlive = [](const auto& block) {
    return std::any_of(block->ops.begin(), block->ops.end(), [](auto* op) { return op->op == hir::Op::KeepAlive; });
  };
  return std::any_of(function.blocks.begin(), function.blocks.end(), keepsAlive);
}

void checkFile(const std::filesystem::path& path) {
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::string input = hirtool::readTest(text).input;
  const hir::ParseResult original = hir::parse(input);
  hir::ParseResult optimized = hir::parse(input);
  ASSERT_TRUE(original) << original.error;
  for (size_t i = 0; i < original.functions.size(); ++i) {
    const hir::Function& before = *original.functions[i].function;
    if (!hir::verify(before, hir::Phase::AfterFrontend).empty()) continue;  // the input of a later pass
    if (mayLoseObjects(before)) continue;
    hir::Function& after = *optimized.functions[i].function;
    after.recomputePredecessors();
    for (const passes::PipelineStep& step : passes::defaultPipeline()) {
      if (std::string_view(step.pass) != "strip-markers") passes::findPass(step.pass)->run(after);
    }
    ASSERT_EQ(passes::verifyRefcounts(after), std::nullopt) << hir::print(after);
    for (uint64_t seed = 0; seed < kSeeds; ++seed) {
      const auto difference = simulator::compare(simulator::execute(before, before, seed, false),
                                                 simulator::execute(after, before, seed, true));
      ASSERT_EQ(difference, std::nullopt) << path << ", " << before.name << ", seed " << seed << "\n"
                                          << hir::print(after);
    }
  }
}

TEST(Simulate, TextTests) {
  for (const auto& entry : std::filesystem::directory_iterator(MARTLET_TEST_FOLDER)) {
    if (entry.path().extension() == ".hir") checkFile(entry.path());
  }
}

}  // namespace
}  // namespace martlet
