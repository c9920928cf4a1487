// Runs of a build with fault points (common/fault_point.h) over a file, a compressed file and a
// pipe, so that workers come to all of them.
#ifndef TALLY_TESTS_CLI_FAULT_POINTS_FIXTURE_H_
#define TALLY_TESTS_CLI_FAULT_POINTS_FIXTURE_H_

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "tests/cli/fault_log.h"
#include "tests/cli/oracle.h"
#include "tests/cli/paused_run.h"
#include "tests/cli/run_tally.h"

namespace tally {

/// A run with faults, and what it says of them.
struct FaultyRun {
  Outcome outcome;
  FaultLog log;
};

class FaultPointsCliTest : public PausedRunCliTest {
 protected:
  FaultPointsCliTest() {
    std::string text;
    for (int i = 0; i < 20'000; ++i) text += fmt::format("key {}\n", (i * 7919) % kKeys);
    // Enough for tables to be saved now and then.
    for (int i = 0; i < 15; ++i) pipe_text_ += text;
    Write("in", text);
    Write("in.gz", Gzip(text, /*members=*/2));
    expected_ = AskOracle({text, text, pipe_text_}, OptionsOf(Format::kLines)).ByKey();
    prctl(PR_SET_CHILD_SUBREAPER, 1);
  }
  ~FaultPointsCliTest() override { prctl(PR_SET_CHILD_SUBREAPER, 0); }

  Command WithFaults(const std::string& faults, int workers) const {
    Command command =
        TallyCommand({"count", "-f", "lines", "-s", "key", "-o", "out", "--stats", "stats",
                      "--chunk-size", "64K", "-j", std::to_string(workers), "in", "in.gz", "-"},
                     Stdin::Text(pipe_text_));
    command.environment["TALLY_FAULTS"] = faults;
    command.environment["TALLY_FAULT_LOG"] = log_file_.path() + "/log";
    LeaveSignalsToTheKernel(&command);
    return command;
  }

  /// Of the last run with faults.
  FaultLog Log() const { return FaultLog(ReadFile(log_file_.path() + "/log")); }

  /// A run with these faults comes to the right counts.
  FaultyRun Survives(const std::string& faults, int workers) {
    SCOPED_TRACE(fmt::format("TALLY_FAULTS={} -j {}", faults, workers));
    WriteFile(log_file_.path() + "/log", "");
    Process tally(WithFaults(faults, workers));
    const Outcome outcome = tally.Wait();
    EXPECT_FALSE(tally.AnyProcessLeft());
    ExpectWhole(outcome);
    return {outcome, Log()};
  }

  void ExpectWhole(const Outcome& outcome) const {
    EXPECT_THAT(outcome, ExitsWith(0));
    EXPECT_TRUE(Read("out") == expected_) << outcome.err;
    EXPECT_THAT(Files(), testing::ElementsAre("in", "in.gz", "out", "stats"));
    RemoveOutputs();
  }

  void RemoveOutputs() const {
    for (const char* const name : {"out", "stats"}) unlink(Path(name).c_str());
  }

  /// A run with these faults, however it ends; no process is left then.
  FaultyRun RunWithFaults(const std::string& faults, int workers,
                          const std::vector<std::string>& more = {}) {
    WriteFile(log_file_.path() + "/log", "");
    Command command = WithFaults(faults, workers);
    command.arguments.insert(command.arguments.end(), more.begin(), more.end());
    Process tally(command);
    const Outcome outcome = tally.Wait();
    // The workers of a master that was killed are adopted by this process, to be buried at once.
    tally.WaitUntil(
        [&] {
          while (waitpid(-tally.pid(), nullptr, WNOHANG) > 0) continue;
          return !tally.AnyProcessLeft();
        },
        "the workers to be gone");
    return {outcome, Log()};
  }

  /// A run with these faults ends without any output.
  Outcome Fails(const std::string& faults, int workers, const std::vector<std::string>& more = {}) {
    const FaultyRun run = RunWithFaults(faults, workers, more);
    EXPECT_THAT(Files(), testing::ElementsAre("in", "in.gz")) << faults;
    return run.outcome;
  }

  /// The times to let something happen at a point that was come to so often: each of the first
  /// ones, then some among the others, and the last.
  static std::set<uint64_t> SpreadOver(uint64_t hits) {
    constexpr uint64_t kEachOfTheFirst = 3;
    std::set<uint64_t> chosen = {hits / 4, hits / 2, hits - hits / 4, hits};
    for (uint64_t hit = 1; hit <= std::min(hits, kEachOfTheFirst); ++hit) chosen.insert(hit);
    chosen.erase(0);
    return chosen;
  }

  std::string pipe_text_;
  std::string expected_;

 private:
  static constexpr int kKeys = 9000;  // so that there are some partitions to merge

  TempDir log_file_;
};

}  // namespace tally

#endif  // TALLY_TESTS_CLI_FAULT_POINTS_FIXTURE_H_
