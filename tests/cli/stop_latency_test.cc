// How long the real program takes to stop.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "master/stall_watch.h"
#include "tests/cli/paused_run.h"
#include "tests/cli/run_tally.h"

namespace tally {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using Clock = std::chrono::steady_clock;

class StopLatencyCliTest : public PausedRunCliTest {
 protected:
  void SetUp() override {
    if (kSanitized) GTEST_SKIP() << "it is no measure of the program that people run";
  }

  /// Sends SIGINT once these have computed for so long, and expects that the program says so and
  /// ends in time. The best of some tries: the machine may be busy with something else.
  void ExpectToStopSoon(const Command& command, bool workers_compute, uint64_t ticks) const {
    milliseconds best{10'000};
    for (int attempt = 0; attempt < 5 && best >= kSoon; ++attempt) {
      Process tally(command);
      tally.WaitUntil(
          [&] {
            uint64_t computed = workers_compute ? 0 : CpuTicksOf(tally.pid());
            if (workers_compute) {
              for (const pid_t worker : WorkersOf(tally.pid())) computed += CpuTicksOf(worker);
            }
            return computed >= ticks;
          },
          "it to compute");
      const auto begin = Clock::now();
      tally.Signal(SIGINT);
      const Outcome outcome = tally.Wait();
      best = std::min(best, std::chrono::duration_cast<milliseconds>(Clock::now() - begin));
      EXPECT_THAT(outcome, DiesBy(SIGINT));
      EXPECT_THAT(outcome.err, HasSubstr("tally: stopped by SIGINT"));
    }
    EXPECT_LT(best, kSoon) << testing::PrintToString(command.arguments);
  }

  static constexpr milliseconds kSoon{200};
};

// One record without an end: it is read and inflated in one go, as far as there is memory for it.
TEST_F(StopLatencyCliTest, WhileARecordOfHundredsOfMegabytesIsInflated) {
  ASSERT_THAT(Shell("head -c 100M /dev/zero | gzip -1 > part.gz &&"
                    "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do cat part.gz; done > bomb.gz"),
              ExitsWith(0));
  for (const char* format : {"lines", "words"}) {
    const std::vector<std::string> arguments = {"count", "-f", format, "-j2"};
    // A pipe is inflated by the master, a file by a worker.
    ExpectToStopSoon(TallyCommand(arguments, Stdin::Text(Read("bomb.gz"))),
                     TestMode() == "thread" || TestMode() == "serial", 8);
    std::vector<std::string> of_file = arguments;
    of_file.emplace_back("bomb.gz");
    ExpectToStopSoon(TallyCommand(of_file), /*workers_compute=*/true, 8);
  }
}

// The workers of a merge are others than those that were seen to count.
TEST_F(StopLatencyCliTest, WhileTheTablesAreMergedThatIsToldInEveryMode) {
  ASSERT_THAT(Shell("seq 1 3000000 > in"), ExitsWith(0));
  for (const char* mode : {"process", "thread", "serial"}) {
    bool merging = false;
    for (int attempt = 0; attempt < 10 && !merging; ++attempt) {
      Process tally(TallyCommand({"count", "-f", "lines", "-j2", "--mode", mode, "in"}));
      std::set<pid_t> counting;
      tally.WaitUntil(
          [&] {
            const auto workers = mode == std::string_view("process") ? ChildrenOf(tally.pid())
                                                                     : ThreadsOf(tally.pid());
            if (counting.empty()) counting.insert(workers.begin(), workers.end());
            const auto counts = [&](pid_t worker) { return counting.contains(worker); };
            return !tally.outcome().out.empty() ||
                   (!workers.empty() && std::none_of(workers.begin(), workers.end(), counts));
          },
          "the merge");
      tally.Signal(SIGINT);
      const Outcome outcome = tally.Wait();
      EXPECT_THAT(outcome, DiesBy(SIGINT));
      EXPECT_THAT(outcome.err, HasSubstr("tally: stopped by SIGINT "));
      merging = outcome.err.find("while the tables were merged") != std::string::npos;
    }
    EXPECT_TRUE(merging) << mode;
  }
}

TEST_F(StopLatencyCliTest, WhileAFileIsCounted) {
  WriteManyLines("part", 3'000'000);
  ASSERT_THAT(Shell("for i in 1 2 3 4 5 6 7 8; do cat part; done > in"), ExitsWith(0));
  ExpectToStopSoon(TallyCommand({"count", "-f", "lines", "-j2", "in"}), /*workers_compute=*/true,
                   5);
}

}  // namespace
}  // namespace tally
