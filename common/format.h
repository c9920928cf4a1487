// The input formats and their options, as resolved by the master and obeyed by every parser.
#ifndef TALLY_COMMON_FORMAT_H_
#define TALLY_COMMON_FORMAT_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

namespace tally {

enum class Format { kNgram, kWords, kLines, kColumns };

/// Google Books n-grams, the published versions:
///   v1 (2009)  ngram TAB year TAB match_count TAB page_count TAB volume_count
///   v2 (2012)  ngram TAB year TAB match_count TAB volume_count
///   v3 (2020)  ngram {TAB year,match_count,volume_count}
enum class NgramVersion : uint32_t { kV1, kV2, kV3 };

/// Which n-gram rows count, by their part-of-speech tags (worker/ngram_tags.h).
enum class TagFilter { kAll, kUntagged, kTagged };

/// Both ends inclusive.
struct YearRange {
  uint64_t from = 0;
  uint64_t to = std::numeric_limits<uint64_t>::max();

  bool Contains(uint64_t year) const { return from <= year && year <= to; }
  bool IsAll() const { return *this == YearRange(); }
  bool operator==(const YearRange&) const = default;
};

struct FormatOptions {
  Format format = Format::kWords;
  char delimiter = '\t';             // columns
  size_t key_column = 1;             // columns; 1-based
  size_t value_column = 0;           // columns; 1-based, 0: count 1 a line
  YearRange years;                   // ngram
  TagFilter tags = TagFilter::kAll;  // ngram
};

/// The longest key. A longer one is reported like a malformed line, with its place.
constexpr size_t kMaxKeyBytes = size_t{1} << 20;

/// The start of a file's text without the mark (U+FEFF) that some programs put there.
inline std::string_view WithoutByteOrderMark(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  return text;
}

inline std::string_view FormatName(Format format) {
  switch (format) {
    case Format::kNgram:
      return "ngram";
    case Format::kWords:
      return "words";
    case Format::kLines:
      return "lines";
    case Format::kColumns:
      return "columns";
  }
  return "";
}

}  // namespace tally

#endif  // TALLY_COMMON_FORMAT_H_
