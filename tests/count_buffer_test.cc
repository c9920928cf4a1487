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

  CountTable& table() { return test_.table; }
  const Counts& failed() const { return failed_; }
  AddResult last_failure() const { return last_failure_; }

  bool Add(const std::string& key, uint64_t amount) {
    const auto key_text = texts_.emplace_back(key, ++behind_).view();
    const Record record{key_text.data(), key_text.size(), amount, 1};
    return buffer_.Add({&record, 1}, OnFailure());
  }
  bool Add(const Counts& counts) {
    std::vector<Record> records;
    for (const auto& [key, amount] : counts) {
      const auto key_text = texts_.emplace_back(key, ++behind_).view();
      records.push_back({key_text.data(), key_text.size(), amount, 1});
    }
    return buffer_.Add(records, OnFailure());
  }
  bool Flush() {
    const bool go_on = buffer_.Flush(OnFailure());
    texts_.clear();
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
  for (int size = 0; size < 300; ++size) {
    ASSERT_TRUE(test.Add(records));
    for (const auto& [key, amount] : records) expected[key] += amount;
    records[KeyOfSize(static_cast<size_t>(size) % 40 + 3, static_cast<uint64_t>(size))] = 7;
  }
  ASSERT_TRUE(test.Flush());
  ExpectContents(test.table(), expected);
}

// What the kernel makes of a key is what the table makes of it.
TEST_P(CountBufferTest, EachSizeOfKeyIsHashedAlike) {
  const TestTable test;
  for (size_t size = 0; size <= 70; ++size) {
    for (const char behind : {'\0', 'x', '\xff'}) {
      const PaddedText key(KeyOfSize(size, 123456789), behind);
      const Record record{key.view().data(), key.view().size(), 5, 1};
      CountTable::Addition by_kernel;
      CountTable::Addition by_table;
      PrepareAll(test.table, {&record, 1}, &by_kernel);
      test.table.Prepare(record.key_view(), record.amount, &by_table);
      EXPECT_EQ(by_kernel.tag, by_table.tag);
      EXPECT_EQ(by_kernel.words, by_table.words);
      EXPECT_EQ(by_kernel.amount, 5U);
      EXPECT_EQ(by_kernel.key(), key.view());
    }
  }
}

TEST_P(CountBufferTest, EachAdditionThatOverflowsNamesItsKey) {
  const std::vector<std::string> keys = {"",
                                         "a\0"s,
                                         "a",
                                         "sixteen bytes ok",
                                         "a key of thirty-two bytes, full.",
                                         std::string(40, 'l')};
  for (const int others : {0, 1, 40, 200}) {
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

}  // namespace
}  // namespace tally
