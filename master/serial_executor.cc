#include "master/serial_executor.h"

#include <atomic>

#include "common/error.h"
#include "master/thread_executor.h"

namespace tally {

std::vector<WorkerOutcome> SerialExecutor::Run(uint32_t workers, const Body& body,
                                               const Supervision& supervision) {
  std::vector<WorkerOutcome> outcomes(workers, {.stopped = true, .exit_status = kExitFailed});
  std::atomic<uint32_t> current = 0;
  const auto run_all = [&](uint32_t) {
    for (uint32_t worker = 0; worker < workers; ++worker) {
      current = worker;
      outcomes[worker].stopped = false;
      outcomes[worker].succeeded = body(worker);
      if (!outcomes[worker].succeeded) return false;
      outcomes[worker].exit_status = kExitDone;
    }
    return true;
  };
  Supervision of_one = supervision;
  if (supervision.is_hung) {
    of_one.is_hung = [&](uint32_t, pid_t) { return supervision.is_hung(current, 0); };
  }
  ThreadExecutor().Run(/*workers=*/1, run_all, of_one);
  return outcomes;
}

}  // namespace tally
