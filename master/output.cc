#include "master/output.h"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cstring>
#include <string>
#include <utility>

#include "common/escape.h"
#include "master/json.h"

namespace tally {
namespace {

/// Output text on its way to the sink. It grows past kFlushBytes by one row at most.
class RowBuffer {
 public:
  explicit RowBuffer(ByteSink* sink) : sink_(sink) { Grow(kFlushBytes + 4096); }

  void Append(std::string_view bytes) {
    std::memcpy(Room(bytes.size()), bytes.data(), bytes.size());
    size_ += bytes.size();
  }

  /// A key as RowWriter::Row() has it: of a short one, no branch depends on its size.
  void AppendKey(std::string_view key) {
    constexpr size_t kAtOnce = RowWriter::kReadableKeyBytes;
    char* const to = Room(std::max(key.size(), kAtOnce));
    std::memcpy(to, key.data(), kAtOnce);
    if (key.size() > kAtOnce) {
      std::memcpy(to + kAtOnce, key.data() + kAtOnce, key.size() - kAtOnce);
    }
    size_ += key.size();
  }

  void AppendCount(uint64_t count) {
    constexpr size_t kMostDigits = 20;  // of 2^64 - 1
    char* const to = Room(kMostDigits);
    size_ += static_cast<size_t>(std::to_chars(to, to + kMostDigits, count).ptr - to);
  }

  void EndRow() {
    if (size_ >= kFlushBytes) Flush();
  }

  void Flush() {
    if (size_ > 0) sink_->Write({bytes_.get(), size_});
    size_ = 0;
  }

 private:
  static constexpr size_t kFlushBytes = size_t{128} << 10;

  char* Room(size_t bytes) {
    if (capacity_ - size_ < bytes) Grow(2 * (size_ + bytes));
    return bytes_.get() + size_;
  }

  void Grow(size_t capacity) {
    auto larger = std::make_unique_for_overwrite<char[]>(capacity);
    std::copy_n(bytes_.get(), size_, larger.get());
    bytes_ = std::move(larger);
    capacity_ = capacity;
  }

  ByteSink* sink_;
  std::unique_ptr<char[]> bytes_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

class TsvWriter : public RowWriter {
 public:
  TsvWriter(const OutputStyle& style, ByteSink* sink)
      : escape_controls_(style.escape_controls), buffer_(sink) {
    if (style.header && style.begins) buffer_.Append("key\tcount\n");
  }

  void Row(std::string_view key, uint64_t count) override {
    if (escape_controls_) {
      escaped_.clear();
      AppendEscaped(key, &escaped_);
      buffer_.Append(escaped_);
    } else {
      buffer_.AppendKey(key);
    }
    buffer_.Append("\t");
    buffer_.AppendCount(count);
    buffer_.Append("\n");
    buffer_.EndRow();
  }

  void Finish() override { buffer_.Flush(); }

 private:
  const bool escape_controls_;
  std::string escaped_;
  RowBuffer buffer_;
};

/// RFC 4180, but for the end of a row: a bare newline, as every other tool on Linux writes.
class CsvWriter : public RowWriter {
 public:
  CsvWriter(const OutputStyle& style, ByteSink* sink)
      : escape_controls_(style.escape_controls), buffer_(sink) {
    if (style.header && style.begins) buffer_.Append("key,count\n");
  }

  void Row(std::string_view key, uint64_t count) override {
    if (escape_controls_) {
      escaped_.clear();
      AppendEscaped(key, &escaped_);
      key = escaped_;
    }
    if (NeedsQuotes(key)) {
      AppendQuoted(key);
    } else {
      buffer_.Append(key);
    }
    buffer_.Append(",");
    buffer_.AppendCount(count);
    buffer_.Append("\n");
    buffer_.EndRow();
  }

  void Finish() override { buffer_.Flush(); }

 private:
  static bool NeedsQuotes(std::string_view key) {
    return std::ranges::any_of(
        key, [](char byte) { return byte == ',' || byte == '"' || byte == '\r' || byte == '\n'; });
  }

  void AppendQuoted(std::string_view key) {
    buffer_.Append("\"");
    while (!key.empty()) {
      const size_t up_to_quote = std::min(key.find('"'), key.size() - 1) + 1;
      buffer_.Append(key.substr(0, up_to_quote));
      if (key[up_to_quote - 1] == '"') buffer_.Append("\"");
      key.remove_prefix(up_to_quote);
    }
    buffer_.Append("\"");
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
    if (is_array_) buffer_.Append(is_first_ ? "[\n" : ",\n");
    is_first_ = false;
    buffer_.Append(R"({"key":)");
    string_.clear();
    if (AppendJsonString(key, &string_, CharsetFor(key))) ++keys_replaced_;
    buffer_.Append(string_);
    buffer_.Append(R"(,"count":)");
    buffer_.AppendCount(count);
    buffer_.Append("}");
    if (!is_array_) buffer_.Append("\n");
    buffer_.EndRow();
  }

  void Finish() override {
    if (is_array_ && ends_) buffer_.Append(is_first_ ? "[]\n" : "\n]\n");
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
  std::string string_;
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
