// Rows of n-grams at the speed of SIMD: reads those that look as nearly all do, and leaves the
// others to the parser.
#ifndef TALLY_WORKER_NGRAM_ROWS_H_
#define TALLY_WORKER_NGRAM_ROWS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "common/format.h"
#include "worker/record.h"

namespace tally {

/// Rows that follow each other in a text: to be taken from `next` on, if they begin before `limit`.
struct NgramRows {
  static constexpr size_t kMostRuns = 2048;

  const char* next;
  const char* limit;
  size_t rows_taken;
  size_t run_count;
  std::array<Record, kMostRuns> runs;

  std::span<Record> runs_taken() { return std::span(runs).first(run_count); }
};

/// What a plain row may take, at most. Longer n-grams are rare even among those of five words, and
/// there are more than enough digits for version 2, and for numbers below a million in version 1.
constexpr size_t kMostPlainKeyBytes = 63;
constexpr size_t kMostPlainTailBytes = 32;  // the numbers, and the tabs between them
constexpr size_t kMostPlainRowBytes = kMostPlainKeyBytes + 1 + kMostPlainTailBytes + 2;

/// Takes rows of both, each from its `next` on, up to the first that is not plain, or that has no
/// room for its run. (Two at a time: where a row begins is known only when the one before was read,
/// so that each waits for the one before.) A row is plain if it is an n-gram, without tabs, and the
/// version's numbers, after tabs, of 1 to 8 digits each; it ends in a newline or a carriage return
/// and a newline.
///
/// `runs` get a record for each n-gram's adjacent rows (n-gram files are sorted) of these years.
///
/// REQUIRES: version 1 or 2; where a next is before its limit, the text goes on for
/// kMostPlainRowBytes behind that.
///
/// The Scalar function is what the other is held against in the tests.
void TakePlainRows(NgramVersion version, const YearRange& years, NgramRows* first,
                   NgramRows* second);
void TakePlainRowsScalar(NgramVersion version, const YearRange& years, NgramRows* first,
                         NgramRows* second);

}  // namespace tally

#endif  // TALLY_WORKER_NGRAM_ROWS_H_
