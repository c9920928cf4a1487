#include "master/row_runs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "tests/test_util.h"

namespace tally {
namespace {

using namespace std::string_literals;  // NOLINT: for strings with NUL bytes in them

TEST(RowOrderTest, KeysAreOrderedByTheirBytes) {
  const RowOrder order(SortOrder::kKey);
  const std::vector<std::string> keys = {"",
                                         "\0"s,
                                         "\0\0"s,
                                         "a",
                                         "a\0"s,
                                         "a\0b"s,
                                         "ab",
                                         "abcdefgh",
                                         "abcdefgh\0"s,
                                         "abcdefgha",
                                         "abcdefghi",
                                         "abcdefghijklmnop",
                                         "abcdefghijklmnop\0"s,
                                         "abcdefghijklmnopq",
                                         "abcdefghijklmnoq",
                                         "abcdefgi",
                                         "b",
                                         "\x7f",
                                         "\x80",
                                         "\xff",
                                         "\xff\0"s};
  for (size_t i = 0; i < keys.size(); ++i) {
    for (size_t k = 0; k < keys.size(); ++k) {
      EXPECT_EQ(order(MakeRow(keys[i], 1), MakeRow(keys[k], 2)), i < k) << i << " " << k;
    }
  }
}

TEST(RowOrderTest, KeysOfEachSizeAreKept) {
  const std::string bytes = "\xff\0keys of up to sixteen bytes are in the row"s;
  for (size_t size = 0; size <= bytes.size(); ++size) {
    const std::string key = bytes.substr(0, size);
    const Row row = MakeRow(key, 7);
    EXPECT_EQ(RowKey(row).view(), key);
    EXPECT_EQ(row.is_short(), size <= 16);
    const std::string copy(key.begin(), key.end());
    EXPECT_TRUE(HaveSameKey(row, MakeRow(copy, 8)));
    EXPECT_FALSE(HaveSameKey(row, MakeRow(key + '\0', 7)));
    for (size_t i = 0; i < size; ++i) {
      std::string other = key;
      other[i] ^= 1;
      EXPECT_FALSE(HaveSameKey(row, MakeRow(other, 7)));
    }
  }
}

TEST(RowOrderTest, LargestCountsComeFirstAndThenKeysByTheirBytes) {
  const RowOrder order(SortOrder::kCount);
  const Row many_b = MakeRow("b", 10);
  const Row many_a = MakeRow("a", 10);
  const Row few = MakeRow("a", 9);
  EXPECT_TRUE(order(many_a, many_b));
  EXPECT_FALSE(order(many_b, many_a));
  EXPECT_TRUE(order(many_b, few));
  EXPECT_FALSE(order(few, many_b));
  EXPECT_FALSE(order(few, few));
}

TEST(VisitInOrderTest, StopsAtTheLimit) {
  const RowOrder order(SortOrder::kKey);
  const std::vector<Row> evens = {MakeRow("0", 0), MakeRow("2", 2)};
  const std::vector<Row> odds = {MakeRow("1", 1), MakeRow("3", 3)};
  for (const uint64_t limit : {0U, 1U, 3U, 4U, 5U}) {
    std::string keys;
    VisitInOrder({evens, {}, odds}, order, limit,
                 [&keys](std::string_view key, uint64_t) { keys += key; });
    EXPECT_EQ(keys, "0123"s.substr(0, limit));
  }
}

/// Rows of random keys, in sorted runs.
class RandomRuns {
 public:
  RandomRuns(const std::vector<size_t>& sizes, const RowOrder& order, uint64_t seed) {
    Random random(seed);
    for (const size_t size : sizes) {
      for (size_t i = 0; i < size; ++i) keys_.push_back(std::to_string(keys_.size()));
    }
    std::vector<std::string_view> shuffled(keys_.begin(), keys_.end());
    for (size_t i = shuffled.size(); i-- > 1;)
      std::swap(shuffled[i], shuffled[random.Below(i + 1)]);
    size_t next = 0;
    for (const size_t size : sizes) {
      std::vector<Row>& run = runs_.emplace_back();
      for (size_t i = 0; i < size; ++i) {
        run.push_back(MakeRow(shuffled[next++], random.Below(5)));
      }
      std::sort(run.begin(), run.end(), order);
    }
  }

  std::vector<RowRun> runs() const { return {runs_.begin(), runs_.end()}; }
  std::vector<Row> sorted(const RowOrder& order) const {
    std::vector<Row> rows;
    for (const auto& run : runs_) rows.insert(rows.end(), run.begin(), run.end());
    std::sort(rows.begin(), rows.end(), order);
    return rows;
  }

 private:
  std::vector<std::string> keys_;
  std::vector<std::vector<Row>> runs_;
};

std::string KeysOf(const std::vector<RowRun>& runs, const RowOrder& order, uint64_t limit) {
  std::string keys;
  VisitInOrder(runs, order, limit, [&keys](std::string_view key, uint64_t count) {
    keys += std::to_string(count) + ":" + std::string(key) + " ";
  });
  return keys;
}

TEST(VisitInOrderTest, BringsAnyRunsIntoOneOrder) {
  for (const SortOrder sort : {SortOrder::kCount, SortOrder::kKey, SortOrder::kNone}) {
    const RowOrder order(sort);
    for (const std::vector<size_t>& sizes : std::vector<std::vector<size_t>>{
             {}, {0}, {1}, {100}, {0, 100, 0}, {1, 100}, {100, 1, 100}, {40, 30, 20, 10, 5, 1}}) {
      const RandomRuns random(sizes, order, sizes.size());
      const std::vector<Row> sorted = random.sorted(order);
      EXPECT_EQ(KeysOf(random.runs(), order, 1000), KeysOf({sorted}, order, 1000));
      EXPECT_EQ(KeysOf(random.runs(), order, 70), KeysOf({sorted}, order, 70));
    }
  }
}

TEST(SplitIntoPartsTest, PartsFollowOneAnotherInOrder) {
  const RowOrder order(SortOrder::kCount);
  for (const std::vector<size_t>& sizes : std::vector<std::vector<size_t>>{
           {}, {0}, {1}, {1000}, {1000, 0, 1}, {7, 2000}, {500, 500, 500, 500}}) {
    const RandomRuns random(sizes, order, sizes.size());
    for (const uint64_t rows_per_part : {1U, 10U, 100U, 5000U}) {
      std::string keys;
      for (const auto& part : SplitIntoParts(random.runs(), order, rows_per_part)) {
        keys += KeysOf(part, order, 5000);
      }
      EXPECT_EQ(keys, KeysOf({random.sorted(order)}, order, 5000));
    }
  }
}

TEST(SplitIntoPartsTest, PartsAreAboutAsLargeAsAskedFor) {
  const RowOrder order(SortOrder::kCount);
  const RandomRuns random({20000, 10000, 30000}, order, 1);
  const auto parts = SplitIntoParts(random.runs(), order, 1600);
  EXPECT_GE(parts.size(), 30U);
  EXPECT_LE(parts.size(), 45U);
  for (const auto& part : parts) {
    size_t rows = 0;
    for (const RowRun& run : part) rows += run.size();
    EXPECT_GE(rows, 1U);
    EXPECT_LE(rows, 3200U);
  }
}

TEST(SplitIntoPartsTest, FewRowsAreOnePart) {
  const RowOrder order(SortOrder::kKey);
  EXPECT_EQ(SplitIntoParts({}, order, 100).size(), 1U);
  EXPECT_EQ(SplitIntoParts(RandomRuns({100}, order, 1).runs(), order, 100).size(), 1U);
}

}  // namespace
}  // namespace tally
