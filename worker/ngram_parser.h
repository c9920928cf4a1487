// Google Books n-grams, versions 1 to 3 (common/format.h has their lines): the match_count of each
// row, by n-gram.
#ifndef TALLY_WORKER_NGRAM_PARSER_H_
#define TALLY_WORKER_NGRAM_PARSER_H_

#include <algorithm>
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

/// The version of a file, given its text or the first block of it: that of the first line that is
/// of any, among the lines that end in the first 32 KiB (or by the first line alone, if it is
/// longer than that); else v2.
NgramVersion DetectNgramVersion(std::string_view text);

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

  template <RecordSink Sink>
  uint64_t Parse(std::string_view text, Sink& sink) const {
    const char* const text_end = text.data() + text.size();
    const char* line = text.data();
    uint64_t lines = 0;
    ScanPositions newlines;
    for (const char* window = line; window < text_end;) {
      const size_t left = static_cast<size_t>(text_end - window);
      const char* const window_end = window + std::min(left, kScanWindowBytes);
      const size_t ends = FindEither(window, window_end, '\n', '\n', &newlines);
      for (size_t done = 0; done < ends;) {
        NgramRuns runs;
        const NgramRowsTaken taken = TakePlainRows(kVersion, text.data(), line, &newlines[done],
                                                   ends - done, filter_.years, &runs);
        if (taken.runs > 0 && !sink.Add(Accepted(std::span(runs).first(taken.runs)))) return lines;
        done += taken.rows;
        lines += taken.rows;
        if (taken.rows > 0) line = newlines[done - 1] + 1;
        if (done == ends) break;
        if (!ParseLine({line, newlines[done]}, lines, sink)) return lines;
        line = newlines[done++] + 1;
        ++lines;
      }
      window = window_end;
    }
    if (line < text_end && ParseLine({line, text_end}, lines, sink)) ++lines;
    return lines;
  }

 private:
  std::span<const Record> Accepted(std::span<Record> runs) const {
    if (filter_.tags == TagFilter::kAll) return runs;
    const auto end = std::remove_if(runs.begin(), runs.end(), [this](const Record& run) {
      return !filter_.Accepts(run.key_view());
    });
    return runs.first(static_cast<size_t>(end - runs.begin()));
  }

  // Any line.
  template <RecordSink Sink>
  bool ParseLine(std::string_view line, uint64_t line_in_text, Sink& sink) const {
    NgramRow row;
    const char* const reason = ParseNgramRow(kVersion, line, &row);
    if (reason != nullptr) {
      return sink.Reject({.line = line, .line_in_text = line_in_text, .reason = reason});
    }
    if (!filter_.years.Contains(row.year) || !filter_.Accepts(row.ngram)) return true;
    const Record record{row.ngram.data(), row.ngram.size(), row.match_count, 1};
    return sink.Add({&record, 1});
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

  template <RecordSink Sink>
  uint64_t Parse(std::string_view text, Sink& sink) const {
    RecordBatch records(&sink);
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
              ? records.Reject({.line = {line, field_end}, .line_in_text = lines, .reason = reason})
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
  static bool Emit(std::string_view ngram, const Sum& sum, Records* records) {
    return records->Add(ngram, sum.total) && (sum.excess == 0 || records->Add(ngram, sum.excess));
  }

  NgramFilter filter_;
};

static_assert(Parser<NgramV1Parser> && Parser<NgramV2Parser> && Parser<NgramV3Parser>);

}  // namespace tally

#endif  // TALLY_WORKER_NGRAM_PARSER_H_
