// Runs that may take only so much memory.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/cli/oracle.h"
#include "tests/cli/run_tally.h"

namespace tally {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

class MemoryCliTest : public CliTest {
 protected:
  /// Different lines.
  static std::string Lines(int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += fmt::format("line number {}\n", i);
    return text;
  }
};

TEST_F(MemoryCliTest, MoreKeysThanTheBudgetHoldsAreStatus4WithTheFigureAndARemedy) {
  const std::string text = Lines(400'000);
  Write("in", text);
  Write("in.gz", Gzip(text));
  Write("out", "as it was");
  for (const std::string input : {"in", "in.gz", "-"}) {
    const Outcome outcome = Tally(
        {"count", "-f", "lines", "-j2", "--memory", "12M", "-o", "out", input}, Stdin::Text(text));
    EXPECT_THAT(outcome, ExitsWith(4)) << input;
    EXPECT_THAT(outcome.err,
                AllOf(StartsWith("tally: "), ContainsRegex("may take only [0-9]+ MiB"),
                      HasSubstr("(--memory: use fewer workers (-j), or raise --memory)")));
    EXPECT_EQ(Read("out"), "as it was");
  }
}

TEST_F(MemoryCliTest, ABudgetThatIsEnoughChangesNothing) {
  const std::string text = Lines(400'000);
  Write("in", text);
  const std::string wanted = AskOracle({text}, OptionsOf(Format::kLines)).ByKey();
  for (const std::string workers : {"1", "3"}) {
    const Outcome outcome =
        Tally({"count", "-f", "lines", "-s", "key", "-j", workers, "--memory", "200M", "in"});
    EXPECT_THAT(outcome, ExitsWith(0));
    EXPECT_TRUE(outcome.out == wanted);
  }
}

TEST_F(MemoryCliTest, WorkersThatCannotEvenStartAreStatus4) {
  Write("in", "a\n");
  const Outcome outcome = Tally({"count", "-f", "lines", "-j100", "--memory", "1M", "in"});
  EXPECT_THAT(outcome, ExitsWith(4));
  EXPECT_EQ(outcome.err,
            "tally: 100 workers need at least 26 MiB of memory, but this run may take only 1 MiB "
            "(--memory): use fewer workers (-j), or raise --memory\n");
}

// Nothing of it is kept but its first bytes.
TEST_F(MemoryCliTest, ALineOfGigabytesIsAnErrorWithItsOffsetInLittleMemory) {
  Write("in", "first\n");
  ASSERT_THAT(Shell(kThreadSanitized ? "truncate -s 100M in" : "truncate -s 5G in"), ExitsWith(0));
  const Outcome outcome = Tally({"count", "-f", "lines", "-j2", "--memory", "4M", "in"});
  EXPECT_THAT(outcome, ExitsWith(1));
  EXPECT_THAT(outcome.err, StartsWith("tally: in: line 2: byte 6: the key is longer than 1 MiB: "));
}

TEST_F(MemoryCliTest, AGzipBombIsAnErrorInLittleMemory) {
  ASSERT_THAT(Shell("{ echo first; head -c 600M /dev/zero | tr '\\0' x; } | gzip -1 > bomb.gz"),
              ExitsWith(0));
  const Outcome outcome = Tally({"count", "-f", "lines", "-j2", "--memory", "64M", "bomb.gz"});
  EXPECT_THAT(outcome, ExitsWith(1));
  EXPECT_THAT(outcome.err,
              AllOf(StartsWith("tally: bomb.gz: a record of over "), HasSubstr("at byte 6")));
  EXPECT_THAT(Files(), ElementsAre("bomb.gz"));
}

}  // namespace
}  // namespace tally
