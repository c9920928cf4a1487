#include "worker/count_buffer.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "tests/padded_text.h"
#include "tests/simd_test.h"
#include "tests/test_table.h"
#include "tests/test_util.h"

namespace tally {
namespace {

using namespace std::string_literals;  // NOLINT: for strings with NUL bytes in them
using AddResult = CountTable::AddResult;

constexpr uint64_t kMaxCount = ~uint64_t{0};

/// A table with a buffer in front of it.
class BufferedTable {
 public:
  explicit BufferedTable(size_t size_bytes = TestTable::kRoomyBytes) : test_(size_bytes) {}

  void KeepSlots() { test_.KeepSlots(); }
  CountTable& table() { return test_.table; }
  const Counts& failed() const { return failed_; }
  AddResult last_failure() const { return last_failure_; }

  bool Add(const std::string& key, uint64_t amount) {
    const auto key_text = texts_.emplace_back(key, ++behind_).view();
    const Record record{key_text.data(), key_text.size(), amount, 1};
    return buffer_.Add(std::span(&record, 1), OnFailure());
  }
  bool Add(const Counts& counts) {
    std::vector<Record> records;
    for (const auto& [key, amount] : counts) {
      const auto key_text = texts_.emplace_back(key, ++behind_).view();
      records.push_back({key_text.data(), key_text.size(), amount, 1});
    }
    return buffer_.Add(std::span<const Record>(records), OnFailure());
  }
  bool Flush() {
    const bool go_on = buffer_.Flush(OnFailure());
    if (go_on) texts_.clear();  // else some still wait
    return go_on;
  }

 private:
  std::function<bool(AddResult, std::string_view)> OnFailure() {
    return [this](AddResult result, std::string_view key) {
      ++failed_[std::string(key)];
      last_failure_ = result;
      return result == AddResult::kOverflow;
    };
  }

  TestTable test_;
  CountBuffer buffer_{&test_.table};
  std::deque<PaddedText> texts_;
  char behind_ = 'a';
  Counts failed_;
  AddResult last_failure_ = AddResult::kAdded;
};

class CountBufferTest : public SimdTest {};

INSTANTIATE_TEST_SUITE_P(EveryTarget, CountBufferTest, EverySimdTarget(), SimdTargetOf);

TEST_P(CountBufferTest, GivesTheSameCountsOnceFlushed) {
  for (const uint64_t common_keys : {1U, 5U, 16U, 17U, 1000U}) {
    Random random(common_keys);
    BufferedTable test;
    Counts expected;
    for (int i = 0; i < 10'000; ++i) {
      const std::string key = random.Below(10) == 0
                                  ? KeyOfSize(random.Below(40), random.Below(5000))
                                  : KeyOfSize(6, random.Below(common_keys));
      const uint64_t amount = random.Below(3);
      ASSERT_TRUE(test.Add(key, amount));
      expected[key] += amount;
      ASSERT_TRUE(i % 1000 != 0 || test.Flush());
    }
    ASSERT_TRUE(test.Flush());
    ExpectContents(test.table(), expected);
    EXPECT_EQ(test.failed(), Counts());
  }
}

TEST_P(CountBufferTest, TakesAnyNumberOfRecordsAtATime) {
  BufferedTable test;
  Counts expected;
  Counts records;
  for (int size = 0; size < 600; ++size) {  // rows are full in between
    ASSERT_TRUE(test.Add(records));
    for (const auto& [key, amount] : records) expected[key] += amount;
    records[KeyOfSize(static_cast<size_t>(size) % 40 + 3, static_cast<uint64_t>(size))] = 7;
  }
  ASSERT_TRUE(test.Flush());
  ExpectContents(test.table(), expected);
}

template <class Key>
void ExpectSameAdditions(const CountTable::Additions<Key>& by_kernel,
                         const CountTable::Additions<Key>& by_table) {
  ASSERT_EQ(by_kernel.size, by_table.size);
  for (size_t i = 0; i < by_table.size; ++i) {
    EXPECT_EQ(by_kernel.key_view(i), by_table.key_view(i));
    EXPECT_EQ(by_kernel.keys[i], by_table.keys[i]);
    EXPECT_EQ(by_kernel.tags[i], by_table.tags[i]);
    EXPECT_EQ(by_kernel.amounts[i], by_table.amounts[i]);
    EXPECT_EQ(by_kernel.homes[i], by_table.homes[i]);
  }
  if (by_table.size > 0) {
    EXPECT_EQ(by_kernel.line_count, by_table.line_count);
  }
}

// What PrepareAll() makes of them, in two calls, is what the table makes of each.
template <class Item>
void ExpectPreparedAsEach(std::span<const Item> items) {
  // In some later epoch of its log.
  const TestTable test(CountTable::kMinRegionBytes, /*seed=*/0xfedcba9876543210);
  const SharedRegion undo = SharedRegion::Reserve(CountTable::kMinRegionBytes);
  CountTable table(test.region.data(), {}, undo.data());
  for (int i = 0; i < 5; ++i) table.SetSavepoint();
  AdditionRow by_kernel;
  PrepareAll(table, items.first(items.size() / 3), &by_kernel);
  PrepareAll(table, items.subspan(items.size() / 3), &by_kernel);
  AdditionRow by_table;
  for (const Item& item : items) {
    const char* const key = KeyBytesOf(item);
    const size_t size = KeySizeOf(item);
    if (size <= CountTable::kInlineBytes) {
      table.Append(CountTable::LoadShort(key, size), size, AmountOf(item), &by_table.shorts);
    } else {
      table.Append(key, size, AmountOf(item), &by_table.longs);
    }
  }
  ExpectSameAdditions(by_kernel.shorts, by_table.shorts);
  ExpectSameAdditions(by_kernel.longs, by_table.longs);
}

TEST_P(CountBufferTest, EachSizeOfKeyIsHashedAlike) {
  for (size_t size = 0; size <= 70; ++size) {
    for (const char behind : {'\0', 'x', '\xff'}) {
      const PaddedText key(KeyOfSize(size, 123456789), behind);
      const Token token{key.begin(), key.end()};
      ExpectPreparedAsEach(std::span(&token, 1));
    }
  }
}

TEST_P(CountBufferTest, ManyKeysAreHashedAsEachOfThem) {
  Random random(1);
  for (size_t count = 0; count <= AdditionRow::kCapacity; count += count < 70 ? 1 : 17) {
    // Few long keys, half of them, and most.
    for (const size_t longest : {17U, 32U, 100U}) {
      std::deque<PaddedText> keys;
      std::vector<Token> tokens;
      std::vector<Record> records;
      for (size_t i = 0; i < count; ++i) {
        std::string bytes(random.Below(longest + 1), '\0');
        for (char& byte : bytes) byte = static_cast<char>(random.Below(256));
        const PaddedText& key = keys.emplace_back(bytes, static_cast<char>(random.Below(256)));
        tokens.push_back({key.begin(), key.end()});
        records.push_back({key.begin(), bytes.size(), random.Below(kMaxCount), i});
      }
      ExpectPreparedAsEach(std::span<const Token>(tokens));
      ExpectPreparedAsEach(std::span<const Record>(records));
    }
  }
}

// Of a table that may not grow: many lines of slots are full of other keys.
TEST_P(CountBufferTest, FindsKeysBeyondAFullLine) {
  for (const size_t key_size : {8U, 16U, 17U, 32U, 33U}) {
    BufferedTable test;
    test.KeepSlots();
    Counts expected;
    for (uint64_t number = 0; number < test.table().capacity() / 8 * 5; ++number) {
      ASSERT_TRUE(test.Add(KeyOfSize(key_size, number), 1) && test.Flush());
      expected[KeyOfSize(key_size, number)] = 1;
    }
    EXPECT_GT(test.table().LongestProbe(), 4U);
    for (const auto& [key, count] : Counts(expected)) expected[key] += 7;
    Counts again = expected;
    for (auto& [key, count] : again) count = 7;
    ASSERT_TRUE(test.Add(again) && test.Flush());
    ExpectContents(test.table(), expected);
  }
}

// A row of additions of which some overflow, some wait for another line, and some are new.
TEST_P(CountBufferTest, GoesOnBehindEachFailure) {
  for (const size_t key_size : {8U, 24U}) {
    BufferedTable test;
    test.KeepSlots();
    Counts expected;
    Counts overflowing;
    constexpr uint64_t kKeys = 1100;
    for (uint64_t number = 0; number < kKeys; ++number) {
      const std::string key = KeyOfSize(key_size, number);
      const uint64_t count = number % 3 == 0 ? kMaxCount : 5;
      ASSERT_TRUE(test.Add(key, count));
      expected[key] = count;
      if (count == kMaxCount) overflowing[key] = 1;
    }
    ASSERT_TRUE(test.Flush());
    for (uint64_t number = 0; number < kKeys + 100; ++number) {
      const std::string key = KeyOfSize(key_size, number);
      ASSERT_TRUE(test.Add(key, 1));
      if (!overflowing.contains(key)) ++expected[key];
    }
    ASSERT_TRUE(test.Flush());
    EXPECT_EQ(test.failed(), overflowing);
    ExpectContents(test.table(), expected);
  }
}

TEST_P(CountBufferTest, EachAdditionThatOverflowsNamesItsKey) {
  const std::vector<std::string> keys = {"",
                                         "a\0"s,
                                         "a",
                                         "sixteen bytes ok",
                                         "a key of thirty-two bytes, full.",
                                         std::string(40, 'l')};
  for (const int others : {0, 1, 40, 200, 1500}) {
    BufferedTable test;
    Counts expected;
    Counts once;
    for (const std::string& key : keys) {
      ASSERT_TRUE(test.Add(key, kMaxCount));
      expected[key] = kMaxCount;
      once[key] = 1;
    }
    for (const std::string& key : keys) {
      ASSERT_TRUE(test.Add(key, 1));
      for (int i = 0; i < others; ++i) {
        const std::string other = key + "other" + std::to_string(i);
        ASSERT_TRUE(test.Add(other, 1));
        ++expected[other];
      }
    }
    ASSERT_TRUE(test.Flush());
    EXPECT_EQ(test.failed(), once);
    ExpectContents(test.table(), expected);
  }
}

TEST_P(CountBufferTest, StopsWhereThereIsNoRoom) {
  for (const size_t key_size : {8U, 20U}) {
    BufferedTable test(CountTable::kMinRegionBytes);
    for (uint64_t number = 0; test.Add(KeyOfSize(key_size, number), 1); ++number) {
      ASSERT_LT(number, 10'000U);
    }
    EXPECT_EQ(test.last_failure(), AddResult::kFull);
    ASSERT_EQ(test.failed().size(), 1U);
    const Counts contents = Contents(test.table());
    EXPECT_EQ(contents.size(), test.table().size());
    EXPECT_FALSE(contents.contains(test.failed().begin()->first));
  }
}

// As a worker does that has met its end: what still waits is added as far as there is room.
TEST_P(CountBufferTest, MayBeFlushedWhereThereIsNoRoom) {
  for (const size_t key_size : {8U, 20U}) {
    BufferedTable test(CountTable::kMinRegionBytes);
    uint64_t added = 0;
    while (test.Add(KeyOfSize(key_size, added), 1)) ++added;
    for (int flushes = 0; flushes < 2000 && !test.Flush(); ++flushes) {
    }
    EXPECT_TRUE(test.Flush()) << "there is nothing left";
    const Counts contents = Contents(test.table());
    EXPECT_EQ(contents.size() + test.failed().size(), added + 1);
    for (const auto& [key, count] : contents) {
      EXPECT_EQ(count, 1U);
      EXPECT_FALSE(test.failed().contains(key));
    }
  }
}

// A row whose first addition fails, and a later one of which makes the table grow.
TEST_P(CountBufferTest, GrowsBehindAFailure) {
  BufferedTable test;
  Counts expected = {{"full", kMaxCount}};
  ASSERT_TRUE(test.Add("full", kMaxCount));
  // Some wait for another line than their first, too.
  const uint64_t capacity = test.table().capacity();
  for (uint64_t number = 0; test.table().capacity() < 8 * capacity; ++number) {
    if (number % 10 == 0) {
      ASSERT_TRUE(test.Add("full", 1));
    }
    for (const uint64_t again : {number, number / 2}) {
      ASSERT_TRUE(test.Add(KeyOfSize(8, again), 1));
      ++expected[KeyOfSize(8, again)];
    }
  }
  ASSERT_TRUE(test.Flush());
  EXPECT_EQ(test.failed().size(), 1U);
  ExpectContents(test.table(), expected);
}

}  // namespace
}  // namespace tally
