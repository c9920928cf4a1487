#include "tests/cli/oracle.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "tests/cli/run_tally.h"
#include "tests/white_space.h"

namespace tally {
namespace {

constexpr size_t kLongestKey = 1048576;

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

std::optional<uint64_t> Number(const std::string& text) {
  if (text.empty() || text.find_first_not_of("0123456789") != std::string::npos) return {};
  const std::string digits = text.substr(std::min(text.find_first_not_of('0'), text.size()));
  static const std::string kMost = "18446744073709551615";
  if (digits.size() > kMost.size() || (digits.size() == kMost.size() && digits > kMost)) return {};
  return digits.empty() ? 0 : std::stoull(digits);
}

/// Of one line: what it adds. None where it is malformed.
struct Record {
  std::string key;
  uint64_t amount = 1;
  bool counts = true;  // not where the filters leave it out
};

int NgramVersionOf(const std::string& line) {
  const auto fields = Split(line, '\t');
  if (fields.size() >= 2) {
    const auto triple = Split(fields[1], ',');
    const bool numbers = std::all_of(triple.begin(), triple.end(), Number);
    if (triple.size() == 3 && numbers) return 3;
  }
  if (fields.size() != 4 && fields.size() != 5) return 0;
  if (!std::all_of(fields.begin() + 1, fields.end(), Number)) return 0;
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

std::optional<Record> NgramRecord(const std::string& line, int version,
                                  const FormatOptions& options) {
  const auto fields = Split(line, '\t');
  const auto words = Split(fields[0], ' ');
  const bool tagged = std::any_of(words.begin(), words.end(), IsTaggedWord);
  const bool wanted =
      options.tags == TagFilter::kAll || tagged == (options.tags == TagFilter::kTagged);
  std::vector<std::vector<std::string>> rows;  // year, match_count, ...
  if (version == 3) {
    for (size_t i = 1; i < fields.size(); ++i) rows.push_back(Split(fields[i], ','));
  } else {
    rows.emplace_back(fields.begin() + 1, fields.end());
  }
  if (rows.empty()) return {};
  Record record{.key = fields[0], .amount = 0, .counts = false};
  for (const auto& row : rows) {
    if (row.size() != (version == 1 ? 4 : 3) || !std::all_of(row.begin(), row.end(), Number)) {
      return {};
    }
    if (*Number(row[0]) < options.years.from || *Number(row[0]) > options.years.to) continue;
    record.amount += *Number(row[1]);
    record.counts = wanted;
  }
  return record;
}

std::optional<Record> ColumnsRecord(const std::string& line, const FormatOptions& options) {
  const auto columns = Split(line, options.delimiter);
  if (options.key_column > columns.size() || options.value_column > columns.size()) return {};
  Record record{.key = columns[options.key_column - 1]};
  if (options.value_column > 0) {
    const auto value = Number(columns[options.value_column - 1]);
    if (!value) return {};
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
    int version = 0;
    for (const std::string& line : lines) {
      if (version == 0) version = NgramVersionOf(WithoutCr(line));
    }
    for (size_t number = 0; number < lines.size(); ++number) {
      const std::string line = WithoutCr(lines[number]);
      std::optional<Record> record = Record{.key = line};
      if (options_.format == Format::kNgram) record = NgramRecord(line, version, options_);
      if (options_.format == Format::kColumns) record = ColumnsRecord(line, options_);
      if (record && record->key.size() > kLongestKey) record.reset();
      if (!record) {
        Reject("line " + std::to_string(number + 1) + ", byte " + std::to_string(offset));
      } else if (record->counts) {
        Add(record->key, record->amount);
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
        Reject("byte " + std::to_string(begin));
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

  static std::string WithoutCr(std::string line) {
    if (line.ends_with('\r')) line.pop_back();
    return line;
  }

  void Add(const std::string& key, uint64_t amount) {
    answer.counts[key] += amount;
    ++answer.records;
  }

  void Reject(const std::string& place) {
    if (answer.malformed++ == 0) answer.first_malformed = "malformed at " + place;
  }

  const FormatOptions& options_;
};

}  // namespace

OracleAnswer AskOracle(const std::vector<std::string>& files, const FormatOptions& options) {
  Oracle oracle(options);
  for (const std::string& file : files) oracle.Read(file);
  return oracle.answer;
}

std::string OracleAnswer::ByKey() const {
  std::string rows;
  for (const auto& [key, count] : counts) rows += key + '\t' + std::to_string(count) + '\n';
  return rows;
}

std::string OracleAnswer::ByCount() const {
  std::vector<std::pair<std::string, uint64_t>> sorted(counts.begin(), counts.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  std::string rows;
  for (const auto& [key, count] : sorted) rows += key + '\t' + std::to_string(count) + '\n';
  return rows;
}

std::optional<std::vector<std::string>> AskPython(const std::vector<std::string>& paths) {
  const std::string script = R"(
import collections, os, sys
for number, path in enumerate(sys.argv[2:]):
    with open(path, 'rb') as file:
        data = file.read()
    if data.startswith(b'\xef\xbb\xbf'):
        data = data[3:]
    text = data.decode('utf-8', 'surrogateescape')
    counts = collections.Counter(word.encode('utf-8', 'surrogateescape') for word in text.split())
    with open(os.path.join(sys.argv[1], str(number)), 'wb') as file:
        for word, count in sorted(counts.items(), key=lambda row: (-row[1], row[0])):
            file.write(b'%s\t%d\n' % (word, count))
)";
  const TempDir answers;
  std::vector<std::string> arguments = {
      "-c", R"(command -v python3 > /dev/null || exit 9; exec python3 -c "$0" "$@")", script,
      answers.path()};
  arguments.insert(arguments.end(), paths.begin(), paths.end());
  const Outcome outcome = RunCommand({.arguments = arguments, .program = "sh"});
  if (outcome.exit_status == 9) return std::nullopt;
  EXPECT_THAT(outcome, ExitsWith(0));
  std::vector<std::string> rows;
  for (size_t i = 0; i < paths.size(); ++i) {
    rows.push_back(ReadFile(answers.path() + '/' + std::to_string(i)));
  }
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
