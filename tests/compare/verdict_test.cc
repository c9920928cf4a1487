#include "master/compare/verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tally::compare {
namespace {

using testing::AllOf;
using testing::HasSubstr;

Row MakeRow(ExecutionMode mode, uint32_t workers, double median_ms, double uncertain_ms = 1) {
  Row row{.way = {mode, workers}};
  row.median_ms = median_ms;
  row.runs_ms.assign(5, median_ms);
  row.likely_ms = {.low = median_ms - uncertain_ms / 2, .high = median_ms + uncertain_ms / 2};
  row.speedup = 100 / median_ms;
  return row;
}

/// The serial median is 100 ms, `busy_ms` of it spent computing.
TaskReport MakeReport(double busy_ms, std::vector<Row> rows, double uncertain_ms = 1) {
  TaskReport report{.name = "task", .summary = "", .not_shown = "", .rows = {}, .errors = {}};
  report.rows.push_back(MakeRow(ExecutionMode::kSerial, 1, 100, uncertain_ms));
  report.rows.front().user_ms = busy_ms;
  report.rows.insert(report.rows.end(), rows.begin(), rows.end());
  return report;
}

constexpr auto kThread = ExecutionMode::kThread;
constexpr auto kProcess = ExecutionMode::kProcess;

TEST(VerdictTest, SaysThatTwoAreFasterAndThatModesTie) {
  const TaskReport report = MakeReport(99, {MakeRow(kThread, 2, 51), MakeRow(kProcess, 2, 51)});
  EXPECT_EQ(Verdict(report, 2),
            "CPU-bound: 2 workers are 1.96x serial; threads and processes tie.");
}

TEST(VerdictTest, AFewPercentOfDifferenceAreATie) {
  const TaskReport report =
      MakeReport(99, {MakeRow(kThread, 2, 50, 0.1), MakeRow(kProcess, 2, 52, 0.1)});
  EXPECT_EQ(Verdict(report, 2),
            "CPU-bound: 2 workers are 1.92x to 2.00x serial; threads and processes tie.");
}

TEST(VerdictTest, IntervalsThatOverlapTellNothing) {
  const auto verdict = [](double uncertain_ms) {
    return Verdict(MakeReport(99, {MakeRow(kThread, 2, 50, uncertain_ms),
                                   MakeRow(kProcess, 2, 60, uncertain_ms)}),
                   2);
  };
  EXPECT_EQ(verdict(12),
            "CPU-bound: 2 workers are 1.67x to 2.00x serial; these runs cannot tell threads from "
            "processes.");
  EXPECT_EQ(verdict(8), "CPU-bound: 2 workers are 2.00x serial as threads, 1.67x as processes.");
}

TEST(VerdictTest, NamesTheFasterModeFirst) {
  const TaskReport report = MakeReport(99, {MakeRow(kThread, 2, 80), MakeRow(kProcess, 2, 50)});
  EXPECT_EQ(Verdict(report, 2),
            "CPU-bound: 2 workers are 2.00x serial as processes, 1.25x as threads.");
}

TEST(VerdictTest, ConcludesNothingFromRunsThatDifferTooMuch) {
  const TaskReport wide = MakeReport(99, {MakeRow(kThread, 2, 50, 26), MakeRow(kProcess, 2, 90)});
  EXPECT_THAT(Verdict(wide, 2), HasSubstr("but the runs differ too much to conclude."));
  const TaskReport serial = MakeReport(99, {MakeRow(kThread, 2, 50), MakeRow(kProcess, 2, 90)}, 60);
  EXPECT_THAT(Verdict(serial, 2), HasSubstr("but the runs differ too much to conclude."));
}

TEST(VerdictTest, ConcludesNothingFromFewRuns) {
  TaskReport report = MakeReport(99, {MakeRow(kThread, 2, 50), MakeRow(kProcess, 2, 90)});
  for (Row& row : report.rows) row.runs_ms.resize(4);
  EXPECT_EQ(Verdict(report, 2),
            "CPU-bound: 2 workers are 1.11x to 2.00x serial, but so few runs conclude nothing.");
}

TEST(VerdictTest, SaysWhatTheSerialRunSpentItsTimeOn) {
  const auto verdict = [](double busy_ms) {
    return Verdict(MakeReport(busy_ms, {MakeRow(kThread, 2, 50), MakeRow(kProcess, 2, 50)}), 2);
  };
  EXPECT_THAT(verdict(80), HasSubstr("CPU-bound: "));
  EXPECT_THAT(verdict(79), HasSubstr("Partly waiting (the CPU is busy 79 % of the time): "));
  EXPECT_THAT(verdict(20), HasSubstr("Mostly waiting (the CPU is busy 20 % of the time): "));
}

TEST(VerdictTest, JudgesAsManyWorkersAsThereAreCpusAndTellsOfTheRest) {
  const auto verdict = [](double four_ms, uint32_t cpus) {
    return Verdict(MakeReport(99, {MakeRow(kThread, 1, 100), MakeRow(kThread, 2, 50),
                                   MakeRow(kThread, 4, four_ms), MakeRow(kProcess, 1, 100),
                                   MakeRow(kProcess, 2, 50), MakeRow(kProcess, 4, four_ms)}),
                   cpus);
  };
  EXPECT_THAT(verdict(50, 2), AllOf(HasSubstr("2 workers are 2.00x serial; "),
                                    HasSubstr(" 4 workers on 2 CPUs gain nothing over 2.")));
  EXPECT_THAT(verdict(25, 2), HasSubstr(" 4 workers on 2 CPUs are 2.0x as fast as 2."));
  EXPECT_THAT(verdict(46, 2), HasSubstr(" 4 workers on 2 CPUs gain nothing over 2."));
  EXPECT_THAT(verdict(45, 2), HasSubstr(" 4 workers on 2 CPUs are 1.1x as fast as 2."));
  EXPECT_THAT(verdict(70, 2), HasSubstr(" 4 workers on 2 CPUs are slower than 2."));
  EXPECT_EQ(verdict(25, 4), "CPU-bound: 4 workers are 4.00x serial; threads and processes tie.");
  EXPECT_THAT(verdict(100, 1), HasSubstr("1 worker is 1.00x serial; "));
}

TEST(VerdictTest, BeyondTheCpusThreadsAndProcessesMayDiffer) {
  const TaskReport report = MakeReport(2, {MakeRow(kThread, 2, 50), MakeRow(kThread, 64, 7),
                                           MakeRow(kProcess, 2, 50), MakeRow(kProcess, 64, 22)});
  EXPECT_THAT(
      Verdict(report, 2),
      HasSubstr(" 64 workers on 2 CPUs are 7.1x as fast as 2 as threads, 2.3x as processes."));
}

TEST(VerdictTest, BeyondTheCpusRunsThatDifferTooMuchTellNothing) {
  const TaskReport report = MakeReport(99, {MakeRow(kThread, 2, 50), MakeRow(kThread, 4, 50, 40),
                                            MakeRow(kProcess, 2, 50), MakeRow(kProcess, 4, 50)});
  EXPECT_THAT(Verdict(report, 2),
              HasSubstr(" 4 workers on 2 CPUs: the runs differ too much to tell."));
}

TEST(VerdictTest, TellsThatWorkersSlowEachOtherDown) {
  Row threads = MakeRow(kThread, 2, 90);
  Row processes = MakeRow(kProcess, 2, 90);
  threads.user_ms = processes.user_ms = 125;
  EXPECT_EQ(Verdict(MakeReport(100, {threads, processes}), 2),
            "CPU-bound: 2 workers are 1.11x serial; threads and processes tie.");
  threads.user_ms = processes.user_ms = 180;
  EXPECT_EQ(
      Verdict(MakeReport(100, {threads, processes}), 2),
      "CPU-bound: 2 workers are 1.11x serial; threads and processes tie. Their CPU time is 1.8x "
      "serial's: they slow each other down, as CPUs do that share a core.");
}

TEST(VerdictTest, OfCostsItSaysThatOfAnItem) {
  TaskReport report = MakeReport(0, {MakeRow(kThread, 1, 5), MakeRow(kProcess, 1, 30)});
  report.question = Question::kCostOfItem;
  report.items = 100;
  EXPECT_EQ(Verdict(report, 2),
            "To start and join a worker takes 300 us as a process and 50 us as a thread (6.0x).");
  for (Row& row : report.rows) row.likely_ms.high = 2 * row.median_ms;
  EXPECT_EQ(SpreadWarning(report).find("serial"), std::string::npos) << "nothing is said of it";
  EXPECT_THAT(Verdict(report, 2), HasSubstr("50 us as a thread, but the runs differ too much"));
  report.rows[1].way.workers = report.rows[2].way.workers = 3;
  EXPECT_THAT(Verdict(report, 2), HasSubstr("To start and join a worker, 3 at a time, takes"));
}

TEST(VerdictTest, WhereOneFailedThereIsNone) {
  TaskReport report = MakeReport(99, {MakeRow(kThread, 2, 50), MakeRow(kProcess, 2, 50)});
  report.rows[0].failed = true;
  EXPECT_THAT(Verdict(report, 2), HasSubstr("No verdict"));
  report.rows[0].failed = false;
  report.rows[2].failed = true;
  EXPECT_THAT(Verdict(report, 2), HasSubstr("No verdict"));
}

TEST(SpreadWarningTest, NamesTheUncertainOnesAndTheWorstOfThem) {
  TaskReport report = MakeReport(99, {MakeRow(kThread, 2, 50, 30), MakeRow(kProcess, 4, 50, 40)});
  EXPECT_EQ(SpreadWarning(report),
            "task: the median of 2 threads, 4 processes is uncertain by up to 80 %, too much to "
            "conclude anything from it; use more --runs, or a quieter machine");
  report.rows.resize(1);
  EXPECT_EQ(SpreadWarning(report), "");
}

TEST(SpreadWarningTest, OfFewRunsTooLittleIsKnown) {
  TaskReport report = MakeReport(99, {});
  EXPECT_EQ(SpreadWarning(report), "");
  report.rows[0].runs_ms.resize(4);
  EXPECT_THAT(SpreadWarning(report), HasSubstr("task: fewer than 5 runs say too little"));
}

TEST(OtherLoadWarningTest, TellsOfMachinesThatAreBusy) {
  TaskReport report = MakeReport(99, {});
  report.other_cpus = 0.15;
  EXPECT_EQ(OtherLoadWarning(report, 2), "");
  report.other_cpus = 0.96;
  EXPECT_THAT(OtherLoadWarning(report, 2),
              HasSubstr("task: other programs used 1.0 of 2 CPUs meanwhile, so "));
  report = MakeReport(99, {MakeRow(kThread, 2, 100), MakeRow(kProcess, 2, 100)});
  report.other_cpus = 1;
  EXPECT_EQ(Verdict(report, 2),
            "While other programs used 1.0 of 2 CPUs: 2 workers are 1.00x serial; threads and "
            "processes tie.");
}

TEST(TooManyWorkersWarningTest, WarnsOnlyWhereCpusAreFewer) {
  const std::vector<Way> ways = WaysFor({1, 2});
  EXPECT_EQ(TooManyWorkersWarning(ways, 2), "");
  EXPECT_THAT(TooManyWorkersWarning(ways, 1),
              HasSubstr("2 workers on 1 CPU: what computes cannot be more than 1x serial"));
}

}  // namespace
}  // namespace tally::compare
