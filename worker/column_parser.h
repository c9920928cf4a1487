// Columns: lines split at a delimiter byte; one column is the key, another may be the amount.
#ifndef TALLY_WORKER_COLUMN_PARSER_H_
#define TALLY_WORKER_COLUMN_PARSER_H_

#include <fmt/format.h>

#include <algorithm>
#include <string>

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
        not_split_(fmt::format(
            "there is no {} in it, which splits columns (-d)",
            delimiter_ == '\t' ? "tab" : "'" + EscapeForMessage({&delimiter_, 1}) + "'")),
        no_key_(fmt::format("column {}, the key (-k), is missing", key_column_)),
        no_value_(fmt::format("column {}, the value (-v), is missing", value_column_)),
        bad_value_(fmt::format("column {}, the value (-v), is not a whole number from 0 to 2^64-1",
                               value_column_)) {}

  template <RecordSink Sink>
  uint64_t Parse(std::string_view text, Sink& sink) const {
    RecordBatch records(&sink);
    auto ends = ScanEither(text, delimiter_, '\n');
    const char* const text_end = text.data() + text.size();
    uint64_t lines = 0;
    for (const char* line = text.data(); line < text_end; ++lines) {
      std::string_view key;
      std::string_view value;
      const char* column_begin = line;
      const char* column_end;
      size_t column = 0;
      for (bool in_line = true; in_line; column_begin = column_end + 1) {
        column_end = ends.Next();
        in_line = column_end < text_end && *column_end != '\n';
        // Where carriage returns split columns, one before the line's end still belongs to that.
        if (!in_line && delimiter_ == '\r' && column > 0 && column_begin == column_end) break;
        ++column;
        if (column != key_column_ && column != value_column_) continue;
        std::string_view content(column_begin, column_end);
        if (!in_line) content = WithoutFinalCr(content);
        if (column == key_column_) key = content;
        if (column == value_column_) value = content;
      }
      if (!Emit(key, value, {.line = {line, column_end}, .line_in_text = lines}, column,
                &records)) {
        return lines;
      }
      line = column_end + 1;
    }
    records.Flush();
    return lines;
  }

 private:
  template <class Records>
  bool Emit(std::string_view key, std::string_view value, BadLine line, size_t columns,
            Records* records) const {
    uint64_t amount = 1;
    if (columns < std::max(key_column_, value_column_)) {
      line.reason = columns == 1            ? not_split_.c_str()
                    : columns < key_column_ ? no_key_.c_str()
                                            : no_value_.c_str();
    } else if (value_column_ != 0 && !ParseCount(value.data(), value.size(), &amount)) {
      line.reason = bad_value_.c_str();
    } else {
      return records->Add(key, amount);
    }
    return records->Reject(line);
  }

  char delimiter_;
  size_t key_column_;
  size_t value_column_;
  std::string not_split_;  // what is wrong with a line
  std::string no_key_;
  std::string no_value_;
  std::string bad_value_;
};

static_assert(Parser<ColumnParser>);

}  // namespace tally

#endif  // TALLY_WORKER_COLUMN_PARSER_H_
