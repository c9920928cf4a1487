// What is said when a mapped page of an input turns out to be unreadable.
#ifndef TALLY_MASTER_BUS_ERROR_H_
#define TALLY_MASTER_BUS_ERROR_H_

#include <span>
#include <string>
#include <vector>

#include "common/control_block.h"
#include "common/input.h"

namespace tally {

/// A mapped file that is cut short, or whose disk fails, is noticed only where it is touched: the
/// kernel sends SIGBUS, without a reason. While this object lives, the file itself is asked for it,
/// by reading there. If that works, what failed for a moment is simply touched again. If not, this
/// process ends with kExitFailed and a message that names the file, the place and the reason.
/// Nothing is unwound, so there must be no unfinished output meanwhile. Any other SIGBUS does what
/// it did before, and one in a forked worker after ResetSignalsInWorker() kills. One at a time; for
/// the master. `paths` are what `inputs` were opened from.
class BusErrorReport {
 public:
  BusErrorReport(std::span<const Input> inputs, const std::vector<std::string>& paths);
  ~BusErrorReport();
  BusErrorReport(const BusErrorReport&) = delete;
  BusErrorReport& operator=(const BusErrorReport&) = delete;

  /// For a forked worker: from now on it says nothing, but notes the reason in `failure`, which is
  /// shared with the master, and dies by SIGBUS.
  void LeaveToMaster(PageFailure* failure);
};

}  // namespace tally

#endif  // TALLY_MASTER_BUS_ERROR_H_
