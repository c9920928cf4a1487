#include "master/compare/compare_report.h"

#include <fmt/format.h>

#include "master/compare/verdict.h"
#include "master/json_value.h"
#include "master/text_table.h"

namespace tally::compare {
namespace {

std::string FormatSpeedUp(double speedup) {
  if (speedup == 0) return "-";
  return speedup < 0.1 ? fmt::format("{:.2g}x", speedup) : fmt::format("{:.2f}x", speedup);
}

std::vector<std::string> Cells(const Row& row) {
  const std::string workers = std::to_string(row.way.workers);
  if (row.failed) {
    return {
        std::string(NameOf(row.way.mode)), workers, "-", "-", "-", "-", "-", "-", "-", "failed"};
  }
  return {std::string(NameOf(row.way.mode)),
          workers,
          fmt::format("{:.2f}", row.median_ms),
          fmt::format("{:.2f}..{:.2f}", row.min_ms, row.max_ms),
          FormatSpeedUp(row.speedup),
          fmt::format("{:.1f}", row.user_ms),
          fmt::format("{:.1f}", row.system_ms),
          WithCommas(row.context_switches),
          fmt::format("{:.1f}", static_cast<double>(row.peak_memory_kb) / 1024),
          row.equal ? "equal" : "DIFFERS"};
}

// To six digits behind the point: nanoseconds, of milliseconds.
double Rounded(double figure) { return std::stod(fmt::format("{:.6f}", figure)); }

std::vector<std::string> Warnings(const TaskReport& report, const Setting& setting) {
  std::vector<Way> ways;
  for (const Row& row : report.rows) ways.push_back(row.way);
  std::vector<std::string> warnings = {SpreadWarning(report),
                                       OtherLoadWarning(report, setting.cpus),
                                       TooManyWorkersWarning(ways, setting.cpus)};
  std::erase(warnings, "");
  return warnings;
}

JsonValue RowAsJson(const Row& row) {
  JsonValue json = {{"mode", NameOf(row.way.mode)}, {"workers", row.way.workers}};
  const auto add = [&](const char* name, const auto& figure) {
    json[name] = row.failed ? JsonValue(nullptr) : JsonValue(figure);
  };
  add("median_ms", Rounded(row.median_ms));
  add("min_ms", Rounded(row.min_ms));
  add("max_ms", Rounded(row.max_ms));
  add("low_ms", Rounded(row.likely_ms.low));
  add("high_ms", Rounded(row.likely_ms.high));
  add("speedup", Rounded(row.speedup));
  if (row.speedup == 0) json["speedup"] = nullptr;
  add("user_ms", Rounded(row.user_ms));
  add("system_ms", Rounded(row.system_ms));
  add("context_switches", row.context_switches);
  add("peak_memory_kb", row.peak_memory_kb);
  add("result", row.result);
  json["equal"] = row.equal && !row.failed;
  std::vector<double> runs_ms;
  for (const double ms : row.runs_ms) runs_ms.push_back(Rounded(ms));
  add("runs_ms", runs_ms);
  return json;
}

}  // namespace

std::string FormatHeading(const Setting& setting) {
  return fmt::format("{} CPU{}; {} run{} each after a warm-up, in turn\n", setting.cpus,
                     setting.cpus == 1 ? "" : "s", setting.runs, setting.runs == 1 ? "" : "s");
}

std::string FormatTask(const TaskReport& report, const Setting& setting) {
  TextTable table({{.title = "mode", .align = Align::kLeft},
                   {.title = "workers"},
                   {.title = "median ms"},
                   {.title = "min..max"},
                   {.title = "speed-up"},
                   {.title = "user ms"},
                   {.title = "sys ms"},
                   {.title = "switches"},
                   {.title = "peak MiB"},
                   {.title = "result", .align = Align::kLeft}});
  for (const Row& row : report.rows) table.AddRow(Cells(row));
  std::string text = fmt::format("\n{}: {}\n\n{}\n{}", report.name, report.summary, table.Format(),
                                 Wrapped(Verdict(report, setting.cpus)));
  if (!report.not_shown.empty()) text += Wrapped(report.not_shown);
  return text;
}

std::string FormatJson(std::span<const TaskReport> reports, const Setting& setting) {
  JsonValue json = {{"version", TALLY_VERSION},
                    {"cpus", setting.cpus},
                    {"runs", setting.runs},
                    {"files", setting.files},
                    {"tasks", JsonValue::array()}};
  for (const TaskReport& report : reports) {
    JsonValue rows = JsonValue::array();
    for (const Row& row : report.rows) rows.push_back(RowAsJson(row));
    json["tasks"].push_back({{"name", report.name},
                             {"summary", report.summary},
                             {"items", report.items},
                             {"verdict", Verdict(report, setting.cpus)},
                             {"not_shown", report.not_shown},
                             {"warnings", Warnings(report, setting)},
                             {"errors", report.errors},
                             {"rows", std::move(rows)}});
  }
  return DumpJson(json);
}

}  // namespace tally::compare
