#include "worker/ngram_rows.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

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

/// The rows from offset `begin` on, of text that nothing before is read of.
Taken Take(decltype(TakePlainRows)* take, NgramVersion version, const PaddedText& padded,
           size_t begin, const YearRange& years) {
  const std::string_view text = padded.view();
  ScanPositions ends;
  const size_t rows =
      FindEitherScalar(text.data() + begin, text.data() + text.size(), '\n', '\n', &ends);
  NgramRuns runs;
  const NgramRowsTaken taken =
      take(version, text.data(), text.data() + begin, ends.data(), rows, years, &runs);
  Taken result{.rows = taken.rows, .runs = {}};
  for (size_t i = 0; i < taken.runs; ++i) {
    result.runs.push_back({{runs[i].key, runs[i].key_size}, runs[i].records, runs[i].amount});
  }
  return result;
}

constexpr YearRange kAllYears;

class NgramRowsTest : public SimdTest {
 protected:
  static void ExpectSameAsScalar(const PaddedText& text, size_t begin, const YearRange& years) {
    for (const NgramVersion version : {NgramVersion::kV1, NgramVersion::kV2}) {
      ASSERT_EQ(Take(TakePlainRows, version, text, begin, years),
                Take(TakePlainRowsScalar, version, text, begin, years))
          << testing::PrintToString(text.view().substr(begin));
    }
  }
};

INSTANTIATE_TEST_SUITE_P(EveryTarget, NgramRowsTest, EverySimdTarget(), SimdTargetOf);

// Nothing before a text is read, so that its first row is not plain.
const std::string kFirst = std::string(kNgramTailBytes, 'x') + "\n";

TEST_P(NgramRowsTest, AddsUpAdjacentRowsOfAnNgram) {
  const PaddedText text(kFirst +
                        "a b\t1999\t5\t1\n"
                        "a b\t2000\t12345678\t1\r\n"
                        "a b c\t2000\t7\t12345678\n"
                        "\t1\t2\t3\n"
                        "a b\t2000\t0\t1\n");
  EXPECT_EQ(Take(TakePlainRows, NgramVersion::kV2, text, kFirst.size(), kAllYears),
            (Taken{5, {{"a b", 2, 12345683}, {"a b c", 1, 7}, {"", 1, 2}, {"a b", 1, 0}}}));
  EXPECT_EQ(Take(TakePlainRows, NgramVersion::kV2, text, kFirst.size(), {.from = 2000, .to = 2000}),
            (Taken{5, {{"a b", 1, 12345678}, {"a b c", 1, 7}, {"a b", 1, 0}}}));
  EXPECT_EQ(Take(TakePlainRows, NgramVersion::kV1, PaddedText(kFirst + "a\t1\t2\t3\t4\n"),
                 kFirst.size(), kAllYears),
            (Taken{1, {{"a", 1, 2}}}));
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
    const PaddedText text(kFirst + plain + odd + "\n" + plain);
    EXPECT_EQ(Take(TakePlainRows, NgramVersion::kV2, text, kFirst.size(), kAllYears).rows, 1U)
        << testing::PrintToString(odd);
    ASSERT_NO_FATAL_FAILURE(ExpectSameAsScalar(text, kFirst.size(), kAllYears));
  }
}

TEST_P(NgramRowsTest, LooksAtNothingBeforeTheText) {
  const std::string row = "abcdefghijklmnopqrstuvwxyz\t1\t2\t3\n";  // 33 bytes
  EXPECT_EQ(Take(TakePlainRows, NgramVersion::kV2, PaddedText(row.substr(2)), 0, kAllYears).rows,
            0U);
  EXPECT_EQ(Take(TakePlainRows, NgramVersion::kV2, PaddedText("a" + row), 0, kAllYears).rows, 1U);
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
  for (int round = 0; round < 20; ++round) {
    for (size_t misalignment = 0; misalignment < 64; ++misalignment) {
      const PaddedText padded(random.Text(400, pieces), '\t', misalignment);
      const std::string_view text = padded.view();
      for (size_t at = 0; at < text.size();) {  // each row is the first one once
        ASSERT_NO_FATAL_FAILURE(ExpectSameAsScalar(padded, at, kAllYears));
        ASSERT_NO_FATAL_FAILURE(ExpectSameAsScalar(padded, at, {.from = 2, .to = 1999}));
        at = std::min(text.find('\n', at), text.size() - 1) + 1;
      }
    }
  }
}

TEST_P(NgramRowsTest, ReadsNoFurtherThanThePadding) {
  Random random(2);
  const auto pieces = NastyPieces();
  for (size_t size = 0; size <= 200; ++size) {
    for (const char after : {'1', '\t'}) {
      const auto padded = PaddedText::AtPageEnd(random.Text(size, pieces), after);
      ASSERT_NO_FATAL_FAILURE(ExpectSameAsScalar(padded, 0, kAllYears));
    }
  }
}

TEST_P(NgramRowsTest, TakesAWindowOfTheShortestRows) {
  std::string rows;
  for (int i = 0; rows.size() + 7 <= kScanWindowBytes; ++i) {
    rows += i % 2 == 0 ? "\t1\t1\t1\n" : "a\t1\t1\t1\n";
  }
  const PaddedText text(kFirst + rows);
  const Taken taken = Take(TakePlainRows, NgramVersion::kV2, text, kFirst.size(), kAllYears);
  EXPECT_EQ(taken.rows, taken.runs.size());
  ASSERT_NO_FATAL_FAILURE(ExpectSameAsScalar(text, kFirst.size(), kAllYears));
}

TEST_P(NgramRowsTest, LongKeysAreComparedWhole) {
  const std::string longer(kMaxKeyBytes, 'k');
  const std::string row = "\t1\t2\t3\n";
  std::string other = longer;
  other.back() = 'l';
  const std::string text = kFirst + longer + row + longer + row + other + row;
  const PaddedText padded(text);
  std::vector<const char*> ends;
  for (const size_t rows : {1U, 2U, 3U}) {
    ends.push_back(padded.view().data() + kFirst.size() + rows * (longer.size() + row.size()) - 1);
  }
  NgramRuns out;
  for (auto* take : {TakePlainRows, TakePlainRowsScalar}) {
    const auto taken =
        take(NgramVersion::kV2, padded.view().data(), padded.view().data() + kFirst.size(),
             ends.data(), ends.size(), kAllYears, &out);
    EXPECT_EQ(taken.rows, 3U);
    ASSERT_EQ(taken.runs, 2U);
    EXPECT_EQ(out[0].records, 2U);
    EXPECT_EQ(out[1].records, 1U);
  }
  // One byte more, and it is for the parser to say that the key is too long.
  const PaddedText too_long(kFirst + longer + "k" + row);
  const char* const end = too_long.view().data() + too_long.view().size() - 1;
  for (auto* take : {TakePlainRows, TakePlainRowsScalar}) {
    const auto taken = take(NgramVersion::kV2, too_long.view().data(),
                            too_long.view().data() + kFirst.size(), &end, 1, kAllYears, &out);
    EXPECT_EQ(taken.rows, 0U);
  }
}

}  // namespace
}  // namespace tally
