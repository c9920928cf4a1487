// Command lines that are refused, and the remedies that are suggested.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include "common/error.h"
#include "master/command_line.h"
#include "master/options.h"
#include "tests/parsed_command_line.h"

namespace tally {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();

TEST(CommandLineTest, HoldsNumbersToTheLimitsOfTheirOption) {
  EXPECT_EQ(Count({"-n", "0"}).top, 0u);
  EXPECT_EQ(Count({"-n", "18446744073709551615"}).top, kMax);
  EXPECT_EQ(Count({"-j", "1024"}).workers, kMaxWorkers);
  const struct {
    Typed typed;
    const char* message;
  } cases[] = {
      {{"-n", "-1"}, "-n, --top: '-1' is not a whole number from 0 to 2^64-1"},
      {{"-j", "0"}, "-j, --workers: '0' is not a whole number from 1 to 1024"},
      {{"-j", "1025"}, "-j, --workers: '1025' is not a whole number from 1 to 1024"},
      {{"-k", "0"}, "-k, --key-column: '0' is not a whole number from 1 to 2^64-1"},
      {{"-v", "0"}, "-v, --value-column: '0' is not a whole number from 1 to 2^64-1"},
      {{"--min-count=x"}, "--min-count: 'x' is not a whole number from 0 to 2^64-1"},
  };
  for (const auto& c : cases) EXPECT_EQ(CountMessageFor(c.typed), c.message);
}

TEST(CommandLineTest, MakesEveryBadValueAUsageError) {
  for (const char* name :
       {"--format", "--delimiter", "--key-column", "--value-column", "--years", "--tags", "--top",
        "--min-count", "--sort", "--output-format", "--workers", "--chunk-size", "--progress"}) {
    EXPECT_THAT(CountMessageFor({name, "~~"}), HasSubstr(std::string(name) + ": '~~' is not "));
    EXPECT_THAT(CountMessageFor({name, ""}), HasSubstr(std::string(name) + ": '' is not "));
  }
}

TEST(CommandLineTest, NamesTheChoicesForAValueThatIsNone) {
  EXPECT_EQ(CountMessageFor({"-f", "ngrams"}),
            "-f, --format: 'ngrams' is not one of auto, ngram, words, lines, columns; "
            "did you mean 'ngram'?");
  EXPECT_EQ(CountMessageFor({"--tags", "x"}), "--tags: 'x' is not one of all, untagged, tagged");
  EXPECT_EQ(CountMessageFor({"-s", ""}), "-s, --sort: '' is not one of count, key, none");
  EXPECT_THAT(CountMessageFor({"-O", "xml"}), HasSubstr("not one of tsv, csv, json, jsonl"));
  EXPECT_THAT(CountMessageFor({"--progress", "no"}), HasSubstr("not one of auto, always, never"));
}

TEST(CommandLineTest, SuggestsTheNearestOption) {
  const struct {
    const char* typed;
    const char* message;
  } cases[] = {
      {"--tpo", "unknown option '--tpo'; did you mean '--top'?"},
      {"--tpo=5", "unknown option '--tpo'; did you mean '--top'?"},
      {"--Top", "unknown option '--Top'; did you mean '--top'?"},
      {"-top", "unknown option '-top'; did you mean '--top'?"},
      {"--out", "unknown option '--out'; did you mean '--output'?"},
      {"--chunk_size=1", "unknown option '--chunk_size'; did you mean '--chunk-size'?"},
      {"--hlep", "unknown option '--hlep'; did you mean '--help'?"},
      {"--threads=4", "unknown option '--threads'; did you mean '--workers'?"},
      {"--job", "unknown option '--job'; did you mean '--workers'?"},
      {"--limit", "unknown option '--limit'; did you mean '--top'?"},
      {"--seperator=,", "unknown option '--seperator'; did you mean '--delimiter'?"},
      {"--zzz", "unknown option '--zzz'; see 'tally count --help'"},
      {"--x", "unknown option '--x'; see 'tally count --help'"},
      {"--=5", "unknown option '--'; see 'tally count --help'"},
      {"-x", "unknown option '-x'; see 'tally count --help'"},
      {"-1990", "unknown option '-1990'; see 'tally count --help'"},
      {"-qx5", "unknown option '-x' in '-qx5'; see 'tally count --help'"},
      {"-é", "unknown option '-é'; see 'tally count --help'"},
  };
  for (const auto& c : cases) EXPECT_EQ(CountMessageFor({c.typed}), c.message) << c.typed;
}

TEST(CommandLineTest, TellsWhichOptionLacksItsValueOrTakesNone) {
  EXPECT_EQ(CountMessageFor({"--top"}), "option '--top' needs a value: --top N");
  EXPECT_EQ(CountMessageFor({"file", "-qn"}), "option '-n' needs a value: -n N");
  EXPECT_EQ(CountMessageFor({"--header=yes"}),
            "option '--header' takes no value; leave out '=yes'");
  EXPECT_THAT(CountMessageFor({"--quiet="}), HasSubstr("takes no value"));
}

TEST(CommandLineTest, ShowsWhatWasTypedEscapedAndCut) {
  EXPECT_THAT(CountMessageFor({"--\x1b[31m"}), Not(HasSubstr("\x1b")));
  EXPECT_THAT(CountMessageFor({"-n", "5\r\n6"}), Not(HasSubstr("\r")));
  EXPECT_LT(CountMessageFor({"--" + std::string(130'000, 'x')}).size(), 500u);
  EXPECT_LT(MessageFor({std::string(130'000, 'x')}).size(), 500u);
}

TEST(CommandLineTest, RefusesOptionsOfAnotherFormat) {
  EXPECT_EQ(CountMessageFor({"-f", "words", "--years", "1990"}),
            "--years goes with '-f ngram' only, but the format is words; "
            "leave --years out, or say '-f ngram'");
  const struct {
    Typed typed;
    const char* option;
  } cases[] = {{{"-f", "words", "-k", "1"}, "--key-column"},
               {{"-f", "lines", "-v", "1"}, "--value-column"},
               {{"-f", "ngram", "-d", "tab"}, "--delimiter"},
               {{"-f", "columns", "--years", "1990"}, "--years"},
               {{"-f", "lines", "--tags", "all"}, "--tags"}};
  for (const auto& c : cases) {
    EXPECT_THAT(CountMessageFor(c.typed),
                AllOf(StartsWith(c.option), HasSubstr("goes with '-f"), HasSubstr(c.typed[1])))
        << c.option;
  }
}

TEST(CommandLineTest, RefusesAHeaderForJson) {
  EXPECT_THAT(CountMessageFor({"--header", "-O", "json"}), HasSubstr("leave out --header"));
  EXPECT_THAT(CountMessageFor({"-O", "jsonl", "--header"}), HasSubstr("leave out --header"));
  EXPECT_TRUE(Count({"--header", "-O", "csv"}).header);
}

TEST(CommandLineTest, RefusesOneFileForOutputAndStats) {
  const std::string here = std::filesystem::current_path();
  for (const std::string& same : {std::string("new"), std::string("./new"), here + "/new"}) {
    EXPECT_THAT(CountMessageFor({"-o", "new", "--stats", same}),
                AllOf(HasSubstr("--output and --stats both name"), HasSubstr(same)));
  }
  EXPECT_EQ(Count({"-o", "new", "--stats", "other"}).stats_path, "other");
}

TEST(CommandLineTest, RefusesFileNamesThatNameNoFile) {
  EXPECT_THAT(CountMessageFor({"-o", ""}), StartsWith("-o, --output: the file name is empty"));
  EXPECT_THAT(CountMessageFor({"--stats="}), StartsWith("--stats: the file name is empty"));
  EXPECT_THAT(CountMessageFor({"a", ""}), StartsWith("a file name is empty"));
  EXPECT_EQ(CountMessageFor({"--stats", "-q"}),
            "--stats: '-q' looks like an option; write './-q' for a file of that name");
  EXPECT_THAT(CountMessageFor({"--stats", "-"}), HasSubstr("/dev/stderr"));
}

TEST(CommandLineTest, KeepsTheProgressThatWasAskedForWhenQuiet) {
  EXPECT_EQ(Count({"-q"}).progress, ProgressMode::kNever);
  EXPECT_EQ(Count({"-q", "--progress", "always"}).progress, ProgressMode::kAlways);
  EXPECT_TRUE(Count({"-q", "--progress", "always"}).quiet);
}

TEST(CommandLineTest, SuggestsTheNearestCommand) {
  EXPECT_EQ(MessageFor({"cuont", "x"}), "unknown command 'cuont'; did you mean 'tally count'?");
  EXPECT_EQ(MessageFor({"COUNT"}), "unknown command 'COUNT'; did you mean 'tally count'?");
  EXPECT_EQ(MessageFor({"hlep"}), "unknown command 'hlep'; did you mean 'tally help'?");
  EXPECT_EQ(MessageFor({"frobnicate"}),
            "unknown command 'frobnicate'; there is: count, race, compare (see 'tally --help')");
  EXPECT_THAT(MessageFor({""}), StartsWith("unknown command ''"));
}

TEST(CommandLineTest, SuggestsCountingAFileGivenInPlaceOfACommand) {
  const std::filesystem::path file =
      std::filesystem::path(::testing::TempDir()) / "cli_options_test words.txt";
  std::ofstream(file) << "a b\n";
  EXPECT_EQ(MessageFor({file}), "unknown command '" + file.string() +
                                    "'; did you mean 'tally count " + file.string() + "'?");
  std::filesystem::remove(file);
  EXPECT_THAT(MessageFor({"-"}), HasSubstr("'tally count -'"));
  EXPECT_THAT(MessageFor({"/"}), Not(HasSubstr("tally count")));
}

TEST(CommandLineTest, TellsThatOptionsGoAfterTheCommand) {
  EXPECT_EQ(MessageFor({"-n", "5", "file"}),
            "option '-n' comes before the command; say 'tally count -n ...'");
  EXPECT_EQ(MessageFor({"--tpo", "5"}), "unknown option '--tpo'; did you mean '--top'?");
  EXPECT_EQ(MessageFor({"--zzz"}), "unknown option '--zzz'; see 'tally --help'");
}

}  // namespace
}  // namespace tally
