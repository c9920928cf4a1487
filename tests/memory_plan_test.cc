#include "master/memory_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <functional>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "common/control_block.h"
#include "common/count_table.h"
#include "common/error.h"
#include "tests/test_util.h"

namespace tally {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint64_t kGiB = uint64_t{1} << 30;
constexpr MemoryLimits kRoomy{.physical_bytes = 8 * kGiB, .address_space_bytes = uint64_t{1} << 45};

std::vector<Input> Mapped(std::string_view text) {
  std::vector<Input> inputs(1);
  inputs[0].text = text;
  return inputs;
}

std::vector<Input> AStream() { return std::vector<Input>(1); }

std::string ErrorOf(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "none";
}

TEST(MemoryPlanTest, EachWorkerHasATableOfTheSameSize) {
  for (const uint32_t workers : {1U, 2U, 7U}) {
    const auto tables = ReserveTables(workers, Mapped("some text"), kRoomy);
    ASSERT_EQ(tables.size(), workers);
    for (const SharedRegion& table : tables) {
      EXPECT_GE(table.size_bytes(), CountTable::kMinRegionBytes);
      EXPECT_EQ(table.size_bytes(), tables[0].size_bytes());
    }
  }
}

TEST(MemoryPlanTest, TablesOfStreamsAreBoundedByMemoryAlone) {
  const auto tables = ReserveTables(2, AStream(), kRoomy);
  EXPECT_EQ(tables[0].size_bytes(), 2 * kRoomy.physical_bytes);
}

TEST(MemoryPlanTest, TablesOfMappedInputsAreBoundedByTheInputsAndByMemory) {
  const std::string text(5'000'000, 'x');
  const uint64_t by_input = ReserveTables(1, Mapped(text), kRoomy)[0].size_bytes();
  EXPECT_GT(by_input, 10 * text.size());
  EXPECT_LT(by_input, 100 * text.size());
  const MemoryLimits small{.physical_bytes = 16 * kMiB, .address_space_bytes = kGiB};
  EXPECT_EQ(ReserveTables(1, Mapped(text), small)[0].size_bytes(), 32 * kMiB);
}

TEST(MemoryPlanTest, ATableHoldsAllKeysOfTheWorstText) {
  // As many keys as can be in as few bytes: as lines, each of its own, the shortest first.
  std::string text;
  std::vector<std::string> keys = {""};
  for (size_t next = 0; keys.size() < 200'000; ++next) {
    for (int byte = 0; byte < 256; ++byte) {
      if (byte != '\n') keys.push_back(keys[next] + static_cast<char>(byte));
    }
  }
  // Just before a table has grown, and just after.
  for (const size_t count : {1U, 256U, 1281U, 40'961U, 81'920U, 81'921U, 163'840U, 163'841U}) {
    text.clear();
    for (size_t i = 0; i < count; ++i) text += keys[i] + "\n";
    const auto tables = ReserveTables(1, Mapped(text), kRoomy);
    auto table = CountTable::Create(tables[0].data(), tables[0].size_bytes(), /*seed=*/1);
    for (size_t i = 0; i < count; ++i) {
      ASSERT_EQ(table.Add(keys[i], 1), CountTable::AddResult::kAdded) << i << " of " << count;
    }
    ASSERT_EQ(table.size(), count);
  }
}

TEST(MemoryPlanTest, LittleAddressSpaceIsShared) {
  const MemoryLimits tight{.physical_bytes = 8 * kGiB, .address_space_bytes = 64 * kMiB};
  const auto tables = ReserveTables(4, AStream(), tight);
  ASSERT_EQ(tables.size(), 4U);
  EXPECT_EQ(tables[0].size_bytes(), 8 * kMiB);
}

TEST(MemoryPlanTest, TooLittleAddressSpaceForTablesIsAnErrorWithTheNumbers) {
  const MemoryLimits tiny{.physical_bytes = 8 * kGiB, .address_space_bytes = kMiB};
  const std::string error = ErrorOf([&] { ReserveTables(100, AStream(), tiny); });
  EXPECT_EQ(
      error,
      "100 workers need at least 50 MiB of address space for tables and their merge, but only "
      "1 MiB are left; use fewer workers (-j) or raise the limit (ulimit -v)");
}

// A worker has two regions where its table can be rolled back; and so much is enough indeed.
TEST(MemoryPlanTest, TheSpaceThatIsAskedForIsEnough) {
  MemoryLimits limits{.physical_bytes = 8 * kGiB, .address_space_bytes = kMiB - 1};
  EXPECT_EQ(ErrorOf([&] { ReserveTables(1, AStream(), limits, 2); }),
            "1 worker needs at least 1 MiB of address space for tables and their merge, but only "
            "1023 KiB are left; raise the limit (ulimit -v)");
  limits.address_space_bytes = kMiB;
  EXPECT_EQ(ReserveTables(1, AStream(), limits, 2).size(), 2U);
}

BlockPool Blocks(uint32_t workers, uint64_t chunk_size_bytes, const MemoryLimits& limits) {
  return ReserveBlocks({.workers = workers,
                        .chunk_size_bytes = chunk_size_bytes,
                        .keep = false,
                        .memory_limit_bytes = 8 * kGiB},
                       limits);
}

/// Whether `body` holds in a process that may map no more than 4 GiB.
bool HoldsWithin4GiB(bool (*body)()) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  // Its own memory passes any such limit.
  std::cerr << "not checked under a sanitizer\n";
  return body != nullptr;
#else
  Child child([body] {
    const rlimit limit{.rlim_cur = 4 * kGiB, .rlim_max = 4 * kGiB};
    return setrlimit(RLIMIT_AS, &limit) == 0 && body();
  });
  return child.Wait() == 0;
#endif
}

TEST(MemoryPlanTest, WhereTheSystemGivesLessThanItsLimitsSayTablesAreSmaller) {
  EXPECT_TRUE(HoldsWithin4GiB([] {
    const auto tables = ReserveTables(2, AStream(), kRoomy);
    return tables.size() == 2 && tables[0].size_bytes() >= 256 * kMiB;
  }));
}

TEST(MemoryPlanTest, WhereTheSystemGivesLessThanItsLimitsSayBlocksAreSmaller) {
  EXPECT_TRUE(HoldsWithin4GiB([] {
    const BlockPool pool = Blocks(16, kMiB, kRoomy);
    return pool.capacity_bytes >= 32 * kMiB && pool.capacity_bytes < 256 * kMiB;
  }));
}

TEST(MemoryPlanTest, TheLimitsOfAProcessFollowItsUlimit) {
  const MemoryLimits here = MemoryLimits::OfThisProcess();
  EXPECT_GT(here.physical_bytes, kMiB);
  EXPECT_GT(here.address_space_bytes, kMiB);
  EXPECT_TRUE(HoldsWithin4GiB([] {
    const uint64_t left = MemoryLimits::OfThisProcess().address_space_bytes;
    return left < 4 * kGiB && left > 3 * kGiB;
  }));
}

TEST(MemoryPlanTest, BlocksLieSideBySideWithReadablePadding) {
  for (const uint32_t workers : {1U, 2U, 5U}) {
    const BlockPool pool = Blocks(workers, kMiB, kRoomy);
    const uint32_t blocks = pool.count;
    const char* const last_end = pool.block(blocks - 1) + pool.capacity_bytes + kReadablePadding;
    EXPECT_LE(last_end, pool.region.data() + pool.region.size_bytes());
    EXPECT_EQ(pool.block(0), pool.region.data());
    EXPECT_GE(pool.capacity_bytes, pool.target_bytes);
    EXPECT_GE(pool.block(1), pool.block(0) + pool.capacity_bytes + kReadablePadding);
  }
}

TEST(MemoryPlanTest, TheTargetOfABlockIsTheChunkSizeWithinReason) {
  const auto target = [](uint64_t chunk_size) {
    return Blocks(2, chunk_size, kRoomy).target_bytes;
  };
  EXPECT_EQ(target(1), 64U << 10);
  EXPECT_EQ(target(100'000), 100'000U);
  EXPECT_EQ(target(~uint64_t{0}), kMiB);
}

TEST(MemoryPlanTest, TooLittleAddressSpaceForBlocksIsAnErrorWithTheNumbers) {
  const MemoryLimits tiny{.physical_bytes = 8 * kGiB, .address_space_bytes = kMiB};
  EXPECT_EQ(ErrorOf([&] { Blocks(4, kMiB, tiny); }),
            "4 workers need at least 65 MiB of address space to read what cannot be mapped (pipes, "
            "compressed files, or files larger than the space left), but only 1 MiB are left; use "
            "fewer workers (-j) or raise the limit (ulimit -v)");
  const MemoryLimits enough{.physical_bytes = 8 * kGiB, .address_space_bytes = 65 * kMiB};
  EXPECT_EQ(Blocks(4, kMiB, enough).count, 8U);
}

TEST(MemoryPlanTest, WhatKeepsBlocksFromBeingLongerIsKnown) {
  const auto limit = [](uint64_t memory_bytes, uint64_t address_space_bytes) {
    return ReserveBlocks({.workers = 2,
                          .chunk_size_bytes = kMiB,
                          .keep = false,
                          .memory_limit_bytes = memory_bytes},
                         {.physical_bytes = 8 * kGiB, .address_space_bytes = address_space_bytes})
        .limit;
  };
  EXPECT_EQ(limit(8 * kGiB, uint64_t{1} << 45), BlockPool::Limit::kFormat);
  EXPECT_EQ(limit(kGiB, uint64_t{1} << 45), BlockPool::Limit::kMemory);
  EXPECT_EQ(limit(kMiB, uint64_t{1} << 45), BlockPool::Limit::kMemory);
  EXPECT_EQ(limit(8 * kGiB, kGiB), BlockPool::Limit::kAddressSpace);
}

TEST(MemoryPlanTest, ThereAreEnoughBlocksForEachWorkerToHoldOneAndOneToBeFilled) {
  for (const uint32_t workers : {1U, 2U, 3U}) {
    EXPECT_EQ(Blocks(workers, kMiB, kRoomy).count, 2 * workers);
  }
  EXPECT_EQ(Blocks(1024, kMiB, kRoomy).count, WorkQueue::kMaxBlocks);
}

TEST(MemoryPlanTest, BlocksThatAreKeptAreMoreAsFarAsMemoryAllows) {
  const auto count = [](uint32_t workers, uint64_t memory_bytes) {
    const BlockNeeds needs{.workers = workers,
                           .chunk_size_bytes = kMiB,
                           .fed_streams = 3,
                           .keep = true,
                           .memory_limit_bytes = memory_bytes};
    return ReserveBlocks(needs, kRoomy).count;
  };
  EXPECT_EQ(count(2, 8 * kGiB), 32U + 3U);
  EXPECT_EQ(count(2, 128 * kMiB), 16U + 3U) << "an eighth of it";
  EXPECT_EQ(count(2, kMiB), 4U + 3U);
  EXPECT_EQ(count(1000, 1000 * kGiB), WorkQueue::kMaxBlocks);
}

TEST(MemoryPlanTest, TheLedgerHoldsTheMappedChunksAndHasRoomForThoseOfStreams) {
  const std::vector<Chunk> chunks = {{.begin = 0, .end = 5}, {.begin = 5, .end = 9}};
  const SharedRegion mapped = ReserveLedger(chunks, Mapped("some text"), kRoomy);
  const auto* const entries = reinterpret_cast<const Chunk*>(mapped.data());
  EXPECT_EQ(entries[1].begin, 5U);
  EXPECT_EQ(entries[1].end, 9U);
  const SharedRegion streams = ReserveLedger(chunks, AStream(), kRoomy);
  EXPECT_GE(streams.size_bytes(), 1'000'000 * sizeof(Chunk));
  EXPECT_EQ(reinterpret_cast<const Chunk*>(streams.data())[1].begin, 5U);
  EXPECT_GT(ReserveLedger({}, Mapped(""), kRoomy).size_bytes(), 0U);
}

}  // namespace
}  // namespace tally
