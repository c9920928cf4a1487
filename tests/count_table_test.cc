#include "common/count_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/shared_region.h"
#include "tests/sanitized.h"
#include "tests/test_table.h"
#include "tests/test_util.h"

namespace tally {
namespace {

using namespace std::string_literals;  // NOLINT: for strings with NUL bytes in them
using AddResult = CountTable::AddResult;

constexpr uint64_t kMaxCount = ~uint64_t{0};
constexpr size_t kRoomyBytes = TestTable::kRoomyBytes;

constexpr size_t kMostKeysAtFirst = 1280;

TEST(CountTableTest, ANewTableIsEmpty) {
  const TestTable test;
  EXPECT_EQ(test.table.size(), 0U);
  EXPECT_EQ(test.table.capacity(), uint64_t{2048});
  EXPECT_EQ(test.table.region_bytes(), kRoomyBytes);
  for (const unsigned log2_partitions : {0U, 1U, 10U}) {
    EXPECT_EQ(ContentsByPartition(test.table, log2_partitions), Counts());
  }
}

TEST(CountTableTest, GrowsWithoutLosingKeys) {
  TestTable test;
  Counts expected;
  std::vector<size_t> sizes = {17, 23, 24, 32, 100};
  for (size_t size = 0; size <= 16; ++size) sizes.push_back(size);
  for (uint64_t number = 0; number < 120'000; ++number) {
    const std::string key = KeyOfSize(sizes[number % sizes.size()], number);
    ASSERT_EQ(test.Add(key, number), AddResult::kAdded);
    expected[key] += number;
  }
  ExpectContents(test.table, expected);
  EXPECT_GE(test.table.size(), 100'000U);
  EXPECT_GE(test.table.capacity(), test.table.size());
}

TEST(CountTableTest, KeysOfEachSizeAreKept) {
  TestTable test;
  Counts expected;
  for (const size_t size : {0U,  1U,  2U,  3U,  4U,  5U,  6U,  7U,  8U,   9U,
                            10U, 11U, 12U, 13U, 14U, 15U, 16U, 17U, 100U, 1U << 20}) {
    for (const char byte : {'a', 'b', '\0', '\xff'}) {
      const std::string key(size, byte);
      ASSERT_EQ(test.Add(key, size + 1), AddResult::kAdded);
      ASSERT_EQ(test.Add(key, 1), AddResult::kAdded);
      expected[key] += size + 2;
    }
  }
  ExpectContents(test.table, expected);
}

TEST(CountTableTest, KeysThatDifferOnlyInTheirFinalNulsAreDistinct) {
  TestTable test;
  Counts expected;
  for (const std::string& start : {""s, "a"s, "abcdefgh"s, "abcdefghijklmno"s}) {
    for (size_t nuls = 0; nuls < 20; ++nuls) {
      const std::string key = start + std::string(nuls, '\0');
      for (size_t i = 0; i <= nuls; ++i) ASSERT_EQ(test.Add(key), AddResult::kAdded);
      expected[key] += nuls + 1;
    }
  }
  ExpectContents(test.table, expected);
}

TEST(CountTableTest, AnAmountOfZeroMakesAKeyPresent) {
  TestTable test;
  for (const std::string& key : {""s, "short"s, std::string(40, 'l')}) {
    EXPECT_EQ(test.Add(key, 0), AddResult::kAdded);
  }
  EXPECT_EQ(Contents(test.table), (Counts{{"", 0}, {"short", 0}, {std::string(40, 'l'), 0}}));
}

TEST(CountTableTest, AnOverflowIsReportedAndLeavesTheCountAsItWas) {
  for (const std::string& key : {"short"s, std::string(40, 'l')}) {
    TestTable test;
    EXPECT_EQ(test.Add(key, kMaxCount - 5), AddResult::kAdded);
    EXPECT_EQ(test.Add(key, 6), AddResult::kOverflow);
    EXPECT_EQ(test.Add("another", 1), AddResult::kAdded);
    EXPECT_EQ(test.Add(key, kMaxCount), AddResult::kOverflow) << "by way of its hash";
    EXPECT_EQ(Contents(test.table), (Counts{{key, kMaxCount - 5}, {"another", 1}}));
    EXPECT_EQ(test.Add(key, 5), AddResult::kAdded);
    EXPECT_EQ(test.Add(key, 0), AddResult::kAdded);
    EXPECT_EQ(Contents(test.table), (Counts{{key, kMaxCount}, {"another", 1}}));
  }
}

TEST(CountTableTest, ARegionWithoutRoomForMoreSlotsIsReportedAsFull) {
  TestTable test(CountTable::kMinRegionBytes);
  Counts expected;
  std::string key = "0";
  while (test.Add(key) == AddResult::kAdded) {
    expected[key] = 1;
    key = std::to_string(expected.size());
  }
  EXPECT_GT(expected.size(), kMostKeysAtFirst);
  EXPECT_EQ(test.Add(key), AddResult::kFull) << "again";
  EXPECT_EQ(test.Add(std::string(40, 'l')), AddResult::kFull);
  for (auto& [present, count] : expected) {
    EXPECT_EQ(test.Add(present), AddResult::kAdded);
    ++count;
  }
  ExpectContents(test.table, expected);
}

TEST(CountTableTest, ARegionWithoutRoomForMoreLongKeysIsReportedAsFull) {
  TestTable test(CountTable::kMinRegionBytes);
  Counts expected;
  std::string key = KeyOfSize(1000, 0);
  while (test.Add(key) == AddResult::kAdded) {
    expected[key] = 1;
    key = KeyOfSize(1000, expected.size());
  }
  EXPECT_GT(expected.size(), 100U);
  EXPECT_LT(expected.size(), CountTable::kMinRegionBytes / 1000);
  EXPECT_EQ(test.Add(std::string(size_t{1} << 20, 'l')), AddResult::kFull);
  EXPECT_EQ(test.Add("short", 7), AddResult::kAdded) << "this one needs no room";
  expected["short"] = 7;
  for (auto& [present, count] : expected) {
    EXPECT_EQ(test.Add(present, 2), AddResult::kAdded);
    count += 2;
  }
  ExpectContents(test.table, expected);
}

TEST(CountTableTest, SlotsAndLongKeysMeetInTheMiddleWithoutOverwritingEachOther) {
  for (size_t key_size = 17; key_size < 300; key_size += 9) {
    TestTable test(2 * CountTable::kMinRegionBytes);
    Counts expected;
    for (;;) {
      const std::string key = KeyOfSize(expected.size() % 2 == 0 ? key_size : 8, expected.size());
      if (test.Add(key, expected.size()) != AddResult::kAdded) break;
      expected.emplace(key, expected.size());
    }
    ExpectContents(test.table, expected);
  }
}

TEST(CountTableTest, PartitionsHoldEachKeyOnceAtEveryFill) {
  for (const size_t keys : {1U, 2U, 50U, 600U, 1279U, 1280U, 1281U, 20'000U}) {
    TestTable test;
    Counts expected;
    for (size_t number = 0; number < keys; ++number) {
      const std::string key = KeyOfSize(number % 30, number);
      ASSERT_EQ(test.Add(key, number + 1), AddResult::kAdded);
      expected[key] += number + 1;
    }
    for (unsigned log2_partitions = 0; log2_partitions <= CountTable::kMaxLog2Partitions;
         ++log2_partitions) {
      EXPECT_TRUE(ContentsByPartition(test.table, log2_partitions) == expected)
          << keys << " keys, 2^" << log2_partitions << " partitions";
    }
  }
}

// As many slots as the memory that they take is worth.
TEST(CountTableTest, ALargeTableGrowsByHalf) {
  TestTable test;
  constexpr uint64_t kKeys = kSanitized ? 700'000 : 1'200'000;
  std::string key(12 + CountTable::kInlineBytes, '.');
  uint64_t capacity = test.table.capacity();
  std::vector<uint64_t> steps;
  for (uint64_t number = 0; number < kKeys; ++number) {
    key.replace(0, 12, KeyOfSize(12, number));
    ASSERT_EQ(test.table.Add(std::string_view(key).substr(0, 12), number), AddResult::kAdded);
    if (test.table.capacity() == capacity) continue;
    EXPECT_EQ(test.table.size(), capacity / 8 * 5 + 1);
    const bool is_small = capacity <= uint64_t{1} << 19;
    EXPECT_EQ(test.table.capacity(), is_small ? 2 * capacity : capacity + capacity / 8 * 4);
    capacity = test.table.capacity();
    steps.push_back(capacity);
  }
  EXPECT_EQ(steps.size(), kSanitized ? 10U : 11U);  // of which one or two are small
  EXPECT_LT(test.table.LongestProbe(), 200U);
  for (const unsigned log2_partitions : {0U, 5U, 10U}) {
    std::vector<bool> seen(kKeys);
    for (uint64_t partition = 0; partition < uint64_t{1} << log2_partitions; ++partition) {
      test.table.VisitPartition(partition, log2_partitions, [&](const CountTable::Entry& entry) {
        // Each key's count is its number.
        ASSERT_LT(entry.count, kKeys);
        ASSERT_FALSE(seen[entry.count]);
        seen[entry.count] = true;
        ASSERT_EQ(uint64_t{entry.hash} << log2_partitions >> 32, partition);
        ASSERT_TRUE(entry.count % 1000 != 0 || entry.key == KeyOfSize(12, entry.count));
      });
    }
    EXPECT_EQ(std::count(seen.begin(), seen.end(), true), kKeys);
  }
}

TEST(CountTableTest, ATableThatMayNotGrowRefusesKeysUntilItMay) {
  for (const size_t key_size : {12U, 20U}) {
    TestTable test;
    test.KeepSlots();
    const uint64_t capacity = test.table.capacity();
    Counts expected;
    for (uint64_t number = 0; number < capacity / 8 * 5; ++number) {
      ASSERT_EQ(test.Add(KeyOfSize(key_size, number), 3), AddResult::kAdded);
      expected[KeyOfSize(key_size, number)] = 3;
    }
    EXPECT_EQ(test.Add(KeyOfSize(key_size, kMaxCount)), AddResult::kRefused);
    EXPECT_EQ(test.table.capacity(), capacity);
    ExpectContents(test.table, expected);

    test.table = CountTable(test.region.data());
    ASSERT_EQ(test.Add(KeyOfSize(key_size, kMaxCount)), AddResult::kAdded);
    expected[KeyOfSize(key_size, kMaxCount)] = 1;
    EXPECT_EQ(test.table.capacity(), 2 * capacity);
    ExpectContents(test.table, expected);
  }
}

TEST(CountTableTest, ATableWhoseKeysComeAgainIsMadeSparser) {
  for (const bool is_granted : {true, false}) {
    TestTable test;
    const uint64_t capacity = test.table.capacity();
    int asked = 0;
    test.table = CountTable(test.region.data(), [&](const CountTable::Need& need) {
      asked += need.is_optional ? 1 : 0;
      return is_granted || !need.is_optional;
    });
    const uint64_t keys = capacity / 4 + 1;
    Counts expected;
    const auto add = [&](uint64_t number) {
      const std::string key = KeyOfSize(12 + number % 2 * 8, number);
      ASSERT_EQ(test.Add(key), AddResult::kAdded);
      ++expected[key];
    };
    for (int round = 0; round < 4; ++round) {
      for (uint64_t number = 0; number < keys; ++number) add(number);
    }
    EXPECT_EQ(test.table.capacity(), capacity) << "they may have come for the last time";
    EXPECT_EQ(asked, 0);
    for (int round = 0; round < 10; ++round) {
      for (uint64_t number = 0; number < keys; ++number) add(number);
      EXPECT_EQ(test.table.capacity(), is_granted ? 2 * capacity : capacity);
    }
    EXPECT_EQ(asked, 1);
    ExpectContents(test.table, expected);
  }
}

TEST(CountTableTest, ATableOfMoreThan8MiBIsNotMadeSparser) {
  TestTable test;
  constexpr uint64_t kMostSparse = uint64_t{1} << 18;
  const auto add_again = [&](uint64_t keys) {
    for (uint64_t i = test.table.size(); i < keys; ++i) test.Add(KeyOfSize(12, i));
    for (uint64_t i = 0; i < 5 * keys; ++i) test.Add(KeyOfSize(12, 0));
  };
  add_again(kMostSparse / 4);
  EXPECT_EQ(test.table.capacity(), kMostSparse);
  add_again(kMostSparse / 4 + 1);
  EXPECT_EQ(test.table.capacity(), 2 * kMostSparse);
  add_again(kMostSparse / 2 + 1);
  EXPECT_EQ(test.table.capacity(), 2 * kMostSparse);
}

TEST(CountTableTest, AdditionsMayBeAppendedBeforeAndAfterTheTableGrows) {
  TestTable test;
  Counts expected;
  CountTable::ShortAdditions additions;
  const auto append = [&](uint64_t number) {
    const std::string key = KeyOfSize(CountTable::kInlineBytes, number);
    test.table.Append(CountTable::LoadShort(key.data(), key.size()), key.size(), 1, &additions);
    ++expected[key];
  };
  for (uint64_t number = 0; number < 20; ++number) append(number);
  const uint64_t capacity = test.table.capacity();
  for (uint64_t number = 0; test.table.capacity() == capacity; number += 2) {
    const std::string key = KeyOfSize(CountTable::kInlineBytes, number);
    ASSERT_EQ(test.Add(key), AddResult::kAdded);
    ++expected[key];
  }
  for (uint64_t number = 10; number < 30; ++number) append(number);
  while (additions.size > 0) ASSERT_EQ(test.table.Add(&additions), AddResult::kAdded);
  ExpectContents(test.table, expected);
}

TEST(CountTableTest, RunsOfOneKeyAreCountedAcrossGrowth) {
  for (const size_t key_size : {9U, 33U}) {
    TestTable test;
    Counts expected;
    for (uint64_t number = 0; number < 50'000; ++number) {
      const std::string key = KeyOfSize(key_size, number);
      for (uint64_t i = 0; i <= number % 4; ++i) {
        ASSERT_EQ(test.Add(key, 10), AddResult::kAdded);
      }
      expected[key] = 10 * (number % 4 + 1);
    }
    ExpectContents(test.table, expected);
  }
}

TEST(CountTableTest, AnotherProcessSeesTheSameTableAndItsAdditionsAreSeen) {
  TestTable test;
  Counts expected;
  for (uint64_t number = 0; number < 5000; ++number) {
    const std::string key = KeyOfSize(number % 40, number);
    test.Add(key, number);
    expected[key] += number;
  }
  Child child([&] {
    CountTable attached(test.region.data());
    if (attached.size() != expected.size() || Contents(attached) != expected) return false;
    for (uint64_t number = 0; number < 20'000; ++number) {
      attached.Add(PaddedText(KeyOfSize(18, number)).view(), 1);
    }
    return true;
  });
  ASSERT_EQ(child.Wait(), 0);
  for (uint64_t number = 0; number < 20'000; ++number) ++expected[KeyOfSize(18, number)];
  ExpectContents(CountTable(test.region.data()), expected);
}

TEST(CountTableTest, RandomAdditionsGiveWhatAnUnorderedMapGives) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    Random random(seed);
    TestTable test(size_t{1} << 26, /*seed=*/random.Next());
    std::unordered_map<std::string, uint64_t> expected;
    std::string key;
    for (int i = 0; i < 100'000; ++i) {
      // Now and then the same key again; among the others are frequent and rare ones.
      if (random.Below(3) > 0) {
        const size_t size = random.Below(20) == 0 ? random.Below(200) : random.Below(19);
        key = KeyOfSize(size, random.Below(uint64_t{1} << random.Below(16)));
      }
      const uint64_t amount = random.Below(1000) == 0 ? kMaxCount / 2 : random.Below(100);
      uint64_t& count = expected[key];
      const bool fits = amount <= kMaxCount - count;
      if (fits) count += amount;
      ASSERT_EQ(test.Add(key, amount), fits ? AddResult::kAdded : AddResult::kOverflow);
    }
    ExpectContents(test.table, Counts(expected.begin(), expected.end()));
  }
}

}  // namespace
}  // namespace tally
