// Outputs that cannot be replaced: the standard output, fifos, and what is open already.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include "common/error.h"
#include "master/output_file.h"
#include "master/signals.h"
#include "tests/output_file_fixture.h"
#include "tests/test_util.h"

namespace tally {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;

TEST_F(OutputFileTest, AFifoIsWrittenToDirectly) {
  ASSERT_EQ(mkfifo(PathOf("fifo").c_str(), 0600), 0);
  const pid_t child = StartChild(STDOUT_FILENO, [this] {
    WriteWhole(PathOf("fifo"), "rows");
    return kAsExpected;
  });
  EXPECT_EQ(ContentOf(PathOf("fifo")), "rows");
  EXPECT_EQ(ExitOf(StatusOf(child)), kAsExpected);
  EXPECT_TRUE(fs::is_fifo(PathOf("fifo")));
  EXPECT_THAT(Names(), ElementsAre("fifo"));
}

TEST_F(OutputFileTest, AStopSignalEndsTheWaitForAFifosReader) {
  ASSERT_EQ(mkfifo(PathOf("fifo").c_str(), 0600), 0);
  const int status = StatusOf(StartChild(STDOUT_FILENO, [this] {
    NoteStopSignalsAfresh();
    const pid_t waiting = getpid();
    if (fork() == 0) {
      WaitUntilBlocked(waiting);
      kill(waiting, SIGTERM);
      _exit(0);
    }
    try {
      // The end of the child interrupts the wait too, and must not end it.
      OutputFile file(PathOf("fifo"));
    } catch (const Interrupted& interrupted) {
      return interrupted.signal_number() == SIGTERM ? kAsExpected : 1;
    }
    return 2;
  }));
  EXPECT_EQ(ExitOf(status), kAsExpected);
}

TEST_F(OutputFileTest, AClosedStandardOutputIsAnError) {
  const int status = StatusOf(StartChild(STDOUT_FILENO, [] {
    close(STDOUT_FILENO);
    const std::string message = MessageOf([] { OutputFile file; });
    const std::string by_name = MessageOf([] { OutputFile file("/dev/stdout"); });
    if (!by_name.starts_with("/dev/stdout: cannot write: Bad file descriptor")) return 1;
    return message ==
                   "standard output: cannot write: Bad file descriptor; it is closed, or open for "
                   "reading only"
               ? kAsExpected
               : 2;
  }));
  EXPECT_EQ(ExitOf(status), kAsExpected);
}

TEST_F(OutputFileTest, AStandardOutputOpenForReadingIsAnError) {
  const int fd = open("/dev/null", O_RDONLY);
  const int status = StatusOf(StartChild(fd, [] {
    const std::string message = MessageOf([] { OutputFile file; });
    return message.starts_with("standard output: cannot write: Bad file") ? kAsExpected : 1;
  }));
  close(fd);
  EXPECT_EQ(ExitOf(status), kAsExpected);
}

TEST_F(OutputFileTest, AFullStandardOutputIsAnError) {
  const int fd = open("/dev/full", O_WRONLY);
  const int status = StatusOf(StartChild(fd, [] {
    const std::string message = MessageOf([] { OutputFile().Write("rows"); });
    return message.starts_with("standard output: cannot write: No space left") ? kAsExpected : 1;
  }));
  close(fd);
  EXPECT_EQ(ExitOf(status), kAsExpected);
}

TEST_F(OutputFileTest, AStandardOutputWithoutReaderEndsTheProcessByItsSignal) {
  for (const bool is_ignored : {false, true}) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    close(ends[0]);
    const int status = StatusOf(StartChild(ends[1], [is_ignored] {
      signal(SIGPIPE, is_ignored ? SIG_IGN : SIG_DFL);
      OutputFile().Write("rows");
      return 1;
    }));
    close(ends[1]);
    EXPECT_EQ(SignalOf(status), SIGPIPE);
  }
}

TEST_F(OutputFileTest, ANonBlockingStandardOutputGetsEveryByte) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  ASSERT_EQ(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
  const std::string rows(1'000'000, 'r');
  const pid_t child = StartChild(ends[1], [&rows] {
    OutputFile file;
    file.Write(rows);
    file.Commit();
    return kAsExpected;
  });
  close(ends[1]);
  size_t received = 0;
  std::vector<char> buffer(10'000);
  for (;;) {
    WaitUntilBlocked(child);  // each time the pipe is full, or the child has ended
    const ssize_t count = read(ends[0], buffer.data(), buffer.size());
    if (count == 0) break;
    ASSERT_GT(count, 0);
    received += static_cast<size_t>(count);
  }
  close(ends[0]);
  EXPECT_EQ(received, rows.size());
  EXPECT_EQ(ExitOf(StatusOf(child)), kAsExpected);
}

TEST_F(OutputFileTest, AStopSignalEndsAWriteThatNobodyReads) {
  for (const int flags : {0, O_NONBLOCK}) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    ASSERT_EQ(fcntl(ends[1], F_SETFL, flags), 0);
    NoteStopSignalsAfresh();  // before the fork, so that the signal cannot come too early
    const pid_t child = StartChild(ends[1], [] {
      try {
        OutputFile().Write(std::string(1'000'000, 'r'));
      } catch (const Interrupted&) {
        return kAsExpected;
      }
      return 1;
    });
    for (const int signal_number : {SIGINT, SIGTERM, SIGHUP, SIGCHLD, SIGXFSZ}) {
      signal(signal_number, SIG_DFL);
    }
    WaitUntilBlocked(child);
    kill(child, SIGTERM);
    EXPECT_EQ(ExitOf(StatusOf(child)), kAsExpected);
    close(ends[0]);
    close(ends[1]);
  }
}

TEST_F(OutputFileTest, WhatIsOpenAlreadyIsWrittenToWhereItStands) {
  MakeFile(PathOf("log"), "old ");
  for (const std::string path : {"/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"}) {
    const int fd = open(PathOf("log").c_str(), O_WRONLY | O_APPEND);
    const int status = StatusOf(StartChild(fd, [&path] {
      WriteWhole(path, "new ");
      // The descriptor itself stays open.
      return write(STDOUT_FILENO, "more ", 5) == 5 ? kAsExpected : 1;
    }));
    close(fd);
    EXPECT_EQ(ExitOf(status), kAsExpected);
  }
  EXPECT_EQ(ContentOf(PathOf("log")), "old new more new more new more ");
  EXPECT_THAT(Names(), ElementsAre("log"));
}

}  // namespace
}  // namespace tally
