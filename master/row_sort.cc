#include "master/row_sort.h"

#include <algorithm>
#include <boost/sort/pdqsort/pdqsort.hpp>
#include <cstdint>
#include <cstring>
#include <vector>

#include "common/uint128.h"

namespace tally {
namespace {

constexpr size_t kWordBytes = sizeof(Row::first);

// Rows that are the same so far: in what comes before the keys, and in so many of their bytes.
struct Group {
  std::span<Row> rows;
  size_t depth;
};

// Eight bytes of a key as a big-endian number, with zeros behind its end.
uint64_t WordAt(const Row& row, size_t depth) {
  if (row.is_short()) return depth == kWordBytes ? row.next : 0;
  if (depth >= row.key_size) return 0;
  uint64_t word = 0;
  std::memcpy(&word, row.long_bytes() + depth, std::min(kWordBytes, row.key_size - depth));
  return __builtin_bswap64(word);
}

template <class Number, class OnStep>
void SortByNumber(std::span<Row> rows, const Number& number, const OnStep& on_step) {
  boost::sort::pdqsort_branchless(rows.begin(), rows.end(), [&](const Row& a, const Row& b) {
    on_step();
    return number(a) < number(b);
  });
}

// Calls visit(rows) for each run of several rows with the same number.
template <class Number, class Visit>
void VisitTies(std::span<Row> rows, const Number& number, const Visit& visit) {
  for (size_t begin = 0; begin < rows.size();) {
    size_t end = begin + 1;
    while (end < rows.size() && number(rows[end]) == number(rows[begin])) ++end;
    if (end - begin > 1) visit(rows.subspan(begin, end - begin));
    begin = end;
  }
}

// Few are compared as a whole; others wait among the groups.
template <class OnStep>
void SortTies(const Group& ties, const RowOrder& order, const OnStep& on_step,
              std::vector<Group>* groups) {
  constexpr size_t kFew = 16;
  if (ties.rows.size() > kFew) return groups->push_back(ties);
  std::sort(ties.rows.begin(), ties.rows.end(), [&](const Row& a, const Row& b) {
    on_step();
    return order(a, b);
  });
}

// By the next word of their keys. Meanwhile it takes the place of the first one, which is the same
// in all of them.
template <class OnStep>
void SortGroup(const Group& group, const RowOrder& order, const OnStep& on_step,
               std::vector<Group>* groups) {
  const uint64_t first = group.rows.front().first;
  for (size_t i = 0; i < group.rows.size(); ++i) {
    constexpr size_t kRowsAhead = 16;  // long keys lie all over the tables
    if (i + kRowsAhead < group.rows.size()) {
      const Row& ahead = group.rows[i + kRowsAhead];
      if (!ahead.is_short()) __builtin_prefetch(ahead.long_bytes() + group.depth);
    }
    group.rows[i].first = WordAt(group.rows[i], group.depth);
  }
  // Of keys that differ only in zeros behind their end, the shorter one comes first.
  const size_t depth = group.depth + kWordBytes;
  const auto word_and_end = [depth](const Row& row) {
    return uint128{row.first} << 64 | std::min<uint64_t>(row.key_size, depth + 1);
  };
  SortByNumber(group.rows, word_and_end, on_step);
  VisitTies(group.rows, word_and_end, [&](std::span<Row> rows) {
    if (rows.front().key_size > depth) SortTies({rows, depth}, order, on_step, groups);
  });
  for (Row& row : group.rows) row.first = first;
}

template <class OnStep>
void Sort(std::span<Row> rows, const RowOrder& order, const OnStep& on_step) {
  const auto leading = [&order](const Row& row) { return order.Leading(row); };
  SortByNumber(rows, leading, on_step);
  std::vector<Group> groups;
  VisitTies(rows, leading, [&](std::span<Row> ties) {
    SortTies({ties, kWordBytes}, order, on_step, &groups);
    while (!groups.empty()) {
      const Group group = groups.back();
      groups.pop_back();
      SortGroup(group, order, on_step, &groups);
    }
  });
}

}  // namespace

void SortRows(std::span<Row> rows, const RowOrder& order, const std::function<void()>& on_step) {
  if (on_step) {
    Sort(rows, order, on_step);
  } else {
    Sort(rows, order, [] {});
  }
}

}  // namespace tally
