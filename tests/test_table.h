// A table in a region of its own, and how to compare what it holds.
#ifndef TALLY_TESTS_TEST_TABLE_H_
#define TALLY_TESTS_TEST_TABLE_H_

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "common/count_table.h"
#include "common/shared_region.h"
#include "tests/padded_text.h"

namespace tally {

using Counts = std::map<std::string, uint64_t>;

/// A table and its region.
struct TestTable {
  using AddResult = CountTable::AddResult;

  static constexpr uint64_t kSeed = 42;
  static constexpr size_t kRoomyBytes = size_t{1} << 30;

  explicit TestTable(size_t size_bytes = kRoomyBytes, uint64_t seed = kSeed)
      : region(SharedRegion::Reserve(size_bytes)),
        table(CountTable::Create(region.data(), size_bytes, seed)) {}

  // The table may read 16 bytes of any key: what stands behind it is rubbish, and never the same.
  AddResult Add(std::string_view key, uint64_t amount = 1) {
    return table.Add(PaddedText(key, ++behind).view(), amount);
  }

  /// The table may not grow, however many long keys it gets.
  void KeepSlots() {
    const uint64_t slots_bytes = (table.capacity() + 2) * 32;
    table = CountTable(region.data(), [slots_bytes](const CountTable::Need& need) {
      return need.slots_bytes <= slots_bytes;
    });
  }

  SharedRegion region;
  CountTable table;
  char behind = 'a';
};

/// All keys, visited by partitions. Each must come once, from the partition of its hash.
inline Counts ContentsByPartition(const CountTable& table, unsigned log2_partitions) {
  Counts counts;
  for (uint64_t partition = 0; partition < uint64_t{1} << log2_partitions; ++partition) {
    const size_t before = counts.size();
    table.VisitPartition(partition, log2_partitions, [&](const CountTable::Entry& entry) {
      EXPECT_EQ(uint64_t{entry.hash} << log2_partitions >> 32, partition) << entry.key;
      EXPECT_TRUE(counts.emplace(entry.key, entry.count).second) << "again: " << entry.key;
    });
    EXPECT_EQ(table.CountPartition(partition, log2_partitions), counts.size() - before);
  }
  return counts;
}

inline Counts Contents(const CountTable& table) { return ContentsByPartition(table, 10); }

inline void ExpectContents(const CountTable& table, const Counts& expected) {
  EXPECT_EQ(table.size(), expected.size());
  EXPECT_TRUE(Contents(table) == expected);  // printing them would take pages
}

/// The number in decimal, at the end of `size` bytes that are otherwise 'x'.
inline std::string KeyOfSize(size_t size, uint64_t number) {
  const std::string digits = std::to_string(number);
  return digits.size() >= size ? digits : std::string(size - digits.size(), 'x') + digits;
}

}  // namespace tally

#endif  // TALLY_TESTS_TEST_TABLE_H_
