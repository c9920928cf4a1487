#include "master/text_table.h"

#include <algorithm>
#include <cstdint>

namespace tally {
namespace {

size_t CharactersIn(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;  // no continuation byte
  }));
}

}  // namespace

std::string TextTable::Format() const {
  std::vector<std::string> titles;
  std::vector<size_t> widths;
  for (size_t column = 0; column < columns_.size(); ++column) {
    titles.push_back(columns_[column].title);
    size_t width = CharactersIn(columns_[column].title);
    for (const auto& row : rows_) width = std::max(width, CharactersIn(row[column]));
    widths.push_back(width);
  }
  std::string text;
  const auto append = [&](const std::vector<std::string>& cells) {
    std::string line;
    for (size_t column = 0; column < columns_.size(); ++column) {
      const std::string padding(widths[column] - CharactersIn(cells[column]), ' ');
      const bool left = columns_[column].align == Align::kLeft;
      line += "  ";
      line += left ? cells[column] + padding : padding + cells[column];
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  };
  append(titles);
  for (const auto& row : rows_) append(row);
  return text;
}

std::string Wrapped(std::string_view text) {
  constexpr size_t kLineWidth = 80;
  std::string wrapped;
  while (text.size() > kLineWidth) {
    const size_t space = text.rfind(' ', kLineWidth);
    if (space == std::string_view::npos) break;
    wrapped.append(text.substr(0, space)).append("\n");
    text.remove_prefix(space + 1);
  }
  return wrapped.append(text).append("\n");
}

std::string WithCommas(uint64_t number) {
  std::string digits = std::to_string(number);
  for (size_t at = digits.size(); at > 3;) digits.insert(at -= 3, 1, ',');
  return digits;
}

}  // namespace tally
