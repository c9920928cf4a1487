// Compares the ways to do a task: serial, by threads, by processes.
#ifndef TALLY_MASTER_COMPARE_COMPARISON_H_
#define TALLY_MASTER_COMPARE_COMPARISON_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "master/compare/measured_run.h"
#include "master/compare/task.h"
#include "master/statistics.h"

namespace tally::compare {

/// One way to do it.
struct Way {
  ExecutionMode mode;
  uint32_t workers;
};

/// "serial", "1 thread", "2 processes".
std::string NameOf(const Way& way);
/// "serial", "thread", "process".
std::string_view NameOf(ExecutionMode mode);

/// Serial, then threads and processes with each number of workers.
std::vector<Way> WaysFor(const std::vector<unsigned>& worker_counts);

/// The figures of one way: medians over its runs.
struct Row {
  Way way;
  std::vector<double> runs_ms = {};  // wall time, in the order of the runs
  double median_ms = 0;
  double min_ms = 0;
  double max_ms = 0;
  Interval likely_ms{};  // where the true median is
  double speedup = 0;    // against the serial median; 0: that failed
  double user_ms = 0;
  double system_ms = 0;
  uint64_t context_switches = 0;
  uint64_t peak_memory_kb = 0;  // the largest of all runs
  std::string result = {};
  bool equal = true;    // to the serial result, in every run
  bool failed = false;  // then there are no figures

  /// How uncertain the median is, as a part of it.
  double Spread() const { return median_ms > 0 ? (likely_ms.high - likely_ms.low) / median_ms : 0; }
};

struct TaskReport {
  std::string name;
  std::string summary;
  uint32_t items = 1;
  Question question = Question::kSpeedUp;
  std::string not_shown;
  double other_cpus = 0;  // how many CPUs worked for other programs meanwhile
  std::vector<Row> rows;
  std::vector<std::string> errors;  // each once, with the first way that it happened to
};

struct Plan {
  std::vector<Way> ways;
  uint32_t runs = 1;
  uint32_t cpus = 1;  // that this process may use
};

/// What to do meanwhile; for the calling process. Each may be empty.
struct Watcher {
  std::function<void(const std::string& at_what)> on_tick;  // ten times a second
  std::function<void(const std::string& line)> on_result;   // of each item and run
};

/// Runs every way once to warm up, then all of them in turn, `runs` times. on_result hears of items
/// in the warm-up only, from the workers themselves, so that telling costs no measured run. A way
/// that failed is not tried again; the others go on. Throws Interrupted on a stop signal.
TaskReport Compare(const Task& task, const Plan& plan, const Watcher& watcher);

}  // namespace tally::compare

#endif  // TALLY_MASTER_COMPARE_COMPARISON_H_
