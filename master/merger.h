// Merges the workers' tables into sorted rows, partition by partition, on all workers.
#ifndef TALLY_MASTER_MERGER_H_
#define TALLY_MASTER_MERGER_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/control_block.h"
#include "common/shared_region.h"
#include "common/uint128.h"
#include "master/executor.h"
#include "master/options.h"
#include "master/row_runs.h"
#include "master/worker_supervisor.h"

namespace tally {

/// Which rows of the result are wanted, and in what order.
struct Selection {
  SortOrder sort = SortOrder::kCount;
  uint64_t min_count = 0;
  std::optional<uint64_t> top;
  std::span<const std::string> find;  // if not empty: just these keys
};

/// The result. The rows lie in the regions, long keys in the tables that were merged.
struct MergedTables {
  std::vector<RowRun> runs;  // each sorted by the RowOrder
  uint64_t distinct = 0;     // keys, before any selection
  uint128 total = 0;         // of all counts, before any selection
  OverflowedKey overflowed;
  std::vector<SharedRegion> regions;
  std::vector<WorkerOutcome> outcomes;
};

/// How the workers of a merge are minded.
struct MergeCare {
  std::optional<std::chrono::seconds> stall_timeout = {};      // for how long one may hang
  std::function<void(int signal_number)> on_stop_signal = {};  // called before they are ended
};

/// Merges `tables` (regions of CountTables, all with the same hash seed) with `workers` workers of
/// `executor`; of one that dies or hangs, the partitions are merged again; where none can be
/// started, the calling thread merges. Where a total passes 2^64-1, `overflowed` says so, and the
/// rows are of no use.
MergedTables MergeTables(std::span<char* const> tables, const Selection& selection,
                         Executor* executor, uint32_t workers, WorkerSupervisor* supervisor,
                         const MergeCare& care = {});

}  // namespace tally

#endif  // TALLY_MASTER_MERGER_H_
