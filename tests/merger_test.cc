#include "master/merger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/count_table.h"
#include "common/error.h"
#include "master/process_executor.h"
#include "tests/fake_executor.h"
#include "tests/sanitized.h"
#include "tests/test_util.h"

namespace tally {
namespace {

using namespace std::string_literals;  // NOLINT: for strings with NUL bytes in them
using testing::ContainsRegex;
using Counts = std::map<std::string, uint64_t>;

constexpr uint64_t kMax = ~uint64_t{0};
constexpr SortOrder kOrders[] = {SortOrder::kCount, SortOrder::kKey, SortOrder::kNone};

/// Tables as workers leave them behind.
class Tables {
 public:
  explicit Tables(const std::vector<Counts>& contents) {
    for (const Counts& counts : contents) {
      regions_.push_back(SharedRegion::Reserve(size_t{1} << 26));
      pointers_.push_back(regions_.back().data());
      auto table = CountTable::Create(pointers_.back(), regions_.back().size_bytes(), kSeed);
      for (const auto& [key, count] : counts) {
        EXPECT_EQ(table.Add(PaddedText(key).view(), count), CountTable::AddResult::kAdded);
      }
    }
  }

  std::span<char* const> pointers() const { return pointers_; }

 private:
  static constexpr uint64_t kSeed = 99;

  std::vector<SharedRegion> regions_;
  std::vector<char*> pointers_;
};

Selection InOrder(SortOrder sort, std::optional<uint64_t> top = std::nullopt) {
  return {.sort = sort, .min_count = 0, .top = top, .find = {}};
}

std::vector<KeyAmount> RowsOf(const MergedTables& merged, const Selection& selection) {
  std::vector<KeyAmount> rows;
  VisitInOrder(merged.runs, RowOrder(selection.sort),
               selection.top.value_or(std::numeric_limits<uint64_t>::max()),
               [&](std::string_view key, uint64_t count) { rows.emplace_back(key, count); });
  return rows;
}

MergedTables MergeAll(const Tables& tables, const Selection& selection, Executor* executor,
                      uint32_t workers) {
  WorkerSupervisor supervisor(
      workers, [](std::string_view) {}, [] { return uint64_t{0}; });
  supervisor.NoteKills();
  return MergeTables(tables.pointers(), selection, executor, workers, &supervisor);
}

std::vector<KeyAmount> Merge(const Tables& tables, const Selection& selection, uint32_t workers,
                             Executor* executor) {
  return RowsOf(MergeAll(tables, selection, executor, workers), selection);
}

std::vector<KeyAmount> Merge(const Tables& tables, const Selection& selection,
                             uint32_t workers = 1) {
  FakeExecutor executor;
  return Merge(tables, selection, workers, &executor);
}

Counts Sum(const std::vector<Counts>& contents) {
  Counts sum;
  for (const Counts& counts : contents) {
    for (const auto& [key, count] : counts) sum[key] += count;
  }
  return sum;
}

std::vector<KeyAmount> Oracle(const std::vector<Counts>& contents, const Selection& selection) {
  std::vector<KeyAmount> rows;
  for (const auto& [key, count] : Sum(contents)) {
    const auto& find = selection.find;
    if (count < selection.min_count) continue;
    if (!find.empty() && std::find(find.begin(), find.end(), key) == find.end()) continue;
    rows.emplace_back(key, count);
  }
  // No order is that of the keys, which is the map's.
  if (selection.sort == SortOrder::kCount) {
    std::stable_sort(rows.begin(), rows.end(),
                     [](const KeyAmount& a, const KeyAmount& b) { return a.second > b.second; });
  }
  if (selection.top) rows.resize(std::min<size_t>(rows.size(), *selection.top));
  return rows;
}

/// Keys that share beginnings and differ in length, with counts of which many are equal.
std::vector<Counts> RandomContents(size_t tables, size_t keys, uint64_t seed) {
  Random random(seed);
  std::vector<Counts> contents(tables);
  const std::vector<std::string> starts = {
      "", "a", "a\0"s, "abcdefgh", "abcdefghi", "\xff", "a key that is too long for a slot "};
  for (Counts& counts : contents) {
    for (size_t i = 0; i < keys; ++i) {
      const std::string start = random.Pick(starts);
      const std::string number = std::to_string(random.Below(2 * keys));
      counts[random.Below(10) == 0 ? start : start + number] += random.Below(5);
    }
  }
  return contents;
}

TEST(MergerTest, NoTablesAndEmptyTablesGiveNoRows) {
  for (const SortOrder sort : kOrders) {
    EXPECT_EQ(Merge(Tables({}), InOrder(sort), 2), std::vector<KeyAmount>());
    EXPECT_EQ(Merge(Tables({{}, {}}), InOrder(sort), 2), std::vector<KeyAmount>());
    EXPECT_EQ(Merge(Tables({{}, {{"", 0}}}), InOrder(sort), 2), (std::vector<KeyAmount>{{"", 0}}));
  }
}

TEST(MergerTest, RowsAreThoseOfAMapForEachOrderAndNumberOfTablesAndKeys) {
  for (const size_t tables : {1U, 2U, 5U}) {
    for (const size_t keys : {1U, 30U, 1300U, 2500U, 9000U}) {
      const auto contents = RandomContents(tables, keys, /*seed=*/keys + tables);
      const Tables merged(contents);
      for (const SortOrder sort : kOrders) {
        const Selection selection = InOrder(sort);
        ASSERT_TRUE(Merge(merged, selection, 3) == Oracle(contents, selection))
            << tables << " tables with " << keys << " keys";
      }
    }
  }
}

TEST(MergerTest, DistinctAndTotalAreOfAllKeysBeforeAnySelection) {
  const auto contents = RandomContents(3, 2000, /*seed=*/1);
  const Tables tables(contents);
  const std::vector<std::string> find = {"a"};
  FakeExecutor executor;
  const MergedTables merged =
      MergeAll(tables, {.min_count = 3, .top = 1, .find = find}, &executor, 2);
  uint64_t total = 0;
  for (const auto& [key, count] : Sum(contents)) total += count;
  EXPECT_EQ(merged.distinct, Sum(contents).size());
  EXPECT_TRUE(merged.total == total);
}

TEST(MergerTest, TheTotalOfAllCountsMayPass64Bits) {
  FakeExecutor executor;
  const Tables tables({{{"a", kMax}, {"b", 1}}, {{"b", kMax - 1}}});
  const MergedTables merged = MergeAll(tables, Selection(), &executor, 1);
  EXPECT_TRUE(merged.total == uint128{kMax} * 2);
}

TEST(MergerTest, SelectionsAreThoseOfTheOracle) {
  const auto contents = RandomContents(3, kSanitized ? 1000 : 5000, /*seed=*/2);
  const Tables tables(contents);
  const std::vector<std::string> find = {"a", "abcdefgh17", "absent", "", "a\0"s, "a"};
  for (const SortOrder sort : kOrders) {
    for (const uint64_t min_count : {uint64_t{0}, uint64_t{1}, uint64_t{4}, kMax}) {
      for (const std::optional<uint64_t> top : {std::optional<uint64_t>(), {0}, {1}, {7}, {kMax}}) {
        for (const bool finds : {false, true}) {
          const Selection selection{.sort = sort,
                                    .min_count = min_count,
                                    .top = top,
                                    .find = finds ? std::span(find) : std::span<std::string>()};
          ASSERT_TRUE(Merge(tables, selection, 2) == Oracle(contents, selection))
              << "order " << static_cast<int>(sort) << ", at least " << min_count << ", top "
              << testing::PrintToString(top) << (finds ? ", find" : "");
        }
      }
    }
  }
}

TEST(MergerTest, NeitherTheNumberOfWorkersNorTheirOrderChangesTheResult) {
  const auto contents = RandomContents(4, 10'000, /*seed=*/3);
  const Tables tables(contents);
  FakeExecutor forward;
  FakeExecutor reverse(FakeExecutor::Order::kReverse);
  ProcessExecutor processes;
  for (const std::optional<uint64_t> top : {std::optional<uint64_t>(), {100}}) {
    const Selection selection = InOrder(SortOrder::kCount, top);
    const auto expected = Oracle(contents, selection);
    for (const uint32_t workers : {1U, 2U, 3U, 7U, 1000U}) {
      ASSERT_TRUE(Merge(tables, selection, workers, &forward) == expected) << workers;
      ASSERT_TRUE(Merge(tables, selection, workers, &reverse) == expected) << workers;
    }
    ASSERT_TRUE(Merge(tables, selection, 3, &processes) == expected);
  }
}

TEST(MergerTest, OfTheKeysThatOverflowAcrossTablesTheFirstByItsBytesIsNamed) {
  Counts first;
  for (int i = 0; i < 10'000; ++i) first["filler" + std::to_string(i)] = 1;
  Counts second = first;
  first["fits"] = kMax - 1;
  second["fits"] = 1;
  FakeExecutor executor;
  const auto overflowed_key = [&] {
    const Tables tables({first, {}, second});
    const auto with_one = MergeAll(tables, Selection(), &executor, 1).overflowed;
    const auto with_two = MergeAll(tables, Selection(), &executor, 2).overflowed;
    EXPECT_EQ(with_one.found(), with_two.found());
    EXPECT_EQ(with_one.view(), with_two.view());
    return with_one.found() ? std::optional(std::string(with_one.view())) : std::nullopt;
  };
  EXPECT_EQ(overflowed_key(), std::nullopt);
  for (const std::string key : {"zebra", "mouse", "a long key that overflows as well", ""}) {
    first[key] = kMax;
    second[key] = 1;
    EXPECT_EQ(overflowed_key(), key);
  }
}

TEST(MergerTest, TheResultIsTheSameWhicheverWorkerDiesBeforeOrAfterItsWork) {
  const auto contents = RandomContents(2, 20'000, /*seed=*/4);
  const Tables tables(contents);
  const Selection selection = InOrder(SortOrder::kKey, std::nullopt);
  for (uint32_t dead = 0; dead < 3; ++dead) {
    for (const bool before : {true, false}) {
      FakeExecutor executor;
      executor.KillWorker(dead, SIGSEGV, /*lives=*/2, before);
      ASSERT_TRUE(Merge(tables, selection, 3, &executor) == Oracle(contents, selection)) << dead;
    }
  }
}

TEST(MergerTest, AWorkerThatExitsInSilenceIsReplaced) {
  const auto contents = RandomContents(2, 20'000, /*seed=*/5);
  FakeExecutor executor;
  executor.FailWorker(1, /*exit_status=*/0);
  EXPECT_TRUE(Merge(Tables(contents), {}, 3, &executor) == Oracle(contents, {}));
}

TEST(MergerTest, AWorkerThatDiesAgainAndAgainIsAnErrorThatNamesIt) {
  const Tables tables(RandomContents(2, 20'000, /*seed=*/6));
  FakeExecutor executor;
  executor.KillWorker(1, SIGSEGV, /*lives=*/3);
  try {
    Merge(tables, {}, 3, &executor);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), ContainsRegex("^worker 2 .process [0-9]+. was killed by SIGSEGV "
                                            "while merging the tables"));
    EXPECT_EQ(error.exit_status(), kExitWorkersDied);
  }
}

}  // namespace
}  // namespace tally
