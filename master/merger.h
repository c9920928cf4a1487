// Merges the workers' tables into sorted rows, partition by partition, on all workers.
#ifndef TALLY_MASTER_MERGER_H_
#define TALLY_MASTER_MERGER_H_

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/control_block.h"
#include "common/shared_region.h"
#include "common/uint128.h"
#include "master/executor.h"
#include "master/options.h"
#include "master/worker_supervisor.h"

namespace tally {

/// A key of the result with its total.
struct Row {
  uint64_t count;
  uint64_t rank;    // orders keys but for ties: see RowOrder
  const char* key;  // in a table
  uint64_t key_size;

  std::string_view key_view() const { return {key, key_size}; }
};

/// The order of the output, a total one: the same rows always come in the same order.
///   count   largest count first, then by the keys' bytes
///   key     by the keys' bytes
///   none    by a hash of the key that is the same in every run: no order to a reader, and the
///           cheapest to make, since the keys themselves are compared only where hashes collide
class RowOrder {
 public:
  explicit RowOrder(SortOrder sort) : sort_(sort) {}

  Row MakeRow(std::string_view key, uint64_t count) const;

  bool operator()(const Row& a, const Row& b) const {
    if (sort_ == SortOrder::kCount && a.count != b.count) return a.count > b.count;
    if (a.rank != b.rank) return a.rank < b.rank;
    return a.key_view() < b.key_view();
  }

 private:
  SortOrder sort_;
};

/// Which rows of the result are wanted, and in what order.
struct Selection {
  SortOrder sort = SortOrder::kCount;
  uint64_t min_count = 0;
  std::optional<uint64_t> top;
  std::span<const std::string> find;  // if not empty: just these keys
};

/// The result. The rows lie in the regions, their keys in the tables that were merged.
struct MergedTables {
  std::vector<std::span<const Row>> runs;  // each sorted by the RowOrder
  uint64_t distinct = 0;                   // keys, before any selection
  uint128 total = 0;                       // of all counts, before any selection
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

/// Calls visit(key, count) for the rows of sorted runs in the order of all, at most `limit` times.
template <class Visitor>
void VisitInOrder(std::vector<std::span<const Row>> runs, const RowOrder& order, uint64_t limit,
                  Visitor&& visit) {
  std::erase_if(runs, [](const auto& run) { return run.empty(); });
  // A heap with the run that has the next row on top.
  const auto later = [&order](const auto& a, const auto& b) { return order(b.front(), a.front()); };
  std::make_heap(runs.begin(), runs.end(), later);
  for (uint64_t rows = 0; rows < limit && !runs.empty(); ++rows) {
    std::pop_heap(runs.begin(), runs.end(), later);
    std::span<const Row>& run = runs.back();
    visit(run.front().key_view(), run.front().count);
    run = run.subspan(1);
    if (run.empty()) {
      runs.pop_back();
    } else {
      std::push_heap(runs.begin(), runs.end(), later);
    }
  }
}

}  // namespace tally

#endif  // TALLY_MASTER_MERGER_H_
