#include "master/option_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

#include "common/error.h"
#include "common/escape.h"
#include "master/suggest.h"

namespace tally {
namespace {

template <typename T = uint64_t>
std::optional<T> ReadAll(std::string_view text, int base = 10) {
  T number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number, base);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

std::optional<char> ReadDelimiter(std::string_view text) {
  if (text.size() == 1) return text[0];
  if (text == "tab" || text == "\\t") return '\t';
  if (text == "\\\\") return '\\';
  if (text == "\\0") return '\0';
  // Not offered, but what it stands for deserves the message about newlines.
  if (text == "\\n") return '\n';
  if (text.size() == 4 && text.starts_with("\\x")) {
    if (const auto byte = ReadAll<uint8_t>(text.substr(2), 16)) return static_cast<char>(*byte);
  }
  return std::nullopt;
}

int SuffixShift(char suffix) {
  switch (suffix) {
    case 'K':
    case 'k':
      return 10;
    case 'M':
    case 'm':
      return 20;
    case 'G':
    case 'g':
      return 30;
    case 'T':
    case 't':
      return 40;
    default:
      return 0;
  }
}

}  // namespace

std::string Quoted(std::string_view typed) {
  constexpr size_t kMaxShownBytes = 200;
  return fmt::format("'{}'", EscapeForMessage(typed, kMaxShownBytes));
}

uint64_t ParseWholeNumber(const OptionText& value, uint64_t least, uint64_t most) {
  const std::optional<uint64_t> number = ReadAll(value.text);
  if (!number || *number < least || *number > most) {
    const bool is_bounded = most < std::numeric_limits<uint64_t>::max();
    throw UsageError(fmt::format("{}: {} is not a whole number from {} to {}", value.option,
                                 Quoted(value.text), least,
                                 is_bounded ? std::to_string(most) : "2^64-1"));
  }
  return *number;
}

std::vector<unsigned> ParseWholeNumbers(const OptionText& value, uint64_t least, uint64_t most) {
  std::vector<unsigned> numbers;
  for (const std::string& part : ParseNames(value)) {
    const auto number = static_cast<unsigned>(ParseWholeNumber({value.option, part}, least, most));
    if (std::ranges::find(numbers, number) == numbers.end()) numbers.push_back(number);
  }
  return numbers;
}

std::vector<std::string> ParseNames(const OptionText& value) {
  std::vector<std::string> names;
  for (std::string_view rest = value.text;;) {
    const size_t comma = rest.find(',');
    names.emplace_back(rest.substr(0, comma));
    if (names.back().empty()) {
      throw UsageError(fmt::format("{}: {} has an empty place; put one comma between two",
                                   value.option, Quoted(value.text)));
    }
    if (comma == std::string_view::npos) return names;
    rest.remove_prefix(comma + 1);
  }
}

uint64_t ParseSize(const OptionText& value) {
  std::string_view digits = value.text;
  const int shift = digits.empty() ? 0 : SuffixShift(digits.back());
  if (shift != 0) digits.remove_suffix(1);
  const uint64_t most = std::numeric_limits<uint64_t>::max() >> shift;
  const std::optional<uint64_t> number = ReadAll(digits);
  if (!number || *number < 1 || *number > most) {
    throw UsageError(
        fmt::format("{}: {} is not a size; write a number of bytes from 1 to 2^64-1, "
                    "or one with K, M, G or T, as in 8M",
                    value.option, Quoted(value.text)));
  }
  return *number << shift;
}

char ParseDelimiter(const OptionText& value) {
  const std::optional<char> delimiter = ReadDelimiter(value.text);
  if (!delimiter) {
    throw UsageError(
        fmt::format("{}: {} is not one byte; write it as it is, or as "
                    "tab, \\t, \\\\, \\0 or \\xNN (hexadecimal)",
                    value.option, Quoted(value.text)));
  }
  if (*delimiter == '\n') {
    throw UsageError(
        fmt::format("{}: a newline ends the line, so it cannot split it into "
                    "columns; choose another byte",
                    value.option));
  }
  return *delimiter;
}

YearRange ParseYears(const OptionText& value) {
  const size_t dash = value.text.find('-');
  const std::string_view from = value.text.substr(0, dash);
  const std::string_view to = dash == std::string_view::npos ? from : value.text.substr(dash + 1);
  YearRange years;
  const auto read = [](std::string_view text, uint64_t* year) {
    if (text.empty()) return true;
    const std::optional<uint64_t> number = ReadAll(text);
    *year = number.value_or(0);
    return number.has_value();
  };
  if ((from.empty() && to.empty()) || !read(from, &years.from) || !read(to, &years.to)) {
    throw UsageError(
        fmt::format("{}: {} is not a range of years; write 1990-2000, 1990-, "
                    "-2000, or 1990 for that year alone",
                    value.option, Quoted(value.text)));
  }
  if (years.from > years.to) {
    throw UsageError(fmt::format("{}: {} ends before it begins; write {}-{}", value.option,
                                 Quoted(value.text), years.to, years.from));
  }
  return years;
}

RaceWindow ParseRaceWindow(const OptionText& value) {
  if (value.text == "none") return RaceWindow::None();
  if (value.text == "yield") return RaceWindow::Yield();
  const std::optional<uint64_t> number = ReadAll(value.text);
  if (!number || *number > RaceWindow::kMostMicroseconds) {
    throw UsageError(
        fmt::format("{}: {} is not a window; write none, yield, or a number of "
                    "microseconds up to {}",
                    value.option, Quoted(value.text), RaceWindow::kMostMicroseconds));
  }
  return *number == 0 ? RaceWindow::None() : RaceWindow::Microseconds(*number);
}

std::string ParsePath(const OptionText& value) {
  if (value.text.empty()) {
    throw UsageError(fmt::format("{}: the file name is empty; give one", value.option));
  }
  if (value.text.size() > 1 && value.text.front() == '-') {
    throw UsageError(
        fmt::format("{}: {} looks like an option; write './{}' for a file of that name",
                    value.option, Quoted(value.text), EscapeForMessage(value.text)));
  }
  return std::string(value.text);
}

std::string ParsePathOfItsOwn(const OptionText& value) {
  if (value.text == "-") {
    throw UsageError(fmt::format(
        "{}: '-' would mix it with standard output; name a file, or /dev/stderr", value.option));
  }
  return ParsePath(value);
}

void ThrowNoSuchChoice(const OptionText& value, const std::vector<std::string_view>& names) {
  const std::string_view nearest = NearestName(value.text, names);
  throw UsageError(fmt::format(
      "{}: {} is not one of {}{}", value.option, Quoted(value.text), fmt::join(names, ", "),
      nearest.empty() ? "" : fmt::format("; did you mean '{}'?", nearest)));
}

}  // namespace tally
