// Tables of keys that crowd around one place: at the borders of partitions and around the end.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/count_table.h"
#include "tests/crowded_keys.h"
#include "tests/padded_text.h"
#include "tests/test_table.h"
#include "worker/count_buffer.h"

namespace tally {
namespace {

using AddResult = CountTable::AddResult;

/// `count` keys whose home, in a table of 2^log2_slots slots, lies in [first, last].
std::vector<std::string> KeysAtHome(unsigned log2_slots, uint64_t first, uint64_t last,
                                    size_t count, size_t key_size) {
  return KeysWithHashes(TestTable::kSeed, {log2_slots, first, last}, count, key_size);
}

constexpr unsigned kLog2FirstCapacity = 11;
constexpr uint64_t kLastSlot = (uint64_t{1} << kLog2FirstCapacity) - 1;
struct Crowd {
  const char* description;
  uint64_t first_home;
  uint64_t last_home;
  size_t keys;
  uint64_t longest_probe;  // at least
};

// Keys that are pushed over the end of the slots, and over the borders of partitions.
constexpr Crowd kCrowds[] = {
    {"all at the last slot", kLastSlot, kLastSlot, 400, 400},
    {"all at the first slot", 0, 0, 400, 400},
    {"around the end", kLastSlot - 2, kLastSlot, 300, 295},
    {"around the middle", 1020, 1027, 700, 690},
    {"a run from below the middle, round the end, to its own beginning", 1000, 1023, 1279, 1250},
    {"as many as there can be, from the last quarter on", 1600, kLastSlot, 1280, 750},
};

TEST(CountTableCrowdsTest, PartitionsHoldEachKeyOnceWhereKeysWereProbedPastTheirBorders) {
  for (const Crowd& crowd : kCrowds) {
    for (const size_t key_size : {12U, 20U}) {
      TestTable test;
      test.KeepSlots();
      Counts expected;
      for (const std::string& key : KeysAtHome(kLog2FirstCapacity, crowd.first_home,
                                               crowd.last_home, crowd.keys, key_size)) {
        ASSERT_EQ(test.Add(key, 5), AddResult::kAdded);
        expected[key] = 5;
      }
      ASSERT_EQ(test.table.capacity(), kLastSlot + 1);
      ASSERT_GE(test.table.LongestProbe(), crowd.longest_probe) << crowd.description;
      for (unsigned log2_partitions = 0; log2_partitions <= CountTable::kMaxLog2Partitions;
           ++log2_partitions) {
        EXPECT_TRUE(ContentsByPartition(test.table, log2_partitions) == expected)
            << crowd.description << ", 2^" << log2_partitions << " partitions";
      }
    }
  }
}

TEST(CountTableCrowdsTest, CrowdsOfKeysStayApartWhileTheTableGrows) {
  constexpr unsigned kLog2Grown = kLog2FirstCapacity + 2;
  constexpr uint64_t kLast = (uint64_t{1} << kLog2Grown) - 1;
  struct Crowds {
    uint64_t first_home;
    uint64_t last_home;
    size_t keys;
    size_t keys_at_end;  // these go round the end, in between and behind the others
  };
  for (const Crowds& crowds : {Crowds{5000, 5000, 80, 0}, Crowds{0, 0, 80, 0}, Crowds{0, 0, 80, 80},
                               Crowds{4, 160, 40, 80}}) {
    for (const size_t key_size : {10U, 30U}) {
      TestTable test;
      Counts expected;
      const auto add = [&](const std::string& key) {
        ++expected[key];
        return test.Add(key) == AddResult::kAdded;
      };
      auto keys =
          KeysAtHome(kLog2Grown, crowds.first_home, crowds.last_home, crowds.keys, key_size);
      for (std::string& key : KeysAtHome(kLog2Grown, kLast, kLast, crowds.keys_at_end, key_size)) {
        keys.push_back(std::move(key));
      }
      for (size_t i = 0; i < 6000; ++i) {
        ASSERT_TRUE(i % 2000 != 0 || std::all_of(keys.begin(), keys.end(), add));
        ASSERT_TRUE(add("other" + std::to_string(i)));
      }
      ASSERT_TRUE(std::all_of(keys.begin(), keys.end(), add));
      EXPECT_GT(test.table.capacity(), kLast);
      ExpectContents(test.table, expected);
    }
  }
}

void AppendTo(CountTable::ShortAdditions* additions, const CountTable& table,
              const std::string& key) {
  const PaddedText padded(key);
  table.Append(CountTable::LoadShort(padded.view().data(), key.size()), key.size(), 1, additions);
}
void AppendTo(CountTable::LongAdditions* additions, const CountTable& table,
              const std::string& key) {
  table.Append(key.data(), key.size(), 1, additions);
}

template <class Additions>
void ExpectToWaitAtFullLines(size_t key_size) {
  for (const bool grows : {false, true}) {
    TestTable test;
    Counts expected;
    Additions additions;
    const auto keys = KeysAtHome(kLog2FirstCapacity, 1000, 1000, 64, key_size);
    for (const std::string& key : keys) {
      AppendTo(&additions, test.table, key);
      expected[key] = 1;
    }
    ASSERT_EQ(test.table.Add(&additions), AddResult::kAdded);
    ASSERT_EQ(additions.size, keys.size() - 2) << "a line has room for two";
    for (size_t i = 0; grows && test.table.capacity() == kLastSlot + 1; ++i) {
      const std::string key = "other" + std::to_string(i);
      ASSERT_EQ(test.Add(key), AddResult::kAdded);
      expected[key] = 1;
    }
    for (const size_t i : {0, 63}) {  // one that was added, and one that waits
      AppendTo(&additions, test.table, keys[i]);
      ++expected[keys[i]];
    }
    size_t calls = 0;
    for (; additions.size > 0; ++calls) {
      ASSERT_EQ(test.table.Add(&additions), AddResult::kAdded);
    }
    // The last one of them begins only now, and goes two slots further with each call.
    if (!grows) {
      EXPECT_EQ(calls, keys.size() / 2);
    }
    ExpectContents(test.table, expected);
  }
}

// While additions to a full line wait, others make the table grow.
template <class Additions>
void ExpectToWaitThroughGrowth(size_t key_size) {
  TestTable test;
  Counts expected;
  const uint64_t grows_at = test.table.capacity() / 8 * 5;
  for (uint64_t number = 0; test.table.size() < grows_at - 10; ++number) {
    ASSERT_EQ(test.Add(KeyOfSize(8, number)), AddResult::kAdded);
    expected[KeyOfSize(8, number)] = 1;
  }
  auto keys = KeysAtHome(kLog2FirstCapacity, 1000, 1000, 40, key_size);
  for (std::string& other : KeysAtHome(kLog2FirstCapacity, 0, 900, 40, key_size)) {
    keys.push_back(std::move(other));
  }
  Additions additions;
  for (const std::string& key : keys) {
    AppendTo(&additions, test.table, key);
    expected[key] = 1;
  }
  ASSERT_EQ(test.table.Add(&additions), AddResult::kAdded);
  EXPECT_GT(additions.size, 30U);
  EXPECT_GT(test.table.capacity(), kLastSlot + 1);
  while (additions.size > 0) ASSERT_EQ(test.table.Add(&additions), AddResult::kAdded);
  ExpectContents(test.table, expected);
}

TEST(CountTableCrowdsTest, AdditionsWaitWhileTheTableGrows) {
  ExpectToWaitThroughGrowth<CountTable::ShortAdditions>(/*key_size=*/12);
  ExpectToWaitThroughGrowth<CountTable::LongAdditions>(/*key_size=*/20);
}

// Whole rows of a buffer wait.
TEST(CountTableCrowdsTest, RowsMayWaitForOneLineAllTogether) {
  for (const size_t key_size : {12U, 20U}) {
    TestTable test;
    test.KeepSlots();
    CountBuffer buffer(&test.table);
    const auto never = [](AddResult, std::string_view) { return false; };
    const auto keys = KeysAtHome(kLog2FirstCapacity, 1000, 1000, 1200, key_size);
    Counts expected;
    std::deque<PaddedText> texts;
    for (int round = 0; round < 2; ++round) {
      std::vector<Token> tokens;
      for (const std::string& key : keys) {
        const PaddedText& text = texts.emplace_back(key);
        tokens.push_back({text.begin(), text.end()});
        ++expected[key];
      }
      ASSERT_TRUE(buffer.Add(std::span<const Token>(tokens), never));
    }
    ASSERT_TRUE(buffer.Flush(never));
    ExpectContents(test.table, expected);
  }
}

TEST(CountTableCrowdsTest, AdditionsThatMeetAFullLineWaitForLaterCalls) {
  ExpectToWaitAtFullLines<CountTable::ShortAdditions>(/*key_size=*/12);
  ExpectToWaitAtFullLines<CountTable::LongAdditions>(/*key_size=*/20);
}

}  // namespace
}  // namespace tally
