// Malformed lines: the error that names the first of them, whatever found it, and what
// --skip-malformed makes of them.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/cli/oracle.h"
#include "tests/cli/run_tally.h"

namespace tally {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr const char* kWorkers[] = {"1", "2", "3", "7"};
constexpr const char* kChunkSizes[] = {"1", "7", "4K", "8M"};

class MalformedCliTest : public CliTest {
 protected:
  /// Runs the arguments for every number of workers and chunk size, on a text that is mapped, piped
  /// and compressed, each time under the name "in", and expects the same outcome.
  Outcome SameForAll(const std::vector<std::string>& arguments, const std::string& text) const {
    std::vector<Outcome> outcomes;
    for (const std::string input : {"plain", "gzip", "pipe"}) {
      Write("in", input == "gzip" ? Gzip(text, 2) : text);
      for (size_t run = 0; run < std::size(kWorkers) * std::size(kChunkSizes); ++run) {
        if (kSanitized && run % 3 != 0) continue;
        std::vector<std::string> all = {"count", "-j", kWorkers[run / 4], "--chunk-size",
                                        kChunkSizes[run % 4]};
        all.insert(all.end(), arguments.begin(), arguments.end());
        Outcome outcome;
        if (input == "pipe") {
          outcome = Tally(all, Stdin::Text(text));
          for (size_t at; (at = outcome.err.find("standard input")) != std::string::npos;) {
            outcome.err.replace(at, 14, "in");
          }
        } else {
          all.emplace_back("in");
          outcome = Tally(all);
        }
        const std::string check =
            "; that place is in the decompressed data; if 'gzip -t' finds no damage, ";
        const size_t at = outcome.err.find(check);
        const bool is_advised = outcome.err.find("--skip-malformed counts") != std::string::npos;
        EXPECT_EQ(at != std::string::npos, is_advised && input == "gzip");
        if (at != std::string::npos) outcome.err.replace(at, check.size(), "; ");
        outcomes.push_back(outcome);
        EXPECT_EQ(outcome.exit_status, outcomes[0].exit_status);
        EXPECT_EQ(outcome.out, outcomes[0].out);
        EXPECT_EQ(outcome.err, outcomes[0].err);
        if (HasFailure()) ADD_FAILURE() << input << ": " << testing::PrintToString(all);
        if (HasFailure()) return outcome;
      }
    }
    return outcomes[0];
  }

  /// As SameForAll(), of runs that must fail: the message.
  std::string SameFailure(const std::vector<std::string>& arguments,
                          const std::string& text) const {
    const Outcome outcome = SameForAll(arguments, text);
    EXPECT_THAT(outcome, ExitsWith(1));
    EXPECT_EQ(outcome.out, "");
    return outcome.err;
  }
};

TEST_F(MalformedCliTest, TheFirstInTheFileIsNamedWhateverFindsIt) {
  struct Case {
    Format format;
    std::string good;
    std::string bad;
  };
  for (const Case& c :
       std::vector<Case>{{Format::kNgram, "a b\t2000\t1\t1\t1", "a b\t2000\tx\t1\t1"},
                         {Format::kNgram, "word\t2000\t1\t1", "word\t2000\t1"},
                         {Format::kNgram, "w\t1,2,3\t2,3,4", "w\t1,2,3\t2,3"},
                         {Format::kColumns, "x\t17", "x"}}) {
    std::string text = "\xef\xbb\xbf";
    for (int line = 1; line <= 900; ++line) {
      text += line == 411 || line == 412 || line == 890 ? c.bad : c.good;
      text += line % 3 == 0 ? "\r\n" : "\n";
    }
    FormatOptions options = OptionsOf(c.format);
    std::vector<std::string> arguments = {"-f", std::string(FormatName(c.format))};
    if (c.format == Format::kColumns) {
      options.value_column = 2;
      arguments.emplace_back("-v2");
    }
    const OracleAnswer answer = AskOracle({text}, options);
    ASSERT_EQ(answer.malformed.size(), 3u);
    EXPECT_THAT(SameFailure(arguments, text),
                AllOf(StartsWith("tally: in: " + answer.malformed[0].ToString()),
                      HasSubstr("line 411: "), HasSubstr("--skip-malformed")));
  }
}

TEST_F(MalformedCliTest, TheFirstInTheOrderOfTheInputsIsNamed) {
  std::string good;
  for (int i = 0; i < 2000; ++i) good += "good\t1\n";
  Write("good", good);
  Write("late", good + good + "bad\n");
  Write("early", "bad\n" + good);
  Write("late.gz", Gzip(good + "bad\n"));
  for (const char* const workers : kWorkers) {
    for (const char* const chunk_size : kChunkSizes) {
      const auto first = [&](const std::vector<std::string>& files, const std::string& in = "") {
        std::vector<std::string> arguments = {"count", "-f",    "columns",      "-v2",
                                              "-j",    workers, "--chunk-size", chunk_size};
        arguments.insert(arguments.end(), files.begin(), files.end());
        const Outcome outcome = Tally(arguments, Stdin::Text(in));
        EXPECT_THAT(outcome, ExitsWith(1));
        EXPECT_EQ(outcome.out, "");
        return outcome.err;
      };
      EXPECT_THAT(first({"late", "early"}), StartsWith("tally: late: line 4001: byte 28000: "));
      EXPECT_THAT(first({"good", "late.gz", "early"}),
                  StartsWith("tally: late.gz: line 2001: byte 14000: "));
      EXPECT_THAT(first({"late", "-", "early"}, "bad\n"), StartsWith("tally: late: line 4001: "));
      EXPECT_THAT(first({"-", "early"}, good + "bad"),
                  StartsWith("tally: standard input: line 2001: byte 14000: "));
    }
  }
}

// What was read whole before a file breaks off is looked at first, in blocks of any size.
TEST_F(MalformedCliTest, AFileThatBreaksOffComesAfterAMalformedLineInIt) {
  std::string text = "good\t1\nbad\n";
  for (int i = 0; i < 30000; ++i) text += std::to_string(i * i) + "\t1\n";
  const std::string whole = Gzip(text);
  Write("cut.gz", whole.substr(0, whole.size() / 2));
  for (const char* const workers : kWorkers) {
    for (const char* const chunk_size : kChunkSizes) {
      const std::vector<std::string> arguments = {
          "count", "-f", "columns", "-v2", "-j", workers, "--chunk-size", chunk_size, "cut.gz"};
      EXPECT_THAT(Tally(arguments).err, StartsWith("tally: cut.gz: line 2: byte 7: "))
          << chunk_size;
      std::vector<std::string> skipping = arguments;
      skipping.emplace_back("--skip-malformed");
      const Outcome skipped = Tally(skipping);
      EXPECT_THAT(skipped, ExitsWith(1));
      EXPECT_THAT(skipped.err, HasSubstr("truncated"));
      EXPECT_EQ(skipped.out, "");
    }
  }
}

// Whose damage makes lines that were none, and shows at the end of the member at the latest.
TEST_F(MalformedCliTest, ADamagedGzipFileIsNeverCountedAsOneWithMalformedLines) {
  std::string text;
  for (int i = 0; i < 3000; ++i) text += fmt::format("good{}\t{}\n", i, i);
  // As a stored block (RFC 1951, 3.2.4), with the checksum of other bytes.
  text[text.find("good1000\t") + 9] = 'x';
  const auto low = static_cast<char>(text.size() & 0xff);
  const auto high = static_cast<char>(text.size() >> 8);
  std::string damaged = Gzip("").substr(0, 10) + "\x01";
  damaged += {low, high, static_cast<char>(~low), static_cast<char>(~high)};
  Write("in.gz", damaged + text + std::string(8, 'x'));
  const std::vector<std::string> arguments = {"count", "-f", "columns", "-v2", "in.gz"};
  const Outcome outcome = Tally(arguments);
  EXPECT_THAT(outcome, ExitsWith(1));
  EXPECT_THAT(outcome.err,
              AllOf(StartsWith("tally: in.gz: line 1001: byte "),
                    HasSubstr("; that place is in the decompressed data; if 'gzip -t' finds no "
                              "damage, --skip-malformed counts the rest\n")));
  std::vector<std::string> skipping = arguments;
  skipping.emplace_back("--skip-malformed");
  const Outcome skipped = Tally(skipping);
  EXPECT_THAT(skipped, ExitsWith(1));
  EXPECT_THAT(skipped.err, AllOf(StartsWith("tally: in.gz: corrupt gzip data near byte "),
                                 HasSubstr(" of the compressed data: incorrect data check")));
  EXPECT_EQ(skipped.out, "");
}

TEST_F(MalformedCliTest, TheLineIsShownEscapedAndCutAt80Bytes) {
  const auto shown = [this](const std::string& line) {
    const Outcome outcome = Tally({"count", "-f", "columns", "-v2"}, Stdin::Text(line + "\n"));
    EXPECT_THAT(outcome, ExitsWith(1));
    return outcome.err;
  };
  EXPECT_THAT(shown("esc \x1b[31m bell \x07 \xff g\xc3\xbcltig"),
              HasSubstr("\"esc \\x1b[31m bell \\x07 \\xff g\xc3\xbcltig\""));
  EXPECT_THAT(shown(std::string(80, 'x')), HasSubstr("\"" + std::string(80, 'x') + "\""));
  EXPECT_THAT(shown(std::string(200000, 'x')),
              AllOf(HasSubstr("\"" + std::string(80, 'x') + "...\""),
                    Not(HasSubstr(std::string(81, 'x')))));
  // Never half a character.
  EXPECT_THAT(shown(std::string(79, 'x') + "\xc3\xbcltig"),
              HasSubstr("\"" + std::string(79, 'x') + "...\""));
  EXPECT_THAT(shown(""), HasSubstr("\"\""));
}

TEST_F(MalformedCliTest, EachReasonIsNamed) {
  const auto reason = [this](std::vector<std::string> arguments, const std::string& text) {
    arguments.insert(arguments.begin(), {"count", "-f"});
    const Outcome outcome = Tally(arguments, Stdin::Text(text));
    EXPECT_THAT(outcome, ExitsWith(1));
    EXPECT_THAT(outcome.err, HasSubstr("line 2: "));
    return outcome.err;
  };
  EXPECT_THAT(reason({"ngram"}, "a\t1\t1\t1\na\tx\t1\t1"), HasSubstr("year"));
  EXPECT_THAT(reason({"ngram"}, "a\t1\t1\t1\na\t1\t18446744073709551616\t1"),
              HasSubstr("match_count"));
  EXPECT_THAT(reason({"ngram"}, "a\t1\t1\t1\na\t1\t-5\t1"), HasSubstr("match_count"));
  EXPECT_THAT(reason({"ngram"}, "a\t1\t1\t1\na\t1\t1\t1\tx"), HasSubstr("column"));
  EXPECT_THAT(reason({"ngram"}, "a\t1\t1\t1\t1\na\t1\t1\tx"), HasSubstr("column"));
  EXPECT_THAT(reason({"ngram"}, "a\t1,1,1\na\t1,1,1\t"),
              HasSubstr("year,match_count,volume_count"));
  EXPECT_THAT(reason({"ngram"}, "a\t1,1,1\na\n"), HasSubstr("column"));
  EXPECT_THAT(reason({"columns", "-k3"}, "a\tb\tc\na\tb\n"),
              HasSubstr("column 3, the key (-k), is missing"));
  EXPECT_THAT(reason({"columns", "-v3"}, "a\tb\t1\na\tb\n"),
              HasSubstr("column 3, the value (-v), is missing"));
  EXPECT_THAT(reason({"columns", "-v2"}, "a\t1\na\n"), HasSubstr("there is no tab in it"));
  EXPECT_THAT(reason({"columns", "-v2"}, "a\t1\n\n"), HasSubstr("there is no tab in it"));
}

TEST_F(MalformedCliTest, SkippedLinesAreCountedAndTheFirstFiveShown) {
  std::string text;
  std::vector<std::string> places;
  for (int line = 1; line <= 700; ++line) {
    if (line % 60 == 0) {
      places.push_back(fmt::format("tally: skipped: in: line {}: byte {}: ", line, text.size()));
    }
    text +=
        line % 60 == 0 ? fmt::format("bad {}\n", line) : fmt::format("key{}\t{}\n", line % 9, line);
  }
  const OracleAnswer answer = AskOracle({text}, ColumnsOptions('\t', 1, 2));
  ASSERT_EQ(answer.malformed.size(), 11u);
  const Outcome outcome =
      SameForAll({"-f", "columns", "-v2", "--skip-malformed", "--stats", "stats"}, text);
  EXPECT_THAT(outcome, ExitsWith(0));
  EXPECT_EQ(outcome.out, answer.ByCount());
  EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 6);
  size_t at = 0;
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(outcome.err.compare(at, places[i].size(), places[i]), 0) << outcome.err;
    at = outcome.err.find('\n', at) + 1;
  }
  EXPECT_THAT(outcome.err.substr(at), HasSubstr("11 malformed lines"));
  const json stats = json::parse(Read("stats"));
  EXPECT_EQ(stats.at("malformed"), 11);
  EXPECT_EQ(stats.at("records"), answer.records);

  const Outcome quiet = Tally({"count", "-q", "-f", "columns", "-v2", "--skip-malformed", "in"});
  EXPECT_EQ(quiet.out, answer.ByCount());
  EXPECT_EQ(quiet.err, "");
}

TEST_F(MalformedCliTest, AllLinesMayBeSkipped) {
  const Outcome outcome = SameForAll({"-f", "ngram", "--skip-malformed"}, "one\ntwo\n\nthree");
  EXPECT_THAT(outcome, ExitsWith(0));
  EXPECT_EQ(outcome.out, "");
  const std::string all = "tally: 4 malformed lines skipped, and there was no other";
  EXPECT_THAT(outcome.err, HasSubstr(all));
  const Outcome quiet = Tally({"count", "-q", "-f", "ngram", "--skip-malformed", "in"});
  EXPECT_EQ(quiet.err, all + ": is this the right format (-f)?\n");
}

// Two versions in one file, for example.
TEST_F(MalformedCliTest, MoreLinesSkippedThanCountedAreToldUnderQuietToo) {
  const std::string good = "a\t2000\t1\t2\nb\t2000\t1\t2\n";
  const std::vector<std::string> skip = {"-q", "-f", "ngram", "--skip-malformed"};
  EXPECT_EQ(SameForAll(skip, good + "bad\nbad\n").err, "");
  const Outcome outcome = SameForAll(skip, good + "bad\nbad\nbad\n");
  EXPECT_THAT(outcome, ExitsWith(0));
  EXPECT_EQ(outcome.out, "a\t1\nb\t1\n");
  EXPECT_EQ(outcome.err,
            "tally: 3 malformed lines skipped, of 5 in all: is this the right format (-f)?\n");
}

TEST_F(MalformedCliTest, OfColumnsTheirOptionsAreDoubted) {
  const std::vector<std::string> skip = {"-q", "-f", "columns", "-k9", "--skip-malformed"};
  EXPECT_EQ(SameForAll(skip, "a\tb\n").err,
            "tally: 1 malformed line skipped, and there was no other: are these the right columns "
            "(-d, -k, -v)?\n");
}

TEST_F(MalformedCliTest, LinesThatAFilterLeavesOutAreNotMalformed) {
  const std::string good = "a\t2000\t1\t2\nb\t2000\t1\t2\n";
  for (const char* const years : {"2000-2000", "1999-1999"}) {
    const Outcome outcome =
        SameForAll({"-q", "-f", "ngram", "--skip-malformed", "--years", years}, good + "bad\n");
    EXPECT_EQ(outcome.err, "") << years;
  }
}

TEST_F(MalformedCliTest, ALineOfAnotherVersionIsToldAsThat) {
  const std::string v1 = "a\t2000\t1\t2\t3\n";
  const std::string v2 = "b\t2000\t1\t2\n";
  const std::string v3 = "c\t2000,1,2\n";
  const Outcome outcome = SameForAll({"-q"}, v1 + v2 + v3);
  EXPECT_THAT(outcome, ExitsWith(1));
  EXPECT_THAT(outcome.err, HasSubstr("in: line 2: byte 13: a line of n-grams v2, in a file of "
                                     "another version: a damaged line, or two files in one: "));
  EXPECT_THAT(SameForAll({"-q"}, v2 + v1).err, HasSubstr("a line of n-grams v1"));
  EXPECT_THAT(SameForAll({"-q"}, v2 + v3).err, HasSubstr("a line of n-grams v3"));
  EXPECT_THAT(SameForAll({"-q"}, v3 + v2).err, HasSubstr("a line of n-grams v2"));
}

TEST_F(MalformedCliTest, AFirstRowThatLooksLikeAnotherVersionIsTheOneThatIsSkipped) {
  const std::string rows = "quite2000\t130\t85\t3\nquite\t2001\t7\t5\t3\nquite\t2002\t1\t1\t1\n";
  const Outcome outcome = SameForAll({"-q", "--skip-malformed"}, rows);
  EXPECT_THAT(outcome, ExitsWith(0));
  EXPECT_EQ(outcome.out, "quite\t8\n");
  EXPECT_THAT(SameForAll({"-q"}, rows).err, HasSubstr("line 1: byte 0: a line of n-grams v2"));
}

// What the counts are of may not be what was wanted, so it is told under -q, too.
TEST_F(MalformedCliTest, NgramsBehindALineThatIsNoneAreWarnedOf) {
  const std::string header = "ngram\tyear\tmatch_count\tvolume_count\n";
  const std::string rows = "quite\t2000\t130\t85\nquite\t2001\t1\t1\n";
  Write("in", header + rows);
  Write("in.gz", Gzip(header + rows));
  for (const std::string input : {"in", "in.gz"}) {
    const Outcome outcome = Tally({"count", "-q", input});
    EXPECT_THAT(outcome, ExitsWith(0));
    EXPECT_EQ(outcome.err, "tally: warning: " + input +
                               ": line 2 is one of n-grams, but line 1 is not, so words are "
                               "counted; '-f ngram --skip-malformed' counts the n-grams, and '-f "
                               "words' ends this warning\n");
    EXPECT_EQ(Tally({"count", "-q", "-f", "words", input}).err, "");
    EXPECT_EQ(Tally({"count", "-q", "-f", "ngram", "--skip-malformed", input}).out, "quite\t131\n");
  }
  Write("in", "a text\nof words\n\twith 12\tnumbers\t3\n");
  EXPECT_EQ(Tally({"count", "-q", "in"}).err, "");
}

TEST_F(MalformedCliTest, WhatChoseTheFormatIsToldWhereItWasAnotherInput) {
  Write("rows", "quite\t2000\t130\t85\n");
  Write("text", "to be\n");
  const std::string hint = "; the first line of rows chose the format, and -f may choose another";
  EXPECT_THAT(Tally({"count", "-q", "rows", "text"}).err, HasSubstr(hint));
  EXPECT_THAT(Tally({"count", "-q", "-f", "ngram", "rows", "text"}).err, Not(HasSubstr(hint)));
}

}  // namespace
}  // namespace tally
