// SPDX-License-Identifier: MIT
// HIR -> text, from the op table. Must not know: Python.h, LLVM.
#include "lowering/hir/printer.h"

#include <bit>
#include <charconv>
#include <cmath>

#include "lowering/hir/text_form.h"

namespace martlet::hir {
namespace {

class Printer {
 public:
  void function(const Function& function);
  void state(const FrameState& state);
  void op(const Value& value);
  std::string take() { return std::move(out_); }

 private:
  void block(const Block& block);
  void object(size_t index, const ObjectRef& object);
  void edges(const Block& block);
  void call(const Value& value);
  void operands(const Value& value);
  void immediate(const Value& value);
  void comment(const Function& function, const Value& value);

  void text(std::string_view text) { out_ += text; }
  void number(int64_t number) { out_ += std::to_string(number); }
  void real(double number);
  void quoted(std::string_view text);
  void value(const Value* value);
  void typed(const Value* value);
  void values(const std::vector<Value*>& list);
  void field(std::string_view name, int64_t number);

  std::string out_;
};

void Printer::function(const Function& function) {
  text("function ");
  quoted(function.name);
  field(" locals", function.localCount);
  field(" stack", function.stackSize);
  const char* separator = " blocked=[";
  for (uint32_t offset : function.blocked) {
    text(separator);
    number(offset);
    separator = ", ";
  }
  text(function.blocked.empty() ? " {\n" : "] {\n");
  for (size_t i = 0; i < function.objects.size(); ++i) object(i, function.objects[i]);
  for (const Entry& entry : function.entries) {
    text("  entry");
    field(" offset", entry.offset);
    field(" depth", entry.stackDepth);
    for (size_t slot = 0; slot < entry.seen.size(); ++slot)
      text((slot == 0 ? " seen=[" : ", ") + entry.seen[slot].str());
    if (!entry.seen.empty()) text("]");
    text(" -> bb");
    number(entry.block->id);
    text("\n");
  }
  for (const std::unique_ptr<Block>& each : function.blocks) block(*each);
  text("}\n");
}

void Printer::object(size_t index, const ObjectRef& object) {
  text("  object ");
  number(static_cast<int64_t>(index));
  text(" ");
  quoted(object.name);
  text(" : ");
  text(object.type.str());
  if (object.immortal) text(" immortal");
  if (object.watched) text(" watched");
  if (object.hasInt) field(" int", object.intValue);
  if (object.type == types::Float || std::bit_cast<uint64_t>(object.floatValue) != 0) {
    text(" float=");
    real(object.floatValue);
  }
  if (!object.instances.isNothing()) {
    text(" instances=");
    text(object.instances.str());
  }
  text("\n");
}

void Printer::block(const Block& block) {
  text("bb");
  number(block.id);
  if (!block.params.empty()) {
    text("(");
    for (size_t i = 0; i < block.params.size(); ++i) {
      if (i != 0) text(", ");
      typed(block.params[i]);
    }
    text(")");
  }
  if (block.entry) {
    text(" ");
    state(*block.entry);
  }
  text(":\n");
  for (const Value* each : block.ops) {
    text("  ");
    op(*each);
    if (each->isTerminator()) edges(block);
    if (each->state) {
      text(" ");
      state(*each->state);
    }
    comment(*block.function, *each);
    text("\n");
  }
}

void Printer::op(const Value& value) {
  if (value.hasResult()) {
    typed(&value);
    text(" = ");
  }
  text(value.info().name);
  if (value.op == Op::CallRuntime) {
    call(value);
  } else {
    operands(value);
  }
  if (value.offset != 0) field(" offset", value.offset);
  if (value.reason != value.info().exit) {
    text(" reason=");
    text(name(value.reason));
  }
}

void Printer::call(const Value& value) {
  text(" ");
  text(value.helper == Helper::kCount ? "?" : info(value.helper).name);
  text("(");
  values(value.operands);
  text(")");
  if (!value.imms.empty()) {
    text(" imms=[");
    for (size_t i = 0; i < value.imms.size(); ++i) {
      if (i != 0) text(", ");
      number(value.imms[i]);
    }
    text("]");
  }
  if (value.outputs != 0) field(" outputs", value.outputs);
  if (value.borrowed != 0) field(" borrowed", static_cast<int64_t>(value.borrowed));
  if (value.imm != 0) field(" imm", value.imm);
}

void Printer::operands(const Value& value) {
  const ImmForm form = immForm(value.op);
  if (form == ImmForm::Compare && value.operands.size() == 2 &&
      static_cast<uint64_t>(value.imm) < kCompareSigns.size()) {
    text(" ");
    this->value(value.operands[0]);
    text(" ");
    text(kCompareSigns[static_cast<size_t>(value.imm)]);
    text(" ");
    this->value(value.operands[1]);
    return;
  }
  const bool leading = form == ImmForm::Number || form == ImmForm::Double || form == ImmForm::Bool;
  const bool trailing = form == ImmForm::Last || form == ImmForm::Types;
  if (leading) {
    text(" ");
    immediate(value);
  }
  if (!value.operands.empty()) {
    text(leading ? ", " : " ");
    values(value.operands);
  }
  if (trailing) {
    text(value.operands.empty() ? " " : ", ");
    immediate(value);
  }
  if (!leading && !trailing && (value.imm != 0 || value.op == Op::Return)) field(" imm", value.imm);
}

void Printer::immediate(const Value& value) {
  switch (immForm(value.op)) {
  case ImmForm::Double: return real(std::bit_cast<double>(value.imm));
  case ImmForm::Bool:
    if (value.imm == 0 || value.imm == 1) return text(value.imm == 1 ? "true" : "false");
    return number(value.imm);
  case ImmForm::Types:
    if (value.imm >= 0 && value.imm <= UINT32_MAX) return text(Type(static_cast<uint32_t>(value.imm)).str());
    return number(value.imm);
  default: return number(value.imm);
  }
}

void Printer::edges(const Block& block) {
  for (size_t i = 0; i < block.successors.size(); ++i) {
    const Edge& edge = block.successors[i];
    text(i == 0 ? " -> bb" : ", bb");
    number(edge.target->id);
    if (edge.args.empty()) continue;
    text("(");
    values(edge.args);
    text(")");
  }
}

void Printer::comment(const Function& function, const Value& value) {
  if (value.op != Op::ConstObject) return;
  if (value.imm < 0 || static_cast<size_t>(value.imm) >= function.objects.size()) return;
  text("  ; ");
  for (char c : function.objects[static_cast<size_t>(value.imm)].name)
    out_ += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
}

// Only what a reader of the text cannot assume: an absent resume offset is `offset`, other absent fields are zero.
void Printer::state(const FrameState& state) {
  text("{");
  field("offset", state.offset);
  if (state.resumeOffset != state.offset) field(" resume", state.resumeOffset);
  if (state.nextOffset != 0) field(" next", state.nextOffset);
  if (state.stackAfterPop != 0) field(" pop", state.stackAfterPop);
  if (state.completion != Completion::None) {
    text(" completion=");
    text(kCompletionNames[static_cast<size_t>(state.completion)]);
  }
  if (state.inlinedCode != 0) {
    field(" inlined", state.inlinedCode);
    field(" at", state.inlinedOffset);
  }
  text(" locals=[");
  values(state.locals);
  text("] stack=[");
  values(state.stack);
  text("]");
  const char* separator = " dirty=[";
  for (size_t slot = 0; slot < state.dirty.size(); ++slot) {
    if (!state.dirty[slot]) continue;
    text(separator);
    number(static_cast<int64_t>(slot));
    if (const Value* condition = state.conditionOf(slot)) {
      text(" if ");
      value(condition);
    }
    separator = ", ";
  }
  if (separator[0] == ',') text("]");
  if (!state.owned.empty()) {
    text(" owned=[");
    values(state.owned);
    text("]");
  }
  text("}");
}

void Printer::real(double value) {
  char digits[40];
  // Shortest text that reads back as the same double. The sign and the payload of a NaN need its bits.
  if (std::isnan(value)) {
    auto [end, error] = std::to_chars(digits, digits + sizeof digits, std::bit_cast<uint64_t>(value), 16);
    text("#");
    return text(std::string_view(digits, static_cast<size_t>(end - digits)));
  }
  auto [end, error] = std::to_chars(digits, digits + sizeof digits, value);
  text(std::string_view(digits, static_cast<size_t>(end - digits)));
}

void Printer::quoted(std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  out_ += '"';
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out_ += '\\';
      out_ += c;
    } else if (byte < ' ' || byte == 0x7f) {
      out_ += "\\x";
      out_ += kHex[byte >> 4];
      out_ += kHex[byte & 15];
    } else {
      out_ += c;
    }
  }
  out_ += '"';
}

void Printer::value(const Value* value) {
  if (value == nullptr) return text("null");
  text("v");
  number(value->id);
}

void Printer::typed(const Value* value) {
  this->value(value);
  text(":");
  text(value->type.str());
}

void Printer::values(const std::vector<Value*>& list) {
  for (size_t i = 0; i < list.size(); ++i) {
    if (i != 0) text(", ");
    value(list[i]);
  }
}

void Printer::field(std::string_view name, int64_t value) {
  text(name);
  text("=");
  number(value);
}

}  // namespace

std::string print(const Function& function) {
  Printer printer;
  printer.function(function);
  return printer.take();
}

std::string print(const Value& value) {
  Printer printer;
  printer.op(value);
  return printer.take();
}

std::string print(const FrameState& state) {
  Printer printer;
  printer.state(state);
  return printer.take();
}

}  // namespace martlet::hir
