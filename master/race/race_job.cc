#include "master/race/race_job.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "master/cpu_count.h"
#include "master/messages.h"
#include "master/option_values.h"
#include "master/other_load.h"
#include "master/output_file.h"
#include "master/progress_line.h"
#include "master/race/experiment.h"
#include "master/race/race_report.h"
#include "master/suggest.h"

namespace tally {
namespace {

using race::AllExperiments;
using race::Experiment;

const Experiment& FindExperiment(std::string_view name) {
  const auto experiments = AllExperiments();
  const auto found = std::ranges::find(experiments, name, &Experiment::name);
  if (found != experiments.end()) return *found;
  std::vector<std::string_view> names;
  for (const Experiment& experiment : experiments) names.push_back(experiment.name);
  const std::string_view nearest = NearestName(name, names);
  throw UsageError(fmt::format(
      "unknown experiment {}; {}", Quoted(name),
      nearest.empty() ? "'tally race' lists them" : fmt::format("did you mean '{}'?", nearest)));
}

void CheckThatTheyGoTogether(const Experiment& experiment, const RaceOptions& options) {
  if (experiment.takes_file && options.file.empty()) {
    throw UsageError(fmt::format("{} counts the words of a file; say 'tally race {} FILE'",
                                 experiment.name, experiment.name));
  }
  if (!experiment.takes_file && !options.file.empty()) {
    throw UsageError(
        fmt::format("{} takes no file; leave out {}", experiment.name, Quoted(options.file)));
  }
  if (experiment.processes_only && options.mode != ExecutionMode::kProcess) {
    throw UsageError(fmt::format(
        "{} needs '--mode process': a thread cannot be killed without its whole process",
        experiment.name));
  }
  if (options.mode == ExecutionMode::kSerial) {
    throw UsageError("--mode serial: one after another, nobody races; say process or thread");
  }
}

void WarnOfOtherLoad(const OtherLoad& load) {
  const double used = load.CpusTaken(UsableCpuCount());
  if (used < OtherLoad::kHardlyAny) return;
  Say(fmt::format("warning: other programs used {:.1f} CPUs meanwhile, so the speeds may be theirs",
                  used));
}

}  // namespace

void RunRace(const RaceOptions& options) {
  if (options.experiment.empty()) return Print(race::FormatList(options.json));
  const Experiment& experiment = FindExperiment(options.experiment);
  CheckThatTheyGoTogether(experiment, options);
  if (!options.trace_path.empty()) {
    OutputFile::CheckTarget(options.trace_path);
    RefuseToOverwrite(options.trace_path, {options.file});
    RefuseToShareStandardOutput(options.trace_path, "--trace", "the report goes");
  }

  const auto executor = MakeExecutor(options.mode);
  ProgressLine progress(ProgressMode::kAuto);
  const OtherLoad other_load;
  const race::Setup setup{
      .executor = executor.get(),
      .workers = options.workers,
      .rounds = options.rounds.value_or(experiment.default_rounds),
      .window = options.race_window,
      .file = options.file,
      .on_tick = [&] { progress.Show(fmt::format("{} is running", experiment.name)); }};
  const race::Report report = experiment.run(setup);
  progress.Erase();
  WarnOfOtherLoad(other_load);

  Print(options.json ? race::FormatJson(experiment, setup, report)
                     : race::FormatText(experiment, setup, report));
  if (options.trace_path.empty()) return;
  if (report.events.empty()) Say("warning: nothing was noted, so the trace is empty");
  OutputFile trace(options.trace_path, Durability::kNotSynced);
  trace.Write(race::FormatTrace(report.events, experiment.name, report.describe));
  trace.Commit();
}

}  // namespace tally
