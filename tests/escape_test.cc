#include "common/escape.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace tally {
namespace {

using namespace std::string_literals;  // NOLINT: for strings with NUL bytes in them

std::string EncodeUtf8(char32_t code) {
  const auto tail = [code](int shift) {
    return static_cast<char>(0x80 | ((code >> shift) & 0x3f));
  };
  if (code < 0x80) return {static_cast<char>(code)};
  if (code < 0x800) return {static_cast<char>(0xc0 | code >> 6), tail(0)};
  if (code < 0x10000) return {static_cast<char>(0xe0 | code >> 12), tail(6), tail(0)};
  return {static_cast<char>(0xf0 | code >> 18), tail(12), tail(6), tail(0)};
}

TEST(EscapeTest, OrdinaryTextIsUnchanged) {
  for (const std::string_view text : {"", "question_NOUN", "a b\\c\"d'", "naïve Ünïcödé", "日本語",
                                      "\U0001F600", "e\u0301", "\u00a0", "\ufeff", "\ufffd"}) {
    EXPECT_EQ(EscapeForMessage(text), text);
  }
}

TEST(EscapeTest, ControlCharactersAreShownByteByByte) {
  EXPECT_EQ(EscapeForMessage("a\tb\nc\rd"), "a\\x09b\\x0ac\\x0dd");
  EXPECT_EQ(EscapeForMessage("\0\x1b[31m\x7f"s), "\\x00\\x1b[31m\\x7f");
  EXPECT_EQ(EscapeForMessage("\u0080|\u009b|\u009f"), "\\xc2\\x80|\\xc2\\x9b|\\xc2\\x9f");
}

TEST(EscapeTest, NothingThatReordersOrBreaksALineIsLeft) {
  EXPECT_EQ(EscapeForMessage("\u200e\u200f"), "\\xe2\\x80\\x8e\\xe2\\x80\\x8f");
  EXPECT_EQ(EscapeForMessage("\u061c"), "\\xd8\\x9c");
  EXPECT_EQ(EscapeForMessage("\u2028\u2029"), "\\xe2\\x80\\xa8\\xe2\\x80\\xa9");
  EXPECT_EQ(EscapeForMessage("\u202a\u202e"), "\\xe2\\x80\\xaa\\xe2\\x80\\xae");
  EXPECT_EQ(EscapeForMessage("\u2066\u2069"), "\\xe2\\x81\\xa6\\xe2\\x81\\xa9");
  EXPECT_EQ(EscapeForMessage("\u200d\u2027\u202f\u2065\u206a"), "\u200d\u2027\u202f\u2065\u206a");
}

TEST(EscapeTest, BytesThatAreNotUtf8AreShownByteByByte) {
  EXPECT_EQ(EscapeForMessage("caf\xe9"), "caf\\xe9");
  EXPECT_EQ(EscapeForMessage("\xff\xfe"), "\\xff\\xfe");
  EXPECT_EQ(EscapeForMessage("\xe2\x82"), "\\xe2\\x82");
  EXPECT_EQ(EscapeForMessage("\xe2\x82z"), "\\xe2\\x82z");
  EXPECT_EQ(EscapeForMessage("\xed\xa0\x80"), "\\xed\\xa0\\x80");
  EXPECT_EQ(EscapeForMessage("\xc0\x80"), "\\xc0\\x80");
}

TEST(EscapeTest, AppendingKeepsWhatWasThere) {
  std::string out = "key: ";
  AppendEscaped("\x01", &out);
  EXPECT_EQ(out, "key: \\x01");
}

TEST(EscapeTest, ACutIsMarkedAndNeverSplitsACharacter) {
  EXPECT_EQ(EscapeForMessage("abcdef", 6), "abcdef");
  EXPECT_EQ(EscapeForMessage("abcdef", 5), "abcde...");
  EXPECT_EQ(EscapeForMessage("abcdef", 0), "...");
  EXPECT_EQ(EscapeForMessage("", 0), "");
  EXPECT_EQ(EscapeForMessage("ab\u20ac", 5), "ab\u20ac");
  EXPECT_EQ(EscapeForMessage("ab\u20ac", 4), "ab...");
  EXPECT_EQ(EscapeForMessage("ab\u20ac", 3), "ab...");
  EXPECT_EQ(EscapeForMessage("\xff\xff\xff", 2), "\\xff\\xff...");
}

TEST(Utf8CharLengthTest, IsRightForEveryCodePoint) {
  for (char32_t code = 0; code <= 0x10ffff; ++code) {
    const std::string bytes = EncodeUtf8(code);
    const bool surrogate = code >= 0xd800 && code <= 0xdfff;
    ASSERT_EQ(Utf8CharLength(bytes), surrogate ? 0 : bytes.size()) << std::hex << uint32_t{code};
    ASSERT_EQ(Utf8CharLength(bytes + "x"), surrogate ? 0 : bytes.size());
    ASSERT_EQ(Utf8CharLength(bytes.substr(0, bytes.size() - 1)), 0U);
  }
}

TEST(Utf8CharLengthTest, RefusesOverlongAndTooLargeForms) {
  EXPECT_EQ(Utf8CharLength(""), 0U);
  for (const std::string_view bytes :
       {"\x80", "\xbf", "\xc0\xaf", "\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xc3(", "\xe2(\xa1", "\xe2\x82(",
        "\xf0\x90\x80("}) {
    EXPECT_EQ(Utf8CharLength(bytes), 0U) << EscapeForMessage(bytes);
  }
}

}  // namespace
}  // namespace tally
