#include "master/statistics.h"

#include <algorithm>
#include <cstddef>

namespace tally {
namespace {

// How many of n sorted values can be left out at each end: as long as it is unlikely that no more
// of them than these are below the true median.
size_t LeftOutAtEachEnd(size_t n) {
  constexpr double kUnlikely = 0.035;
  double chance = 1;  // that so many, exactly, are below it; of none, 1/2^n
  for (size_t i = 0; i < n; ++i) chance /= 2;
  double chance_of_no_more = chance;
  for (size_t below = 0;; ++below) {
    chance *= static_cast<double>(n - below) / static_cast<double>(below + 1);
    if (chance_of_no_more + chance > kUnlikely) return below;
    chance_of_no_more += chance;
  }
}

}  // namespace

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

Interval MedianInterval(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t left_out = LeftOutAtEachEnd(values.size());
  return {.low = values[left_out], .high = values[values.size() - 1 - left_out]};
}

}  // namespace tally
