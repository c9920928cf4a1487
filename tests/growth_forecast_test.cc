#include "common/growth_forecast.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace tally {
namespace {

constexpr GrowthPoint kNothing;
constexpr double kMost = kMostForecastGrowth;

double Forecast(double p, double q, double share_done) {
  constexpr double kBefore = 1e9;
  return ForecastGrowth(
      {.keys = 1'000'000'000, .additions = 1'000'000'000},
      {.keys = static_cast<uint64_t>(p * kBefore), .additions = static_cast<uint64_t>(q * kBefore)},
      share_done);
}

TEST(GrowthForecastTest, WithoutAnEarlierPointAllAdditionsAreOfNewKeys) {
  const GrowthPoint now = {.keys = 7, .additions = 70};
  EXPECT_EQ(ForecastGrowth(kNothing, now, 0.25), 4);
  EXPECT_EQ(ForecastGrowth(kNothing, now, 1), 1);
  EXPECT_EQ(ForecastGrowth({.keys = 7, .additions = 0}, now, 0.25), 4);
}

TEST(GrowthForecastTest, AnEarlierPointThatIsTooNearTellsNothing) {
  EXPECT_EQ(Forecast(1.05, 1.05, 0.25), 4);
  EXPECT_EQ(Forecast(1, 1, 0.25), 4);
  EXPECT_EQ(Forecast(0.5, 0.9, 0.25), 4) << "rolled back since";
}

TEST(GrowthForecastTest, WhateverIsSaidToBeDoneTheForecastIsInItsBounds) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double share : {0.0, -1.0, 1e-300, 1e-3, nan}) {
    EXPECT_EQ(ForecastGrowth(kNothing, {.keys = 7, .additions = 7}, share), kMost) << share;
    EXPECT_NEAR(Forecast(2, 2, share), kMost, 1e-9) << share;
  }
  for (const double share : {1.0, 1.5, infinity}) {
    EXPECT_EQ(ForecastGrowth(kNothing, {.keys = 7, .additions = 7}, share), 1) << share;
    EXPECT_NEAR(Forecast(2, 4, share), 1, 0.1) << share;
  }
  EXPECT_NEAR(Forecast(9, 3, 0.25), 4, 1e-9) << "no more keys than additions";
  EXPECT_NEAR(Forecast(0.3, 3, 0.25), 1, 0.1) << "fewer keys: rolled back since";
}

TEST(GrowthForecastTest, FollowsHeapsLaw) {
  for (const double exponent : {0.4, 0.6, 0.8, 1.0}) {
    for (const double p : {1.125, 1.5, 2.25}) {
      const double q = std::pow(p, 1 / exponent);
      for (double rest = 1; rest < kMost; rest *= 1.1) {
        const double law = std::pow(rest, exponent);
        const double forecast = Forecast(p, q, 1 / rest);
        EXPECT_GT(forecast, 0.94 * law) << exponent << " " << p << " " << rest;
        EXPECT_LT(forecast, 1.1 * law) << exponent << " " << p << " " << rest;
      }
    }
  }
}

}  // namespace
}  // namespace tally
