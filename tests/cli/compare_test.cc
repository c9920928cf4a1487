// `tally compare` as a person meets it: the tables, JSON, wrong usage, Ctrl-C.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/cli/run_tally.h"

namespace tally {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::ContainsRegex;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class CompareCliTest : public CliTest {
 protected:
  CompareCliTest() { Write("book", "to be or not to be\nthat is the question\n"); }

  Outcome Compare(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "compare");
    return Tally(std::move(arguments));
  }
};

TEST_F(CompareCliTest, PrintsATableAndASentenceForEachTask) {
  const Outcome outcome = Compare({"book", "--tasks", "count,spawn", "-j", "1,2", "--runs", "2"});
  EXPECT_THAT(outcome, ExitsWith(0));
  EXPECT_THAT(
      outcome.out,
      AllOf(ContainsRegex("^[0-9]+ CPUs?; 2 runs each after a warm-up, in turn\n\n"),
            HasSubstr("\ncount: tally count book\n"),
            ContainsRegex("\n  mode +workers +median ms +min..max +speed-up +user ms +sys ms "
                          "+switches +peak MiB +result\n"),
            HasSubstr("\nspawn: 100 workers started and joined")));
  std::string words = outcome.out;  // where it breaks lines is its own affair
  std::ranges::replace(words, '\n', ' ');
  EXPECT_THAT(words, ContainsRegex("To start and join a worker takes [0-9.]+ us as a process and "
                                   "[0-9.]+ us as a thread"));
  for (const char* const way :
       {"serial  +1", "thread  +1", "thread  +2", "process +1", "process +2"}) {
    EXPECT_THAT(
        outcome.out,
        ContainsRegex(std::string("\n  ") + way +
                      " +[0-9.]+ +[0-9.]+[.][.][0-9.]+ +[0-9.]+x +[0-9.]+ +[0-9.]+ +[0-9,]+ "
                      "+[0-9.]+  equal\n"));
  }
}

void CheckRow(const json& row, bool failed) {
  EXPECT_THAT(row.at("mode"), testing::AnyOf("serial", "thread", "process"));
  EXPECT_TRUE(row.at("workers").is_number_unsigned());
  for (const char* const figure :
       {"median_ms", "min_ms", "max_ms", "low_ms", "high_ms", "speedup", "user_ms", "system_ms"}) {
    EXPECT_EQ(row.at(figure).is_number(), !failed) << figure;
    EXPECT_EQ(row.at(figure).is_null(), failed) << figure;
  }
  EXPECT_EQ(row.at("context_switches").is_number_unsigned(), !failed);
  EXPECT_EQ(row.at("peak_memory_kb").is_number_unsigned(), !failed);
  EXPECT_EQ(row.at("result").is_string(), !failed);
  EXPECT_EQ(row.at("equal"), !failed);
  EXPECT_EQ(row.at("runs_ms").is_array(), !failed);
  EXPECT_EQ(row.size(), 15U);
}

void CheckReport(const json& report, const std::vector<std::string>& names, bool failed) {
  EXPECT_EQ(report.size(), 5U);
  EXPECT_TRUE(report.at("version").is_string());
  EXPECT_TRUE(report.at("cpus").is_number_unsigned());
  EXPECT_EQ(report.at("runs"), 2);
  EXPECT_TRUE(report.at("files").is_array());
  ASSERT_EQ(report.at("tasks").size(), names.size());
  for (size_t i = 0; i < names.size(); ++i) {
    const json& task = report.at("tasks")[i];
    EXPECT_EQ(task.size(), 8U);
    EXPECT_EQ(task.at("name"), names[i]);
    for (const char* const text : {"summary", "verdict", "not_shown"}) {
      EXPECT_TRUE(task.at(text).is_string()) << text;
    }
    EXPECT_TRUE(task.at("items").is_number_unsigned());
    EXPECT_TRUE(task.at("warnings").is_array());
    EXPECT_EQ(task.at("errors").empty(), !failed);
    ASSERT_EQ(task.at("rows").size(), 3U);
    for (const json& row : task.at("rows")) CheckRow(row, failed);
    if (failed) continue;
    EXPECT_EQ(task.at("rows")[0].at("speedup"), 1);
    for (const json& row : task.at("rows")) {
      EXPECT_EQ(row.at("result"), task.at("rows")[0].at("result"));
      EXPECT_EQ(row.at("runs_ms").size(), 2U);
    }
  }
}

TEST_F(CompareCliTest, JsonHoldsToItsSchemaForEveryTask) {
  const Outcome outcome = Compare({"book", "--json", "-j2", "--runs", "2", "--export", "all.json"});
  EXPECT_THAT(outcome, ExitsWith(0));
  const json report = json::parse(outcome.out);
  CheckReport(report, {"count", "cpu", "fibonacci", "io", "sleep", "spawn"}, /*failed=*/false);
  EXPECT_EQ(report.at("files"), json::array({"book"}));
  EXPECT_EQ(Read("all.json"), outcome.out);
}

TEST_F(CompareCliTest, WhatFailedIsNullInJsonAndTheOthersAreDone) {
  Command command = TallyCommand({"compare", "--tasks", "io", "--json", "-j2", "--runs", "2"});
  command.environment["TMPDIR"] = Path("missing");
  const Outcome outcome = RunCommand(command);
  EXPECT_THAT(outcome, ExitsWith(1));
  CheckReport(json::parse(outcome.out), {"io"}, /*failed=*/true);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("tally: io, serial (and 2 other ways): item 1 of 20: "),
                                 HasSubstr("tally: ... and 15 more; --json has them all\n")));

  command.arguments = {"compare", "--tasks", "io,spawn", "-j2", "--runs", "2"};
  const Outcome tables = RunCommand(command);
  EXPECT_THAT(tables, ExitsWith(1));
  EXPECT_THAT(tables.out, AllOf(ContainsRegex("\n  process +2 +- .*-  failed\n"),
                                HasSubstr("To start and join a worker")));
}

TEST_F(CompareCliTest, CountsASampleWithoutAFile) {
  if (kThreadSanitized) GTEST_SKIP() << "takes minutes; what it counts there is counted elsewhere";
  const Outcome outcome = Compare({"--tasks", "count", "--json", "-j2", "--runs", "2", "-q"});
  EXPECT_THAT(outcome, ExitsWith(0));
  EXPECT_EQ(outcome.err, "");
  const json report = json::parse(outcome.out);
  CheckReport(report, {"count"}, /*failed=*/false);
  EXPECT_THAT(report.at("tasks")[0].at("rows")[0].at("result").get<std::string>(),
              StartsWith("50000 keys, XXH3 "));
}

TEST_F(CompareCliTest, TheResultIsThatOfTallyCount) {
  const Outcome outcome = Compare({"book", "--tasks", "count", "--json", "-j2", "--runs", "1"});
  const json report = json::parse(outcome.out);
  EXPECT_THAT(report.at("tasks")[0].at("rows")[0].at("result").get<std::string>(),
              StartsWith("8 keys, XXH3 "));
}

// It would come with each of a hundred runs.
TEST_F(CompareCliTest, WhatTallyCountWarnsOfIsNotRepeated) {
  Write("book.zst", "\x28\xb5\x2f\xfd a b\n");
  const Outcome outcome = Compare({"book.zst", "--tasks", "count", "-j2", "--runs", "1", "-q"});
  EXPECT_THAT(outcome, ExitsWith(0));
  EXPECT_EQ(outcome.err, "");
}

TEST_F(CompareCliTest, VerboseTellsEachResultAsItComes) {
  const Outcome outcome = Compare({"--tasks", "sleep", "-j2", "--runs", "1", "-v"});
  EXPECT_THAT(outcome, ExitsWith(0));
  for (int item = 1; item <= 20; ++item) {
    EXPECT_THAT(outcome.err, ContainsRegex("\ntally: sleep, 2 processes: worker [12], item " +
                                           std::to_string(item) + " of 20: 1\n"));
  }
  EXPECT_THAT(outcome.err,
              ContainsRegex("\ntally: sleep, 2 threads: run 1 of 1: [0-9.]+ ms, result 20\n"));
  EXPECT_THAT(outcome.err, Not(HasSubstr("\r")));
}

TEST_F(CompareCliTest, WarnsOfMoreWorkersThanCpusAndOfSingleRuns) {
  const Outcome outcome = Shell("taskset -c 0 tally compare --tasks sleep -j 2 --runs 1");
  EXPECT_THAT(outcome, ExitsWith(0));
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("tally: warning: 2 workers on 1 CPU: "),
                                 HasSubstr("tally: warning: sleep: fewer than 5 runs ")));
  EXPECT_THAT(outcome.out, HasSubstr("1 CPU; 1 run each"));
  EXPECT_EQ(Shell("taskset -c 0 tally compare --tasks sleep -j 2 --runs 1 -q").err, "");
}

TEST_F(CompareCliTest, WrongUsageIsOneLineThatSaysWhatIsAllowed) {
  struct Case {
    std::vector<std::string> arguments;
    const char* message;
  };
  for (const Case& c :
       std::vector<Case>{{{"--tasks", "slep"}, "did you mean 'sleep'?"},
                         {{"--tasks", "cpu,"}, "put one comma between two"},
                         {{"-j", "0"}, "whole number from 1 to 64"},
                         {{"-j", "1,65"}, "whole number from 1 to 64"},
                         {{"-j", ""}, "empty place"},
                         {{"--runs", "0"}, "whole number from 1 to 1000"},
                         {{"cpu"}, "did you mean '--tasks cpu'?"},
                         {{"--export", "-"}, "'-' would mix it with standard output"},
                         {{"-"}, "standard input is no plain file"},
                         {{"/dev/null"}, "'/dev/null' is no plain file"},
                         {{""}, "a file name is empty"},
                         {{"book", "--tasks", "cpu"}, "leave out 'book', or add count to --tasks"},
                         {{"--export", ""}, "the file name is empty"},
                         {{"--run", "3"}, "did you mean '--runs'?"}}) {
    const Outcome outcome = Compare(c.arguments);
    EXPECT_THAT(outcome, ExitsWith(2)) << c.message;
    EXPECT_EQ(outcome.out, "");
    EXPECT_THAT(outcome.err, AllOf(StartsWith("tally: "), HasSubstr(c.message)));
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1);
  }
}

TEST_F(CompareCliTest, WhatCannotBeReadOrWrittenIsToldAtOnce) {
  EXPECT_THAT(Compare({"missing"}).err, HasSubstr("missing: cannot be opened"));
  EXPECT_THAT(Compare({"--export", "missing/file"}).err, HasSubstr("make its directory first"));
  const Outcome outcome = Compare({"book", "--export", "book"});
  EXPECT_THAT(outcome, ExitsWith(1));
  EXPECT_THAT(outcome.err, HasSubstr("book: is an input as well; nothing was written"));
}

TEST_F(CompareCliTest, OnATerminalAStatusLineSaysWhatItIsAtAndVanishes) {
  Command command = TallyCommand({"compare", "--tasks", "sleep", "-j2", "--runs", "1"});
  command.err = Output::kTerminal;
  command.environment["TERM"] = "xterm";
  const Outcome outcome = RunCommand(command);
  EXPECT_THAT(outcome.terminal, HasSubstr("\r\x1b[Ksleep, serial: warm-up\r\x1b[K"));
}

TEST_F(CompareCliTest, CtrlCLeavesNothingBehind) {
  for (const char* const way : {"serial", "threads", "processes"}) {
    Command command =
        TallyCommand({"compare", "--tasks", "sleep,io", "-j", "2", "--runs", "1000", "-v"});
    command.environment["TMPDIR"] = Path(".");
    Process process(command);
    const std::string wanted = std::string(way) + ": run 2 of 1000";
    ASSERT_TRUE(process.WaitUntil(
        [&] { return process.outcome().err.find(wanted) != std::string::npos; }, "it runs"));
    process.Signal(SIGINT);
    EXPECT_THAT(process.Wait(), DiesBy(SIGINT));
    EXPECT_FALSE(process.AnyProcessLeft());
    EXPECT_THAT(Files(), ElementsAre("book"));
  }
}

}  // namespace
}  // namespace tally
