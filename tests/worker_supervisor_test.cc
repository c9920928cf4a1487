#include "master/worker_supervisor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <optional>
#include <string>
#include <vector>

#include "common/error.h"

namespace tally {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class WorkerSupervisorTest : public testing::Test {
 protected:
  explicit WorkerSupervisorTest(uint32_t workers = 2)
      : supervisor_(
            workers, [this](std::string_view text) { said_.emplace_back(text); },
            [this] { return oom_kills_; }) {
    supervisor_.NoteKills();
  }

  static WorkerOutcome KilledBy(int signal_number) {
    return {.pid = 77, .signal_number = signal_number};
  }

  /// The error that this death ends the run with, if it does.
  std::optional<Error> Die(uint32_t worker, const WorkerOutcome& outcome, const LastWork& work) {
    try {
      EXPECT_EQ(supervisor_.OnDeath(worker, outcome, work), Next::kReplace);
      return std::nullopt;
    } catch (const Error& error) {
      return error;
    }
  }

  uint64_t oom_kills_ = 3;
  WorkerSupervisor supervisor_;
  std::vector<std::string> said_;
};

const LastWork kBetween{.doing = "it was between two chunks"};

LastWork Counting(const std::string& piece, uint64_t progress = 0) {
  return {.doing = "counting " + piece, .piece = piece, .progress = progress};
}

TEST_F(WorkerSupervisorTest, ADeathIsToldWithWhatIsDoneAgain) {
  EXPECT_FALSE(Die(1, KilledBy(SIGKILL),
                   {.doing = "counting chunk 5", .piece = "chunk 5", .again = "7 chunks, again"}));
  EXPECT_THAT(said_, ElementsAre("worker 2 (process 77) was killed by SIGKILL while counting chunk "
                                 "5; 7 chunks, again"));
}

TEST_F(WorkerSupervisorTest, WhereTooFewCanBeStartedThatIsToldOnce) {
  supervisor_.OnTooFew(1, 4, ENOMEM);
  supervisor_.OnTooFew(2, 3, EAGAIN);
  supervisor_.OnNoSuccessor(1, EAGAIN);
  EXPECT_THAT(
      said_,
      ElementsAre("only 1 of 4 workers could be started (Cannot allocate memory); it "
                  "does the work",
                  "no process can be started in the place of worker 2 (Resource "
                  "temporarily unavailable: see ulimit -u (for threads, -v as well) and pids.max "
                  "of the cgroup); "
                  "the others do its work"));
}

TEST_F(WorkerSupervisorTest, APieceOfWorkIsTriedThreeTimes) {
  EXPECT_FALSE(Die(0, KilledBy(SIGSEGV), Counting("chunk 5")));
  EXPECT_FALSE(Die(0, KilledBy(SIGSEGV), Counting("chunk 6")));
  EXPECT_FALSE(Die(1, KilledBy(SIGABRT), Counting("chunk 5")));
  const auto error = Die(0, KilledBy(SIGSEGV), Counting("chunk 5"));
  ASSERT_TRUE(error);
  EXPECT_EQ(error->exit_status(), kExitWorkersDied);
  EXPECT_THAT(error->what(), AllOf(HasSubstr("counting chunk 5"), HasSubstr("SIGSEGV"),
                                   HasSubstr("3 workers"), HasSubstr("nothing was written")));
  EXPECT_EQ(said_.size(), 3U);
}

TEST_F(WorkerSupervisorTest, DeathsThatNoPieceIsToBlameForEndTheRunInTheEnd) {
  for (uint32_t death = 1; death <= 8 + 2; ++death) {
    EXPECT_FALSE(Die(death % 2, KilledBy(SIGTERM), kBetween)) << death;
  }
  const auto error = Die(0, KilledBy(SIGTERM), kBetween);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->exit_status(), kExitWorkersDied);
  EXPECT_THAT(error->what(), HasSubstr("11 workers have died"));
}

TEST_F(WorkerSupervisorTest, AWorkerThatIsKilledTwiceWithoutGettingOnLacksMemory) {
  Die(0, KilledBy(SIGKILL), Counting("chunk 1", /*progress=*/4));
  Die(1, KilledBy(SIGKILL), Counting("chunk 2", /*progress=*/4));
  EXPECT_THAT(said_, Not(testing::Contains(HasSubstr("memory"))));
  Die(0, KilledBy(SIGKILL), Counting("chunk 3", /*progress=*/4));
  EXPECT_THAT(said_.back(), AllOf(HasSubstr("it was out of memory"), HasSubstr("--memory")));
}

// Its successor had the first chunks again, but not as many.
TEST_F(WorkerSupervisorTest, ASuccessorThatGetsLessFarDoesNotGetOn) {
  Die(0, KilledBy(SIGKILL), Counting("chunk 9", /*progress=*/8));
  Die(0, KilledBy(SIGKILL), Counting("chunk 5", /*progress=*/3));
  EXPECT_THAT(said_.back(), HasSubstr("it was out of memory"));
  Die(0, KilledBy(SIGKILL), Counting("chunk 7", /*progress=*/4));
  EXPECT_THAT(said_.back(), Not(HasSubstr("memory")));
}

TEST_F(WorkerSupervisorTest, WhereTheKernelLackedMemoryThatIsTold) {
  Die(0, KilledBy(SIGKILL), Counting("chunk 1", /*progress=*/1));
  EXPECT_THAT(said_.back(), Not(HasSubstr("memory")));
  ++oom_kills_;
  Die(1, KilledBy(SIGSEGV), Counting("chunk 2", /*progress=*/1));
  EXPECT_THAT(said_.back(), Not(HasSubstr("memory")));
  Die(1, KilledBy(SIGKILL), Counting("chunk 3", /*progress=*/2));
  EXPECT_THAT(said_.back(), AllOf(HasSubstr("the kernel says that it had to kill for lack of "
                                            "memory: probably out of memory"),
                                  HasSubstr("--memory")));
  Die(1, KilledBy(SIGKILL), Counting("chunk 4", /*progress=*/3));
  EXPECT_THAT(said_.back(), Not(HasSubstr("memory"))) << "it was told";
}

TEST_F(WorkerSupervisorTest, OneThatGetsOnOrDiesOtherwiseDoesNot) {
  Die(0, KilledBy(SIGKILL), Counting("chunk 1", /*progress=*/4));
  Die(0, KilledBy(SIGKILL), Counting("chunk 2", /*progress=*/5));
  Die(0, KilledBy(SIGSEGV), Counting("chunk 3", /*progress=*/5));
  WorkerOutcome hung = KilledBy(SIGKILL);
  hung.hung = true;
  Die(0, hung, Counting("chunk 4", /*progress=*/5));
  for (const std::string& text : said_) EXPECT_THAT(text, Not(HasSubstr("memory")));
  EXPECT_THAT(said_.back(), HasSubstr("gave no sign of life and was killed"));
}

}  // namespace
}  // namespace tally
