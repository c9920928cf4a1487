// From parsed records to the table.
#ifndef TALLY_WORKER_COUNTING_SINK_H_
#define TALLY_WORKER_COUNTING_SINK_H_

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>

#include "common/control_block.h"
#include "common/heartbeat.h"
#include "worker/count_buffer.h"
#include "worker/parser.h"
#include "worker/worker.h"

namespace tally {

/// Counts the records of one chunk, and puts what cannot be counted into the worker's report. What
/// parsers hand their records on to (worker/parser.h). For one worker, for one chunk.
class CountingSink {
 public:
  CountingSink(const CountPlan& plan, uint64_t chunk_number, const Chunk& chunk, const char* text,
               CountBuffer* counts, WorkerReport* report)
      : plan_(plan),
        chunk_number_(chunk_number),
        chunk_(chunk),
        text_(text),
        counted_to_(text),
        counts_(counts),
        report_(report) {}

  bool Add(std::span<const Record> records) { return AddItems(records); }
  bool Add(std::span<const Token> tokens) { return AddItems(tokens); }

  bool Reject(const BadLine& bad) { return Reject(bad, /*has_line_number=*/true); }

  /// All records were handed on: adds those that wait.
  void Finish();

  const ChunkCount& count() const { return count_; }
  bool failed() const { return failed_; }

 private:
  // `Item`: a Record or a Token.
  template <class Item>
  bool AddItems(std::span<const Item> items) {
    Beat();
    ChunkCount count;
    size_t size_bits = 0;
    for (const Item& item : items) {
      count.records += RecordsOf(item);
      count.amount += AmountOf(item);
      size_bits |= KeySizeOf(item);
    }
    // (A few that are not too long look so here.)
    if (size_bits >= kMaxKeyBytes) [[unlikely]]
      return AddEach(items);
    return AddShorter(items, count);
  }
  template <class Item>
  bool AddEach(std::span<const Item> items);
  template <class Item>
  bool AddShorter(std::span<const Item> items, const ChunkCount& count) {
    count_.records += count.records;
    count_.amount += count.amount;
    return counts_->Add(items, [this](CountTable::AddResult result, std::string_view key) {
      return Fail(result, key);
    });
  }
  bool RejectLongKey(std::string_view key);
  bool Reject(const BadLine& bad, bool has_line_number);
  // Returns whether to go on.
  bool Fail(CountTable::AddResult result, std::string_view key);

  const CountPlan& plan_;
  uint64_t chunk_number_;
  const Chunk& chunk_;
  const char* text_;
  const char* counted_to_;  // there are lines_before_ newlines before it
  uint64_t lines_before_ = 0;
  CountBuffer* counts_;
  WorkerReport* report_;
  ChunkCount count_;
  bool failed_ = false;
};

}  // namespace tally

#endif  // TALLY_WORKER_COUNTING_SINK_H_
