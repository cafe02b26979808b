// SPDX-License-Identifier: MIT
// Text -> HIR, from the op table. Must not know: Python.h, LLVM.
#include "lowering/hir/parser.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <optional>
#include <unordered_map>

#include "lowering/hir/cursor.h"
#include "lowering/hir/text_form.h"

namespace martlet::hir {
namespace {

/// Ids are indices of tables: a mistyped one must not cost gigabytes.
constexpr int64_t kMaxValueId = 1 << 20;
constexpr int64_t kMaxBlockId = 1 << 16;

template <class Enum, class NameOf>
std::optional<Enum> lookUp(std::string_view text, NameOf&& nameOf) {
  static const std::unordered_map<std::string_view, Enum> kByName = [&] {
    std::unordered_map<std::string_view, Enum> map;
    for (size_t i = 0; i < static_cast<size_t>(Enum::kCount); ++i) {
      map.emplace(nameOf(static_cast<Enum>(i)), static_cast<Enum>(i));
    }
    return map;
  }();
  const auto found = kByName.find(text);
  return found == kByName.end() ? std::nullopt : std::optional<Enum>(found->second);
}

class FunctionParser {
 public:
  FunctionParser(const std::vector<std::string_view>& lines, size_t first) : lines_(lines), line_(first) {}

  /// Reads from the header's line; true on success, and then line() is behind the closing brace.
  bool parse();
  ParsedFunction take() { return std::move(parsed_); }
  size_t line() const { return line_; }
  const std::string& error() const { return error_; }

 private:
  bool reserveIds();
  void header(Cursor& at);
  void body(Cursor& at);
  void object(Cursor& at);
  void entry(Cursor& at);
  void blockHeader(Cursor& at);
  void opLine(Cursor& at);
  void opItems(Cursor& at, Value& op);
  void opField(Cursor& at, Value& op, std::string_view key);
  void call(Cursor& at, Value& op);
  void immediate(Cursor& at, Value& op);
  void edges(Cursor& at, Block& block);
  std::unique_ptr<FrameState> state(Cursor& at);
  bool finish();

  Type type(Cursor& at);
  double real(Cursor& at);
  Value* define(Cursor& at);
  Value* use(Cursor& at);
  Block* target(Cursor& at);
  std::vector<Value*> values(Cursor& at, std::string_view open, std::string_view close);
  bool failAt(size_t line, std::string message);

  const std::vector<std::string_view>& lines_;
  size_t line_;
  std::string error_;
  ParsedFunction parsed_;
  Function* function_ = nullptr;
  Block* block_ = nullptr;
  std::vector<Value*> values_;     // by id
  std::vector<Block*> blocks_;     // by id
  std::vector<Block*> order_;      // of the text
  std::vector<uint32_t> useLine_;  // by value id: where it was first used
  std::vector<uint32_t> targetLine_;
};

bool FunctionParser::failAt(size_t line, std::string message) {
  line_ = line;
  error_ = std::move(message);
  return false;
}

bool FunctionParser::parse() {
  parsed_.function = std::make_unique<Function>();
  function_ = parsed_.function.get();
  parsed_.line = static_cast<uint32_t>(line_ + 1);
  if (!reserveIds()) return false;
  for (bool first = true; line_ < lines_.size(); ++line_, first = false) {
    Cursor at(lines_[line_]);
    if (at.atEnd()) continue;
    if (!first && at.accept("}")) {
      if (!at.atEnd()) return failAt(line_, "unexpected text behind '}'");
      return finish();
    }
    first ? header(at) : body(at);
    if (!at.failed() && !at.atEnd()) at.fail("unexpected text at the end of the line");
    if (at.failed()) return failAt(line_, at.error());
  }
  return failAt(lines_.size() - 1, "the function's closing '}' is missing");
}

// Values are used before they are defined (loops), and a value's id is its index: so the highest id is looked up first.
bool FunctionParser::reserveIds() {
  int64_t lastValue = -1;
  int64_t lastBlock = -1;
  for (size_t line = line_; line < lines_.size(); ++line) {
    Cursor at(lines_[line]);
    if (line != line_ && at.looksAt("}")) break;
    while (!at.atEnd()) {
      if (at.looksAt("\"")) {
        at.quoted();
        continue;
      }
      const int64_t value = at.peekNumbered("v");
      const int64_t block = at.peekNumbered("bb");
      if (value > kMaxValueId || block > kMaxBlockId) return failAt(line, "an id is too large");
      lastValue = std::max(lastValue, value);
      lastBlock = std::max(lastBlock, block);
      if (at.word().empty()) at.skipChar();
    }
  }
  for (int64_t i = 0; i <= lastValue; ++i) values_.push_back(function_->newValue(Op::ConstNull, types::kNothing));
  for (int64_t i = 0; i <= lastBlock; ++i) blocks_.push_back(function_->newBlock());
  useLine_.resize(values_.size());
  targetLine_.resize(blocks_.size());
  parsed_.valueLines.resize(values_.size());
  parsed_.blockLines.resize(blocks_.size());
  return true;
}

void FunctionParser::header(Cursor& at) {
  at.expect("function");
  function_->name = at.quoted();
  while (!at.failed() && !at.accept("{")) {
    const std::string_view key = at.key();
    if (key == "locals") {
      function_->localCount = at.integer<uint16_t>();
    } else if (key == "stack") {
      function_->stackSize = at.integer<uint16_t>();
    } else if (key == "blocked") {
      at.expect("[");
      while (!at.failed() && !at.accept("]")) {
        function_->blocked.push_back(at.integer<uint32_t>());
        at.accept(",");
      }
    } else {
      at.fail("expected locals=, stack=, blocked= or '{'");
    }
  }
}

void FunctionParser::body(Cursor& at) {
  const std::string_view word = at.peekWord();
  if (word == "object") return object(at);
  if (word == "entry") return entry(at);
  if (at.peekNumbered("bb") >= 0) return blockHeader(at);
  opLine(at);
}

void FunctionParser::object(Cursor& at) {
  at.word();
  ObjectRef object;
  if (at.integer<uint32_t>() != function_->objects.size()) at.fail("objects are numbered from 0, in order");
  object.name = at.quoted();
  at.expect(":");
  object.type = type(at);
  while (!at.failed() && !at.atEnd()) {
    const std::string_view key = at.key();
    if (key == "int") {
      object.hasInt = true;
      object.intValue = at.integer<int64_t>();
    } else if (key == "float") {
      object.floatValue = real(at);
    } else if (key == "instances") {
      object.instances = type(at);
    } else if (at.accept("immortal")) {
      object.immortal = true;
    } else if (at.accept("watched")) {
      object.watched = true;
    } else {
      at.fail("expected immortal, watched, int=, float= or instances=");
    }
  }
  function_->addObject(std::move(object));
}

void FunctionParser::entry(Cursor& at) {
  at.word();
  Entry entry;
  while (!at.failed() && !at.looksAt("->")) {
    const std::string_view key = at.key();
    if (key == "offset") {
      entry.offset = at.integer<uint32_t>();
    } else if (key == "depth") {
      entry.stackDepth = at.integer<uint16_t>();
    } else if (key == "seen") {
      at.expect("[");
      do {
        entry.seen.push_back(type(at));
      } while (at.accept(","));
      at.expect("]");
    } else {
      at.fail("expected offset=, depth=, seen= or '->'");
    }
  }
  at.expect("->");
  entry.block = target(at);
  function_->entries.push_back(entry);
}

void FunctionParser::blockHeader(Cursor& at) {
  const auto id = static_cast<size_t>(at.peekNumbered("bb"));
  at.word();
  block_ = blocks_[id];
  if (parsed_.blockLines[id] != 0) return at.fail("bb" + std::to_string(id) + " is defined twice");
  parsed_.blockLines[id] = static_cast<uint32_t>(line_ + 1);
  order_.push_back(block_);
  if (at.accept("(") && !at.accept(")")) {
    do {
      Value* param = define(at);
      if (at.failed()) return;
      param->op = Op::Param;
      param->imm = static_cast<int64_t>(block_->params.size());
      param->block = block_;
      param->reason = info(Op::Param).exit;
      block_->params.push_back(param);
    } while (at.accept(","));
    at.expect(")");
  }
  if (at.looksAt("{")) block_->entry = state(at);
  at.expect(":");
}

void FunctionParser::opLine(Cursor& at) {
  if (block_ == nullptr) return at.fail("an op outside of a block");
  const bool hasResult = at.peekNumbered("v") >= 0;
  Value* op = hasResult ? define(at) : function_->newValue(Op::ConstNull, types::kNothing);
  if (hasResult) at.expect("=");
  const std::string_view word = at.word();
  const std::optional<Op> code = lookUp<Op>(word, [](Op each) { return info(each).name; });
  if (!code) at.fail("unknown op '" + std::string(word) + "'");
  if (!code || at.failed()) return;
  if (!hasResult) parsed_.valueLines.push_back(static_cast<uint32_t>(line_ + 1));
  op->op = *code;
  op->reason = info(*code).exit;
  function_->append(block_, op);
  if (op->op == Op::CallRuntime) call(at, *op);
  opItems(at, *op);
}

void FunctionParser::opItems(Cursor& at, Value& op) {
  bool hasImmediate = false;
  auto takeImmediate = [&] {
    if (hasImmediate) return at.fail("a second immediate");
    hasImmediate = true;
    immediate(at, op);
  };
  while (!at.failed() && !at.atEnd()) {
    if (at.accept(",")) continue;
    if (at.looksAt("{")) {
      op.state = state(at);
    } else if (at.accept("->")) {
      edges(at, *block_);
    } else if (at.looksAt("==")) {
      takeImmediate();  // not a key
    } else if (const std::string_view key = at.key(); !key.empty()) {
      opField(at, op, key);
    } else if (at.peekNumbered("v") >= 0 || at.peekWord() == "null") {
      op.operands.push_back(use(at));
    } else {
      takeImmediate();
    }
  }
}

void FunctionParser::opField(Cursor& at, Value& op, std::string_view key) {
  if (key == "imm") {
    op.imm = at.integer<int64_t>();
  } else if (key == "offset") {
    op.offset = at.integer<uint32_t>();
  } else if (key == "outputs") {
    op.outputs = at.integer<uint16_t>();
  } else if (key == "borrowed") {
    op.borrowed = static_cast<uint64_t>(at.integer<int64_t>());
  } else if (key == "imms") {
    at.expect("[");
    while (!at.failed() && !at.accept("]")) {
      op.imms.push_back(at.integer<int64_t>());
      at.accept(",");
    }
  } else if (key == "reason") {
    const std::string_view word = at.word();
    const auto reason = lookUp<ExitReason>(word, [](ExitReason each) { return name(each); });
    if (!reason) return at.fail("unknown exit reason '" + std::string(word) + "'");
    op.reason = *reason;
  } else {
    at.fail("unknown field '" + std::string(key) + "'");
  }
}

void FunctionParser::call(Cursor& at, Value& op) {
  const std::string_view word = at.word();
  const std::optional<Helper> helper = lookUp<Helper>(word, [](Helper each) { return info(each).name; });
  if (helper) {
    op.helper = *helper;
  } else if (!at.accept("?")) {
    return at.fail("unknown helper '" + std::string(word) + "'");
  }
  op.operands = values(at, "(", ")");
}

void FunctionParser::immediate(Cursor& at, Value& op) {
  switch (immForm(op.op)) {
  case ImmForm::Double: op.imm = std::bit_cast<int64_t>(real(at)); return;
  case ImmForm::Bool:
    if (at.looksAt("true") || at.looksAt("false")) {
      op.imm = at.word() == "true" ? 1 : 0;
      return;
    }
    break;
  case ImmForm::Types: op.imm = type(at).bits(); return;
  case ImmForm::Compare: {
    // Longer signs first: "<" is a prefix of "<=".
    for (size_t length : {2, 1}) {
      for (size_t i = 0; i < kCompareSigns.size(); ++i) {
        if (kCompareSigns[i].size() != length || !at.accept(kCompareSigns[i])) continue;
        op.imm = static_cast<int64_t>(i);
        return;
      }
    }
    return at.fail("expected a comparison");
  }
  case ImmForm::Named: return at.fail("unexpected text among the operands");
  default: break;
  }
  op.imm = at.integer<int64_t>();
}

void FunctionParser::edges(Cursor& at, Block& block) {
  do {
    Edge edge;
    edge.target = target(at);
    if (at.looksAt("(")) edge.args = values(at, "(", ")");
    if (at.failed()) return;
    block.successors.push_back(std::move(edge));
  } while (at.accept(","));
}

std::unique_ptr<FrameState> FunctionParser::state(Cursor& at) {
  auto state = std::make_unique<FrameState>();
  std::optional<uint32_t> resume;
  at.expect("{");
  while (!at.failed() && !at.accept("}")) {
    const std::string_view key = at.key();
    if (key == "offset") {
      state->offset = at.integer<uint32_t>();
    } else if (key == "resume") {
      resume = at.integer<uint32_t>();
    } else if (key == "next") {
      state->nextOffset = at.integer<uint32_t>();
    } else if (key == "pop") {
      state->stackAfterPop = at.integer<uint16_t>();
    } else if (key == "inlined") {
      state->inlinedCode = at.integer<uint32_t>();
    } else if (key == "at") {
      state->inlinedOffset = at.integer<uint32_t>();
    } else if (key == "completion") {
      const auto found = std::find(kCompletionNames.begin(), kCompletionNames.end(), at.word());
      if (found == kCompletionNames.end()) {
        at.fail("unknown completion");
      } else {
        state->completion = static_cast<Completion>(found - kCompletionNames.begin());
      }
    } else if (key == "locals") {
      state->locals = values(at, "[", "]");
    } else if (key == "stack") {
      state->stack = values(at, "[", "]");
    } else if (key == "owned") {
      state->owned = values(at, "[", "]");
    } else if (key == "dirty") {
      at.expect("[");
      while (!at.failed() && !at.accept("]")) {
        const auto slot = at.integer<uint16_t>();
        if (slot >= state->dirty.size()) state->dirty.resize(slot + size_t{1});
        state->dirty[slot] = true;
        if (at.accept("if")) {
          if (slot >= state->when.size()) state->when.resize(slot + size_t{1});
          state->when[slot] = use(at);
        }
        at.accept(",");
      }
    } else {
      at.fail("unknown field of a state");
    }
  }
  state->resumeOffset = resume.value_or(state->offset);
  return state;
}

bool FunctionParser::finish() {
  for (size_t id = 0; id < values_.size(); ++id) {
    if (parsed_.valueLines[id] == 0 && useLine_[id] != 0) {
      return failAt(useLine_[id] - 1, "v" + std::to_string(id) + " is not defined");
    }
  }
  for (size_t id = 0; id < blocks_.size(); ++id) {
    if (parsed_.blockLines[id] == 0 && targetLine_[id] != 0) {
      return failAt(targetLine_[id] - 1, "bb" + std::to_string(id) + " is not defined");
    }
  }
  std::vector<std::unique_ptr<Block>> owners = std::move(function_->blocks);
  function_->blocks.clear();
  for (Block* block : order_) function_->blocks.push_back(std::move(owners[block->id]));
  for (Block* block : order_) {
    for (const Edge& edge : block->successors) {
      std::vector<Block*>& into = edge.target->predecessors;
      if (into.empty() || into.back() != block) into.push_back(block);
    }
  }
  ++line_;
  return true;
}

Type FunctionParser::type(Cursor& at) {
  const std::string_view text = at.typeText();
  const std::optional<Type> type = Type::parse(text);
  if (!type) at.fail("unknown type '" + std::string(text) + "'");
  return type.value_or(Type());
}

double FunctionParser::real(Cursor& at) {
  const std::string_view text = at.numberText();
  if (text.starts_with("#")) {
    uint64_t bits = 0;
    auto [stop, error] = std::from_chars(text.data() + 1, text.data() + text.size(), bits, 16);
    if (error == std::errc() && stop == text.data() + text.size()) return std::bit_cast<double>(bits);
  } else {
    double number = 0;
    auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc() && stop == text.data() + text.size() && !text.empty()) return number;
  }
  at.fail("expected a floating-point number, got '" + std::string(text) + "'");
  return 0;
}

Value* FunctionParser::define(Cursor& at) {
  const int64_t id = at.peekNumbered("v");
  if (id < 0) {
    at.fail("expected a value");
    return nullptr;
  }
  at.word();
  uint32_t& line = parsed_.valueLines[static_cast<size_t>(id)];
  if (line != 0) at.fail("v" + std::to_string(id) + " is defined twice");
  line = static_cast<uint32_t>(line_ + 1);
  Value* value = values_[static_cast<size_t>(id)];
  at.expect(":");
  value->type = type(at);
  return value;
}

Value* FunctionParser::use(Cursor& at) {
  if (at.accept("null")) return nullptr;
  const int64_t id = at.peekNumbered("v");
  if (id < 0) {
    at.fail("expected a value");
    return nullptr;
  }
  at.word();
  uint32_t& line = useLine_[static_cast<size_t>(id)];
  if (line == 0) line = static_cast<uint32_t>(line_ + 1);
  return values_[static_cast<size_t>(id)];
}

Block* FunctionParser::target(Cursor& at) {
  const int64_t id = at.peekNumbered("bb");
  if (id < 0) {
    at.fail("expected a block");
    return nullptr;
  }
  at.word();
  uint32_t& line = targetLine_[static_cast<size_t>(id)];
  if (line == 0) line = static_cast<uint32_t>(line_ + 1);
  return blocks_[static_cast<size_t>(id)];
}

std::vector<Value*> FunctionParser::values(Cursor& at, std::string_view open, std::string_view close) {
  std::vector<Value*> list;
  at.expect(open);
  while (!at.failed() && !at.accept(close)) {
    list.push_back(use(at));
    at.accept(",");
  }
  return list;
}

}  // namespace

ParseResult parse(std::string_view text) {
  ParseResult result;
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  for (size_t line = 0; line < lines.size();) {
    if (Cursor(lines[line]).atEnd()) {
      ++line;
      continue;
    }
    FunctionParser parser(lines, line);
    const bool ok = parser.parse();
    line = parser.line();
    if (!ok) {
      result.error = parser.error();
      result.line = static_cast<uint32_t>(line + 1);
      return result;
    }
    result.functions.push_back(parser.take());
  }
  return result;
}

}  // namespace martlet::hir
