#include "master/race/experiments.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

namespace tally::race {
namespace {

constexpr Experiment kExperiments[] = {
    {"lost-update", "workers add 1 to one counter: additions vanish", RunLostUpdate, 20'000,
     "addition", "additions", "by each worker"},
    {"array", "workers add to overlapping cells of an array: some cells are wrong", RunArray, 2'000,
     "pass", "passes", "over its cells by each worker"},
    {"check-then-act", "one knife in a cupboard: two workers hold it at once", RunCheckThenAct,
     10'000, "visit", "visits", "to the cupboard by each worker"},
    {"shared-table", "workers count the words of FILE in one table: counts and keys go wrong",
     RunSharedTable, 1, "pass", "passes", "over the file by each worker", /*takes_file=*/true},
    {"torn-read", "a pair written in two steps: readers see half of each", RunTornRead, 20'000,
     "read", "reads", "by each reader"},
    {"deadlock", "two locks taken in opposite order: everybody waits for ever", RunDeadlock, 20'000,
     "time", "times", "that each worker takes both locks"},
    {"false-sharing", "counters that share a cache line: right, but slow", RunFalseSharing,
     20'000'000, "addition", "additions", "by each worker, five times", /*takes_file=*/false,
     /*processes_only=*/false, /*waits_in_window=*/false, /*loses=*/false},
    {"killed-holder", "a worker is killed while it holds the lock: the others hang",
     RunKilledHolder, 1'000, "time", "times", "that each survivor takes the lock",
     /*takes_file=*/false, /*processes_only=*/true, /*waits_in_window=*/false},
};

}  // namespace

std::span<const Experiment> AllExperiments() { return kExperiments; }

Variant MakeVariant(std::string name, uint64_t expected, uint64_t actual, const Crew::Trial& trial,
                    std::string note) {
  if (!trial.finished) note = "hit its deadline, which stopped it";
  const auto lost =
      trial.finished ? std::optional(expected - std::min(expected, actual)) : std::nullopt;
  return {.name = std::move(name),
          .expected = expected,
          .actual = actual,
          .lost = lost,
          .ops_per_s = trial.seconds > 0 ? static_cast<double>(expected) / trial.seconds : 0,
          .note = std::move(note)};
}

void Capture(const Setup& setup, const std::function<std::vector<WorkerEvent>()>& record,
             std::optional<Evidence> (*find)(std::span<const WorkerEvent> events), Report* report) {
  if (setup.workers == 1) return;  // alone, nobody loses anything
  constexpr int kAttempts = 20;
  const auto give_up_at = std::chrono::steady_clock::now() + setup.deadline;
  for (int attempt = 0; attempt < kAttempts && !report->evidence; ++attempt) {
    if (std::chrono::steady_clock::now() >= give_up_at) return;
    report->events = record();
    report->evidence = find(report->events);
  }
}

}  // namespace tally::race
