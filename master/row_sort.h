// Sorts the rows of a result, without going to the long keys' bytes for each comparison.
#ifndef TALLY_MASTER_ROW_SORT_H_
#define TALLY_MASTER_ROW_SORT_H_

#include <functional>
#include <span>

#include "master/row_runs.h"

namespace tally {

/// Puts rows of different keys into `order`. Calls `on_step`, if there is one, at each comparison;
/// it may throw, and the rows are of no use then. Takes up to 4 bytes of heap a row, where long
/// keys begin alike.
///
/// Rows are sorted by what is in them. Those that are the same so far, with keys that begin alike,
/// are then sorted by the next eight bytes of these, which are fetched once for each row, and so
/// on: a radix sort from the front, with eight bytes for a digit, each sorted by comparison
/// (multikey quicksort, with the words cached: Bentley and Sedgewick, 1997; Ng and Kakehi, 2007).
void SortRows(std::span<Row> rows, const RowOrder& order,
              const std::function<void()>& on_step = {});

}  // namespace tally

#endif  // TALLY_MASTER_ROW_SORT_H_
