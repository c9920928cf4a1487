#include "worker/line_parser.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/test_util.h"

namespace tally {
namespace {

using namespace std::string_literals;  // NOLINT: for strings with NUL bytes in them

TEST(LineParserTest, EachLineIsAKeyWithoutItsNewlineAndCarriageReturn) {
  struct Case {
    std::string text;
    std::vector<KeyAmount> lines;
  };
  for (const Case& c : {
           Case{"", {}},
           Case{"\n", {{"", 1}}},
           Case{"\n\n", {{"", 1}, {"", 1}}},
           Case{"\r\n", {{"", 1}}},
           Case{"\r", {{"", 1}}},
           Case{"a\nb c\n", {{"a", 1}, {"b c", 1}}},
           Case{"no newline", {{"no newline", 1}}},
           Case{"a\n\nb", {{"a", 1}, {"", 1}, {"b", 1}}},
           Case{"dos\r\nlast\r", {{"dos", 1}, {"last", 1}}},
           Case{"a\rb\r\r\n", {{"a\rb\r", 1}}},
           Case{"\0\n\0\0\na\0b"s, {{"\0"s, 1}, {"\0\0"s, 1}, {"a\0b"s, 1}}},
           Case{"\ttabs\t\n \xff\x80\n", {{"\ttabs\t", 1}, {" \xff\x80", 1}}},
       }) {
    const Parsed expected{.records = c.lines, .rejected = {}, .lines = c.lines.size()};
    EXPECT_EQ(ParseText(LineParser(), c.text), expected) << testing::PrintToString(c.text);
  }
}

TEST(LineParserTest, LinesMayBeLongerThanAScanWindow) {
  for (const size_t size : {2047U, 2048U, 2049U, 100'000U, (1U << 20) + 1}) {
    const std::string line(size, 'x');
    EXPECT_EQ(ParseText(LineParser(), "a\n" + line + "\nb\n" + line).records,
              (std::vector<KeyAmount>{{"a", 1}, {line, 1}, {"b", 1}, {line, 1}}));
  }
}

TEST(LineParserTest, StopsWhenTheSinkSaysSo) {
  const Parsed expected{.records = {{"a", 1}, {"b", 1}}, .rejected = {}, .lines = 0};
  EXPECT_EQ(ParseText(LineParser(), "a\nb\nc\n", /*stop_after=*/2), expected);
}

}  // namespace
}  // namespace tally
