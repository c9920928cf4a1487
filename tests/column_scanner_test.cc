#include "worker/column_scanner.h"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/padded_text.h"
#include "tests/simd_test.h"
#include "tests/test_util.h"

namespace tally {
namespace {

using namespace std::string_literals;  // NOLINT: for strings with NUL bytes in them

// Where tokens begin and end in their text.
using Places = std::vector<std::pair<size_t, size_t>>;

Places ColumnIn(decltype(FindColumn)* find, std::string_view text, char delimiter, size_t number) {
  const auto tokens = std::make_unique<ColumnTokens>();
  const char* const begin = text.data();
  const size_t found = find(begin, begin + text.size(), delimiter, number, tokens.get());
  Places places;
  for (const Token& token : std::span(*tokens).first(found)) {
    places.emplace_back(token.begin - begin, token.end - begin);
  }
  return places;
}

void ExpectSameAsScalar(std::string_view text, char delimiter, size_t number) {
  ASSERT_EQ(ColumnIn(FindColumn, text, delimiter, number),
            ColumnIn(FindColumnScalar, text, delimiter, number))
      << testing::PrintToString(text) << ", column " << number;
}

std::vector<std::string> Column(std::string_view text, size_t number) {
  std::vector<std::string> column;
  for (const auto& [begin, end] : ColumnIn(FindColumn, text, ';', number)) {
    column.emplace_back(text.substr(begin, end - begin));
  }
  return column;
}

using Strings = std::vector<std::string>;

class ColumnScannerTest : public SimdTest {};

INSTANTIATE_TEST_SUITE_P(EveryTarget, ColumnScannerTest, EverySimdTarget(), SimdTargetOf);

TEST_P(ColumnScannerTest, FindsAColumnOfEachLine) {
  const PaddedText text("one;1;x\n;2\ntwo;;\r\n\xff\0;4\r\n"s);
  EXPECT_EQ(Column(text.view(), 1), (Strings{"one", "", "two", "\xff\0"s}));
  EXPECT_EQ(Column(text.view(), 2), (Strings{"1", "2", "", "4"}));
  EXPECT_EQ(Column(text.view(), 3), Strings()) << "not each line has one";
}

TEST_P(ColumnScannerTest, AFinalCarriageReturnIsNoPartOfTheLine) {
  const PaddedText text("\r\na\r\nb\r;\r\r\n\n");
  EXPECT_EQ(Column(text.view(), 1), (Strings{"", "a", "b\r", ""}));
}

TEST_P(ColumnScannerTest, LinesOfEveryLengthAtEveryAlignment) {
  std::array<size_t, 4> found{};
  for (size_t misalignment = 0; misalignment < 64; misalignment += 3) {
    for (size_t length = 0; length < 150; ++length) {
      for (const char* const line_begin : {"", ";", ";;"}) {
        for (const char* const line_end : {"\n", "\r\n", ";\n", ";\r\n", ";b\r\n"}) {
          const std::string line = line_begin + std::string(length, 'a') + line_end;
          const PaddedText text("x;y;z\n" + line + line, ';', misalignment);
          for (const size_t number : {1U, 2U, 3U}) {
            ExpectSameAsScalar(text.view(), ';', number);
            found[number] += Column(text.view(), number).size();
          }
        }
      }
    }
  }
  for (const size_t number : {1U, 2U, 3U}) EXPECT_GT(found[number], 10'000U);
}

TEST_P(ColumnScannerTest, RandomLines) {
  Random random(2);
  for (int round = 0; round < 20'000; ++round) {
    const size_t columns = 1 + random.Below(5);
    const std::string_view bytes = random.Below(2) == 0 ? "a;\n" : "aaaaaaabcdefghij\r;;\n";
    std::string text;
    const size_t size = random.Below(300);
    while (text.size() < size) {
      // Nearly always as many columns as are asked for, at least.
      for (size_t column = 1; column < columns && random.Below(50) != 0; ++column) {
        text += std::string(random.Below(20), 'k') + ";";
      }
      text += bytes[random.Below(bytes.size())];
    }
    if (!text.ends_with('\n')) text += '\n';
    const auto padded = round % 2 == 0 ? PaddedText(text, "\n;x"[random.Below(3)], random.Below(64))
                                       : PaddedText::AtPageEnd(text, '\n');
    for (size_t number = 1; number <= columns; ++number) {
      ExpectSameAsScalar(padded.view(), ';', number);
    }
  }
}

TEST_P(ColumnScannerTest, FillsAWindowWithColumns) {
  for (const std::string& line : {"\n"s, ";\n"s, "\r\n"s, "a;\r\n"s}) {
    std::string text;
    while (text.size() + line.size() <= kScanWindowBytes) text += line;
    const PaddedText padded(text);
    ExpectSameAsScalar(padded.view(), ';', 1);
    ExpectSameAsScalar(padded.view(), ';', 2);
  }
}

TEST_P(ColumnScannerTest, ALineMayBeLongerThanAWindow) {
  const std::string part(3 * kScanWindowBytes, 'p');
  const PaddedText text(part + ";" + part + "\r\n");
  EXPECT_EQ(Column(text.view(), 1), Strings{part});
  EXPECT_EQ(Column(text.view(), 2), Strings{part});
  EXPECT_EQ(Column(text.view(), 3), Strings());
}

TEST_P(ColumnScannerTest, UpToTheLastColumnForWhichItIsMade) {
  std::string text;
  for (size_t line = 0; line < 3; ++line) {
    for (size_t column = 1; column < kLastScannedColumn; ++column) {
      text += std::string(line * column % 11, 'c') + "\t";
    }
    text += "last\n";
  }
  const PaddedText padded(text);
  for (size_t number = 1; number <= kLastScannedColumn; ++number) {
    ExpectSameAsScalar(padded.view(), '\t', number);
  }
  EXPECT_EQ(ColumnIn(FindColumn, padded.view(), '\t', kLastScannedColumn).size(), 3U);
}

TEST_P(ColumnScannerTest, AnyOtherByteMayBeTheDelimiter) {
  std::string text;
  for (int byte = 0; byte < 256; ++byte) text += static_cast<char>(byte) + "x\n"s;
  const PaddedText padded(text);
  for (int byte = 0; byte < 256; ++byte) {
    if (byte != '\n' && byte != '\r') ExpectSameAsScalar(padded.view(), static_cast<char>(byte), 1);
  }
}

}  // namespace
}  // namespace tally
