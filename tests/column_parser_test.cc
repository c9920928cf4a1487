#include "worker/column_parser.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "tests/test_util.h"

namespace tally {
namespace {

using namespace std::string_literals;  // NOLINT: for strings with NUL bytes in them

constexpr uint64_t kMax = ~uint64_t{0};

std::string NoKey(size_t column) {
  return fmt::format("column {}, the key (-k), is missing", column);
}

std::string NoValue(size_t column) {
  return fmt::format("column {}, the value (-v), is missing", column);
}

constexpr char kNotSplit[] = "there is no ',' in it, which splits columns (-d)";

std::string BadValue(size_t column) {
  return fmt::format("column {}, the value (-v), is not a whole number from 0 to 2^64-1", column);
}

ColumnParser MakeParser(size_t key_column, size_t value_column = 0, char delimiter = ',') {
  FormatOptions options;
  options.delimiter = delimiter;
  options.key_column = key_column;
  options.value_column = value_column;
  return ColumnParser(options);
}

Parsed Parse(std::string_view text, size_t key_column, size_t value_column = 0,
             char delimiter = ',') {
  return ParseText(MakeParser(key_column, value_column, delimiter), text);
}

std::vector<KeyAmount> Records(std::string_view text, size_t key_column, size_t value_column = 0) {
  Parsed parsed = Parse(text, key_column, value_column);
  EXPECT_EQ(parsed.rejected, std::vector<Rejected>()) << text;
  return parsed.records;
}

TEST(ColumnParserTest, TheKeyIsOneColumnOfALine) {
  const std::string text = "a,b,c\nd,e,f\n";
  EXPECT_EQ(Records(text, 1), (std::vector<KeyAmount>{{"a", 1}, {"d", 1}}));
  EXPECT_EQ(Records(text, 2), (std::vector<KeyAmount>{{"b", 1}, {"e", 1}}));
  EXPECT_EQ(Records(text, 3), (std::vector<KeyAmount>{{"c", 1}, {"f", 1}}));
  EXPECT_EQ(Parse(text, 1).lines, 2U);
}

TEST(ColumnParserTest, TheValueMayStandBeforeOrBehindTheKeyOrBeIt) {
  EXPECT_EQ(Records("a,5\nb,7", 1, 2), (std::vector<KeyAmount>{{"a", 5}, {"b", 7}}));
  EXPECT_EQ(Records("5,x,a\n7,x,b", 3, 1), (std::vector<KeyAmount>{{"a", 5}, {"b", 7}}));
  EXPECT_EQ(Records("x,5\nx,007", 2, 2), (std::vector<KeyAmount>{{"5", 5}, {"007", 7}}));
}

TEST(ColumnParserTest, FurtherColumnsAreOfNoInterest) {
  EXPECT_EQ(Records("a,1,x\nb,2\nc,3,,,\xff\n", 1, 2),
            (std::vector<KeyAmount>{{"a", 1}, {"b", 2}, {"c", 3}}));
}

TEST(ColumnParserTest, AFinalCarriageReturnIsNoPartOfTheLastColumn) {
  EXPECT_EQ(Records("a,5\r\nb,6\r", 1, 2), (std::vector<KeyAmount>{{"a", 5}, {"b", 6}}));
  EXPECT_EQ(Records("x,a\r\nx\r,b\r\r\n", 2), (std::vector<KeyAmount>{{"a", 1}, {"b\r", 1}}));
  EXPECT_EQ(Records("x\r,1\r\n", 1), (std::vector<KeyAmount>{{"x\r", 1}}));
}

TEST(ColumnParserTest, AFinalCarriageReturnIsNoDelimiter) {
  const Parsed parsed = Parse("a\rb\r\nc\r\r\nd\r\n\r\ne\r", 2, 0, '\r');
  EXPECT_EQ(parsed.records, (std::vector<KeyAmount>{{"b", 1}, {"", 1}}));
  const std::string reason = R"(there is no '\x0d' in it, which splits columns (-d))";
  EXPECT_EQ(parsed.rejected,
            (std::vector<Rejected>{{"d\r", 2, reason}, {"\r", 3, reason}, {"e\r", 4, reason}}));
}

TEST(ColumnParserTest, EmptyLinesAndColumnsAreEmptyKeys) {
  EXPECT_EQ(Records("\n\r\n,\n", 1), (std::vector<KeyAmount>{{"", 1}, {"", 1}, {"", 1}}));
  EXPECT_EQ(Records(",,", 3), (std::vector<KeyAmount>{{"", 1}}));
  EXPECT_EQ(Records(",4\n", 1, 2), (std::vector<KeyAmount>{{"", 4}}));
  EXPECT_EQ(Parse("", 1), Parsed());
}

TEST(ColumnParserTest, AnyByteMayBeTheDelimiter) {
  for (const char delimiter : {'\t', ' ', ';', '\0', '\xff', '"', '\r'}) {
    const std::string text = "a"s + delimiter + "b\nc" + delimiter + "d\n";
    EXPECT_EQ(Parse(text, 2, 0, delimiter).records, (std::vector<KeyAmount>{{"b", 1}, {"d", 1}}))
        << testing::PrintToString(delimiter);
  }
}

TEST(ColumnParserTest, ThereIsNoQuoting) {
  EXPECT_EQ(Records("\"a,b\",c", 1), (std::vector<KeyAmount>{{"\"a", 1}}));
}

TEST(ColumnParserTest, KeysMayHoldNulBytes) {
  EXPECT_EQ(Records("\0,x\na\0,y\n"s, 1), (std::vector<KeyAmount>{{"\0"s, 1}, {"a\0"s, 1}}));
}

TEST(ColumnParserTest, ValuesAreWholeNumbersOf64Bits) {
  EXPECT_EQ(Records("a,0\na,18446744073709551615\na,00000000000000000000000000012", 1, 2),
            (std::vector<KeyAmount>{{"a", 0}, {"a", kMax}, {"a", 12}}));
  for (const std::string& value :
       {""s, "-1"s, "+1"s, " 1"s, "1 "s, "1.5"s, "1e3"s, "x"s, "18446744073709551616"s,
        "99999999999999999999"s, "1\r"s, "\xb1"s, "1\0"s}) {
    const std::string line = "a," + value + ",z";
    const Parsed expected{.records = {}, .rejected = {{line, 0, BadValue(2)}}, .lines = 1};
    EXPECT_EQ(Parse(line + "\n", 1, 2), expected) << value;
  }
}

TEST(ColumnParserTest, LinesWithoutTheirColumnsAreRejectedWithTheirPlace) {
  const Parsed expected{
      .records = {{"a", 1}, {"e", 3}},
      .rejected = {{"b\r", 1, kNotSplit}, {"", 2, kNotSplit}, {"d,x", 3, BadValue(2)}},
      .lines = 5};
  EXPECT_EQ(Parse("a,1\nb\r\n\nd,x\ne,3", 1, 2), expected);
}

TEST(ColumnParserTest, TheColumnThatIsMissingIsNamed) {
  EXPECT_EQ(Parse("a,1", 3).rejected, (std::vector<Rejected>{{"a,1", 0, NoKey(3)}}));
  EXPECT_EQ(Parse("a,1", 3, 2).rejected, (std::vector<Rejected>{{"a,1", 0, NoKey(3)}}));
  EXPECT_EQ(Parse("a,1", 2, 3).rejected, (std::vector<Rejected>{{"a,1", 0, NoValue(3)}}));
  EXPECT_EQ(Parse("a,1", 3, 4).rejected, (std::vector<Rejected>{{"a,1", 0, NoKey(3)}}));
}

TEST(ColumnParserTest, LinesMayHaveMoreColumnsAndBytesThanAScanWindow) {
  const std::string commas(5000, ',');
  const std::string long_key(5000, 'k');
  EXPECT_EQ(Records(commas + "a\n" + commas + "b", 5001),
            (std::vector<KeyAmount>{{"a", 1}, {"b", 1}}));
  EXPECT_EQ(Records("x," + long_key + ",7\ny,b,8", 2, 3),
            (std::vector<KeyAmount>{{long_key, 7}, {"b", 8}}));
}

TEST(ColumnParserTest, KeysThatAreTooLongComeFirst) {
  const std::string too_long(kMaxKeyBytes + 1, 'l');
  for (const std::string& delimiter : {","s, "\r"s}) {
    const std::string text = "a" + delimiter + "1\nb\n" + too_long + "\nc\n" + too_long;
    const Parsed parsed = Parse(text, 1, 0, delimiter[0]);
    EXPECT_EQ(parsed.records,
              (std::vector<KeyAmount>{{"a", 1}, {"b", 1}, {too_long, 1}, {"c", 1}, {too_long, 1}}));
  }
}

TEST(ColumnParserTest, ManyLinesOfWhichFewAreNone) {
  std::string text;
  Parsed expected;
  for (uint64_t line = 0; line < 1000; ++line) {
    const std::string number = std::to_string(line);
    if (line % 333 == 10) {
      text += number + "\r\n";
      expected.rejected.push_back({number + "\r", line, kNotSplit});
    } else if (line % 333 == 20) {
      text += number + ",x\n";
      expected.rejected.push_back({number + ",x", line, BadValue(2)});
    } else {
      text += "key" + number + "," + number + (line % 2 == 0 ? "\n" : ",\r\n");
      expected.records.emplace_back("key" + number, line);
    }
  }
  expected.lines = 1000;
  EXPECT_EQ(Parse(text, 1, 2), expected);
}

TEST(ColumnParserTest, StopsInAnyWindow) {
  std::string text;
  for (int line = 0; line < 3000; ++line) text += line == 1500 ? "odd\n" : "key,1\n";
  for (const size_t value_column : {0U, 2U}) {
    const ColumnParser parser = MakeParser(2, value_column);
    for (const uint64_t stop_after : {1U, 200U, 1501U, 1700U, 2000U}) {
      const Parsed parsed = ParseText(parser, text, stop_after);
      EXPECT_EQ(parsed.records.size() + parsed.rejected.size(), stop_after);
      EXPECT_EQ(parsed.rejected.size(), stop_after > 1500 ? 1U : 0U);
    }
  }
}

TEST(ColumnParserTest, KeyAndValueMayBeTheLastColumnsThatAreScannedOrBehindThem) {
  std::string line;
  for (int column = 1; column <= 20; ++column) line += std::to_string(100 + column) + ",";
  for (const size_t key : {15U, 16U, 17U, 18U}) {
    EXPECT_EQ(Parse(line + "\n" + line + "\n", key).records,
              (std::vector<KeyAmount>(2, {std::to_string(100 + key), 1})));
    for (const size_t value : {15U, 16U, 17U, 18U}) {
      EXPECT_EQ(Records(line + "\n" + line + "\n", key, value),
                (std::vector<KeyAmount>(2, {std::to_string(100 + key), 100 + value})));
    }
  }
}

TEST(ColumnParserTest, StopsWhenTheSinkSaysSo) {
  const ColumnParser parser = MakeParser(1, 2);
  const Parsed after_record{.records = {{"a", 1}}, .rejected = {}, .lines = 0};
  EXPECT_EQ(ParseText(parser, "a,1\nb,2\n", /*stop_after=*/1), after_record);
  const Parsed after_bad_line{.records = {{"a", 1}}, .rejected = {{"b", 1, kNotSplit}}, .lines = 0};
  EXPECT_EQ(ParseText(parser, "a,1\nb\nc,3\n", /*stop_after=*/2), after_bad_line);
  EXPECT_EQ(ParseText(parser, "a,1\nb", /*stop_after=*/2), after_bad_line);
}

}  // namespace
}  // namespace tally
