// Workers as forked processes.
#ifndef TALLY_MASTER_PROCESS_EXECUTOR_H_
#define TALLY_MASTER_PROCESS_EXECUTOR_H_

#include "master/executor.h"

namespace tally {

/// Forks a process for each worker. A worker never outlives this process: the kernel kills it when
/// its parent ends, however that happens (PR_SET_PDEATHSIG, which means the parent *thread*, so
/// Run() belongs on the main one).
class ProcessExecutor : public Executor {
 public:
  std::vector<WorkerOutcome> Run(uint32_t workers, const Body& body,
                                 const Supervision& supervision = {}) override;
  std::string_view name() const override { return "process"; }
};

}  // namespace tally

#endif  // TALLY_MASTER_PROCESS_EXECUTOR_H_
