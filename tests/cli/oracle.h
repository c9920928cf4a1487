// What tally must print, worked out the slow and obvious way: a std::map, byte by byte.
#ifndef TALLY_TESTS_CLI_ORACLE_H_
#define TALLY_TESTS_CLI_ORACLE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/format.h"

namespace tally {

struct OracleAnswer {
  std::map<std::string, uint64_t> counts;
  uint64_t records = 0;
  uint64_t malformed = 0;
  /// "malformed at line N, byte M" of the first one ("malformed at byte M" for a word), or nothing.
  std::string first_malformed;

  /// Rows "key TAB count NEWLINE": the largest count first, ties by key bytes; or by key bytes.
  std::string ByCount() const;
  std::string ByKey() const;
};

/// The answer for files that hold these texts, one after another. Malformed lines are left out.
OracleAnswer AskOracle(const std::vector<std::string>& files, const FormatOptions& options);

/// The same rows by count for the words of each file, as Python's str.split() finds them; none
/// where there is no python3.
std::optional<std::vector<std::string>> AskPython(const std::vector<std::string>& paths);

/// The options of a format without any of its own, and those of columns.
FormatOptions OptionsOf(Format format);
FormatOptions ColumnsOptions(char delimiter, size_t key_column, size_t value_column = 0);

}  // namespace tally

#endif  // TALLY_TESTS_CLI_ORACLE_H_
