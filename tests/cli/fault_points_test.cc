// Faults at every named place of the worker and of the master (common/fault_point.h). Builds
// without fault points, as releases are, show that there is none in them instead.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <string>
#include <vector>

#include "tests/cli/oracle.h"
#include "tests/cli/paused_run.h"
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
using testing::StartsWith;

/// Places that a worker comes to while it counts a file, a compressed file and a pipe...
const std::vector<std::string> kWhileCounting = {
    "start",        "before-claim",   "lock-held",   "mid-claim",       "before-chunk",
    "mid-chunk",    "before-finish",  "mid-finish",  "before-progress", "progress-locked",
    "mid-progress", "after-progress", "before-fill", "before-publish",  "mid-publish",
    "published",    "before-close",   "saving",      "saved",           "before-table-saved",
    "before-exit"};
/// ... and while it merges.
const std::vector<std::string> kWhileMerging = {"before-merge", "mid-merge", "before-sort",
                                                "merged"};
/// Places that the successor of a worker that died comes to.
const std::vector<std::string> kInSuccessors = {"start", "start-over", "started-over",
                                                "before-claim"};

class FaultPointsCliTest : public PausedRunCliTest {
 protected:
  FaultPointsCliTest() {
    std::string text;
    for (int i = 0; i < 20'000; ++i) text += fmt::format("key {}\n", (i * 7919) % 700);
    // Enough for tables to be saved now and then.
    for (int i = 0; i < 15; ++i) pipe_text_ += text;
    Write("in", text);
    Write("in.gz", Gzip(text, /*members=*/2));
    expected_ = AskOracle({text, text, pipe_text_}, OptionsOf(Format::kLines)).ByKey();
  }

  Command WithFaults(const std::string& faults, int workers) const {
    Command command =
        TallyCommand({"count", "-f", "lines", "-s", "key", "-o", "out", "--chunk-size", "64K", "-j",
                      std::to_string(workers), "in", "in.gz", "-"},
                     Stdin::Text(pipe_text_));
    command.environment["TALLY_FAULTS"] = faults;
    LeaveSignalsToTheKernel(&command);
    return command;
  }

  /// A run with these faults comes to the right counts.
  Outcome Survives(const std::string& faults, int workers) {
    SCOPED_TRACE(fmt::format("TALLY_FAULTS={} -j {}", faults, workers));
    Process tally(WithFaults(faults, workers));
    const Outcome outcome = tally.Wait();
    EXPECT_THAT(outcome, ExitsWith(0));
    EXPECT_TRUE(Read("out") == expected_) << outcome.err;
    EXPECT_FALSE(tally.AnyProcessLeft());
    EXPECT_THAT(Files(), ElementsAre("in", "in.gz", "out"));
    unlink(Path("out").c_str());
    return outcome;
  }

  /// A run with these faults ends without any output.
  Outcome Fails(const std::string& faults, int workers, std::vector<std::string> more = {}) {
    Command command = WithFaults(faults, workers);
    command.arguments.insert(command.arguments.end(), more.begin(), more.end());
    Process tally(command);
    const Outcome outcome = tally.Wait();
    // Whoever adopts the workers of a master that was killed takes a moment to bury them.
    tally.WaitUntil([&] { return !tally.AnyProcessLeft(); }, "the workers to be gone");
    EXPECT_THAT(Files(), ElementsAre("in", "in.gz")) << faults;
    return outcome;
  }

  std::string pipe_text_;
  std::string expected_;
};

class KillSweepCliTest : public FaultPointsCliTest, public testing::WithParamInterface<int> {
 protected:
  void SetUp() override {
    if (TestMode() != "process") GTEST_SKIP() << "a thread cannot be killed alone";
  }

  /// Kills whoever comes to these places, for the first time and later ones.
  void KillAt(const std::vector<std::string>& points) {
    for (const std::string& point : points) {
      for (const int hit : {1, 2, 5}) {
        const Outcome outcome = Survives(fmt::format("{}:any:{}:kill", point, hit), GetParam());
        // Some places are not come to that often by all, but each is come to.
        if (hit == 1) {
          EXPECT_THAT(outcome.err, AllOf(StartsWith("tally: worker "), HasSubstr("SIGKILL"),
                                         HasSubstr("another one takes its place")))
              << point;
        }
      }
    }
  }
};

TEST_P(KillSweepCliTest, WhileCounting) { KillAt(kWhileCounting); }

TEST_P(KillSweepCliTest, WhileMerging) { KillAt(kWhileMerging); }

TEST_P(KillSweepCliTest, WhileTheWorkOfTheDeadIsTakenOver) {
  for (const std::string& point : kInSuccessors) {
    const std::string hit = point == "start" ? std::to_string(GetParam() + 1) : "1";
    const Outcome outcome =
        Survives(fmt::format("saved:any:1:kill,mid-chunk:any:40:kill,{}:any:{}:kill", point, hit),
                 GetParam());
    EXPECT_THAT(outcome.err, HasSubstr("SIGKILL"));
  }
}

INSTANTIATE_TEST_SUITE_P(Workers, KillSweepCliTest, testing::Values(1, 2, 7));

class WorkerFaultCliTest : public FaultPointsCliTest {
 protected:
  void SetUp() override {
    if (TestMode() != "process") GTEST_SKIP() << "a thread cannot fail alone";
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
      const Outcome outcome = Survives(fmt::format("{}:any:1:{}", point, c.action), 2);
      EXPECT_THAT(outcome.err, AllOf(StartsWith("tally: worker "), HasSubstr(c.told))) << point;
    }
  }
}

TEST_F(WorkerFaultCliTest, AWorkerThatHangsWithTheLockOrAChunkIsReplaced) {
  for (const char* action : {"stop", "hang"}) {
    for (const char* point :
         {"lock-held", "mid-chunk", "progress-locked", "before-fill", "before-sort"}) {
      Command command = WithFaults(fmt::format("{}:any:1:{}", point, action), 3);
      command.arguments.insert(command.arguments.end(), {"--stall-timeout", "1"});
      const Outcome outcome = RunCommand(command);
      EXPECT_THAT(outcome, ExitsWith(0));
      EXPECT_TRUE(Read("out") == expected_);
      // Only the one that hangs: those that wait for its lock give signs of life.
      EXPECT_THAT(outcome.err,
                  ContainsRegex("^tally: worker [123] .process [0-9]+. gave no sign of "
                                "life and was killed while [^\n]*\n$"))
          << point << " " << action;
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

const std::vector<std::string> kInMaster = {"before-map",     "tick",         "feed",
                                            "before-merging", "before-write", "before-commit"};

TEST_F(FaultPointsCliTest, AMasterThatIsKilledLeavesNothingBehind) {
  for (const std::string& point : kInMaster) {
    EXPECT_THAT(Fails(point + ":master:1:kill", 3), DiesBy(SIGKILL)) << point;
  }
}

TEST_F(FaultPointsCliTest, AnErrorInTheMasterLeavesNothingBehind) {
  for (const std::string& point : kInMaster) {
    const Outcome outcome = Fails(point + ":master:1:error", 3);
    EXPECT_THAT(outcome, ExitsWith(1));
    EXPECT_EQ(outcome.err, "tally: a fault at " + point + "\n");
  }
}

TEST_F(FaultPointsCliTest, AThreadThatCrashesTakesAllWithItAndSaysSo) {
  for (const char* mode : {"thread", "serial"}) {
    Command command = WithFaults("mid-chunk:any:2:segv", 2);
    command.arguments.insert(command.arguments.end(), {"--mode", mode});
    const Outcome outcome = RunCommand(command);
    EXPECT_THAT(outcome, DiesBy(SIGSEGV));
    EXPECT_THAT(outcome.err, HasSubstr("ends all of tally; nothing was written"));
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
