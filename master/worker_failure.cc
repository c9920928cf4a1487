#include "master/worker_failure.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "common/error.h"

namespace tally {

std::string DescribeEnd(const WorkerOutcome& outcome) {
  if (outcome.hung) return "gave no sign of life and was killed";
  if (outcome.signal_number == 0) return fmt::format("ended with status {}", outcome.exit_status);
  const char* const name = sigabbrev_np(outcome.signal_number);
  return fmt::format("was killed by SIG{}", name != nullptr ? name : "?");
}

std::string DescribeDeath(uint32_t worker, const WorkerOutcome& outcome) {
  const std::string process = outcome.pid == 0 ? "" : fmt::format(" (process {})", outcome.pid);
  return fmt::format("worker {}{} {}", worker + 1, process, DescribeEnd(outcome));
}

std::string WhyNotStarted(int error) {
  std::string why = std::generic_category().message(error);
  if (error == EAGAIN)
    why += ": see ulimit -u (for threads, -v as well) and pids.max of the cgroup";
  return why;
}

void ThrowIfWorkerDied(std::span<const WorkerOutcome> outcomes,
                       const std::function<std::string(uint32_t worker)>& doing_what) {
  for (uint32_t worker = 0; worker < outcomes.size(); ++worker) {
    const WorkerOutcome& outcome = outcomes[worker];
    if (outcome.succeeded || outcome.stopped || outcome.inherited) continue;
    throw Error(fmt::format("{} while {}", DescribeDeath(worker, outcome), doing_what(worker)));
  }
}

}  // namespace tally
