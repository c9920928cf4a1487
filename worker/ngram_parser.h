// Google Books n-grams, versions 1 to 3 (common/format.h has their lines): the match_count of each
// row, by n-gram.
#ifndef TALLY_WORKER_NGRAM_PARSER_H_
#define TALLY_WORKER_NGRAM_PARSER_H_

#include <optional>

#include "common/format.h"
#include "worker/delimiter_scanner.h"
#include "worker/ngram_tags.h"
#include "worker/number.h"
#include "worker/parser.h"

namespace tally {

/// The version a line is of, if any. Of version 3 the first two fields are enough, so that a line
/// may be cut behind them.
std::optional<NgramVersion> ClassifyNgramLine(std::string_view line);

/// The version of a file, given its text or the first block of it: that of the first line that is
/// of any, among the lines that end in the first 32 KiB (or by the first line alone, if it is
/// longer than that); else v2.
NgramVersion DetectNgramVersion(std::string_view text);

/// Which rows count.
struct NgramFilter {
  YearRange years;
  TagFilter tags = TagFilter::kAll;

  bool Accepts(std::string_view ngram) const {
    return tags == TagFilter::kAll || IsTagged(ngram) == (tags == TagFilter::kTagged);
  }
};

/// Versions 1 and 2: lines of `kFields` fields, of which the second is the year and the third the
/// match_count. Each number is checked, used or not: a line that is damaged anywhere is not to be
/// trusted.
template <size_t kFields>
class NgramRowParser {
 public:
  explicit NgramRowParser(const NgramFilter& filter) : filter_(filter) {}

  template <RecordSink Sink>
  uint64_t Parse(std::string_view text, Sink& sink) const {
    auto ends = ScanEither(text, '\t', '\n');
    const char* const text_end = text.data() + text.size();
    uint64_t lines = 0;
    for (const char* line = text.data(); line < text_end; ++lines) {
      const char* end[kFields];  // of each field
      size_t fields = 0;
      bool at_tab = true;
      while (at_tab && fields < kFields) {
        end[fields] = ends.Next();
        at_tab = end[fields] < text_end && *end[fields] == '\t';
        ++fields;
      }
      const char* line_end = end[fields - 1];
      const char* reason = nullptr;
      if (fields == kFields && !at_tab) [[likely]] {
        reason = ParseRow(line, end, sink);
        if (reason == kStop) return lines;
      } else {
        while (at_tab) {
          line_end = ends.Next();
          at_tab = line_end < text_end && *line_end == '\t';
          ++fields;
        }
        reason =
            fields < kFields ? "too few columns for an n-gram" : "too many columns for an n-gram";
      }
      if (reason != nullptr &&
          !sink.Reject({.line = {line, line_end}, .line_in_text = lines, .reason = reason})) {
        return lines;
      }
      line = line_end + 1;
    }
    return lines;
  }

 private:
  static constexpr char kStop[] = "";

  // Null where all is well, why the row is malformed, or kStop where the sink wants no more.
  template <RecordSink Sink>
  const char* ParseRow(const char* line, const char* const (&end)[kFields], Sink& sink) const {
    const char* last_end = end[kFields - 1];
    if (last_end[-1] == '\r') --last_end;  // the tab before it is there to be read
    uint64_t year;
    uint64_t match_count;
    if (!ParseField(end[0] + 1, end[1], &year)) return "the year is not a number below 2^64";
    if (!ParseField(end[1] + 1, end[2], &match_count)) {
      return "match_count is not a number below 2^64";
    }
    for (size_t field = 3; field < kFields; ++field) {
      const char* const field_end = field == kFields - 1 ? last_end : end[field];
      uint64_t unused;
      if (!ParseField(end[field - 1] + 1, field_end, &unused)) {
        return field == kFields - 1 ? "volume_count is not a number below 2^64"
                                    : "page_count is not a number below 2^64";
      }
    }
    const std::string_view ngram(line, end[0]);
    if (!filter_.years.Contains(year) || !filter_.Accepts(ngram)) return nullptr;
    return sink.Add(ngram, match_count) ? nullptr : kStop;
  }

  static bool ParseField(const char* begin, const char* end, uint64_t* value) {
    return ParseCount(begin, static_cast<size_t>(end - begin), value);
  }

  NgramFilter filter_;
};

using NgramV1Parser = NgramRowParser<5>;
using NgramV2Parser = NgramRowParser<4>;

/// Version 3: a line is an n-gram and, for each year, "year,match_count,volume_count". Counts as
/// one record with the sum of the years asked for, if there is any such year.
class NgramV3Parser {
 public:
  explicit NgramV3Parser(const NgramFilter& filter) : filter_(filter) {}

  template <RecordSink Sink>
  uint64_t Parse(std::string_view text, Sink& sink) const {
    auto ends = ScanEither(text, '\t', '\n');
    const char* const text_end = text.data() + text.size();
    uint64_t lines = 0;
    for (const char* line = text.data(); line < text_end; ++lines) {
      const char* field_end = ends.Next();
      const std::string_view ngram(line, field_end);
      Sum sum;
      bool at_tab = field_end < text_end && *field_end == '\t';
      const char* reason = at_tab ? nullptr : kNoYears;
      while (at_tab) {
        const char* const field = field_end + 1;
        field_end = ends.Next();
        at_tab = field_end < text_end && *field_end == '\t';
        const std::string_view triple(field, field_end);
        if (reason == nullptr) reason = AddYear(at_tab ? triple : WithoutFinalCr(triple), &sum);
      }
      const bool go_on =
          reason != nullptr
              ? sink.Reject({.line = {line, field_end}, .line_in_text = lines, .reason = reason})
              : !sum.any || !filter_.Accepts(ngram) || Emit(ngram, sum, sink);
      if (!go_on) return lines;
      line = field_end + 1;
    }
    return lines;
  }

 private:
  static constexpr char kNoYears[] = "too few columns for an n-gram";

  // A line's match_counts. Where they pass 2^64-1, `excess` is what did not fit: handing on both
  // lets the table find the overflow and name the key.
  struct Sum {
    uint64_t total = 0;
    uint64_t excess = 0;
    bool any = false;
  };

  // Null, or why the triple is malformed.
  const char* AddYear(std::string_view triple, Sum* sum) const;

  template <RecordSink Sink>
  static bool Emit(std::string_view ngram, const Sum& sum, Sink& sink) {
    return sink.Add(ngram, sum.total) && (sum.excess == 0 || sink.Add(ngram, sum.excess));
  }

  NgramFilter filter_;
};

static_assert(Parser<NgramV1Parser> && Parser<NgramV2Parser> && Parser<NgramV3Parser>);

}  // namespace tally

#endif  // TALLY_WORKER_NGRAM_PARSER_H_
