// Tables of keys that crowd around one place: at the borders of partitions and around the end.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "common/count_table.h"
#include "common/hash.h"
#include "tests/test_table.h"

namespace tally {
namespace {

using AddResult = CountTable::AddResult;

/// The hash that a table uses for a key of up to 32 bytes, or for a longer one.
uint64_t TableHash(const std::string& key) {
  std::string hashed = key;
  if (hashed.size() < 32) hashed.resize(32);
  return HashBytes(hashed.data(), hashed.size(), TestTable::kSeed);
}

/// `count` keys whose home, in a table of 2^log2_slots slots, lies in [first, last].
std::vector<std::string> KeysAtHome(unsigned log2_slots, uint64_t first, uint64_t last,
                                    size_t count, size_t key_size) {
  std::vector<std::string> keys;
  for (uint64_t number = 0; keys.size() < count; ++number) {
    std::string key = KeyOfSize(key_size, number);
    const uint64_t home = TableHash(key) >> (64 - log2_slots);
    if (first <= home && home <= last) keys.push_back(std::move(key));
  }
  return keys;
}

constexpr unsigned kLog2FirstCapacity = 11;
constexpr uint64_t kLastSlot = (uint64_t{1} << kLog2FirstCapacity) - 1;
struct Crowd {
  const char* description;
  uint64_t first_home;
  uint64_t last_home;
  size_t keys;
};

// Keys that are pushed over the end of the slots, and over the borders of partitions.
constexpr Crowd kCrowds[] = {
    {"all at the last slot", kLastSlot, kLastSlot, 400},
    {"all at the first slot", 0, 0, 400},
    {"around the end", kLastSlot - 2, kLastSlot, 300},
    {"around the middle", 1020, 1027, 700},
    {"a run from below the middle, round the end, to its own beginning", 1000, 1023, 1279},
    {"as many as there can be, from the last quarter on", 1600, kLastSlot, 1280},
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
      ASSERT_EQ(test.table.capacity(), kLastSlot + 1) << "no crowd any more";
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

}  // namespace
}  // namespace tally
