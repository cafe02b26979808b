// SPDX-License-Identifier: MIT
// A position in one line of HIR text, and the words and numbers found there. Must not know: what they mean.
//
// The first failure sticks: it is kept, and from then on every read answers "nothing here" without looking. So callers
// read on and ask once.
#pragma once
#include <charconv>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace martlet::hir {

class Cursor {
 public:
  explicit Cursor(std::string_view line) : rest_(line) {}

  bool failed() const { return !error_.empty(); }
  const std::string& error() const { return error_; }
  void fail(std::string message) {
    if (!failed()) error_ = std::move(message);
    rest_ = {};
  }

  /// At the end of the line, or at its comment.
  bool atEnd() {
    skipSpace();
    return rest_.empty() || rest_.front() == ';';
  }
  bool looksAt(std::string_view token) {
    skipSpace();
    return rest_.starts_with(token);
  }
  bool accept(std::string_view token) {
    if (!looksAt(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }
  void expect(std::string_view token) {
    if (!accept(token)) fail("expected '" + std::string(token) + "'");
  }

  void skipChar() {
    if (!rest_.empty()) rest_.remove_prefix(1);
  }

  /// Letters, digits and underscores; empty when there are none.
  std::string_view peekWord() {
    skipSpace();
    return rest_.substr(0, span(&isWordChar));
  }
  std::string_view word() { return take(peekWord().size()); }
  /// The word, if "=" follows directly: `name=`. Both are taken.
  std::string_view key() {
    const std::string_view name = peekWord();
    if (name.empty() || name.size() >= rest_.size() || rest_[name.size()] != '=') return {};
    rest_.remove_prefix(name.size() + 1);
    return name;
  }
  /// The number behind a prefix: 7 of "v7", or -1 if the word looks otherwise.
  int64_t peekNumbered(std::string_view prefix) {
    const std::string_view name = peekWord();
    uint32_t number = 0;
    if (!name.starts_with(prefix) || name.size() == prefix.size()) return -1;
    auto [end, error] = std::from_chars(name.data() + prefix.size(), name.data() + name.size(), number);
    return error == std::errc() && end == name.data() + name.size() ? number : -1;
  }

  std::string_view typeText() {
    skipSpace();
    return take(span([](char c) { return isWordChar(c) || c == '|' || c == '-' || c == '#'; }));
  }
  std::string_view numberText() {
    skipSpace();
    return take(span([](char c) { return isWordChar(c) || c == '.' || c == '-' || c == '+' || c == '#'; }));
  }

  template <class Integer>
  Integer integer() {
    const std::string_view text = numberText();
    Integer number = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) {
      fail("expected a number of " + std::to_string(sizeof(Integer) * 8) + " bits, got '" + std::string(text) + "'");
      return 0;
    }
    return number;
  }

  /// A string in double quotes; \" \\ and \xHH are escapes.
  std::string quoted() {
    std::string text;
    expect("\"");
    while (!failed()) {
      if (rest_.empty()) {
        fail("a string does not end");
        break;
      }
      const char c = next();
      if (c == '"') break;
      text += c == '\\' ? escape() : c;
    }
    return text;
  }

 private:
  static bool isWordChar(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  }
  void skipSpace() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t' || rest_.front() == '\r')) {
      rest_.remove_prefix(1);
    }
  }
  template <class Predicate>
  size_t span(Predicate&& belongs) const {
    size_t length = 0;
    while (length < rest_.size() && belongs(rest_[length])) ++length;
    return length;
  }
  std::string_view take(size_t length) {
    const std::string_view taken = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return taken;
  }
  char next() { return take(1).front(); }
  char escape() {
    if (rest_.starts_with("\"") || rest_.starts_with("\\")) return next();
    uint8_t byte = 0;
    const std::string_view digits = rest_.size() >= 3 && rest_.front() == 'x' ? rest_.substr(1, 2) : "";
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
    if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) {
      fail("a string has an unknown escape");
      return 0;
    }
    take(3);
    return static_cast<char>(byte);
  }

  std::string_view rest_;
  std::string error_;
};

}  // namespace martlet::hir
