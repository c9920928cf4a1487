// Workers one after another.
#ifndef TALLY_MASTER_SERIAL_EXECUTOR_H_
#define TALLY_MASTER_SERIAL_EXECUTOR_H_

#include "master/executor.h"

namespace tally {

/// Runs the workers in turn, in one thread beside the calling one, which goes on to show progress
/// and to mind signals. After one that fails, no other is started.
class SerialExecutor : public Executor {
 public:
  std::vector<WorkerOutcome> Run(uint32_t workers, const Body& body,
                                 const Supervision& supervision = {}) override;
  std::string_view name() const override { return "serial"; }
};

}  // namespace tally

#endif  // TALLY_MASTER_SERIAL_EXECUTOR_H_
