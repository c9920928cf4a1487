// How an experiment's report looks: for people, and as JSON.
#ifndef TALLY_MASTER_RACE_RACE_REPORT_H_
#define TALLY_MASTER_RACE_RACE_REPORT_H_

#include <string>

#include "master/race/experiment.h"

namespace tally::race {

/// Every experiment with a line about it; as JSON, an array of {"name","summary"}.
std::string FormatList(bool json);

/// The table of variants, findings, evidence, explanation and what to try next; within 100 columns.
std::string FormatText(const Experiment& experiment, const Setup& setup, const Report& report);

/// One object:
///   {"experiment", "mode", "workers", "rounds", "race_window",
///    "variants": [{"name", "expected", "actual", "lost", "lost_percent", "ops_per_s", "note"}],
///    "findings": [string], "explanation": string,
///    "evidence": null or {"verdict", "rows": [{"time_ns", "worker", "operation", "object",
///                                              "value"}]}}
/// "lost" and "lost_percent" are null, and "ops_per_s" is 0, where a variant was stopped before
/// anyone could know. Times count from the evidence's first row, workers from 1.
std::string FormatJson(const Experiment& experiment, const Setup& setup, const Report& report);

}  // namespace tally::race

#endif  // TALLY_MASTER_RACE_RACE_REPORT_H_
