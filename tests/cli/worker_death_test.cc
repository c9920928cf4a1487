// Workers of the real program that die or are stopped: the counts are the same, and the run says
// what happened. Those that are killed whenever chance has it are in random_kills_test.cc.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "master/stall_watch.h"
#include "tests/cli/fault_log.h"
#include "tests/cli/oracle.h"
#include "tests/cli/paused_run.h"
#include "tests/cli/run_tally.h"

namespace tally {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

using Clock = std::chrono::steady_clock;

class WorkerDeathCliTest : public PausedRunCliTest {
 protected:
  void SetUp() override {
    if (TestMode() != "process") GTEST_SKIP() << "a thread cannot be killed alone";
  }

  static void ExpectDone(const Outcome& outcome, const std::string& counts) {
    EXPECT_THAT(outcome, ExitsWith(0));
    EXPECT_TRUE(outcome.out == counts) << outcome.out.size() << " bytes of " << counts.size();
  }
};

TEST_F(WorkerDeathCliTest, AWorkerThatIsKilledIsReplacedAndToldOf) {
  struct Case {
    int signal_number;
    const char* name;
  };
  for (const Case& c :
       {Case{SIGKILL, "SIGKILL"}, Case{SIGSEGV, "SIGSEGV"}, Case{SIGABRT, "SIGABRT"},
        Case{SIGBUS, "SIGBUS"}, Case{SIGTERM, "SIGTERM"}}) {
    for (size_t victim = 0; victim < 3; ++victim) {
      Process tally(Waiting({"count", "-f", "lines", "-j3", "-o", "new"}));
      tally.WriteStdin("some\nlines\n");
      const auto children = WorkersAtRest(&tally, 3);
      ASSERT_EQ(children.size(), 3u);
      kill(children[victim], c.signal_number);
      tally.WaitUntil([&] { return tally.outcome().err.find('\n') != std::string::npos; },
                      "the death to be told");
      tally.WriteStdin("more\nlines\n");
      tally.CloseStdin();
      const Outcome outcome = tally.Wait();
      EXPECT_THAT(outcome, ExitsWith(0));
      EXPECT_THAT(outcome.err,
                  ContainsRegex(fmt::format("^tally: worker [123] .process {}. was killed by {} "
                                            "while it was between two chunks; nothing has to be "
                                            "counted again\n$",
                                            children[victim], c.name)));
      EXPECT_EQ(Read("new"), "lines\t2\nmore\t1\nsome\t1\n");
      EXPECT_THAT(Files(), ElementsAre("new"));
      EXPECT_FALSE(tally.AnyProcessLeft());
    }
  }
}

// A pipe gives nothing twice, so what was counted of it must outlive the workers that did. There
// are more blocks of text than could wait for a savepoint, so each worker has set some.
TEST_F(WorkerDeathCliTest, WhatWasCountedOfAPipeOutlivesAllItsWorkers) {
  std::string text;
  for (int i = 0; i < 350'000; ++i) text += fmt::format("line {}\n", i % 1000);
  constexpr int kRounds = 3;
  Command command =
      Waiting({"count", "-f", "lines", "-j2", "-s", "key", "--chunk-size", "64K", "-"});
  command.environment["TALLY_FAULT_LOG"] = Path("log");
  Process tally(command);
  std::set<pid_t> killed;
  for (int round = 0; round < kRounds; ++round) {
    tally.WriteStdin(text);
    for (const pid_t worker : WorkersAtRest(&tally, 2)) {
      kill(worker, SIGKILL);
      killed.insert(worker);
    }
    tally.WaitUntil(
        [&] {
          const auto workers = WorkersOf(tally.pid());
          return workers.size() == 2 && killed.count(workers[0]) + killed.count(workers[1]) == 0;
        },
        "other workers to be there");
  }
  tally.CloseStdin();
  OracleAnswer answer = AskOracle({text}, OptionsOf(Format::kLines));
  for (auto& [key, count] : answer.counts) count *= kRounds;
  ExpectDone(tally.Wait(), answer.ByKey());
  EXPECT_EQ(killed.size(), 2U * kRounds);
  if (kHasFaultPoints) {
    EXPECT_EQ(FaultLog(Read("log")).RollBacks(), 2 * kRounds);
  }
}

// One chunk that takes a while: a worker that has computed for some time has it.
TEST_F(WorkerDeathCliTest, AWorkerThatDiesWithAChunkNamesTheChunk) {
  WriteManyLines("in", 1'500'000);
  Process tally(TallyCommand({"count", "-f", "lines", "-j1", "--chunk-size", "1G", "in"}));
  std::vector<pid_t> children;
  tally.WaitUntil(
      [&] {
        children = ChildrenOf(tally.pid());
        return !children.empty() && CpuTicksOf(children[0]) >= 3;
      },
      "the worker to compute");
  kill(children[0], SIGKILL);
  const Outcome outcome = tally.Wait();
  EXPECT_THAT(outcome, ExitsWith(0));
  EXPECT_THAT(outcome.err,
              HasSubstr(fmt::format("counting chunk 1 (in, bytes 0 to {}); 1 chunk (10.9 MB) has "
                                    "to be counted again\n",
                                    Read("in").size())));
}

#ifdef TALLY_FAULT_POINTS
// Its bytes are not those of the file, nor of the progress.
TEST_F(WorkerDeathCliTest, AChunkOfAGzipFileIsToldByItsDecompressedBytes) {
  Write("in.gz", Gzip("some\nwords\n"));
  Command command = TallyCommand({"count", "-f", "lines", "-j1", "in.gz"});
  command.environment["TALLY_FAULTS"] = "mid-chunk:any:1:kill";
  const Outcome outcome = RunCommand(command);
  ExpectDone(outcome, "some\t1\nwords\t1\n");
  EXPECT_THAT(outcome.err,
              HasSubstr("counting chunk 1 (in.gz, bytes 0 to 11, decompressed); 1 chunk"));
}
#endif

TEST_F(WorkerDeathCliTest, AStoppedWorkerIsReplacedAfterTheStallTimeout) {
  for (size_t victim = 0; victim < 2; ++victim) {
    Process tally(Waiting({"count", "-f", "lines", "-j2", "--stall-timeout", "1", "-"}));
    tally.WriteStdin("some\nlines\n");
    const pid_t stopped = WorkersAtRest(&tally, 2)[victim];
    kill(stopped, SIGSTOP);
    tally.WaitUntil([&] { return tally.outcome().err.find('\n') != std::string::npos; },
                    "the worker to be replaced");
    tally.CloseStdin();
    const Outcome outcome = tally.Wait();
    ExpectDone(outcome, "lines\t1\nsome\t1\n");
    EXPECT_THAT(outcome.err,
                AllOf(StartsWith("tally: worker "), HasSubstr(fmt::format("(process {}) gave no "
                                                                          "sign of life and was "
                                                                          "killed",
                                                                          stopped))));
  }
}

TEST_F(WorkerDeathCliTest, WorkersThatOnlyWaitAreNotTakenForHung) {
  Process tally(Waiting({"count", "-f", "lines", "-j2", "--stall-timeout", "1", "-"}));
  tally.WriteStdin("some\nlines\n");
  const auto workers = WorkersAtRest(&tally, 2);
  const auto end = Clock::now() + std::chrono::milliseconds(2500);
  tally.WaitUntil([&] { return Clock::now() >= end; }, "time to pass");
  EXPECT_EQ(WorkersAtRest(&tally, 2), workers);
  tally.CloseStdin();
  EXPECT_EQ(tally.Wait().err, "");
}

using CrashCliTest = PausedRunCliTest;

// In either mode this is true, and it is told in the same words.
TEST_F(CrashCliTest, WhereWorkersAreNoProcessesItEndsAllAndTheReasonIsTold) {
  for (const char* const mode : {"thread", "serial"}) {
    for (const int signal_number : {SIGSEGV, SIGBUS}) {
      Process tally(Waiting({"count", "-f", "lines", "-j2", "--mode", mode, "-o", "out"}));
      tally.WriteStdin("some\nlines\n");
      tally.WaitUntil(
          [&] { return tally.UnreadStdinBytes() == 0 && Catches(tally.pid(), SIGSEGV); },
          "the workers to wait for more input");
      kill(tally.pid(), signal_number);
      const Outcome outcome = tally.Wait();
      EXPECT_THAT(outcome, DiesBy(signal_number));
      EXPECT_EQ(outcome.err,
                fmt::format("tally: got SIG{}, and as its workers are no processes of their own, "
                            "this ends all of it; nothing was written. --mode process replaces a "
                            "worker that dies\n",
                            sigabbrev_np(signal_number)));
      EXPECT_EQ(Read("out"), "");
    }
  }
}

}  // namespace
}  // namespace tally
