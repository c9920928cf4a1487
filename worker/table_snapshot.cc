#include "worker/table_snapshot.h"

#include "common/control_block.h"
#include "common/fault_point.h"

namespace tally {

void TableSnapshot::Save(const CountTable& table) {
  state().saving = true;
  TALLY_FAULT_POINT("saving");
  table.CopyTo(plan_.snapshots[worker_]);
  plan_.control->saved_report(worker_) = plan_.control->report(worker_);
  state().saved = state().chunks_done;
  TALLY_FAULT_POINT("saved");
  state().saving = false;
}

void TableSnapshot::Restore() {
  char* const region = plan_.tables[worker_];
  if (state().saving) return Save(CountTable(region));
  CountTable::Clear(region, plan_.table_bytes);
  if (state().saved == 0) {
    CountTable::Create(region, plan_.table_bytes, plan_.hash_seed);
    plan_.control->report(worker_) = WorkerReport();
  } else {
    CountTable(plan_.snapshots[worker_]).CopyTo(region);
    plan_.control->report(worker_) = plan_.control->saved_report(worker_);
  }
}

WorkDone TableSnapshot::Kept() const {
  const WorkQueue& queue = plan_.control->queue();
  WorkDone kept;
  for (const Chunk& chunk : queue.ledger()) {
    if (chunk.owner != worker_ || !queue.IsSaved(chunk)) continue;
    kept = kept + WorkDone{.chunks = 1,
                           .text_bytes = chunk.size_bytes(),
                           .file_bytes = chunk.file_bytes,
                           .records = chunk.count.records};
  }
  return kept;
}

}  // namespace tally
