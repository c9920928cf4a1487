// One worker's whole job: claim, parse, count, publish.
#ifndef TALLY_WORKER_WORKER_H_
#define TALLY_WORKER_WORKER_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "common/block_pool.h"
#include "common/control_block.h"
#include "common/format.h"
#include "common/input.h"

namespace tally {

/// All that the workers of a run need, made by the master before it forks. Only what `control`, the
/// tables and the blocks point to is written afterwards.
struct CountPlan {
  FormatOptions format;
  bool skip_malformed = false;
  std::span<const Input> inputs;
  std::optional<uint64_t> input_bytes;  // of the files; none where a pipe is among them
  ControlBlock* control = nullptr;
  std::span<char* const> tables;     // a region for the CountTable of each worker,
  std::span<char* const> undo_logs;  // and for its undo log; none where all can be read again
  size_t table_bytes = 0;            // size of each of these regions
  uint64_t hash_seed = 0;
  const BlockPool* blocks = nullptr;
  std::string memory_remedy;  // for when the limit on memory is met: what it is, what to do
  std::string record_remedy;  // the same for records that fit no block; empty: there is none
};

/// Counts until nothing is left, as worker number `worker`. Failures go into the worker's report;
/// returns whether there was none that keeps its table from being whole. Run it in a process or a
/// thread of its own, or one worker after another. Called again with the number of a worker that
/// died, it takes that one's place.
bool RunWorker(const CountPlan& plan, uint32_t worker) noexcept;

}  // namespace tally

#endif  // TALLY_WORKER_WORKER_H_
