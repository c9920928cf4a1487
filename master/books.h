// The books of a run: three counts of the same thing, kept by different hands, have to agree before
// anything is written. Where they do not, tally itself is at fault.
#ifndef TALLY_MASTER_BOOKS_H_
#define TALLY_MASTER_BOOKS_H_

#include <cstdint>
#include <span>
#include <string>

#include "common/error.h"
#include "common/input.h"
#include "common/progress.h"
#include "common/uint128.h"
#include "common/work_queue.h"

namespace tally {

/// The run's results contradict each other.
class BooksDoNotBalance : public Error {
 public:
  explicit BooksDoNotBalance(const std::string& message) : Error(message, kExitInternal) {}
};

/// Each throws BooksDoNotBalance. For a run in which nothing failed, once its workers have ended.

/// Every byte of every input belongs to just one chunk of the ledger, and each chunk was counted.
void CheckThatAllWasCounted(const WorkQueue& queue, std::span<const Input> inputs);

/// What the workers say they have done is what the ledger says.
void CheckShares(const WorkQueue& queue, const WorkDone& shares);

/// What the tables add up to is what the ledger says was put into them.
void CheckTotal(const WorkQueue& queue, uint128 total);

}  // namespace tally

#endif  // TALLY_MASTER_BOOKS_H_
