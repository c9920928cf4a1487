#include "master/calling_executor.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <thread>
#include <vector>

#include "common/error.h"
#include "tests/test_util.h"

namespace tally {
namespace {

TEST(CallingExecutorTest, BodiesRunInTurnInTheCallingThread) {
  const auto caller = std::this_thread::get_id();
  std::vector<uint32_t> order;
  const auto outcomes = CallingExecutor().Run(3,
                                              [&](uint32_t worker) {
                                                EXPECT_EQ(std::this_thread::get_id(), caller);
                                                order.push_back(worker);
                                                return true;
                                              },
                                              {});
  EXPECT_EQ(order, (std::vector<uint32_t>{0, 1, 2}));
  ASSERT_EQ(outcomes.size(), 3U);
  for (const WorkerOutcome& outcome : outcomes) {
    EXPECT_TRUE(outcome.succeeded);
    EXPECT_FALSE(outcome.stopped);
    EXPECT_EQ(outcome.pid, 0);
    EXPECT_EQ(outcome.exit_status, kExitDone);
  }
}

TEST(CallingExecutorTest, NoneRunsAfterAFailure) {
  int runs = 0;
  const auto outcomes =
      CallingExecutor().Run(3, [&](uint32_t worker) { return ++runs, worker < 1; }, {});
  EXPECT_EQ(runs, 2);
  EXPECT_TRUE(outcomes[0].succeeded);
  EXPECT_FALSE(outcomes[1].succeeded);
  EXPECT_FALSE(outcomes[1].stopped);
  EXPECT_TRUE(outcomes[2].stopped);
}

}  // namespace
}  // namespace tally
