#include "common/block_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>

namespace tally {
namespace {

constexpr size_t kBlockBytes = size_t{64} << 10;
constexpr size_t kTarget = 10'000;

class BlockPoolTest : public testing::Test {
 protected:
  BlockPoolTest() {
    pool_.count = 3;
    pool_.target_bytes = kTarget;
    pool_.capacity_bytes = kBlockBytes - kReadablePadding;
    pool_.region = SharedRegion::Reserve(pool_.count * kBlockBytes);
  }

  BlockPool pool_;
  std::array<std::atomic<uint64_t>, 2 + 3> taken_{};
  MemoryBudget memory_{/*limit_bytes=*/100'000, /*workers=*/2, taken_};
};

TEST_F(BlockPoolTest, OnlyWhatIsBeyondTheUsualSizeIsAskedFor) {
  EXPECT_TRUE(pool_.MayHold(1, kTarget, &memory_));
  EXPECT_EQ(memory_.taken_bytes(), 0U);
  EXPECT_TRUE(pool_.MayHold(1, kTarget + 30'000, &memory_));
  EXPECT_EQ(memory_.taken_for_block(1), 60'000U) << "with what is begun of the next record";
  EXPECT_FALSE(pool_.MayHold(2, kTarget + 30'000, &memory_));
  EXPECT_EQ(memory_.taken_for_block(2), 0U);
  EXPECT_TRUE(memory_.Take(/*worker=*/1, 40'000));
  EXPECT_FALSE(pool_.MayHold(1, kTarget + 30'001, &memory_));
  EXPECT_EQ(memory_.taken_bytes(), 100'000U);
}

TEST_F(BlockPoolTest, ABlockThatIsTrimmedGivesThatBack) {
  ASSERT_TRUE(pool_.MayHold(1, kTarget + 30'000, &memory_));
  for (uint32_t number = 0; number < pool_.count; ++number) {
    std::fill_n(pool_.block(number), pool_.capacity_bytes, 'x');
  }
  for (uint32_t number = 0; number < pool_.count; ++number) pool_.Trim(number, &memory_);
  EXPECT_EQ(memory_.taken_bytes(), 0U);
  EXPECT_EQ(pool_.block(1)[kTarget - 1], 'x');
  // Memory that was given back has zeros.
  EXPECT_EQ(pool_.block(1)[pool_.capacity_bytes - 1], '\0');
  EXPECT_EQ(pool_.block(1)[kTarget + 8192], '\0');
  EXPECT_EQ(pool_.block(0)[pool_.capacity_bytes - 1], 'x') << "nothing was granted there";
  EXPECT_EQ(pool_.block(2)[0], 'x');
}

}  // namespace
}  // namespace tally
