#include "worker/ngram_rows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sanitized.h"
#include "tests/simd_test.h"
#include "tests/test_util.h"

namespace tally {
namespace {

/// A run that owns its key.
struct Run {
  std::string ngram;
  uint64_t rows;
  uint64_t matches;

  bool operator==(const Run&) const = default;
  friend void PrintTo(const Run& run, std::ostream* out) {
    *out << testing::PrintToString(run.ngram) << " " << run.rows << " " << run.matches;
  }
};

struct Taken {
  size_t rows = 0;
  std::vector<Run> runs;

  bool operator==(const Taken&) const = default;
  friend void PrintTo(const Taken& taken, std::ostream* out) {
    *out << taken.rows << " rows: " << testing::PrintToString(taken.runs);
  }
};

Taken TakenOf(NgramRows* rows, std::string_view text) {
  Taken taken{.rows = rows->rows_taken, .runs = {}};
  for (const Record& run : rows->runs_taken()) {
    EXPECT_GE(run.key, text.data());
    EXPECT_LE(run.key + run.key_size, text.data() + text.size());
    taken.runs.push_back({std::string(run.key_view()), run.records, run.amount});
  }
  return taken;
}

/// The rows that begin in [begin, limit), and those from `second` on, in a text that goes on for as
/// long as is asked for.
std::vector<Taken> TakeBoth(decltype(TakePlainRows)* take, NgramVersion version,
                            const YearRange& years, std::string_view text, size_t second) {
  static NgramRows rows;  // large, and too slow to make each time
  static NgramRows other_rows;
  rows.next = text.data();
  rows.limit = text.data() + second;
  other_rows.next = text.data() + second;
  other_rows.limit = text.data() + text.size();
  take(version, years, &rows, &other_rows);
  return {TakenOf(&rows, text), TakenOf(&other_rows, text)};
}

constexpr YearRange kAllYears;

/// A text with what may be read behind it.
PaddedText Readable(const std::string& text, char padding = '\0', size_t misalignment = 0) {
  return PaddedText(text + std::string(kMostPlainRowBytes - kReadablePadding, padding), padding,
                    misalignment);
}

Taken Take(decltype(TakePlainRows)* take, NgramVersion version, const std::string& text,
           const YearRange& years = kAllYears) {
  const PaddedText padded = Readable(text);
  return TakeBoth(take, version, years, padded.view().substr(0, text.size()), text.size())[0];
}

class NgramRowsTest : public SimdTest {
 protected:
  static void ExpectSameAsScalar(std::string_view text, const YearRange& years, size_t second) {
    for (const NgramVersion version : {NgramVersion::kV1, NgramVersion::kV2}) {
      ASSERT_EQ(TakeBoth(TakePlainRows, version, years, text, second),
                TakeBoth(TakePlainRowsScalar, version, years, text, second))
          << testing::PrintToString(text) << " second from " << second;
    }
  }
  static void ExpectSameAsScalar(const std::string& text) {
    const PaddedText padded = Readable(text);
    ExpectSameAsScalar(padded.view().substr(0, text.size()), kAllYears, text.size());
  }
};

INSTANTIATE_TEST_SUITE_P(EveryTarget, NgramRowsTest, EverySimdTarget(), SimdTargetOf);

TEST_P(NgramRowsTest, AddsUpAdjacentRowsOfAnNgram) {
  const std::string text =
      "a b\t1999\t5\t1\n"
      "a b\t2000\t12345678\t1\r\n"
      "a b c\t2000\t7\t12345678\n"
      "\t1\t2\t3\n"
      "a b\t2000\t0\t1\n";
  EXPECT_EQ(Take(TakePlainRows, NgramVersion::kV2, text),
            (Taken{5, {{"a b", 2, 12345683}, {"a b c", 1, 7}, {"", 1, 2}, {"a b", 1, 0}}}));
  EXPECT_EQ(Take(TakePlainRows, NgramVersion::kV2, text, {.from = 2000, .to = 2000}),
            (Taken{5, {{"a b", 1, 12345678}, {"a b c", 1, 7}, {"a b", 1, 0}}}));
  EXPECT_EQ(Take(TakePlainRows, NgramVersion::kV1, "a\t1\t2\t3\t4\n"), (Taken{1, {{"a", 1, 2}}}));
}

// Digits are added up before they are numbers.
TEST_P(NgramRowsTest, AddsUpLongRuns) {
  for (const uint64_t rows : {1U, 27U, 28U, 29U, 56U, 57U, 1000U}) {
    std::string text;
    for (uint64_t i = 0; i < rows; ++i) text += "key\t2000\t99999999\t1\n";
    EXPECT_EQ(Take(TakePlainRows, NgramVersion::kV2, text),
              (Taken{rows, {{"key", rows, rows * 99'999'999}}}));
  }
}

// Whatever it is compared with.
TEST_P(NgramRowsTest, TheFirstRowMayBeginWithAnything) {
  for (int byte = 0; byte < 256; ++byte) {
    for (const size_t size : {size_t{0}, size_t{1}, kMostPlainKeyBytes, kMostPlainKeyBytes + 1}) {
      for (const char* const numbers : {"2000\t5\t1\n", "\t2000\t5\t1\n", "2000\t5\t1\t2\n"}) {
        const std::string row = std::string(size, static_cast<char>(byte)) + numbers;
        ExpectSameAsScalar(row + row);
      }
    }
  }
}

TEST_P(NgramRowsTest, StopsAtARowThatIsNotPlain) {
  const std::string plain = "a\t1\t2\t3\n";
  for (const char* odd : {"",
                          "a",
                          "a\t1",
                          "a\t1\t2",
                          "a\t1\t2\t",
                          "a\t1\t2\t3\t4",
                          "a\t\t2\t3",
                          "a\t1\t\t3",
                          "a\t1\t2\t123456789",
                          "a\t1\t123456789\t3",
                          "a\t123456789\t2\t3",
                          "a\t1\t2\t3 ",
                          "a\t1\t-2\t3",
                          "a\t1\t2\t3\r\r",
                          "\r",
                          "a\t1:\t2\t3",
                          "a\t1\t/\t3",
                          "\t\t\t",
                          "\t1\t1\t1\t",
                          "0123456789012345678901234567890123456789",
                          "a\tb\t1\t2\t3",
                          "a\t0123456789012345678901234567890123456789\t1\t2\t3",
                          "a\t1\t2\t\xb3"}) {
    const std::string text = plain + odd + "\n" + plain;
    EXPECT_EQ(Take(TakePlainRows, NgramVersion::kV2, text).rows, 1U) << testing::PrintToString(odd);
    ASSERT_NO_FATAL_FAILURE(ExpectSameAsScalar(text));
  }
}

TEST_P(NgramRowsTest, ARowMayBeSoLong) {
  const std::string longest_key(kMostPlainKeyBytes, 'k');
  for (const std::string& key : {longest_key, longest_key + 'k'}) {
    const std::string row = key + "\t1\t2\t3\n";
    EXPECT_EQ(Take(TakePlainRows, NgramVersion::kV2, row + row).rows, key == longest_key ? 2U : 0U);
    ASSERT_NO_FATAL_FAILURE(ExpectSameAsScalar(row + row));
  }
  // Of version 1: all numbers of eight digits are too long by three.
  for (const char* numbers :
       {"12345678\t12345678\t12345678\t12345", "12345678\t12345678\t12345678\t123456",
        "12345678\t12345678\t12345678\t12345678"}) {
    for (const char* end : {"\n", "\r\n"}) {
      const std::string row = longest_key + '\t' + numbers + end;
      EXPECT_EQ(Take(TakePlainRows, NgramVersion::kV1, row).rows,
                std::string_view(numbers).size() <= kMostPlainTailBytes ? 1U : 0U);
      ASSERT_NO_FATAL_FAILURE(ExpectSameAsScalar(row));
    }
  }
}

TEST_P(NgramRowsTest, KeysAreComparedWithTheirEnds) {
  std::string text;
  for (const char* key : {"a", "ab", "a", "", "b", "ba", "bb", "bb b", "bb"}) {
    text += key + std::string("\t1\t1\t1\n");
  }
  const Taken taken = Take(TakePlainRows, NgramVersion::kV2, text);
  EXPECT_EQ(taken.runs.size(), 9U);
  ASSERT_NO_FATAL_FAILURE(ExpectSameAsScalar(text));
  // As long as can be, and different in the last byte.
  for (const size_t size : {15U, 16U, 31U, 32U, 62U, 63U}) {
    std::string key(size, 'k');
    const std::string row = key + "\t1\t1\t1\n";
    key.back() = 'l';
    EXPECT_EQ(Take(TakePlainRows, NgramVersion::kV2, row + row + key + "\t1\t1\t1\n").runs.size(),
              2U);
  }
}

// Rows as they are, nearly as they are, and as they never are.
std::vector<std::string> NastyPieces() {
  return {"word\t1999\t12\t3\n",
          "word\t2000\t7\t7\n",
          "word\t1\t1\t1\r\n",
          "word\t1\t1\t1\t1\n",
          "word_NOUN",
          "w",
          "a rather long key of many more words",
          "\t",
          "\t1\t22\t333\n",
          "\t1234\t5\t678\t9\n",
          "\t12345678",
          "\t123456789",
          "\n",
          "\r",
          "/",
          ":",
          "\x89",
          "9",
          "\t1\t99999999\t1\n"};
}

TEST_P(NgramRowsTest, AgreesWithScalarCodeAtEveryAlignment) {
  Random random(1);
  const auto pieces = NastyPieces();
  for (int round = 0; round < (kSanitized ? 1 : 10); ++round) {
    for (size_t misalignment = 0; misalignment < 64; ++misalignment) {
      const std::string text = random.Text(400, pieces);
      const PaddedText padded = Readable(text, '\t', misalignment);
      const std::string_view rows = padded.view().substr(0, text.size());
      for (size_t at = 0; at < rows.size();) {  // each row is the first one of both once
        ASSERT_NO_FATAL_FAILURE(ExpectSameAsScalar(rows, kAllYears, at));
        ASSERT_NO_FATAL_FAILURE(ExpectSameAsScalar(rows, {.from = 2, .to = 1999}, at));
        at = std::min(rows.find('\n', at), rows.size() - 1) + 1;
      }
    }
  }
}

TEST_P(NgramRowsTest, ReadsNoFurtherThanIsAskedFor) {
  Random random(2);
  const auto pieces = NastyPieces();
  for (size_t size = 0; size <= 200; ++size) {
    for (const char after : {'1', '\t', 'k'}) {
      const std::string text = random.Text(size, pieces);
      const auto padded = PaddedText::AtPageEnd(
          text + std::string(kMostPlainRowBytes - kReadablePadding, after), after);
      const std::string_view rows = padded.view().substr(0, size);
      ASSERT_NO_FATAL_FAILURE(ExpectSameAsScalar(rows, kAllYears, size));
      ASSERT_NO_FATAL_FAILURE(ExpectSameAsScalar(rows, kAllYears, 0));
    }
  }
}

TEST_P(NgramRowsTest, StopsWhereThereIsNoRoomForARun) {
  for (const size_t rows_each : {1U, 3U}) {
    std::string text;
    for (size_t i = 0; i < NgramRows::kMostRuns + 10; ++i) {
      for (size_t row = 0; row < rows_each; ++row)
        text += i % 2 == 0 ? "\t1\t1\t1\n" : "a\t1\t1\t1\n";
    }
    const Taken taken = Take(TakePlainRows, NgramVersion::kV2, text);
    EXPECT_EQ(taken.rows, rows_each * NgramRows::kMostRuns);
    EXPECT_EQ(taken.runs.size(), NgramRows::kMostRuns);
    ASSERT_NO_FATAL_FAILURE(ExpectSameAsScalar(text));
  }
}

}  // namespace
}  // namespace tally
