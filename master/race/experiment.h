// What an experiment is: something that goes wrong without a lock, the ways to do it right, and
// what there is to see.
#ifndef TALLY_MASTER_RACE_EXPERIMENT_H_
#define TALLY_MASTER_RACE_EXPERIMENT_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/race_window.h"
#include "master/executor.h"
#include "master/race/crew.h"
#include "master/race/evidence.h"

namespace tally::race {

/// How to run it, as asked for or by default.
struct Setup {
  Executor* executor;
  uint32_t workers;
  uint64_t rounds;  // what a round is, each experiment says
  RaceWindow window;
  std::string file;                            // of those that take one
  std::chrono::milliseconds deadline{10'000};  // of one trial
  std::function<void()> on_tick = {};          // called ten times a second while workers run

  Crew MakeCrew() const { return MakeCrew(deadline); }
  Crew MakeCrew(std::chrono::milliseconds patience) const {
    return Crew(executor, workers, patience, on_tick);
  }
};

/// One way to do it, measured.
struct Variant {
  std::string name;
  uint64_t expected = 0;
  uint64_t actual = 0;
  std::optional<uint64_t> lost = 0;  // none: it was stopped, so nobody knows
  double ops_per_s = 0;              // 0: it was stopped
  std::string note = {};             // beside the row
};

struct Report {
  std::vector<Variant> variants;
  std::vector<std::string> findings;  // a line each, between the table and the evidence
  std::optional<Evidence> evidence;
  Describe describe = {};           // for the events of this experiment
  std::vector<WorkerEvent> events;  // all that was noted in the run that the evidence is of
  std::string explanation;          // two or three sentences
  std::string try_next;             // a command
};

struct Experiment {
  std::string_view name;
  std::string_view summary;  // one line
  Report (*run)(const Setup& setup);
  uint64_t default_rounds;
  std::string_view round;  // "addition"
  std::string_view rounds;
  std::string_view round_suffix;  // "by each worker"
  bool takes_file = false;
  bool processes_only = false;
  bool waits_in_window = true;  // --race-window makes a difference
  bool loses = true;            // its first variant goes wrong, but for luck
};

/// All there are, in the order of a lecture.
std::span<const Experiment> AllExperiments();

}  // namespace tally::race

#endif  // TALLY_MASTER_RACE_EXPERIMENT_H_
