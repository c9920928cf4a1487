#include "worker/word_parser.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/test_util.h"
#include "tests/white_space.h"

namespace tally {
namespace {

using namespace std::string_literals;  // NOLINT: for strings with NUL bytes in them

struct Character {
  size_t size_bytes = 1;
  bool is_space = false;
};

/// Decodes the character at the start of `bytes`; a byte that begins none stands for itself.
Character Decode(std::string_view bytes) {
  const auto byte = [bytes](size_t i) { return static_cast<unsigned char>(bytes[i]); };
  size_t size = 1;
  char32_t code = byte(0);
  if (code >= 0xf0) {
    size = 4;
    code &= 0x07;
  } else if (code >= 0xe0) {
    size = 3;
    code &= 0x0f;
  } else if (code >= 0xc0) {
    size = 2;
    code &= 0x1f;
  } else if (code >= 0x80) {
    return {};
  }
  if (size > bytes.size()) return {};
  for (size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3f);
  }
  constexpr std::array<char32_t, 5> kLeastOfSize = {0, 0, 0x80, 0x800, 0x10000};
  if (code < kLeastOfSize[size] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return {};
  return {.size_bytes = size, .is_space = IsPythonSpace(code)};
}

std::vector<KeyAmount> SplitByDecoding(std::string_view text) {
  std::vector<KeyAmount> words;
  std::string word;
  const auto end_word = [&] {
    if (!word.empty()) words.emplace_back(word, 1);
    word.clear();
  };
  while (!text.empty()) {
    const Character character = Decode(text);
    if (character.is_space) {
      end_word();
    } else {
      word += text.substr(0, character.size_bytes);
    }
    text.remove_prefix(character.size_bytes);
  }
  end_word();
  return words;
}

std::string Encode(char32_t code) {
  const auto tail = [code](int shift) { return static_cast<char>(0x80 | (code >> shift & 0x3f)); };
  if (code < 0x80) return {static_cast<char>(code)};
  if (code < 0x800) return {static_cast<char>(0xc0 | code >> 6), tail(0)};
  if (code < 0x10000) return {static_cast<char>(0xe0 | code >> 12), tail(6), tail(0)};
  return {static_cast<char>(0xf0 | code >> 18), tail(12), tail(6), tail(0)};
}

void ExpectSplitLikeTheOracle(std::string_view text) {
  const Parsed parsed = ParseText(WordParser(), text);
  ASSERT_TRUE(parsed.records == SplitByDecoding(text)) << testing::PrintToString(text);
  EXPECT_TRUE(parsed.rejected.empty());
  EXPECT_EQ(parsed.lines, 0U) << "it does not know of lines";
}

TEST(WordParserTest, WordsAreWhatStandsBetweenWhiteSpace) {
  struct Case {
    std::string text;
    std::vector<KeyAmount> words;
  };
  for (const Case& c : {
           Case{"", {}},
           Case{" \t\r\n \x1c\x1d\x1e\x1f\v\f", {}},
           Case{"word", {{"word", 1}}},
           Case{"two words", {{"two", 1}, {"words", 1}}},
           Case{"  the end\r\n", {{"the", 1}, {"end", 1}}},
           Case{"the the", {{"the", 1}, {"the", 1}}},
           Case{"don't, stop.", {{"don't,", 1}, {"stop.", 1}}},
           Case{"a\0b\0 \0"s, {{"a\0b\0"s, 1}, {"\0"s, 1}}},
           Case{"caf\xc3\xa9\xc2\xa0noir\xe3\x80\x80x",
                {{"caf\xc3\xa9", 1}, {"noir", 1}, {"x", 1}}},
           Case{"a\xe2\x80\x8b"
                "b",
                {{"a\xe2\x80\x8b"
                  "b",
                  1}}},  // a zero width space is none
           Case{"\xef\xbb\xbf"
                "a",
                {{"\xef\xbb\xbf"
                  "a",
                  1}}},
           Case{"\x80 \xff\xfe \xc2", {{"\x80", 1}, {"\xff\xfe", 1}, {"\xc2", 1}}},
       }) {
    EXPECT_EQ(ParseText(WordParser(), c.text).records, c.words) << testing::PrintToString(c.text);
    EXPECT_EQ(SplitByDecoding(c.text), c.words) << "the oracle";
  }
}

TEST(WordParserTest, EachCharacterOfTheBasicPlaneSplitsOrNot) {
  std::string text;
  for (char32_t code = 0; code <= 0x10ffff; code += code < 0xffff ? 1 : 0x101) {
    text += "a" + Encode(code) + "b";
  }
  EXPECT_EQ(SplitByDecoding(text).size(), kPythonSpaces.size() + 1);
  ExpectSplitLikeTheOracle(text);
}

TEST(WordParserTest, EachPairOfBytesIsSplitAsDecodingDoes) {
  for (int first = 0; first < 256; ++first) {
    std::string text;
    for (int second = 0; second < 256; ++second) {
      text += "x" + std::string{static_cast<char>(first), static_cast<char>(second)};
    }
    ASSERT_NO_FATAL_FAILURE(ExpectSplitLikeTheOracle(text));
  }
}

TEST(WordParserTest, RandomBytesAreSplitAsDecodingDoes) {
  Random random(1);
  std::vector<std::string> pieces = {"a",    "bc",   "\xc2", "\xe1", "\xe2", "\xe3", "\x80", "\x81",
                                     "\x85", "\x9a", "\x9f", "\xa0", "\xa8", "\xaf", "\xf0"};
  for (const char32_t space : kPythonSpaces) pieces.push_back(Encode(space));
  for (const char32_t code : {0xe9U, 0x84U, 0x200bU, 0x2027U, 0x2060U, 0x3001U, 0x1f600U}) {
    pieces.push_back(Encode(code));
  }
  for (const size_t size : {1U, 5U, 64U, 1000U, 2047U, 2048U, 2049U, 10'000U}) {
    for (int round = 0; round < 20; ++round) {
      ASSERT_NO_FATAL_FAILURE(ExpectSplitLikeTheOracle(random.Text(size, pieces)));
    }
  }
}

TEST(WordParserTest, ALastWordMayFillManyScanWindows) {
  for (const size_t size : {2040U, 2048U, 5000U, 100'000U, (1U << 20) + 1}) {
    ExpectSplitLikeTheOracle("a b c d e " + std::string(size, 'x'));
    ExpectSplitLikeTheOracle("a b c d e " + std::string(size, ' '));
    ExpectSplitLikeTheOracle(std::string(size, ' ') + "a b c d e " + std::string(size, 'x') +
                             " f g");
  }
}

TEST(WordParserTest, StopsWhenTheSinkSaysSo) {
  EXPECT_EQ(ParseText(WordParser(), "a b c d", /*stop_after=*/2).records,
            (std::vector<KeyAmount>{{"a", 1}, {"b", 1}}));
}

}  // namespace
}  // namespace tally
