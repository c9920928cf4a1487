#include "worker/number.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/uint128.h"
#include "tests/test_util.h"

namespace tally {
namespace {

constexpr size_t kMostDigits = 25;

/// In a buffer that has just the bytes that may be read; behind the number is rubbish.
std::optional<uint64_t> Parse(bool (*parse)(const char*, size_t, uint64_t*), std::string_view text,
                              char behind = '7') {
  std::vector<char> readable(std::max<size_t>(text.size(), 8), behind);
  std::copy(text.begin(), text.end(), readable.begin());
  uint64_t value = 0;
  if (!parse(readable.data(), text.size(), &value)) return std::nullopt;
  return value;
}

/// In 128 bits, for as many digits as those hold.
std::optional<uint64_t> Oracle(std::string_view text) {
  uint128 value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  if (text.empty() || value > ~uint64_t{0}) return std::nullopt;
  return static_cast<uint64_t>(value);
}

void ExpectRight(const std::string& text) {
  const std::optional<uint64_t> expected = Oracle(text);
  ASSERT_EQ(Parse(ParseCountScalar, text), expected) << testing::PrintToString(text);
  for (const char behind : {'7', '\0', '\xff', '\n'}) {
    ASSERT_EQ(Parse(ParseCount, text, behind), expected) << testing::PrintToString(text);
  }
}

TEST(NumberTest, NumbersOfEachLengthAreRead) {
  Random random(1);
  for (size_t size = 0; size <= kMostDigits; ++size) {
    ExpectRight(std::string(size, '0'));
    ExpectRight(std::string(size, '9'));
    for (int round = 0; round < 200; ++round) {
      std::string text(size, '0');
      for (char& digit : text) digit = static_cast<char>('0' + random.Below(10));
      ASSERT_NO_FATAL_FAILURE(ExpectRight(text));
    }
  }
}

TEST(NumberTest, EachDigitCountsAtEachPlace) {
  for (size_t size = 1; size <= kMostDigits; ++size) {
    for (size_t place = 0; place < size; ++place) {
      for (char digit = '0'; digit <= '9'; ++digit) {
        std::string text(size, '0');
        text[place] = digit;
        ASSERT_NO_FATAL_FAILURE(ExpectRight(text));
      }
    }
  }
}

TEST(NumberTest, ByteThatIsNoDigitIsRefusedAtEachPlace) {
  for (size_t size = 1; size <= 21; ++size) {
    for (size_t place = 0; place < size; ++place) {
      for (int byte = 0; byte < 256; ++byte) {
        if (byte >= '0' && byte <= '9') continue;
        for (const char others : {'0', '9'}) {
          std::string text(size, others);
          text[place] = static_cast<char>(byte);
          ASSERT_EQ(Parse(ParseCount, text), std::nullopt) << testing::PrintToString(text);
          ASSERT_EQ(Parse(ParseCountScalar, text), std::nullopt) << testing::PrintToString(text);
        }
      }
    }
  }
}

TEST(NumberTest, TheLimitIs64Bits) {
  const std::string zeros = "00000";
  for (const std::string text :
       {"18446744073709551614", "18446744073709551615", "18446744073709551616",
        "18446744073709551620", "18446744073709551700", "18446744073709552000",
        "19446744073709551615", "28446744073709551615", "99999999999999999999",
        "9999999999999999999", "184467440737095516150", "1844674407370955161500"}) {
    ExpectRight(text);
    ExpectRight(zeros + text);
  }
  EXPECT_EQ(Parse(ParseCount, "18446744073709551615"), ~uint64_t{0});
  EXPECT_EQ(Parse(ParseCount, "18446744073709551616"), std::nullopt);
}

TEST(NumberTest, OnlyDigitsMakeANumber) {
  for (const std::string text :
       {"", "-1", "+1", " 1", "1 ", "1.0", "1e3", "0x10", "1,000", "nan", "1\r", "\t1"}) {
    EXPECT_EQ(Parse(ParseCount, text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace tally
