#include "master/compare/compare_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace tally::compare {
namespace {

using nlohmann::json;
using testing::HasSubstr;

/// Each figure another number.
TaskReport MakeReport() {
  Row serial{.way = {ExecutionMode::kSerial, 1}, .runs_ms = {11, 10, 12, 13, 14}};
  serial.median_ms = 12;
  serial.min_ms = 10;
  serial.max_ms = 14;
  serial.likely_ms = {.low = 11, .high = 13};
  serial.speedup = 1;
  serial.user_ms = 8;
  serial.system_ms = 3;
  serial.context_switches = 1234;
  serial.peak_memory_kb = 5 * 1024 + 512;
  serial.result = "42";
  Row different = serial;
  different.way = {ExecutionMode::kThread, 2};
  different.speedup = 0.04567;
  different.equal = false;
  Row failed{.way = {ExecutionMode::kProcess, 3}};
  failed.failed = true;
  return {.name = "task",
          .summary = "what it is",
          .items = 20,
          .not_shown = "This shows no disk.",
          .rows = {serial, different, failed},
          .errors = {"an error"}};
}

TEST(FormatTaskTest, HasEachFigureInItsColumn) {
  EXPECT_THAT(FormatTask(MakeReport(), {.cpus = 2, .runs = 5, .files = {}}),
              HasSubstr("\n"
                        "task: what it is\n"
                        "\n"
                        "  mode     workers  median ms      min..max  speed-up  user ms  sys ms  "
                        "switches  peak MiB  "
                        "result\n"
                        "  serial         1      12.00  10.00..14.00     1.00x      8.0     3.0    "
                        " 1,234       5.5  "
                        "equal\n"
                        "  thread         2      12.00  10.00..14.00    0.046x      8.0     3.0    "
                        " 1,234       5.5  "
                        "DIFFERS\n"
                        "  process        3          -             -         -        -       -    "
                        "     -         -  "
                        "failed\n"
                        "\n"
                        "No verdict"));
  EXPECT_THAT(FormatTask(MakeReport(), {}), testing::EndsWith("\nThis shows no disk.\n"));
}

TEST(FormatCompareJsonTest, HasEachFigureUnderItsName) {
  const std::vector<TaskReport> reports = {MakeReport()};
  const json report = json::parse(FormatJson(reports, {.cpus = 2, .runs = 5, .files = {"a", "b"}}));
  EXPECT_EQ(report.at("cpus"), 2);
  EXPECT_EQ(report.at("runs"), 5);
  EXPECT_EQ(report.at("files"), json({"a", "b"}));
  const json& task = report.at("tasks").at(0);
  EXPECT_EQ(task.at("name"), "task");
  EXPECT_EQ(task.at("items"), 20);
  EXPECT_EQ(task.at("errors"), json({"an error"}));
  EXPECT_EQ(task.at("warnings").size(), 1U) << "3 workers on 2 CPUs";
  const json serial = {{"mode", "serial"},
                       {"workers", 1},
                       {"median_ms", 12.0},
                       {"min_ms", 10.0},
                       {"max_ms", 14.0},
                       {"low_ms", 11.0},
                       {"high_ms", 13.0},
                       {"speedup", 1.0},
                       {"user_ms", 8.0},
                       {"system_ms", 3.0},
                       {"context_switches", 1234},
                       {"peak_memory_kb", 5632},
                       {"result", "42"},
                       {"equal", true},
                       {"runs_ms", {11.0, 10.0, 12.0, 13.0, 14.0}}};
  EXPECT_EQ(task.at("rows").at(0), serial);
  EXPECT_EQ(task.at("rows").at(1).at("equal"), false);
  EXPECT_EQ(task.at("rows").at(1).at("speedup"), 0.04567);
  EXPECT_EQ(task.at("rows").at(2).at("median_ms"), nullptr);
}

}  // namespace
}  // namespace tally::compare
