#include "worker/ngram_parser.h"

#include <algorithm>
#include <array>
#include <vector>

namespace tally {
namespace {

bool IsNumber(std::string_view field) {
  return !field.empty() &&
         std::all_of(field.begin(), field.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Splits off what stands before the next `separator`, and drops both from `rest`.
std::string_view TakeField(std::string_view* rest, char separator) {
  const size_t end = std::min(rest->find(separator), rest->size());
  const std::string_view field = rest->substr(0, end);
  rest->remove_prefix(std::min(end + 1, rest->size()));
  return field;
}

bool IsTriple(std::string_view field) {
  if (std::count(field.begin(), field.end(), ',') != 2) return false;
  return IsNumber(TakeField(&field, ',')) && IsNumber(TakeField(&field, ',')) && IsNumber(field);
}

}  // namespace

std::optional<NgramVersion> ClassifyNgramLine(std::string_view line) {
  line = WithoutFinalCr(line);
  const auto tabs = std::count(line.begin(), line.end(), '\t');
  if (tabs == 0) return std::nullopt;
  TakeField(&line, '\t');
  if (IsTriple(line.substr(0, line.find('\t')))) return NgramVersion::kV3;
  if (tabs != 3 && tabs != 4) return std::nullopt;
  for (auto field = 0; field < tabs; ++field) {
    if (!IsNumber(TakeField(&line, '\t'))) return std::nullopt;
  }
  return tabs == 3 ? NgramVersion::kV2 : NgramVersion::kV1;
}

NgramVersion DetectNgramVersion(std::string_view text) {
  // Less than the smallest block of a stream, so that a file is taken for the same thing whether it
  // is mapped or read. Half a line may look like a line of another version, so only whole ones
  // count.
  constexpr size_t kSampleBytes = size_t{32} << 10;
  if (text.size() > kSampleBytes) {
    const size_t whole_lines = text.substr(0, kSampleBytes).rfind('\n');
    constexpr size_t kMaxFirstLine = kMaxKeyBytes + kSampleBytes;
    text = text.substr(0, whole_lines != std::string_view::npos
                              ? whole_lines
                              : std::min(text.substr(0, kMaxFirstLine).find('\n'), kMaxFirstLine));
  }
  // A row of version 1 that lost its first tab looks like one of version 2, so not one line alone
  // decides.
  struct Candidate {
    NgramVersion version;
    size_t votes;
  };
  std::vector<Candidate> candidates;  // in the order of their first lines
  constexpr size_t kVoters = 100;
  for (size_t voters = 0; voters < kVoters && !text.empty();) {
    const auto version = ClassifyNgramLine(TakeField(&text, '\n'));
    if (!version) continue;
    ++voters;
    const auto known = std::ranges::find(candidates, *version, &Candidate::version);
    if (known == candidates.end()) {
      candidates.push_back({.version = *version, .votes = 1});
    } else if (++known->votes > kVoters / 2) {
      return *version;
    }
  }
  if (candidates.empty()) return NgramVersion::kV2;
  return std::ranges::max_element(candidates, {}, &Candidate::votes)->version;
}

const char* WhyOtherVersion(NgramVersion version, std::string_view line) {
  const auto other = ClassifyNgramLine(line);
  if (!other || *other == version) return nullptr;
  switch (*other) {
    case NgramVersion::kV1:
      return "a line of n-grams v1, in a file of another version: a damaged line, or two files in "
             "one";
    case NgramVersion::kV2:
      return "a line of n-grams v2, in a file of another version: a damaged line, or two files in "
             "one";
    case NgramVersion::kV3:
      return "a line of n-grams v3, in a file of another version: a damaged line, or two files in "
             "one";
  }
  return nullptr;
}

const char* ParseNgramRow(NgramVersion version, std::string_view line, NgramRow* row) {
  static constexpr std::array kBadNumbers = {
      "the year is not a number below 2^64", "match_count is not a number below 2^64",
      "page_count is not a number below 2^64", "volume_count is not a number below 2^64"};
  const size_t numbers_wanted = version == NgramVersion::kV1 ? 4 : 3;
  const auto tabs = static_cast<size_t>(std::count(line.begin(), line.end(), '\t'));
  if (tabs != numbers_wanted) {
    return tabs < numbers_wanted ? "too few columns for an n-gram"
                                 : "too many columns for an n-gram";
  }
  std::string_view rest = WithoutFinalCr(line);
  row->ngram = TakeField(&rest, '\t');
  std::array<uint64_t, kBadNumbers.size()> numbers;
  for (size_t i = 0; i < numbers_wanted; ++i) {
    const bool is_last = i + 1 == numbers_wanted;
    const std::string_view field = TakeField(&rest, '\t');
    if (!ParseCount(field.data(), field.size(), &numbers[i])) {
      return kBadNumbers[is_last ? kBadNumbers.size() - 1 : i];
    }
  }
  row->year = numbers[0];
  row->match_count = numbers[1];
  return nullptr;
}

const char* NgramV3Parser::AddYear(std::string_view triple, Sum* sum) const {
  std::array<uint64_t, 3> numbers;
  for (size_t i = 0; i < numbers.size(); ++i) {
    const size_t size = i + 1 < numbers.size() ? triple.find(',') : triple.size();
    if (size == std::string_view::npos || !ParseCount(triple.data(), size, &numbers[i])) {
      return "a field is not year,match_count,volume_count in numbers below 2^64";
    }
    triple.remove_prefix(std::min(size + 1, triple.size()));
  }
  if (!filter_.years.Contains(numbers[0])) return nullptr;
  sum->any = true;
  if (__builtin_add_overflow(sum->total, numbers[1], &sum->total)) {
    sum->total -= numbers[1];
    sum->excess = numbers[1];
  }
  return nullptr;
}

}  // namespace tally
