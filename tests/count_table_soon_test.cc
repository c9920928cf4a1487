// Additions that wait until their slots come into the cache.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "common/count_table.h"
#include "tests/test_table.h"
#include "tests/test_util.h"

namespace tally {
namespace {

using namespace std::string_literals;  // NOLINT: for strings with NUL bytes in them
using AddResult = CountTable::AddResult;

constexpr uint64_t kMaxCount = ~uint64_t{0};

TEST(CountTableSoonTest, AdditionsThatMayWaitGiveTheSameOnceFlushed) {
  for (const uint64_t common_keys : {1U, 5U, 16U, 17U, 1000U}) {
    Random random(common_keys);
    TestTable test;
    Counts expected;
    for (int i = 0; i < 30'000; ++i) {
      const std::string key = random.Below(10) == 0
                                  ? KeyOfSize(random.Below(40), random.Below(5000))
                                  : KeyOfSize(6, random.Below(common_keys));
      const uint64_t amount = random.Below(3);
      ASSERT_EQ(test.AddSoon(key, amount), AddResult::kAdded);
      expected[key] += amount;
      ASSERT_TRUE(i % 1000 != 0 || test.table.Flush() == AddResult::kAdded);
    }
    ASSERT_EQ(test.table.Flush(), AddResult::kAdded);
    ExpectContents(test.table, expected);
  }
}

TEST(CountTableSoonTest, EachAdditionThatWaitedAndOverflowsNamesItsKey) {
  const std::vector<std::string> keys = {"", "a\0"s, "a", "sixteen bytes ok", std::string(40, 'l')};
  for (const int others : {0, 1, 40}) {
    TestTable test;
    Counts expected;
    for (const std::string& key : keys) {
      ASSERT_EQ(test.Add(key, kMaxCount), AddResult::kAdded);
      expected[key] = kMaxCount;
    }
    Counts failed;
    const auto add_soon = [&](const std::string& key) {
      if (test.AddSoon(key, 1) != AddResult::kAdded) ++failed[std::string(test.table.failed_key())];
    };
    for (const std::string& key : keys) {
      add_soon(key);
      for (int i = 0; i < others; ++i) {
        const std::string other = key + "other" + std::to_string(i);
        add_soon(other);
        ++expected[other];
      }
    }
    while (test.table.Flush() != AddResult::kAdded) ++failed[std::string(test.table.failed_key())];
    EXPECT_EQ(failed,
              (Counts{{keys[0], 1}, {keys[1], 1}, {keys[2], 1}, {keys[3], 1}, {keys[4], 1}}));
    ExpectContents(test.table, expected);
  }
}

TEST(CountTableSoonTest, AnAdditionThatWaitedAndFindsNoRoomIsReportedAsFull) {
  for (const size_t key_size : {8U, 20U}) {
    TestTable test(CountTable::kMinRegionBytes);
    AddResult result = AddResult::kAdded;
    for (uint64_t number = 0; result == AddResult::kAdded; ++number) {
      ASSERT_LT(number, 10'000U);
      result = test.AddSoon(KeyOfSize(key_size, number), 1);
    }
    EXPECT_EQ(result, AddResult::kFull);
    const Counts contents = Contents(test.table);
    EXPECT_EQ(contents.size(), test.table.size());
    EXPECT_FALSE(contents.contains(std::string(test.table.failed_key())));
  }
}

}  // namespace
}  // namespace tally
