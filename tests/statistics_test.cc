#include "master/statistics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace tally {
namespace {

TEST(MedianTest, IsTheMiddleOrBetweenTheTwoMiddles) {
  EXPECT_EQ(Median({3}), 3);
  EXPECT_EQ(Median({9, 1, 5}), 5);
  EXPECT_EQ(Median({9, 1, 5, 6}), 5.5);
}

TEST(MedianIntervalTest, LeavesOutOnlyWhatIsUnlikely) {
  struct Case {
    size_t values;    // 1, 2, ... so many
    double left_out;  // at each end, by the binomial distribution
  };
  for (const Case& c : {Case{1, 0}, Case{2, 0}, Case{5, 0}, Case{7, 0}, Case{8, 0}, Case{9, 1},
                        Case{10, 1}, Case{20, 5}, Case{100, 40}}) {
    std::vector<double> values;
    for (size_t i = 1; i <= c.values; ++i) values.push_back(static_cast<double>(i));
    std::shuffle(values.begin(), values.end(), std::minstd_rand(7));
    const Interval interval = MedianInterval(values);
    EXPECT_EQ(interval.low, 1 + c.left_out) << c.values;
    EXPECT_EQ(interval.high, static_cast<double>(c.values) - c.left_out) << c.values;
  }
}

TEST(MedianIntervalTest, HoldsTheTrueMedianAsOftenAsItPromises) {
  std::mt19937 random(20201122);
  std::exponential_distribution<double> time(1);  // skewed, as run times are
  const double true_median = std::log(2.0);
  constexpr int kTrials = 20'000;
  for (const size_t runs : {5, 9, 30}) {
    int held = 0;
    for (int trial = 0; trial < kTrials; ++trial) {
      std::vector<double> values(runs);
      for (double& value : values) value = time(random);
      const Interval interval = MedianInterval(values);
      held += interval.low <= true_median && true_median <= interval.high ? 1 : 0;
    }
    EXPECT_GT(held, 0.925 * kTrials) << runs;
  }
}

}  // namespace
}  // namespace tally
