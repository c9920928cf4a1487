// What bounds a table: the memory that it and its undo log are granted, and how far apart the
// keys of a hostile input can be driven.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "common/count_table.h"
#include "common/growth_forecast.h"
#include "common/hash.h"
#include "common/heartbeat.h"
#include "common/shared_region.h"
#include "tests/crowded_keys.h"
#include "tests/table_rows.h"
#include "tests/test_table.h"
#include "tests/test_util.h"

namespace tally {
namespace {

using AddResult = CountTable::AddResult;

constexpr size_t kRegionBytes = size_t{64} << 20;

std::string KeyNumber(int i) { return "key" + std::to_string(i); }
std::string LongKeyNumber(int i) { return "a key of more than sixteen bytes " + KeyNumber(i); }

AddResult AddPadded(CountTable* table, const std::string& key, uint64_t amount = 1) {
  return table->Add(PaddedText(key).view(), amount);
}

TEST(CountTableLimitsTest, ATableAsksBeforeItTakesMoreMemoryAndTakesNoMoreThanGranted) {
  const SharedRegion region = SharedRegion::Reserve(kRegionBytes);
  CountTable::Create(region.data(), region.size_bytes(), /*seed=*/1);
  constexpr uint64_t kLimit = uint64_t{1} << 20;
  uint64_t asked = 0;
  CountTable table(region.data(), [&](const CountTable::Need& need) {
    asked = need.bytes();
    return asked <= kLimit;
  });
  int keys = 0;
  while (AddPadded(&table, KeyNumber(keys)) == AddResult::kAdded) {
    ASSERT_LE(table.used_bytes(), std::max<uint64_t>(asked, 128 << 10));
    ++keys;
  }
  EXPECT_EQ(AddPadded(&table, "one more"), AddResult::kRefused);
  EXPECT_GT(keys, 10'000);
  EXPECT_LE(table.used_bytes(), kLimit);
  EXPECT_EQ(AddPadded(&table, KeyNumber(7)), AddResult::kAdded) << "what is there goes on";
  EXPECT_EQ(RowsOf(table).size(), static_cast<size_t>(keys));
}

TEST(CountTableLimitsTest, LongKeysAreAskedForAsWell) {
  const SharedRegion region = SharedRegion::Reserve(kRegionBytes);
  CountTable::Create(region.data(), region.size_bytes(), /*seed=*/1);
  CountTable table(region.data(),
                   [&](const CountTable::Need& need) { return need.bytes() <= 200 << 10; });
  int keys = 0;
  while (AddPadded(&table, LongKeyNumber(keys)) == AddResult::kAdded) ++keys;
  EXPECT_GT(keys, 1000);
  EXPECT_LE(table.used_bytes(), 200U << 10);
  EXPECT_EQ(RowsOf(table).size(), static_cast<size_t>(keys));
}

// Of a table whose writer says that so much of all is counted: its slots once the first 2^20 are
// too few.
uint64_t NextCapacity(double share_done, CountTable::Grant grant = {}) {
  constexpr uint64_t kCapacity = uint64_t{1} << 20;
  const SharedRegion region = SharedRegion::Reserve(size_t{1} << 30);
  CountTable::Create(region.data(), region.size_bytes(), /*seed=*/1);
  CountTable table(region.data(), std::move(grant), nullptr, [=] { return share_done; });
  uint64_t keys = 0;
  while (table.capacity() <= kCapacity) {
    const std::string key = KeyOfSize(CountTable::kInlineBytes, keys);
    EXPECT_EQ(table.Add(key, ++keys), AddResult::kAdded);
  }
  EXPECT_EQ(keys, kCapacity / 8 * 5 + 1);
  uint64_t sum = 0;
  table.VisitPartition(0, 0, [&](const CountTable::Entry& entry) { sum += entry.count; });
  EXPECT_EQ(sum, keys * (keys + 1) / 2) << "each key is there with its number";
  return table.capacity();
}

TEST(CountTableLimitsTest, ALargeTableGrowsToWhatIsForecastFromAnEighthToTwoSteps) {
  constexpr uint64_t kCapacity = uint64_t{1} << 20;
  constexpr uint64_t kOneStep = kCapacity / 2 * 3;
  constexpr uint64_t kTwoSteps = kOneStep / 2 * 3;
  EXPECT_EQ(NextCapacity(0.44), kTwoSteps) << "1 / 1.5^2 is 0.444";
  EXPECT_EQ(NextCapacity(0.5), 2 * kCapacity);
  EXPECT_EQ(NextCapacity(1.1), kCapacity / 8 * 9) << "chunks in hand are guessed at";
  const auto only_needed = [](const CountTable::Need& need) { return !need.is_optional; };
  EXPECT_EQ(NextCapacity(0.1, only_needed), kOneStep);
  EXPECT_EQ(NextCapacity(0.8, only_needed), kCapacity / 4 * 5);
}

TEST(CountTableLimitsTest, WhereFewerAdditionsBringNewKeysFewerAreForecast) {
  constexpr uint64_t kCapacity = uint64_t{1} << 20;
  const SharedRegion region = SharedRegion::Reserve(size_t{1} << 30);
  CountTable::Create(region.data(), region.size_bytes(), /*seed=*/1);
  CountTable table(region.data(), {}, nullptr, [] { return 0.5; });
  uint64_t keys = 0;
  const auto add_new_key = [&](int times) {
    const std::string key = KeyOfSize(CountTable::kInlineBytes, keys++);
    for (int i = 0; i < times; ++i) EXPECT_EQ(table.Add(key, 1), AddResult::kAdded);
  };
  while (table.capacity() <= kCapacity) add_new_key(1);
  EXPECT_EQ(table.capacity(), 2 * kCapacity);
  while (table.capacity() == 2 * kCapacity) add_new_key(4);
  const double growth =
      ForecastGrowth({.keys = 1, .additions = 1}, {.keys = 2, .additions = 5}, 0.5);
  EXPECT_NEAR(static_cast<double>(table.capacity()) / (2 * kCapacity), growth, 0.01);
}

// Of a table's keys and counts, whatever their order. (To compare them one by one takes seconds.)
uint64_t FingerprintOf(const CountTable& table) {
  uint64_t sum = 0;
  table.VisitPartition(0, 0, [&](const CountTable::Entry& entry) {
    sum += HashBytes(entry.key.data(), entry.key.size(), /*seed=*/2) * (entry.count + 1);
  });
  return sum;
}

TEST(CountTableLimitsTest, SeveralStepsAtOnceAreUndoneAsOneIs) {
  constexpr uint64_t kCapacity = uint64_t{1} << 20;
  constexpr uint64_t kKeys = kCapacity / 8 * 5 - 10;
  constexpr uint64_t kMore = 20'000;
  const SharedRegion region = SharedRegion::Reserve(size_t{1} << 30);
  const SharedRegion undo = SharedRegion::Reserve(size_t{1} << 30);
  CountTable::Create(region.data(), region.size_bytes(), /*seed=*/1);
  CountTable table(region.data(), {}, undo.data(), [] { return 0.0; });
  const auto add = [&](uint64_t number, uint64_t amount) {
    const std::string key = KeyOfSize(CountTable::kInlineBytes + number % 3 / 2, number);
    ASSERT_EQ(AddPadded(&table, key, amount), AddResult::kAdded);
  };
  for (uint64_t number = 0; number < kKeys; ++number) add(number, number + 1);
  table.SetSavepoint();
  const uint64_t before = FingerprintOf(table);
  for (uint64_t number = kKeys - kMore; number < kKeys + kMore; ++number) add(number, 9);
  EXPECT_EQ(table.capacity(), kCapacity / 4 * 9);
  EXPECT_NE(FingerprintOf(table), before);
  table.RollBack();
  EXPECT_EQ(table.capacity(), kCapacity);
  EXPECT_EQ(FingerprintOf(table), before);
  for (uint64_t number = kKeys; number < kKeys + kMore; ++number) add(number, 9);
  EXPECT_EQ(table.size(), kKeys + kMore);
}

TEST(CountTableLimitsTest, TheUndoLogIsAskedForAsWell) {
  const SharedRegion region = SharedRegion::Reserve(kRegionBytes);
  const SharedRegion undo = SharedRegion::Reserve(kRegionBytes);
  CountTable::Create(region.data(), region.size_bytes(), /*seed=*/1);
  uint64_t asked = 0;
  uint64_t limit = ~uint64_t{0};
  const auto grant = [&](const CountTable::Need& need) {
    asked = need.bytes();
    return asked <= limit;
  };
  CountTable table(region.data(), grant, undo.data());
  constexpr int kKeys = 20'000;
  for (int i = 0; i < kKeys; ++i) AddPadded(&table, KeyNumber(i));
  table.SetSavepoint();
  // Nothing new: only what the slots held has to be kept.
  AddPadded(&table, KeyNumber(0));
  const uint64_t asked_for_one = asked;
  for (int i = 0; i < kKeys; ++i) AddPadded(&table, KeyNumber(i));
  EXPECT_GT(asked, table.used_bytes() + kKeys * uint64_t{40});
  table.SetSavepoint();
  AddPadded(&table, KeyNumber(0));
  EXPECT_GT(asked, asked_for_one) << "the memory is kept for the next time";

  CountTable another(region.data(), grant, undo.data());
  another.SetSavepoint();
  AddPadded(&another, KeyNumber(0));
  limit = asked;
  int added = 0;
  while (AddPadded(&another, KeyNumber(added)) == AddResult::kAdded) ++added;
  EXPECT_GT(added, 100);
  EXPECT_LT(added, kKeys / 2);
  EXPECT_EQ(AddPadded(&another, KeyNumber(added)), AddResult::kRefused);
  EXPECT_EQ(AddPadded(&another, KeyNumber(0)), AddResult::kAdded) << "what is kept already goes on";
}

TEST(CountTableLimitsTest, SlotsThatAreNotNeededLeaveTheRegionToLongKeys) {
  TestTable test(size_t{24} << 20);
  std::string key(100, 'k');
  uint64_t keys = 0;
  do {
    key.replace(0, 12, KeyOfSize(12, keys++));
    // Often enough for a sparse table.
    for (int i = 0; i < 4; ++i) test.Add(key);
  } while (test.Add(key) == TestTable::AddResult::kAdded);
  // Room for 160,000 in 2^18 slots; 2^19 would leave it to 80,000.
  EXPECT_GT(keys, 150'000U);
}

// Each takes seconds where the table has gigabytes.
TEST(CountTableLimitsTest, GrowingAndRollingBackGiveSignsOfLife) {
  const SharedRegion region = SharedRegion::Reserve(kRegionBytes);
  const SharedRegion undo = SharedRegion::Reserve(kRegionBytes);
  CountTable::Create(region.data(), region.size_bytes(), /*seed=*/1);
  CountTable table(region.data(), {}, undo.data());
  Pulse pulse;
  const Heart heart(&pulse);
  constexpr uint64_t kCapacity = uint64_t{1} << 18;
  int keys = 0;
  while (table.capacity() < kCapacity) AddPadded(&table, KeyNumber(keys++));
  while (table.size() < kCapacity / 8 * 5) AddPadded(&table, KeyNumber(keys++));
  table.SetSavepoint();
  const uint64_t before_growth = pulse.beats;
  AddPadded(&table, KeyNumber(keys++));
  ASSERT_EQ(table.capacity(), 2 * kCapacity);
  EXPECT_GE(pulse.beats - before_growth, 8U);  // for the notes, and for the moves
  const uint64_t before_rolling_back = pulse.beats;
  table.RollBack();
  EXPECT_GE(pulse.beats - before_rolling_back, 8U + 2U);
}

TEST(CountTableLimitsTest, AClearedRegionHoldsAnEmptyTable) {
  const SharedRegion region = SharedRegion::Reserve(kRegionBytes);
  CountTable table = CountTable::Create(region.data(), region.size_bytes(), /*seed=*/1);
  for (int i = 0; i < 50'000; ++i) AddPadded(&table, LongKeyNumber(i));
  CountTable::Clear(region.data(), region.size_bytes());
  CountTable again = CountTable::Create(region.data(), region.size_bytes(), /*seed=*/2);
  EXPECT_TRUE(RowsOf(again).empty());
  AddPadded(&again, "a");
  EXPECT_EQ(RowsOf(again), std::vector<std::string>{"a 1"});
}

// Whoever knows the seed can make a table as slow as a list. So each run has its own, and keys made
// for one seed are spread by any other.
TEST(CountTableLimitsTest, KeysThatCrowdUnderOneSeedAreSpreadByAnyOther) {
  constexpr uint64_t kKnownSeed = 42;
  const std::vector<std::string> keys =
      KeysWithHashes(kKnownSeed, {.top_bits = 7, .first = 5, .last = 5}, 20'000, /*key_size=*/10);
  const auto longest_probe = [&](uint64_t seed) {
    const SharedRegion region = SharedRegion::Reserve(kRegionBytes);
    CountTable table = CountTable::Create(region.data(), region.size_bytes(), seed);
    for (const std::string& key : keys) AddPadded(&table, key);
    EXPECT_EQ(table.size(), keys.size());
    return table.LongestProbe();
  };
  EXPECT_GT(longest_probe(kKnownSeed), 10'000U);
  Random random(1);
  for (int i = 0; i < 20; ++i) {
    const uint64_t seed = random.Next();
    EXPECT_LT(longest_probe(seed), 100U) << seed;
  }
}

}  // namespace
}  // namespace tally
