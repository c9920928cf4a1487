#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/error.h"
#include "master/command_line.h"
#include "master/options.h"

namespace tally {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;

using Typed = std::vector<std::string>;

constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();

CommandLine Parse(const Typed& typed, bool stdin_is_terminal = false) {
  std::vector<const char*> arguments;
  for (const std::string& argument : typed) arguments.push_back(argument.c_str());
  return ParseCommandLine(arguments, stdin_is_terminal);
}

/// The options of `tally count ...`.
CountOptions Count(Typed typed) {
  typed.insert(typed.begin(), "count");
  CommandLine line = Parse(typed);
  if (auto* options = std::get_if<CountOptions>(&line)) return *options;
  ADD_FAILURE() << "prints instead of counting: " << ::testing::PrintToString(typed);
  return {};
}

PrintAndExit Printed(const Typed& typed, bool stdin_is_terminal = false) {
  CommandLine line = Parse(typed, stdin_is_terminal);
  if (auto* print = std::get_if<PrintAndExit>(&line)) return *print;
  ADD_FAILURE() << "counts instead of printing: " << ::testing::PrintToString(typed);
  return {};
}

/// The UsageError of a command line, which has to be one line.
std::string MessageFor(const Typed& typed) {
  try {
    Parse(typed);
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), Not(HasSubstr("\n")));
    return error.what();
  }
  return "no error";
}

std::string CountMessageFor(Typed typed) {
  typed.insert(typed.begin(), "count");
  return MessageFor(typed);
}

TEST(CommandLineTest, PrintsHelpAndFailsWithoutACommand) {
  const PrintAndExit printed = Printed({});
  EXPECT_THAT(printed.text, StartsWith("Examples:\n"));
  EXPECT_EQ(printed.exit_status, kExitUsage);
}

TEST(CommandLineTest, PrintsHelpWhereItIsAskedFor) {
  const Typed cases[] = {{"-h"},
                         {"--help"},
                         {"help"},
                         {"help", "count"},
                         {"count", "-h"},
                         {"count", "--help"},
                         {"count", "-qh", "file"},
                         {"count", "-n", "not a number", "--help"}};
  for (const Typed& typed : cases) {
    const PrintAndExit printed = Printed(typed);
    EXPECT_THAT(printed.text, StartsWith("Examples:\n")) << ::testing::PrintToString(typed);
    EXPECT_EQ(printed.exit_status, kExitDone) << ::testing::PrintToString(typed);
  }
}

TEST(CommandLineTest, PrintsTheVersion) {
  for (const Typed& typed : {Typed{"--version"}, Typed{"count", "--version"}}) {
    const PrintAndExit printed = Printed(typed);
    EXPECT_THAT(printed.text, MatchesRegex("tally [0-9]+\\.[0-9]+\\.[0-9]+\n"));
    EXPECT_EQ(printed.exit_status, kExitDone);
  }
}

TEST(CommandLineTest, PrintsHelpRatherThanReadAKeyboardUnasked) {
  for (const Typed& typed : {Typed{"count"}, Typed{"count", "-n", "5"}, Typed{"count", "--"}}) {
    const PrintAndExit printed = Printed(typed, /*stdin_is_terminal=*/true);
    EXPECT_THAT(printed.text, StartsWith("Examples:\n"));
    EXPECT_EQ(printed.exit_status, kExitUsage);
  }
  EXPECT_TRUE(std::holds_alternative<CountOptions>(Parse({"count", "-"}, true)));
}

TEST(CommandLineTest, ReadsStandardInputWithoutAFile) {
  EXPECT_THAT(Count({}).files, ElementsAre("-"));
  EXPECT_THAT(Count({"-n", "5"}).files, ElementsAre("-"));
}

TEST(CommandLineTest, TakesFilesInOrderBeforeAndAfterOptions) {
  EXPECT_THAT(Count({"b", "-n5", "a", "-", "-q", "x,y.tsv", "with space"}).files,
              ElementsAre("b", "a", "-", "x,y.tsv", "with space"));
}

TEST(CommandLineTest, EndsTheOptionsAtTwoDashes) {
  const CountOptions options = Count({"-q", "--", "--top", "-n5", "--", "-"});
  EXPECT_THAT(options.files, ElementsAre("--top", "-n5", "--", "-"));
  EXPECT_EQ(options.top, std::nullopt);
}

TEST(CommandLineTest, LeavesOpenWhatWasNotSaid) {
  const CountOptions options = Count({"file"});
  EXPECT_EQ(options.format, std::nullopt);
  EXPECT_EQ(options.delimiter, std::nullopt);
  EXPECT_EQ(options.key_column, std::nullopt);
  EXPECT_EQ(options.value_column, std::nullopt);
  EXPECT_EQ(options.years, std::nullopt);
  EXPECT_EQ(options.tags, std::nullopt);
  EXPECT_EQ(options.workers, std::nullopt);
  EXPECT_EQ(options.chunk_size_bytes, uint64_t{8} << 20);
  EXPECT_EQ(options.top, std::nullopt);
  EXPECT_EQ(options.min_count, 0u);
  EXPECT_THAT(options.find, ElementsAre());
  EXPECT_EQ(options.sort, SortOrder::kCount);
  EXPECT_EQ(options.output_path, "");
  EXPECT_EQ(options.output_format, OutputFormat::kTsv);
  EXPECT_FALSE(options.header);
  EXPECT_FALSE(options.skip_malformed);
  EXPECT_EQ(options.progress, ProgressMode::kAuto);
  EXPECT_FALSE(options.quiet);
  EXPECT_EQ(options.stats_path, "");
}

TEST(CommandLineTest, ReadsEveryOption) {
  const CountOptions columns = Count({"--format",        "columns",
                                      "--delimiter",     ",",
                                      "--key-column",    "2",
                                      "--value-column",  "3",
                                      "--workers",       "4",
                                      "--chunk-size",    "4K",
                                      "--top",           "5",
                                      "--min-count",     "6",
                                      "--find",          "a",
                                      "--sort",          "key",
                                      "--output",        "out",
                                      "--output-format", "csv",
                                      "--header",        "--skip-malformed",
                                      "--progress",      "never",
                                      "--quiet",         "--stats",
                                      "stats",           "in"});
  EXPECT_EQ(columns.format, Format::kColumns);
  EXPECT_EQ(columns.delimiter, ',');
  EXPECT_EQ(columns.key_column, 2u);
  EXPECT_EQ(columns.value_column, 3u);
  EXPECT_EQ(columns.workers, 4u);
  EXPECT_EQ(columns.chunk_size_bytes, 4096u);
  EXPECT_EQ(columns.top, 5u);
  EXPECT_EQ(columns.min_count, 6u);
  EXPECT_THAT(columns.find, ElementsAre("a"));
  EXPECT_EQ(columns.sort, SortOrder::kKey);
  EXPECT_EQ(columns.output_path, "out");
  EXPECT_EQ(columns.output_format, OutputFormat::kCsv);
  EXPECT_TRUE(columns.header);
  EXPECT_TRUE(columns.skip_malformed);
  EXPECT_EQ(columns.progress, ProgressMode::kNever);
  EXPECT_TRUE(columns.quiet);
  EXPECT_EQ(columns.stats_path, "stats");
  EXPECT_THAT(columns.files, ElementsAre("in"));

  const CountOptions ngram = Count({"-f", "ngram", "--years", "1990-2000", "--tags", "untagged"});
  EXPECT_EQ(ngram.format, Format::kNgram);
  EXPECT_EQ(ngram.years->from, 1990u);
  EXPECT_EQ(ngram.years->to, 2000u);
  EXPECT_EQ(ngram.tags, TagFilter::kUntagged);
}

TEST(CommandLineTest, ReadsEveryLetter) {
  const CountOptions options = Count({"-f", "columns", "-d", ";", "-k", "2", "-v", "3", "-j", "4",
                                      "-n", "5", "-s", "none", "-o", "out", "-O", "jsonl", "-q"});
  EXPECT_EQ(options.format, Format::kColumns);
  EXPECT_EQ(options.delimiter, ';');
  EXPECT_EQ(options.key_column, 2u);
  EXPECT_EQ(options.value_column, 3u);
  EXPECT_EQ(options.workers, 4u);
  EXPECT_EQ(options.top, 5u);
  EXPECT_EQ(options.sort, SortOrder::kNone);
  EXPECT_EQ(options.output_path, "out");
  EXPECT_EQ(options.output_format, OutputFormat::kJsonl);
  EXPECT_TRUE(options.quiet);
}

TEST(CommandLineTest, ReadsEveryChoice) {
  EXPECT_EQ(Count({"-f", "auto"}).format, std::nullopt);
  EXPECT_EQ(Count({"-f", "words"}).format, Format::kWords);
  EXPECT_EQ(Count({"-f", "lines"}).format, Format::kLines);
  EXPECT_EQ(Count({"--tags", "all"}).tags, TagFilter::kAll);
  EXPECT_EQ(Count({"--tags", "tagged"}).tags, TagFilter::kTagged);
  EXPECT_EQ(Count({"-s", "count"}).sort, SortOrder::kCount);
  EXPECT_EQ(Count({"-O", "tsv"}).output_format, OutputFormat::kTsv);
  EXPECT_EQ(Count({"-O", "json"}).output_format, OutputFormat::kJson);
  EXPECT_EQ(Count({"--progress", "auto"}).progress, ProgressMode::kAuto);
  EXPECT_EQ(Count({"--progress", "always"}).progress, ProgressMode::kAlways);
}

TEST(CommandLineTest, ReadsValuesThatAreJoinedOrApart) {
  for (const Typed& typed : {Typed{"-n5"}, Typed{"-n", "5"}, Typed{"--top=5"}, Typed{"--top", "5"},
                             Typed{"-qn5"}, Typed{"-qn", "5"}, Typed{"-n1", "--top", "5"}}) {
    EXPECT_EQ(Count(typed).top, 5u) << ::testing::PrintToString(typed);
  }
  EXPECT_EQ(Count({"-ofile.tsv"}).output_path, "file.tsv");
  EXPECT_EQ(Count({"--output=a=b"}).output_path, "a=b");
  EXPECT_EQ(Count({"-d,", "-fcolumns"}).delimiter, ',');
  EXPECT_EQ(Count({"-d="}).delimiter, '=');
}

TEST(CommandLineTest, TakesValuesThatBeginWithADash) {
  EXPECT_EQ(Count({"--years", "-1990"}).years->to, 1990u);
  EXPECT_EQ(Count({"--years=-1990"}).years->to, 1990u);
  EXPECT_EQ(Count({"-d", "-"}).delimiter, '-');
  EXPECT_EQ(Count({"-d-"}).delimiter, '-');
  EXPECT_THAT(Count({"--find", "-x", "--find", "--top=5", "--find", "--", "--find", "-"}).find,
              ElementsAre("-x", "--top=5", "--", "-"));
}

TEST(CommandLineTest, TakesAnyBytesAsAKeyToFind) {
  const std::string huge(130'000, 'k');
  EXPECT_THAT(Count({"--find", "a,b", "--find", "", "--find=", "--find=a\nb", "--find=\xff=\\",
                     "--find=" + huge, "--find", huge, "--find", "a,b"})
                  .find,
              ElementsAre("a,b", "", "", "a\nb", "\xff=\\", huge, huge, "a,b"));
}

TEST(CommandLineTest, ObeysTheLastOfRepeatedOptions) {
  EXPECT_EQ(Count({"-n", "5", "-n", "7"}).top, 7u);
  EXPECT_EQ(Count({"-f", "lines", "--format=auto"}).format, std::nullopt);
  EXPECT_EQ(Count({"-o", "file", "-o", "-"}).output_path, "");
}

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
