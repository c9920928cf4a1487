// Finds one column of many lines at once, by SIMD instructions; the best ones this machine has are
// chosen at run time.
#ifndef TALLY_WORKER_COLUMN_SCANNER_H_
#define TALLY_WORKER_COLUMN_SCANNER_H_

#include <array>
#include <cstddef>

#include "worker/delimiter_scanner.h"
#include "worker/record.h"

namespace tally {

/// Room for a column of each line of a window, and for what a kernel may write behind the last one.
using ColumnTokens = std::array<Token, kScanWindowBytes + kSpareScanPositions>;

/// Columns behind it are found faster by splitting each line.
constexpr size_t kLastScannedColumn = 16;

/// Column `number` (from 1) of each line of [begin, end), a token for each, in order; the return
/// value is how many lines there are, or 0 where one has no such column. A carriage return before
/// a newline is no part of the line.
///
/// REQUIRES: lines with their newlines, and at least one; of kScanWindowBytes together, or a longer
/// one alone. kReadablePadding bytes are readable at `end`. Neither a newline nor a carriage return
/// is the delimiter. 1 <= number <= kLastScannedColumn.
///
/// The Scalar function is what the other is held against in the tests.
size_t FindColumn(const char* begin, const char* end, char delimiter, size_t number,
                  ColumnTokens* out);
size_t FindColumnScalar(const char* begin, const char* end, char delimiter, size_t number,
                        ColumnTokens* out);

}  // namespace tally

#endif  // TALLY_WORKER_COLUMN_SCANNER_H_
