// Runs that may take only so much memory.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/cli/oracle.h"
#include "tests/cli/run_tally.h"
#include "tests/sanitized.h"

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

  /// Of several workers. A serial run has one.
  static std::string Remedy() {
    return IsSerial() ? "raise --memory" : "use fewer workers (-j), or raise --memory";
  }
  static bool IsSerial() { return TestMode() == "serial"; }
};

TEST_F(MemoryCliTest, MoreKeysThanTheBudgetHoldsAreStatus4WithTheFigureAndARemedy) {
  const std::string text = Lines(400'000);
  Write("in", text);
  Write("in.gz", Gzip(text));
  Write("out", "as it was");
  for (const std::string input : {"in", "in.gz", "-"}) {
    const Outcome outcome = Tally({"count", "-f", "lines", "-j2", "--chunk-size", "1M", "--memory",
                                   "12M", "-o", "out", input},
                                  Stdin::Text(text));
    EXPECT_THAT(outcome, ExitsWith(4)) << input;
    EXPECT_THAT(outcome.err,
                AllOf(StartsWith("tally: "), ContainsRegex("may take, [0-9]+ MiB in all"),
                      HasSubstr("(--memory: " + Remedy() + ")")));
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

// Slots that make a table faster for keys that come again and again, but are not needed, may take a
// quarter of a worker's share.
TEST_F(MemoryCliTest, TablesAreSparseOnlyWhereThereIsMuchMemory) {
  if (kSanitized) GTEST_SKIP() << "their memory is more than the tables'";
  if (TestMode() != "process") GTEST_SKIP() << "the memory of a worker is that of its process";
  std::string text;
  // (Of a short text, not even address space is reserved for so many slots.)
  for (int i = 0; i < 1'000'000; ++i) text += fmt::format("{}\n", i % 100'000);
  Write("in", text);
  const auto worker_kib = [this](const std::string& budget) {
    const Outcome outcome = Tally(
        {"count", "-f", "lines", "-j1", "--memory", budget, "--stats", "stats", "-o", "out", "in"});
    EXPECT_THAT(outcome, ExitsWith(0));
    const auto workers = nlohmann::json::parse(Read("stats")).at("peak_rss_kb").at("workers");
    return workers.at(0).get<int>();
  };
  // 2^19 slots of 32 bytes, or 2^18; all else is the same.
  EXPECT_NEAR(worker_kib("1G") - worker_kib("40M"), 8 << 10, 1 << 10);
}

TEST_F(MemoryCliTest, WorkersThatCannotEvenStartAreStatus4) {
  if (IsSerial()) GTEST_SKIP() << "one worker can";
  Write("in", Lines(100));
  const Outcome outcome =
      Tally({"count", "-f", "lines", "-j100", "--chunk-size", "1", "--memory", "1M", "in"});
  EXPECT_THAT(outcome, ExitsWith(4));
  EXPECT_EQ(outcome.err,
            "tally: 100 workers need at least 25 MiB of memory, but this run may take only 1 MiB "
            "(--memory): use fewer workers (-j), or raise --memory\n");
}

TEST_F(MemoryCliTest, LittleMemoryIsToldAsWhatItIs) {
  Write("in", Lines(10'000));
  const auto error = [this](const char* memory, const char* workers) {
    const Outcome outcome = Tally(
        {"count", "-f", "lines", "-j", workers, "--chunk-size", "1K", "--memory", memory, "in"});
    EXPECT_THAT(outcome, ExitsWith(4));
    return outcome.err;
  };
  EXPECT_EQ(error("5K", "1"),
            "tally: 1 worker needs at least 256 KiB of memory, but this run may take only 5 KiB "
            "(--memory): raise --memory\n");
  EXPECT_EQ(error("700", "5"),
            fmt::format(
                "tally: {} of memory, but this run may take only 700 bytes (--memory): {}\n",
                IsSerial() ? "1 worker needs at least 256 KiB" : "5 workers need at least 1280 KiB",
                Remedy()));
  EXPECT_THAT(error("300K", "1"), AllOf(HasSubstr("out of memory: the tables take "),
                                        HasSubstr("they may take, 300 KiB in all (--memory: "
                                                  "raise --memory)")));
}

// Nothing of it is kept but its first bytes.
TEST_F(MemoryCliTest, ALineOfGigabytesIsAnErrorWithItsOffsetInLittleMemory) {
  Write("in", "first\n");
  ASSERT_THAT(Shell(kSanitized ? "truncate -s 100M in" : "truncate -s 5G in"), ExitsWith(0));
  const Outcome outcome = Tally({"count", "-f", "lines", "-j2", "--memory", "4M", "in"});
  EXPECT_THAT(outcome, ExitsWith(1));
  EXPECT_THAT(outcome.err, StartsWith("tally: in: line 2: byte 6: the key is longer than 1 MiB: "));
}

// Each fills a block, and the blocks that wait for the next savepoint would hold all of them.
TEST_F(MemoryCliTest, LongRecordsOfAPipeTakeNoMoreThanTheBudget) {
  const Outcome outcome = Shell(
      "for i in 1 2 3 4 5 6 7 8 9 10; do"
      "  for key in a b c; do printf \"$key,\"; head -c 15M /dev/zero | tr '\\0' x; echo; done;"
      "done | tally count -f columns -d, -k1 -s key -j2 --memory 256M --stats stats");
  EXPECT_THAT(outcome, ExitsWith(0));
  EXPECT_EQ(outcome.out, "a\t10\nb\t10\nc\t10\n");
  // The master has read all of it. (450 MB were none given back, 304 MB once.)
  const std::string stats = Read("stats");
  const std::string name = R"("peak_rss_kb": {"master": )";
  const size_t at = stats.find(name);
  ASSERT_NE(at, std::string::npos);
  const uint64_t peak_kb = std::stoull(stats.substr(at + name.size()));
  EXPECT_GT(peak_kb, 15'000U);
  if (!kSanitized) {
    EXPECT_LT(peak_kb, 180'000U);
  }
}

// All at once they would take more than there is; each waits for the others.
TEST_F(MemoryCliTest, LongRecordsOfManyPipesWaitForMemory) {
  const Outcome outcome = Shell(
      "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do mkfifo f$i;"
      "  { for k in a b; do printf $k,; head -c 12M /dev/zero | tr '\\0' x; echo; done; } > f$i & "
      "done;"
      "tally count -f columns -d, -k1 -s key -j1 --memory 256M f?*; s=$?; rm f?*; exit $s");
  EXPECT_THAT(outcome, ExitsWith(0));
  EXPECT_EQ(outcome.out, "a\t12\nb\t12\n");
}

TEST_F(MemoryCliTest, AGzipBombIsAnErrorInLittleMemory) {
  ASSERT_THAT(Shell("{ echo first; head -c 600M /dev/zero | tr '\\0' x; } | gzip -1 > bomb.gz"),
              ExitsWith(0));
  const Outcome outcome = Tally({"count", "-f", "lines", "-j2", "--memory", "64M", "bomb.gz"});
  EXPECT_THAT(outcome, ExitsWith(4));
  EXPECT_EQ(outcome.err,
            fmt::format("tally: bomb.gz: a record of over {} bytes begins at decompressed byte 6; "
                        "out of memory to read a longer one from a pipe or a compressed file "
                        "(--memory: {}, or give it as a plain file)\n",
                        IsSerial() ? 8388544 : 4194240, Remedy()));
  EXPECT_THAT(Files(), ElementsAre("bomb.gz"));
}

TEST_F(MemoryCliTest, ARecordOfAPipeThatMemoryIsTooSmallForIsStatus4WithARemedy) {
  const std::string text = "k\t1\n" + std::string(3 << 20, 'x') + "\t2\n";
  const std::vector<std::string> arguments = {"count", "-f", "columns", "-k2", "-s", "key"};
  std::vector<std::string> little = arguments;
  little.insert(little.end(), {"-j2", "--memory", "16M"});
  const Outcome outcome = Tally(little, Stdin::Text(text));
  EXPECT_THAT(outcome, ExitsWith(4));
  EXPECT_THAT(outcome.err,
              AllOf(StartsWith("tally: standard input: a record of over "),
                    HasSubstr("begins at byte 4; out of memory"),
                    HasSubstr("(--memory: " + Remedy() + ", or give it as a plain file)")));
  // What the message says.
  std::vector<std::string> more = arguments;
  more.insert(more.end(), {"-j2", "--memory", "128M"});
  EXPECT_EQ(Tally(more, Stdin::Text(text)).out, "1\t1\n2\t1\n");
  Write("in", text);
  little.emplace_back("in");
  EXPECT_EQ(Tally(little).out, "1\t1\n2\t1\n");
}

}  // namespace
}  // namespace tally
