// Workers of the real program that die: the run ends at once, and says who died of what with which
// chunk.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "tests/cli/oracle.h"
#include "tests/cli/paused_run.h"
#include "tests/cli/run_tally.h"

namespace tally {
namespace {

using testing::AllOf;
using testing::AnyOf;
using testing::ContainsRegex;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;
using testing::UnorderedElementsAre;

class WorkerDeathCliTest : public PausedRunCliTest {
 protected:
  void SetUp() override {
    if (TestMode() != "process") GTEST_SKIP() << "a thread cannot be killed alone";
  }

  /// Kills a worker of each of many runs, a little later each time: the run fails at once and says
  /// so, or it was over already and its output is right.
  static void KillAWorkerInEachRun(const Command& command, const std::vector<std::string>& texts) {
    const std::string whole = AskOracle(texts, OptionsOf(Format::kLines)).ByKey();
    int failures = 0;
    for (int run = 0; run < 60 && failures < 12; ++run) {
      Process tally(command);
      std::vector<pid_t> children;
      tally.WaitUntil(
          [&] {
            children = ChildrenOf(tally.pid());
            return children.size() > static_cast<size_t>(run % 3) || !tally.outcome().out.empty();
          },
          "a worker to kill");
      for (int pause = 0; pause < 20 * run; ++pause) sched_yield();
      if (!children.empty()) kill(children.back(), SIGKILL);
      const Outcome outcome = tally.Wait();
      if (outcome.exit_status == 0) {
        EXPECT_TRUE(outcome.out == whole);
        continue;
      }
      ++failures;
      EXPECT_THAT(outcome, ExitsWith(1));
      EXPECT_EQ(outcome.out, "");
      EXPECT_THAT(outcome.err, AllOf(StartsWith("tally: worker "), HasSubstr("SIGKILL")));
      EXPECT_FALSE(tally.AnyProcessLeft());
    }
    EXPECT_GT(failures, 0);
  }
};

TEST_F(WorkerDeathCliTest, AWorkerThatIsKilledFailsTheRunAtOnce) {
  Write("old", "as it was");
  struct Case {
    int signal_number;
    const char* name;
  };
  for (const Case& c :
       {Case{SIGKILL, "SIGKILL"}, Case{SIGSEGV, "SIGSEGV"}, Case{SIGTERM, "SIGTERM"}}) {
    for (size_t victim = 0; victim < 3; ++victim) {
      Process tally(Waiting({"count", "-f", "lines", "-j3", "-o", "old"}));
      tally.WriteStdin("some\nlines\n");
      const auto children = WorkersAtRest(&tally, 3);
      ASSERT_EQ(children.size(), 3u);
      kill(children[victim], c.signal_number);
      const Outcome outcome = tally.Wait();
      EXPECT_THAT(outcome, ExitsWith(1));
      EXPECT_THAT(outcome.err, ContainsRegex("^tally: worker [123] \\(process " +
                                             std::to_string(children[victim]) + "\\) .*" + c.name));
      EXPECT_THAT(outcome.err,
                  AnyOf(HasSubstr("between two chunks"), HasSubstr("reading standard input")));
      EXPECT_FALSE(tally.AnyProcessLeft());
      EXPECT_EQ(Read("old"), "as it was");
      EXPECT_THAT(Files(), ElementsAre("old"));
    }
  }
}

TEST_F(WorkerDeathCliTest, AReaderThatDiesNamesItsInput) {
  // One of the two reads, the other one waits for a chunk.
  const std::string reading = " while reading standard input; nothing was written\n";
  const std::string waiting = " while it was between two chunks; nothing was written\n";
  std::set<std::string> doings;
  for (int run = 0; run < 100 && doings.size() < 2; ++run) {
    Process tally(Waiting({"count", "-f", "lines", "-j2", "-"}));
    tally.WriteStdin("some\nlines\n");
    kill(WorkersAtRest(&tally, 2)[run % 2], SIGKILL);
    const std::string message = tally.Wait().err;
    const size_t begin = message.find(" while ");
    ASSERT_NE(begin, std::string::npos) << message;
    doings.insert(message.substr(begin));
  }
  EXPECT_THAT(doings, UnorderedElementsAre(reading, waiting));
}

// One chunk that takes a while: a worker that is killed at any time has it, more often than not.
TEST_F(WorkerDeathCliTest, AWorkerThatDiesWithAChunkNamesTheChunk) {
  WriteManyLines("in", 2'000'000);
  const std::string chunk =
      "counting chunk 1 (in, bytes 0 to " + std::to_string(Read("in").size()) + ")";
  for (int run = 0; run < 60; ++run) {
    Process tally(TallyCommand({"count", "-f", "lines", "-j1", "--chunk-size", "1G", "in"}));
    std::vector<pid_t> children;
    tally.WaitUntil(
        [&] {
          children = ChildrenOf(tally.pid());
          return !children.empty() || !tally.outcome().out.empty();
        },
        "a worker to kill");
    for (int pause = 0; pause < run; ++pause) sched_yield();
    if (!children.empty()) kill(children.back(), SIGKILL);
    if (tally.Wait().err.find(chunk) != std::string::npos) return;
  }
  FAIL() << "in no run a worker died with its chunk";
}

// With chunks of a line the workers take the locks all the time: some of them die inside.
TEST_F(WorkerDeathCliTest, WorkersThatDieAnywhereNeverHangTheRun) {
  WriteManyLines("in", 300000);
  KillAWorkerInEachRun(
      TallyCommand({"count", "-f", "lines", "-s", "key", "-j3", "--chunk-size", "1", "in"}),
      {Read("in")});
}

TEST_F(WorkerDeathCliTest, WorkersOfStreamsThatDieAnywhereNeverHangTheRun) {
  WriteManyLines("in", 300000);
  const std::string text = Read("in");
  Write("in.gz", Gzip(text));
  KillAWorkerInEachRun(
      TallyCommand({"count", "-f", "lines", "-s", "key", "-j3", "--chunk-size", "1", "in.gz", "-"},
                   Stdin::Text(text)),
      {text, text});
}

}  // namespace
}  // namespace tally
