// How a comparison looks: for people, and as JSON.
#ifndef TALLY_MASTER_COMPARE_COMPARE_REPORT_H_
#define TALLY_MASTER_COMPARE_COMPARE_REPORT_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "master/compare/comparison.h"

namespace tally::compare {

/// What was compared, and where.
struct Setting {
  uint32_t cpus = 1;  // that this process may use
  uint32_t runs = 0;  // of each way, besides the warm-up
  std::vector<std::string> files;
};

/// One line above the tasks.
std::string FormatHeading(const Setting& setting);

/// A task's table, its verdict, and what it does not show; within 100 columns.
std::string FormatTask(const TaskReport& report, const Setting& setting);

/// One object:
///   {"version", "cpus", "runs", "files": [string],
///    "tasks": [{"name", "summary", "items", "verdict", "not_shown",
///               "warnings": [string], "errors": [string],
///               "rows": [{"mode", "workers", "median_ms", "min_ms", "max_ms", "low_ms", "high_ms",
///                         "speedup", "user_ms", "system_ms", "context_switches",
///                         "peak_memory_kb", "result", "equal", "runs_ms": [number]}]}]}
/// "mode" is "serial", "thread" or "process". Times are medians but for min, max and runs; the true
/// median lies from "low_ms" to "high_ms"; "speedup" is serial median / median. A row that failed
/// has null for all of them, and false for "equal"; so has "speedup" where serial failed.
std::string FormatJson(std::span<const TaskReport> reports, const Setting& setting);

}  // namespace tally::compare

#endif  // TALLY_MASTER_COMPARE_COMPARE_REPORT_H_
