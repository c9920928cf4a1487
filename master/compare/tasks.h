// The tasks, one file each (two that only compute share one). To add one: write its file, declare
// it here, and give it a line in the list of tasks.cc.
#ifndef TALLY_MASTER_COMPARE_TASKS_H_
#define TALLY_MASTER_COMPARE_TASKS_H_

#include <string>
#include <string_view>
#include <vector>

#include "master/compare/task.h"
#include "master/options.h"

namespace tally::compare {

/// The main job on the files, or on a text made for it where there are none.
Task CountTask(const std::vector<std::string>& files);
Task CpuTask();
Task FibonacciTask();
Task IoTask();
Task SleepTask();
Task SpawnTask();

/// Whether --tasks knows it.
bool IsTaskName(std::string_view name);

/// Those that --tasks asks for, or all, in the order in which they are run. Throws UsageError for a
/// name that there is not.
std::vector<Task> MakeTasks(const CompareOptions& options);

}  // namespace tally::compare

#endif  // TALLY_MASTER_COMPARE_TASKS_H_
