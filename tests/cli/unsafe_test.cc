// --unsafe: the progress counter loses updates, for real, and nothing else is wrong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/cli/run_tally.h"

namespace tally {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class UnsafeCliTest : public CliTest {
 protected:
  UnsafeCliTest() {
    std::string text;
    for (int i = 0; i < 4000; ++i) text += std::to_string(i % 10) + "\n";
    Write("in", text);
  }

  struct Run {
    Outcome outcome;
    json stats;
    uint64_t lost = 0;
  };

  /// Of 32 chunks; by processes, if not said otherwise.
  Run Count(std::vector<std::string> options) const {
    options.insert(options.begin(), {"count", "--mode", "process", "-f", "lines", "--unsafe"});
    options.insert(options.end(), {"--chunk-size", "250", "--stats", "stats", "in"});
    Run run{.outcome = Tally(options), .stats = json::parse(Read("stats")), .lost = 0};
    EXPECT_THAT(run.outcome, ExitsWith(0));
    EXPECT_EQ(run.outcome.out,
              "0\t400\n1\t400\n2\t400\n3\t400\n4\t400\n5\t400\n6\t400\n7\t400\n8\t400\n9\t400\n");
    run.lost = run.stats.at("updates_lost").get<uint64_t>();
    EXPECT_EQ(run.stats.at("unsafe"), true);
    EXPECT_EQ(run.stats.at("chunks"), 32);
    EXPECT_EQ(run.stats.at("chunks_done"), 32 - run.lost);
    EXPECT_EQ(run.stats.at("records"), 4000);
    return run;
  }

  static std::string Said(uint64_t lost) {
    return "--unsafe: " + std::to_string(lost) + " of 32 updates of the progress counter were lost";
  }
};

TEST_F(UnsafeCliTest, LosesUpdatesInEveryRunAndTellsHowMany) {
  for (const std::string mode : {"process", "thread"}) {
    if (kThreadSanitized && mode == "thread") continue;  // which ends the run, see below
    for (int i = 0; i < (kSanitized ? 5 : 25); ++i) {
      const Run run = Count({"--mode", mode, "-j2"});
      EXPECT_GT(run.lost, 0u) << mode;
      EXPECT_THAT(run.outcome.err, HasSubstr(Said(run.lost)));
      EXPECT_THAT(run.outcome.err, HasSubstr("a yield of up to 20 ms between load and store"));
      EXPECT_THAT(run.outcome.err, HasSubstr("The counts are right all the same"));
    }
  }
}

TEST_F(UnsafeCliTest, ThreadSanitizerSeesItInThreadModeAndNothingWhereThereIsALock) {
  if (!kThreadSanitized) GTEST_SKIP() << "built without ThreadSanitizer";
  std::vector<std::string> arguments = {"count", "--mode",       "thread", "-f", "lines",
                                        "-j2",   "--chunk-size", "250",    "in"};
  const Outcome safe = Tally(arguments);
  EXPECT_THAT(safe, ExitsWith(0));
  EXPECT_EQ(safe.err, "");
  arguments.emplace_back("--unsafe");
  const Outcome unsafe = Tally(arguments);
  EXPECT_NE(unsafe.exit_status, 0);
  EXPECT_THAT(unsafe.err, HasSubstr("WARNING: ThreadSanitizer: data race"));
  EXPECT_THAT(unsafe.err, HasSubstr("Progress<tally::NullMutex>::Add"));
}

TEST_F(UnsafeCliTest, OneAfterAnotherLosesNothingAndWaitsForNobody) {
  for (const std::vector<std::string>& options :
       std::vector<std::vector<std::string>>{{"--mode", "serial", "-j3"}, {"-j1"}}) {
    const Run run = Count(options);
    EXPECT_EQ(run.lost, 0u);
    EXPECT_THAT(run.outcome.err, HasSubstr(Said(0)));
    EXPECT_LT(run.stats.at("wall_ms").at("map"), 20 * 32);
  }
}

TEST_F(UnsafeCliTest, TheWindowIsAsAskedForAndTold) {
  EXPECT_GT(Count({"-j2", "--race-window", "2000"}).lost, 0u);
  EXPECT_THAT(Count({"-j2", "--race-window", "150"}).outcome.err,
              HasSubstr("with 150 microseconds between load and store"));
  EXPECT_THAT(Count({"-j2", "--race-window", "none"}).outcome.err,
              HasSubstr("with no wait between load and store"));
}

TEST_F(UnsafeCliTest, QuietLeavesItToTheStats) {
  const Run run = Count({"-q", "-j2"});
  EXPECT_EQ(run.outcome.err, "");
  EXPECT_GT(run.lost, 0u);
}

TEST_F(UnsafeCliTest, AWindowWithoutItIsWrongUsage) {
  const Outcome outcome = Tally({"count", "--race-window", "none", "in"});
  EXPECT_THAT(outcome, ExitsWith(2));
  EXPECT_THAT(outcome.err, HasSubstr("--race-window goes with --unsafe only"));
  for (const char* const window : {"", "-1", "1.5", "10ms", "1000001", "yield "}) {
    EXPECT_THAT(Tally({"count", "--unsafe", "--race-window", window, "in"}), ExitsWith(2))
        << window;
  }
}

TEST_F(UnsafeCliTest, WithTheLockNothingIsLost) {
  for (const char* const mode : {"process", "thread", "serial"}) {
    const Outcome outcome = Tally({"count", "-f", "lines", "--mode", mode, "-j3", "--chunk-size",
                                   "1", "--stats", "stats", "in"});
    EXPECT_THAT(outcome, ExitsWith(0));
    EXPECT_EQ(outcome.err, "");
    const json stats = json::parse(Read("stats"));
    EXPECT_EQ(stats.at("unsafe"), false);
    EXPECT_EQ(stats.at("updates_lost"), 0);
    EXPECT_EQ(stats.at("chunks_done"), stats.at("chunks"));
  }
}

}  // namespace
}  // namespace tally
