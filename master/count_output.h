// Where the counts of a run go: checked before it, written at its end.
#ifndef TALLY_MASTER_COUNT_OUTPUT_H_
#define TALLY_MASTER_COUNT_OUTPUT_H_

#include <cstdint>

#include "master/merger.h"
#include "master/options.h"

namespace tally {

/// Throws an Error where an output (of the counts, or --stats) cannot be written or is an input:
/// better before hours of work than after. UsageError where both would go to one file.
void CheckOutputs(const CountOptions& options);

/// Writes the rows in their order, and those of keys to --find that do not occur; `threads` make
/// the text. Returns how many keys were not UTF-8 and could not be shown as they are.
uint64_t WriteCounts(const CountOptions& options, const MergedTables& merged, uint32_t threads);

}  // namespace tally

#endif  // TALLY_MASTER_COUNT_OUTPUT_H_
