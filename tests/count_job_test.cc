// The pass list on a fake executor: workers in any order, workers that fail.
#include "master/count_job.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <string>

#include "common/error.h"
#include "tests/cli/run_tally.h"
#include "tests/fake_executor.h"

namespace tally {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

class CountJobTest : public testing::Test {
 protected:
  CountJobTest() {
    std::string text;
    for (int i = 0; i < 3000; ++i) text += std::to_string(i % 7) + " ";
    WriteFile(Path("plain"), text);
    WriteFile(Path("packed"), Gzip(text, /*members=*/3));
    options_.files = {Path("plain"), Path("packed")};
    options_.format = Format::kWords;
    options_.chunk_size_bytes = 100;
    options_.sort = SortOrder::kKey;
    options_.output_path = Path("out");
    options_.stats_path = Path("stats");
    options_.quiet = true;
  }

  std::string Path(const std::string& name) const { return dir_.path() + "/" + name; }

  std::string Count(unsigned workers, FakeExecutor executor) {
    options_.workers = workers;
    RunCount(options_, &executor);
    return ReadFile(options_.output_path);
  }

  /// The message of a run that fails.
  std::string Failure(unsigned workers, FakeExecutor executor) {
    try {
      Count(workers, std::move(executor));
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  CountOptions options_;

 private:
  TempDir dir_;
};

constexpr char kCounts[] = "0\t858\n1\t858\n2\t858\n3\t858\n4\t856\n5\t856\n6\t856\n";

TEST_F(CountJobTest, TheOrderInWhichWorkersRunDoesNotMatter) {
  for (const unsigned workers : {1U, 2U, 5U}) {
    for (const auto order : {FakeExecutor::Order::kForward, FakeExecutor::Order::kReverse}) {
      EXPECT_EQ(Count(workers, FakeExecutor(order)), kCounts) << workers;
      EXPECT_THAT(ReadFile(options_.stats_path), HasSubstr("\"records\": 6000,"));
    }
  }
}

TEST_F(CountJobTest, TheResultIsTheSameWhicheverWorkerDiesBeforeOrAfterItsWork) {
  for (uint32_t dead = 0; dead < 3; ++dead) {
    for (const bool before : {true, false}) {
      FakeExecutor executor;
      executor.KillWorker(dead, SIGBUS, /*lives=*/1, before);
      testing::internal::CaptureStderr();
      EXPECT_EQ(Count(3, executor), kCounts) << dead;
      EXPECT_THAT(testing::internal::GetCapturedStderr(),
                  AllOf(HasSubstr("tally: worker " + std::to_string(dead + 1) + " (process "),
                        HasSubstr("was killed by SIGBUS"), HasSubstr("be counted again")));
      EXPECT_THAT(ReadFile(options_.stats_path), HasSubstr("\"records\": 6000,"));
    }
  }
}

TEST_F(CountJobTest, AWorkerThatEndsOddlyIsReplaced) {
  for (const int exit_status : {0, 1, 42}) {
    FakeExecutor executor;
    executor.FailWorker(1, exit_status);
    testing::internal::CaptureStderr();
    EXPECT_EQ(Count(2, executor), kCounts);
    EXPECT_THAT(testing::internal::GetCapturedStderr(),
                HasSubstr("ended with status " + std::to_string(exit_status)));
  }
}

TEST_F(CountJobTest, WorkersThatKeepDyingEndTheRunAndNothingIsWritten) {
  WriteFile(options_.output_path, "old");
  FakeExecutor executor;
  executor.KillWorker(1, SIGKILL, /*lives=*/1000);
  testing::internal::CaptureStderr();
  EXPECT_THAT(Failure(2, executor),
              AllOf(StartsWith("worker 2 (process "), HasSubstr("killed by SIGKILL"),
                    HasSubstr("11 workers have died"), HasSubstr("nothing was written")));
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("it was out of memory"));
  EXPECT_EQ(ReadFile(options_.output_path), "old");
  EXPECT_EQ(ReadFile(options_.stats_path), "");
}

}  // namespace
}  // namespace tally
