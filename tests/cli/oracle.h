// What tally must print, worked out the slow and obvious way: a std::map, byte by byte. Knows
// nothing of tests of the command line, so that the fuzzers can ask it as well.
#ifndef TALLY_TESTS_CLI_ORACLE_H_
#define TALLY_TESTS_CLI_ORACLE_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/format.h"
#include "common/uint128.h"

namespace tally {

/// A line that is no record, or a word that is too long.
struct Malformed {
  uint64_t line = 0;  // from 1; 0 for a word
  uint64_t byte = 0;  // where it begins in its file, from 0
  std::string reason;

  bool operator==(const Malformed&) const = default;
  /// "line N: byte M: reason", or "byte M: reason" for a word.
  std::string ToString() const;
};

struct OracleAnswer {
  std::map<std::string, uint128> counts;  // as if there were no limit of 64 bits
  uint64_t records = 0;
  std::vector<Malformed> malformed;

  /// Rows "key TAB count NEWLINE": the largest count first, ties by key bytes; or by key bytes.
  std::string ByCount() const;
  std::string ByKey() const;
};

/// The answer for files that hold these texts, one after another. Malformed lines are left out.
OracleAnswer AskOracle(const std::vector<std::string>& files, const FormatOptions& options);

/// The options of a format without any of its own, and those of columns.
FormatOptions OptionsOf(Format format);
FormatOptions ColumnsOptions(char delimiter, size_t key_column, size_t value_column = 0);

}  // namespace tally

#endif  // TALLY_TESTS_CLI_ORACLE_H_
