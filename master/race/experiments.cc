#include "master/race/experiments.h"

#include <algorithm>
#include <utility>

namespace tally::race {
namespace {

constexpr Experiment kExperiments[] = {
    {"lost-update", "workers add 1 to one counter: additions vanish", RunLostUpdate, 20'000,
     "additions by each worker"},
    {"array", "workers add to overlapping cells of an array: some cells are wrong", RunArray, 2'000,
     "passes over its cells by each worker"},
    {"check-then-act", "one knife in a cupboard: two workers hold it at once", RunCheckThenAct,
     10'000, "visits to the cupboard by each worker"},
    {"shared-table", "workers count the words of FILE in one table: counts and keys go wrong",
     RunSharedTable, 1, "pass over the file by each worker", /*takes_file=*/true},
    {"torn-read", "a pair written in two steps: readers see half of each", RunTornRead, 20'000,
     "writes, and reads by each reader"},
    {"deadlock", "two locks taken in opposite order: everybody waits for ever", RunDeadlock, 20'000,
     "times that each worker takes both locks"},
    {"false-sharing", "counters that share a cache line: right, but slow", RunFalseSharing,
     50'000'000, "additions by each worker"},
    {"killed-holder", "a worker is killed while it holds the lock: the others hang",
     RunKilledHolder, 1'000, "times that each survivor takes the lock", /*takes_file=*/false,
     /*processes_only=*/true},
};

}  // namespace

std::span<const Experiment> AllExperiments() { return kExperiments; }

Variant MakeVariant(std::string name, uint64_t expected, uint64_t actual, const Crew::Trial& trial,
                    std::string note) {
  if (!trial.finished) note = "hit its deadline, which stopped it";
  return {.name = std::move(name),
          .expected = expected,
          .actual = actual,
          .lost = trial.finished ? expected - std::min(expected, actual) : 0,
          .ops_per_s = trial.seconds > 0 ? static_cast<double>(expected) / trial.seconds : 0,
          .note = std::move(note)};
}

void CaptureLostUpdate(const std::function<std::vector<WorkerEvent>()>& record, Report* report) {
  constexpr int kAttempts = 20;
  for (int attempt = 0; attempt < kAttempts && !report->evidence; ++attempt) {
    report->events = record();
    report->evidence = FindLostUpdate(report->events);
  }
}

}  // namespace tally::race
