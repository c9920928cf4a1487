// Holds a parser against the oracle, on a text that the fuzzer made.
#ifndef TALLY_TESTS_FUZZ_PARSER_CHECK_H_
#define TALLY_TESTS_FUZZ_PARSER_CHECK_H_

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/cut.h"
#include "common/format.h"
#include "common/uint128.h"
#include "tests/cli/oracle.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/text_case.h"
#include "worker/parser.h"

namespace tally::fuzz {

/// The same totals for both where they pass 2^64-1: by how much does not matter.
inline std::map<std::string, uint128> Capped(std::map<std::string, uint128> counts) {
  for (auto& [key, count] : counts) count = std::min(count, uint128{1} << 64);
  return counts;
}

inline void CheckAgainstOracle(const Found& found, const TextCase& c,
                               const FormatOptions& options) {
  const OracleAnswer answer = AskOracle({c.text}, options);
  for (size_t i = 0; i < std::min(found.malformed.size(), answer.malformed.size()); ++i) {
    if (found.malformed[i] == answer.malformed[i]) continue;
    CheckEqual(found.malformed[i].ToString(), answer.malformed[i].ToString(), "a malformed line");
  }
  CheckEqual(found.malformed.size(), answer.malformed.size(), "the number of malformed lines");

  std::map<std::string, uint128> counts;
  for (const auto& [key, amount] : found.records) counts[key] += amount;
  const auto expected = Capped(answer.counts);
  for (const auto& [key, count] : Capped(counts)) {
    Check(expected.contains(key), "the key {} is not in the text", key);
    CheckEqual(count, expected.at(key), "the count of {}", key);
  }
  for (const auto& [key, count] : expected) Check(counts.contains(key), "{} is missing", key);

  const std::string_view text = WithoutByteOrderMark(c.text);
  const auto newlines = static_cast<uint64_t>(std::count(text.begin(), text.end(), '\n'));
  const uint64_t lines = newlines + (text.empty() || text.ends_with('\n') ? 0 : 1);
  CheckEqual(found.lines, options.format == Format::kWords ? 0 : lines, "the number of lines");
}

// How many adjacent records come as one is up to the parser.
inline std::vector<std::pair<std::string, uint128>> Merged(const Found& found) {
  std::vector<std::pair<std::string, uint128>> merged;
  for (const auto& [key, amount] : found.records) {
    if (merged.empty() || merged.back().first != key) merged.emplace_back(key, 0);
    merged.back().second += amount;
  }
  return merged;
}

inline void CheckSame(const Found& found, const Found& whole) {
  Check(Merged(found) == Merged(whole), "other records than of the text as a whole");
  Check(found.malformed == whole.malformed, "other malformed lines than of the text as a whole");
  CheckEqual(found.lines, whole.lines, "the number of lines of all chunks");
}

/// The parser finds what the oracle finds; the same wherever the text is cut between records; and
/// no more than the beginning of it if told to stop.
template <Parser P>
void CheckParser(const P& parser, const TextCase& c, const FormatOptions& options) {
  const Found whole = ParseChunks(parser, c, {});
  CheckAgainstOracle(whole, c, options);

  std::vector<size_t> cuts;
  for (const size_t place : c.places) {
    cuts.push_back(FirstCut(c.text, std::min(place, c.text.size()), CutRuleFor(options.format)));
  }
  std::sort(cuts.begin(), cuts.end());
  CheckSame(ParseChunks(parser, c, cuts), whole);

  Found begun = ParseChunks(parser, c, {}, c.stop_after);
  CheckEqual(begun.calls(), std::min<size_t>(c.stop_after, whole.calls()),
             "calls until told to stop");
  Found start = whole;
  start.records.resize(std::min(begun.records.size(), whole.records.size()));
  start.malformed.resize(std::min(begun.malformed.size(), whole.malformed.size()));
  start.lines = begun.lines;
  CheckSame(begun, start);
}

}  // namespace tally::fuzz

#endif  // TALLY_TESTS_FUZZ_PARSER_CHECK_H_
