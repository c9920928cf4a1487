// Columns: lines split at a delimiter byte; one column is the key, another may be the amount.
#ifndef TALLY_WORKER_COLUMN_PARSER_H_
#define TALLY_WORKER_COLUMN_PARSER_H_

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <string>
#include <type_traits>

#include "common/escape.h"
#include "common/format.h"
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

  template <class Item, SinkOf<Item> Sink>
  uint64_t ParseInto(std::string_view text, Sink* sink) const {
    Batch<Item, Sink> items(sink);
    const char* const text_end = text.data() + text.size();
    Line line{.begin = text.data(), .column = text.data()};
    uint64_t lines = 0;
    ScanPositions ends;
    for (const Window window : WindowsOf(text)) {
      const size_t found = FindEither(window.begin, window.end, delimiter_, '\n', &ends);
      for (const char* const end : std::span(ends).first(found)) {
        if (*end != '\n') {
          EndColumn({line.column, end}, &line);
          line.column = end + 1;
          continue;
        }
        if (!EndLine(end, &line, lines, &items)) return lines;
        ++lines;
        line = {.begin = end + 1, .column = end + 1};
      }
    }
    if (line.begin < text_end) {
      if (!EndLine(text_end, &line, lines, &items)) return lines;
      ++lines;
    }
    items.Flush();
    return lines;
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
  size_t last_column_;     // that there has to be
  std::string not_split_;  // what is wrong with a line
  std::string no_key_;
  std::string no_value_;
  std::string bad_value_;
};

static_assert(Parser<ColumnParser>);

}  // namespace tally

#endif  // TALLY_WORKER_COLUMN_PARSER_H_
