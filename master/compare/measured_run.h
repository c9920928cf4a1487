// One run of a task, measured.
#ifndef TALLY_MASTER_COMPARE_MEASURED_RUN_H_
#define TALLY_MASTER_COMPARE_MEASURED_RUN_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "master/compare/task.h"

namespace tally::compare {

/// What a run took, with all the workers that it started.
struct Measurement {
  double wall_ms = 0;
  double user_ms = 0;
  double system_ms = 0;
  uint64_t context_switches = 0;
  /// The most that its process had at a time, and the same of each worker that was a process of its
  /// own, added up: pages that they share are in it once for each.
  uint64_t peak_memory_kb = 0;
  std::string result;
  std::vector<std::string> errors;  // not empty: the rest means nothing
};

/// Runs it in a forked process: so its memory and time are its own, and whatever it does to itself
/// ends with it. Calls `on_tick` at once and then ten times a second. A run that throws, dies or
/// hits the task's deadline has errors. Throws Interrupted on a stop signal, and what `on_tick`
/// throws. For the main thread, as Executor::Run().
/// REQUIRES: no other child processes; this waits for all there are, so that no worker is left.
Measurement MeasureRun(const Task& task, ExecutionMode mode, uint32_t workers,
                       const OnItem& on_item, const std::function<void()>& on_tick);

}  // namespace tally::compare

#endif  // TALLY_MASTER_COMPARE_MEASURED_RUN_H_
