// Google Books n-grams, versions 1 to 3 (common/format.h has their lines): the match_count of each
// row, by n-gram.
#ifndef TALLY_WORKER_NGRAM_PARSER_H_
#define TALLY_WORKER_NGRAM_PARSER_H_

#include <algorithm>
#include <cstring>
#include <optional>
#include <span>

#include "common/format.h"
#include "worker/delimiter_scanner.h"
#include "worker/ngram_rows.h"
#include "worker/ngram_tags.h"
#include "worker/number.h"
#include "worker/parser.h"

namespace tally {

/// The version a line is of, if any. Of version 3 the first two fields are enough, so that a line
/// may be cut behind them.
std::optional<NgramVersion> ClassifyNgramLine(std::string_view line);

/// The version of a file, given its text or the first block of it: the most frequent one among the
/// first 100 lines that are of any; of equally frequent ones, that which comes first; v2 if there
/// is none. Only lines that end in the first 32 KiB are looked at (or the first line alone, if it
/// is longer than that).
NgramVersion DetectNgramVersion(std::string_view text);

/// Why a line that is malformed in a file of this version is so: because it is of another version;
/// or null.
const char* WhyOtherVersion(NgramVersion version, std::string_view line);

/// A row of version 1 or 2.
struct NgramRow {
  std::string_view ngram;
  uint64_t year = 0;
  uint64_t match_count = 0;
};

/// Reads a line, without its newline, of version 1 or 2. Null, or why it is malformed.
/// REQUIRES: 8 bytes can be read behind it.
const char* ParseNgramRow(NgramVersion version, std::string_view line, NgramRow* row);

/// Which rows count.
struct NgramFilter {
  YearRange years;
  TagFilter tags = TagFilter::kAll;

  bool Accepts(std::string_view ngram) const {
    return tags == TagFilter::kAll || IsTagged(ngram) == (tags == TagFilter::kTagged);
  }
};

/// Versions 1 and 2: lines of 5 or 4 fields, of which the second is the year and the third the
/// match_count. Each number is checked, used or not: a line that is damaged anywhere is not to be
/// trusted. Adjacent rows of an n-gram are handed on as one, with the sum of their match_counts.
template <NgramVersion kVersion>
class NgramRowParser {
 public:
  explicit NgramRowParser(const NgramFilter& filter) : filter_(filter) {}

  template <SinkOf<Record> Sink>
  uint64_t Parse(std::string_view text, Sink& sink) const {
    const char* const text_end = text.data() + text.size();
    uint64_t lines = 0;
    NgramRows first;
    NgramRows second;
    const char* row = text.data();
    while (static_cast<size_t>(text_end - row) > kMostPlainRowBytes) {
      SetRanges({row, text_end}, &first, &second);
      TakePlainRows(kVersion, filter_.years, &first, &second);
      if (!TakeAll(text_end, &first, sink, &lines)) return lines;
      if (!TakeAll(text_end, &second, sink, &lines)) return lines;
      row = std::max(first.next, second.next);
    }
    for (; row < text_end; ++lines) {
      if (!ParseLine(&row, text_end, lines, sink)) return lines;
    }
    return lines;
  }

 private:
  // The next lines of the text: half of them for each, where there are so many.
  static void SetRanges(std::string_view text, NgramRows* first, NgramRows* second) {
    constexpr size_t kRangesBytes = size_t{64} << 10;
    const char* const limit =
        text.data() + std::min(text.size() - kMostPlainRowBytes, kRangesBytes);
    const char* const half = text.data() + (limit - text.data()) / 2;
    const void* const newline = std::memchr(half, '\n', static_cast<size_t>(limit - half));
    first->next = text.data();
    first->limit = newline == nullptr ? limit : static_cast<const char*>(newline) + 1;
    second->next = first->limit;
    second->limit = limit;
  }

  // Hands on what was taken, and takes the rest, with the lines at which the kernel stops.
  template <SinkOf<Record> Sink>
  bool TakeAll(const char* text_end, NgramRows* rows, Sink& sink, uint64_t* lines) const {
    for (;;) {
      *lines += rows->rows_taken;
      const auto runs = Accepted(rows->runs_taken());
      if (!runs.empty() && !sink.Add(runs)) return false;
      if (rows->next >= rows->limit) return true;
      if (!ParseLine(&rows->next, text_end, *lines, sink)) return false;
      ++*lines;
      NgramRows none;
      none.next = text_end;
      none.limit = text_end;
      TakePlainRows(kVersion, filter_.years, rows, &none);
    }
  }

  std::span<const Record> Accepted(std::span<Record> runs) const {
    if (filter_.tags == TagFilter::kAll) return runs;
    const auto end = std::remove_if(runs.begin(), runs.end(), [this](const Record& run) {
      return !filter_.Accepts(run.key_view());
    });
    return runs.first(static_cast<size_t>(end - runs.begin()));
  }

  // Any line, and goes on to the next one.
  template <SinkOf<Record> Sink>
  bool ParseLine(const char** next, const char* text_end, uint64_t line_in_text, Sink& sink) const {
    const void* const newline = std::memchr(*next, '\n', static_cast<size_t>(text_end - *next));
    const char* const end = newline == nullptr ? text_end : static_cast<const char*>(newline);
    const std::string_view line(*next, end);
    *next = std::min(end + 1, text_end);
    NgramRow row;
    if (const char* const reason = ParseNgramRow(kVersion, line, &row)) {
      const char* const other = WhyOtherVersion(kVersion, line);
      return sink.Reject({.line = line,
                          .line_in_text = line_in_text,
                          .reason = other != nullptr ? other : reason});
    }
    if (!filter_.years.Contains(row.year) || !filter_.Accepts(row.ngram)) return true;
    const Record record{row.ngram.data(), row.ngram.size(), row.match_count, 1};
    return sink.Add(std::span(&record, 1));
  }

  NgramFilter filter_;
};

using NgramV1Parser = NgramRowParser<NgramVersion::kV1>;
using NgramV2Parser = NgramRowParser<NgramVersion::kV2>;

/// Version 3: a line is an n-gram and, for each year, "year,match_count,volume_count". Counts as
/// one record with the sum of the years asked for, if there is any such year.
class NgramV3Parser {
 public:
  explicit NgramV3Parser(const NgramFilter& filter) : filter_(filter) {}

  template <SinkOf<Record> Sink>
  uint64_t Parse(std::string_view text, Sink& sink) const {
    Batch<Record, Sink> records(&sink);
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
              ? RejectLine({.line = {line, field_end}, .line_in_text = lines, .reason = reason},
                           &records)
              : !sum.any || !filter_.Accepts(ngram) || Emit(ngram, sum, &records);
      if (!go_on) return lines;
      line = field_end + 1;
    }
    records.Flush();
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

  template <class Records>
  static bool RejectLine(BadLine bad, Records* records) {
    if (const char* const other = WhyOtherVersion(NgramVersion::kV3, bad.line)) bad.reason = other;
    return records->Reject(bad);
  }

  template <class Records>
  static bool Emit(std::string_view ngram, const Sum& sum, Records* records) {
    const auto add = [&](uint64_t amount) {
      return records->Add({ngram.data(), ngram.size(), amount, 1});
    };
    return add(sum.total) && (sum.excess == 0 || add(sum.excess));
  }

  NgramFilter filter_;
};

static_assert(Parser<NgramV1Parser> && Parser<NgramV2Parser> && Parser<NgramV3Parser>);

}  // namespace tally

#endif  // TALLY_WORKER_NGRAM_PARSER_H_
