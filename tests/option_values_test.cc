#include "master/option_values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <string_view>

#include "common/error.h"

namespace tally {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();

OptionText Text(std::string_view text) { return {.option = "--option", .text = text}; }

/// The UsageError that `parse` throws.
template <typename Parse>
std::string MessageOf(const Parse& parse) {
  try {
    parse();
  } catch (const UsageError& error) {
    return error.what();
  }
  return "no error";
}

TEST(ParseWholeNumberTest, ReadsDigitsWithinTheLimits) {
  EXPECT_EQ(ParseWholeNumber(Text("0"), 0, kMax), 0u);
  EXPECT_EQ(ParseWholeNumber(Text("007"), 0, kMax), 7u);
  EXPECT_EQ(ParseWholeNumber(Text("18446744073709551615"), 0, kMax), kMax);
  EXPECT_EQ(ParseWholeNumber(Text("1"), 1, 3), 1u);
  EXPECT_EQ(ParseWholeNumber(Text("3"), 1, 3), 3u);
}

TEST(ParseWholeNumberTest, RefusesAllElse) {
  for (const char* bad : {"", "5x", "x", "-1", "-0", "+1", " 5", "5 ", "0x10", "1.5", "1e3", "5\n",
                          "5K", "18446744073709551616", "99999999999999999999"}) {
    EXPECT_THAT(MessageOf([&] { ParseWholeNumber(Text(bad), 0, kMax); }),
                AllOf(StartsWith("--option: '"), HasSubstr("a whole number from 0 to 2^64-1")))
        << bad;
  }
  for (const char* bad : {"0", "4", "4294967297"}) {
    EXPECT_EQ(MessageOf([&] { ParseWholeNumber(Text(bad), 1, 3); }),
              "--option: '" + std::string(bad) + "' is not a whole number from 1 to 3");
  }
}

TEST(ParseSizeTest, ReadsBytesWithASuffix) {
  const struct {
    const char* text;
    uint64_t size_bytes;
  } cases[] = {{"1", 1},
               {"1000", 1000},
               {"4k", 4096},
               {"4K", 4096},
               {"8M", uint64_t{8} << 20},
               {"8m", uint64_t{8} << 20},
               {"3G", uint64_t{3} << 30},
               {"3g", uint64_t{3} << 30},
               {"4T", uint64_t{4} << 40},
               {"4t", uint64_t{4} << 40},
               {"18446744073709551615", kMax},
               {"17179869183G", uint64_t{17179869183} << 30}};
  for (const auto& c : cases) EXPECT_EQ(ParseSize(Text(c.text)), c.size_bytes) << c.text;
}

TEST(ParseSizeTest, RefusesNothingnessOverflowAndOtherSuffixes) {
  for (const char* bad :
       {"", "0", "0K", "K", "-1", "+1", "1.5M", "8MB", "8 M", "8P", "M8", "8KK",
        "18446744073709551616", "17179869184G", "16777216T", "18446744073709551615K"}) {
    EXPECT_THAT(MessageOf([&] { ParseSize(Text(bad)); }),
                AllOf(StartsWith("--option: '"), HasSubstr("is not a size"), HasSubstr("8M")))
        << bad;
  }
}

TEST(ParseDelimiterTest, ReadsAByteAsItIsOrSpelled) {
  const struct {
    const char* text;
    char delimiter;
  } cases[] = {{",", ','},     {" ", ' '},      {"\t", '\t'},      {"tab", '\t'},
               {"\\t", '\t'},  {"\\", '\\'},    {"\\\\", '\\'},    {"\\0", '\0'},
               {"0", '0'},     {"-", '-'},      {"\xff", '\xff'},  {"\\x2c", ','},
               {"\\x2C", ','}, {"\\x00", '\0'}, {"\\xff", '\xff'}, {"\r", '\r'}};
  for (const auto& c : cases) EXPECT_EQ(ParseDelimiter(Text(c.text)), c.delimiter) << c.text;
}

TEST(ParseDelimiterTest, RefusesAllButOneByte) {
  for (const char* bad : {"", ",,", "\\x", "\\x1", "\\xzz", "\\x-1", "\\x123", "\\q", "TAB", "→"}) {
    EXPECT_THAT(MessageOf([&] { ParseDelimiter(Text(bad)); }),
                AllOf(StartsWith("--option: '"), HasSubstr("is not one byte")))
        << bad;
  }
}

TEST(ParseDelimiterTest, RefusesANewlineHoweverSpelled) {
  for (const char* newline : {"\n", "\\n", "\\x0a", "\\x0A"}) {
    EXPECT_THAT(MessageOf([&] { ParseDelimiter(Text(newline)); }),
                HasSubstr("a newline ends the line"))
        << newline;
  }
}

TEST(ParseYearsTest, ReadsRangesWithEitherEndLeftOut) {
  const struct {
    const char* text;
    uint64_t from, to;
  } cases[] = {{"1990-2000", 1990, 2000}, {"1990-1990", 1990, 1990}, {"1990", 1990, 1990},
               {"1990-", 1990, kMax},     {"-1990", 0, 1990},        {"0-0", 0, 0}};
  for (const auto& c : cases) {
    const YearRange years = ParseYears(Text(c.text));
    EXPECT_EQ(years.from, c.from) << c.text;
    EXPECT_EQ(years.to, c.to) << c.text;
  }
}

TEST(ParseYearsTest, RefusesWhatIsNoRange) {
  for (const char* bad : {"", "-", "--", "x", "1990-x", "1990-2000-2010", "1990 - 2000", "19.5",
                          "1990:2000", "--1990", "99999999999999999999-"}) {
    EXPECT_THAT(MessageOf([&] { ParseYears(Text(bad)); }),
                AllOf(StartsWith("--option: '"), HasSubstr("is not a range of years")))
        << bad;
  }
}

TEST(ParseYearsTest, TurnsARangeThatEndsBeforeItBeginsRound) {
  EXPECT_EQ(MessageOf([] { ParseYears(Text("2000-1990")); }),
            "--option: '2000-1990' ends before it begins; write 1990-2000");
}

TEST(ParseChoiceTest, FindsTheNamedValueOrNamesTheChoices) {
  static constexpr Choice<int> kChoices[] = {{"json", 1}, {"tsv", 2}};
  EXPECT_EQ(ParseChoice(Text("tsv"), kChoices), 2);
  EXPECT_EQ(MessageOf([] { ParseChoice(Text("josn"), kChoices); }),
            "--option: 'josn' is not one of json, tsv; did you mean 'json'?");
  EXPECT_EQ(MessageOf([] { ParseChoice(Text(""), kChoices); }),
            "--option: '' is not one of json, tsv");
}

TEST(QuotedTest, EscapesAndCuts) {
  EXPECT_EQ(Quoted("a b"), "'a b'");
  EXPECT_THAT(Quoted("\x1b[31m"), Not(HasSubstr("\x1b")));
  EXPECT_LT(Quoted(std::string(100'000, 'x')).size(), 300u);
}

}  // namespace
}  // namespace tally
