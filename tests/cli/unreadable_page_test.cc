// Mapped files whose disk fails: the kernel sends SIGBUS, and the run asks the file why.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "tests/cli/oracle.h"
#include "tests/cli/run_tally.h"

#ifndef TALLY_FAILING_CALLS
#define TALLY_FAILING_CALLS ""
#endif

namespace tally {
namespace {

using testing::ContainsRegex;
using testing::ElementsAre;
using testing::HasSubstr;

// The master looks for the end of a line every 16 KiB, which is in the fourth page; whatever lies
// between these is for workers alone.
constexpr uint64_t kMastersPage = 3;
constexpr uint64_t kWorkersPage = 6;
constexpr uint64_t kPageBytes = 4096;

class UnreadablePageCliTest : public CliTest {
 protected:
  using Faults = std::map<std::string, std::optional<std::string>>;

  void SetUp() override {
    if (std::string_view(TALLY_FAILING_CALLS).empty()) {
      GTEST_SKIP() << "a sanitizer wants to be the first library, not to be preceded by another";
    }
    std::string text;
    for (int i = 0; i < 12'000; ++i) text += fmt::format("line {}\n", i % 700);
    Write("in", text);
    counts_ = AskOracle({text}, OptionsOf(Format::kLines)).ByCount();
  }

  /// With a page that cannot be had (tests/faults/failing_calls.cc).
  Outcome CountWithout(uint64_t page, const Faults& faults = {}, const std::string& file = "in") {
    Write("record", "");
    const Stdin in = file == "-" ? Stdin::File(Path("in")) : Stdin();
    Command command = TallyCommand(
        {"count", "-q", "-f", "lines", "-j2", "--chunk-size", "16K", "-o", "out", file}, in);
    command.environment = faults;
    command.environment["LD_PRELOAD"] = TALLY_FAILING_CALLS;
    command.environment["FAIL_RECORD"] = Path("record");
    command.environment["FAIL_PAGE"] = std::to_string(page);
    Process tally(command);
    Outcome outcome = tally.Wait();
    EXPECT_FALSE(tally.AnyProcessLeft());
    return outcome;
  }

  std::string counts_;
};

TEST_F(UnreadablePageCliTest, TellsPlaceAndReason) {
  for (const uint64_t page : {kMastersPage, kWorkersPage}) {
    for (const std::string file : {"in", "-"}) {
      const Outcome outcome = CountWithout(page, {{"FAIL_ERRNO", "EIO"}}, file);
      EXPECT_THAT(outcome, ExitsWith(1));
      EXPECT_EQ(outcome.err, fmt::format("tally: {}: cannot be read at byte {}: Input/output "
                                         "error; nothing was written\n",
                                         file == "-" ? "standard input" : file, page * kPageBytes));
      EXPECT_THAT(Files(), ElementsAre("in", "record"));
    }
  }
}

// The kernel maps none of the pages that it keeps together where one of them is unreadable.
TEST_F(UnreadablePageCliTest, IsTheFaultOfItsNeighbour) {
  // The first pread() looks for gzip, and each of those that follow reads 16 KiB.
  const Outcome outcome =
      CountWithout(kWorkersPage, {{"FAIL_CALL", "pread"}, {"FAIL_AT", "4"}, {"FAIL_ERRNO", "EIO"}});
  EXPECT_THAT(outcome, ExitsWith(1));
  EXPECT_EQ(outcome.err,
            "tally: in: cannot be read at byte 32768: Input/output error; nothing was written\n");
}

// A file system that has shut itself down lets nobody open a file.
TEST_F(UnreadablePageCliTest, TellsWhyTheFileCannotBeOpenedAnyMore) {
  constexpr int kMoreThanItOpens = 40;
  int told = 0;
  for (int number = 1; number <= kMoreThanItOpens; ++number) {
    const Outcome outcome = CountWithout(
        kWorkersPage,
        {{"FAIL_CALL", "open"}, {"FAIL_AT", std::to_string(number)}, {"FAIL_ERRNO", "EIO"}});
    if (outcome.err.find("in: cannot be read at byte ") == std::string::npos) continue;
    EXPECT_THAT(outcome, ExitsWith(1));
    EXPECT_THAT(outcome.err, HasSubstr(": Input/output error; nothing was written\n"));
    ++told;
  }
  EXPECT_EQ(told, 1);
}

TEST_F(UnreadablePageCliTest, ThatIsThereASecondTimeIsCounted) {
  for (const uint64_t page : {kMastersPage, kWorkersPage}) {
    const Outcome outcome = CountWithout(page);
    EXPECT_THAT(outcome, ExitsWith(0));
    EXPECT_EQ(outcome.err, "");
    EXPECT_TRUE(Read("out") == counts_);
  }
}

TEST_F(UnreadablePageCliTest, EndsAnExperimentAsWell) {
  for (const std::string mode : {"process", "thread"}) {
    Write("record", "");
    Command command = TallyCommand({"race", "shared-table", "in", "--mode", mode});
    command.environment["LD_PRELOAD"] = TALLY_FAILING_CALLS;
    command.environment["FAIL_RECORD"] = Path("record");
    command.environment["FAIL_PAGE"] = std::to_string(kWorkersPage);
    command.environment["FAIL_ERRNO"] = "EIO";
    const Outcome outcome = RunCommand(command);
    EXPECT_THAT(outcome, ExitsWith(1));
    EXPECT_EQ(outcome.err, fmt::format("tally: in: cannot be read at byte {}: Input/output error; "
                                       "nothing was written\n",
                                       kWorkersPage * kPageBytes));
  }
}

// Nobody knows why, and it would go on for ever.
TEST_F(UnreadablePageCliTest, ThatCanBeReadButIsNeverThereIsGivenUp) {
  const char* const no_reason =
      "^tally: in: cannot be read at byte [0-9]+: it changed, or its disk fails; nothing was "
      "written\n$";
  const Outcome masters = CountWithout(kMastersPage, {{"FAIL_FOREVER", "1"}});
  EXPECT_THAT(masters, ExitsWith(1));
  EXPECT_THAT(masters.err, ContainsRegex(no_reason));
  const Outcome workers = CountWithout(kWorkersPage, {{"FAIL_FOREVER", "1"}});
  const bool is_process = TestMode() == "process";
  EXPECT_THAT(workers, ExitsWith(is_process ? 3 : 1));
  EXPECT_THAT(workers.err,
              ContainsRegex(is_process ? "was killed by SIGBUS while counting chunk 2 .in, bytes "
                                         "[0-9]+ to [0-9]+.; 3 workers have died of that now; "
                                         "nothing was written\n$"
                                       : no_reason));
  EXPECT_THAT(Files(), ElementsAre("in", "record"));
}

}  // namespace
}  // namespace tally
