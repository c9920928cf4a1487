// The map phase of a run, as the master sees it: it waits, shows the progress, feeds pipes, and
// minds workers that die or hang.
#ifndef TALLY_MASTER_MAP_PHASE_H_
#define TALLY_MASTER_MAP_PHASE_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/control_block.h"
#include "master/bus_error.h"
#include "master/executor.h"
#include "master/progress_line.h"
#include "master/stall_watch.h"
#include "master/stream_feeder.h"
#include "master/worker_supervisor.h"
#include "worker/worker.h"

namespace tally {

class MapPhase : private Heirs {
 public:
  struct Setup {
    const CountPlan& plan;
    uint32_t workers;
    bool workers_are_processes;
    std::optional<uint64_t> input_bytes;  // of the files; none where a pipe is among them
    std::optional<std::chrono::seconds> stall_timeout;
    std::function<void()> check_inputs;                     // throws where one has changed
    std::function<void(int signal_number)> on_stop_signal;  // called where nothing may be unwound
    WorkerSupervisor* supervisor;
    ProgressLine* progress;
    BusErrorReport* bus_errors;
  };

  explicit MapPhase(const Setup& setup);

  /// Returns how the workers ended. Throws an Error where the run is given up, Interrupted where it
  /// is stopped.
  std::vector<WorkerOutcome> Run(Executor* executor);

  /// What the master could not read of the streams that it feeds.
  const InputFailure& feeder_failure() const { return feeder_.failure(); }

 private:
  bool RunBody(uint32_t worker) const;
  Next OnEnd(uint32_t worker, const WorkerOutcome& outcome);
  void ThrowIfUnreadable(const PageFailure& failure) const;
  LastWork Describe(uint32_t worker) const;
  void Appoint(uint32_t worker, int error) override;
  bool AreDone(uint32_t worker) override;
  void Dismiss(uint32_t worker) override;
  void AskToStop();
  ProgressState CurrentProgress() const;

  const Setup setup_;
  ControlBlock& control_;
  StreamFeeder feeder_;
  StallWatch watch_;
};

}  // namespace tally

#endif  // TALLY_MASTER_MAP_PHASE_H_
