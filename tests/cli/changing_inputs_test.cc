// Files that change while they are counted: no numbers of a text that never was.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "tests/cli/paused_run.h"
#include "tests/cli/run_tally.h"

namespace tally {
namespace {

using testing::ElementsAre;

class ChangingInputsCliTest : public PausedRunCliTest {
 protected:
  /// How a run ends where `change` is made to a file while its one worker waits for standard input,
  /// with the file's chunks still to come.
  Outcome CountWhile(const std::string& file, const std::function<void()>& change) const {
    Process tally(Waiting({"count", "-f", "lines", "-j1", "-o", "out", file, "-"}));
    tally.WriteStdin("some\nlines\n");
    WorkersAtRest(&tally, 1);
    change();
    tally.CloseStdin();
    return tally.Wait();
  }

  /// Other bytes, but as many.
  void Rewrite(const std::string& file) const {
    std::string bytes = Read(file);
    ++bytes.back();
    std::fstream(Path(file), std::ios::in | std::ios::out) << bytes;
  }

  void ReplaceBy(const std::string& file, const std::string& bytes) const {
    Write("new", bytes);
    std::rename(Path("new").c_str(), Path(file).c_str());
  }

  /// To long ago.
  void SetTimes(const std::string& file) const {
    const timespec times[2] = {{.tv_sec = 1, .tv_nsec = 0}, {.tv_sec = 1, .tv_nsec = 0}};
    ASSERT_EQ(utimensat(AT_FDCWD, Path(file).c_str(), times, 0), 0);
  }

  std::string SizeOf(const std::string& file) const { return std::to_string(Read(file).size()); }
};

TEST_F(ChangingInputsCliTest, AFileThatShrinksIsToldWithItsSizes) {
  WriteManyLines("shrinks");
  const std::string size = SizeOf("shrinks");
  // To nothing, which kills the worker, and within its last page, which shows it zeros.
  for (const size_t left : {size_t{0}, Read("shrinks").size() - 5}) {
    WriteManyLines("shrinks");
    const Outcome outcome = CountWhile("shrinks", [&] {
      ASSERT_EQ(truncate(Path("shrinks").c_str(), static_cast<off_t>(left)), 0);
    });
    EXPECT_THAT(outcome, ExitsWith(1));
    EXPECT_EQ(outcome.err, "tally: shrinks shrank from " + size + " to " + std::to_string(left) +
                               " bytes while being read; nothing was written\n");
    EXPECT_THAT(Files(), ElementsAre("shrinks"));
  }
}

TEST_F(ChangingInputsCliTest, AFileThatIsWrittenToIsToldHoweverItIs) {
  struct Change {
    std::function<void()> make;
    const char* told;
  };
  const char* const written = "; nothing was written: count it once it is complete\n";
  const char* const replaced =
      ": another file took its place; nothing was written: count again for that one\n";
  const Change changes[] = {
      {[&] { std::ofstream(Path("in"), std::ios::app) << "more\n"; }, written},
      {[&] { Rewrite("in"); }, written},
      {[&] { ReplaceBy("in", Read("in")); }, replaced},
      {[&] { ReplaceBy("in", "b\n"); }, replaced},  // it is shorter, but nothing shrank
      {[&] { unlink(Path("in").c_str()); },
       ": it was moved or removed; nothing was written: put it back and count again\n"}};
  for (const Change& change : changes) {
    for (const bool packed : {false, true}) {
      Write("in", packed ? Gzip("a\nb\n") : "a\nb\n");
      // Within the clock's tick after that, a change would not show.
      SetTimes("in");
      const Outcome outcome = CountWhile("in", change.make);
      EXPECT_THAT(outcome, ExitsWith(1));
      EXPECT_EQ(outcome.err, std::string("tally: in: changed while being read") + change.told);
      EXPECT_EQ(Read("out"), "");
      unlink(Path("in").c_str());
    }
  }
}

TEST_F(ChangingInputsCliTest, AFileThatMayHaveChangedWithItsTimeSetBackIsWarnedOf) {
  for (const bool rewritten : {true, false}) {  // else only its time of access is set
    Write("in", "a\nb\n");
    SetTimes("in");
    const Outcome outcome = CountWhile("in", [&] {
      if (rewritten) Rewrite("in");
      SetTimes("in");
    });
    EXPECT_THAT(outcome, ExitsWith(0));
    EXPECT_EQ(
        outcome.err,
        "tally: in: its ctime has changed while it was read, but neither its size nor its time "
        "of modification: if it was written to and that time set back, count it again\n");
  }
}

TEST_F(ChangingInputsCliTest, AFileThatStaysAsItIsMayBeReadAndLinkedMeanwhile) {
  Write("in", "a\nb\n");
  const Outcome outcome = CountWhile("in", [&] {
    EXPECT_EQ(Read("in"), "a\nb\n");
    EXPECT_EQ(link(Path("in").c_str(), Path("other").c_str()), 0);
    EXPECT_EQ(chmod(Path("in").c_str(), 0600), 0);
  });
  EXPECT_THAT(outcome, ExitsWith(0));
  EXPECT_EQ(Read("out"), "a\t1\nb\t1\nlines\t1\nsome\t1\n");
}

// The master waits for the FIFO's writer with the file mapped, and then looks for its line ends.
TEST_F(ChangingInputsCliTest, AFileThatShrinksBeforeItIsCutIsToldAsWell) {
  WriteManyLines("shrinks");
  const std::string size = SizeOf("shrinks");
  ASSERT_EQ(mkfifo(Path("fifo").c_str(), 0600), 0);
  Process tally(Waiting({"count", "-f", "lines", "-o", "out", "shrinks", "fifo"}));
  tally.WaitUntil([&] { return SleepsIn(tally.pid(), SYS_openat); }, "the wait for the writer");
  ASSERT_EQ(truncate(Path("shrinks").c_str(), 0), 0);
  std::ofstream(Path("fifo")) << "a\n";
  const Outcome outcome = tally.Wait();
  EXPECT_THAT(outcome, ExitsWith(1));
  EXPECT_EQ(outcome.err, "tally: shrinks shrank from " + size +
                             " to 0 bytes while being read; nothing was written\n");
  EXPECT_EQ(Read("out"), "");
}

}  // namespace
}  // namespace tally
