// A text that the fuzzer made, and what a parser finds in it.
#ifndef TALLY_TESTS_FUZZ_TEXT_CASE_H_
#define TALLY_TESTS_FUZZ_TEXT_CASE_H_

#include <fuzzer/FuzzedDataProvider.h>
#include <hwy/targets.h>

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/format.h"
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

/// A sink that notes what it is given of a chunk, and checks that it lies there.
class Noter {
 public:
  Noter(std::string_view chunk, uint64_t offset, uint64_t stop_after, Found* found)
      : chunk_(chunk),
        offset_(offset),
        lines_before_(found->lines),
        calls_left_(stop_after),
        found_(found) {}

  template <class Item>
  bool Add(std::span<const Item> items) {
    Check(calls_left_ > 0, "the parser goes on where it was told to stop");
    for (const Item& item : items) {
      if (calls_left_ == 0) return false;
      OffsetOf(item.key_view());
      Check(RecordsOf(item) > 0, "a record of nothing");
      found_->records.emplace_back(item.key_view(), AmountOf(item));
      --calls_left_;
    }
    return calls_left_ > 0;
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

}  // namespace tally::fuzz

#endif  // TALLY_TESTS_FUZZ_TEXT_CASE_H_
