// What stands between a worker's parser and its table: additions wait there until the memory of
// their slots is at hand.
#ifndef TALLY_WORKER_COUNT_BUFFER_H_
#define TALLY_WORKER_COUNT_BUFFER_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string_view>
#include <utility>

#include "common/count_table.h"
#include "worker/record.h"

namespace tally {

/// Adds to a table many keys at a time. A table is soon larger than the cache, so that each
/// addition would wait for memory; here, all slots of a row of additions are asked for before the
/// first is looked at, and while the next row is made ready.
///
/// For one worker, in its own memory.
class CountBuffer {
 public:
  using AddResult = CountTable::AddResult;

  explicit CountBuffer(CountTable* table) : table_(*table) {}
  CountBuffer(const CountBuffer&) = delete;
  CountBuffer& operator=(const CountBuffer&) = delete;

  /// Adds each record's amount to its key's count, some of them only when Flush() is called; until
  /// then the keys' bytes have to stay where they are, and no savepoint may be set. Keys are as
  /// CountTable::Prepare() requires. Where an addition fails, of this call or an earlier one,
  /// calls on_failure(result, key), which says whether to go on without it. Returns whether it
  /// always did.
  template <class OnFailure>
  bool Add(std::span<const Record> records, OnFailure&& on_failure);

  /// Adds what still waits.
  template <class OnFailure>
  bool Flush(OnFailure&& on_failure);

  const CountTable& table() const { return table_; }

 private:
  static constexpr size_t kRowLength = 64;

  // Additions whose slots are on their way.
  struct Row {
    size_t size = 0;
    std::array<CountTable::Addition, kRowLength> additions;
  };

  template <class OnFailure>
  bool AddRow(Row* row, OnFailure&& on_failure);

  CountTable& table_;
  std::array<Row, 2> rows_;
  Row* filling_ = rows_.data();
  Row* waiting_ = rows_.data() + 1;  // full, or empty
};

/// Makes additions of records, for this table, and prefetches their slots; with the best
/// instructions of this machine. REQUIRES: there are as many `additions`.
void PrepareAll(const CountTable& table, std::span<const Record> records,
                CountTable::Addition* additions);

template <class OnFailure>
bool CountBuffer::Add(std::span<const Record> records, OnFailure&& on_failure) {
  while (!records.empty()) {
    const size_t size = std::min(records.size(), kRowLength - filling_->size);
    PrepareAll(table_, records.first(size), &filling_->additions[filling_->size]);
    filling_->size += size;
    records = records.subspan(size);
    if (filling_->size < kRowLength) return true;
    if (!AddRow(waiting_, on_failure)) return false;
    std::swap(filling_, waiting_);
  }
  return true;
}

template <class OnFailure>
bool CountBuffer::Flush(OnFailure&& on_failure) {
  return AddRow(waiting_, on_failure) && AddRow(filling_, on_failure);
}

template <class OnFailure>
bool CountBuffer::AddRow(Row* row, OnFailure&& on_failure) {
  auto left = std::span<const CountTable::Addition>(row->additions).first(row->size);
  row->size = 0;
  for (;;) {
    size_t added;
    const AddResult result = table_.AddAll(left, &added);
    if (result == AddResult::kAdded) return true;
    if (!on_failure(result, left[added].key())) return false;
    left = left.subspan(added + 1);
  }
}

}  // namespace tally

#endif  // TALLY_WORKER_COUNT_BUFFER_H_
