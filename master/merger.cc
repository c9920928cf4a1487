#include "master/merger.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <functional>
#include <memory>
#include <new>

#include "common/cache_line.h"
#include "common/control_block.h"
#include "common/count_table.h"
#include "common/error.h"
#include "common/fault_point.h"
#include "master/row_sort.h"
#include "master/signals.h"
#include "master/stall_watch.h"
#include "master/worker_failure.h"

namespace tally {
namespace {

// Keys of one partition in all tables: few enough for the merge's own table to stay in the cache.
constexpr uint64_t kKeysPerPartition = 4096;

// What became of the partitions that one worker merged. In shared memory.
struct alignas(kCacheLineBytes) MergeResult {
  uint64_t row_count = 0;  // at the start of its region
  uint64_t distinct = 0;
  uint128 total = 0;
  OverflowedKey overflowed;
  bool finished = false;
};

// In shared memory.
struct MergeControl {
  std::atomic<bool> out_of_memory{false};
  std::atomic<bool> stop{false};
};

struct MergePlan {
  std::span<char* const> tables;
  Selection selection;
  std::vector<std::string_view> find;  // sorted
  unsigned log2_partitions;
  MergeControl* control = nullptr;
  // The worker that merges a partition. Whoever takes the place of one that died does all of that
  // one's. In shared memory.
  std::span<std::atomic<uint32_t>> owners;
  std::span<MergeResult> results;             // one a worker
  std::span<const SharedRegion> row_regions;  // one a worker
  bool by_master = false;                     // no worker can be started
};

// Adds up the entries of one partition. Reused from partition to partition.
class PartitionTable {
 public:
  void Start(Row* rows, uint64_t max_keys, unsigned skip_bits) {
    rows_ = rows;
    size_ = 0;
    // Sparse enough for entries that come in the order of their hashes: with a table smaller than
    // what goes in, they would all crowd at its beginning.
    const unsigned bits = static_cast<unsigned>(std::bit_width(2 * max_keys));
    skip_bits_ = skip_bits;
    shift_ = 32 - bits;
    index_.assign(uint64_t{1} << bits, kEmpty);
    hashes_.clear();
  }

  // False where the total of the key passes 2^64-1.
  bool Add(const CountTable::Entry& entry) {
    // Made where it stays, if the key is new; else the next one takes its place.
    Row& row = *new (&rows_[size_]) Row(MakeRow(entry));
    const uint64_t mask = index_.size() - 1;
    uint64_t at = static_cast<uint64_t>(entry.hash << skip_bits_) >> shift_;
    for (; index_[at] != kEmpty; at = (at + 1) & mask) {
      Row& there = rows_[index_[at]];
      if (hashes_[index_[at]] == entry.hash && HaveSameKey(there, row)) {
        return !__builtin_add_overflow(there.count, row.count, &there.count);
      }
    }
    index_[at] = static_cast<uint32_t>(size_++);
    hashes_.push_back(entry.hash);
    return true;
  }

  uint64_t size() const { return size_; }

 private:
  static constexpr uint32_t kEmpty = ~uint32_t{0};

  Row* rows_ = nullptr;
  uint64_t size_ = 0;
  unsigned skip_bits_ = 0;
  unsigned shift_ = 0;
  std::vector<uint32_t> index_;   // of rows; kEmpty: none
  std::vector<uint32_t> hashes_;  // of rows
};

class MergeWorker {
 public:
  MergeWorker(const MergePlan& plan, uint32_t index)
      : plan_(plan),
        index_(index),
        order_(plan.selection.sort),
        rows_(reinterpret_cast<Row*>(plan.row_regions[index].data())),
        result_(plan.results[index]) {
    for (char* region : plan.tables) tables_.emplace_back(region);
  }

  void Run() {
    TALLY_FAULT_POINT("before-merge");
    result_ = MergeResult();
    // Each worker begins with a share of its own, so that it needs few pages of the tables.
    const uint64_t partitions = plan_.owners.size();
    const uint64_t first = partitions * index_ / plan_.results.size();
    uint64_t rows = 0;
    for (uint64_t step = 0; step < partitions; ++step) {
      const uint64_t partition = (first + step) % partitions;
      if (plan_.control->stop || StopSignal() != 0) return;
      if (!IsMine(partition)) continue;
      TALLY_FAULT_POINT("mid-merge");
      rows += Select(MergePartition(partition, rows_ + rows)).size();
    }
    TALLY_FAULT_POINT("before-sort");
    result_.row_count = TopSorted({rows_, rows}).size();
    TALLY_FAULT_POINT("merged");
    for (const char* table : plan_.tables) LeaveUnmarked(table, tables_.front().region_bytes());
    LeaveUnmarked(rows_, plan_.row_regions[index_].size_bytes());
  }

 private:
  bool IsMine(uint64_t partition) const {
    std::atomic<uint32_t>& shared = plan_.owners[partition];
    uint32_t owner = shared;
    if (owner == kNobody && shared.compare_exchange_strong(owner, index_)) return true;
    return owner == index_;
  }

  std::span<Row> MergePartition(uint64_t partition, Row* out) {
    uint64_t entries = 0;
    for (const CountTable& table : tables_) {
      entries += table.CountPartition(partition, plan_.log2_partitions);
    }
    table_.Start(out, entries, plan_.log2_partitions);
    for (const CountTable& table : tables_) {
      table.VisitPartition(partition, plan_.log2_partitions, [&](const CountTable::Entry& entry) {
        if (!table_.Add(entry)) result_.overflowed.Note(entry.key);
      });
    }
    const std::span<Row> rows(out, table_.size());
    result_.distinct += rows.size();
    for (const Row& row : rows) result_.total += row.count;
    return rows;
  }

  std::span<Row> Select(std::span<Row> rows) const {
    const auto unwanted = [this](const Row& row) {
      return row.count < plan_.selection.min_count ||
             (!plan_.find.empty() &&
              !std::binary_search(plan_.find.begin(), plan_.find.end(), RowKey(row).view()));
    };
    if (plan_.selection.min_count == 0 && plan_.find.empty()) return rows;
    const auto end = std::remove_if(rows.begin(), rows.end(), unwanted);
    return rows.first(static_cast<size_t>(end - rows.begin()));
  }

  std::span<Row> TopSorted(std::span<Row> rows) const {
    const uint64_t top = plan_.selection.top.value_or(rows.size());
    if (top < rows.size()) {
      std::nth_element(rows.begin(), rows.begin() + static_cast<ptrdiff_t>(top), rows.end(),
                       order_);
      rows = rows.first(top);
    }
    // Where the master sorts, nobody else can end it.
    SortRows(rows, order_, plan_.by_master ? ThrowIfStopped : std::function<void()>());
    return rows;
  }

  const MergePlan& plan_;
  const uint32_t index_;
  RowOrder order_;
  Row* rows_;
  MergeResult& result_;
  std::vector<CountTable> tables_;
  PartitionTable table_;
};

unsigned ChooseLog2Partitions(uint64_t entries) {
  const uint64_t wanted = entries / kKeysPerPartition;
  return std::min<unsigned>(static_cast<unsigned>(std::bit_width(wanted)),
                            CountTable::kMaxLog2Partitions);
}

void CollectResults(const MergePlan& plan, MergedTables* merged) {
  for (size_t worker = 0; worker < plan.results.size(); ++worker) {
    const MergeResult& result = plan.results[worker];
    const auto* const rows = reinterpret_cast<const Row*>(plan.row_regions[worker].data());
    merged->runs.emplace_back(rows, result.row_count);
    merged->distinct += result.distinct;
    merged->total += result.total;
    merged->overflowed.Note(result.overflowed.view());
  }
}

}  // namespace

MergedTables MergeTables(std::span<char* const> tables, const Selection& selection,
                         Executor* executor, uint32_t workers, WorkerSupervisor* supervisor,
                         const MergeCare& care) {
  uint64_t entries = 0;
  for (char* region : tables) entries += CountTable(region).size();
  MergePlan plan{.tables = tables,
                 .selection = selection,
                 .find = {selection.find.begin(), selection.find.end()},
                 .log2_partitions = ChooseLog2Partitions(entries),
                 .owners = {},
                 .results = {},
                 .row_regions = {}};
  std::sort(plan.find.begin(), plan.find.end());
  workers = std::min<uint32_t>(workers, 1u << plan.log2_partitions);

  MergedTables merged;
  for (uint32_t worker = 0; worker < workers; ++worker) {
    merged.regions.push_back(SharedRegion::Reserve(std::max<uint64_t>(entries, 1) * sizeof(Row)));
  }
  plan.row_regions = merged.regions;
  // All in one region: for a small merge, it is one page.
  const size_t partitions = size_t{1} << plan.log2_partitions;
  const SharedRegion shared =
      SharedRegion::Reserve(workers * sizeof(MergeResult) +
                            partitions * sizeof(std::atomic<uint32_t>) + sizeof(MergeControl));
  auto* const results = reinterpret_cast<MergeResult*>(shared.data());
  std::uninitialized_default_construct_n(results, workers);
  plan.results = {results, workers};
  auto* const owners = reinterpret_cast<std::atomic<uint32_t>*>(results + workers);
  for (size_t i = 0; i < partitions; ++i) new (&owners[i]) std::atomic<uint32_t>(kNobody);
  plan.owners = {owners, partitions};
  plan.control = new (owners + partitions) MergeControl;

  const auto merge = [&plan](uint32_t worker) {
    TALLY_FAULTS_OF_WORKER(worker);
    try {
      MergeWorker(plan, worker).Run();
      plan.results[worker].finished = true;
      return true;
    } catch (const std::bad_alloc&) {
      plan.control->out_of_memory = true;
      return false;
    }
  };
  // Merging waits for nothing, so it is the time on the CPU that shows that it goes on.
  StallWatch watch(workers, care.stall_timeout);
  const auto is_hung = [&watch](uint32_t worker, pid_t pid) {
    return pid != 0 && watch.IsHung(worker, CpuTicksOf(pid));
  };
  const auto on_end = [&](uint32_t worker, const WorkerOutcome& outcome) {
    if (outcome.succeeded && plan.results[worker].finished) return Next::kGoOn;
    if (plan.control->out_of_memory) return Next::kStop;
    watch.StartOver(worker);
    return supervisor->OnDeath(worker, outcome,
                               {.doing = "merging the tables",
                                .piece = fmt::format("merge {}", worker),
                                .again = "its partitions have to be merged again"});
  };
  const auto ask_to_stop = [&] {
    plan.control->stop = true;
    if (StopSignal() != 0 && care.on_stop_signal) care.on_stop_signal(StopSignal());
  };
  const Supervision supervision{.ask_to_stop = ask_to_stop,
                                .on_end = on_end,
                                .is_hung = is_hung,
                                .on_too_few = [&](uint32_t started, int error) {
                                  supervisor->OnTooFew(started, workers, error);
                                }};
  try {
    merged.outcomes = executor->Run(workers, merge, supervision);
  } catch (const CannotStart& reason) {
    // After hours of counting, perhaps.
    supervisor->Say(fmt::format("{}; the tables are merged in this process", reason.what()));
    plan.by_master = true;
    for (uint32_t worker = 0; worker < workers; ++worker) {
      merged.outcomes.push_back({.succeeded = merge(worker)});
      ThrowIfStopped();
    }
  }
  if (plan.control->out_of_memory) {
    throw Error("out of memory while merging the workers' tables; use fewer workers (-j)",
                kExitMemory);
  }
  ThrowIfWorkerDied(merged.outcomes,
                    [](uint32_t) { return "merging the tables; nothing was written"; });
  CollectResults(plan, &merged);
  return merged;
}

}  // namespace tally
