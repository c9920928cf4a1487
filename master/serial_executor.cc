#include "master/serial_executor.h"

#include "common/error.h"
#include "master/thread_executor.h"

namespace tally {

std::vector<WorkerOutcome> SerialExecutor::Run(uint32_t workers, const Body& body,
                                               const OnTick& on_tick,
                                               const AskToStop& ask_to_stop) {
  std::vector<WorkerOutcome> outcomes(workers, {.stopped = true, .exit_status = kExitFailed});
  const auto run_all = [&](uint32_t) {
    for (uint32_t worker = 0; worker < workers; ++worker) {
      outcomes[worker].stopped = false;
      outcomes[worker].succeeded = body(worker);
      if (!outcomes[worker].succeeded) return false;
      outcomes[worker].exit_status = kExitDone;
    }
    return true;
  };
  ThreadExecutor().Run(/*workers=*/1, run_all, on_tick, ask_to_stop);
  return outcomes;
}

}  // namespace tally
