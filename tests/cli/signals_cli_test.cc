// What signals do to the real program and to its workers. Nothing here waits for a time: a test
// waits until the processes are in the state that it is about.
#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "tests/cli/oracle.h"
#include "tests/cli/paused_run.h"
#include "tests/cli/run_tally.h"

namespace tally {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;

constexpr int kStopSignals[] = {SIGINT, SIGTERM, SIGHUP};

class SignalsCliTest : public PausedRunCliTest {
 protected:
  static constexpr char kBefore[] = "before anything was counted";

  void ExpectDeathWithoutATrace(Process* tally, int signal_number,
                                const std::string& how_far) const {
    const Outcome outcome = tally->Wait();
    EXPECT_THAT(outcome, DiesBy(signal_number));
    EXPECT_EQ(outcome.out, "");
    EXPECT_EQ(outcome.err,
              fmt::format("tally: stopped by SIG{} {}\n", sigabbrev_np(signal_number), how_far));
    EXPECT_FALSE(tally->AnyProcessLeft());
  }

  /// Whether the process has a file of this directory open that holds some bytes, but is no input:
  /// one without a name, or with a name of its own.
  bool WritesAFile(pid_t pid) const {
    std::error_code gone;
    for (const auto& entry : fs::directory_iterator("/proc/" + std::to_string(pid) + "/fd", gone)) {
      const std::string target = fs::read_symlink(entry.path(), gone);
      struct stat status {};
      if (target.starts_with(Path("#")) || target.starts_with(Path("."))) {
        if (stat(entry.path().c_str(), &status) == 0 && status.st_size > 0) return true;
      }
    }
    return false;
  }
};

TEST_F(SignalsCliTest, AStopSignalEndsItBeforeTheFirstByte) {
  Write("old", "as it was");
  for (const int signal_number : kStopSignals) {
    Process tally(Waiting({"count", "-o", "old", "--stats", "stats"}));
    MasterAtRest(&tally);
    tally.Signal(signal_number);
    ExpectDeathWithoutATrace(&tally, signal_number, kBefore);
    EXPECT_EQ(Read("old"), "as it was");
    EXPECT_THAT(Files(), ElementsAre("old"));
  }
}

TEST_F(SignalsCliTest, AStopSignalInTheMiddleEndsTheWorkersToo) {
  Write("old", "as it was");
  for (const int signal_number : kStopSignals) {
    for (const std::string workers : {"1", "3"}) {
      Process tally(
          Waiting({"count", "-f", "lines", "-o", "old", "--stats", "stats", "-j", workers}));
      tally.WriteStdin("some\nlines\n");
      const auto children = WorkersAtRest(&tally, std::stoul(workers));
      tally.Signal(signal_number);
      ExpectDeathWithoutATrace(&tally, signal_number, "with 0 B counted; nothing was written");
      for (const pid_t child : children) EXPECT_EQ(StateOf(child), '\0');
      EXPECT_EQ(Read("old"), "as it was");
      EXPECT_THAT(Files(), ElementsAre("old"));
    }
  }
}

TEST_F(SignalsCliTest, ASignalToTheWholeGroupIsNotTakenForADeadWorker) {
  for (int run = 0; run < 5; ++run) {
    for (const int signal_number : kStopSignals) {
      Process tally(Waiting({"count", "-f", "lines", "-j2"}));
      tally.WriteStdin("some\nlines\n");
      WorkersAtRest(&tally, 2);
      kill(-tally.pid(), signal_number);
      ExpectDeathWithoutATrace(&tally, signal_number, "with 0 B counted; nothing was written");
    }
  }
}

TEST_F(SignalsCliTest, CtrlCOnATerminalLeavesNothingBehind) {
  Command command = Waiting({"count", "-f", "lines", "-j2", "-o", "out"});
  command.err = Output::kTerminal;
  command.environment["TERM"] = "xterm";
  Process tally(command);
  tally.WriteStdin("some\nlines\n");
  WorkersAtRest(&tally, 2);
  tally.WaitUntil([&] { return tally.outcome().terminal.find("chunks") != std::string::npos; },
                  "the status line");
  tally.TypeOnTerminal("\x03");
  const Outcome outcome = tally.Wait();
  EXPECT_THAT(outcome, DiesBy(SIGINT));
  EXPECT_THAT(outcome.terminal,
              testing::EndsWith("\r\x1b[Ktally: stopped by SIGINT with 0 B counted; nothing was "
                                "written\n"));
  EXPECT_FALSE(tally.AnyProcessLeft());
  EXPECT_THAT(Files(), ElementsAre());
}

TEST_F(SignalsCliTest, AStopSignalEndsAWriteThatNobodyReads) {
  WriteManyLines("in");
  for (const int signal_number : kStopSignals) {
    Command command = TallyCommand({"count", "-f", "lines", "in"});
    command.out = Output::kUnreadPipe;
    Process tally(command);
    tally.WaitUntil(
        [&] {
          return tally.UnreadOutputBytes() > 4096 && WorkersOf(tally.pid()).empty() &&
                 StateOf(tally.pid()) == 'S';
        },
        "the output pipe to be full");
    tally.Signal(signal_number);
    ExpectDeathWithoutATrace(&tally, signal_number, "while the counts were written");
  }
}

TEST_F(SignalsCliTest, AStopSignalInTheMiddleOfAFileTellsHowFarItWas) {
  WriteManyLines("in", 100000);
  Process tally(Waiting({"count", "-f", "lines", "-j2", "--chunk-size", "64K", "in", "-"}));
  tally.WriteStdin("some\nlines\n");
  WorkersAtRest(&tally, 2);
  tally.Signal(SIGINT);
  ExpectDeathWithoutATrace(&tally, SIGINT, "with 589 kB counted; nothing was written");
}

TEST_F(SignalsCliTest, AStopSignalEndsTheWaitForAReaderOrAWriterOfAFifo) {
  Write("in", "a\n");
  ASSERT_EQ(mkfifo(Path("fifo").c_str(), 0600), 0);
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"count", "-q", "-o", "fifo", "in"},
                                             {"count", "-q", "fifo"},
                                             {"count", "-q", "in", "fifo"}}) {
    Process tally(TallyCommand(arguments));
    tally.WaitUntil(
        [&] { return Catches(tally.pid(), SIGTERM) && SleepsIn(tally.pid(), SYS_openat); },
        "the wait for the other end");
    tally.Signal(SIGTERM);
    ExpectDeathWithoutATrace(
        &tally, SIGTERM,
        arguments[2] == "-o" ? "while the counts were written; the file is as it was" : kBefore);
  }
}

TEST_F(SignalsCliTest, AStopSignalDuringTheWriteLeavesTheOldFileOrTheWholeNewOne) {
  WriteManyLines("in", 300000);
  const std::string whole = Tally({"count", "-f", "lines", "in"}).out;
  for (int run = 0; run < 5; ++run) {
    Write("old", "as it was");
    Process tally(TallyCommand({"count", "-f", "lines", "-o", "old", "in"}));
    // Or its end, where that was too fast to be seen.
    tally.WaitUntil([&] { return WritesAFile(tally.pid()) || Read("old") == whole; }, "the output");
    kill(tally.pid(), SIGTERM);
    const Outcome outcome = tally.Wait();
    if (outcome.signal_number == SIGTERM) {
      const bool is_old = Read("old") == "as it was";
      EXPECT_TRUE(is_old || Read("old") == whole);
      EXPECT_THAT(outcome.err, testing::EndsWith(is_old ? "the file is as it was\n"
                                                        : "after the counts were written\n"));
    } else {
      EXPECT_THAT(outcome, ExitsWith(0));
      EXPECT_TRUE(Read("old") == whole);
    }
    EXPECT_THAT(Files(), ElementsAre("in", "old"));
  }
}

TEST_F(SignalsCliTest, SignalsThatAreIgnoredStayIgnored) {
  Command command = Waiting({});
  command.program = "bash";
  command.arguments = {"-c", "trap '' HUP INT; exec tally count -f lines -j2 --mode " + TestMode()};
  command.environment["PATH"] = ShellCommand("").environment.at("PATH");
  Process tally(command);
  tally.WriteStdin("some\nlines\n");
  WorkersAtRest(&tally, 2);
  EXPECT_TRUE(Catches(tally.pid(), SIGTERM));
  EXPECT_FALSE(Catches(tally.pid(), SIGHUP));
  tally.Signal(SIGHUP);
  tally.Signal(SIGINT);
  tally.WriteStdin("some\nlines\n");
  tally.CloseStdin();
  const Outcome outcome = tally.Wait();
  EXPECT_THAT(outcome, ExitsWith(0));
  EXPECT_EQ(outcome.out, "lines\t2\nsome\t2\n");
}

// The workers hold the pipes that the master had: Wait() returns once they are gone as well.
TEST_F(SignalsCliTest, NoWorkerOutlivesAKilledMaster) {
  for (int run = 0; run < 3; ++run) {
    Process tally(Waiting({"count", "-f", "lines", "-j3"}));
    tally.WriteStdin("some\nlines\n");
    WorkersAtRest(&tally, 3);
    tally.Signal(SIGKILL);
    EXPECT_THAT(tally.Wait(), DiesBy(SIGKILL));
    ASSERT_FALSE(HasFailure());
  }
}

TEST_F(SignalsCliTest, AClosedPipeEndsItQuietlyBySigpipe) {
  WriteManyLines("in");
  Command command = TallyCommand({"count", "-f", "lines", "in", "--stats", "stats"});
  command.out = Output::kUnreadPipe;
  Process tally(command);
  tally.WaitUntil([&] { return tally.UnreadOutputBytes() > 0; }, "some output");
  tally.CloseUnreadOutput();
  const Outcome outcome = tally.Wait();
  EXPECT_THAT(outcome, DiesBy(SIGPIPE));
  EXPECT_EQ(outcome.err, "");
  EXPECT_FALSE(tally.AnyProcessLeft());
}

}  // namespace
}  // namespace tally
