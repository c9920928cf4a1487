#include "master/output.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <string>

#include "common/escape.h"
#include "master/json.h"

namespace tally {
namespace {

/// Output text on its way to the sink. It grows past kFlushBytes by one row at most.
class RowBuffer {
 public:
  explicit RowBuffer(ByteSink* sink) : sink_(sink) { text_.reserve(kFlushBytes + 4096); }

  std::string* text() { return &text_; }

  void AppendCount(uint64_t count) {
    std::array<char, 20> digits;  // of 2^64 - 1
    const auto result = std::to_chars(digits.data(), digits.data() + digits.size(), count);
    text_.append(digits.data(), result.ptr);
  }

  void EndRow() {
    if (text_.size() >= kFlushBytes) Flush();
  }

  void Flush() {
    if (!text_.empty()) sink_->Write(text_);
    text_.clear();
  }

 private:
  static constexpr size_t kFlushBytes = size_t{128} << 10;

  ByteSink* sink_;
  std::string text_;
};

class TsvWriter : public RowWriter {
 public:
  TsvWriter(const OutputStyle& style, ByteSink* sink)
      : escape_controls_(style.escape_controls), buffer_(sink) {
    if (style.header && style.begins) *buffer_.text() += "key\tcount\n";
  }

  void Row(std::string_view key, uint64_t count) override {
    std::string& text = *buffer_.text();
    if (escape_controls_) {
      AppendEscaped(key, &text);
    } else {
      text += key;
    }
    text += '\t';
    buffer_.AppendCount(count);
    text += '\n';
    buffer_.EndRow();
  }

  void Finish() override { buffer_.Flush(); }

 private:
  const bool escape_controls_;
  RowBuffer buffer_;
};

/// RFC 4180, but for the end of a row: a bare newline, as every other tool on Linux writes.
class CsvWriter : public RowWriter {
 public:
  CsvWriter(const OutputStyle& style, ByteSink* sink)
      : escape_controls_(style.escape_controls), buffer_(sink) {
    if (style.header && style.begins) *buffer_.text() += "key,count\n";
  }

  void Row(std::string_view key, uint64_t count) override {
    if (escape_controls_) {
      escaped_.clear();
      AppendEscaped(key, &escaped_);
      key = escaped_;
    }
    std::string& text = *buffer_.text();
    if (NeedsQuotes(key)) {
      AppendQuoted(key, &text);
    } else {
      text += key;
    }
    text += ',';
    buffer_.AppendCount(count);
    text += '\n';
    buffer_.EndRow();
  }

  void Finish() override { buffer_.Flush(); }

 private:
  static bool NeedsQuotes(std::string_view key) {
    return std::ranges::any_of(
        key, [](char byte) { return byte == ',' || byte == '"' || byte == '\r' || byte == '\n'; });
  }

  static void AppendQuoted(std::string_view key, std::string* text) {
    *text += '"';
    for (const char byte : key) {
      if (byte == '"') *text += '"';
      *text += byte;
    }
    *text += '"';
  }

  const bool escape_controls_;
  std::string escaped_;
  RowBuffer buffer_;
};

/// Both JSON formats: an array with a row a line, or bare lines.
class JsonWriter : public RowWriter {
 public:
  JsonWriter(const OutputStyle& style, ByteSink* sink)
      : is_array_(style.format == OutputFormat::kJson),
        escape_controls_(style.escape_controls),
        ends_(style.ends),
        is_first_(style.begins),
        buffer_(sink) {}

  void Row(std::string_view key, uint64_t count) override {
    std::string& text = *buffer_.text();
    if (is_array_) text += is_first_ ? "[\n" : ",\n";
    is_first_ = false;
    text += R"({"key":)";
    if (AppendJsonString(key, &text, CharsetFor(key))) ++keys_replaced_;
    text += R"(,"count":)";
    buffer_.AppendCount(count);
    text += '}';
    if (!is_array_) text += '\n';
    buffer_.EndRow();
  }

  void Finish() override {
    if (is_array_ && ends_) *buffer_.text() += is_first_ ? "[]\n" : "\n]\n";
    buffer_.Flush();
  }

  uint64_t keys_replaced() const override { return keys_replaced_; }

 private:
  // JSON itself escapes only C0, and allows C1 and bidirectional controls to stand.
  JsonCharset CharsetFor(std::string_view key) {
    if (!escape_controls_) return JsonCharset::kUtf8;
    escaped_.clear();
    AppendEscaped(key, &escaped_);
    return escaped_ == key ? JsonCharset::kUtf8 : JsonCharset::kAscii;
  }

  const bool is_array_;
  const bool escape_controls_;
  const bool ends_;
  bool is_first_;
  uint64_t keys_replaced_ = 0;
  std::string escaped_;
  RowBuffer buffer_;
};

}  // namespace

std::unique_ptr<RowWriter> MakeRowWriter(const OutputStyle& style, ByteSink* sink) {
  switch (style.format) {
    case OutputFormat::kTsv:
      return std::make_unique<TsvWriter>(style, sink);
    case OutputFormat::kCsv:
      return std::make_unique<CsvWriter>(style, sink);
    case OutputFormat::kJson:
    case OutputFormat::kJsonl:
      return std::make_unique<JsonWriter>(style, sink);
  }
  assert(false);
  return nullptr;
}

}  // namespace tally
