#include "master/row_sort.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/test_util.h"

namespace tally {
namespace {

using namespace std::string_literals;  // NOLINT: for strings with NUL bytes in them

// Each with one of so many counts. The rows point to the keys.
std::vector<Row> MakeRows(const std::set<std::string>& keys, uint64_t counts, Random* random) {
  std::vector<Row> rows;
  rows.reserve(keys.size());
  for (const std::string& key : keys) rows.push_back(MakeRow(key, random->Below(counts)));
  for (size_t i = rows.size(); i > 1; --i) std::swap(rows[i - 1], rows[random->Below(i)]);
  return rows;
}

void ExpectSorted(const std::set<std::string>& keys, Random* random) {
  for (const SortOrder sort : {SortOrder::kCount, SortOrder::kKey, SortOrder::kNone}) {
    for (const uint64_t counts : {1U, 3U, 1'000'000U}) {
      const RowOrder order(sort);
      std::vector<Row> rows = MakeRows(keys, counts, random);
      std::vector<Row> expected = rows;
      std::sort(expected.begin(), expected.end(), order);
      SortRows(rows, order);
      for (size_t i = 0; i < rows.size(); ++i) {
        const RowKey key(rows[i]);
        ASSERT_EQ(key.view(), RowKey(expected[i]).view()) << i << " of " << rows.size();
        ASSERT_EQ(rows[i].count, expected[i].count) << key.view();
        ASSERT_TRUE(HaveSameKey(rows[i], expected[i])) << key.view();
      }
    }
  }
}

TEST(SortRowsTest, RowsComeAsTheirOrderHasThem) {
  Random random(1);
  // The longer the common start and the smaller the alphabet, the more keys differ late.
  for (const auto& start :
       {""s, "seven b"s, "of eight"s, std::string(30, '\0'), "long"s + std::string(999, 'g')}) {
    for (const uint64_t letters : {2U, 256U}) {
      for (const size_t most : {0U, 1U, 2U, 16U, 17U, 3000U}) {
        std::set<std::string> keys;
        for (size_t i = 0; i < most; ++i) {
          std::string key = start;
          key.resize(start.size() + random.Below(30));
          for (size_t at = start.size(); at < key.size(); ++at) {
            key[at] = static_cast<char>(random.Below(letters));
          }
          keys.insert(
              key.substr(0, random.Below(50) == 0 ? random.Below(key.size() + 1) : key.size()));
        }
        ExpectSorted(keys, &random);
      }
    }
  }
}

TEST(SortRowsTest, KeysThatDifferOnlyInZerosAreOrderedBySize) {
  Random random(1);
  std::set<std::string> keys;
  for (size_t size = 0; size < 100; ++size) {
    keys.insert(std::string(size, '\0'));
    keys.insert("key"s + std::string(size, '\0'));
    keys.insert(std::string(size, '\0') + "key");
  }
  ExpectSorted(keys, &random);
}

TEST(SortRowsTest, EqualRowsDoNotKeepItForEver) {
  const std::string long_key(40, 'k');
  std::vector<Row> rows(50, MakeRow(long_key, 1));
  for (int i = 0; i < 50; ++i) rows.push_back(MakeRow("short", 1));
  SortRows(rows, RowOrder(SortOrder::kCount));
  EXPECT_EQ(RowKey(rows.front()).view(), long_key);
  EXPECT_EQ(RowKey(rows.back()).view(), "short");
}

TEST(SortRowsTest, AStepMayEndIt) {
  std::vector<std::string> keys(100);
  for (size_t i = 0; i < keys.size(); ++i) {
    keys[i] = "the same start for all of them" + std::to_string(i);
  }
  // In what is sorted first, and in what comes then.
  for (const bool same_counts : {false, true}) {
    std::vector<Row> rows;
    rows.reserve(keys.size());
    for (const std::string& key : keys) rows.push_back(MakeRow(key, same_counts ? 1 : rows.size()));
    int steps = 0;
    const auto stop = [&steps] {
      if (++steps == 250) throw std::runtime_error("stop");
    };
    EXPECT_THROW(SortRows(rows, RowOrder(SortOrder::kCount), stop), std::runtime_error);
    EXPECT_EQ(steps, 250);
  }
}

}  // namespace
}  // namespace tally
