// All memory that the workers of a run share, in one place.
#ifndef TALLY_MASTER_RUN_MEMORY_H_
#define TALLY_MASTER_RUN_MEMORY_H_

#include <boost/interprocess/mapped_region.hpp>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "common/chunk.h"
#include "common/control_block.h"
#include "common/input.h"
#include "common/shared_region.h"
#include "master/memory_limit.h"
#include "worker/worker.h"

namespace tally {

/// What decides how much is needed.
struct RunNeeds {
  uint32_t workers = 1;
  std::span<const Input> inputs;
  std::span<const Chunk> mapped_chunks;
  uint64_t chunk_size_bytes = 0;
  ProgressRule progress = {};
  bool workers_may_die = false;  // alone, so that the run goes on
  MemoryLimit memory;
};

/// Made before any worker is started, by the master; freed with it. The mappings have no names, so
/// nothing can be left behind.
class RunMemory {
 public:
  /// Throws an Error with kExitMemory where there is not enough.
  explicit RunMemory(const RunNeeds& needs);

  ControlBlock& control() { return *control_; }
  std::span<char* const> tables() const { return tables_; }
  const BlockPool& blocks() const { return blocks_; }

  /// Once all is counted: what was kept for workers that die.
  void DropUndoLogs() { undo_regions_.clear(); }

  /// Once nobody reads the tables any more: gives them away, to be unmapped.
  std::vector<SharedRegion> TakeTables() { return std::move(regions_); }

  /// Adds to the plan where everything is.
  void Describe(CountPlan* plan) const;

 private:
  boost::interprocess::mapped_region control_region_;
  ControlBlock* control_ = nullptr;
  SharedRegion ledger_;
  std::vector<SharedRegion> regions_;  // of tables
  std::vector<SharedRegion> undo_regions_;
  std::vector<char*> tables_;
  std::vector<char*> undo_logs_;
  BlockPool blocks_;
  uint64_t hash_seed_ = 0;
};

/// Unmaps regions that nobody else has mapped any more, in this thread and threads - 1 others, as
/// far as they can be had: to give gigabytes back takes a core its time.
void UnmapAll(std::span<SharedRegion> regions, uint32_t threads);

}  // namespace tally

#endif  // TALLY_MASTER_RUN_MEMORY_H_
