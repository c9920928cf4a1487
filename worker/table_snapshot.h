// What outlives a worker's death of what it has counted.
#ifndef TALLY_WORKER_TABLE_SNAPSHOT_H_
#define TALLY_WORKER_TABLE_SNAPSHOT_H_

#include <cstdint>

#include "common/count_table.h"
#include "worker/worker.h"

namespace tally {

/// A worker that dies may leave its table half changed, so the table is lost, and its chunks are
/// counted again. Those of a pipe cannot be read again: their blocks are kept until a copy of the
/// table has them. While that copy is made the table does not change; so at any time, one of the
/// two is whole, and WorkerState says which:
///
///   saving   the table
///   else     the copy, with the chunks done up to `saved`; with 0, an empty table
///
/// For the worker of that number alone, between two chunks.
class TableSnapshot {
 public:
  TableSnapshot(const CountPlan& plan, uint32_t worker) : plan_(plan), worker_(worker) {}

  /// Copies the table. The queue is to be told, with TableSaved().
  void Save(const CountTable& table);

  /// Makes table and report what they were when the snapshot was made, or empty, whatever state
  /// the worker before this one left them in.
  void Restore();

  /// What the chunks in the snapshot came to.
  WorkDone Kept() const;

 private:
  WorkerState& state() const { return plan_.control->queue().workers()[worker_]; }

  const CountPlan& plan_;
  const uint32_t worker_;
};

}  // namespace tally

#endif  // TALLY_WORKER_TABLE_SNAPSHOT_H_
