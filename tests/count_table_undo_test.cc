// How a table gets back to its savepoint, also when its writer dies.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "common/count_table.h"
#include "common/shared_region.h"
#include "tests/padded_text.h"
#include "tests/store_trap.h"
#include "tests/table_rows.h"
#include "tests/test_util.h"

namespace tally {
namespace {

using AddResult = CountTable::AddResult;

constexpr uint64_t kSeed = 1;
/// Keys that a table has room for before it grows for the first time.
constexpr int kBeforeGrowth = 1280;

std::string KeyNumber(int i) {
  return (i % 5 == 0 ? "a key of more than sixteen bytes " : "key") + std::to_string(i);
}

/// A table and its undo log, in one piece of memory.
class UndoableTable {
 public:
  explicit UndoableTable(size_t region_bytes)
      : region_bytes_(region_bytes), memory_(SharedRegion::Reserve(2 * region_bytes)) {
    CountTable::Create(memory_.data(), region_bytes_, kSeed);
  }

  const SharedRegion& memory() const { return memory_; }
  CountTable Attach() const {
    return CountTable(memory_.data(), {}, memory_.data() + region_bytes_);
  }

  /// After the number of keys.
  std::vector<std::string> Rows() const {
    const CountTable table(memory_.data());
    std::vector<std::string> rows = RowsOf(table);
    rows.insert(rows.begin(), std::to_string(table.size()) + " keys");
    return rows;
  }

 private:
  size_t region_bytes_;
  SharedRegion memory_;
};

void Add(CountTable* table, int key, uint64_t amount = 1) {
  ASSERT_EQ(table->Add(PaddedText(KeyNumber(key)).view(), amount), AddResult::kAdded) << key;
}

/// From key `begin` up to `end`.
void AddRange(CountTable* table, int begin, int end) {
  for (int key = begin; key < end; ++key) Add(table, key);
}

constexpr size_t kRoomy = size_t{16} << 20;

TEST(CountTableUndoTest, RollingBackRestoresCountsKeysAndTheirNumber) {
  const UndoableTable memory(kRoomy);
  CountTable table = memory.Attach();
  AddRange(&table, 0, 100);
  table.SetSavepoint();
  const auto saved = memory.Rows();
  AddRange(&table, 50, 150);
  AddRange(&table, 0, 10);
  ASSERT_NE(memory.Rows(), saved);
  table.RollBack();
  EXPECT_EQ(memory.Rows(), saved);
  // And again, from there.
  AddRange(&table, 90, 120);
  table.RollBack();
  EXPECT_EQ(memory.Rows(), saved);
  table.RollBack();
  EXPECT_EQ(memory.Rows(), saved);
}

TEST(CountTableUndoTest, ASavepointTakesTheChangesBeforeItForGood) {
  const UndoableTable memory(kRoomy);
  CountTable table = memory.Attach();
  table.SetSavepoint();
  AddRange(&table, 0, 100);
  table.SetSavepoint();
  Add(&table, 7);
  Add(&table, 7);
  table.SetSavepoint();
  const auto saved = memory.Rows();
  table.RollBack();
  EXPECT_EQ(memory.Rows(), saved);
}

TEST(CountTableUndoTest, ATableThatHasGrownSinceIsAsSmallAsItWas) {
  const UndoableTable memory(kRoomy);
  CountTable table = memory.Attach();
  AddRange(&table, 0, kBeforeGrowth - 20);
  table.SetSavepoint();
  const auto saved = memory.Rows();
  const uint64_t capacity = table.capacity();
  const uint64_t used = table.used_bytes();
  AddRange(&table, 0, 30);                 // before it grows,
  AddRange(&table, 0, 3 * kBeforeGrowth);  // while it grows twice,
  AddRange(&table, 0, 50);                 // and behind that
  ASSERT_EQ(table.capacity(), 4 * capacity);
  table.RollBack();
  EXPECT_EQ(memory.Rows(), saved);
  EXPECT_EQ(table.capacity(), capacity);
  EXPECT_EQ(table.used_bytes(), used);
  AddRange(&table, 0, 3 * kBeforeGrowth);
  EXPECT_EQ(table.size(), uint64_t{3} * kBeforeGrowth);
  table.SetSavepoint();
  const auto grown = memory.Rows();
  AddRange(&table, 100, 200);
  table.RollBack();
  EXPECT_EQ(memory.Rows(), grown);
}

TEST(CountTableUndoTest, ATableThatWasMadeSparserSinceIsAsSmallAsItWas) {
  constexpr int kKeys = 600;  // over a quarter of the slots
  const UndoableTable memory(kRoomy);
  CountTable table = memory.Attach();
  AddRange(&table, 0, kKeys);
  table.SetSavepoint();
  const auto saved = memory.Rows();
  const uint64_t capacity = table.capacity();
  for (int round = 0; round < 5; ++round) AddRange(&table, 0, kKeys);
  ASSERT_EQ(table.capacity(), 2 * capacity);
  table.RollBack();
  EXPECT_EQ(memory.Rows(), saved);
  EXPECT_EQ(table.capacity(), capacity);
}

// The bytes of the long keys that are gone lie where slots come when the table grows.
TEST(CountTableUndoTest, LongKeysThatWereUndoneLeaveNothingWhereTheTableGrows) {
  const UndoableTable memory(CountTable::kMinRegionBytes);
  CountTable table = memory.Attach();
  table.SetSavepoint();
  while (table.Add(PaddedText(std::string(1000, 'x') + std::to_string(table.size())).view(), 1) ==
         AddResult::kAdded) {
  }
  ASSERT_GT(table.size(), 100U);
  table.RollBack();
  for (int key = 0; key < kBeforeGrowth + 100; ++key) {
    ASSERT_EQ(table.Add(PaddedText("key" + std::to_string(key)).view(), 1), AddResult::kAdded);
  }
  EXPECT_EQ(memory.Rows().size(), kBeforeGrowth + 101U);
}

TEST(CountTableUndoTest, AnotherWriterCanRollBackAndGoOn) {
  const UndoableTable memory(kRoomy);
  CountTable first = memory.Attach();
  AddRange(&first, 0, 100);
  first.SetSavepoint();
  const auto saved = memory.Rows();
  AddRange(&first, 40, 400);
  CountTable second = memory.Attach();
  second.RollBack();
  EXPECT_EQ(memory.Rows(), saved);
  AddRange(&second, 40, 400);
  CountTable third = memory.Attach();
  third.RollBack();
  EXPECT_EQ(memory.Rows(), saved);
}

// A slot tells by the epoch of its last change whether it is in the log; the epochs come again.
TEST(CountTableUndoTest, AnyNumberOfSavepointsCanBeSet) {
  const UndoableTable memory(kRoomy);
  CountTable table = memory.Attach();
  for (int epoch = 0; epoch < 5000; ++epoch) {
    table.SetSavepoint();
    Add(&table, epoch % 3);
    // Slots that were last changed just so many epochs ago would be taken for noted ones.
    if (epoch % 2047 < 3 || epoch % 2048 < 3) {
      Add(&table, 1000 + epoch % 2047);
      const auto rows = memory.Rows();
      table.SetSavepoint();
      AddRange(&table, 0, 3);
      AddRange(&table, 1000, 1003);
      table.RollBack();
      ASSERT_EQ(memory.Rows(), rows) << epoch;
    }
  }
}

TEST(CountTableUndoTest, WhateverWasDoneIsUndone) {
  Random random(7);
  for (int trial = 0; trial < 30; ++trial) {
    const UndoableTable memory(kRoomy);
    CountTable table = memory.Attach();
    table.SetSavepoint();
    std::vector<std::string> saved = memory.Rows();
    for (int step = 0; step < 40; ++step) {
      SCOPED_TRACE("trial " + std::to_string(trial) + ", step " + std::to_string(step));
      const uint64_t additions = random.Below(random.Below(10) == 0 ? 4000 : 100);
      const uint64_t keys = 1 + random.Below(5000);
      for (uint64_t i = 0; i < additions; ++i) {
        const PaddedText key(KeyNumber(static_cast<int>(random.Below(keys))));
        ASSERT_EQ(table.Add(key.view(), random.Below(3)), AddResult::kAdded);
      }
      if (random.Below(2) == 0) {
        table.SetSavepoint();
        saved = memory.Rows();
      } else {
        table.RollBack();
        ASSERT_EQ(memory.Rows(), saved);
      }
    }
  }
}

/// As small as a table can be, and about to grow.
struct TableBeforeGrowth : UndoableTable {
  TableBeforeGrowth() : UndoableTable(CountTable::kMinRegionBytes) {
    CountTable table = Attach();
    AddRange(&table, 0, kBeforeGrowth - 10);
    table.SetSavepoint();
    rows = Rows();
  }

  /// Counts `more` keys, of which the first 10 do not make it grow, until the store that kills.
  bool DiesAtStore(uint64_t store, int more) const {
    return StoreTrap::Kills(memory(), store, [this, more] {
      CountTable table = Attach();
      AddRange(&table, kBeforeGrowth - 15, kBeforeGrowth - 10 + more);
      return true;
    });
  }

  std::vector<std::string> rows;
};

TEST(CountTableUndoTest, AWriterThatDiesAtAnyStoreLeavesAllThatIsNeeded) {
  StoreTrap::ForEachStore([](uint64_t store) {
    SCOPED_TRACE("store " + std::to_string(store));
    const TableBeforeGrowth table;
    const bool died = table.DiesAtStore(store, /*more=*/8);
    table.Attach().RollBack();
    EXPECT_EQ(table.Rows(), table.rows);
    return died;
  });
}

TEST(CountTableUndoTest, AWriterThatDiesAtAnyStoreWhileItGrowsLeavesAllThatIsNeeded) {
  const auto dies_at = [](uint64_t store) {
    SCOPED_TRACE("store " + std::to_string(store));
    const TableBeforeGrowth table;
    const bool died = table.DiesAtStore(store, /*more=*/12);
    table.Attach().RollBack();
    EXPECT_EQ(table.Rows(), table.rows);
    return died;
  };
  StoreTrap::ForEachStore(dies_at, /*step=*/997);
}

/// Kills the one who rolls back what `add` did right before a store, and lets another one do it.
/// False where the first one was done before.
template <class Body>
bool RollsBackInTwoTries(Body add, uint64_t store) {
  SCOPED_TRACE("store " + std::to_string(store));
  const TableBeforeGrowth table;
  add(table);
  const bool died = StoreTrap::Kills(table.memory(), store, [&table] {
    table.Attach().RollBack();
    return true;
  });
  table.Attach().RollBack();
  EXPECT_EQ(table.Rows(), table.rows);
  return died;
}

TEST(CountTableUndoTest, RollingBackCanBeCutShortAtAnyStoreAndDoneAgain) {
  const auto die_while_adding = [](const TableBeforeGrowth& table) { table.DiesAtStore(40, 8); };
  StoreTrap::ForEachStore(
      [&](uint64_t store) { return RollsBackInTwoTries(die_while_adding, store); });
}

TEST(CountTableUndoTest, RollingBackFromGrowthCanBeCutShortAndDoneAgain) {
  const auto grow = [](const TableBeforeGrowth& table) {
    CountTable grown = table.Attach();
    AddRange(&grown, 0, kBeforeGrowth + 100);
  };
  if (!StoreTrap::kCanPassStores) GTEST_SKIP() << "each store would be the first one";
  const TableBeforeGrowth table;
  grow(table);
  const uint64_t stores = StoreTrap::Count(table.memory(), [&table] {
    table.Attach().RollBack();
    return true;
  });
  EXPECT_FALSE(RollsBackInTwoTries(grow, stores));
  constexpr uint64_t kPlaces = 6;
  for (uint64_t place = 0; place < kPlaces; ++place) {
    EXPECT_TRUE(RollsBackInTwoTries(grow, place * stores / kPlaces));
  }
  // The last ones take the log back.
  for (uint64_t last = 1; last <= 16; ++last) EXPECT_TRUE(RollsBackInTwoTries(grow, stores - last));
}

// Neither savepoint is there then, but the table is.
TEST(CountTableUndoTest, ASavepointThatWasCutShortCanBeSetAgain) {
  for (const int epochs : {1, 2046, 2047}) {
    StoreTrap::ForEachStore([epochs](uint64_t store) {
      SCOPED_TRACE("epochs " + std::to_string(epochs) + ", store " + std::to_string(store));
      const UndoableTable memory(CountTable::kMinRegionBytes);
      CountTable table = memory.Attach();
      for (int epoch = 0; epoch < epochs; ++epoch) {
        table.SetSavepoint();
        Add(&table, epoch % 40);
      }
      const auto rows = memory.Rows();
      const bool died = StoreTrap::Kills(memory.memory(), store, [&memory] {
        memory.Attach().SetSavepoint();
        return true;
      });
      CountTable next = memory.Attach();
      next.SetSavepoint();
      AddRange(&next, 0, 50);
      next.RollBack();
      EXPECT_EQ(memory.Rows(), rows);
      return died;
    });
  }
}

}  // namespace
}  // namespace tally
