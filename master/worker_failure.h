// How the end of a worker is told.
#ifndef TALLY_MASTER_WORKER_FAILURE_H_
#define TALLY_MASTER_WORKER_FAILURE_H_

#include <functional>
#include <span>
#include <string>

#include "master/executor.h"

namespace tally {

/// "was killed by SIGKILL", "ended with status 1", "gave no sign of life and was killed".
std::string DescribeEnd(const WorkerOutcome& outcome);

/// "worker 2 (process 123) was killed by SIGKILL".
std::string DescribeDeath(uint32_t worker, const WorkerOutcome& outcome);

/// Why no process or thread could be made (errno), and which limit may be to blame.
std::string WhyNotStarted(int error);

/// Throws an Error for the first worker that failed or died by itself: its number, its process, how
/// it ended, and what it was doing then.
void ThrowIfWorkerDied(std::span<const WorkerOutcome> outcomes,
                       const std::function<std::string(uint32_t worker)>& doing_what);

}  // namespace tally

#endif  // TALLY_MASTER_WORKER_FAILURE_H_
