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

/// Additions whose slots are on their way.
struct AdditionRow {
  static constexpr size_t kCapacity = CountTable::ShortAdditions::kCapacity;  // of both together

  CountTable::ShortAdditions shorts;
  CountTable::LongAdditions longs;

  size_t size() const { return shorts.size + longs.size; }
};

/// Makes additions for this table, behind those in the row, and prefetches their slots; with the
/// best instructions of this machine. A token counts 1, a record what it says. REQUIRES: there is
/// room in the row.
void PrepareAll(const CountTable& table, std::span<const Record> records, AdditionRow* row);
void PrepareAll(const CountTable& table, std::span<const Token> tokens, AdditionRow* row);

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

  /// Adds each record's amount to its key's count, or 1 to each token's; some of them only when
  /// Flush() is called. Until then the keys' bytes have to stay where they are, and no savepoint
  /// may be set. REQUIRES: CountTable::kInlineBytes can be read at each key, of at most
  /// CountTable::kLongestKeyBytes. Where an addition fails, of this call or an earlier one, calls
  /// on_failure(result, key), which says whether to go on without it. Returns whether it always
  /// did.
  template <class Item, class OnFailure>
  bool Add(std::span<const Item> items, OnFailure&& on_failure);

  /// Adds what still waits.
  template <class OnFailure>
  bool Flush(OnFailure&& on_failure);

  const CountTable& table() const { return table_; }

 private:
  template <class OnFailure>
  bool AddRow(AdditionRow* row, OnFailure&& on_failure);
  template <class Key, class OnFailure>
  bool AddKind(CountTable::Additions<Key>* additions, OnFailure&& on_failure);

  CountTable& table_;
  std::array<AdditionRow, 2> rows_;
  AdditionRow* filling_ = rows_.data();
  AdditionRow* waiting_ = rows_.data() + 1;  // full, or empty
};

template <class Item, class OnFailure>
bool CountBuffer::Add(std::span<const Item> items, OnFailure&& on_failure) {
  while (!items.empty()) {
    const size_t size = std::min(items.size(), AdditionRow::kCapacity - filling_->size());
    PrepareAll(table_, items.first(size), filling_);
    items = items.subspan(size);
    if (filling_->size() < AdditionRow::kCapacity) return true;
    if (!AddRow(waiting_, on_failure)) return false;
    std::swap(filling_, waiting_);
  }
  return true;
}

template <class OnFailure>
bool CountBuffer::Flush(OnFailure&& on_failure) {
  for (AdditionRow* const row : {waiting_, filling_}) {
    while (row->size() > 0) {
      if (!AddRow(row, on_failure)) return false;
    }
  }
  return true;
}

template <class OnFailure>
bool CountBuffer::AddRow(AdditionRow* row, OnFailure&& on_failure) {
  return AddKind(&row->shorts, on_failure) && AddKind(&row->longs, on_failure);
}

template <class Key, class OnFailure>
bool CountBuffer::AddKind(CountTable::Additions<Key>* additions, OnFailure&& on_failure) {
  for (;;) {
    const AddResult result = table_.Add(additions);
    if (result == AddResult::kAdded) return true;
    if (!on_failure(result, additions->failed_key())) return false;
  }
}

}  // namespace tally

#endif  // TALLY_WORKER_COUNT_BUFFER_H_
