// `tally race` as a student meets it: the list, the reports, JSON, traces, wrong usage, Ctrl-C.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "master/stall_watch.h"
#include "tests/cli/run_tally.h"

namespace tally {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::ContainsRegex;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

const std::vector<std::string> kExperiments = {"lost-update",   "array",        "check-then-act",
                                               "shared-table",  "torn-read",    "deadlock",
                                               "false-sharing", "killed-holder"};

class RaceCliTest : public CliTest {
 protected:
  RaceCliTest() {
    std::string text;
    for (int i = 0; i < 2000; ++i) text += "the word" + std::to_string(i % 300) + " ";
    Write("book", text);
  }

  /// With the file for the one that takes it.
  std::vector<std::string> Race(const std::string& experiment,
                                const std::vector<std::string>& options = {}) const {
    std::vector<std::string> arguments = {"race", experiment};
    if (experiment == "shared-table") arguments.emplace_back("book");
    arguments.insert(arguments.end(), options.begin(), options.end());
    return arguments;
  }
};

TEST_F(RaceCliTest, WithoutAnExperimentItListsThemALineEach) {
  const Outcome outcome = Tally({"race"});
  EXPECT_THAT(outcome, ExitsWith(0));
  for (const std::string& experiment : kExperiments) {
    EXPECT_THAT(outcome.out, ContainsRegex("\n  " + experiment + " [^\n]+\n"));
  }
  const json list = json::parse(Tally({"race", "--json"}).out);
  ASSERT_EQ(list.size(), kExperiments.size());
  for (size_t i = 0; i < list.size(); ++i) EXPECT_EQ(list[i].at("name"), kExperiments[i]);
}

TEST_F(RaceCliTest, AReportHasTheTableTheEvidenceAndTheLesson) {
  const Outcome outcome = Tally(Race("lost-update"));
  EXPECT_THAT(outcome, ExitsWith(0));
  EXPECT_THAT(outcome.out, AllOf(StartsWith("lost-update: "),
                                 HasSubstr("a yield between load and store (--race-window)"),
                                 HasSubstr("\nTry next: tally race lost-update")));
  for (const char* const variant : {"unsafe", "mutex", "atomic", "private-then-merge"}) {
    EXPECT_THAT(outcome.out, ContainsRegex(std::string("\n  ") + variant +
                                           " +40,000 +[0-9,]+ +[0-9,]+ +[0-9.]+"));
  }
  EXPECT_THAT(outcome.out, ContainsRegex("\n +\\+0 ns +load ([0-9]+)\n"));
  EXPECT_THAT(outcome.out, HasSubstr("<- lost\n"));
}

TEST_F(RaceCliTest, JsonHoldsToItsSchema) {
  for (const std::string& experiment : kExperiments) {
    const Outcome outcome = Tally(Race(experiment, {"--json", "-j3"}));
    ASSERT_THAT(outcome, ExitsWith(0));
    const json report = json::parse(outcome.out);
    EXPECT_EQ(report.at("experiment"), experiment);
    EXPECT_EQ(report.at("mode"), "process");
    EXPECT_EQ(report.at("workers"), 3);
    EXPECT_TRUE(report.at("rounds").is_number_unsigned());
    EXPECT_EQ(report.at("race_window"), "yield");
    EXPECT_TRUE(report.at("explanation").is_string());
    EXPECT_TRUE(report.at("findings").is_array());
    ASSERT_GE(report.at("variants").size(), 2u);
    for (const json& variant : report.at("variants")) {
      EXPECT_TRUE(variant.at("name").is_string());
      for (const char* const number : {"expected", "actual", "lost"}) {
        EXPECT_TRUE(variant.at(number).is_number_unsigned()) << number;
      }
      EXPECT_TRUE(variant.at("ops_per_s").is_number());
      EXPECT_TRUE(variant.at("lost_percent").is_number());
      EXPECT_TRUE(variant.at("note").is_string());
    }
    if (report.at("evidence").is_null()) continue;
    EXPECT_TRUE(report.at("evidence").at("verdict").is_string());
    for (const json& row : report.at("evidence").at("rows")) {
      EXPECT_TRUE(row.at("time_ns").is_number_unsigned());
      EXPECT_THAT(row.at("worker"), testing::AnyOf(1, 2, 3));
      EXPECT_TRUE(row.at("operation").is_string());
      EXPECT_TRUE(row.at("object").is_number_unsigned());
      EXPECT_TRUE(row.at("value").is_number_unsigned());
    }
  }
}

class RaceTraceCliTest : public RaceCliTest, public testing::WithParamInterface<std::string> {};

INSTANTIATE_TEST_SUITE_P(Experiments, RaceTraceCliTest, testing::ValuesIn(kExperiments),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::erase(name, '-');
                           return name;
                         });

TEST_P(RaceTraceCliTest, ATraceIsWrittenForATraceViewer) {
  const std::string& experiment = GetParam();
  const bool noted = experiment != "false-sharing" && experiment != "killed-holder";
  std::vector<std::string> options = {"--trace", "trace.json"};
  // Megabytes else. But of a deadlock all is noted, and few rounds may know none.
  if (noted && experiment != "deadlock") {
    const bool is_of_a_text = experiment == "shared-table";  // all of it is a round
    options.insert(options.end(), {"--rounds", is_of_a_text ? "1" : "300"});
  }
  EXPECT_THAT(Tally(Race(experiment, options)), ExitsWith(0));
  const json trace = json::parse(Read("trace.json"));
  for (const json& event : trace.at("traceEvents")) {
    // No matchers: they are slow, and these are many.
    const std::string kind = event.at("ph");
    EXPECT_TRUE(kind == "M" || kind == "X" || kind == "i") << kind;
    EXPECT_TRUE(event.at("name").is_string());
  }
  EXPECT_EQ(trace.at("traceEvents").size() > 1, noted) << experiment;
}

TEST_F(RaceCliTest, TheTraceOverwritesNoInput) {
  Write("words", "some words\n");
  const Outcome outcome = Tally({"race", "shared-table", "words", "--trace", "words"});
  EXPECT_THAT(outcome, ExitsWith(1));
  EXPECT_THAT(outcome.err, HasSubstr("words: is an input as well; nothing was written"));
  EXPECT_EQ(Read("words"), "some words\n");
}

TEST_F(RaceCliTest, TheTraceDoesNotGoWhereTheReportDoes) {
  const Outcome outcome = Shell("tally race array --rounds 10 --trace both > both");
  EXPECT_THAT(outcome, ExitsWith(2));
  EXPECT_EQ(outcome.err,
            "tally: --trace names the file that the report goes to, both; name another\n");
}

TEST_F(RaceCliTest, OptionsWithoutAnExperimentAreNotIgnored) {
  for (const std::vector<std::string>& options :
       {std::vector<std::string>{"-j3"}, {"--trace", "t"}, {"--mode", "thread"}}) {
    std::vector<std::string> arguments = {"race"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const Outcome outcome = Tally(arguments);
    EXPECT_THAT(outcome, ExitsWith(2));
    EXPECT_THAT(outcome.err, HasSubstr("name one, or 'tally race' lists them"));
  }
}

TEST_F(RaceCliTest, SharedTableReadsNoCompressedText) {
  Write("book.gz", Gzip("some words\n"));
  const Outcome outcome = Tally({"race", "shared-table", "book.gz"});
  EXPECT_THAT(outcome, ExitsWith(1));
  EXPECT_THAT(outcome.err, HasSubstr("book.gz: is compressed"));
}

TEST_F(RaceCliTest, AFileThatShrinksMeanwhileIsToldWithItsSizes) {
  std::string text;
  for (int i = 0; i < 500'000; ++i) text += "word" + std::to_string(i % 3000) + " ";
  for (const char* const mode : {"process", "thread"}) {
    Write("book", text);
    Command command =
        TallyCommand({"race", "shared-table", "book", "--rounds", "100000", "--mode", mode});
    for (const char* name : {"ASAN_OPTIONS", "TSAN_OPTIONS"}) {
      const char* const set = getenv(name);
      command.environment[name] = std::string(set == nullptr ? "" : set) + ":handle_sigbus=0";
    }
    Process tally(command);
    tally.WaitUntil([&] { return Catches(tally.pid(), SIGBUS) && CpuTicksOf(tally.pid()) > 0; },
                    "the text to be mapped");
    std::filesystem::resize_file(Path("book"), 0);
    const Outcome outcome = tally.Wait();
    EXPECT_THAT(outcome, ExitsWith(1));
    EXPECT_EQ(outcome.err, "tally: book shrank from " + std::to_string(text.size()) +
                               " to 0 bytes while being read; nothing was written\n");
    EXPECT_EQ(outcome.out, "");
    EXPECT_FALSE(tally.AnyProcessLeft());
  }
}

TEST_F(RaceCliTest, AFileThatIsReplacedMeanwhileIsToldOf) {
  Process tally(TallyCommand({"race", "shared-table", "book", "--rounds", "100"}));
  tally.WaitUntil([&] { return !ChildrenOf(tally.pid()).empty(); }, "workers to be there");
  Write("new", "other words\n");
  std::filesystem::rename(Path("new"), Path("book"));
  const Outcome outcome = tally.Wait();
  EXPECT_THAT(outcome, ExitsWith(1));
  EXPECT_THAT(outcome.err,
              StartsWith("tally: book: changed while being read: another file took its place"));
  EXPECT_EQ(outcome.out, "");
}

TEST_F(RaceCliTest, AnEmptyTraceIsToldOf) {
  const Outcome outcome =
      Tally({"race", "false-sharing", "--rounds", "9", "--trace", "trace.json"});
  EXPECT_THAT(outcome, ExitsWith(0));
  EXPECT_THAT(outcome.err, HasSubstr("warning: nothing was noted, so the trace is empty"));
}

TEST_F(RaceCliTest, OfAWorkerAloneItSaysThatNothingCanGoWrong) {
  for (const char* const experiment : {"lost-update", "torn-read", "deadlock"}) {
    const Outcome outcome = Tally({"race", experiment, "-j1", "--rounds", "50"});
    EXPECT_THAT(outcome, ExitsWith(0));
    EXPECT_THAT(outcome.out, HasSubstr("\nOne worker alone has nobody to race with. With two: "));
    EXPECT_THAT(outcome.out, testing::Not(HasSubstr("Caught in the act")));
  }
}

TEST_F(RaceCliTest, OptionsAreObeyed) {
  const json report = json::parse(Tally({"race", "lost-update", "-j", "4", "--mode", "thread",
                                         "--rounds", "77", "--race-window", "3", "--json"})
                                      .out);
  EXPECT_EQ(report.at("mode"), "thread");
  EXPECT_EQ(report.at("workers"), 4);
  EXPECT_EQ(report.at("rounds"), 77);
  EXPECT_EQ(report.at("race_window"), "3");
  EXPECT_EQ(report.at("variants")[0].at("expected"), 4 * 77);
}

TEST_F(RaceCliTest, WrongUsageIsOneLineThatSaysWhatIsAllowed) {
  struct Case {
    std::vector<std::string> arguments;
    const char* message;
  };
  for (const Case& c :
       std::vector<Case>{{{"lost-updat"}, "did you mean 'lost-update'?"},
                         {{"frobnicate"}, "'tally race' lists them"},
                         {{"shared-table"}, "'tally race shared-table FILE'"},
                         {{"array", "book"}, "takes no file"},
                         {{"array", "book", "more"}, "leave out 'more'"},
                         {{"array", "-j", "0"}, "whole number from 1 to 64"},
                         {{"array", "-j", "65"}, "whole number from 1 to 64"},
                         {{"array", "--rounds", "0"}, "whole number from 1 to 1000000000"},
                         {{"array", "--mode", "serial"}, "say process or thread"},
                         {{"killed-holder", "--mode", "thread"}, "needs '--mode process'"},
                         {{"array", "--race-window", "long"}, "write none, yield, or a number"},
                         {{"array", "--window", "none"}, "unknown option '--window'"}}) {
    std::vector<std::string> arguments = {"race"};
    arguments.insert(arguments.end(), c.arguments.begin(), c.arguments.end());
    const Outcome outcome = Tally(arguments);
    EXPECT_THAT(outcome, ExitsWith(2)) << c.message;
    EXPECT_EQ(outcome.out, "");
    EXPECT_THAT(outcome.err, AllOf(StartsWith("tally: "), HasSubstr(c.message)));
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1);
  }
}

TEST_F(RaceCliTest, AFileThatCannotBeReadFailsTheRun) {
  for (const char* const file : {"missing", ".", "/dev/null"}) {
    const Outcome outcome = Tally({"race", "shared-table", file});
    EXPECT_THAT(outcome, ExitsWith(1));
    EXPECT_THAT(outcome.err, StartsWith(std::string("tally: ") + file + ": "));
  }
  const Outcome outcome = Tally({"race", "array", "--trace", "no/such/place"});
  EXPECT_THAT(outcome, ExitsWith(1));
  EXPECT_EQ(outcome.out, "") << "before anything is run";
}

TEST_F(RaceCliTest, CtrlCLeavesNoProcessBehind) {
  for (const char* const mode : {"process", "thread"}) {
    Process tally(TallyCommand(
        {"race", "lost-update", "--rounds", "1000000000", "--mode", mode, "--trace", "trace"}));
    tally.WaitUntil(
        [&] {
          return std::string(mode) == "process" ? ChildrenOf(tally.pid()).size() == 2
                                                : Catches(tally.pid(), SIGINT);
        },
        "the workers to start");
    tally.Signal(SIGINT);
    EXPECT_THAT(tally.Wait(), DiesBy(SIGINT));
    EXPECT_FALSE(tally.AnyProcessLeft());
    EXPECT_THAT(Files(), ElementsAre("book"));
  }
}

}  // namespace
}  // namespace tally
