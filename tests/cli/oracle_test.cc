// The program against the oracle: every format x workers x chunk size x way to bring the input.
#include "tests/cli/oracle.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "tests/cli/run_tally.h"
#include "tests/white_space.h"

namespace tally {
namespace {

enum class Transport { kMapped, kPipe, kGzip, kTwoMembers, kMixed };
constexpr std::array kAllTransports = {Transport::kMapped, Transport::kPipe, Transport::kGzip,
                                       Transport::kTwoMembers, Transport::kMixed};
constexpr std::array kSorts = {"count", "key", "none"};

struct Matrix {
  std::vector<int> workers = {1, 2, 3, 7};
  std::vector<std::string> chunk_sizes = {"1", "7", "4K", "8M"};
  std::vector<Transport> transports = {kAllTransports.begin(), kAllTransports.end()};
};
/// For texts that are many, or large.
const Matrix kSmallMatrix = {.workers = {1, 3}, .chunk_sizes = {"1", "4K"}};

std::vector<std::string> FormatArguments(const FormatOptions& options) {
  std::vector<std::string> arguments = {"-f", std::string(FormatName(options.format))};
  if (options.format != Format::kColumns) return arguments;
  const auto delimiter = static_cast<unsigned char>(options.delimiter);
  for (const std::string& argument :
       {fmt::format("-d\\x{:02x}", delimiter), fmt::format("-k{}", options.key_column)}) {
    arguments.push_back(argument);
  }
  if (options.value_column > 0) arguments.push_back(fmt::format("-v{}", options.value_column));
  return arguments;
}

/// Three pieces of about the same size that end where lines do.
std::vector<std::string> InPieces(const std::string& text) {
  std::vector<std::string> pieces;
  size_t begin = 0;
  for (const size_t goal : {text.size() / 3, text.size() * 2 / 3}) {
    const size_t newline = text.find('\n', std::max(goal, begin));
    const size_t end = newline == std::string::npos ? text.size() : newline + 1;
    pieces.push_back(text.substr(begin, end - begin));
    begin = end;
  }
  pieces.push_back(text.substr(begin));
  return pieces;
}

std::vector<std::string> SortedLines(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find('\n', begin);
    lines.push_back(text.substr(begin, end - begin));
    begin = end == std::string::npos ? text.size() : end + 1;
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

std::string FirstDifference(const std::string& got, const std::string& wanted) {
  const auto at = std::mismatch(got.begin(), got.end(), wanted.begin(), wanted.end());
  const auto offset = static_cast<size_t>(at.first - got.begin());
  const size_t from = offset - std::min<size_t>(offset, 40);
  return fmt::format("at byte {} of {} (wanted {}):\n  got    {}\n  wanted {}", offset, got.size(),
                     wanted.size(), testing::PrintToString(got.substr(from, 80)),
                     testing::PrintToString(wanted.substr(from, 80)));
}

class OracleTest : public CliTest {
 protected:
  /// Makes the input files for it and returns the arguments that name them.
  std::vector<std::string> Bring(const std::string& text, Transport transport, Stdin* in) const {
    switch (transport) {
      case Transport::kMapped:
        Write("plain", text);
        return {"plain"};
      case Transport::kPipe:
        *in = Stdin::Text(text);
        return {};
      case Transport::kGzip:
        Write("compressed", Gzip(text));
        return {"compressed"};
      case Transport::kTwoMembers:
        Write("two.gz", Gzip(text, 2));
        return {"two.gz"};
      case Transport::kMixed: {
        const auto pieces = InPieces(text);
        // An empty file of such a name is warned of, and one of a few bytes may be gzip cut off.
        const std::string plain = pieces[0].size() < 3 ? "plain" : "plain.gz";
        Write(plain, pieces[0]);
        Write("empty", "");
        *in = Stdin::Text(pieces[1]);
        Write("compressed.txt", Gzip(pieces[2], 3));
        return {plain, "empty", "-", "compressed.txt"};
      }
    }
    return {};
  }

  OracleAnswer Answer(const std::string& text, Transport transport,
                      const FormatOptions& options) const {
    return AskOracle(transport == Transport::kMixed ? InPieces(text) : std::vector{text}, options);
  }

  /// Holds the program to the oracle over the matrix. The sort orders take turns, so that each
  /// meets every number of workers, chunk size and transport. Stops at the first wrong run.
  void Check(const std::string& text, const FormatOptions& options,
             const Matrix& matrix = {}) const;
};

void OracleTest::Check(const std::string& text, const FormatOptions& options,
                       const Matrix& matrix) const {
  std::string unsorted;  // what --sort none prints; pieces can change the version of a file's lines
  for (const Transport transport : matrix.transports) {
    const OracleAnswer answer = Answer(text, transport, options);
    ASSERT_TRUE(answer.malformed.empty())
        << "the test's text is bad: " << answer.malformed[0].ToString();
    Stdin in;
    const auto inputs = Bring(text, transport, &in);
    for (size_t run = 0; run < matrix.workers.size() * matrix.chunk_sizes.size(); ++run) {
      const size_t column = run % matrix.chunk_sizes.size();
      const size_t row = run / matrix.chunk_sizes.size();
      const size_t turn = (row + column + static_cast<size_t>(transport)) % 3;
      if (kSanitized && (row + 2 * column + static_cast<size_t>(transport)) % 3 != 0) continue;
      const std::string sort = kSorts.at(turn);
      std::vector<std::string> arguments = FormatArguments(options);
      arguments.insert(arguments.begin(), "count");
      arguments.insert(arguments.end(), {"-s", sort, "-j", std::to_string(matrix.workers[row]),
                                         "--chunk-size", matrix.chunk_sizes[column]});
      arguments.insert(arguments.end(), inputs.begin(), inputs.end());
      SCOPED_TRACE("tally " + fmt::format("{}", fmt::join(arguments, " ")));
      const Outcome outcome = Tally(arguments, in);
      ASSERT_THAT(outcome, ExitsWith(0));
      ASSERT_EQ(outcome.err, "");
      if (sort == "none") {
        ASSERT_EQ(SortedLines(outcome.out), SortedLines(answer.ByKey()));
        if (unsorted.empty()) unsorted = outcome.out;
        ASSERT_TRUE(outcome.out == unsorted) << FirstDifference(outcome.out, unsorted);
      } else {
        const std::string wanted = sort == "key" ? answer.ByKey() : answer.ByCount();
        ASSERT_TRUE(outcome.out == wanted) << FirstDifference(outcome.out, wanted);
      }
    }
  }
}

std::string Generated(std::vector<std::string> arguments) {
  Outcome made = RunCommand({.arguments = std::move(arguments), .program = TALLY_MAKE_NGRAMS});
  EXPECT_THAT(made, ExitsWith(0));
  return made.out;
}

TEST_F(OracleTest, GeneratedNgramsOfVersion1) {
  Check(Generated({"--format", "v1", "--bytes", "20K", "--shuffled"}), OptionsOf(Format::kNgram));
}

TEST_F(OracleTest, GeneratedNgramsOfVersion2) {
  Check(Generated({"--format", "v2", "--bytes", "20K"}), OptionsOf(Format::kNgram));
}

TEST_F(OracleTest, GeneratedNgramsOfVersion3) {
  Check(Generated({"--format", "v3", "--bytes", "30K", "--words", "70"}),
        OptionsOf(Format::kNgram));
}

TEST_F(OracleTest, GeneratedText) {
  const std::string text = Generated({"--format", "text", "--bytes", "15K", "--punctuation"});
  Check(text, OptionsOf(Format::kWords));
  Check(text, OptionsOf(Format::kLines), kSmallMatrix);
  Check(text, ColumnsOptions(' ', 1), kSmallMatrix);
}

// Keys whose sizes and NULs try the table; lines that end in every way.
std::string NastyLines() {
  std::string text =
      "\xef\xbb\xbf"
      "first\r\n\r\n\n\r\r\nfirst\n";
  for (size_t size = 0; size <= 34; ++size) {
    const std::string key = std::string("abcdefghijklmnopqrstuvwxyz0123456789").substr(0, size);
    text += key + '\n' + key + std::string(1, '\0') + '\n' + key + std::string(2, '\0') + "\r\n";
    text += std::string(size, '\0') + "\n" + std::string(size, '\xff') + "\n" + key + "\n";
  }
  text +=
      "\xff\xfe\x80\xc2\xe2\x80\n\xed\xa0\x80\n\xef\xbb\xbf"
      "first\n \n\t\n\x1b[31m\r \n";
  text +=
      std::string(5000, 'x') + "\n" + std::string(5000, 'x') + "y\n" + std::string(100, ' ') + "\n";
  return text + "first\n\n\nfirst";
}

TEST_F(OracleTest, NastyLines) { Check(NastyLines(), OptionsOf(Format::kLines)); }

TEST_F(OracleTest, NastyLinesAsWordsAndAsColumns) {
  Check(NastyLines(), OptionsOf(Format::kWords), kSmallMatrix);
  Check(NastyLines(), ColumnsOptions('\0', 1), kSmallMatrix);
}

TEST_F(OracleTest, EveryWhiteSpaceAcrossEveryBoundaryOfABlockOrPage) {
  // At each multiple of 64 one of the spaces, one of five bytes off; after 145 multiples of 4096
  // each has been at each place.
  constexpr size_t kBytes = 145 * 4096 + 100;
  std::string text;
  for (size_t block = 1; text.size() < kBytes; ++block) {
    const size_t combination = block % 145;
    const size_t start = block * 64 - 4 + combination % 5;
    // The fillers, words in themselves, tell one place from another.
    const std::string filler = fmt::format("{}-", block % 1000);
    while (text.size() < start) text += filler[text.size() % filler.size()];
    text += ToUtf8(kPythonSpaces[combination / 5]);
  }
  const Matrix matrix = {.workers = {1, 3}, .chunk_sizes = {"7", "8M"}};
  Check(text, OptionsOf(Format::kWords), matrix);
}

TEST_F(OracleTest, WordsBetweenInvalidAndHalfCharacters) {
  std::string text;
  const std::vector<std::string> pieces = {
      "a",        "\xc2",         "\xc2\x85",    "\xc2\xa0",     "\x85",         "\xa0",
      "\xe1\x9a", "\xe2",         "\xe2\x80",    "\xe2\x80\x80", "\xe3\x80\x80", "\x80",
      "\xf0\x9f", "\xe0\x82\x85", "\xff",        "\xed\xa0\x80", "\xe2\x81\x9f", "\xf0\x9f\x98\x80",
      "\xc0\xa0", "\x1c",         "\xe1\x9a\x80"};
  for (const std::string& first : pieces) {
    for (const std::string& second : pieces) {
      for (const std::string& third : {std::string("b"), std::string("\x80"), first}) {
        text.append(first).append(second).append(third).append(text.size() % 7 == 0 ? "\n" : "z ");
      }
    }
  }
  Check(text, OptionsOf(Format::kWords));
}

TEST_F(OracleTest, WordsOnOneLineWithoutANewline) {
  std::string text;
  for (int i = 0; i < 3000; ++i) text += fmt::format("{} ", i * i % 500);
  text += "last";
  Check(text, OptionsOf(Format::kWords));
  for (const size_t size : {2047, 2048, 2049, 4096, 5000}) {
    const Matrix matrix = {.workers = {2}, .chunk_sizes = {"7"}};
    Check(std::string(size, 'a'), OptionsOf(Format::kWords), matrix);
    Check(std::string(size, ' '), OptionsOf(Format::kWords), matrix);
    Check("first " + std::string(size, 'a'), OptionsOf(Format::kWords), matrix);
    Check("first\n" + std::string(size, 'a'), OptionsOf(Format::kLines), matrix);
  }
}

TEST_F(OracleTest, NastyNgramsOfEachVersion) {
  const std::vector<std::string> ngrams = {
      "a",    "A'Aang_NOUN",        "\"",           "a,b",          "",
      " ",    std::string("\0", 1), "\xff\xe2\x80", "\xe2\x80\x80", std::string(3000, 'n'),
      "x\ry", "_START_ the",        "1999",         "\xef\xbb\xbf"};
  std::string v1 = "\xef\xbb\xbf";
  std::string v2 = v1;
  std::string v3 = v1;
  for (int year = 1; year < 2100; year += 123) {
    for (const std::string& ngram : ngrams) {
      const char* const newline = year % 2 == 0 ? "\n" : "\r\n";
      const int count = year * static_cast<int>(ngram.size() + 1);
      v1 += fmt::format("{}\t{:04}\t{}\t0\t00{}{}", ngram, year, count, year, newline);
      v2 += fmt::format("{}\t{}\t{}\t1{}", ngram, year, count, newline);
      v3 += fmt::format("{}\t{},{},3\t{},0,0\t2000,12345678901,9{}", ngram, year, count, year + 1,
                        newline);
    }
  }
  v2 += "last\t1999\t18446744073709551615\t1";  // and no newline
  v3 += "last\t1999,000000000000000000018446744073709551615,1\r";
  for (const std::string& text : {v1, v2, v3}) Check(text, OptionsOf(Format::kNgram));
}

TEST_F(OracleTest, NastyColumns) {
  std::string text;
  for (int i = 0; i < 400; ++i) {
    text += fmt::format("{},\"{}\",{},,{:03}\xff,{}{}", i % 7, i % 11, 7 * i, i % 13, i,
                        i % 3 == 0 ? "\r\n" : "\n");
  }
  text += ",,0,,,0\n,,12345678,,,123456789\r\n,,00000000000000000001,,,1";
  Check(text, ColumnsOptions(',', 2, 3));
  Check(text, ColumnsOptions(',', 6, 6), kSmallMatrix);
  Check(text, ColumnsOptions(',', 4), kSmallMatrix);
  Check(text, ColumnsOptions('\xff', 1), kSmallMatrix);
  Check(text, ColumnsOptions('\r', 1), kSmallMatrix);
}

TEST_F(OracleTest, FilesThatEndWithAPage) {
  const Matrix matrix = {.workers = {2},
                         .chunk_sizes = {"7", "4K", "8M"},
                         .transports = {Transport::kMapped, Transport::kPipe}};
  for (const size_t size : {4096u, 8192u, 65536u}) {
    const auto padded = [size](const std::string& unit, const std::string& end) {
      std::string text;
      while (text.size() + unit.size() + end.size() <= size) text += unit;
      return text.insert(0, std::string(size - end.size() - text.size(), 'p')) + end;
    };
    for (const char* const end : {"word", "word\n", "word\r", "word\xe2\x80", "\xe3\x80\x80"}) {
      Check(padded("word and\n", end), OptionsOf(Format::kWords), matrix);
      Check(padded("line\r\n", end), OptionsOf(Format::kLines), matrix);
    }
    for (const char* const end : {"k\t1\t2\t3", "k\t1\t2\t3\r", "k\t1\t2\t3\n"}) {
      Check(padded("k\t1\t2\t3\n", end), OptionsOf(Format::kNgram), matrix);
      Check(padded("k\t1\t2\t3\n", end), ColumnsOptions('\t', 1, 4), matrix);
    }
  }
}

TEST_F(OracleTest, FilesOfOneByteAndOfNone) {
  const Matrix matrix = {.workers = {2}, .chunk_sizes = {"1"}};
  for (const char byte : std::string("a\n\r\t \0\x1c\x85\xa0\xc2\xe2\xef\xff", 13)) {
    const std::string text(1, byte);
    Check(text, OptionsOf(Format::kWords), matrix);
    Check(text, OptionsOf(Format::kLines), matrix);
  }
  for (const std::string text : {"", "\xef\xbb\xbf"}) {
    for (const Format format : {Format::kWords, Format::kLines, Format::kNgram, Format::kColumns}) {
      Check(text, OptionsOf(format), matrix);
    }
  }
  Check("\xef\xbb", OptionsOf(Format::kWords), matrix);
}

std::string TextWithKeyOf(size_t key_bytes, Format format) {
  const std::string key(key_bytes, 'k');
  switch (format) {
    case Format::kNgram:
      return "short\t1999\t3\t1\n" + key + "\t1999\t5\t1\nshort\t2000\t4\t1\n";
    case Format::kColumns:
      return "short\t3\n" + key + "\t5\nshort\t4\n";
    default:
      return "short\n" + key + "\nshort\n";
  }
}

TEST_F(OracleTest, KeysOfOneMebibyteAreCounted) {
  const Matrix matrix = {.workers = {1, 3}, .chunk_sizes = {"7", "8M"}};
  for (const Format format : {Format::kWords, Format::kLines, Format::kNgram, Format::kColumns}) {
    Check(TextWithKeyOf(size_t{1} << 20, format), OptionsOf(format), matrix);
  }
}

TEST_F(OracleTest, LongerKeysAreAnErrorThatNamesTheirOffset) {
  for (const Format format : {Format::kWords, Format::kLines, Format::kNgram, Format::kColumns}) {
    const FormatOptions options = OptionsOf(format);
    const std::string text = TextWithKeyOf((size_t{1} << 20) + 1, format);
    const OracleAnswer answer = AskOracle({text}, options);
    ASSERT_EQ(answer.malformed.size(), 1u);
    for (const Transport transport : kAllTransports) {
      if (transport == Transport::kMixed) continue;
      for (const char* const chunk_size : {"7", "8M"}) {
        Stdin in;
        std::vector<std::string> arguments = {"count",    "-j3", "--chunk-size",
                                              chunk_size, "-f",  std::string(FormatName(format))};
        for (const std::string& input : Bring(text, transport, &in)) arguments.push_back(input);
        const Outcome failed = Tally(arguments, in);
        EXPECT_THAT(failed, ExitsWith(1));
        EXPECT_EQ(failed.out, "");
        EXPECT_THAT(failed.err, testing::HasSubstr(": " + answer.malformed[0].ToString()));
        EXPECT_THAT(failed.err, testing::HasSubstr("1 MiB"));
        arguments.emplace_back("--skip-malformed");
        const Outcome skipped = Tally(arguments, in);
        EXPECT_THAT(skipped, ExitsWith(0));
        EXPECT_EQ(skipped.out, answer.ByCount());
      }
    }
  }
}

// A stream's blocks are a mebibyte at most, whatever the chunk size.
TEST_F(OracleTest, StreamsOfSeveralBlocks) {
  std::string text =
      Generated({"--format", "v2", "--bytes", kSanitized ? "1200K" : "2500K", "--shuffled"});
  text += std::string(1000000, 'x') + "\t1999\t1\t1\n";
  const Matrix matrix = {.workers = {1, 7}, .chunk_sizes = {"64K", "1G"}};
  Check(text, OptionsOf(Format::kNgram), matrix);
  Check(text, OptionsOf(Format::kWords), {.workers = {3}, .chunk_sizes = {"4K"}});
}

TEST_F(OracleTest, ManyFilesOfAllKinds) {
  std::vector<std::string> texts;
  std::vector<std::string> arguments = {"count", "-f", "words", "-j3", "--chunk-size", "7"};
  for (int i = 0; i < 200; ++i) {
    texts.push_back(i % 5 == 0 ? ""
                               : fmt::format("\xef\xbb\xbf"
                                             "file {} of many \n{}",
                                             i, i % 4));
    const std::string name = fmt::format("f{}", i);
    Write(name, i % 3 == 0 ? Gzip(texts.back(), 2) : texts.back());
    arguments.push_back(name);
  }
  const Outcome outcome = Tally(arguments);
  EXPECT_THAT(outcome, ExitsWith(0));
  EXPECT_EQ(outcome.out, AskOracle(texts, OptionsOf(Format::kWords)).ByCount());
}

}  // namespace
}  // namespace tally
