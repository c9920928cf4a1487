#include "master/compare/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "master/other_load.h"
#include "master/statistics.h"

namespace tally::compare {
namespace {

double MedianOf(const std::vector<Measurement>& runs, double (*figure)(const Measurement&)) {
  std::vector<double> values;
  std::ranges::transform(runs, std::back_inserter(values), figure);
  return Median(std::move(values));
}

class Comparison {
 public:
  Comparison(const Task& task, const Plan& plan, const Watcher& watcher)
      : task_(task), plan_(plan), watcher_(watcher), lanes_(plan.ways.size()) {}

  TaskReport Run() {
    for (uint32_t run = 0; run <= plan_.runs; ++run) {  // 0: the warm-up
      for (size_t way = 0; way < lanes_.size(); ++way) {
        if (!lanes_[way].failed) RunOnce(plan_.ways[way], run, &lanes_[way]);
      }
    }
    return Report();
  }

 private:
  // All that one way has done so far.
  struct Lane {
    std::vector<Measurement> runs;
    std::string result;
    bool equal = true;
    bool failed = false;
  };

  void RunOnce(const Way& way, uint32_t run, Lane* lane) {
    const std::string name = fmt::format("{}, {}", task_.name, NameOf(way));
    const std::string which = run == 0 ? "warm-up" : fmt::format("run {} of {}", run, plan_.runs);
    OnItem on_item;
    if (run == 0 && watcher_.on_result) {
      on_item = [&](uint32_t worker, uint32_t item, const std::string& outcome) {
        watcher_.on_result(fmt::format("{}: worker {}, item {} of {}: {}", name, worker + 1,
                                       item + 1, task_.items, outcome));
      };
    }
    const Measurement measured = MeasureRun(task_, way.mode, way.workers, on_item, [&] {
      if (watcher_.on_tick) watcher_.on_tick(fmt::format("{}: {}", name, which));
    });
    if (!measured.errors.empty()) {
      lane->failed = true;
      for (const std::string& error : measured.errors) NoteError(error, name);
      return;
    }
    if (watcher_.on_result) {
      watcher_.on_result(fmt::format("{}: {}: {:.2f} ms, result {}", name, which, measured.wall_ms,
                                     measured.result));
    }
    CheckResult(measured.result, name, lane);
    if (run > 0) lane->runs.push_back(measured);
  }

  // What several ways fail at alike is told once.
  struct Failure {
    std::string error;
    std::string name;  // of the first to fail so
    uint32_t others = 0;
  };
  void NoteError(const std::string& error, const std::string& name) {
    const auto known = std::ranges::find(failures_, error, &Failure::error);
    if (known == failures_.end()) {
      failures_.push_back({.error = error, .name = name});
    } else if (known->name != name) {
      ++known->others;
    }
  }
  std::vector<std::string> Errors() const {
    std::vector<std::string> errors;
    for (const auto& [error, name, others] : failures_) {
      const std::string more =
          others == 0 ? "" : fmt::format(" (and {} other way{})", others, others == 1 ? "" : "s");
      errors.push_back(fmt::format("{}{}: {}", name, more, error));
    }
    return errors;
  }

  // All results are held against the first one: the serial one, unless that failed.
  void CheckResult(const std::string& result, const std::string& name, Lane* lane) {
    if (!reference_) reference_ = {result, name};
    if (lane->equal) lane->result = result;  // of results that differ, the odd one is shown
    if (result == reference_->first) return;
    lane->equal = false;
    NoteError(fmt::format("its result {} is not that of {}: {}", result, reference_->second,
                          reference_->first),
              name);
  }

  TaskReport Report() {
    TaskReport report{.name = task_.name,
                      .summary = task_.summary,
                      .items = task_.items,
                      .question = task_.question,
                      .not_shown = task_.not_shown,
                      .other_cpus = other_load_.CpusTaken(plan_.cpus),
                      .rows = {},
                      .errors = Errors()};
    for (size_t way = 0; way < lanes_.size(); ++way) {
      report.rows.push_back(MakeRow(plan_.ways[way], lanes_[way]));
    }
    const Row& first = report.rows.front();
    const bool has_serial = first.way.mode == ExecutionMode::kSerial && !first.failed;
    for (Row& row : report.rows) {
      if (has_serial && !row.failed) row.speedup = first.median_ms / row.median_ms;
    }
    return report;
  }

  static Row MakeRow(const Way& way, const Lane& lane) {
    Row row{.way = way, .equal = lane.equal, .failed = lane.failed};
    if (lane.failed) return row;
    for (const Measurement& run : lane.runs) {
      row.runs_ms.push_back(run.wall_ms);
      row.peak_memory_kb = std::max(row.peak_memory_kb, run.peak_memory_kb);
    }
    row.median_ms = Median(row.runs_ms);
    row.min_ms = std::ranges::min(row.runs_ms);
    row.max_ms = std::ranges::max(row.runs_ms);
    row.likely_ms = MedianInterval(row.runs_ms);
    row.user_ms = MedianOf(lane.runs, [](const Measurement& run) { return run.user_ms; });
    row.system_ms = MedianOf(lane.runs, [](const Measurement& run) { return run.system_ms; });
    row.context_switches = static_cast<uint64_t>(MedianOf(lane.runs, [](const Measurement& run) {
      return static_cast<double>(run.context_switches);
    }));
    row.result = lane.result;
    return row;
  }

  const Task& task_;
  const Plan& plan_;
  const Watcher& watcher_;
  const OtherLoad other_load_;
  std::vector<Lane> lanes_;
  std::vector<Failure> failures_;
  std::optional<std::pair<std::string, std::string>> reference_;  // a result, and whose
};

}  // namespace

std::string_view NameOf(ExecutionMode mode) { return MakeExecutor(mode)->name(); }

std::string NameOf(const Way& way) {
  if (way.mode == ExecutionMode::kSerial) return "serial";
  const std::string_view plural = way.workers == 1                      ? ""
                                  : way.mode == ExecutionMode::kProcess ? "es"
                                                                        : "s";
  return fmt::format("{} {}{}", way.workers, NameOf(way.mode), plural);
}

std::vector<Way> WaysFor(const std::vector<unsigned>& worker_counts) {
  std::vector<Way> ways = {{ExecutionMode::kSerial, 1}};
  for (const ExecutionMode mode : {ExecutionMode::kThread, ExecutionMode::kProcess}) {
    for (const unsigned workers : worker_counts) ways.push_back({mode, workers});
  }
  return ways;
}

TaskReport Compare(const Task& task, const Plan& plan, const Watcher& watcher) {
  return Comparison(task, plan, watcher).Run();
}

}  // namespace tally::compare
