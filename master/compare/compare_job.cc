#include "master/compare/compare_job.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "common/error.h"
#include "master/compare/compare_report.h"
#include "master/compare/comparison.h"
#include "master/compare/tasks.h"
#include "master/compare/verdict.h"
#include "master/cpu_count.h"
#include "master/input_opener.h"
#include "master/messages.h"
#include "master/option_values.h"
#include "master/output_file.h"
#include "master/progress_line.h"

namespace tally::compare {
namespace {

// They are read again for every run.
void CheckFiles(const CompareOptions& options) {
  for (const std::string& file : options.files) {
    if (access(file.c_str(), F_OK) == 0 || !IsTaskName(file)) continue;
    throw UsageError(
        fmt::format("there is no file {}; did you mean '--tasks {}'?", Quoted(file), file));
  }
  CheckReadable(options.files);
  for (const std::string& file : options.files) {
    if (file == "-" || !RegularFileId(file)) {
      throw UsageError(
          fmt::format("{} is no plain file, and every run reads its files again; name one that is",
                      file == "-" ? "standard input" : Quoted(file)));
    }
  }
  if (!options.files.empty() && !options.tasks.empty() &&
      std::ranges::find(options.tasks, "count") == options.tasks.end()) {
    throw UsageError(
        fmt::format("only the task count reads a file; leave out {}, or add count to "
                    "--tasks",
                    Quoted(options.files.front())));
  }
}

void CheckExport(const CompareOptions& options) {
  if (options.export_path.empty()) return;
  OutputFile::CheckTarget(options.export_path);
  RefuseToOverwrite(options.export_path, options.files);
  RefuseToShareStandardOutput(options.export_path, "--export", "the report goes");
}

class CompareJob {
 public:
  explicit CompareJob(const CompareOptions& options)
      : options_(options),
        setting_{.cpus = UsableCpuCount(), .runs = options.runs, .files = options.files},
        plan_{.ways = WaysFor(options.worker_counts), .runs = options.runs, .cpus = setting_.cpus},
        progress_(options.quiet || options.verbose ? ProgressMode::kNever : ProgressMode::kAuto) {}

  bool Run() {
    const std::vector<Task> tasks = MakeTasks(options_);
    WarnUnlessEmpty(TooManyWorkersWarning(plan_.ways, setting_.cpus));
    if (!options_.json) Print(FormatHeading(setting_));
    for (const Task& task : tasks) {
      reports_.push_back(Compare(task, plan_, MakeWatcher()));
      progress_.Erase();
      Tell(reports_.back());
    }
    const std::string json = FormatJson(reports_, setting_);
    if (options_.json) Print(json);
    if (!options_.export_path.empty()) Export(json);
    return std::ranges::all_of(reports_,
                               [](const TaskReport& report) { return report.errors.empty(); });
  }

 private:
  Watcher MakeWatcher() {
    Watcher watcher{.on_tick = [this](const std::string& at_what) { progress_.Show(at_what); },
                    .on_result = {}};
    if (options_.verbose) watcher.on_result = [](const std::string& line) { Say(line); };
    return watcher;
  }

  void Tell(const TaskReport& report) const {
    if (!options_.json) Print(FormatTask(report, setting_));
    SayErrors(report.errors);
    WarnUnlessEmpty(SpreadWarning(report));
    WarnUnlessEmpty(OtherLoadWarning(report, setting_.cpus));
  }

  static void SayErrors(std::span<const std::string> errors) {
    constexpr size_t kMost = 5;
    for (const std::string& error : errors.first(std::min(kMost, errors.size()))) Say(error);
    if (errors.size() > kMost) {
      Say(fmt::format("... and {} more; --json has them all", errors.size() - kMost));
    }
  }

  void WarnUnlessEmpty(const std::string& warning) const {
    if (!warning.empty() && !options_.quiet) Say("warning: " + warning);
  }

  void Export(const std::string& json) const {
    OutputFile file(options_.export_path, Durability::kNotSynced);
    file.Write(json);
    file.Commit();
  }

  const CompareOptions& options_;
  const Setting setting_;
  const Plan plan_;
  ProgressLine progress_;
  std::vector<TaskReport> reports_;
};

}  // namespace

bool RunCompare(const CompareOptions& options) {
  CheckFiles(options);
  CheckExport(options);
  return CompareJob(options).Run();
}

}  // namespace tally::compare
