#include "master/race/race_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "master/json_value.h"
#include "master/text_table.h"

namespace tally::race {
namespace {

constexpr size_t kMostFindings = 10;

double LostPercent(const Variant& variant) {
  if (variant.expected == 0) return 0;
  return 100 * static_cast<double>(*variant.lost) / static_cast<double>(variant.expected);
}

// Three digits: the others are noise.
uint64_t Rounded(double speed) {
  return static_cast<uint64_t>(std::stod(fmt::format("{:.2e}", speed)));
}

std::string Count(uint64_t number, std::string_view singular, std::string_view plural) {
  return fmt::format("{} {}", WithCommas(number), number == 1 ? singular : plural);
}

std::string WindowText(const RaceWindow& window) {
  if (window == RaceWindow::None()) return "none";
  if (window == RaceWindow::Yield()) return "yield";
  return std::to_string(window.microseconds());
}

// The explanation tells of what goes wrong, so it is said where nothing did.
std::string WhatItWasNot(const Experiment& experiment, const Setup& setup, const Report& report) {
  const bool lost = report.variants.front().lost != 0;
  if (lost || report.evidence || !experiment.loses) return "";
  return setup.workers == 1
             ? "One worker alone has nobody to race with. With two: "
             : "This time nothing went wrong: that is luck, not safety. When it does: ";
}

std::string FormatVariants(const Report& report) {
  TextTable table({{.title = "variant", .align = Align::kLeft},
                   {.title = "expected"},
                   {.title = "actual"},
                   {.title = "lost"},
                   {.title = "lost %"},
                   {.title = "operations/s"},
                   {.title = "", .align = Align::kLeft}});
  for (const Variant& variant : report.variants) {
    table.AddRow({variant.name, WithCommas(variant.expected), WithCommas(variant.actual),
                  variant.lost ? WithCommas(*variant.lost) : "-",
                  variant.lost ? fmt::format("{:.1f}", LostPercent(variant)) : "-",
                  variant.ops_per_s > 0 ? WithCommas(Rounded(variant.ops_per_s)) : "-",
                  variant.note});
  }
  return table.Format();
}

}  // namespace

std::string FormatList(bool json) {
  if (!json) {
    TextTable table({{.title = "experiment", .align = Align::kLeft},
                     {.title = "what goes wrong", .align = Align::kLeft}});
    for (const Experiment& experiment : AllExperiments()) {
      const std::string file = experiment.takes_file ? " FILE" : "";
      table.AddRow({std::string(experiment.name) + file, std::string(experiment.summary)});
    }
    return table.Format() + "\nRun one with: tally race lost-update\n";
  }
  JsonValue list = JsonValue::array();
  for (const Experiment& experiment : AllExperiments()) {
    list.push_back({{"name", experiment.name}, {"summary", experiment.summary}});
  }
  return DumpJson(list);
}

std::string FormatText(const Experiment& experiment, const Setup& setup, const Report& report) {
  const bool threads = setup.executor->name() == "thread";
  const std::string window =
      experiment.waits_in_window
          ? fmt::format("; {} between load and store (--race-window)", setup.window.Describe())
          : "";
  std::string text = fmt::format(
      "{}: {}\n{}, {} {}{}\n\n", experiment.name, experiment.summary,
      Count(setup.workers, threads ? "thread" : "process", threads ? "threads" : "processes"),
      Count(setup.rounds, experiment.round, experiment.rounds), experiment.round_suffix, window);
  text += FormatVariants(report) + "\n";
  for (size_t i = 0; i < std::min(report.findings.size(), kMostFindings); ++i) {
    text += report.findings[i] + "\n";
  }
  if (report.findings.size() > kMostFindings) {
    text += fmt::format("... and {} more\n", report.findings.size() - kMostFindings);
  }
  if (!report.findings.empty()) text += "\n";
  if (report.evidence) {
    text += "Caught in the act, in a further run in which the workers noted each step:\n\n";
    text += FormatTimeline(*report.evidence, setup.workers, report.describe) + "\n";
  }
  text += Wrapped(WhatItWasNot(experiment, setup, report) + report.explanation);
  return text + fmt::format("\nTry next: {}\n", report.try_next);
}

std::string FormatJson(const Experiment& experiment, const Setup& setup, const Report& report) {
  JsonValue json = {{"experiment", experiment.name},
                    {"mode", setup.executor->name()},
                    {"workers", setup.workers},
                    {"rounds", setup.rounds},
                    {"race_window", WindowText(setup.window)},
                    {"variants", JsonValue::array()},
                    {"findings", report.findings},
                    {"explanation", report.explanation},
                    {"evidence", nullptr}};
  for (const Variant& variant : report.variants) {
    json["variants"].push_back(
        {{"name", variant.name},
         {"expected", variant.expected},
         {"actual", variant.actual},
         {"lost", variant.lost ? JsonValue(*variant.lost) : JsonValue(nullptr)},
         {"lost_percent", variant.lost ? JsonValue(LostPercent(variant)) : JsonValue(nullptr)},
         {"ops_per_s", variant.ops_per_s},
         {"note", variant.note}});
  }
  if (!report.evidence) return DumpJson(json);
  JsonValue rows = JsonValue::array();
  const int64_t start_ns = report.evidence->rows.front().event.time_ns;
  for (const auto& [worker, event] : report.evidence->rows) {
    rows.push_back({{"time_ns", event.time_ns - start_ns},
                    {"worker", worker + 1},
                    {"operation", OperationName(event.operation)},
                    {"object", event.object},
                    {"value", event.value}});
  }
  json["evidence"] = {{"verdict", report.evidence->verdict}, {"rows", rows}};
  return DumpJson(json);
}

}  // namespace tally::race
