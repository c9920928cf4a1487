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

TEST_F(ProcessExecutorTest, AWorkerThatDiesIsReplacedWhereTheCallerSaysSo) {
  struct Seen {
    std::atomic<int> lives;
    std::atomic<bool> others_go_on;
  };
  const SharedValue<Seen> seen;
  std::vector<WorkerOutcome> ends;
  const auto outcomes = executor_.Run(2,
                                      [&](uint32_t worker) {
                                        if (worker == 0) {
                                          while (seen->lives < 3) sched_yield();
                                          return true;
                                        }
                                        if (++seen->lives < 3) raise(SIGKILL);
                                        return true;
                                      },
                                      {.on_end = [&](uint32_t worker, const WorkerOutcome& end) {
                                        if (worker == 1) ends.push_back(end);
                                        return end.succeeded ? Next::kGoOn : Next::kReplace;
                                      }});
  ASSERT_EQ(ends.size(), 3U);
  EXPECT_EQ(ends[0].signal_number, SIGKILL);
  EXPECT_FALSE(ends[0].stopped || ends[0].hung);
  EXPECT_NE(ends[0].pid, ends[1].pid);
  EXPECT_TRUE(outcomes[0].succeeded && outcomes[1].succeeded);
  EXPECT_EQ(outcomes[1].pid, ends[2].pid);
}

TEST_F(ProcessExecutorTest, OthersGoOnWithoutAWorkerThatIsNotMissed) {
  const Pipe gone;
  const auto outcomes =
      executor_.Run(2, [&](uint32_t worker) { return worker == 0 && gone.Receive(); },
                    {.on_end = [&](uint32_t worker, const WorkerOutcome&) {
                      if (worker == 1) gone.Send();
                      return Next::kGoOn;
                    }});
  EXPECT_TRUE(outcomes[0].succeeded);
  EXPECT_FALSE(outcomes[1].succeeded || outcomes[1].stopped);
}

TEST_F(ProcessExecutorTest, AWorkerThatHangsIsKilledEvenWhereItIsStopped) {
  const SharedValue<std::atomic<int>> lives(0);
  std::vector<WorkerOutcome> ends;
  pid_t asked_about = 0;
  executor_.Run(1,
                [&](uint32_t) {
                  if (++*lives == 1) raise(SIGSTOP);
                  return true;
                },
                {.on_end =
                     [&](uint32_t, const WorkerOutcome& end) {
                       ends.push_back(end);
                       return end.hung ? Next::kReplace : Next::kGoOn;
                     },
                 .is_hung =
                     [&](uint32_t worker, pid_t pid) {
                       asked_about = pid;
                       return worker == 0 && *lives == 1;
                     }});
  ASSERT_EQ(ends.size(), 2U);
  EXPECT_TRUE(ends[0].hung);
  EXPECT_EQ(ends[0].pid, asked_about);
  EXPECT_EQ(ends[0].signal_number, SIGKILL);
  EXPECT_TRUE(ends[1].succeeded);
}

/// Passes on what comes from one pipe to another.
class PassingFeeder : public Feeder {
 public:
  PassingFeeder(const Pipe& from, const Pipe& to) : from_(from), to_(to) {}
  std::chrono::nanoseconds AddWaits(std::vector<pollfd>* waits) override {
    waits->push_back({.fd = from_.read_end(), .events = POLLIN, .revents = 0});
    return std::chrono::hours(1);
  }
  void Feed() override {
    pollfd ready{.fd = from_.read_end(), .events = POLLIN, .revents = 0};
    if (poll(&ready, 1, 0) == 1 && from_.Receive()) to_.Send();
  }

 private:
  const Pipe& from_;
  const Pipe& to_;
};

TEST_F(ProcessExecutorTest, AFeederIsWokenByWhatItWaitsForNotByTheTick) {
  const Pipe there;
  const Pipe back;
  PassingFeeder feeder(there, back);
  constexpr int kTimes = 200;
  const auto begin = std::chrono::steady_clock::now();
  const auto outcomes = executor_.Run(1,
                                      [&](uint32_t) {
                                        for (int i = 0; i < kTimes; ++i) {
                                          if (!there.Send() || !back.Receive()) return false;
                                        }
                                        return true;
                                      },
                                      {.feeder = &feeder});
  EXPECT_TRUE(outcomes[0].succeeded);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10))
      << "two hundred ticks take twenty seconds";
}

}  // namespace
}  // namespace tally
