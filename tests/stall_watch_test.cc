#include "master/stall_watch.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <thread>

namespace tally {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(StallWatchTest, WithoutATimeoutNobodyHangs) {
  StallWatch watch(1, std::nullopt);
  EXPECT_FALSE(watch.IsHung(0, 1));
  std::this_thread::sleep_for(milliseconds(5));
  EXPECT_FALSE(watch.IsHung(0, 1));
}

TEST(StallWatchTest, WhoeverShowsNothingNewForSoLongHangs) {
  StallWatch watch(3, seconds(1));
  const auto end = std::chrono::steady_clock::now() + milliseconds(1100);
  uint64_t sign = 0;
  while (std::chrono::steady_clock::now() < end) {
    EXPECT_FALSE(watch.IsHung(0, ++sign));
    watch.IsHung(1, 7);
    watch.IsHung(2, 7);
    std::this_thread::sleep_for(milliseconds(10));
  }
  EXPECT_FALSE(watch.IsHung(0, sign + 1));
  EXPECT_TRUE(watch.IsHung(1, 7));
  watch.StartOver(2);
  EXPECT_FALSE(watch.IsHung(2, 7)) << "its successor has just begun";
}

TEST(StallWatchTest, TheTimeOnTheCpuGrowsWithWork) {
  const uint64_t before = CpuTicksOf(getpid());
  const auto end = std::chrono::steady_clock::now() + seconds(20);
  while (CpuTicksOf(getpid()) < before + 3) ASSERT_LT(std::chrono::steady_clock::now(), end);
  EXPECT_EQ(CpuTicksOf(-1), 0U);
}

}  // namespace
}  // namespace tally
