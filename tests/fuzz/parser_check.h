// Holds a parser against the oracle, on a text that the fuzzer made.
#ifndef TALLY_TESTS_FUZZ_PARSER_CHECK_H_
#define TALLY_TESTS_FUZZ_PARSER_CHECK_H_

#include <fuzzer/FuzzedDataProvider.h>
#include <hwy/targets.h>

#include <algorithm>
#include <cstdint>
#include <limits>
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
#include "tests/padded_text.h"
#include "worker/parser.h"

namespace tally::fuzz {

/// A text, and where and how it is parsed. In an input of a fuzzer the text comes first, so that it
/// can be read there; all else is drawn from the end.
struct TextCase {
  std::string text;
  char padding;                // the bytes behind the text, which must not matter
  size_t misalignment;         // of the text, in memory
  uint64_t stop_after;         // so many records or malformed lines
  std::vector<size_t> places;  // the text is cut at the first record ends behind them

  explicit TextCase(FuzzedDataProvider* input) {
    padding = input->ConsumeIntegral<char>();
    misalignment = input->ConsumeIntegralInRange<size_t>(0, 63);
    stop_after = input->ConsumeIntegralInRange<uint64_t>(1, 256);
    // Moves all that follows over the borders of the scanner's windows and blocks.
    const std::string filler(input->ConsumeIntegralInRange<size_t>(0, 4200), 'x');
    ChooseSimdTarget(input->ConsumeIntegral<uint8_t>());
    places.resize(input->ConsumeIntegralInRange<size_t>(0, 4));
    for (size_t& place : places) place = input->ConsumeIntegral<uint16_t>();
    text = filler + input->ConsumeRemainingBytesAsString();
  }

 private:
  // Zero is the best that this machine has.
  static void ChooseSimdTarget(size_t number) {
    static const auto kTargets = hwy::SupportedAndGeneratedTargets();
    const auto target = kTargets[number % kTargets.size()];
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(target);
  }
};

/// What a parser makes of a text.
struct Found {
  std::vector<std::pair<std::string, uint64_t>> records;
  std::vector<Malformed> malformed;
  uint64_t lines = 0;

  size_t calls() const { return records.size() + malformed.size(); }
};

/// A RecordSink that notes what it is given of a chunk of `whole`, and checks that it lies there.
class Noter {
 public:
  Noter(std::string_view chunk, uint64_t offset, uint64_t stop_after, Found* found)
      : chunk_(chunk),
        offset_(offset),
        lines_before_(found->lines),
        calls_left_(stop_after),
        found_(found) {}

  bool Add(std::string_view key, uint64_t amount) {
    OffsetOf(key);
    found_->records.emplace_back(key, amount);
    return GoOn();
  }
  bool Reject(const BadLine& bad) {
    const size_t begin = OffsetOf(bad.line);
    const size_t end = begin + bad.line.size();
    Check(begin == 0 || chunk_[begin - 1] == '\n', "no line begins at {}", begin);
    Check(end == chunk_.size() || chunk_[end] == '\n', "no line ends at {}", end);
    Check(bad.line.find('\n') == std::string_view::npos, "{} is two lines", bad.line);
    found_->malformed.push_back({.line = lines_before_ + bad.line_in_text + 1,
                                 .byte = offset_ + begin,
                                 .reason = bad.reason});
    return GoOn();
  }

 private:
  size_t OffsetOf(std::string_view part) const {
    Check(
        part.data() >= chunk_.data() && part.data() + part.size() <= chunk_.data() + chunk_.size(),
        "what the parser hands out is not in the text");
    return static_cast<size_t>(part.data() - chunk_.data());
  }
  bool GoOn() {
    Check(calls_left_ > 0, "the parser goes on where it was told to stop");
    return --calls_left_ > 0;
  }

  std::string_view chunk_;
  uint64_t offset_;
  uint64_t lines_before_;
  uint64_t calls_left_;
  Found* found_;
};

/// Parses the text in chunks that end at `cuts` (and at its end), each in memory of its own.
template <Parser P>
Found ParseChunks(const P& parser, const TextCase& c, const std::vector<size_t>& cuts,
                  uint64_t stop_after = std::numeric_limits<uint64_t>::max()) {
  Found found;
  size_t begin = 0;
  const auto parse_to = [&](size_t end) {
    const std::string_view chunk = std::string_view(c.text).substr(begin, end - begin);
    const PaddedText padded(chunk, c.padding, c.misalignment);
    const std::string_view text = begin == 0 ? WithoutByteOrderMark(padded.view()) : padded.view();
    Noter noter(text, begin + (chunk.size() - text.size()), stop_after, &found);
    found.lines += parser.Parse(text, noter);
    begin = end;
  };
  for (const size_t cut : cuts) parse_to(cut);
  parse_to(c.text.size());
  return found;
}

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

inline void CheckSame(const Found& found, const Found& whole) {
  Check(found.records == whole.records, "other records than of the text as a whole");
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
