// Rows of n-grams at the speed of SIMD: reads those that look as nearly all do, and leaves the
// others to the parser.
#ifndef TALLY_WORKER_NGRAM_ROWS_H_
#define TALLY_WORKER_NGRAM_ROWS_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "common/format.h"
#include "worker/delimiter_scanner.h"
#include "worker/record.h"

namespace tally {

/// Room for every row that ends in a window (the shortest has 3 numbers, 3 tabs and a newline), and
/// for one that is begun.
using NgramRuns = std::array<Record, kScanWindowBytes / 7 + 2>;

/// What numbers take: in version 1 a year and three numbers below a million, and more than enough
/// in version 2.
constexpr size_t kNgramTailBytes = 32;

struct NgramRowsTaken {
  size_t rows = 0;
  size_t runs = 0;
};

/// Reads rows from the first on, up to the first that is not plain. `begin` is where the first row
/// begins, `ends` where each has its newline. A row is plain if it is an n-gram, of at most
/// kMaxKeyBytes but no tabs, and the version's numbers after tabs, of 1 to 8 digits each and
/// together in its last kNgramTailBytes, which begin at `text` or after it. (A carriage return
/// before the newline is no part of it.)
///
/// `runs` gets a record for each n-gram's adjacent rows (n-gram files are sorted) of these years.
///
/// REQUIRES: kReadablePadding bytes can be read behind the last row; version 1 or 2; at most as
/// many rows as end in a window.
///
/// The Scalar function is what the other is held against in the tests.
NgramRowsTaken TakePlainRows(NgramVersion version, const char* text, const char* begin,
                             const char* const* ends, size_t rows, const YearRange& years,
                             NgramRuns* runs);
NgramRowsTaken TakePlainRowsScalar(NgramVersion version, const char* text, const char* begin,
                                   const char* const* ends, size_t rows, const YearRange& years,
                                   NgramRuns* runs);

}  // namespace tally

#endif  // TALLY_WORKER_NGRAM_ROWS_H_
