#include "master/compare/comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "common/error.h"
#include "common/shared_value.h"
#include "master/compare/items.h"
#include "tests/cli/run_tally.h"
#include "tests/test_util.h"

namespace tally::compare {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const Watcher kNobody = {.on_tick = {}, .on_result = {}};

class ComparisonTest : public testing::Test {
 protected:
  ComparisonTest() { NoteStopSignalsAfresh(); }
};

Task TaskOf(std::function<Result(const Launch&)> run) {
  return {.name = "task", .summary = "a task", .run = std::move(run)};
}

/// Uses the CPU in every worker until each has used so much of it.
void Compute(std::chrono::milliseconds cpu_time) {
  timespec used{};
  do {
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  } while (used.tv_sec * 1000 + used.tv_nsec / 1'000'000 < cpu_time.count());
}

TEST(WayTest, HasAName) {
  EXPECT_EQ(NameOf(Way{ExecutionMode::kSerial, 1}), "serial");
  EXPECT_EQ(NameOf(Way{ExecutionMode::kThread, 1}), "1 thread");
  EXPECT_EQ(NameOf(Way{ExecutionMode::kThread, 2}), "2 threads");
  EXPECT_EQ(NameOf(Way{ExecutionMode::kProcess, 1}), "1 process");
  EXPECT_EQ(NameOf(Way{ExecutionMode::kProcess, 64}), "64 processes");
  EXPECT_THAT(WaysFor({1, 3}), SizeIs(5));
}

TEST_F(ComparisonTest, HasARowOfFiguresForEachWay) {
  const Task task = TaskOfItems("sums", "", [](uint32_t item) {
    Compute(std::chrono::milliseconds(2));
    return uint64_t{item};
  });
  const TaskReport report = Compare(task, {.ways = WaysFor({1, 2}), .runs = 3}, kNobody);
  EXPECT_THAT(report.errors, IsEmpty());
  ASSERT_THAT(report.rows, SizeIs(5));
  for (const Row& row : report.rows) {
    EXPECT_FALSE(row.failed);
    EXPECT_TRUE(row.equal);
    EXPECT_EQ(row.result, "190");
    EXPECT_THAT(row.runs_ms, SizeIs(3));
    EXPECT_LE(row.min_ms, row.median_ms);
    EXPECT_LE(row.median_ms, row.max_ms);
    EXPECT_DOUBLE_EQ(row.speedup, report.rows[0].median_ms / row.median_ms);
    EXPECT_GT(row.peak_memory_kb, 500U);
  }
  EXPECT_EQ(report.rows[0].speedup, 1);
}

TEST_F(ComparisonTest, TheCpuTimeOfAllWorkersIsInTheirRow) {
  const Task task = TaskOf([](const Launch& launch) {
    launch.executor->Run(launch.workers, [](uint32_t) {
      Compute(std::chrono::milliseconds(60));
      return true;
    });
    return Result{};
  });
  const TaskReport report = Compare(task, {.ways = WaysFor({3}), .runs = 1}, kNobody);
  for (const Row& row : report.rows) {
    EXPECT_GE(row.user_ms + row.system_ms, 55.0 * row.way.workers) << NameOf(row.way);
  }
}

TEST_F(ComparisonTest, TheMemoryOfAllWorkersIsInTheirRow) {
  constexpr size_t kBytes = size_t{32} << 20;
  const Task task = TaskOf([](const Launch& launch) {
    launch.executor->Run(launch.workers, [](uint32_t) {
      const std::string memory(kBytes, 'x');
      return memory[kBytes / 2] == 'x';
    });
    return Result{};
  });
  const TaskReport report = Compare(task, {.ways = WaysFor({2}), .runs = 1}, kNobody);
  EXPECT_GE(report.rows[0].peak_memory_kb, 32U << 10);
  EXPECT_GE(report.rows[2].peak_memory_kb, 64U << 10) << "two processes, each its own";
}

TEST_F(ComparisonTest, FiguresAreMediansAndTheMemoryIsTheMost) {
  const SharedValue<std::atomic<uint32_t>> runs(0);
  const Task task = TaskOf([&](const Launch&) {
    const uint32_t run = ++*runs;
    const std::string memory(size_t{64} << 20, 'x');
    Compute(std::chrono::milliseconds(run == 3 ? 120 : memory[0] == 'x' ? 10 : 0));
    return Result{};
  });
  const TaskReport report =
      Compare(task, {.ways = {{ExecutionMode::kSerial, 1}}, .runs = 3}, kNobody);
  EXPECT_GT(report.rows[0].peak_memory_kb, 64U << 10);
  if (kSanitized) return;  // sanitizers take memory and time of their own
  EXPECT_LT(report.rows[0].peak_memory_kb, 3 * 64U << 10) << "not that of all runs together";
  EXPECT_LT(report.rows[0].user_ms, 110) << "only one run of three took more";
}

TEST_F(ComparisonTest, ContextSwitchesAreCounted) {
  const Task task = TaskOf([](const Launch&) {
    for (int i = 0; i < 50; ++i) std::this_thread::sleep_for(std::chrono::microseconds(100));
    return Result{};
  });
  const TaskReport report =
      Compare(task, {.ways = {{ExecutionMode::kSerial, 1}}, .runs = 1}, kNobody);
  EXPECT_GE(report.rows[0].context_switches, 50U);
}

// A wait that no child's end would end lasts a tenth of a second.
TEST_F(ComparisonTest, WorkersAreJoinedAtOnceEvenWhereTheirSignalIsBlocked) {
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  pthread_sigmask(SIG_BLOCK, &child, nullptr);
  const Task task = TaskOf([](const Launch& launch) {
    launch.executor->Run(launch.workers, [](uint32_t) { return true; });
    return Result{};
  });
  const TaskReport report =
      Compare(task, {.ways = {{ExecutionMode::kProcess, 2}}, .runs = 9}, kNobody);
  pthread_sigmask(SIG_UNBLOCK, &child, nullptr);
  EXPECT_LT(report.rows[0].min_ms, 90);
}

TEST_F(ComparisonTest, OfAStoppedRunNoWorkerIsLeft) {
  const SharedValue<std::atomic<pid_t>> worker(0);
  Task task = TaskOf([&](const Launch& launch) {
    launch.executor->Run(launch.workers, [&](uint32_t) -> bool {
      *worker = getpid();
      for (;;) pause();
    });
    return Result{};
  });
  task.deadline = std::chrono::milliseconds(300);
  Compare(task, {.ways = {{ExecutionMode::kProcess, 1}}, .runs = 1}, kNobody);
  ASSERT_GT(*worker, 0);
  EXPECT_EQ(kill(*worker, 0), -1) << "not even a zombie";
}

TEST_F(ComparisonTest, ADifferenceIsAnErrorThatNamesBoth) {
  const Task task = TaskOf([](const Launch& launch) {
    return Result{.text = launch.mode == ExecutionMode::kThread ? "41" : "42", .errors = {}};
  });
  const TaskReport report = Compare(task, {.ways = WaysFor({1}), .runs = 2}, kNobody);
  EXPECT_THAT(report.errors,
              ElementsAre("task, 1 thread: its result 41 is not that of task, serial: 42"));
  EXPECT_TRUE(report.rows[0].equal);
  EXPECT_FALSE(report.rows[1].equal);
  EXPECT_TRUE(report.rows[2].equal);
}

TEST_F(ComparisonTest, ADifferenceInOneRunOfManyIsSeen) {
  const SharedValue<std::atomic<int>> runs(0);
  const Task task = TaskOf(
      [&](const Launch&) { return Result{.text = ++*runs == 4 ? "odd" : "even", .errors = {}}; });
  const TaskReport report = Compare(task, {.ways = WaysFor({1}), .runs = 3}, kNobody);
  EXPECT_THAT(report.errors, SizeIs(1));
  EXPECT_EQ(report.rows[0].result, "odd");
  EXPECT_FALSE(report.rows[0].equal) << "the first way, in its first run after the warm-up";
}

TEST_F(ComparisonTest, AnItemThatThrowsIsNamedWhileTheOthersAreDone) {
  for (const Way way : WaysFor({2})) {
    const SharedValue<std::array<std::atomic<int>, kItems>> done;
    const Task task = TaskOfItems("luck", "", [&](uint32_t item) -> uint64_t {
      if (item == 6) throw Error("no luck");
      ++(*done)[item];
      return 1;
    });
    const TaskReport report = Compare(task, {.ways = {way}, .runs = 5}, kNobody);
    EXPECT_THAT(report.errors, ElementsAre("luck, " + NameOf(way) + ": item 7 of 20: no luck"));
    EXPECT_TRUE(report.rows[0].failed);
    for (uint32_t item = 0; item < kItems; ++item) {
      EXPECT_EQ((*done)[item], item == 6 ? 0 : 1) << "once: a way that failed is not tried again";
    }
  }
}

TEST_F(ComparisonTest, AWayThatFailsLeavesTheOthersAlone) {
  const Task task = TaskOf([](const Launch& launch) {
    if (launch.mode == ExecutionMode::kProcess) throw Error("not by processes");
    return Result{.text = "done", .errors = {}};
  });
  const TaskReport report = Compare(task, {.ways = WaysFor({2}), .runs = 3}, kNobody);
  EXPECT_THAT(report.errors, ElementsAre("task, 2 processes: not by processes"));
  EXPECT_THAT(report.rows[0].runs_ms, SizeIs(3));
  EXPECT_THAT(report.rows[1].runs_ms, SizeIs(3));
  EXPECT_TRUE(report.rows[2].failed);
}

TEST_F(ComparisonTest, ARunThatDiesIsAnError) {
  const Task task = TaskOf([](const Launch&) -> Result {
    raise(SIGKILL);
    return {};
  });
  const TaskReport report =
      Compare(task, {.ways = {{ExecutionMode::kSerial, 1}}, .runs = 1}, kNobody);
  EXPECT_THAT(report.errors, ElementsAre("task, serial: its process was killed by SIGKILL"));
}

TEST_F(ComparisonTest, AWorkerThatDiesIsAnError) {
  const Task task = TaskOfItems("task", "", [](uint32_t) -> uint64_t {
    raise(SIGKILL);
    return 0;
  });
  const TaskReport report =
      Compare(task, {.ways = {{ExecutionMode::kProcess, 2}}, .runs = 1}, kNobody);
  ASSERT_THAT(report.errors, SizeIs(1));
  EXPECT_THAT(report.errors[0], HasSubstr("was killed by SIGKILL while at work on an item"));
}

TEST_F(ComparisonTest, ARunThatHangsHitsItsDeadline) {
  for (const Way way : WaysFor({2})) {
    Task task = TaskOfItems("task", "", [](uint32_t) -> uint64_t {
      for (;;) pause();
    });
    task.deadline = std::chrono::milliseconds(300);
    const TaskReport report = Compare(task, {.ways = {way}, .runs = 1}, kNobody);
    ASSERT_THAT(report.errors, SizeIs(1)) << NameOf(way);
    EXPECT_THAT(report.errors[0], HasSubstr("hit its deadline of 0.3 s, which stopped it"));
  }
}

TEST_F(ComparisonTest, RunsTakeTurnsAfterAWarmUp) {
  struct Log {
    std::atomic<size_t> size{0};
    std::array<char, 64> letters{};
  };
  const SharedValue<Log> log;
  const Task task = TaskOf([&](const Launch& launch) {
    log->letters[log->size++] = NameOf(launch.mode)[0];
    return Result{};
  });
  Compare(task, {.ways = WaysFor({1}), .runs = 3}, kNobody);
  EXPECT_STREQ(log->letters.data(), "stpstpstpstp");
}

TEST_F(ComparisonTest, EachItemIsHandedOutOnce) {
  for (const Way way : WaysFor({1, 7, 40})) {
    const SharedValue<std::array<std::atomic<int>, kItems>> times;
    const Task task = TaskOfItems("task", "", [&](uint32_t item) {
      ++(*times)[item];
      return uint64_t{1};
    });
    Compare(task, {.ways = {way}, .runs = 1}, kNobody);
    for (const std::atomic<int>& count : *times) EXPECT_EQ(count, 2) << "warm-up and run";
  }
}

TEST_F(ComparisonTest, ItemsAreToldInTheWarmUpAndRunsAlways) {
  const SharedValue<std::atomic<int>> lines(0);
  std::vector<std::string> runs;
  const Watcher watcher = {.on_tick = {}, .on_result = [&](const std::string& line) {
                             ++*lines;
                             runs.push_back(line);  // of items, in another process
                           }};
  const Task task = TaskOfItems("task", "", [](uint32_t) { return uint64_t{2}; });
  Compare(task, {.ways = {{ExecutionMode::kProcess, 2}}, .runs = 3}, watcher);
  EXPECT_EQ(*lines, 20 + 1 + 3);
  ASSERT_THAT(runs, SizeIs(4));
  EXPECT_THAT(runs[0], HasSubstr("task, 2 processes: warm-up: "));
  EXPECT_THAT(runs[3], HasSubstr("task, 2 processes: run 3 of 3: "));
  EXPECT_THAT(runs, Each(HasSubstr(" ms, result 40")));
}

TEST_F(ComparisonTest, WhatATickThrowsEndsIt) {
  const Watcher watcher = {.on_tick = [](const std::string&) { throw Interrupted(SIGINT); },
                           .on_result = {}};
  const Task task = TaskOfItems("task", "", [](uint32_t) -> uint64_t {
    for (;;) pause();
  });
  EXPECT_THROW(Compare(task, {.ways = WaysFor({2}), .runs = 1}, watcher), Interrupted);
}

}  // namespace
}  // namespace tally::compare
