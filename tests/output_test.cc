#include "master/output.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <locale>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "master/json.h"
#include "tests/padded_text.h"

namespace tally {
namespace {

using namespace std::string_literals;  // NOLINT: for strings with NUL bytes in them

class StringSink : public ByteSink {
 public:
  void Write(std::string_view bytes) override {
    text += bytes;
    ++writes;
  }

  std::string text;
  int writes = 0;
};

using Rows = std::vector<std::pair<std::string, uint64_t>>;

std::string Written(const OutputStyle& style, const Rows& rows) {
  StringSink sink;
  const auto writer = MakeRowWriter(style, &sink);
  for (const auto& [key, count] : rows) writer->Row(PaddedText(key).view(), count);
  writer->Finish();
  return sink.text;
}

std::string JsonString(std::string_view bytes) {
  std::string text;
  AppendJsonString(bytes, &text);
  return text;
}

/// Bytes that often start, continue or break off a character of UTF-8.
std::string RandomBytes(std::mt19937* random) {
  constexpr std::string_view kBytes =
      "az\"\\\n\x7f\x80\x8f\x90\x9f\xa0\xbf\xc0\xc2\xdf\xe0\xe2\xed"
      "\xef\xf0\xf1\xf4\xf5\xff";
  std::string bytes(1 + (*random)() % 12, '\0');
  for (char& byte : bytes) {
    byte = (*random)() % 4 == 0 ? static_cast<char>((*random)() % 256)
                                : kBytes[(*random)() % kBytes.size()];
  }
  return bytes;
}

TEST(TsvTest, PassesBytesThrough) {
  EXPECT_EQ(Written({}, {{"the", 3}, {"", 2}, {"a \"b\",c", 1}, {"caf\xe9\0\r\x1b"s, 0}}),
            "the\t3\n\t2\na \"b\",c\t1\ncaf\xe9\0\r\x1b\t0\n"s);
}

TEST(TsvTest, HeaderIsTheFirstRow) {
  EXPECT_EQ(Written({.header = true}, {{"the", 3}}), "key\tcount\nthe\t3\n");
  EXPECT_EQ(Written({.header = true}, {}), "key\tcount\n");
  EXPECT_EQ(Written({}, {}), "");
}

TEST(TsvTest, OnATerminalControlCharactersAreEscaped) {
  EXPECT_EQ(Written({.escape_controls = true}, {{"a\tb\x1b[0m\u202e", 3}, {"é\xff", 1}}),
            "a\\x09b\\x1b[0m\\xe2\\x80\\xae\t3\né\\xff\t1\n");
}

TEST(CsvTest, QuotesOnlyWhatRfc4180Demands) {
  EXPECT_EQ(Written({.format = OutputFormat::kCsv}, {{"the", 3},
                                                     {"a,b", 2},
                                                     {"say \"x\"", 1},
                                                     {"\"", 1},
                                                     {"a\rb", 1},
                                                     {"a\nb", 1},
                                                     {"", 1},
                                                     {" a\tb;\0\xff"s, 1}}),
            "the,3\n\"a,b\",2\n\"say \"\"x\"\"\",1\n\"\"\"\",1\n\"a\rb\",1\n\"a\nb\",1\n,1\n"
            " a\tb;\0\xff,1\n"s);
}

TEST(CsvTest, HeaderIsTheFirstRow) {
  EXPECT_EQ(Written({.format = OutputFormat::kCsv, .header = true}, {{"the", 3}}),
            "key,count\nthe,3\n");
}

TEST(CsvTest, OnATerminalControlCharactersAreEscapedBeforeQuoting) {
  EXPECT_EQ(
      Written({.format = OutputFormat::kCsv, .escape_controls = true}, {{"a\nb", 1}, {"a,\r", 2}}),
      "a\\x0ab,1\n\"a,\\x0d\",2\n");
}

TEST(JsonTest, IsOneArrayWithARowALine) {
  EXPECT_EQ(Written({.format = OutputFormat::kJson}, {{"the", 3}, {"I", 1}}),
            "[\n{\"key\":\"the\",\"count\":3},\n{\"key\":\"I\",\"count\":1}\n]\n");
  EXPECT_EQ(Written({.format = OutputFormat::kJson}, {{"the", 3}}),
            "[\n{\"key\":\"the\",\"count\":3}\n]\n");
  EXPECT_EQ(Written({.format = OutputFormat::kJson, .header = true}, {}), "[]\n");
}

TEST(JsonlTest, IsAnObjectALine) {
  EXPECT_EQ(Written({.format = OutputFormat::kJsonl}, {{"the", 3}, {"I", 1}}),
            "{\"key\":\"the\",\"count\":3}\n{\"key\":\"I\",\"count\":1}\n");
  EXPECT_EQ(Written({.format = OutputFormat::kJsonl}, {}), "");
}

TEST(JsonTest, OnATerminalOnlyKeysWithControlCharactersAreInAscii) {
  EXPECT_EQ(
      Written({.format = OutputFormat::kJsonl, .escape_controls = true},
              {{"é", 1}, {"é\u009b\u202e\x7f", 2}}),
      "{\"key\":\"é\",\"count\":1}\n{\"key\":\"\\u00e9\\u009b\\u202e\\u007f\",\"count\":2}\n");
}

TEST(JsonTest, KeysReadBackAsTheyWere) {
  Rows rows;
  std::mt19937 random(1);
  for (int i = 0; i < 2000; ++i) {
    std::string key;
    for (auto left = random() % 8; left > 0; --left) {
      constexpr std::array<std::string_view, 9> kPieces = {"a", "\"", "\\",     "\n",        "\x01",
                                                           "é", "€",  "\u2028", "\U0001F600"};
      key += kPieces[random() % kPieces.size()];
    }
    rows.emplace_back(key, random());
  }
  rows.emplace_back("\0"s, std::numeric_limits<uint64_t>::max());
  const auto parsed = nlohmann::json::parse(Written({.format = OutputFormat::kJson}, rows));
  ASSERT_EQ(parsed.size(), rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(parsed[i]["key"].get<std::string>(), rows[i].first);
    EXPECT_EQ(parsed[i]["count"].get<uint64_t>(), rows[i].second);
  }
}

TEST(JsonTest, EachMaximalSubpartThatIsNotUtf8BecomesOneReplacement) {
  EXPECT_EQ(JsonString("caf\xe9"), "\"caf\ufffd\"");
  EXPECT_EQ(JsonString("\xe2\x82"), "\"\ufffd\"");
  EXPECT_EQ(JsonString("\xe2\x82z"), "\"\ufffdz\"");
  EXPECT_EQ(JsonString("\xed\xa0\x80"), "\"\ufffd\ufffd\ufffd\"");
  // The example of the Unicode standard, table 3-11.
  EXPECT_EQ(JsonString("\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41"), "\"\ufffd\ufffd\ufffd\ufffd\x41\"");
}

TEST(JsonTest, ReplacedKeysAreCounted) {
  for (const OutputFormat format : {OutputFormat::kJson, OutputFormat::kJsonl}) {
    StringSink sink;
    const auto writer = MakeRowWriter({.format = format}, &sink);
    writer->Row(PaddedText("plain").view(), 1);
    writer->Row(PaddedText("\xff\xfe").view(), 1);
    writer->Row(PaddedText("\n\"é\"").view(), 1);
    writer->Row(PaddedText("a\x80").view(), 1);
    EXPECT_EQ(writer->keys_replaced(), 2U);
  }
  StringSink sink;
  const auto writer = MakeRowWriter({}, &sink);
  writer->Row(PaddedText("\xff").view(), 1);
  EXPECT_EQ(writer->keys_replaced(), 0U);
}

TEST(JsonTest, ReplacesWhatPythonReplaces) {
  if (std::system("python3 -c '' 2>/dev/null") != 0) GTEST_SKIP() << "there is no python3";
  const std::string path = testing::TempDir() + "json_test." + std::to_string(getpid());
  std::mt19937 random(2);
  std::string mine;
  {
    std::ofstream keys(path, std::ios::binary);
    for (int i = 0; i < 20000; ++i) {
      const std::string key = RandomBytes(&random);
      for (const char byte : key) keys << std::hex << (static_cast<unsigned>(byte) & 0xff) << ' ';
      keys << '\n';
      mine += nlohmann::json::parse(JsonString(key)).get<std::string>() + '\0';
    }
  }
  const std::string script =
      "import sys\n"
      "for line in open(sys.argv[1]):\n"
      "  key = bytes(int(b, 16) for b in line.split())\n"
      "  sys.stdout.buffer.write(key.decode(errors=\"replace\").encode() + b\"\\0\")\n";
  const std::string command = "python3 -c '" + script + "' " + path + " > " + path + ".out";
  ASSERT_EQ(std::system(command.c_str()), 0);
  std::ifstream replaced(path + ".out", std::ios::binary);
  const std::string python(std::istreambuf_iterator<char>(replaced), {});
  EXPECT_TRUE(mine == python);
  std::filesystem::remove(path);
  std::filesystem::remove(path + ".out");
}

TEST(OutputTest, CountsAreExactUpToTheLargest) {
  EXPECT_EQ(Written({}, {{"a", 0}, {"b", std::numeric_limits<uint64_t>::max()}}),
            "a\t0\nb\t18446744073709551615\n");
}

TEST(OutputTest, OfAShortKeyNoMoreIsReadThanIsPromised) {
  constexpr size_t kReadable = RowWriter::kReadableKeyBytes;
  for (const OutputFormat format :
       {OutputFormat::kTsv, OutputFormat::kCsv, OutputFormat::kJson, OutputFormat::kJsonl}) {
    for (size_t size = 0; size <= kReadable; ++size) {
      const std::vector<char> key(kReadable, 'k');  // where AddressSanitizer sees what is read
      StringSink sink;
      const auto writer = MakeRowWriter({.format = format}, &sink);
      writer->Row({key.data(), size}, 7);
      writer->Finish();
      EXPECT_EQ(static_cast<size_t>(std::ranges::count(sink.text, 'k')),
                size + (format == OutputFormat::kTsv || format == OutputFormat::kCsv ? 0 : 1))
          << sink.text;
    }
  }
}

struct GroupedDigits : std::numpunct<char> {
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\3"; }
};

TEST(OutputTest, LocaleChangesNothing) {
  const std::locale before =
      std::locale::global(std::locale(std::locale::classic(), new GroupedDigits));
  EXPECT_EQ(Written({}, {{"a", 1234567}}), "a\t1234567\n");
  EXPECT_EQ(Written({.format = OutputFormat::kJsonl}, {{"\x01", 1234567}}),
            "{\"key\":\"\\u0001\",\"count\":1234567}\n");
  std::locale::global(before);
}

TEST(OutputTest, ManyRowsReachTheSinkInFewPieces) {
  for (const OutputFormat format :
       {OutputFormat::kTsv, OutputFormat::kCsv, OutputFormat::kJson, OutputFormat::kJsonl}) {
    StringSink sink;
    const auto writer = MakeRowWriter({.format = format}, &sink);
    for (int i = 0; i < 100000; ++i) writer->Row(PaddedText("key" + std::to_string(i)).view(), 7);
    writer->Finish();
    EXPECT_GT(sink.text.size(), 1000000U);
    EXPECT_LT(sink.writes, 100);
  }
}

TEST(OutputTest, PartsMakeOneOutput) {
  const Rows rows = {{"a", 1}, {"b,", 2}, {"c", 3}};
  for (const OutputFormat format :
       {OutputFormat::kTsv, OutputFormat::kCsv, OutputFormat::kJson, OutputFormat::kJsonl}) {
    OutputStyle style{.format = format, .header = true};
    const std::string whole = Written(style, rows);
    style.ends = false;
    std::string parts = Written(style, {rows[0]});
    style.begins = false;
    parts += Written(style, {rows[1]});
    style.ends = true;
    parts += Written(style, {rows[2]});
    EXPECT_EQ(parts, whole);
  }
}

TEST(OutputTest, TheLongestKeysArriveWhole) {
  const std::string key(size_t{1} << 20, 'k');
  EXPECT_TRUE(Written({}, {{key, 1}, {key, 2}}) == key + "\t1\n" + key + "\t2\n");
  EXPECT_TRUE(Written({.format = OutputFormat::kJsonl}, {{key, 1}}) ==
              "{\"key\":\"" + key + "\",\"count\":1}\n");
}

}  // namespace
}  // namespace tally
