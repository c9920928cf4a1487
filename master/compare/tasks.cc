#include "master/compare/tasks.h"

#include <algorithm>
#include <string_view>

#include "master/option_values.h"

namespace tally::compare {
namespace {

// What --tasks can name.
struct TaskName {
  std::string_view name;
  std::string_view group;  // a name that means this task as well as its own
  Task (*make)(const CompareOptions& options);
};

constexpr TaskName kTasks[] = {
    {"count", "count", [](const CompareOptions& options) { return CountTask(options.files); }},
    {"cpu", "cpu", [](const CompareOptions&) { return CpuTask(); }},
    {"fibonacci", "cpu", [](const CompareOptions&) { return FibonacciTask(); }},
    {"io", "io", [](const CompareOptions&) { return IoTask(); }},
    {"sleep", "sleep", [](const CompareOptions&) { return SleepTask(); }},
    {"spawn", "spawn", [](const CompareOptions&) { return SpawnTask(); }},
};

bool Means(std::string_view asked, const TaskName& task) {
  return asked == task.name || asked == task.group;
}

void ThrowIfUnknown(const std::string& asked) {
  if (IsTaskName(asked)) return;
  std::vector<std::string_view> names;
  for (const TaskName& task : kTasks) names.push_back(task.name);
  ThrowNoSuchChoice({.option = "--tasks", .text = asked}, names);
}

}  // namespace

bool IsTaskName(std::string_view name) {
  return std::ranges::any_of(kTasks, [&](const TaskName& task) { return Means(name, task); });
}

std::vector<Task> MakeTasks(const CompareOptions& options) {
  for (const std::string& asked : options.tasks) ThrowIfUnknown(asked);
  std::vector<Task> tasks;
  for (const TaskName& task : kTasks) {
    const bool wanted =
        options.tasks.empty() || std::ranges::any_of(options.tasks, [&](const std::string& asked) {
          return Means(asked, task);
        });
    if (wanted) tasks.push_back(task.make(options));
  }
  return tasks;
}

}  // namespace tally::compare
