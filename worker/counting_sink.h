// From parsed records to the table.
#ifndef TALLY_WORKER_COUNTING_SINK_H_
#define TALLY_WORKER_COUNTING_SINK_H_

#include <algorithm>
#include <cassert>
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

  bool Add(std::span<const Record> records) {
    Beat();
    ChunkCount count;
    size_t size_bits = 0;
    for (const Record& record : records) {
      count.records += record.records;
      count.amount += record.amount;
      size_bits |= record.key_size;
    }
    // (A few that are not too long look so here.)
    return size_bits < kMaxKeyBytes ? AddShorter(records, count) : AddEach(records);
  }
  bool Add(std::span<const Token> tokens) {
    Beat();
    assert(
        std::ranges::all_of(tokens.subspan(std::min<size_t>(1, tokens.size())),
                            [](const Token& token) { return KeySizeOf(token) <= kMaxKeyBytes; }));
    const bool are_shorter = tokens.empty() || KeySizeOf(tokens.front()) <= kMaxKeyBytes;
    const ChunkCount count{.records = tokens.size(), .amount = tokens.size()};
    return are_shorter ? AddShorter(tokens, count) : AddEach(tokens);
  }

  bool Reject(const BadLine& bad) { return Reject(bad, /*has_line_number=*/true); }

  /// All records were handed on: adds those that wait.
  void Finish();

  const ChunkCount& count() const { return count_; }
  bool failed() const { return failed_; }

 private:
  // `Item`: a Record or a Token.
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
