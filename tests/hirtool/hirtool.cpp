// SPDX-License-Identifier: MIT
// hirtool: reads HIR, runs passes on it, checks and prints it; and runs and renews the text tests.
// Must not know: Python.h, LLVM.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "lowering/hir/analysis.h"
#include "lowering/hir/parser.h"
#include "lowering/hir/printer.h"
#include "lowering/hir/verifier.h"
#include "passes/passes.h"
#include "tests/hirtool/test_file.h"

namespace martlet::hirtool {
namespace {

using hir::Phase;

constexpr const char* kUsage =
    "usage: hirtool [--passes=NAME,…|default] [--verify=PHASE|none] [--analyses] FILE   print the functions "
    "afterwards\n"
    "       hirtool --test FILE…    run text tests (arguments are in their '; RUN:' lines)\n"
    "       hirtool --bless FILE…   renew the expected output of text tests\n"
    "       hirtool --list          list the passes\n"
    "PHASE is how far the input has come: AfterFrontend (default), AfterPasses, AfterRefcount, BeforeLowering.\n"
    "FILE - is the standard input. The verifier runs before the first pass and after each.\n";

struct Options {
  std::vector<std::string> passes;
  bool verify = true;
  Phase phase = Phase::AfterFrontend;
  bool analyses = false;
};

/// A message at a line of the input (0: at none).
struct Complaint {
  uint32_t line = 0;
  std::string message;
};

struct Outcome {
  std::string output;
  std::vector<Complaint> complaints;
};

std::optional<Phase> parsePhase(std::string_view name) {
  if (name == "AfterFrontend") return Phase::AfterFrontend;
  if (name == "AfterPasses") return Phase::AfterPasses;
  if (name == "AfterRefcount") return Phase::AfterRefcount;
  if (name == "BeforeLowering") return Phase::BeforeLowering;
  return std::nullopt;
}

bool addPasses(std::string_view list, Options& options, std::string& error) {
  if (list == "default") {
    for (const passes::PipelineStep& step : passes::defaultPipeline()) options.passes.emplace_back(step.pass);
    return true;
  }
  std::istringstream names{std::string(list)};
  for (std::string name; std::getline(names, name, ',');) {
    if (passes::findPass(name) == nullptr) {
      error = "no pass is called '" + name + "'";
      return false;
    }
    options.passes.push_back(name);
  }
  return true;
}

bool parseOption(std::string_view argument, Options& options, std::string& error) {
  auto valueOf = [&](std::string_view name) -> std::optional<std::string_view> {
    if (!argument.starts_with(name)) return std::nullopt;
    return argument.substr(name.size());
  };
  if (auto list = valueOf("--passes=")) return addPasses(*list, options, error);
  if (auto phase = valueOf("--verify=")) {
    options.verify = *phase != "none";
    if (!options.verify) return true;
    const std::optional<Phase> known = parsePhase(*phase);
    if (known) options.phase = *known;
    if (!known) error = "no phase is called '" + std::string(*phase) + "'";
    return known.has_value();
  }
  if (argument == "--analyses") return options.analyses = true;
  error = "unknown argument '" + std::string(argument) + "'";
  return false;
}

/// The phase that a pass leads to.
Phase phaseAfter(std::string_view pass, Phase phase) {
  if (pass == "strip-markers" && phase >= Phase::AfterRefcount) return Phase::BeforeLowering;
  if (pass == "refcount") return std::max(phase, Phase::AfterRefcount);
  return std::max(phase, Phase::AfterPasses);
}

std::string describeAnalyses(const hir::Function& function) {
  const hir::DominatorTree dominators(function);
  const hir::LoopInfo loops(function, dominators);
  auto nameOf = [](const hir::Block* block) { return block == nullptr ? "-" : "bb" + std::to_string(block->id); };
  std::string text;
  for (const auto& block : function.blocks) {
    const hir::Loop* loop = loops.loopOf(block.get());
    text += "; " + nameOf(block.get()) + ": idom " + nameOf(dominators.idom(block.get()));
    if (loop != nullptr) text += ", loop " + nameOf(loop->header) + " depth " + std::to_string(loop->depth);
    text += "\n";
  }
  return text;
}

class Runner {
 public:
  Runner(const Options& options, Outcome& outcome) : options_(options), outcome_(outcome) {}

  void run(hir::ParsedFunction& parsed) {
    hir::Function& function = *parsed.function;
    if (options_.verify && !verifyInput(parsed)) return;
    if (!options_.passes.empty()) function.recomputePredecessors();
    Phase phase = options_.phase;
    for (const std::string& name : options_.passes) {
      passes::findPass(name)->run(function);
      phase = phaseAfter(name, phase);
      if (options_.verify && !verifyAfter(name, function, phase)) break;
    }
    outcome_.output += hir::print(function);
    if (options_.analyses) outcome_.output += describeAnalyses(function);
  }

 private:
  bool verifyInput(const hir::ParsedFunction& parsed) {
    const std::vector<hir::Violation> violations = hir::findViolations(*parsed.function, options_.phase);
    for (const hir::Violation& violation : violations) {
      uint32_t line = parsed.line;
      if (violation.block != nullptr) line = parsed.blockLines[violation.block->id];
      if (violation.op != nullptr) line = parsed.valueLines[violation.op->id];
      outcome_.complaints.push_back({line, violation.message});
    }
    return violations.empty();
  }

  bool verifyAfter(const std::string& pass, const hir::Function& function, Phase phase) {
    const std::vector<std::string> messages = hir::verify(function, phase);
    for (const std::string& message : messages) complain(pass, message);
    if (!messages.empty() || phase < Phase::AfterRefcount) return messages.empty();
    const std::optional<std::string> unbalanced = passes::verifyRefcounts(function);
    if (unbalanced) complain(pass, *unbalanced);
    return !unbalanced;
  }

  void complain(const std::string& pass, const std::string& message) {
    outcome_.complaints.push_back({0, "after " + pass + ": " + message});
  }

  const Options& options_;
  Outcome& outcome_;
};

Outcome process(std::string_view text, const Options& options) {
  Outcome outcome;
  hir::ParseResult parsed = hir::parse(text);
  if (!parsed) {
    outcome.complaints.push_back({parsed.line, parsed.error});
    return outcome;
  }
  for (hir::ParsedFunction& function : parsed.functions) Runner(options, outcome).run(function);
  return outcome;
}

std::optional<std::string> readFile(const std::string& path) {
  if (path == "-") {
    std::string text;
    char buffer[4096];
    for (size_t got; (got = std::fread(buffer, 1, sizeof buffer, stdin)) != 0;) text.append(buffer, got);
    return text;
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

bool fail(const std::string& path, uint32_t line, const std::string& message) {
  std::fprintf(stderr, "%s:", path.c_str());
  if (line != 0) std::fprintf(stderr, "%u:", line);
  std::fprintf(stderr, " %s\n", message.c_str());
  return false;
}

bool failAll(const std::string& path, const std::vector<Complaint>& complaints) {
  for (const Complaint& complaint : complaints) fail(path, complaint.line, complaint.message);
  return complaints.empty();
}

// ---- Tests ----------------------------------------------------------------------------------------------------------

/// Every annotation is fulfilled by one complaint at its line, and no complaint is left.
bool checkErrors(const std::string& path, const TestFile& test, std::vector<Complaint> complaints) {
  bool good = true;
  for (const ExpectedError& expected : test.errors) {
    auto matches = [&](const Complaint& complaint) {
      return complaint.line == expected.line && complaint.message.find(expected.text) != std::string::npos;
    };
    const auto found = std::find_if(complaints.begin(), complaints.end(), matches);
    if (found != complaints.end()) {
      complaints.erase(found);
    } else {
      good = fail(path, expected.line, "no such error: " + expected.text);
    }
  }
  return failAll(path, complaints) && good;
}

bool checkOutput(const std::string& path, const TestFile& test, const std::string& output) {
  if (output == test.expected) return true;
  std::istringstream expected(test.expected), actual(output);
  std::string left, right;
  uint32_t line = 1;
  while (true) {
    const bool hasLeft = static_cast<bool>(std::getline(expected, left));
    const bool hasRight = static_cast<bool>(std::getline(actual, right));
    if (!hasLeft && !hasRight) break;
    if (hasLeft != hasRight || left != right) {
      fail(path, 0, "output line " + std::to_string(line) + " differs; all of it is:");
      std::fprintf(stderr, "- %s\n+ %s\n%s", hasLeft ? left.c_str() : "", hasRight ? right.c_str() : "",
                   output.c_str());
      return false;
    }
    ++line;
  }
  return fail(path, 0, "the output differs in its last newline");
}

bool runTest(const std::string& path, bool bless) {
  const std::optional<std::string> text = readFile(path);
  if (!text) return fail(path, 0, "cannot be read");
  const TestFile test = readTest(*text);
  Options options;
  std::string error;
  for (const std::string& argument : test.arguments) {
    if (!parseOption(argument, options, error)) return fail(path, 0, error);
  }
  if (test.arguments.empty()) return fail(path, 0, "no '; RUN:' line (one without arguments reads '; RUN: --passes=')");
  const Outcome outcome = process(test.input, options);
  if (!test.errors.empty()) return checkErrors(path, test, outcome.complaints);
  if (!failAll(path, outcome.complaints)) return false;
  if (!bless) return checkOutput(path, test, outcome.output);
  std::ofstream(path, std::ios::binary) << test.input << kMarker << outcome.output;
  return true;
}

int runTests(const std::vector<std::string>& paths, bool bless) {
  bool good = true;
  for (const std::string& path : paths) good = runTest(path, bless) && good;
  return good ? 0 : 1;
}

int listPasses() {
  for (const passes::PassInfo& pass : passes::allPasses()) std::printf("%-20s %s\n", pass.name, pass.purpose);
  return 0;
}

int printFiles(const std::vector<std::string>& paths, const Options& options) {
  bool good = true;
  for (const std::string& path : paths) {
    const std::optional<std::string> text = readFile(path);
    if (!text) {
      good = fail(path, 0, "cannot be read");
      continue;
    }
    const Outcome outcome = process(*text, options);
    std::fputs(outcome.output.c_str(), stdout);
    good = failAll(path, outcome.complaints) && good;
  }
  return good ? 0 : 1;
}

int usage(const std::string& error) {
  if (!error.empty()) std::fprintf(stderr, "hirtool: %s\n", error.c_str());
  std::fputs(kUsage, stderr);
  return 2;
}

int main(int argc, char** argv) {
  Options options;
  std::vector<std::string> paths;
  bool test = false, bless = false;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    std::string error;
    if (argument == "--list") return listPasses();
    if (argument == "--test") {
      test = true;
    } else if (argument == "--bless") {
      bless = true;
    } else if (argument == "-" || !argument.starts_with("-")) {
      paths.push_back(argument);
    } else if (!parseOption(argument, options, error)) {
      return usage(error);
    }
  }
  if (paths.empty()) return usage("no file");
  return test || bless ? runTests(paths, bless) : printFiles(paths, options);
}

}  // namespace
}  // namespace martlet::hirtool

int main(int argc, char** argv) {
  return martlet::hirtool::main(argc, argv);
}
