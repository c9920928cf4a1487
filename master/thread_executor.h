// Workers as threads of this process.
#ifndef TALLY_MASTER_THREAD_EXECUTOR_H_
#define TALLY_MASTER_THREAD_EXECUTOR_H_

#include "master/executor.h"

namespace tally {

/// Starts a thread for each worker. A thread cannot be killed: where one fails, the others are
/// asked to stop and waited for; on a stop signal they have a tenth of a second for it, and then
/// the whole process ends by that signal.
class ThreadExecutor : public Executor {
 public:
  std::vector<WorkerOutcome> Run(uint32_t workers, const Body& body,
                                 const Supervision& supervision = {}) override;
  std::string_view name() const override { return "thread"; }
};

}  // namespace tally

#endif  // TALLY_MASTER_THREAD_EXECUTOR_H_
