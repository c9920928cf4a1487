// Faults of all kinds at named places of the worker and of the master (common/fault_point.h); kills
// at every one of them are in kill_sweep_test.cc. Builds without fault points, as releases are,
// show that there is none in them instead.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/cli/fault_log.h"
#include "tests/cli/fault_points_fixture.h"
#include "tests/cli/run_tally.h"

namespace tally {
namespace {

#ifndef TALLY_FAULT_POINTS

TEST(FaultPointsTest, AreNotInThisProgram) {
  const std::string program = ReadFile(TALLY_BINARY);
  ASSERT_GT(program.size(), 100'000U);
  EXPECT_EQ(program.find("TALLY_FAULTS"), std::string::npos);
  EXPECT_EQ(program.find("mid-chunk"), std::string::npos);
}

#else

using testing::AllOf;
using testing::ContainsRegex;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::StartsWith;

class WorkerFaultCliTest : public FaultPointsCliTest {
 protected:
  void SetUp() override {
    if (TestMode() != "process") GTEST_SKIP() << "a thread cannot fail alone";
  }

  /// How many workers are replaced, at least the one that hangs by this fault; the counts are right
  /// all the same.
  int ReplacedWhere(const std::string& point, const std::string& action) {
    const std::string fault = fmt::format("{}:any:1:{}", point, action);
    const FaultyRun run = RunWithFaults(fault, 3, {"--stall-timeout", "1"});
    ExpectWhole(run.outcome);
    const std::vector<FaultLog::Visit> hung = run.log.Faults(action);
    EXPECT_EQ(hung.size(), 1U) << fault;
    if (HasFailure()) return 0;
    EXPECT_THAT(run.outcome.err,
                ContainsRegex(fmt::format("(^|\n)tally: worker {} .process [0-9]+. gave no sign of "
                                          "life and was killed while ",
                                          hung[0].worker)));
    EXPECT_THAT(run.outcome.err,
                MatchesRegex("(tally: worker [123] .process [0-9]+. gave no sign of life and was "
                             "killed while [^\n]*\n)+"));
    return static_cast<int>(std::count(run.outcome.err.begin(), run.outcome.err.end(), '\n'));
  }
};

TEST_F(WorkerFaultCliTest, ACrashAndAnOddExitAreSurvived) {
  struct Case {
    const char* action;
    const char* told;
  };
  for (const Case& c : {Case{"segv", "was killed by SIGSEGV"}, Case{"abort", "killed by SIGABRT"},
                        Case{"exit", "ended with status 0"}}) {
    for (const char* point : {"lock-held", "mid-chunk", "mid-publish", "before-sort"}) {
      const Outcome outcome = Survives(fmt::format("{}:any:1:{}", point, c.action), 2).outcome;
      EXPECT_THAT(outcome.err, AllOf(StartsWith("tally: worker "), HasSubstr(c.told))) << point;
    }
  }
}

// Whoever waits for the lock of one that hangs gives signs of life, but where other programs keep
// the CPUs from it for as long as the timeout it cannot, and is replaced as well: then the run says
// nothing about that, and is made once more.
TEST_F(WorkerFaultCliTest, AWorkerThatHangsWithTheLockOrAChunkIsReplaced) {
  constexpr int kMostTries = 4;
  for (const char* action : {"stop", "hang"}) {
    for (const char* point :
         {"lock-held", "mid-chunk", "progress-locked", "before-fill", "before-sort"}) {
      int replaced = 0;
      for (int tries = 0; replaced != 1 && tries < kMostTries && !HasFailure(); ++tries) {
        replaced = ReplacedWhere(point, action);
      }
      EXPECT_EQ(replaced, 1) << point << " " << action << ": others than the one that hangs";
    }
  }
}

TEST_F(WorkerFaultCliTest, AChunkThatKillsThreeWorkersEndsTheRun) {
  for (const char* action : {"kill", "segv"}) {
    const Outcome outcome = Fails(fmt::format("mid-chunk:any:1+:{}", action), 1);
    EXPECT_THAT(outcome, ExitsWith(3));
    EXPECT_THAT(outcome.err,
                AllOf(HasSubstr(action[0] == 'k' ? "SIGKILL" : "SIGSEGV"),
                      ContainsRegex("counting chunk [0-9]+ .[^,]*, bytes 0 to [0-9]+.[^\n]*; 3 "
                                    "workers have died of that now; nothing was written\n$")));
  }
}

TEST_F(WorkerFaultCliTest, TooManyDeathsEndTheRun) {
  const Outcome outcome = Fails("before-claim:any:1+:kill", 2);
  EXPECT_THAT(outcome, ExitsWith(3));
  EXPECT_THAT(outcome.err, HasSubstr("11 workers have died in this run"));
}

TEST_F(WorkerFaultCliTest, AnErrorInAWorkerEndsTheRunWithItsMessage) {
  const Outcome outcome = Fails("mid-chunk:2:1:error", 2);
  EXPECT_THAT(outcome, ExitsWith(1));
  EXPECT_EQ(outcome.err, "tally: a fault at mid-chunk\n");
}

TEST_F(FaultPointsCliTest, AnErrorInTheMasterLeavesNothingBehind) {
  for (const auto& [point, hits] : Survives("", 3).log.HitsOfMaster()) {
    const Outcome outcome = RunWithFaults(point + ":master:1:error", 3).outcome;
    EXPECT_THAT(outcome, ExitsWith(1));
    EXPECT_EQ(outcome.err, "tally: a fault at " + point + "\n");
    if (point == "before-stats") {
      EXPECT_TRUE(Read("out") == expected_);
      RemoveOutputs();
    }
    EXPECT_THAT(Files(), ElementsAre("in", "in.gz")) << point;
  }
}

TEST_F(FaultPointsCliTest, AThreadThatCrashesTakesAllWithItAndSaysSo) {
  for (const char* mode : {"thread", "serial"}) {
    Command command = WithFaults("mid-chunk:any:2:segv", 2);
    command.arguments.insert(command.arguments.end(), {"--mode", mode});
    const Outcome outcome = RunCommand(command);
    EXPECT_THAT(outcome, DiesBy(SIGSEGV));
    EXPECT_THAT(outcome.err, HasSubstr("ends all of it; nothing was written"));
    EXPECT_THAT(Files(), ElementsAre("in", "in.gz"));
  }
}

TEST_F(FaultPointsCliTest, AThreadThatHangsEndsTheRunAfterTheStallTimeout) {
  if (kThreadSanitized) GTEST_SKIP() << "a thread that never ends is a leak to ThreadSanitizer";
  for (const char* mode : {"thread", "serial"}) {
    const Outcome outcome =
        Fails("mid-chunk:any:2:hang", 2, {"--mode", mode, "--stall-timeout", "1"});
    EXPECT_THAT(outcome, ExitsWith(1));
    EXPECT_THAT(outcome.err, HasSubstr("hangs, and a thread cannot be killed alone"));
  }
}

#endif

}  // namespace
}  // namespace tally
