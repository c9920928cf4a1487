#include "master/signals.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>

#include "common/error.h"
#include "tests/test_util.h"

namespace tally {
namespace {

constexpr int kAsExpected = 7;

/// The wait status of a child that runs `body` and exits with what that returns.
int StatusOfChild(const std::function<int()>& body) {
  const pid_t child = fork();
  if (child == 0) _exit(body());
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return status;
}

void ExpectExit(int status, int code) {
  ASSERT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), code);
}

void ExpectDeathBy(int status, int signal_number) {
  ASSERT_TRUE(WIFSIGNALED(status)) << "exit status " << WEXITSTATUS(status);
  EXPECT_EQ(WTERMSIG(status), signal_number);
}

TEST(SignalsTest, AStopSignalIsNotedAndThrownWhenAskedFor) {
  for (const int signal_number : {SIGINT, SIGTERM, SIGHUP}) {
    ExpectExit(StatusOfChild([signal_number] {
                 NoteStopSignalsAfresh();
                 ThrowIfStopped();
                 if (StopSignal() != 0) return 1;
                 raise(signal_number);
                 try {
                   ThrowIfStopped();
                 } catch (const Interrupted& interrupted) {
                   return interrupted.signal_number() == signal_number ? kAsExpected : 2;
                 }
                 return 3;
               }),
               kAsExpected);
  }
}

// As where it comes right before the call that waits.
TEST(SignalsTest, WhatWaitsAfterAStopSignalIsEndedAgainAndAgain) {
  ExpectExit(StatusOfChild([] {
               NoteStopSignalsAfresh();
               raise(SIGTERM);
               pause();
               pause();
               return kAsExpected;
             }),
             kAsExpected);
}

TEST(SignalsTest, ASignalSentTwiceAtOnceIsOneRequest) {
  ExpectExit(StatusOfChild([] {
               NoteStopSignalsAfresh();
               raise(SIGTERM);
               raise(SIGTERM);
               raise(SIGHUP);
               return StopSignal() == SIGTERM ? kAsExpected : 1;
             }),
             kAsExpected);
}

TEST(SignalsTest, ASecondRequestEndsTheProcessAtOnce) {
  ExpectDeathBy(StatusOfChild([] {
                  NoteStopSignalsAfresh();
                  raise(SIGINT);
                  usleep(400'000);
                  raise(SIGTERM);
                  return 1;
                }),
                SIGTERM);
}

TEST(SignalsTest, WhatWasIgnoredStaysIgnored) {
  ExpectExit(StatusOfChild([] {
               signal(SIGHUP, SIG_IGN);
               NoteStopSignals();
               raise(SIGHUP);
               return StopSignal() == 0 ? kAsExpected : 1;
             }),
             kAsExpected);
}

TEST(SignalsTest, AStopSignalEndsAWait) {
  ExpectExit(StatusOfChild([] {
               NoteStopSignalsAfresh();
               const pid_t parent = getpid();
               if (fork() == 0) {
                 WaitUntilBlocked(parent);
                 kill(parent, SIGINT);
                 _exit(0);
               }
               int pipe_ends[2];
               if (pipe(pipe_ends) != 0) return 1;
               char byte = 0;
               while (StopSignal() == 0) {
                 if (read(pipe_ends[0], &byte, 1) != -1 || errno != EINTR) return 2;
               }
               return kAsExpected;
             }),
             kAsExpected);
}

TEST(SignalsTest, TheEndOfAChildEndsAWait) {
  ExpectExit(StatusOfChild([] {
               NoteStopSignalsAfresh();
               const pid_t parent = getpid();
               if (fork() == 0) {
                 WaitUntilBlocked(parent);
                 _exit(0);
               }
               return poll(nullptr, 0, 10'000) == -1 && errno == EINTR ? kAsExpected : 1;
             }),
             kAsExpected);
}

TEST(SignalsTest, AFileOverTheSizeLimitIsNoReasonToDie) {
  ExpectExit(StatusOfChild([] {
               NoteStopSignalsAfresh();
               raise(SIGXFSZ);
               return kAsExpected;
             }),
             kAsExpected);
}

TEST(SignalsTest, AWorkerLeavesTheTerminalsSignalsToTheMasterAndDiesByTerm) {
  ExpectDeathBy(StatusOfChild([] {
                  NoteStopSignalsAfresh();
                  ResetSignalsInWorker();
                  raise(SIGINT);
                  raise(SIGHUP);
                  if (StopSignal() != 0) return 1;
                  raise(SIGTERM);
                  return 2;
                }),
                SIGTERM);
}

TEST(SignalsTest, DyingByASignalWorksWhereItIsCaughtBlockedOrIgnored) {
  ExpectDeathBy(StatusOfChild([]() -> int {
                  NoteStopSignalsAfresh();
                  raise(SIGINT);
                  DieBySignal(SIGINT);
                }),
                SIGINT);
  ExpectDeathBy(StatusOfChild([]() -> int {
                  signal(SIGPIPE, SIG_IGN);
                  DieBySignal(SIGPIPE);
                }),
                SIGPIPE);
  ExpectDeathBy(StatusOfChild([]() -> int {
                  sigset_t all;
                  sigfillset(&all);
                  sigprocmask(SIG_BLOCK, &all, nullptr);
                  DieBySignal(SIGTERM);
                }),
                SIGTERM);
}

}  // namespace
}  // namespace tally
