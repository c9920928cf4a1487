#include "master/thread_executor.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <stdexcept>
#include <thread>
#include <vector>

#include "common/error.h"
#include "master/serial_executor.h"
#include "tests/test_util.h"

namespace tally {
namespace {

template <class ExecutorType>
class ExecutorInThisProcessTest : public testing::Test {
 protected:
  ExecutorType executor_;
};
using Executors = testing::Types<ThreadExecutor, SerialExecutor>;
TYPED_TEST_SUITE(ExecutorInThisProcessTest, Executors);

TYPED_TEST(ExecutorInThisProcessTest, EachWorkerRunsOnceInThisProcess) {
  std::array<std::atomic<int>, 7> runs{};
  const auto outcomes =
      this->executor_.Run(7, [&](uint32_t worker) { return ++runs[worker] == 1; });
  ASSERT_EQ(outcomes.size(), 7U);
  for (size_t worker = 0; worker < 7; ++worker) {
    EXPECT_EQ(runs[worker], 1);
    EXPECT_TRUE(outcomes[worker].succeeded);
    EXPECT_FALSE(outcomes[worker].stopped);
    EXPECT_EQ(outcomes[worker].pid, 0);
    EXPECT_EQ(outcomes[worker].exit_status, 0);
  }
}

TYPED_TEST(ExecutorInThisProcessTest, TicksInTheCallingThreadWhileWorkersRun) {
  const auto caller = std::this_thread::get_id();
  std::atomic<int> ticks = 0;
  this->executor_.Run(1,
                      [&](uint32_t) {
                        EXPECT_NE(std::this_thread::get_id(), caller);
                        while (ticks < 3) std::this_thread::yield();
                        return true;
                      },
                      {.on_tick = [&] {
                        EXPECT_EQ(std::this_thread::get_id(), caller);
                        ++ticks;
                      }});
  EXPECT_GE(ticks, 3);
}

TYPED_TEST(ExecutorInThisProcessTest, AFailureAsksTheOthersToStop) {
  std::atomic<bool> stop = false;
  std::atomic<int> asked = 0;
  const auto outcomes = this->executor_.Run(3,
                                            [&](uint32_t worker) {
                                              if (worker == 0) return false;
                                              while (!stop) std::this_thread::yield();
                                              return true;
                                            },
                                            {.ask_to_stop = [&] {
                                              ++asked;
                                              stop = true;
                                            }});
  EXPECT_FALSE(outcomes[0].succeeded);
  EXPECT_FALSE(outcomes[0].stopped);
  EXPECT_EQ(outcomes[0].exit_status, kExitFailed);
  EXPECT_LE(asked, 1) << "or not at all, where no other runs";
}

TYPED_TEST(ExecutorInThisProcessTest, WhatATickThrowsEndsTheRun) {
  std::atomic<bool> stop = false;
  EXPECT_THROW(this->executor_.Run(2,
                                   [&](uint32_t) {
                                     while (!stop) std::this_thread::yield();
                                     return true;
                                   },
                                   {.on_tick = [] { throw std::runtime_error("tick"); },
                                    .ask_to_stop = [&] { stop = true; }}),
               std::runtime_error);
  EXPECT_TRUE(stop);
}

TYPED_TEST(ExecutorInThisProcessTest, AStopSignalIsThrownOnceTheWorkersHaveEnded) {
  Child child([this] {
    NoteStopSignalsAfresh();
    std::atomic<bool> stop = false;
    std::atomic<int> running = 0;
    try {
      this->executor_.Run(2,
                          [&](uint32_t worker) {
                            ++running;
                            if (worker == 0) kill(getpid(), SIGTERM);
                            while (!stop) std::this_thread::yield();
                            --running;
                            return true;
                          },
                          {.ask_to_stop = [&] { stop = true; }});
    } catch (const Interrupted& interrupted) {
      return interrupted.signal_number() == SIGTERM && running == 0;
    }
    return false;
  });
  EXPECT_EQ(child.Wait(), 0);
}

TYPED_TEST(ExecutorInThisProcessTest, AStopSignalEndsTheProcessWhereWorkersDoNotStop) {
  Child child([this] {
    NoteStopSignalsAfresh();
    this->executor_.Run(2, [](uint32_t) -> bool {
      kill(getpid(), SIGTERM);
      for (;;) pause();
    });
    return true;
  });
  EXPECT_TRUE(DiedBy(child.Wait(), SIGTERM));
}

TEST(ThreadExecutorTest, WorkersRunSideBySide) {
  std::atomic<int> here = 0;
  const auto outcomes = ThreadExecutor().Run(3, [&](uint32_t) {
    ++here;
    while (here < 3) std::this_thread::yield();
    return true;
  });
  EXPECT_EQ(outcomes.size(), 3U);
  EXPECT_EQ(ThreadExecutor().name(), "thread");
}

TEST(SerialExecutorTest, WorkersRunInTurnAndNoneAfterAFailure) {
  std::vector<uint32_t> order;
  const auto outcomes = SerialExecutor().Run(4, [&](uint32_t worker) {
    order.push_back(worker);
    return worker < 2;
  });
  EXPECT_EQ(order, (std::vector<uint32_t>{0, 1, 2}));
  EXPECT_TRUE(outcomes[1].succeeded);
  EXPECT_FALSE(outcomes[2].succeeded);
  EXPECT_FALSE(outcomes[2].stopped);
  EXPECT_TRUE(outcomes[3].stopped);
  EXPECT_EQ(SerialExecutor().name(), "serial");
}

}  // namespace
}  // namespace tally
