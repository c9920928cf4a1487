// What the program prints and where: formats, selection, order, files, terminals, broken outputs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/cli/oracle.h"
#include "tests/cli/run_tally.h"

namespace tally {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

class OutputCliTest : public CliTest {
 protected:
  /// Lines of `text` counted as keys, with these further arguments.
  Outcome CountLines(std::vector<std::string> arguments, const std::string& text) const {
    arguments.insert(arguments.begin(), {"count", "-f", "lines"});
    return Tally(arguments, Stdin::Text(text));
  }
  std::string Rows(std::vector<std::string> arguments, const std::string& text) const {
    const Outcome outcome = CountLines(std::move(arguments), text);
    EXPECT_THAT(outcome, ExitsWith(0));
    EXPECT_EQ(outcome.err, "");
    return outcome.out;
  }
};

const char* const kFruit = "pear\nfig\npear\nplum\nfig\npear\n";

TEST_F(OutputCliTest, EachFormatIsWrittenAsDocumented) {
  EXPECT_EQ(Rows({}, kFruit), "pear\t3\nfig\t2\nplum\t1\n");
  EXPECT_EQ(Rows({"-O", "tsv"}, kFruit), "pear\t3\nfig\t2\nplum\t1\n");
  EXPECT_EQ(Rows({"-O", "csv"}, kFruit), "pear,3\nfig,2\nplum,1\n");
  EXPECT_EQ(Rows({"-O", "jsonl"}, kFruit),
            "{\"key\":\"pear\",\"count\":3}\n{\"key\":\"fig\",\"count\":2}\n"
            "{\"key\":\"plum\",\"count\":1}\n");
  EXPECT_EQ(json::parse(Rows({"--output-format=json"}, kFruit)),
            json::parse(R"([{"key":"pear","count":3},{"key":"fig","count":2},)"
                        R"({"key":"plum","count":1}])"));
}

// So many rows that several threads make the text.
TEST_F(OutputCliTest, ManyRowsAreOneOutputInEachFormat) {
  std::string text;
  std::map<std::string, uint64_t> counts;
  for (int i = 0; i < 60000; ++i) {
    const std::string key = "key " + std::to_string(i % 50000);
    text += key + '\n';
    ++counts[key];
  }
  for (const char* workers : {"-j1", "-j4"}) {
    const json all = json::parse(Rows({workers, "-O", "json"}, text));
    ASSERT_EQ(all.size(), counts.size());
    std::string tsv = "key\tcount\n";
    std::string csv = "key,count\n";
    std::string lines;
    std::string top;
    size_t at = 0;
    for (const json& row : all) {
      const auto key = row["key"].get<std::string>();
      const std::string count = row["count"].dump();
      ASSERT_EQ(row["count"], counts[key]);
      ASSERT_TRUE(at == 0 || std::pair(all[at - 1]["count"], row["key"]) >
                                 std::pair(row["count"], all[at - 1]["key"]));
      tsv += key + '\t' + count + '\n';
      csv += key + ',' + count + '\n';
      lines += R"({"key":")" + key + R"(","count":)" + count + "}\n";
      if (++at == 20000) top = tsv;
    }
    EXPECT_TRUE(Rows({workers, "--header"}, text) == tsv);
    EXPECT_TRUE(Rows({workers, "--header", "-O", "csv"}, text) == csv);
    EXPECT_TRUE(Rows({workers, "-O", "jsonl"}, text) == lines);
    EXPECT_TRUE(Rows({workers, "--header", "--top", "20000"}, text) == top);
    EXPECT_EQ(json::parse(Rows({workers, "-O", "json", "--top", "20000"}, text)).size(), 20000U);
  }
}

TEST_F(OutputCliTest, NothingCountedIsStillAValidOutput) {
  EXPECT_EQ(Rows({}, ""), "");
  EXPECT_EQ(Rows({"-O", "csv"}, ""), "");
  EXPECT_EQ(Rows({"-O", "jsonl"}, ""), "");
  EXPECT_EQ(json::parse(Rows({"-O", "json"}, "")), json::array());
  EXPECT_EQ(Rows({"--header"}, ""), "key\tcount\n");
}

TEST_F(OutputCliTest, AHeaderNamesTheColumnsOfTsvAndCsv) {
  EXPECT_EQ(Rows({"--header", "-n1"}, kFruit), "key\tcount\npear\t3\n");
  EXPECT_EQ(Rows({"--header", "-n1", "-O", "csv"}, kFruit), "key,count\npear,3\n");
  EXPECT_THAT(CountLines({"--header", "-O", "json"}, kFruit), ExitsWith(2));
}

TEST_F(OutputCliTest, CsvIsQuotedWhereItMustBe) {
  EXPECT_EQ(Rows({"-O", "csv", "-s", "key"}, "a,b\nsay \"hi\"\nc\rd\n\nplain text\n'\n\"\n\xff,\n"),
            ",1\n\"\"\"\",1\n',1\n\"a,b\",1\n\"c\rd\",1\nplain text,1\n\"say \"\"hi\"\"\",1\n"
            "\"\xff,\",1\n");
}

TEST_F(OutputCliTest, TsvPassesBytesThrough) {
  const std::string keys("\x1b[31m\n\0\n\xff\xfe\n\"a\"\tb\\n\n", 19);
  EXPECT_EQ(Rows({"-s", "key"}, keys), AskOracle({keys}, OptionsOf(Format::kLines)).ByKey());
}

TEST_F(OutputCliTest, BytesThatAreNotUtf8AreReplacedInJsonAndCounted) {
  const std::string text =
      "g\xc3\xbcltig\n\xff\nhalf \xe2\x82\nok\n\xed\xa0\x80\nok\nq\"\\\x01\x7f\n";
  for (const std::string format : {"json", "jsonl"}) {
    Write("in", text);
    const Outcome outcome =
        Tally({"count", "-f", "lines", "-O", format, "-s", "key", "--stats", "stats", "in"});
    EXPECT_THAT(outcome, ExitsWith(0));
    json rows = json::array();
    if (format == "json") {
      rows = json::parse(outcome.out);
    } else {
      std::istringstream lines(outcome.out);
      for (std::string line; std::getline(lines, line);) rows.push_back(json::parse(line));
    }
    std::map<std::string, uint64_t> counts;
    for (const json& row : rows) {
      EXPECT_EQ(row.size(), 2u);
      counts[row.at("key").get<std::string>()] += row.at("count").get<uint64_t>();
    }
    ASSERT_EQ(rows.size(), 6u);
    EXPECT_EQ(counts.at("ok"), 2u);
    EXPECT_EQ(counts.at("g\xc3\xbcltig"), 1u);
    EXPECT_EQ(counts.at("q\"\\\x01\x7f"), 1u);
    EXPECT_EQ(counts.at("\xef\xbf\xbd"), 1u);
    EXPECT_EQ(counts.at("half \xef\xbf\xbd"), 1u);
    EXPECT_EQ(json::parse(Read("stats")).at("keys_not_utf8"), 3);
  }
}

TEST_F(OutputCliTest, JsonKeepsCountsOf64Bits) {
  const Outcome outcome = Tally({"count", "-f", "columns", "-v2", "-O", "json"},
                                Stdin::Text("a\t18446744073709551615\n"));
  EXPECT_EQ(json::parse(outcome.out)[0].at("count").get<uint64_t>(), 18446744073709551615u);
}

TEST_F(OutputCliTest, TopKeepsTheFirstRowsOfTheOrder) {
  EXPECT_EQ(Rows({"-n", "2"}, kFruit), "pear\t3\nfig\t2\n");
  EXPECT_EQ(Rows({"--top=2", "-s", "key"}, kFruit), "fig\t2\npear\t3\n");
  EXPECT_EQ(Rows({"-n", "9"}, kFruit), "pear\t3\nfig\t2\nplum\t1\n");
  EXPECT_EQ(Rows({"-n", "0"}, kFruit), "");
  const std::string all = Rows({"-s", "none"}, kFruit);
  EXPECT_EQ(Rows({"-s", "none", "-n2"}, kFruit),
            all.substr(0, all.find('\n', all.find('\n') + 1) + 1));
}

TEST_F(OutputCliTest, TopOfManyPartitionsIsTheTopOfAll) {
  std::string text;
  for (int i = 0; i < 60000; ++i) text += std::to_string(i) + (i % 7 == 0 ? "\n7\n" : "\n");
  Write("numbers", text);
  const std::string all = Tally({"count", "-f", "lines", "numbers"}).out;
  EXPECT_TRUE(all == AskOracle({text}, OptionsOf(Format::kLines)).ByCount());
  for (const char* const top : {"1", "5", "1000", "59999"}) {
    const std::string rows = Tally({"count", "-f", "lines", "-j3", "-n", top, "numbers"}).out;
    EXPECT_TRUE(all.starts_with(rows));
    EXPECT_EQ(std::count(rows.begin(), rows.end(), '\n'), std::stoi(top));
  }
}

TEST_F(OutputCliTest, MinCountLeavesOutTheRarer) {
  EXPECT_EQ(Rows({"--min-count", "2"}, kFruit), "pear\t3\nfig\t2\n");
  EXPECT_EQ(Rows({"--min-count", "4"}, kFruit), "");
  EXPECT_EQ(Rows({"--min-count", "2", "-n1", "-s", "key"}, kFruit), "fig\t2\n");
}

TEST_F(OutputCliTest, FindPrintsJustTheseKeysAndZeroForTheAbsent) {
  EXPECT_EQ(Rows({"--find", "fig"}, kFruit), "fig\t2\n");
  EXPECT_EQ(Rows({"--find", "kiwi", "--find", "fig", "--find=pear"}, kFruit),
            "pear\t3\nfig\t2\nkiwi\t0\n");
  EXPECT_EQ(Rows({"--find", "kiwi", "--find", "fig", "-s", "key"}, kFruit), "fig\t2\nkiwi\t0\n");
  EXPECT_EQ(Rows({"--find", "kiwi"}, ""), "kiwi\t0\n");
  EXPECT_EQ(Rows({"--find", "fig", "--find", "fig"}, kFruit), "fig\t2\n");
  EXPECT_EQ(Rows({"--find", "kiwi", "--find", "kiwi"}, kFruit), "kiwi\t0\n");
  EXPECT_EQ(Rows({"--find", ""}, "\n\nx\n"), "\t2\n");
  EXPECT_EQ(Rows({"--find", "pe", "--find", "pears"}, kFruit), "pe\t0\npears\t0\n");
  EXPECT_EQ(Rows({"--find", "kiwi", "-n1", "-s", "count"}, kFruit), "kiwi\t0\n");
  EXPECT_EQ(Rows({"--find", "a,b", "-O", "csv"}, kFruit), "\"a,b\",0\n");
}

TEST_F(OutputCliTest, TiesAreOrderedByTheBytesOfTheKeys) {
  EXPECT_EQ(Rows({}, "b\n\xc3\xa9\nB\na\n\xff\n\nab\na a\n2\n10\n"),
            "\t1\n10\t1\n2\t1\nB\t1\na\t1\na a\t1\nab\t1\nb\t1\n\xc3\xa9\t1\n\xff\t1\n");
  // Beyond the first eight bytes too, and where one key begins another.
  EXPECT_EQ(Rows({"-s", "key"}, "longkey-b\nlongkey-a\nlongkey-\nlongkey\n"),
            "longkey\t1\nlongkey-\t1\nlongkey-a\t1\nlongkey-b\t1\n");
}

TEST_F(OutputCliTest, NoLocaleChangesTheOutput) {
  const std::string text = "\xc3\xa4pfel\nZ\na\n\xc3\xa4pfel\n" + std::string(1500, 'x') + "\n";
  const std::string plain = Rows({}, text);
  for (const char* const locale :
       {"C", "C.UTF-8", "de_DE.UTF-8", "tr_TR.UTF-8", "no_such_locale"}) {
    Command command = TallyCommand({"count", "-f", "lines", "--stats", "stats"}, Stdin::Text(text));
    command.environment = {{"LC_ALL", locale}, {"LANG", locale}, {"LANGUAGE", "de"}};
    const Outcome outcome = RunCommand(command);
    EXPECT_THAT(outcome, ExitsWith(0));
    EXPECT_EQ(outcome.out, plain) << locale;
    EXPECT_TRUE(json::accept(Read("stats"))) << locale;
  }
}

TEST_F(OutputCliTest, AnOutputFileIsReplacedWhole) {
  Write("old", std::string(100000, 'x'));
  ASSERT_EQ(chmod(Path("old").c_str(), 0640), 0);
  EXPECT_EQ(Rows({"-o", "old"}, kFruit), "");
  EXPECT_EQ(Read("old"), "pear\t3\nfig\t2\nplum\t1\n");
  struct stat status {};
  ASSERT_EQ(stat(Path("old").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0640u);
  EXPECT_EQ(Rows({"--output=new"}, kFruit), "");
  EXPECT_EQ(Read("new"), "pear\t3\nfig\t2\nplum\t1\n");
  EXPECT_THAT(Files(), ElementsAre("new", "old"));
  EXPECT_EQ(Rows({"-o", "-"}, kFruit), "pear\t3\nfig\t2\nplum\t1\n");
}

TEST_F(OutputCliTest, AFailingRunLeavesTheOldFileAlone) {
  Write("old", "as it was");
  Write("bad", "good\t1\nbad\tx\n");
  for (const std::vector<std::string>& input :
       std::vector<std::vector<std::string>>{{"bad"}, {"missing"}, {"."}}) {
    std::vector<std::string> arguments = {"count", "-f",  "columns", "-v2",
                                          "-o",    "old", "--stats", "s"};
    arguments.insert(arguments.end(), input.begin(), input.end());
    EXPECT_THAT(Tally(arguments), ExitsWith(1));
    arguments[5] = "new";
    EXPECT_THAT(Tally(arguments), ExitsWith(1));
  }
  EXPECT_EQ(Read("old"), "as it was");
  EXPECT_THAT(Files(), ElementsAre("bad", "old"));
}

TEST_F(OutputCliTest, AnOutputThroughASymbolicLinkReplacesWhatItPointsTo) {
  fs::create_directory(Path("elsewhere"));
  Write("elsewhere/target", "old");
  fs::create_symlink("elsewhere/target", Path("link"));
  EXPECT_EQ(Rows({"-o", "link"}, "a\n"), "");
  EXPECT_TRUE(fs::is_symlink(Path("link")));
  EXPECT_EQ(Read("elsewhere/target"), "a\t1\n");
}

TEST_F(OutputCliTest, AnOutputThatCannotBeMadeIsNamed) {
  fs::create_directory(Path("directory"));
  for (const std::string output : {"directory", "missing/file", "/proc/nothing"}) {
    const Outcome outcome = CountLines({"-o", output}, kFruit);
    EXPECT_THAT(outcome, ExitsWith(1));
    EXPECT_THAT(outcome.err, StartsWith("tally: " + output + ": "));
  }
}

TEST_F(OutputCliTest, AnInputIsNeverOverwritten) {
  Write("in", "a\nb\n");
  fs::create_symlink("in", Path("symlink"));
  fs::create_hard_link(Path("in"), Path("hardlink"));
  const std::string path = Path("in");
  for (const std::string& script : std::vector<std::string>{
           "tally count -f lines -o in in", "tally count -f lines -o symlink in",
           "tally count -f lines -o hardlink in", "tally count -f lines -o in symlink",
           "tally count -f lines -o ./in " + path, "tally count -f lines in >> in",
           "tally count -f lines in >> symlink", "tally count -f lines in 1<> hardlink",
           "tally count -f lines -o in < in", "tally count -f lines < in >> in",
           "tally count -f lines --stats in in", "tally count -f lines --stats symlink < in",
           "tally count -f lines -o /dev/stdout in >> in"}) {
    const Outcome outcome = Shell(script);
    EXPECT_THAT(outcome, ExitsWith(1)) << script;
    EXPECT_THAT(outcome.err, AllOf(StartsWith("tally: "), HasSubstr("input"))) << script;
    EXPECT_EQ(outcome.out, "") << script;
    EXPECT_EQ(Read("in"), "a\nb\n") << script;
  }
  EXPECT_THAT(Files(), ElementsAre("hardlink", "in", "symlink"));
  Write("packed", Gzip("a\n"));
  EXPECT_THAT(Tally({"count", "-f", "lines", "-o", "packed", "packed"}), ExitsWith(1));
  EXPECT_EQ(Read("packed"), Gzip("a\n"));
}

TEST_F(OutputCliTest, AFullDiskIsAnErrorWithTheReason) {
  Write("in", kFruit);
  for (const char* const script :
       {"tally count -f lines in > /dev/full", "tally count -f lines -o /dev/full in",
        "tally count -f lines -O json in > /dev/full", "tally --help > /dev/full",
        "tally --version > /dev/full", "tally count -f lines --stats /dev/full in"}) {
    const Outcome outcome = Shell(script);
    EXPECT_THAT(outcome, ExitsWith(1)) << script;
    EXPECT_THAT(outcome.err, AllOf(StartsWith("tally: "), HasSubstr("No space left on device")))
        << script;
  }
}

TEST_F(OutputCliTest, AFileOverTheLimitOnFileSizesLeavesTheOldOne) {
  std::string text;
  for (int i = 0; i < 40000; ++i) text += std::to_string(i) + "\n";
  Write("in", text);
  Write("old", "as it was");
  const Outcome outcome = Shell("ulimit -f 8; tally count -f lines -o old in");
  EXPECT_THAT(outcome, ExitsWith(1));
  EXPECT_THAT(outcome.err, AllOf(StartsWith("tally: old: "), HasSubstr("File too large")));
  EXPECT_EQ(Read("old"), "as it was");
  EXPECT_THAT(Files(), ElementsAre("in", "old"));
}

TEST_F(OutputCliTest, AClosedOutputIsAnErrorWithTheReason) {
  Write("in", kFruit);
  for (const char* const arguments : {"count -f lines in", "--help", "--version"}) {
    const Outcome outcome = Shell(std::string("tally ") + arguments + " >&-");
    EXPECT_THAT(outcome, ExitsWith(1)) << arguments;
    EXPECT_THAT(outcome.err,
                AllOf(StartsWith("tally: standard output: "), HasSubstr("Bad file descriptor")));
  }
  // The descriptor that is free must not become some other file's.
  EXPECT_THAT(Shell("tally count -f lines -o out in >&- && cat out").out, StartsWith("pear\t3\n"));
  EXPECT_THAT(Shell("tally count -f lines in 2>&-").out, StartsWith("pear\t3\n"));
  EXPECT_THAT(Shell("tally count -f lines in <&-").out, StartsWith("pear\t3\n"));
  EXPECT_THAT(Shell("tally count -f lines -o out in <&- >&- 2>&-; cat out").out,
              StartsWith("pear\t3\n"));
}

TEST_F(OutputCliTest, AReaderThatHasEnoughEndsItQuietlyBySigpipe) {
  std::string text;
  for (int i = 0; i < 40000; ++i) text += std::to_string(i) + "\n";
  Write("in", text);
  for (const char* const format : {"tsv", "json"}) {
    const Outcome outcome = Shell("tally count -f lines -s key -O " + std::string(format) +
                                  " in | head -n 1; echo ${PIPESTATUS[0]}");
    EXPECT_THAT(outcome.out, testing::EndsWith("\n141\n"));
    EXPECT_EQ(outcome.err, "");
  }
  // A parent that ignores SIGPIPE, as Python does, changes nothing.
  const Outcome ignored =
      Shell("trap '' PIPE; tally count -f lines in | head -n 1; echo ${PIPESTATUS[0]}");
  EXPECT_THAT(ignored.out, testing::EndsWith("\n141\n"));
  EXPECT_EQ(ignored.err, "");
}

TEST_F(OutputCliTest, ControlCharactersAreEscapedOnATerminalOnly) {
  const std::string text =
      "\x1b[31mred\na\rb\nbell\x07\nc1 \xc2\x9b"
      "0m\ng\xc3\xbcltig\n\xff\n\x7f\ntab\tx\n";
  Write("in", text);
  const auto on_terminal = [this](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"count", "-f", "lines", "-s", "key", "-q", "in"});
    Command command = TallyCommand(arguments);
    command.out = Output::kTerminal;
    const Outcome outcome = RunCommand(command);
    EXPECT_THAT(outcome, ExitsWith(0));
    for (const char c : outcome.terminal) {
      EXPECT_TRUE(c == '\n' || c == '\t' || static_cast<unsigned char>(c) >= 0x20);
      EXPECT_NE(c, '\x7f');
    }
    EXPECT_EQ(outcome.terminal.find("\xc2\x9b"), std::string::npos);
    return outcome.terminal;
  };
  EXPECT_EQ(on_terminal({}),
            "\\x1b[31mred\t1\na\\x0db\t1\nbell\\x07\t1\nc1 \\xc2\\x9b0m\t1\ng\xc3\xbcltig\t1\n"
            "tab\\x09x\t1\n\\x7f\t1\n\\xff\t1\n");
  EXPECT_THAT(on_terminal({"-O", "csv"}), HasSubstr("a\\x0db,1\n"));
  EXPECT_EQ(json::parse(on_terminal({"-O", "json"})).size(), 8u);
  EXPECT_EQ(on_terminal({"-o", "out"}), "");
  EXPECT_EQ(Read("out"), AskOracle({text}, OptionsOf(Format::kLines)).ByKey());
}

TEST_F(OutputCliTest, DataAloneIsOnStandardOutput) {
  Write("grams", "a\t2000\t1\t1\nbroken\n");
  const Outcome outcome = Tally({"count", "--skip-malformed", "--progress", "always", "grams"});
  EXPECT_THAT(outcome, ExitsWith(0));
  EXPECT_EQ(outcome.out, "a\t1\n");
  EXPECT_NE(outcome.err, "");
}

}  // namespace
}  // namespace tally
