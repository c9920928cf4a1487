#include "tests/cli/oracle.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "common/escape.h"
#include "tests/white_space.h"

namespace tally {
namespace {

constexpr size_t kLongestKey = 1048576;
constexpr char kTooLong[] = "the key is longer than 1 MiB";

std::vector<std::string> Split(const std::string& text, char separator) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == separator) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

bool IsDigits(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

std::optional<uint64_t> Number(const std::string& text) {
  if (!IsDigits(text)) return {};
  const std::string digits = text.substr(std::min(text.find_first_not_of('0'), text.size()));
  static const std::string kMost = "18446744073709551615";
  if (digits.size() > kMost.size() || (digits.size() == kMost.size() && digits > kMost)) return {};
  return digits.empty() ? 0 : std::stoull(digits);
}

/// Of one line: what it adds.
struct Record {
  std::string key = {};
  uint128 amount = 1;
  bool counts = true;          // not where the filters leave it out
  std::string malformed = {};  // why it is no record; empty where it is one
};

Record NoRecord(std::string reason) { return {.malformed = std::move(reason)}; }

std::string WithoutCr(std::string line) {
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

// By the shape of the line alone: a number that is too large is malformed, but says as much as any.
int NgramVersionOf(const std::string& line) {
  const auto fields = Split(line, '\t');
  if (fields.size() >= 2) {
    const auto triple = Split(fields[1], ',');
    const bool numbers = std::all_of(triple.begin(), triple.end(), IsDigits);
    if (triple.size() == 3 && numbers) return 3;
  }
  if (fields.size() != 4 && fields.size() != 5) return 0;
  if (!std::all_of(fields.begin() + 1, fields.end(), IsDigits)) return 0;
  return fields.size() == 5 ? 1 : 2;
}

bool IsTaggedWord(const std::string& word) {
  static const std::set<std::string> kTags = {"NOUN", "VERB", "ADJ",  "ADV", "PRON", "DET",
                                              "ADP",  "NUM",  "CONJ", "PRT", "X",    "."};
  if (word == "_START_" || word == "_END_" || word == "_ROOT_") return true;
  for (const std::string& tag : kTags) {
    if (word == '_' + tag + '_') return true;
    if (word.size() > tag.size() + 1 && word.ends_with('_' + tag)) return true;
  }
  return false;
}

Record NgramRecordOf(const std::string& line, int version, const FormatOptions& options) {
  const auto fields = Split(line, '\t');
  const auto words = Split(fields[0], ' ');
  const bool tagged = std::any_of(words.begin(), words.end(), IsTaggedWord);
  const bool wanted =
      options.tags == TagFilter::kAll || tagged == (options.tags == TagFilter::kTagged);
  std::vector<std::string> columns = {"the year", "match_count", "volume_count"};
  if (version == 1) columns.insert(columns.begin() + 2, "page_count");
  std::vector<std::vector<std::string>> rows;  // year, match_count, ...
  if (version == 3) {
    for (size_t i = 1; i < fields.size(); ++i) rows.push_back(Split(fields[i], ','));
  } else {
    rows.emplace_back(fields.begin() + 1, fields.end());
  }
  if (rows.empty() || (version != 3 && rows[0].size() < columns.size())) {
    return NoRecord("too few columns for an n-gram");
  }
  if (version != 3 && rows[0].size() > columns.size()) {
    return NoRecord("too many columns for an n-gram");
  }
  Record record{.key = fields[0], .amount = 0, .counts = false};
  for (const auto& row : rows) {
    const size_t bad = std::find_if_not(row.begin(), row.end(), Number) - row.begin();
    if (version != 3 && bad < row.size()) {
      return NoRecord(columns[bad] + " is not a number below 2^64");
    }
    if (version == 3 && (row.size() != 3 || bad < row.size())) {
      return NoRecord("a field is not year,match_count,volume_count in numbers below 2^64");
    }
    if (*Number(row[0]) < options.years.from || *Number(row[0]) > options.years.to) continue;
    record.amount += *Number(row[1]);
    record.counts = wanted;
  }
  return record;
}

// Among the first hundred lines that are of any version; 0 if none is.
int MostFrequentVersion(const std::vector<std::string>& lines) {
  int voters = 0;
  int lines_of[4] = {};  // by version; [0] stays 0
  int first_line_of[4] = {};
  for (size_t i = 0; i < lines.size() && voters < 100; ++i) {
    const int version = NgramVersionOf(WithoutCr(lines[i]));
    if (version == 0) continue;
    ++voters;
    if (lines_of[version]++ == 0) first_line_of[version] = static_cast<int>(i);
  }
  int best = 0;
  for (const int version : {1, 2, 3}) {
    if (lines_of[version] > lines_of[best] ||
        (lines_of[version] == lines_of[best] && first_line_of[version] < first_line_of[best])) {
      best = version;
    }
  }
  return best;
}

Record NgramRecord(const std::string& line, int version, const FormatOptions& options) {
  Record record = NgramRecordOf(line, version, options);
  const int own_version = NgramVersionOf(line);
  if (!record.malformed.empty() && own_version != 0 && own_version != version) {
    record.malformed = fmt::format(
        "a line of n-grams v{}, in a file of another version: a damaged line, or two files in one",
        own_version);
  }
  return record;
}

Record ColumnsRecord(const std::string& line, const FormatOptions& options) {
  const auto columns = Split(line, options.delimiter);
  const bool has_key = options.key_column <= columns.size();
  if (!has_key || options.value_column > columns.size()) {
    const std::string delimiter(1, options.delimiter);
    if (columns.size() == 1) {
      return NoRecord(
          fmt::format("there is no {} in it, which splits columns (-d)",
                      delimiter == "\t" ? "tab" : "'" + EscapeForMessage(delimiter) + "'"));
    }
    return NoRecord(has_key
                        ? fmt::format("column {}, the value (-v), is missing", options.value_column)
                        : fmt::format("column {}, the key (-k), is missing", options.key_column));
  }
  Record record{.key = columns[options.key_column - 1]};
  if (options.value_column > 0) {
    const auto value = Number(columns[options.value_column - 1]);
    if (!value) {
      return NoRecord(
          fmt::format("column {}, the value (-v), is not a whole number from 0 to 2^64-1",
                      options.value_column));
    }
    record.amount = *value;
  }
  return record;
}

class Oracle {
 public:
  explicit Oracle(const FormatOptions& options) : options_(options) {}

  void Read(const std::string& text) {
    const size_t bom = text.starts_with("\xef\xbb\xbf") ? 3 : 0;
    if (options_.format == Format::kWords) {
      ReadWords(text, bom);
    } else {
      ReadLines(text, bom);
    }
  }

  OracleAnswer answer;

 private:
  void ReadLines(const std::string& text, size_t offset) {
    if (offset == text.size()) return;
    auto lines = Split(text.substr(offset), '\n');
    if (lines.back().empty()) lines.pop_back();
    const int version = MostFrequentVersion(lines);
    for (size_t number = 0; number < lines.size(); ++number) {
      const std::string line = WithoutCr(lines[number]);
      Record record = {.key = line};
      if (options_.format == Format::kNgram) record = NgramRecord(line, version, options_);
      if (options_.format == Format::kColumns) record = ColumnsRecord(line, options_);
      if (record.key.size() > kLongestKey) record = NoRecord(kTooLong);
      if (!record.malformed.empty()) {
        answer.malformed.push_back({number + 1, offset, record.malformed});
      } else if (record.counts) {
        Add(record.key, record.amount);
      }
      offset += lines[number].size() + 1;
    }
  }

  void ReadWords(const std::string& text, size_t offset) {
    size_t begin = offset;
    while (begin < text.size()) {
      size_t end = begin;
      while (end < text.size() && SpaceLength(text, end) == 0) ++end;
      if (end - begin > kLongestKey) {
        answer.malformed.push_back({.byte = begin, .reason = kTooLong});
      } else if (end > begin) {
        Add(text.substr(begin, end - begin), 1);
      }
      begin = end == text.size() ? end : end + SpaceLength(text, end);
    }
  }

  // Of the white space character at `at`, or 0. Decoding from any byte finds just the spaces that
  // decoding from the start finds: each begins with a byte that cannot continue a character.
  static size_t SpaceLength(const std::string& text, size_t at) {
    const auto byte = [&](size_t i) {
      return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0u;
    };
    const auto continues = [&](size_t i) { return byte(i) >= 0x80 && byte(i) < 0xc0; };
    if (byte(0) < 0x80) return IsPythonSpace(byte(0)) ? 1 : 0;
    if (byte(0) >= 0xc2 && byte(0) < 0xe0 && continues(1)) {
      return IsPythonSpace((byte(0) & 0x1f) << 6 | (byte(1) & 0x3f)) ? 2 : 0;
    }
    if (byte(0) >= 0xe0 && byte(0) < 0xf0 && continues(1) && continues(2)) {
      const char32_t code = (byte(0) & 0xf) << 12 | (byte(1) & 0x3f) << 6 | (byte(2) & 0x3f);
      return code >= 0x800 && IsPythonSpace(code) ? 3 : 0;
    }
    return 0;
  }

  void Add(const std::string& key, uint128 amount) {
    answer.counts[key] += amount;
    ++answer.records;
  }

  const FormatOptions& options_;
};

}  // namespace

OracleAnswer AskOracle(const std::vector<std::string>& files, const FormatOptions& options) {
  Oracle oracle(options);
  for (const std::string& file : files) oracle.Read(file);
  return oracle.answer;
}

std::string Malformed::ToString() const {
  return fmt::format("{}byte {}: {}", line == 0 ? "" : fmt::format("line {}: ", line), byte,
                     reason);
}

std::string OracleAnswer::ByKey() const {
  std::string rows;
  for (const auto& [key, count] : counts) rows += fmt::format("{}\t{}\n", key, count);
  return rows;
}

std::string OracleAnswer::ByCount() const {
  std::vector<std::pair<std::string, uint128>> sorted(counts.begin(), counts.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  std::string rows;
  for (const auto& [key, count] : sorted) rows += fmt::format("{}\t{}\n", key, count);
  return rows;
}

FormatOptions OptionsOf(Format format) {
  FormatOptions options;
  options.format = format;
  return options;
}

FormatOptions ColumnsOptions(char delimiter, size_t key_column, size_t value_column) {
  FormatOptions options = OptionsOf(Format::kColumns);
  options.delimiter = delimiter;
  options.key_column = key_column;
  options.value_column = value_column;
  return options;
}

}  // namespace tally
