// How many keys there will be, by how they came so far.
#ifndef TALLY_COMMON_GROWTH_FORECAST_H_
#define TALLY_COMMON_GROWTH_FORECAST_H_

#include <algorithm>
#include <cstdint>

namespace tally {

/// What a table has seen: a key is added to again and again.
struct GrowthPoint {
  uint64_t keys = 0;
  uint64_t additions = 0;
};

/// A forecast is no larger than so many times the keys that there are.
constexpr double kMostForecastGrowth = 16;

/// How many times as many keys as `now` there will be in the end, of which about `share_done` is
/// done, as a part of 1. Between `before` and `now` additions became q times as many and keys p
/// times as many, and so they will again: Heaps' law (1978), that n additions are of about n^b
/// keys. Where `before` tells nothing, all additions are taken to be of new keys.
///
/// Between the powers of q it is linear, and the last factor makes up for that: logarithms would
/// come with a library of their own, which has to be loaded for each small file, too.
inline double ForecastGrowth(const GrowthPoint& before, const GrowthPoint& now, double share_done) {
  double rest = share_done > 1 / kMostForecastGrowth ? std::max(1 / share_done, 1.0)
                                                     : kMostForecastGrowth;  // NaN, too
  const auto ratio = [](uint64_t a, uint64_t b) {
    return static_cast<double>(a) / static_cast<double>(b);
  };
  constexpr double kLeastRatio = 1.1;
  if (before.keys == 0 || before.additions == 0) return rest;
  const double q = ratio(now.additions, before.additions);
  if (q < kLeastRatio) return rest;
  const double p = std::clamp(ratio(now.keys, before.keys), 1.0, q);
  double growth = 1;
  for (; rest >= q; rest /= q) growth *= p;
  growth *= 1 + (p - 1) * (rest - 1) / (q - 1);
  return growth * (1 + (1 - p / q) / 8);
}

}  // namespace tally

#endif  // TALLY_COMMON_GROWTH_FORECAST_H_
