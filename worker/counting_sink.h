// From parsed records to the table.
#ifndef TALLY_WORKER_COUNTING_SINK_H_
#define TALLY_WORKER_COUNTING_SINK_H_

#include <cstdint>
#include <string_view>
#include <utility>

#include "common/control_block.h"
#include "common/count_table.h"
#include "common/heartbeat.h"
#include "worker/parser.h"
#include "worker/worker.h"

namespace tally {

/// Puts the records of one chunk into the worker's table, and what cannot be counted into its
/// report. What parsers hand their records on to (worker/parser.h). For one worker, for one chunk.
class CountingSink {
 public:
  static constexpr uint64_t kRecordsPerBeat = 4096;

  CountingSink(const CountPlan& plan, uint64_t chunk_number, const Chunk& chunk, const char* text,
               CountTable* table, WorkerReport* report)
      : plan_(plan),
        chunk_number_(chunk_number),
        chunk_(chunk),
        text_(text),
        counted_to_(text),
        table_(table),
        report_(report) {}

  bool Add(std::string_view key, uint64_t amount, uint64_t records) {
    if (key.size() > kMaxKeyBytes) [[unlikely]]
      return RejectLongKey(key);
    const uint64_t records_before = std::exchange(count_.records, count_.records + records);
    if (records_before / kRecordsPerBeat != count_.records / kRecordsPerBeat) Beat();
    count_.amount += amount;
    return Check(table_->AddSoon(key, amount));
  }

  bool Reject(const BadLine& bad) { return Reject(bad, /*has_line_number=*/true); }

  /// All records were handed on: adds those that wait.
  void Finish();

  const ChunkCount& count() const { return count_; }
  bool failed() const { return failed_; }

 private:
  bool RejectLongKey(std::string_view key);
  bool Reject(const BadLine& bad, bool has_line_number);
  bool Check(CountTable::AddResult result) {
    return result == CountTable::AddResult::kAdded || Fail(result);
  }
  // Returns whether to go on.
  bool Fail(CountTable::AddResult result);

  const CountPlan& plan_;
  uint64_t chunk_number_;
  const Chunk& chunk_;
  const char* text_;
  const char* counted_to_;  // there are lines_before_ newlines before it
  uint64_t lines_before_ = 0;
  CountTable* table_;
  WorkerReport* report_;
  ChunkCount count_;
  bool failed_ = false;
};

}  // namespace tally

#endif  // TALLY_WORKER_COUNTING_SINK_H_
