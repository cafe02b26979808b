// SPDX-License-Identifier: MIT
// The pass table, the order of the default pipeline, and how it is run.
#include <algorithm>
#include <iterator>

#include "lowering/hir/verifier.h"
#include "passes/pass_list.h"
#include "passes/passes.h"

namespace martlet::passes {

using namespace hir;

namespace {

constexpr PassInfo kPasses[] = {
#define PASS(name, function, purpose) {name, purpose, function},
#include "passes/passes.def"
};

constexpr PipelineStep kPipeline[] = {
    {"simplify", "the translator is literal: most parameters and boxes cancel at once"},
    {"guard-elimination", "needs straight code; leaves one unboxed form of each object for the next pass to find"},
    {"simplify", "equal constants are one value now: more parameters and comparisons fold"},
    {"range-loops", "needs iterators by one name; what counts a loop is a number for all that follow"},
    {"simplify", "one way into a loop: iterator and step are no parameters"},
    {"unbox-params", "sees boxes on back edges only once boxing and unboxing within the loop has canceled"},
    {"simplify", "UnboxInt(BoxInt(x)) where a parameter stood in between"},
    {"guard-hoisting", "loops have their final parameters; what is unboxed outside serves the whole loop"},
    {"guard-elimination", "a parameter's guard on the loop's entry makes others needless"},
    {"dce", "local-sync asks where values die: nothing may keep them alive without need"},
    {"defer-objects", "what took them apart is folded by now, and who wants them shows"},
    {"simplify", "numbers in what was an object need no boxes"},
    {"dce", "boxes that only an object held"},
    {"slice-copies", "guards are where they stay; blocks may still be split"},
    {"borrow-items", "which references there are decides where Python code may run: local-sync asks"},
    {"local-sync", "decides what exits describe; every later change of a slot map would have to know"},
    {"simplify", "boxes that only operand stacks of exits want"},
    {"dce", "boxes whose stores were deferred"},
    {"refcount", "counts must see the final uses: nothing may move afterwards"},
    {"validity", "behind a release __del__ may have rebound a global: the releases must be there to be seen"},
    {"release-states", "counts and dirty slots are final; the markers that tell which are dirty are still there"},
    {"unpack-to-slots", "the releases of what the slots held are final, and tell which slots are dirty meanwhile"},
    {"strip-markers", "markers are for local-sync and refcount"},
};

/// How far a function is after a pass, given how far it was before.
Phase phaseAfter(std::string_view pass, Phase phase) {
  if (pass == "refcount") return Phase::AfterRefcount;
  if (pass == "strip-markers" && phase == Phase::AfterRefcount) return Phase::BeforeLowering;
  return std::max(phase, Phase::AfterPasses);
}

}  // namespace

std::span<const PassInfo> allPasses() {
  return kPasses;
}

const PassInfo* findPass(std::string_view name) {
  auto found =
      std::find_if(std::begin(kPasses), std::end(kPasses), [name](const PassInfo& pass) { return pass.name == name; });
  return found == std::end(kPasses) ? nullptr : found;
}

std::span<const PipelineStep> defaultPipeline() {
  return kPipeline;
}

std::optional<std::string> runPipeline(Function& function, const PipelineHooks& hooks) {
  Phase phase = Phase::AfterFrontend;
  for (const PipelineStep& step : kPipeline) {
    findPass(step.pass)->run(function);
    phase = phaseAfter(step.pass, phase);
    if (hooks.afterPass) hooks.afterPass(step.pass, function);
    if (!hooks.verify) continue;
    const std::vector<std::string> violations = hir::verify(function, phase);
    if (!violations.empty()) return std::string("after ") + step.pass + ": " + violations.front();
    if (phase < Phase::AfterRefcount) continue;
    if (auto unbalanced = verifyRefcounts(function)) return std::string("after ") + step.pass + ": " + *unbalanced;
  }
  return std::nullopt;
}

}  // namespace martlet::passes
