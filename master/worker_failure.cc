#include "master/worker_failure.h"

#include <fmt/format.h>

#include <cstring>

#include "common/error.h"

namespace tally {

std::string DescribeEnd(const WorkerOutcome& outcome) {
  if (outcome.signal_number == 0) return fmt::format("ended with status {}", outcome.exit_status);
  const char* const name = sigabbrev_np(outcome.signal_number);
  return fmt::format("was killed by SIG{}", name != nullptr ? name : "?");
}

void ThrowIfWorkerDied(std::span<const WorkerOutcome> outcomes,
                       const std::function<std::string(uint32_t worker)>& doing_what) {
  for (uint32_t worker = 0; worker < outcomes.size(); ++worker) {
    const WorkerOutcome& outcome = outcomes[worker];
    if (outcome.succeeded || outcome.stopped) continue;
    const std::string process = outcome.pid == 0 ? "" : fmt::format(" (process {})", outcome.pid);
    throw Error(fmt::format("worker {}{} {} while {}", worker + 1, process, DescribeEnd(outcome),
                            doing_what(worker)));
  }
}

}  // namespace tally
