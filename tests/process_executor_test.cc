#include "master/process_executor.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <vector>

#include "common/error.h"
#include "tests/test_util.h"

namespace tally {
namespace {

constexpr std::array<int, 5> kCaught = {SIGINT, SIGTERM, SIGHUP, SIGCHLD, SIGXFSZ};

/// The signals are handled as in the program, for the time of a test.
class ProcessExecutorTest : public testing::Test {
 protected:
  ProcessExecutorTest() {
    for (size_t i = 0; i < kCaught.size(); ++i) sigaction(kCaught[i], nullptr, &before_[i]);
    sigprocmask(SIG_SETMASK, nullptr, &mask_before_);
    NoteStopSignalsAfresh();
  }
  ~ProcessExecutorTest() override {
    for (size_t i = 0; i < kCaught.size(); ++i) sigaction(kCaught[i], &before_[i], nullptr);
    sigprocmask(SIG_SETMASK, &mask_before_, nullptr);
    EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1) << "a child is left";
    EXPECT_EQ(errno, ECHILD);
  }

  std::vector<WorkerOutcome> Run(uint32_t workers, const Executor::Body& body) {
    return executor_.Run(workers, body);
  }

  ProcessExecutor executor_;

 private:
  std::array<struct sigaction, kCaught.size()> before_{};
  sigset_t mask_before_{};
};

/// Does not return by itself.
bool WaitForever() {
  alarm(60);
  for (;;) pause();
}

TEST_F(ProcessExecutorTest, EachWorkerRunsOnceInAProcessOfItsOwn) {
  struct Seen {
    std::array<std::atomic<int>, 7> runs;
    std::array<std::atomic<pid_t>, 7> pids;
  };
  const SharedValue<Seen> seen;
  const auto outcomes = Run(7, [&](uint32_t worker) {
    ++seen->runs[worker];
    seen->pids[worker] = getpid();
    return getppid() != 1;
  });
  ASSERT_EQ(outcomes.size(), 7U);
  for (size_t worker = 0; worker < 7; ++worker) {
    EXPECT_EQ(seen->runs[worker], 1);
    EXPECT_EQ(seen->pids[worker], outcomes[worker].pid);
    EXPECT_NE(outcomes[worker].pid, getpid());
    EXPECT_TRUE(outcomes[worker].succeeded);
    EXPECT_FALSE(outcomes[worker].stopped);
    EXPECT_EQ(outcomes[worker].signal_number, 0);
    EXPECT_EQ(outcomes[worker].exit_status, 0);
    EXPECT_GT(outcomes[worker].usage.ru_maxrss, 0);
  }
}

TEST_F(ProcessExecutorTest, WithoutWorkersItReturnsAtOnce) {
  EXPECT_TRUE(Run(0, [](uint32_t) { return false; }).empty());
  EXPECT_EQ(executor_.name(), "process");
}

TEST_F(ProcessExecutorTest, AFailureStopsTheOthers) {
  const auto outcomes = Run(3, [](uint32_t worker) { return worker == 1 ? false : WaitForever(); });
  ASSERT_EQ(outcomes.size(), 3U);
  EXPECT_FALSE(outcomes[1].succeeded);
  EXPECT_FALSE(outcomes[1].stopped);
  EXPECT_EQ(outcomes[1].exit_status, kExitFailed);
  EXPECT_EQ(outcomes[1].signal_number, 0);
  for (const size_t other : {0U, 2U}) {
    EXPECT_FALSE(outcomes[other].succeeded);
    EXPECT_TRUE(outcomes[other].stopped);
    EXPECT_EQ(outcomes[other].signal_number, SIGKILL);
  }
}

TEST_F(ProcessExecutorTest, ADeathBySignalIsToldAndStopsTheOthers) {
  for (const int signal_number : {SIGKILL, SIGSEGV, SIGABRT, SIGTERM}) {
    const auto outcomes = Run(2, [signal_number](uint32_t worker) {
      if (worker == 0) return WaitForever();
      if (signal_number == SIGSEGV) signal(SIGSEGV, SIG_DFL);  // a sanitizer may catch it
      raise(signal_number);
      return true;
    });
    EXPECT_EQ(outcomes[1].signal_number, signal_number);
    EXPECT_FALSE(outcomes[1].succeeded);
    EXPECT_FALSE(outcomes[1].stopped) << "it died by itself";
    EXPECT_TRUE(outcomes[0].stopped);
  }
}

TEST_F(ProcessExecutorTest, AnExitStatusIsTold) {
  const auto outcomes = Run(1, [](uint32_t) -> bool { _exit(42); });
  EXPECT_EQ(outcomes[0].exit_status, 42);
  EXPECT_FALSE(outcomes[0].succeeded);
}

TEST_F(ProcessExecutorTest, AnExceptionEndsItsWorkerAlone) {
  const auto outcomes = Run(1, [](uint32_t) -> bool {
    close(STDERR_FILENO);
    throw std::runtime_error("nobody catches this");
  });
  EXPECT_EQ(outcomes[0].signal_number, SIGABRT);
}

TEST_F(ProcessExecutorTest, AWorkerLeavesSignalsAsItFoundThemButThoseOfTheTerminal) {
  const auto outcomes = Run(1, [](uint32_t) {
    sigset_t blocked;
    sigprocmask(SIG_SETMASK, nullptr, &blocked);
    for (const int signal_number : kCaught) {
      if (sigismember(&blocked, signal_number) != 0) return false;
    }
    raise(SIGINT);
    raise(SIGHUP);
    return StopSignal() == 0;
  });
  EXPECT_TRUE(outcomes[0].succeeded);
}

TEST_F(ProcessExecutorTest, TheMaskOfTheCallerIsPutBack) {
  Run(2, [](uint32_t) { return true; });
  sigset_t blocked;
  sigprocmask(SIG_SETMASK, nullptr, &blocked);
  EXPECT_EQ(sigismember(&blocked, SIGCHLD), 0);
  EXPECT_EQ(sigismember(&blocked, SIGINT), 0);
}

TEST_F(ProcessExecutorTest, TicksWhileWorkersRun) {
  const Pipe enough;
  int ticks = 0;
  const auto outcomes =
      executor_.Run(1, [&](uint32_t) { return enough.Receive(); }, {.on_tick = [&] {
                      if (++ticks == 3) enough.Send();
                    }});
  EXPECT_TRUE(outcomes[0].succeeded);
  EXPECT_GE(ticks, 3);
}

TEST_F(ProcessExecutorTest, WhatATickThrowsComesThroughAndNoWorkerIsLeft) {
  EXPECT_THROW(executor_.Run(3, [](uint32_t) { return WaitForever(); },
                             {.on_tick = [] { throw std::runtime_error("enough"); }}),
               std::runtime_error);
}

TEST_F(ProcessExecutorTest, AStopSignalThrowsAndLeavesNoWorker) {
  for (const int signal_number : {SIGINT, SIGTERM, SIGHUP}) {
    Child master([this, signal_number] {
      try {
        executor_.Run(3, [](uint32_t) { return WaitForever(); },
                      {.on_tick = [signal_number] { kill(getpid(), signal_number); }});
      } catch (const Interrupted& interrupted) {
        const bool no_child = waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD;
        return no_child && interrupted.signal_number() == signal_number;
      }
      return false;
    });
    EXPECT_EQ(master.Wait(), 0) << "signal " << signal_number;
  }
}

TEST_F(ProcessExecutorTest, WhereTheWholeGroupIsSignalledTheStopIsToldNotTheDeathOfAWorker) {
  Child master([this] {
    const Pipe victim;
    // Stands for whoever signals the group: the worker first, the master once that has been reaped.
    Child sender([&victim] {
      pid_t pid = 0;
      if (read(victim.read_end(), &pid, sizeof pid) != sizeof pid) return false;
      while (kill(pid, 0) == 0) sched_yield();
      return kill(getppid(), SIGTERM) == 0;
    });
    try {
      Run(2, [&victim](uint32_t worker) {
        if (worker == 0) return WaitForever();
        const pid_t pid = getpid();
        if (write(victim.write_end(), &pid, sizeof pid) == sizeof pid) raise(SIGTERM);
        return true;
      });
    } catch (const Interrupted& interrupted) {
      return interrupted.signal_number() == SIGTERM && sender.Wait() == 0;
    }
    return false;
  });
  EXPECT_EQ(master.Wait(), 0);
}

TEST_F(ProcessExecutorTest, WorkersDieWithTheirMaster) {
  constexpr uint32_t kWorkers = 3;
  Pipe alive;  // held open by each worker
  Child master([&] {
    Run(kWorkers, [&](uint32_t) { return alive.Send() && WaitForever(); });
    return true;
  });
  alive.CloseWriteEnd();
  for (uint32_t worker = 0; worker < kWorkers; ++worker) ASSERT_TRUE(alive.Receive());
  pollfd readable{.fd = alive.read_end(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(poll(&readable, 1, 0), 0) << "they are still there";
  EXPECT_TRUE(DiedBy(master.Kill(), SIGKILL));
  EXPECT_EQ(poll(&readable, 1, 30'000), 1);
  EXPECT_FALSE(alive.Receive()) << "nobody holds the other end";
}

}  // namespace
}  // namespace tally
