// Runs the bodies in the calling thread, one after the other: for work that takes less time than to
// start a worker.
#ifndef TALLY_MASTER_CALLING_EXECUTOR_H_
#define TALLY_MASTER_CALLING_EXECUTOR_H_

#include "master/executor.h"

namespace tally {

/// Nobody supervises it: a body that hangs or crashes does so to this process.
class CallingExecutor final : public Executor {
 public:
  std::vector<WorkerOutcome> Run(uint32_t workers, const Body& body,
                                 const Supervision& supervision) override;
  std::string_view name() const override { return "calling"; }
};

}  // namespace tally

#endif  // TALLY_MASTER_CALLING_EXECUTOR_H_
