#include "master/race/crew.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <atomic>
#include <memory>

#include "common/error.h"
#include "common/shared_value.h"
#include "tests/test_util.h"

namespace tally::race {
namespace {

using std::chrono::milliseconds;

class CrewTest : public testing::TestWithParam<ExecutionMode> {
 protected:
  CrewTest() { NoteStopSignalsAfresh(); }

  Crew MakeCrew(uint32_t workers, milliseconds deadline = milliseconds(10'000)) {
    return Crew(executor_.get(), workers, deadline);
  }

 private:
  std::unique_ptr<Executor> executor_ = MakeExecutor(GetParam());
};

INSTANTIATE_TEST_SUITE_P(Modes, CrewTest,
                         testing::Values(ExecutionMode::kProcess, ExecutionMode::kThread));

TEST_P(CrewTest, NobodyStartsBeforeAllAreThere) {
  const SharedValue<std::atomic<uint32_t>> started(0);
  Crew crew = MakeCrew(3);
  const Crew::Trial trial = crew.Run([&](uint32_t) {
    ++*started;
    while (*started < 3) sched_yield();
  });
  EXPECT_TRUE(trial.finished);
  EXPECT_GT(trial.seconds, 0);
  EXPECT_EQ(*started, 3U);
}

TEST_P(CrewTest, WaitForAllKeepsTheWorkersInStep) {
  constexpr uint32_t kRounds = 500;
  const SharedValue<std::atomic<uint32_t>> steps(0);
  const SharedValue<std::atomic<uint32_t>> ahead(0);
  Crew crew = MakeCrew(4);
  crew.Run([&](uint32_t) {
    for (uint32_t round = 1; round <= kRounds; ++round) {
      ++*steps;
      crew.WaitForAll();
      if (*steps != 4 * round) ++*ahead;
      crew.WaitForAll();
    }
  });
  EXPECT_EQ(*steps, 4 * kRounds);
  EXPECT_EQ(*ahead, 0U);
}

TEST_P(CrewTest, ATrialThatTakesTooLongIsStopped) {
  Crew crew = MakeCrew(2, milliseconds(50));
  const Crew::Trial trial = crew.Run([&](uint32_t) {
    while (!crew.stopped()) sched_yield();
  });
  EXPECT_FALSE(trial.finished);
  EXPECT_TRUE(crew.Run([](uint32_t) {}).finished) << "the next one is not";
}

TEST_P(CrewTest, ATickMayStopTheTrial) {
  Crew crew = MakeCrew(2);
  int ticks = 0;
  const Crew::Trial trial = crew.Run(
      [&](uint32_t worker) {
        if (worker == 0) crew.WaitForAll();  // which the other one never does
        while (!crew.stopped()) sched_yield();
      },
      [&] {
        if (++ticks == 2) crew.Stop();
      });
  EXPECT_FALSE(trial.finished);
}

}  // namespace
}  // namespace tally::race
