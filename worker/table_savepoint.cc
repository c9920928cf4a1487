#include "worker/table_savepoint.h"

#include "common/control_block.h"
#include "common/fault_point.h"

namespace tally {

void TableSavepoint::Set(CountTable* table) {
  state().saving = true;
  TALLY_FAULT_POINT("saving");
  table->SetSavepoint();
  plan_.control->saved_report(worker_) = plan_.control->report(worker_);
  state().saved = state().chunks_done;
  TALLY_FAULT_POINT("saved");
  state().saving = false;
}

void TableSavepoint::Restore() {
  char* const region = plan_.tables[worker_];
  const bool has_log = !plan_.undo_logs.empty();
  char* const undo_region = has_log ? plan_.undo_logs[worker_] : nullptr;
  if (state().saving) {
    CountTable table(region, {}, undo_region);
    Set(&table);
  } else if (state().saved > 0) {
    CountTable(region, {}, undo_region).RollBack();
    plan_.control->report(worker_) = plan_.control->saved_report(worker_);
  } else {
    CountTable::Clear(region, plan_.table_bytes);
    if (has_log) CountTable::Clear(undo_region, plan_.table_bytes);
    CountTable::Create(region, plan_.table_bytes, plan_.hash_seed);
    plan_.control->memory().Take(worker_, 0);
    plan_.control->report(worker_) = WorkerReport();
  }
}

WorkDone TableSavepoint::Kept() const {
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
