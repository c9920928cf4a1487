// The rows of a result, in sorted runs: brought into one order, whole or part by part.
#ifndef TALLY_MASTER_ROW_RUNS_H_
#define TALLY_MASTER_ROW_RUNS_H_

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "common/uint128.h"
#include "master/options.h"

namespace tally {

/// A key of the result with its total.
struct Row {
  uint64_t count;
  uint64_t rank;    // orders keys but for ties: see RowOrder
  const char* key;  // in a table
  uint64_t key_size;

  std::string_view key_view() const { return {key, key_size}; }
};

/// The order of the output, a total one: the same rows always come in the same order.
///   count   largest count first, then by the keys' bytes
///   key     by the keys' bytes
///   none    by a hash of the key that is the same in every run: no order to a reader, and the
///           cheapest to make, since the keys themselves are compared only where hashes collide
class RowOrder {
 public:
  explicit RowOrder(SortOrder sort) : sort_(sort) {}

  Row MakeRow(std::string_view key, uint64_t count) const;

  bool operator()(const Row& a, const Row& b) const {
    const uint128 first = Leading(a);
    const uint128 second = Leading(b);
    return first != second ? first < second : a.key_view() < b.key_view();
  }

 private:
  // As one number, whose comparison needs no branch that depends on the rows.
  uint128 Leading(const Row& row) const {
    return sort_ == SortOrder::kCount ? uint128{~row.count} << 64 | row.rank : uint128{row.rank};
  }

  SortOrder sort_;
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
      // Keys lie all over the tables.
      constexpr size_t kRowsAhead = 16;
      if (run.size() > kRowsAhead) __builtin_prefetch(run[kRowsAhead].key);
      visit(run.front().key_view(), run.front().count);
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
