// Tables for people: columns as wide as what is in them.
#ifndef TALLY_MASTER_TEXT_TABLE_H_
#define TALLY_MASTER_TEXT_TABLE_H_

#include <string>
#include <string_view>
#include <vector>

namespace tally {

enum class Align { kLeft, kRight };

struct TextColumn {
  std::string title;
  Align align = Align::kRight;
};

class TextTable {
 public:
  explicit TextTable(std::vector<TextColumn> columns) : columns_(std::move(columns)) {}

  /// REQUIRES: a cell a column. Cells are text without control characters.
  void AddRow(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }

  /// Titles and rows, each a line that begins with two spaces and ends without any. Widths are
  /// counted in characters, not bytes.
  std::string Format() const;

 private:
  std::vector<TextColumn> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// The text as lines of at most 80 characters where it can be broken at spaces, each with its
/// newline.
std::string Wrapped(std::string_view text);

/// 1234567 as "1,234,567".
std::string WithCommas(uint64_t number);

}  // namespace tally

#endif  // TALLY_MASTER_TEXT_TABLE_H_
