#include "worker/ngram_parser.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "tests/test_table.h"
#include "tests/test_util.h"

namespace tally {
namespace {

using namespace std::string_literals;  // NOLINT: for strings with NUL bytes in them

constexpr uint64_t kMax = ~uint64_t{0};
constexpr char kTooFew[] = "too few columns for an n-gram";
constexpr char kIsV1[] =
    "a line of n-grams v1, in a file of another version: a damaged line, or two files in one";
constexpr char kIsV2[] =
    "a line of n-grams v2, in a file of another version: a damaged line, or two files in one";
constexpr char kIsV3[] =
    "a line of n-grams v3, in a file of another version: a damaged line, or two files in one";
constexpr char kTooMany[] = "too many columns for an n-gram";
constexpr char kBadYear[] = "the year is not a number below 2^64";
constexpr char kBadMatches[] = "match_count is not a number below 2^64";
constexpr char kBadPages[] = "page_count is not a number below 2^64";
constexpr char kBadVolumes[] = "volume_count is not a number below 2^64";
constexpr char kBadTriple[] = "a field is not year,match_count,volume_count in numbers below 2^64";

Parsed ParseV1(std::string_view text, const NgramFilter& filter = {}) {
  return ParseText(NgramV1Parser(filter), text);
}
Parsed ParseV2(std::string_view text, const NgramFilter& filter = {}) {
  return ParseText(NgramV2Parser(filter), text);
}
Parsed ParseV3(std::string_view text, const NgramFilter& filter = {}) {
  return ParseText(NgramV3Parser(filter), text);
}

NgramFilter Years(uint64_t from, uint64_t to) { return {.years = {.from = from, .to = to}}; }
NgramFilter Tags(TagFilter tags) { return {.years = {}, .tags = tags}; }

TEST(NgramParserTest, RowsOfVersion1And2CountTheirMatches) {
  const std::vector<KeyAmount> records = {{"A'Aang_NOUN", 45}, {"of the", 7}, {"of it", 0}};
  const Parsed expected{.records = records, .rejected = {}, .lines = 3};
  EXPECT_EQ(ParseV2("A'Aang_NOUN\t1879\t45\t5\nof the\t1900\t7\t1\nof it\t1901\t0\t0\n"), expected);
  EXPECT_EQ(ParseV1("A'Aang_NOUN\t1879\t45\t6\t5\nof the\t1900\t7\t6\t1\nof it\t1901\t0\t0\t0\n"),
            expected);
}

// Where several rows are handed on as one, each is a record nevertheless.
TEST(NgramParserTest, EachRowIsARecord) {
  std::string text;
  for (int row = 0; row < 1000; ++row) text += row % 10 == 0 ? "b\t1\t1\t1\n" : "a\t1\t2\t1\n";
  const PaddedText padded(text);
  RecordingSink sink;
  EXPECT_EQ(NgramV2Parser({}).Parse(padded.view(), sink), 1000U);
  EXPECT_EQ(sink.record_count, 1000U);
  EXPECT_LT(sink.records.size(), 300U);
  uint64_t total = 0;
  for (const auto& [ngram, matches] : sink.records) total += matches;
  EXPECT_EQ(total, 1900U);
}

TEST(NgramParserTest, LinesOfVersion3CountTheSumOfTheirYears) {
  const Parsed expected{
      .records = {{"Alcohol", 2190}, {",", 0}, {"1,2,3", 4}}, .rejected = {}, .lines = 3};
  EXPECT_EQ(ParseV3("Alcohol\t1983,905,353\t1984,1285,433\n,\t2000,0,0\n1,2,3\t2000,4,4\n"),
            expected);
}

TEST(NgramParserTest, CarriageReturnsAndAMissingLastNewlineMakeNoDifference) {
  const std::vector<KeyAmount> records = {{"a", 1}, {"b", 2}};
  for (const std::string end : {"", "\n", "\r", "\r\n"}) {
    EXPECT_EQ(ParseV1("a\t2000\t1\t1\t1\r\nb\t2000\t2\t1\t1" + end).records, records);
    EXPECT_EQ(ParseV2("a\t2000\t1\t1\r\nb\t2000\t2\t1" + end).records, records);
    EXPECT_EQ(ParseV3("a\t2000,1,1\r\nb\t2000,2,1" + end).records, records);
  }
}

TEST(NgramParserTest, AnEmptyTextHasNoLines) {
  EXPECT_EQ(ParseV1(""), Parsed());
  EXPECT_EQ(ParseV2(""), Parsed());
  EXPECT_EQ(ParseV3(""), Parsed());
}

TEST(NgramParserTest, AnNgramIsAnyBytesButTabAndNewline) {
  for (const std::string& ngram : {""s, " "s, "\0"s, "a\0b"s, "\r"s, "\xff\x80"s, R"("quoted")"s,
                                   "1999"s, "1999,1,1"s, std::string(5000, 'x')}) {
    const std::vector<KeyAmount> records = {{ngram, 8}};
    EXPECT_EQ(ParseV1(ngram + "\t2000\t8\t1\t1\n").records, records);
    EXPECT_EQ(ParseV2(ngram + "\t2000\t8\t1\n").records, records);
    EXPECT_EQ(ParseV3(ngram + "\t2000,8,1\n").records, records);
  }
}

struct BadCase {
  std::string line;
  std::string reason;
};

/// The line stands between two good ones. It has to be rejected with its number, and they counted.
void ExpectRejected(Parsed (*parse)(std::string_view, const NgramFilter&), const std::string& good,
                    const std::vector<BadCase>& cases) {
  for (const BadCase& bad : cases) {
    const Parsed expected{
        .records = {{"good", 1}, {"good", 1}}, .rejected = {{bad.line, 1, bad.reason}}, .lines = 3};
    EXPECT_EQ(parse(good + bad.line + "\n" + good, {}), expected);
    const Parsed last{.records = {}, .rejected = {{bad.line, 0, bad.reason}}, .lines = 1};
    EXPECT_EQ(parse(bad.line, {}), bad.line.empty() ? Parsed() : last) << "without a newline";
  }
}

TEST(NgramParserTest, DamagedRowsOfVersion1AreRejected) {
  ExpectRejected(ParseV1, "good\t2000\t1\t1\t1\n",
                 {{"", kTooFew},
                  {"\r", kTooFew},
                  {"a", kTooFew},
                  {"a\t2000\t1\t1", kIsV2},
                  {"a\t2000\t1\t1\t1\t", kTooMany},
                  {"a\t\t1\t1\t1", kBadYear},
                  {"a\t2000\t-1\t1\t1", kBadMatches},
                  {"a\t2000\t1\tx\t1", kBadPages},
                  {"a\t2000\t1\t\t1", kBadPages},
                  {"a\t2000\t1\t1\t", kBadVolumes},
                  {"a\t2000\t1\t1\t\r", kBadVolumes}});
}

TEST(NgramParserTest, DamagedRowsOfVersion2AreRejected) {
  ExpectRejected(ParseV2, "good\t2000\t1\t1\n",
                 {{"", kTooFew},
                  {"\t", kTooFew},
                  {"a", kTooFew},
                  {"a b 2000 1 1", kTooFew},
                  {"a\t2000\t1", kTooFew},
                  {"a\t2000\t1\t1\t1", kIsV1},
                  {"a\t2000,1,1\t1\t1", kIsV3},
                  {"a\t2000\t1\t1\t1\t\t\t\t\t\t\t", kTooMany},
                  {"\t\t\t", kBadYear},
                  {"a\t2000 \t1\t1", kBadYear},
                  {"a\t18446744073709551616\t1\t1", kBadYear},
                  {"a\t2000\t\t1", kBadMatches},
                  {"a\t2000\t1.5\t1", kBadMatches},
                  {"a\t2000\t18446744073709551616\t1", kBadMatches},
                  {"a\t2000\t1\r\t1", kBadMatches},
                  {"a\t2000\t1\t", kBadVolumes},
                  {"a\t2000\t1\t1\r\r", kBadVolumes},
                  {"a\t2000\t1\t1" + "\0"s, kBadVolumes}});
}

TEST(NgramParserTest, DamagedLinesOfVersion3AreRejected) {
  ExpectRejected(ParseV3, "good\t2000,1,1\n",
                 {{"", kTooFew},
                  {"\r", kTooFew},
                  {"a", kTooFew},
                  {"a\t2000\t1\t1", kIsV2},
                  {"a\t2000\t1\t1\t1\r", kIsV1},
                  {"a,2000,1,1", kTooFew},
                  {"a\t", kBadTriple},
                  {"a\t\r", kBadTriple},
                  {"a\t2000", kBadTriple},
                  {"a\t2000,1", kBadTriple},
                  {"a\t2000,1,", kBadTriple},
                  {"a\t,1,1", kBadTriple},
                  {"a\t2000,,1", kBadTriple},
                  {"a\t2000,1,1,1", kBadTriple},
                  {"a\t2000,1,1,", kBadTriple},
                  {"a\t2000,x,1", kBadTriple},
                  {"a\t2000,18446744073709551616,1", kBadTriple},
                  {"a\t2000,1,1\t", kBadTriple},
                  {"a\t2000,1,1\t\t2001,1,1", kBadTriple},
                  {"a\t2000,1,1\t2001;1;1", kBadTriple},
                  {"a\t2000,1,1\r\t2001,1,1", kBadTriple},
                  {"a\t2000,1,1\r\r", kBadTriple},
                  {"a\t2000\t1\tx", kBadTriple}});
}

TEST(NgramParserTest, OnlyTheYearsAskedForCount) {
  struct Case {
    YearRange years;
    uint64_t total;  // of 1 in 1999, 10 in 2000, 100 in 2001
  };
  for (const Case& c :
       {Case{{}, 111}, Case{{2000, 2000}, 10}, Case{{2000, kMax}, 110}, Case{{0, 1999}, 1},
        Case{{1999, 2000}, 11}, Case{{2002, kMax}, 0}, Case{{2001, 1999}, 0}}) {
    const NgramFilter filter{.years = c.years};
    uint64_t total = 0;
    const Parsed rows = ParseV2("a\t1999\t1\t1\na\t2000\t10\t1\na\t2001\t100\t1\n", filter);
    for (const auto& [ngram, amount] : rows.records) total += amount;
    EXPECT_EQ(total, c.total);
    EXPECT_EQ(rows.lines, 3U);
    const Parsed line = ParseV3("a\t1999,1,1\t2000,10,1\t2001,100,1\n", filter);
    const std::vector<KeyAmount> sum = {{"a", c.total}};
    EXPECT_EQ(line.records, c.total == 0 ? std::vector<KeyAmount>() : sum);
  }
}

TEST(NgramParserTest, ANgramIsPresentWhereAYearAskedForCountsZero) {
  EXPECT_EQ(ParseV2("a\t2000\t0\t0\n", Years(2000, 2000)).records,
            (std::vector<KeyAmount>{{"a", 0}}));
  EXPECT_EQ(ParseV3("a\t2000,0,0\n", Years(2000, 2000)).records,
            (std::vector<KeyAmount>{{"a", 0}}));
}

TEST(NgramParserTest, ARowThatDoesNotCountIsCheckedAllTheSame) {
  EXPECT_EQ(ParseV2("a\t1990\tx\t1\n", Years(2000, 2000)).rejected.size(), 1U);
  EXPECT_EQ(ParseV2("a\t1990\t1\tx\n", Tags(TagFilter::kTagged)).rejected.size(), 1U);
  EXPECT_EQ(ParseV3("a\t1990,x,1\n", Years(2000, 2000)).rejected.size(), 1U);
  EXPECT_EQ(ParseV3("a\t1990,1,x\n", Tags(TagFilter::kTagged)).rejected.size(), 1U);
}

TEST(NgramParserTest, TagsChooseAmongTheRows) {
  const std::string v1 = "dog\t1\t1\t1\t1\ndog_NOUN\t1\t2\t1\t1\n_END_\t1\t3\t1\t1\n";
  const std::string v2 = "dog\t1\t1\t1\ndog_NOUN\t1\t2\t1\n_END_\t1\t3\t1\n";
  const std::string v3 = "dog\t1,1,1\ndog_NOUN\t1,2,1\n_END_\t1,3,1\n";
  const KeyAmount plain = {"dog", 1};
  const KeyAmount tagged = {"dog_NOUN", 2};
  const KeyAmount place = {"_END_", 3};
  for (const auto& [tags, records] : {std::pair{TagFilter::kAll, std::vector{plain, tagged, place}},
                                      std::pair{TagFilter::kUntagged, std::vector{plain}},
                                      std::pair{TagFilter::kTagged, std::vector{tagged, place}}}) {
    const Parsed expected{.records = records, .rejected = {}, .lines = 3};
    EXPECT_EQ(ParseV1(v1, Tags(tags)), expected);
    EXPECT_EQ(ParseV2(v2, Tags(tags)), expected);
    EXPECT_EQ(ParseV3(v3, Tags(tags)), expected);
  }
}

TEST(NgramParserTest, WhereALinesSumOverflowsTwoAmountsThatOverflowTooAreHandedOn) {
  const std::string max = std::to_string(kMax);
  const std::string half = std::to_string(kMax / 2 + 1);
  for (const std::string& years :
       {"\t1," + max + ",1\t2,1,1", "\t1,1,1\t2," + max + ",1",
        "\t1," + half + ",1\t2," + half + ",1", "\t1," + max + ",1\t2,7,1\t3,5,1",
        "\t1," + max + ",1\t2," + max + ",1\t3," + max + ",1"}) {
    const Parsed parsed = ParseV3("a" + years + "\nb\t1,1,1\n");
    ASSERT_EQ(parsed.records.size(), 3U) << years;
    EXPECT_EQ(parsed.records[0].first, "a");
    EXPECT_EQ(parsed.records[1].first, "a");
    uint64_t sum;
    EXPECT_TRUE(__builtin_add_overflow(parsed.records[0].second, parsed.records[1].second, &sum))
        << years;
    EXPECT_EQ(parsed.records[2], (KeyAmount{"b", 1}));
  }
  EXPECT_EQ(ParseV3("a\t1," + half + ",1\t2," + std::to_string(kMax / 2) + ",1").records,
            (std::vector<KeyAmount>{{"a", kMax}}));
  EXPECT_EQ(ParseV3("a\t1," + max + ",1\t2," + max + ",1", Years(2, 2)).records,
            (std::vector<KeyAmount>{{"a", kMax}}));
}

TEST(NgramParserTest, LinesMayBeLongerThanAScanWindow) {
  std::string line = "a";
  for (int year = 1000; year < 3000; ++year) line += "\t" + std::to_string(year) + ",2,1";
  EXPECT_EQ(ParseV3(line + "\nb\t1,1,1\n" + line).records,
            (std::vector<KeyAmount>{{"a", 4000}, {"b", 1}, {"a", 4000}}));
}

TEST(NgramParserTest, StopsWhenTheSinkSaysSo) {
  const Parsed after_record{.records = {{"a", 1}, {"b", 2}}, .rejected = {}, .lines = 0};
  EXPECT_EQ(ParseText(NgramV2Parser({}), "a\t1\t1\t1\nb\t1\t2\t1\nc\t1\t3\t1\n", 2), after_record);
  EXPECT_EQ(ParseText(NgramV3Parser({}), "a\t1,1,1\nb\t1,2,1\nc\t1,3,1\n", 2), after_record);
  const Parsed after_bad_line{.records = {{"a", 1}}, .rejected = {{"b", 1, kTooFew}}, .lines = 0};
  EXPECT_EQ(ParseText(NgramV1Parser({}), "a\t1\t1\t1\t1\nb\nc\t1\t3\t1\t1\n", 2), after_bad_line);
  EXPECT_EQ(ParseText(NgramV3Parser({}), "a\t1,1,1\nb\nc\t1,3,1\n", 2), after_bad_line);
  // Between the two amounts of an overflow, too.
  const std::string max = std::to_string(kMax);
  EXPECT_EQ(ParseText(NgramV3Parser({}), "a\t1," + max + ",1\t2,1,1\n", 1).records.size(), 1U);
}

/// A text of several ranges that the parser reads by two kernels in turn. Most rows are plain, some
/// are not, some are malformed; n-grams have one row or many.
std::string LongText(NgramVersion version, uint64_t seed, uint64_t rows_per_ngram) {
  Random random(seed);
  const std::string numbers = version == NgramVersion::kV1 ? "\t3\t2" : "\t2";
  std::string text;
  for (uint64_t ngram = 0; text.size() < 300'000; ++ngram) {
    const std::string key = (ngram % 3 == 0 ? "w" : "word") + std::to_string(ngram) +
                            (ngram % 5 == 0 ? "_NOUN" : "") +
                            (ngram % 500 == 0 ? std::string(70, 'k') : "");
    for (uint64_t row = 0; row <= random.Below(rows_per_ngram); ++row) {
      const std::string matches = std::to_string(random.Below(row % 9 == 8 ? kMax / 4 : 5000));
      text += key + "\t" + std::to_string(1990 + row % 20) + "\t" + matches + numbers + "\n";
      if (random.Below(300) == 0) text += random.Below(2) == 0 ? "a\t1\t2\n" : "\n";
    }
  }
  return text;
}

/// What comes of a text line by line.
struct Expected {
  Counts counts;
  uint64_t records = 0;
  std::vector<Rejected> rejected;
  uint64_t lines = 0;
};

Expected LineByLine(NgramVersion version, std::string_view text, const NgramFilter& filter) {
  Expected expected;
  for (size_t begin = 0; begin < text.size(); ++expected.lines) {
    const size_t end = text.find('\n', begin);
    const std::string_view line = text.substr(begin, end - begin);
    begin = end + 1;
    NgramRow row;
    if (const char* const reason = ParseNgramRow(version, line, &row)) {
      expected.rejected.push_back({std::string(line), expected.lines, reason});
    } else if (filter.years.Contains(row.year) && filter.Accepts(row.ngram)) {
      expected.counts[std::string(row.ngram)] += row.match_count;
      ++expected.records;
    }
  }
  return expected;
}

template <class P>
void ExpectAsLineByLine(NgramVersion version, const std::string& text, const NgramFilter& filter) {
  const PaddedText padded(text);
  const Expected expected = LineByLine(version, padded.view(), filter);
  RecordingSink sink;
  EXPECT_EQ(P(filter).Parse(padded.view(), sink), expected.lines);
  Counts counts;
  for (const auto& [ngram, matches] : sink.records) counts[ngram] += matches;
  EXPECT_TRUE(counts == expected.counts);
  EXPECT_EQ(sink.record_count, expected.records);
  EXPECT_EQ(sink.rejected, expected.rejected);
  EXPECT_GT(sink.rejected.size(), 10U);

  // Told to stop at each of some lines, it does, and has come to none behind it.
  for (size_t stop = 1; stop < expected.rejected.size(); stop += 7) {
    struct StoppingSink : RecordingSink {
      size_t rejects_left;
      bool Reject(const BadLine& bad) { return RecordingSink::Reject(bad) && --rejects_left > 0; }
    };
    StoppingSink stopping;
    stopping.rejects_left = stop;
    P(filter).Parse(padded.view(), stopping);
    EXPECT_EQ(stopping.rejected,
              std::vector<Rejected>(expected.rejected.begin(), expected.rejected.begin() + stop));
    EXPECT_LT(stopping.record_count, expected.records);
  }
}

TEST(NgramParserTest, LongTextsAreReadAsLineByLine) {
  for (const uint64_t rows_per_ngram : {1U, 3U, 100U}) {
    for (const NgramFilter& filter :
         {NgramFilter{}, Years(1990, 1995), Tags(TagFilter::kTagged), Tags(TagFilter::kUntagged)}) {
      ExpectAsLineByLine<NgramV1Parser>(
          NgramVersion::kV1, LongText(NgramVersion::kV1, rows_per_ngram, rows_per_ngram), filter);
      ExpectAsLineByLine<NgramV2Parser>(
          NgramVersion::kV2, LongText(NgramVersion::kV2, rows_per_ngram, rows_per_ngram), filter);
    }
  }
}

// More of them in a range than there is room for.
TEST(NgramParserTest, ManyShortNgramsOfOneRowEach) {
  std::string text;
  for (uint64_t i = 0; text.size() < 300'000; ++i) {
    text +=
        i % 1000 == 999 ? "bad\n" : std::string(1, static_cast<char>('a' + i % 26)) + "\t1\t1\t1\n";
  }
  ExpectAsLineByLine<NgramV2Parser>(NgramVersion::kV2, text, {});
}

}  // namespace
}  // namespace tally
