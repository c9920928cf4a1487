// The rows of a result, in sorted runs: brought into one order, whole or part by part.
#ifndef TALLY_MASTER_ROW_RUNS_H_
#define TALLY_MASTER_ROW_RUNS_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "common/count_table.h"
#include "common/uint128.h"
#include "master/options.h"

namespace tally {

/// A key of the result with its total. Keys of up to 16 bytes are in it, so that nobody has to look
/// for them in the tables: their bytes, zero-padded, are two big-endian numbers, which sort as they
/// do.
struct Row {
  static constexpr size_t kMostInlineBytes = 16;

  uint64_t count;
  uint64_t first;  // of the key's bytes: the first eight
  uint64_t next;   // the next eight; of a longer key, where it is, in a table
  uint64_t key_size;

  bool is_short() const { return key_size <= kMostInlineBytes; }
  const char* long_bytes() const { return reinterpret_cast<const char*>(next); }
};

inline Row MakeRow(const CountTable::Entry& entry) {
  static_assert(Row::kMostInlineBytes == sizeof entry.first_bytes);
  Row row{.count = entry.count,
          .first = __builtin_bswap64(entry.first_bytes.low),
          .next = __builtin_bswap64(entry.first_bytes.high),
          .key_size = entry.key.size()};
  // (Not behind an "if", which nobody could predict.)
  row.next = row.is_short() ? row.next : reinterpret_cast<uint64_t>(entry.key.data());
  return row;
}
Row MakeRow(std::string_view key, uint64_t count);

/// A row's key as it was.
class RowKey {
 public:
  explicit RowKey(const Row& row)
      : bytes_{__builtin_bswap64(row.first), __builtin_bswap64(row.next)},
        view_(row.is_short() ? reinterpret_cast<const char*>(bytes_.data()) : row.long_bytes(),
              row.key_size) {}
  RowKey(const RowKey&) = delete;
  RowKey& operator=(const RowKey&) = delete;

  /// For as long as this object is there. Row::kMostInlineBytes can be read at it, whatever its
  /// size.
  std::string_view view() const { return view_; }

 private:
  std::array<uint64_t, 2> bytes_;
  std::string_view view_;
};

inline bool HaveSameKey(const Row& a, const Row& b) {
  if (a.first != b.first || a.key_size != b.key_size) return false;
  return a.next == b.next ||
         (!a.is_short() && std::memcmp(a.long_bytes(), b.long_bytes(), a.key_size) == 0);
}

/// The order of the output, a total one: the same rows always come in the same order.
///   count   largest count first, then by the keys' bytes
///   key     by the keys' bytes
///   none    no order that is promised: that of the keys
class RowOrder {
 public:
  explicit RowOrder(SortOrder sort) : by_count_(sort == SortOrder::kCount) {}

  bool operator()(const Row& a, const Row& b) const {
    const uint128 leading_a = Leading(a);
    const uint128 leading_b = Leading(b);
    return leading_a != leading_b ? leading_a < leading_b : IsRestBefore(a, b);
  }

  /// What is in the row itself and decides before all else, as one number, whose comparison needs
  /// no branch that depends on the rows.
  uint128 Leading(const Row& row) const {
    return by_count_ ? uint128{~row.count} << 64 | row.first : uint128{row.first};
  }

 private:
  // Of keys that begin with the same bytes.
  static bool IsRestBefore(const Row& a, const Row& b) {
    if (a.is_short() && b.is_short()) {
      return a.next != b.next ? a.next < b.next : a.key_size < b.key_size;
    }
    return RowKey(a).view() < RowKey(b).view();
  }

  bool by_count_;
};

/// Rows in the RowOrder.
using RowRun = std::span<const Row>;

/// Cuts sorted runs into parts of about `rows_per_part`: all rows of a part come before all of the
/// next one. A part has a piece of each run, and can be visited by VisitInOrder(). There is at
/// least one part.
std::vector<std::vector<RowRun>> SplitIntoParts(std::span<const RowRun> runs, const RowOrder& order,
                                                uint64_t rows_per_part);

/// Calls visit(key, count) for the rows of sorted runs in the order of all, at most `limit` times.
template <class Visitor>
void VisitInOrder(std::vector<RowRun> runs, const RowOrder& order, uint64_t limit,
                  Visitor&& visit) {
  std::erase_if(runs, [](const RowRun& run) { return run.empty(); });
  // A heap with the run that has the next row on top.
  const auto later = [&order](const RowRun& a, const RowRun& b) {
    return order(b.front(), a.front());
  };
  std::make_heap(runs.begin(), runs.end(), later);
  while (limit > 0 && !runs.empty()) {
    std::pop_heap(runs.begin(), runs.end(), later);
    RowRun& run = runs.back();
    // The heap's top is the next row of all others: rows before it come at once.
    const Row* const next = runs.size() > 1 ? &runs.front().front() : nullptr;
    do {
      // Long keys lie all over the tables.
      constexpr size_t kRowsAhead = 16;
      if (run.size() > kRowsAhead && !run[kRowsAhead].is_short()) {
        __builtin_prefetch(run[kRowsAhead].long_bytes());
      }
      visit(RowKey(run.front()).view(), run.front().count);
      run = run.subspan(1);
    } while (--limit > 0 && !run.empty() && (next == nullptr || !order(*next, run.front())));
    if (run.empty()) {
      runs.pop_back();
    } else {
      std::push_heap(runs.begin(), runs.end(), later);
    }
  }
}

}  // namespace tally

#endif  // TALLY_MASTER_ROW_RUNS_H_
