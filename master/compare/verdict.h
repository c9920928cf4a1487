// What the figures of a task say, in plain sentences computed from them.
#ifndef TALLY_MASTER_COMPARE_VERDICT_H_
#define TALLY_MASTER_COMPARE_VERDICT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "master/compare/comparison.h"

namespace tally::compare {

/// "CPU-bound: 2 workers are 1.96x serial; threads and processes tie." Says no more than the spread
/// of the runs allows. `cpus`: that this process may use.
std::string Verdict(const TaskReport& report, uint32_t cpus);

/// Which ways' runs differ too much to conclude anything from them, or that there was but one run
/// of each; empty where there is nothing to warn of.
std::string SpreadWarning(const TaskReport& report);

/// That other programs took CPUs from the task; empty where they hardly did.
std::string OtherLoadWarning(const TaskReport& report, uint32_t cpus);

/// Why some ways cannot be faster; empty where none has more workers than there are CPUs.
std::string TooManyWorkersWarning(const std::vector<Way>& ways, uint32_t cpus);

}  // namespace tally::compare

#endif  // TALLY_MASTER_COMPARE_VERDICT_H_
