#include "master/race/race_job.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "master/option_values.h"
#include "master/output_file.h"
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

}  // namespace

void RunRace(const RaceOptions& options) {
  if (options.experiment.empty()) return Print(race::FormatList(options.json));
  const Experiment& experiment = FindExperiment(options.experiment);
  CheckThatTheyGoTogether(experiment, options);
  if (!options.trace_path.empty()) OutputFile::CheckTarget(options.trace_path);

  const auto executor = MakeExecutor(options.mode);
  const race::Setup setup{.executor = executor.get(),
                          .workers = options.workers,
                          .rounds = options.rounds.value_or(experiment.default_rounds),
                          .window = options.race_window,
                          .file = options.file};
  const race::Report report = experiment.run(setup);

  Print(options.json ? race::FormatJson(experiment, setup, report)
                     : race::FormatText(experiment, setup, report));
  if (options.trace_path.empty()) return;
  OutputFile trace(options.trace_path, Durability::kNotSynced);
  trace.Write(race::FormatTrace(report.events, experiment.name, report.describe));
  trace.Commit();
}

}  // namespace tally
