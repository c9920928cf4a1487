#include "master/calling_executor.h"

#include "common/error.h"
#include "master/signals.h"

namespace tally {

std::vector<WorkerOutcome> CallingExecutor::Run(uint32_t workers, const Body& body,
                                                const Supervision& /*supervision*/) {
  std::vector<WorkerOutcome> outcomes(workers, {.stopped = true, .exit_status = kExitFailed});
  for (uint32_t worker = 0; worker < workers; ++worker) {
    WorkerOutcome& outcome = outcomes[worker];
    outcome.stopped = false;
    outcome.succeeded = body(worker);
    ThrowIfStopped();
    if (!outcome.succeeded) break;
    outcome.exit_status = kExitDone;
  }
  return outcomes;
}

}  // namespace tally
