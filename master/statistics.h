// What can be said of a time that was measured several times.
#ifndef TALLY_MASTER_STATISTICS_H_
#define TALLY_MASTER_STATISTICS_H_

#include <vector>

namespace tally {

/// REQUIRES: a value or more.
double Median(std::vector<double> values);

struct Interval {
  double low;
  double high;
};

/// Where the median of ever more such values would lie, with a confidence of 93 % or more; all of
/// their range where they are fewer than 5, too few to be so sure. REQUIRES: a value or more.
///
/// A value is below the true median as a coin shows heads, however the values are spread: the
/// nonparametric interval that Hoefler and Belli recommend for run times, "Scientific Benchmarking
/// of Parallel Computing Systems", SC 2015.
Interval MedianInterval(std::vector<double> values);

}  // namespace tally

#endif  // TALLY_MASTER_STATISTICS_H_
