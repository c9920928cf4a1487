// Standard error that is closed, full or stopped: what cannot be said must neither change how a run
// ends nor hold it up. And failures of which only one is said: always the same one.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "tests/cli/run_tally.h"

namespace tally {
namespace {

using testing::AllOf;
using testing::HasSubstr;

using StandardErrorCliTest = CliTest;

TEST_F(StandardErrorCliTest, WhereNothingCanBeSaidTheOutputAndTheStatusAreTheSame) {
  Write("in", "b\na\nb\n");
  for (const char* const redirection : {"2>&-", "2>/dev/full", "2</dev/null"}) {
    const std::string to = std::string(" ") + redirection;
    EXPECT_EQ(Shell("tally count in" + to).out, "b\t2\na\t1\n") << to;
    EXPECT_THAT(Shell("tally count in" + to), ExitsWith(0)) << to;
    EXPECT_THAT(Shell("tally count -f columns -v1 --skip-malformed in" + to), ExitsWith(0)) << to;
    EXPECT_THAT(Shell("tally count --progress always in" + to), ExitsWith(0)) << to;
    EXPECT_THAT(Shell("tally count missing" + to), ExitsWith(1)) << to;
    EXPECT_THAT(Shell("tally count --bogus" + to), ExitsWith(2)) << to;
    EXPECT_THAT(Shell("tally" + to), ExitsWith(2)) << to;
  }
}

TEST_F(StandardErrorCliTest, APipeThatNobodyReadsIsNoReasonToFail) {
  Write("in", "b\na\nb\n");
  const std::string unread = "exec 3> >(true); wait $!; ";
  for (const char* const options : {"", "--progress always ", "--stats stats "}) {
    const Outcome outcome = Shell(unread + "tally count -o out " + options + "in 2>&3");
    EXPECT_THAT(outcome, ExitsWith(0));
    EXPECT_EQ(Read("out"), "b\t2\na\t1\n");
  }
  EXPECT_THAT(Shell(unread + "tally count missing 2>&3"), ExitsWith(1));
  EXPECT_THAT(Shell(unread + "tally count --bogus 2>&3"), ExitsWith(2));
}

TEST_F(StandardErrorCliTest, AStoppedTerminalHoldsUpNeitherTheRunNorASignal) {
  // A pipe that is full and that nobody reads stands for it.
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_NONBLOCK), 0);
  while (write(ends[1], "x", 1) == 1) {
  }
  fcntl(ends[1], F_SETFL, 0);
  const std::string full =
      " 2>/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(ends[1]);
  EXPECT_EQ(Shell("printf 'a\\n' | tally count -f lines --progress always" + full).out, "a\t1\n");

  Command command = ShellCommand("exec tally count -f lines --progress always -" + full);
  command.in.kind = Stdin::Kind::kOpenPipe;
  Process tally(command);
  tally.WriteStdin("a\n");
  tally.WaitUntil([&] { return ChildrenOf(tally.pid()).size() == 2; }, "the workers to start");
  tally.Signal(SIGTERM);
  EXPECT_THAT(tally.Wait(), DiesBy(SIGTERM));

  if (TestMode() == "process") {
    // A message that nobody reads waits for its reader, but not after a stop signal.
    Process bereaved(command);
    bereaved.WriteStdin("a\n");
    bereaved.WaitUntil([&] { return ChildrenOf(bereaved.pid()).size() == 2; }, "the workers");
    kill(ChildrenOf(bereaved.pid())[0], SIGKILL);
    bereaved.WaitUntil([&] { return ChildrenOf(bereaved.pid()).size() == 1; }, "a death");
    bereaved.Signal(SIGTERM);
    EXPECT_THAT(bereaved.Wait(), DiesBy(SIGTERM));
    EXPECT_FALSE(bereaved.AnyProcessLeft());
  }
  close(ends[0]);
  close(ends[1]);
}

TEST_F(StandardErrorCliTest, OfSeveralFailuresTheFirstIsToldWhateverTheScheduling) {
  const std::string most = "18446744073709551615";
  const std::string overflows = most + "\tb\n1\tb\n" + most + "\ta\n2\ta\n";
  Write("overflows", "1\tq\n" + overflows);
  Write("and_malformed", "1\tq\n" + overflows + "x\tm\n");
  for (const char* const workers : {"1", "2", "3", "7"}) {
    for (const char* const chunk_size : {"1", "7", "4K", "8M"}) {
      const std::vector<std::string> options = {"count", "-f",    "columns",      "-k2",     "-v1",
                                                "-j",    workers, "--chunk-size", chunk_size};
      std::vector<std::string> arguments = options;
      arguments.emplace_back("overflows");
      EXPECT_THAT(Tally(arguments).err, HasSubstr("the count of \"a\" passes 2^64-1"));
      arguments.back() = "and_malformed";
      EXPECT_THAT(Tally(arguments).err, HasSubstr("and_malformed: line 6: byte "));
    }
  }
}

TEST_F(StandardErrorCliTest, StatsAreNotWrittenOverTheCounts) {
  Write("in", "a\n");
  EXPECT_THAT(Shell("tally count -q in --stats both > both"), ExitsWith(2));
  EXPECT_THAT(Shell("ln -s both link; tally count -q in -o both --stats link"), ExitsWith(2));
  EXPECT_EQ(Read("both"), "");
}

TEST_F(StandardErrorCliTest, AKeyThatIsTooLongIsNamedWithItsLine) {
  const std::string key((size_t{1} << 20) + 1, 'k');
  Write("in", "a\nb\n" + key + "\nc\n");
  for (const char* const chunk_size : {"1", "4K", "8M"}) {
    EXPECT_THAT(Tally({"count", "-f", "lines", "--chunk-size", chunk_size, "in"}).err,
                AllOf(HasSubstr("in: line 3: byte 4: the key is longer than 1 MiB")));
  }
}

TEST_F(StandardErrorCliTest, ALongPathDoesNotHideTheReason) {
  const std::string name = std::string(200, '\x01') + ".gz";
  Write(name, Gzip("a\n").substr(0, 15));
  std::string path;
  for (int i = 0; i < 300; ++i) path += "./";
  EXPECT_THAT(Tally({"count", path + name}).err, HasSubstr("truncated gzip data"));
}

}  // namespace
}  // namespace tally
