// Columns: lines split at a delimiter byte; one column is the key, another may be the amount.
#ifndef TALLY_WORKER_COLUMN_PARSER_H_
#define TALLY_WORKER_COLUMN_PARSER_H_

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>

#include "common/escape.h"
#include "common/format.h"
#include "worker/column_scanner.h"
#include "worker/delimiter_scanner.h"
#include "worker/number.h"
#include "worker/parser.h"

namespace tally {

/// Counts 1, or what the value column says, for each line. There is no quoting. A final carriage
/// return is no part of the last column. An empty line has one, empty column.
class ColumnParser {
 public:
  /// REQUIRES: options.key_column >= 1.
  explicit ColumnParser(const FormatOptions& options)
      : delimiter_(options.delimiter),
        key_column_(options.key_column),
        value_column_(options.value_column),
        last_column_(std::max(key_column_, value_column_)),
        can_be_scanned_(delimiter_ != '\r' && last_column_ <= kLastScannedColumn),
        not_split_(fmt::format(
            "there is no {} in it, which splits columns (-d)",
            delimiter_ == '\t' ? "tab" : "'" + EscapeForMessage({&delimiter_, 1}) + "'")),
        no_key_(fmt::format("column {}, the key (-k), is missing", key_column_)),
        no_value_(fmt::format("column {}, the value (-v), is missing", value_column_)),
        bad_value_(fmt::format("column {}, the value (-v), is not a whole number from 0 to 2^64-1",
                               value_column_)) {}

  template <class Sink>
  uint64_t Parse(std::string_view text, Sink& sink) const {
    return value_column_ == 0 ? ParseInto<Token>(text, &sink) : ParseInto<Record>(text, &sink);
  }

 private:
  // What was read of a line so far.
  struct Line {
    const char* begin;
    const char* column;  // begin of the next one
    size_t columns = 0;  // that ended
    Token key{};
    Token value{};
  };

  // Of a window, one a line; tokens as FindColumn() leaves them.
  template <class Item>
  using ScannedItems = std::array<Item, std::tuple_size_v<ColumnTokens>>;

  // Windows of whole lines are scanned. Where a line of one is no record, all of it is parsed
  // again, line by line.
  template <class Item, SinkOf<Item> Sink>
  uint64_t ParseInto(std::string_view text, Sink* sink) const {
    uint64_t lines = 0;
    if (!can_be_scanned_) {
      ParseLines<Item>(text, &lines, sink);
      return lines;
    }
    ScannedItems<Item> items;
    while (!text.empty()) {
      const std::string_view window = WholeLines(text);
      text.remove_prefix(window.size());
      const size_t found = ScanWindow(window, &items);
      const bool go_on = found > 0 ? sink->Add(std::span<const Item>(items).first(found))
                                   : ParseLines<Item>(window, &lines, sink);
      if (!go_on) return lines;
      lines += found;
    }
    return lines;
  }

  // As FindColumn() wants them; or what follows the last newline.
  static std::string_view WholeLines(std::string_view text) {
    const size_t room = std::min(text.size(), kScanWindowBytes);
    const void* newline = memrchr(text.data(), '\n', room);
    if (newline == nullptr) newline = std::memchr(text.data() + room, '\n', text.size() - room);
    if (newline == nullptr) return text;
    return {text.data(), static_cast<const char*>(newline) + 1};
  }

  // Returns how many items the window has; 0 where not each of its lines is one.
  size_t ScanWindow(std::string_view window, ColumnTokens* keys) const {
    return window.back() == '\n' ? FindIn(window, key_column_, keys) : 0;
  }
  size_t ScanWindow(std::string_view window, ScannedItems<Record>* records) const {
    ColumnTokens keys;
    ColumnTokens values;
    if (ScanWindow(window, &keys) == 0) return 0;
    const size_t found = FindIn(window, value_column_, &values);
    for (size_t i = 0; i < found; ++i) {
      const std::string_view value = values[i].key_view();
      uint64_t amount;
      if (!ParseCount(value.data(), value.size(), &amount)) return 0;
      (*records)[i] = {keys[i].begin, KeySizeOf(keys[i]), amount, 1};
    }
    return found;
  }
  size_t FindIn(std::string_view window, size_t column, ColumnTokens* tokens) const {
    return FindColumn(window.data(), window.data() + window.size(), delimiter_, column, tokens);
  }

  // Whatever they look like. Returns whether to go on.
  template <class Item, SinkOf<Item> Sink>
  bool ParseLines(std::string_view text, uint64_t* lines, Sink* sink) const {
    Batch<Item, Sink> items(sink);
    const char* const text_end = text.data() + text.size();
    Line line{.begin = text.data(), .column = text.data()};
    ScanPositions ends;
    for (const Window window : WindowsOf(text)) {
      const size_t found = FindEither(window.begin, window.end, delimiter_, '\n', &ends);
      for (const char* const end : std::span(ends).first(found)) {
        if (*end != '\n') {
          EndColumn({line.column, end}, &line);
          line.column = end + 1;
          continue;
        }
        if (!EndLine(end, &line, *lines, &items)) return false;
        ++*lines;
        line = {.begin = end + 1, .column = end + 1};
      }
    }
    if (line.begin < text_end) {
      if (!EndLine(text_end, &line, *lines, &items)) return false;
      ++*lines;
    }
    return items.Flush();
  }

  void EndColumn(Token content, Line* line) const {
    ++line->columns;
    if (line->columns == key_column_) line->key = content;
    if (line->columns == value_column_) line->value = content;
  }

  template <class Item, SinkOf<Item> Sink>
  bool EndLine(const char* end, Line* line, uint64_t number, Batch<Item, Sink>* items) const {
    // Where carriage returns split columns, one before the line's end still belongs to that.
    if (delimiter_ != '\r' || line->columns == 0 || line->column != end) {
      EndColumn(WithoutFinalCr(Token{line->column, end}), line);
    }
    const char* reason = line->columns < last_column_ ? WhyIncomplete(line->columns) : nullptr;
    if constexpr (std::is_same_v<Item, Record>) {
      const std::string_view value = line->value.key_view();
      const std::string_view key = line->key.key_view();
      uint64_t amount;
      if (reason == nullptr && ParseCount(value.data(), value.size(), &amount)) [[likely]] {
        return items->Add({key.data(), key.size(), amount, 1});
      }
      if (reason == nullptr) reason = bad_value_.c_str();
    } else {
      if (reason == nullptr) [[likely]]
        return items->Add(line->key);
    }
    return items->Reject({.line = {line->begin, end}, .line_in_text = number, .reason = reason});
  }

  const char* WhyIncomplete(size_t columns) const {
    if (columns == 1) return not_split_.c_str();
    return columns < key_column_ ? no_key_.c_str() : no_value_.c_str();
  }

  char delimiter_;
  size_t key_column_;
  size_t value_column_;
  size_t last_column_;  // that there has to be
  bool can_be_scanned_;
  std::string not_split_;  // what is wrong with a line
  std::string no_key_;
  std::string no_value_;
  std::string bad_value_;
};

static_assert(Parser<ColumnParser>);

}  // namespace tally

#endif  // TALLY_WORKER_COLUMN_PARSER_H_
