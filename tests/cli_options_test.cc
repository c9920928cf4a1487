#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/error.h"
#include "master/command_line.h"
#include "master/options.h"
#include "tests/parsed_command_line.h"
#include "worker/simd_target.h"

namespace tally {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

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
    EXPECT_THAT(printed.text, MatchesRegex("tally [0-9]+\\.[0-9]+\\.[0-9]+\nSIMD: [A-Z0-9 -]+\n"
                                           "gzip: (ISA-L|zlib) [0-9.]+\n"));
    EXPECT_THAT(printed.text, HasSubstr(fmt::format("\nSIMD: {}\n", SimdTargetName())));
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

}  // namespace
}  // namespace tally
