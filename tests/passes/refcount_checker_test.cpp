// SPDX-License-Identifier: MIT
// verifyRefcounts() notices when any single count is missing, doubled, or left out of what an exit owns.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "lowering/hir/parser.h"
#include "lowering/hir/printer.h"
#include "lowering/hir/verifier.h"
#include "passes/passes.h"
#include "tests/hirtool/test_file.h"

namespace martlet {
namespace {

/// The functions of all text tests of this folder that begin as the frontend's, behind the refcount pass.
std::vector<std::string> countedFunctions() {
  std::vector<std::string> texts;
  for (const auto& entry : std::filesystem::directory_iterator(MARTLET_TEST_FOLDER)) {
    if (entry.path().extension() != ".hir") continue;
    std::ifstream file(entry.path());
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    hir::ParseResult parsed = hir::parse(hirtool::readTest(text).input);
    for (hir::ParsedFunction& each : parsed.functions) {
      hir::Function& function = *each.function;
      if (!hir::verify(function, hir::Phase::AfterFrontend).empty()) continue;
      function.recomputePredecessors();
      for (const passes::PipelineStep& step : passes::defaultPipeline()) {
        if (std::string_view(step.pass) != "strip-markers") passes::findPass(step.pass)->run(function);
      }
      texts.push_back(hir::print(function));
    }
  }
  return texts;
}

std::unique_ptr<hir::Function> parseOne(const std::string& text) {
  hir::ParseResult parsed = hir::parse(text);
  EXPECT_TRUE(parsed) << parsed.error << "\n" << text;
  return std::move(parsed.functions[0].function);
}

bool isCount(const hir::Value& op) {
  return op.op == hir::Op::IncRef || op.op == hir::Op::DecRef || op.op == hir::Op::Release;
}

/// Calls `change(function, op)` for each op that `wanted` accepts, each time on a fresh copy, and expects a complaint.
template <class Wanted, class Change>
size_t expectComplaints(const std::string& text, Wanted wanted, Change change) {
  size_t changes = 0;
  for (size_t n = 0;; ++n) {
    const std::unique_ptr<hir::Function> function = parseOne(text);
    std::vector<hir::Value*> ops;
    for (const auto& block : function->blocks) {
      for (hir::Value* op : block->ops) {
        if (wanted(*op)) ops.push_back(op);
      }
    }
    if (n >= ops.size()) return changes;
    const std::string line = hir::print(*ops[n]);
    change(*function, *ops[n]);
    EXPECT_NE(passes::verifyRefcounts(*function), std::nullopt) << line << "\n" << text;
    ++changes;
  }
}

TEST(RefcountChecker, NoticesEveryMissingCount) {
  size_t changes = 0;
  for (const std::string& text : countedFunctions()) {
    ASSERT_EQ(passes::verifyRefcounts(*parseOne(text)), std::nullopt) << text;
    changes += expectComplaints(text, isCount, [](hir::Function& function, hir::Value& op) { function.remove(&op); });
  }
  EXPECT_GT(changes, 30U);
}

TEST(RefcountChecker, NoticesEveryDoubledCount) {
  for (const std::string& text : countedFunctions()) {
    expectComplaints(text, isCount, [](hir::Function& function, hir::Value& op) {
      function.insertBefore(&op, function.newValue(op.op, op.type, op.operands));
    });
  }
}

TEST(RefcountChecker, NoticesWhatAnExitForgets) {
  size_t changes = 0;
  for (const std::string& text : countedFunctions()) {
    auto owns = [](const hir::Value& op) { return op.state && !op.state->owned.empty() && op.op != hir::Op::Exit; };
    auto forget = [](hir::Function&, hir::Value& op) { op.state->owned.pop_back(); };
    // In front of Unreachable the state is all that is known.
    auto isChecked = [owns](const hir::Value& op) {
      return owns(op) && op.block->ops.back()->op != hir::Op::Unreachable;
    };
    changes += expectComplaints(text, isChecked, forget);
  }
  EXPECT_GT(changes, 10U);
}

}  // namespace
}  // namespace martlet
