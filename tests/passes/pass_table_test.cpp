// SPDX-License-Identifier: MIT
// Every row of the pass table is part of the default pipeline, and every step of the pipeline is in the table.
#include <gtest/gtest.h>

#include <algorithm>
#include <string_view>

#include "passes/passes.h"

namespace martlet::passes {
namespace {

TEST(PassTable, EveryPassRuns) {
  for (const PassInfo& pass : allPasses()) {
    const auto steps = defaultPipeline();
    EXPECT_TRUE(std::any_of(steps.begin(), steps.end(), [&](const PipelineStep& step) {
      return std::string_view(step.pass) == pass.name;
    })) << pass.name;
    EXPECT_EQ(findPass(pass.name), &pass);
  }
}

TEST(PassTable, EveryStepIsAPass) {
  for (const PipelineStep& step : defaultPipeline()) EXPECT_NE(findPass(step.pass), nullptr) << step.pass;
  EXPECT_EQ(findPass("no such pass"), nullptr);
}

}  // namespace
}  // namespace martlet::passes
