#include "worker/delimiter_scanner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "tests/simd_test.h"
#include "tests/test_util.h"
#include "tests/white_space.h"

namespace tally {
namespace {

using namespace std::string_literals;  // NOLINT: for strings with NUL bytes in them

constexpr size_t kMostBytes = 200;  // a few blocks of 64, and what is left of one

/// Each white space character that Python's str.split() knows, in UTF-8.
const std::vector<std::string> kSpaces = Utf8Spaces();

/// Those, what is nearly one of them, halves of them, and what words are made of.
std::vector<std::string> NastyPieces() {
  std::vector<std::string> pieces = kSpaces;
  pieces.insert(pieces.end(), kSpaces.begin(), kSpaces.end());
  for (const char* piece : {"a",
                            "word",
                            "\xc2",
                            "\xe1",
                            "\xe1\x9a",
                            "\xe2",
                            "\xe2\x80",
                            "\xe2\x81",
                            "\xe3",
                            "\xe3\x80",
                            "\x80",
                            "\x85",
                            "\x9f",
                            "\xa0",
                            "\xc2\x84",
                            "\xe2\x80\x8b",
                            "\xe2\x80\xa7",
                            "\xe2\x81\xa0",
                            "\xe1\x9a\x81",
                            "\xe3\x80\x81",
                            "\xf0\x9f\x98\x80",
                            "\xe2\xc2\x85",
                            "\xe2\x80\xe2\x80\x80",
                            "\x08",
                            "\x0e",
                            "\x1b",
                            "!",
                            "\x7f",
                            "\xff"}) {
    pieces.emplace_back(piece);
  }
  pieces.push_back("\0"s);
  return pieces;
}

std::vector<std::string> EveryByte() {
  std::vector<std::string> bytes;
  bytes.reserve(256);
  for (int byte = 0; byte < 256; ++byte) bytes.emplace_back(1, static_cast<char>(byte));
  return bytes;
}

using Offsets = std::vector<size_t>;

Offsets OffsetsIn(const ScanPositions& positions, size_t count, const char* begin) {
  Offsets offsets;
  for (size_t i = 0; i < count; ++i) {
    offsets.push_back(static_cast<size_t>(positions[i] - begin));
  }
  return offsets;
}

using FindEitherFunction = decltype(FindEither);
using FindWordEdgesFunction = decltype(FindWordEdges);

Offsets Either(FindEitherFunction* find, std::string_view text, char a, char b) {
  ScanPositions positions;
  const size_t found = find(text.data(), text.data() + text.size(), a, b, &positions);
  return OffsetsIn(positions, found, text.data());
}

/// The edges in windows of the text that end at these offsets and at its end.
Offsets WordEdges(FindWordEdgesFunction* find, std::string_view text, Offsets window_ends = {}) {
  window_ends.push_back(text.size());
  Offsets edges;
  WordScanState state;
  size_t begin = 0;
  for (const size_t end : window_ends) {
    ScanPositions positions;
    const size_t found = find(text.data() + begin, text.data() + end, text.data() + text.size(),
                              &state, positions.data());
    const Offsets more = OffsetsIn(positions, found, text.data());
    edges.insert(edges.end(), more.begin(), more.end());
    begin = end;
  }
  return edges;
}

/// The edges of a text, window after window.
Offsets AllWordEdges(std::string_view text) {
  Offsets window_ends;
  for (const Window window : WindowsOf(text)) {
    window_ends.push_back(static_cast<size_t>(window.end - text.data()));
  }
  if (!window_ends.empty()) window_ends.pop_back();
  return WordEdges(FindWordEdges, text, window_ends);
}

/// What a stream of positions hands out before the end of the text.
Offsets AllEither(std::string_view text, char a, char b) {
  Offsets offsets;
  const char* const end = text.data() + text.size();
  auto stream = ScanEither(text, a, b);
  for (const char* at = stream.Next(); at != end; at = stream.Next()) {
    offsets.push_back(static_cast<size_t>(at - text.data()));
  }
  EXPECT_EQ(stream.Next(), end) << "asked again";
  return offsets;
}

void ExpectSameAsScalar(std::string_view text, char a, char b) {
  ASSERT_EQ(Either(FindEither, text, a, b), Either(FindEitherScalar, text, a, b))
      << testing::PrintToString(text);
}

void ExpectSameWordEdgesAsScalar(std::string_view text) {
  ASSERT_EQ(WordEdges(FindWordEdges, text), WordEdges(FindWordEdgesScalar, text))
      << testing::PrintToString(text);
}

class DelimiterScannerTest : public SimdTest {};

INSTANTIATE_TEST_SUITE_P(EveryTarget, DelimiterScannerTest, EverySimdTarget(), SimdTargetOf);

TEST_P(DelimiterScannerTest, FindsEitherByteAtEveryAlignmentAndLength) {
  Random random(1);
  for (size_t misalignment = 0; misalignment < 64; ++misalignment) {
    const std::string text = random.Text(kMostBytes, {"\t", "\n", "a", "\v", "\x89", "\x8a", "b"});
    const PaddedText padded(text, '\t', misalignment);
    for (size_t size = 0; size <= kMostBytes; ++size) {
      ASSERT_NO_FATAL_FAILURE(ExpectSameAsScalar(padded.view().substr(0, size), '\t', '\n'));
    }
  }
}

TEST_P(DelimiterScannerTest, FindsWordEdgesAtEveryAlignmentAndLength) {
  Random random(2);
  const auto pieces = NastyPieces();
  for (size_t misalignment = 0; misalignment < 64; ++misalignment) {
    const PaddedText padded(random.Text(kMostBytes, pieces), '\x80', misalignment);
    for (size_t size = 0; size <= kMostBytes; ++size) {
      ASSERT_NO_FATAL_FAILURE(ExpectSameWordEdgesAsScalar(padded.view().substr(0, size)));
    }
  }
}

TEST_P(DelimiterScannerTest, ReadsNoFurtherThanThePadding) {
  Random random(3);
  const auto pieces = NastyPieces();
  for (size_t size = 0; size <= kMostBytes; ++size) {
    const std::string text = random.Text(size, pieces);
    for (const PaddedText& padded : {PaddedText::AtPageEnd(text, ' '), PaddedText(text, ' ')}) {
      ASSERT_NO_FATAL_FAILURE(ExpectSameAsScalar(padded.view(), ' ', 'a'));
      ASSERT_NO_FATAL_FAILURE(ExpectSameWordEdgesAsScalar(padded.view()));
    }
  }
}

TEST_P(DelimiterScannerTest, FindsAnyTwoBytes) {
  Random random(4);
  const PaddedText padded(random.Text(1000, EveryByte()));
  for (int byte = 0; byte < 256; ++byte) {
    const char a = static_cast<char>(byte);
    ASSERT_NO_FATAL_FAILURE(ExpectSameAsScalar(padded.view(), a, a));
    ASSERT_NO_FATAL_FAILURE(ExpectSameAsScalar(padded.view(), a, static_cast<char>(byte * 7 + 1)));
  }
}

TEST_P(DelimiterScannerTest, FillsAWindowWithPositions) {
  const PaddedText all_tabs(std::string(kScanWindowBytes, '\t'));
  EXPECT_EQ(Either(FindEither, all_tabs.view(), '\t', '\n').size(), kScanWindowBytes);
  std::string every_other;
  while (every_other.size() < kScanWindowBytes) every_other += "a ";
  const PaddedText words(every_other);
  EXPECT_EQ(WordEdges(FindWordEdges, words.view()).size(), kScanWindowBytes);
}

TEST_P(DelimiterScannerTest, EachByteAloneIsSpaceOrNot) {
  for (const std::string& byte : EveryByte()) {
    const std::string text = "a" + byte + "b";
    const bool is_space = std::find(kSpaces.begin(), kSpaces.end(), byte) != kSpaces.end();
    EXPECT_EQ(WordEdges(FindWordEdges, PaddedText(text).view()),
              is_space ? (Offsets{0, 1, 2}) : Offsets{0})
        << testing::PrintToString(byte);
  }
}

TEST_P(DelimiterScannerTest, EachSpaceIsSeenAtEachPlaceOfABlock) {
  for (const std::string& space : kSpaces) {
    for (size_t at = 1; at < 130; ++at) {
      const std::string text = std::string(at, 'x') + space + "yz";
      ASSERT_EQ(WordEdges(FindWordEdges, PaddedText(text).view()),
                (Offsets{0, at, at + space.size()}))
          << testing::PrintToString(space) << " at " << at;
    }
  }
}

TEST_P(DelimiterScannerTest, ASpaceThatTheEndOfTheTextCutsShortIsNone) {
  for (const std::string& space : kSpaces) {
    for (size_t size = 1; size < space.size(); ++size) {
      for (const size_t before : {0U, 1U, 61U, 62U, 63U, 64U, 126U, 2047U}) {
        const std::string text = std::string(before, ' ') + space.substr(0, size);
        // What follows would complete it.
        const PaddedText padded(text, space.back());
        ASSERT_EQ(AllWordEdges(padded.view()), Offsets{before}) << testing::PrintToString(text);
      }
    }
  }
}

TEST_P(DelimiterScannerTest, WordEdgesDoNotDependOnWhereWindowsEnd) {
  Random random(5);
  const auto pieces = NastyPieces();
  for (int round = 0; round < 20; ++round) {
    const PaddedText padded(random.Text(kMostBytes, pieces), '\x80');
    const Offsets whole = WordEdges(FindWordEdgesScalar, padded.view());
    for (size_t cut = 1; cut < kMostBytes; ++cut) {
      const size_t next = std::min(kMostBytes, cut + 1 + random.Below(3));
      ASSERT_EQ(WordEdges(FindWordEdges, padded.view(), {cut, next}), whole) << cut << " " << next;
      ASSERT_EQ(WordEdges(FindWordEdgesScalar, padded.view(), {cut, next}), whole) << cut;
    }
  }
}

TEST_P(DelimiterScannerTest, EachSpaceIsSeenAcrossTheEndOfAWindow) {
  for (const std::string& space : kSpaces) {
    for (size_t at = kScanWindowBytes - 4; at <= kScanWindowBytes + 1; ++at) {
      for (const std::string& after : {""s, "b"s, " b"s, "\x80"s}) {
        const PaddedText padded(std::string(at, 'a') + space + after, space.back());
        ASSERT_EQ(AllWordEdges(padded.view()), WordEdges(FindWordEdgesScalar, padded.view()))
            << testing::PrintToString(space) << " at " << at;
      }
    }
  }
}

TEST_P(DelimiterScannerTest, FindsAsManyAsThereAreInABlock) {
  for (const size_t every : {1U, 2U, 3U, 4U, 5U, 7U, 8U, 9U, 16U, 31U, 63U, 64U}) {
    std::string text(kMostBytes, 'a');
    for (size_t i = every - 1; i < text.size(); i += every) text[i] = '\n';
    const PaddedText padded(text, '\n');
    ASSERT_NO_FATAL_FAILURE(ExpectSameAsScalar(padded.view(), '\t', '\n'));
    ASSERT_NO_FATAL_FAILURE(ExpectSameWordEdgesAsScalar(padded.view()));
  }
}

TEST_P(DelimiterScannerTest, StreamsHandOutThePositionsOfEveryWindow) {
  Random random(6);
  const auto pieces = NastyPieces();
  for (const size_t size : {0U, 1U, 2047U, 2048U, 2049U, 4096U, 4097U, 20'000U}) {
    for (const bool sparse : {false, true}) {
      std::string text = random.Text(size, pieces);
      if (sparse) text = std::string(size, 'x') + text + std::string(size, 'x');
      const PaddedText padded(text, '\x80');
      Offsets tabs;
      for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\t' || text[i] == '\n') tabs.push_back(i);
      }
      ASSERT_EQ(AllEither(padded.view(), '\t', '\n'), tabs);
      Offsets window_ends;
      for (size_t end = 777; end < text.size(); end += 777) window_ends.push_back(end);
      ASSERT_EQ(AllWordEdges(padded.view()),
                WordEdges(FindWordEdgesScalar, padded.view(), window_ends));
    }
  }
}

}  // namespace
}  // namespace tally
