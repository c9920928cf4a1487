// The real program where no process can be started any more: those that run do all the work.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <string>
#include <vector>

#include "master/stall_watch.h"
#include "tests/cli/oracle.h"
#include "tests/cli/paused_run.h"
#include "tests/cli/run_tally.h"

#ifndef TALLY_FAILING_CALLS
#define TALLY_FAILING_CALLS ""
#endif

namespace tally {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kMergedHere =
    " cannot be started: Resource temporarily unavailable: see ulimit -u (for threads, -v as well) "
    "and pids.max of the cgroup; the tables are merged in this process\n";

class FailingForkCliTest : public PausedRunCliTest {
 protected:
  void SetUp() override {
    if (std::string_view(TALLY_FAILING_CALLS).empty()) {
      GTEST_SKIP() << "a sanitizer wants to be the first library, not to be preceded by another";
    }
    if (TestMode() != "process") GTEST_SKIP() << "threads are not forked";
    for (int i = 0; i < 200'000; ++i) text_ += fmt::format("line {}\n", (i * 7919) % 3000);
    Write("record", "");
  }

  /// From this fork() on, none works.
  Command WithForks(int forks, Command command) const {
    command.environment["LD_PRELOAD"] = TALLY_FAILING_CALLS;
    command.environment["FAIL_RECORD"] = Path("record");
    command.environment["FAIL_CALL"] = "fork";
    command.environment["FAIL_AT"] = std::to_string(forks + 1);
    command.environment["FAIL_ERRNO"] = "EAGAIN";
    command.environment["FAIL_FOREVER"] = "1";
    return command;
  }

  std::string Expected(int times) const {
    const std::vector<std::string> texts(static_cast<size_t>(times), text_);
    return AskOracle(texts, OptionsOf(Format::kLines)).ByCount();
  }

  std::string text_;
};

TEST_F(FailingForkCliTest, NobodyCountsWhereNoneCanBeStarted) {
  Write("in", text_);
  const Outcome outcome =
      RunCommand(WithForks(0, TallyCommand({"count", "-j3", "--chunk-size", "16K", "in"})));
  EXPECT_THAT(outcome, ExitsWith(1));
  EXPECT_THAT(outcome.err, EndsWith("tally: worker 1 of 3 cannot be started: Resource temporarily "
                                    "unavailable: see ulimit -u (for threads, -v as well) and "
                                    "pids.max of the cgroup\n"));
}

TEST_F(FailingForkCliTest, ThoseThatCouldBeStartedDoAllTheWork) {
  Write("in", text_);
  for (const int forks : {1, 2}) {
    Write("record", "");
    const Outcome outcome = RunCommand(WithForks(
        forks, TallyCommand({"count", "-j3", "-f", "lines", "--chunk-size", "16K", "in"})));
    EXPECT_THAT(outcome, ExitsWith(0));
    EXPECT_TRUE(outcome.out == Expected(1)) << outcome;
    EXPECT_THAT(
        outcome.err,
        AllOf(StartsWith(fmt::format("tally: only {} of 3 workers could be started", forks)),
              EndsWith(kMergedHere)));
  }
}

TEST_F(FailingForkCliTest, TheMasterMergesWhereNobodyElseCan) {
  Write("in", text_);
  const Outcome outcome =
      RunCommand(WithForks(1, TallyCommand({"count", "-j2", "-f", "lines", "in"})));
  EXPECT_THAT(outcome, ExitsWith(0));
  EXPECT_TRUE(outcome.out == Expected(1)) << outcome;
  EXPECT_THAT(outcome.err, EndsWith(kMergedHere));
}

TEST_F(FailingForkCliTest, ASmallFileTakesOneProcessAndTheMaster) {
  text_.resize(60'000);
  Write("in", text_);
  const Outcome outcome =
      RunCommand(WithForks(1, TallyCommand({"count", "-j2", "-f", "lines", "in"})));
  EXPECT_THAT(outcome, ExitsWith(0));
  EXPECT_TRUE(outcome.out == Expected(1)) << outcome;
  EXPECT_EQ(outcome.err, "");
}

TEST_F(FailingForkCliTest, AStopSignalEndsTheMergeOfTheMaster) {
  WriteManyLines("in", 3'000'000);
  Process tally(WithForks(1, TallyCommand({"count", "-j1", "-f", "lines", "in"})));
  tally.WaitUntil([&] { return tally.outcome().err.ends_with(kMergedHere); }, "the merge");
  tally.Signal(SIGINT);
  const Outcome outcome = tally.Wait();
  EXPECT_THAT(outcome, DiesBy(SIGINT));
  EXPECT_THAT(outcome.err, EndsWith("tally: stopped by SIGINT while the tables were merged; "
                                    "nothing was written\n"));
}

// All of them: what the survivors inherit of a pipe is in the tables of the dead.
TEST_F(FailingForkCliTest, TheSurvivorsInheritFromTheDead) {
  Process tally(WithForks(3, Waiting({"count", "-j3", "-f", "lines", "--chunk-size", "64K"})));
  int rounds = 0;
  for (const size_t left : {2U, 1U}) {
    tally.WriteStdin(text_);
    ++rounds;
    const auto workers = WorkersAtRest(&tally, left + 1);
    ASSERT_EQ(workers.size(), left + 1);
    kill(workers[0], SIGKILL);
    const std::string told = "the others do its work\n";
    tally.WaitUntil(
        [&] {
          size_t times = 0;
          for (size_t at = 0; (at = tally.outcome().err.find(told, at)) != std::string::npos; ++at)
            ++times;
          return times == 3 - left;
        },
        "the heirs to be told of");
  }
  tally.WriteStdin(text_);
  tally.CloseStdin();
  const Outcome outcome = tally.Wait();
  EXPECT_THAT(outcome, ExitsWith(0));
  EXPECT_TRUE(outcome.out == Expected(rounds + 1)) << outcome.out.size() << outcome.err;
  EXPECT_THAT(outcome.err,
              ContainsRegex("SIGKILL[^\n]*\ntally: no process can be started in the "
                            "place of worker [123] .Resource temporarily unavailable: see "));
}

// The reader of a compressed file dies at a place that chance chooses.
TEST_F(FailingForkCliTest, ASurvivorReadsOnWhatADeadReaderRead) {
  std::string text;
  for (int i = 0; i < 30; ++i) text += text_;
  Write("in.gz", Gzip(text, /*members=*/3));
  const std::string expected = Expected(30);
  for (const size_t victim : {0U, 1U}) {
    Write("record", "");
    Process tally(WithForks(
        2, TallyCommand({"count", "-j2", "-f", "lines", "--chunk-size", "64K", "in.gz"})));
    std::vector<pid_t> workers;
    tally.WaitUntil(
        [&] {
          workers = WorkersOf(tally.pid());
          return workers.size() == 2 && CpuTicksOf(workers[0]) + CpuTicksOf(workers[1]) >= 2;
        },
        "the workers to compute");
    ASSERT_EQ(workers.size(), 2U);
    kill(workers[victim], SIGKILL);
    const Outcome outcome = tally.Wait();
    EXPECT_THAT(outcome, ExitsWith(0));
    EXPECT_TRUE(outcome.out == expected) << outcome.out.size() << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr("the others do its work"));
  }
}

// Nobody is left to inherit.
TEST_F(FailingForkCliTest, TheRunEndsWhereTheLastWorkerDies) {
  Process tally(WithForks(2, Waiting({"count", "-j2", "-f", "lines"})));
  tally.WriteStdin(text_);
  for (const pid_t worker : WorkersAtRest(&tally, 2)) kill(worker, SIGKILL);
  const Outcome outcome = tally.Wait();
  EXPECT_THAT(outcome, ExitsWith(1));
  EXPECT_THAT(outcome.err, ContainsRegex("worker [12] of 2 cannot be started: Resource "
                                         "temporarily unavailable: see ulimit -u [^\n]*\n$"));
  EXPECT_FALSE(tally.AnyProcessLeft());
}

}  // namespace
}  // namespace tally
