// How the versions of n-gram files are told apart.
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "worker/ngram_parser.h"

namespace tally {
namespace {

TEST(ClassifyNgramLineTest, TellsTheVersionsApart) {
  constexpr auto kV1 = NgramVersion::kV1;
  constexpr auto kV2 = NgramVersion::kV2;
  constexpr auto kV3 = NgramVersion::kV3;
  struct Case {
    std::string line;
    std::optional<NgramVersion> version;
  };
  for (const Case& c : {
           Case{"dobbs\t2007\t20\t18\t15", kV1},
           Case{"dobbs\t2007\t20\t18\t15\r", kV1},
           Case{"A'Aang_NOUN\t1879\t45\t5", kV2},
           Case{"A'Aang_NOUN\t1879\t45\t5\r", kV2},
           Case{"\t1\t1\t1", kV2},
           Case{"1\t1\t1\t1", kV2},
           Case{"Alcohol\t1983,905,353\t1984,1285,433", kV3},
           Case{"Alcohol\t1983,905,353\r", kV3},
           Case{"\t1,1,1", kV3},
           Case{"cut behind two fields\t1983,905,353\t1984,12", kV3},
           Case{"many\t1,1,1\t2,2,2\t3,3,3\t4,4,4\t5,5,5", kV3},
           Case{"", std::nullopt},
           Case{"just words", std::nullopt},
           Case{"a\t1", std::nullopt},
           Case{"a\t1\t1", std::nullopt},
           Case{"a\t1\t1\t1\t1\t1", std::nullopt},
           Case{"a\t1\t1\tx", std::nullopt},
           Case{"a\t\t1\t1", std::nullopt},
           Case{"a\t1\t1\t", std::nullopt},
           Case{"a\t-1\t1\t1", std::nullopt},
           Case{"a\t1,1", std::nullopt},
           Case{"a\t1,1,1,1", std::nullopt},
           Case{"a\t1,1,x", std::nullopt},
           Case{"a\t1,,1", std::nullopt},
           Case{"a,1,1,1", std::nullopt},
       }) {
    EXPECT_EQ(ClassifyNgramLine(c.line), c.version) << c.line;
  }
}

TEST(DetectNgramVersionTest, TheFirstLineThatIsOfAVersionDecidesWhereNoneIsMoreFrequent) {
  EXPECT_EQ(DetectNgramVersion("a\t1\t1\t1\t1\nb\t1\t1\t1\n"), NgramVersion::kV1);
  EXPECT_EQ(DetectNgramVersion("a\t1\t1\t1\r\nb\t1\t1\t1\t1\r\n"), NgramVersion::kV2);
  EXPECT_EQ(DetectNgramVersion("a\t1,1,1\nb\t1\t1\t1\nc\t1\t1\t1\nd\t1,1,1\n"), NgramVersion::kV3);
  EXPECT_EQ(DetectNgramVersion("\nrubbish\n\na\t1,1,1"), NgramVersion::kV3);
  EXPECT_EQ(DetectNgramVersion("rubbish\n\r\nmore"), NgramVersion::kV2);
  EXPECT_EQ(DetectNgramVersion(""), NgramVersion::kV2);
}

// Its first row may have lost a tab.
TEST(DetectNgramVersionTest, MostOfTheFirstHundredLinesDecide) {
  const std::string v1 = "a\t1\t1\t1\t1\n";
  const std::string v2 = "a1\t1\t1\t1\n";
  const auto times = [](size_t count, const std::string& line) {
    std::string lines;
    for (size_t i = 0; i < count; ++i) lines += line;
    return lines;
  };
  EXPECT_EQ(DetectNgramVersion(v2 + v1 + v1), NgramVersion::kV1);
  EXPECT_EQ(DetectNgramVersion(v2 + "rubbish\n" + v1 + "a\t1,1,1\n" + v1), NgramVersion::kV1);
  EXPECT_EQ(DetectNgramVersion(times(49, v2) + times(51, v1)), NgramVersion::kV1);
  EXPECT_EQ(DetectNgramVersion(times(50, v2) + times(51, v1)), NgramVersion::kV2);
  EXPECT_EQ(DetectNgramVersion(times(51, v2) + times(500, v1)), NgramVersion::kV2);
}

TEST(DetectNgramVersionTest, AFirstLineOfAnyLengthIsLookedAtWhole) {
  for (const size_t size : {32'750U, 32'758U, 32'759U, 32'760U, 32'768U, 100'000U}) {
    const std::string ngram(size, 'x');
    EXPECT_EQ(DetectNgramVersion(ngram + "\t2000\t1\t1\t1\nb\t1\t1\t1\t1\n"), NgramVersion::kV1);
    EXPECT_EQ(DetectNgramVersion(ngram + "\t2000\t1\t1\t1"), NgramVersion::kV1);
    EXPECT_EQ(DetectNgramVersion(ngram + "\t2000,1,1\n"), NgramVersion::kV3);
  }
}

TEST(DetectNgramVersionTest, AfterTheFirstOnlyLinesThatEndInTheSampleDecide) {
  const std::string line = "a\t1,1,1\t" + std::string(91, '1') + "\n";
  EXPECT_EQ(DetectNgramVersion(std::string(32'667, 'x') + "\n" + line), NgramVersion::kV3);
  EXPECT_EQ(DetectNgramVersion(std::string(32'668, 'x') + "\n" + line), NgramVersion::kV2);
}

}  // namespace
}  // namespace tally
