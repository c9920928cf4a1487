// What outlives a worker's death of what it has counted.
#ifndef TALLY_WORKER_TABLE_SAVEPOINT_H_
#define TALLY_WORKER_TABLE_SAVEPOINT_H_

#include <cstdint>

#include "common/count_table.h"
#include "worker/worker.h"

namespace tally {

/// A worker that dies may leave its table half changed. Where all its chunks can be read again, the
/// table is dropped. The blocks of a pipe cannot, so there the table has an undo log, by which it
/// goes back to where it was after some chunk. With `chunks_done` noted in `saved`, the queue knows
/// which, and may use the blocks of all chunks up to there again. WorkerState says what to do after
/// a death:
///
///   saving   the table is whole, with all chunks done: set the savepoint
///   else     roll back, to the chunks up to `saved`; from 0, an empty table
///
/// For the worker of that number alone, between two chunks.
class TableSavepoint {
 public:
  TableSavepoint(const CountPlan& plan, uint32_t worker) : plan_(plan), worker_(worker) {}

  /// Where there is an undo log, the worker's death does not lose what is in the table. The queue
  /// is to be told, by TableSaved().
  void Set(CountTable* table);

  /// Makes table and report what they were at the savepoint, or empty, whatever state the worker
  /// before this one left them in.
  void Restore();

  /// What the chunks up to the savepoint came to.
  WorkDone Kept() const;

 private:
  WorkerState& state() const { return plan_.control->queue().workers()[worker_]; }

  const CountPlan& plan_;
  const uint32_t worker_;
};

}  // namespace tally

#endif  // TALLY_WORKER_TABLE_SAVEPOINT_H_
