// Bad input and wrong usage: exit statuses, messages that name file, place, reason and remedy, and
// no output where there was an error.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/cli/oracle.h"
#include "tests/cli/run_tally.h"

namespace tally {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class ErrorsCliTest : public CliTest {
 protected:
  /// The message of a run that must fail with this status and print nothing.
  std::string Failure(std::vector<std::string> arguments, Stdin in = {}, int status = 1) const {
    const Outcome outcome = Tally(std::move(arguments), std::move(in));
    EXPECT_THAT(outcome, ExitsWith(status));
    EXPECT_EQ(outcome.out, "");
    EXPECT_THAT(outcome.err, StartsWith("tally: "));
    EXPECT_THAT(outcome.err, testing::EndsWith("\n"));
    return outcome.err;
  }
};

TEST_F(ErrorsCliTest, APipeThatIsGivenTwiceIsWrongUsageByWhateverNames) {
  for (const char* files :
       {"- -", "- /dev/stdin", "/dev/stdin /dev/fd/0", "fifo fifo", "fifo ./fifo"}) {
    const Outcome outcome = Shell(std::string("mkfifo fifo; echo a | timeout 10 tally count ") +
                                  files + "; s=$?; rm fifo; exit $s");
    EXPECT_THAT(outcome, ExitsWith(2)) << files;
    EXPECT_THAT(outcome.err, HasSubstr("can be read only once")) << files;
  }
  // Each is another one, or has nothing to give.
  EXPECT_THAT(Shell("tally count -q <(echo a) <(echo b) /dev/null /dev/null"), ExitsWith(0));
}

// In /sys, files say that they have a page.
TEST_F(ErrorsCliTest, AFileThatIsShorterThanItSaysIsCounted) {
  constexpr const char* kFile = "/sys/kernel/mm/transparent_hugepage/enabled";
  if (access(kFile, R_OK) != 0) GTEST_SKIP() << "there is none";
  const Outcome outcome = Tally({"count", "-q", "-f", "lines", kFile});
  EXPECT_THAT(outcome, ExitsWith(0));
  EXPECT_EQ(outcome.err, "");
  EXPECT_THAT(outcome.out, HasSubstr("never"));
}

TEST_F(ErrorsCliTest, GzipWithADamagedStartIsNoText) {
  const std::string packed = Gzip("a\nb\n");
  for (const size_t at : {0U, 1U, 2U}) {
    std::string damaged = packed;
    damaged[at] = static_cast<char>(damaged[at] ^ 4);
    Write("in.gz", damaged);
    const Outcome outcome = Tally({"count", "-q", "-f", "lines", "in.gz"});
    EXPECT_THAT(outcome, ExitsWith(1)) << at;
    EXPECT_THAT(outcome.err, HasSubstr("gzip data"));
  }
  Write("in.gz", "");
  const Outcome outcome = Tally({"count", "-q", "-f", "lines", "in.gz"});
  EXPECT_THAT(outcome, ExitsWith(1));
  EXPECT_EQ(outcome.err, "tally: in.gz: truncated gzip data: it is empty; get it again\n");
}

TEST_F(ErrorsCliTest, AMissingFileIsNamedWithTheReason) {
  Write("good", "a\n");
  EXPECT_THAT(Failure({"count", "-f", "lines", "good", "missing", "good"}),
              AllOf(StartsWith("tally: missing: "), HasSubstr("No such file or directory")));
  EXPECT_THAT(Failure({"count", "good/under"}),
              AllOf(StartsWith("tally: good/under: "), HasSubstr("Not a directory")));
  EXPECT_THAT(Failure({"count", "red\x1b[31m"}), StartsWith("tally: red\\x1b[31m: "));
}

TEST_F(ErrorsCliTest, AMissingFileIsToldBeforeAnythingIsWaitedFor) {
  ASSERT_EQ(mkfifo(Path("fifo").c_str(), 0600), 0);
  EXPECT_THAT(Failure({"count", "-", "fifo", "missing"}, {Stdin::Kind::kOpenPipe, ""}),
              StartsWith("tally: missing: "));
  EXPECT_THAT(Failure({"count", "-o", "no/such/place", "-", "fifo"}, {Stdin::Kind::kOpenPipe, ""}),
              StartsWith("tally: no/such/place: "));
}

TEST_F(ErrorsCliTest, AFailureElsewhereEndsTheWaitForASilentPipe) {
  if (TestMode() == "serial") GTEST_SKIP() << "whoever waits for the pipe does nothing else";
  Write("bad", "a\n");
  const Outcome outcome = Tally({"count", "-f", "columns", "-v2", "-j2", "bad", "-"},
                                {Stdin::Kind::kOpenPipe, "a\t1\n"});
  EXPECT_THAT(outcome, ExitsWith(1));
  EXPECT_THAT(outcome.err, StartsWith("tally: bad: line 1: "));
}

TEST_F(ErrorsCliTest, ADirectoryIsNamedWithTheReason) {
  EXPECT_THAT(Failure({"count", "."}), AllOf(StartsWith("tally: .: "), HasSubstr("directory")));
  EXPECT_THAT(Shell("tally count < .").err,
              AllOf(StartsWith("tally: standard input: "), HasSubstr("directory")));
}

TEST_F(ErrorsCliTest, AFileThatCannotBeReadIsNamedWithTheReason) {
  // May be opened, but not read at its start.
  EXPECT_THAT(Failure({"count", "/proc/self/mem"}),
              AllOf(StartsWith("tally: /proc/self/mem: "), HasSubstr("Input/output error")));
  EXPECT_THAT(Shell("tally count <&-").err,
              AllOf(StartsWith("tally: standard input: "), HasSubstr("Bad file descriptor")));
}

TEST_F(ErrorsCliTest, AFileWithoutPermissionIsNamedWithTheReason) {
  Write("secret", "a\n");
  chmod(Path("secret").c_str(), 0);
  std::string as_nobody;
  if (geteuid() == 0) {
    // Root may read everything.
    as_nobody = "setpriv --reuid=65534 --regid=65534 --clear-groups ";
    chmod(Path("").c_str(), 0755);
    if (Shell(as_nobody + "tally --version").exit_status != 0) {
      GTEST_SKIP() << "running as root, and another user cannot run the program";
    }
  }
  const Outcome outcome = Shell(as_nobody + "tally count secret");
  EXPECT_THAT(outcome, ExitsWith(1));
  EXPECT_THAT(outcome.err, AllOf(StartsWith("tally: secret: "), HasSubstr("Permission denied")));
}

TEST_F(ErrorsCliTest, ATotalOver64BitsIsAnErrorThatNamesTheKey) {
  const std::string half = "9223372036854775808";  // 2^63
  for (const std::string& key : {std::string("k"), std::string("a key of more than 16 bytes")}) {
    std::string rows;
    for (int i = 0; i < 2000; ++i) rows += "filler" + std::to_string(i) + "\t1\n";
    Write("in", key + "\t" + half + "\n" + rows + key + "\t" + half + "\n");
    for (const char* const workers : {"1", "2", "7"}) {
      for (const char* const chunk_size : {"1", "4K", "8M"}) {
        EXPECT_THAT(Failure({"count", "-f", "columns", "-v2", "-j", workers, "--chunk-size",
                             chunk_size, "in"}),
                    AllOf(HasSubstr("\"" + key + "\""), HasSubstr("2^64-1")));
      }
    }
    // Each file in a chunk of its own, and most of the time in a worker of its own.
    Write("once", rows + key + "\t" + half + "\n");
    for (int run = 0; run < 5; ++run) {
      EXPECT_THAT(Failure({"count", "-f", "columns", "-v2", "-j2", "once", "once"}),
                  HasSubstr("\"" + key + "\""));
    }
  }
}

TEST_F(ErrorsCliTest, ALineThatOverflowsByItselfIsAnErrorThatNamesTheKey) {
  const std::string most = "18446744073709551615";
  EXPECT_THAT(Failure({"count"}, Stdin::Text("wrapped\t2000," + most + ",1\t2001,1,1\n")),
              HasSubstr("\"wrapped\""));
  EXPECT_EQ(Tally({"count", "-q"}, Stdin::Text("fits\t2000," + most + ",1\t2001,0,1\n")).out,
            "fits\t" + most + "\n");
  // Years that are not asked for do not count.
  EXPECT_EQ(Tally({"count", "-q", "--years", "2001-"},
                  Stdin::Text("fits\t2000," + most + ",1\t2001,1,1\n"))
                .out,
            "fits\t1\n");
}

TEST_F(ErrorsCliTest, TheTotalOfAllKeysMayPass64Bits) {
  const std::string most = "18446744073709551615";
  const Outcome outcome = Tally({"count", "-f", "columns", "-v2", "--stats", "stats"},
                                Stdin::Text("a\t" + most + "\nb\t" + most + "\n"));
  EXPECT_THAT(outcome, ExitsWith(0));
  EXPECT_THAT(Read("stats"), ContainsRegex("\"total\": *36893488147419103230"));
}

// Every place where a gzip file may break off, and every bit of damage behind its header.
TEST_F(ErrorsCliTest, ATruncatedOrCorruptGzipFileIsAnErrorThatNamesFileAndOffset) {
  std::string text;
  for (int i = 0; i < 60; ++i) text += std::to_string(i * i) + " ";
  const std::string whole = Gzip(text, 2);
  for (size_t size = 3; size < whole.size(); size += kSanitized ? 29 : 5) {
    if (size == Gzip(text.substr(0, text.size() / 2)).size()) continue;  // just the first member
    Write("cut.gz", whole.substr(0, size));
    const std::string message = Failure({"count", "-f", "words", "-j2", "cut.gz"});
    EXPECT_THAT(message, ContainsRegex("^tally: cut\\.gz: .*byte [0-9]+")) << size;
  }
  constexpr size_t kHeaderBytes = 10;  // time and system in there mean nothing
  for (size_t at = kHeaderBytes; at < whole.size() / 2 - kHeaderBytes; at += kSanitized ? 31 : 4) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    Write("bad.gz", damaged);
    const std::string message = Failure({"count", "-f", "words", "-j3", "bad.gz"});
    EXPECT_THAT(message, ContainsRegex("^tally: bad\\.gz: .*byte [0-9]+")) << at;
  }
}

TEST_F(ErrorsCliTest, WhatFollowsTheLastGzipMemberIsGarbageUnlessItIsZeros) {
  const std::string whole = Gzip("a b a\n");
  const std::string place = "byte " + std::to_string(whole.size());
  for (const std::string garbage : {"x", "\n", "garbage of some length", "\x1fx"}) {
    Write("in.gz", whole + garbage);
    EXPECT_THAT(Failure({"count", "-f", "words", "in.gz"}),
                AllOf(StartsWith("tally: in.gz: "), HasSubstr(place)));
    EXPECT_THAT(Failure({"count", "-f", "words"}, Stdin::Text(whole + garbage)),
                AllOf(StartsWith("tally: standard input: "), HasSubstr(place)));
  }
  Write("padded.gz", whole + std::string(1000, '\0'));
  EXPECT_EQ(Tally({"count", "-f", "words", "padded.gz"}).out, "a\t2\nb\t1\n");
  Write("padded.gz", whole + std::string(1000, '\0') + "x");
  EXPECT_THAT(Failure({"count", "-f", "words", "padded.gz"}),
              HasSubstr("byte " + std::to_string(whole.size() + 1000)));
}

TEST_F(ErrorsCliTest, ATruncatedGzipFileAmongOthersLeavesNoOutput) {
  std::string text;
  for (int i = 0; i < 200000; ++i) text += std::to_string(i) + "\n";
  const std::string whole = Gzip(text);
  Write("good", text);
  Write("cut.gz", whole.substr(0, whole.size() - 9));
  for (const char* const workers : {"1", "2", "7"}) {
    EXPECT_THAT(
        Failure({"count", "-f", "lines", "-j", workers, "-o", "out", "good", "cut.gz", "good"}),
        HasSubstr("cut.gz"));
    EXPECT_THAT(Files(), testing::ElementsAre("cut.gz", "good"));
  }
}

// Never a signal, never half a result: either it works, or it says what there was too little of.
TEST_F(ErrorsCliTest, TooLittleAddressSpaceIsAClearErrorWithTheNumbers) {
  if (kSanitized) GTEST_SKIP() << "AddressSanitizer itself needs terabytes of address space";
  std::string text;
  for (int i = 0; i < 100000; ++i) text += "word" + std::to_string(i) + "\n";
  Write("in", text);
  Write("in.gz", Gzip(text));
  const std::string wanted = AskOracle({text}, OptionsOf(Format::kLines)).ByKey();
  int failures = 0;
  int successes = 0;
  for (const char* const kib : {"16000", "32000", "64000", "125000", "250000", "600000"}) {
    for (const char* const workers : {"1", "2", "9"}) {
      for (const char* const input : {"in", "in.gz", "< <(cat in)"}) {
        const std::string script = "ulimit -v " + std::string(kib) +
                                   "; exec tally count -f lines -s key -j " + workers + " " + input;
        SCOPED_TRACE(script);
        const Outcome outcome = Shell(script);
        if (outcome.exit_status == 0) {
          ++successes;
          EXPECT_TRUE(outcome.out == wanted);
          continue;
        }
        ++failures;
        EXPECT_THAT(outcome, ExitsWith(4));
        EXPECT_THAT(outcome.err, AllOf(StartsWith("tally: "), ContainsRegex("[0-9]+ [KMG]iB"),
                                       HasSubstr("ulimit -v")));
        EXPECT_EQ(outcome.out, "");
      }
    }
  }
  EXPECT_GT(failures, 0) << "the limits were too high to try anything";
  EXPECT_GT(successes, 0);
}

TEST_F(ErrorsCliTest, FewDescriptorsAreEnoughForManyFiles) {
  std::string names;
  for (int i = 0; i < 100; ++i) {
    const std::string name = "f" + std::to_string(i);
    Write(name, i % 2 == 0 ? "a\n" : Gzip("a\n"));
    names += " " + name;
  }
  EXPECT_EQ(Shell("ulimit -n 20; tally count -f lines -j3" + names).out, "a\t100\n");
}

TEST_F(ErrorsCliTest, FilesMayBeMoreThanAProcessCanMap) {
  EXPECT_EQ(Shell("mkdir many; for i in {1..300}; do echo $i > many/$i; done\n"
                  "eval \"tally count -q -f lines $(printf 'many/* %.0s' {1..70})\" | wc -l")
                .out,
            "300\n");
}

// A file with a hole: what lies behind 4 GiB is found at its place, and counted.
TEST_F(ErrorsCliTest, PlacesBehind4GiBAreRight) {
  if (kSanitized) GTEST_SKIP() << "gigabytes take minutes under sanitizers";
  constexpr uint64_t kHole = (uint64_t{4} << 30) + 12345;
  Write("large", "a\t1\n");
  std::ofstream(Path("large"), std::ios::in).seekp(kHole) << "\nb\t2\nb\tx\na\t3";
  const Outcome outcome = Tally({"count", "-f", "columns", "-v2", "--skip-malformed", "large"});
  EXPECT_EQ(outcome.out, "a\t4\nb\t2\n");
  EXPECT_THAT(outcome.err, HasSubstr("large: line 4: byte " + std::to_string(kHole + 5) + ": "));
}

TEST_F(ErrorsCliTest, ATypoGetsASuggestion) {
  EXPECT_THAT(Failure({"count", "--topp", "3"}, {}, 2), HasSubstr("did you mean '--top'?"));
  EXPECT_THAT(Failure({"count", "--ouput=x"}, {}, 2), HasSubstr("did you mean '--output"));
  EXPECT_THAT(Failure({"count", "--skip_malformed"}, {}, 2), HasSubstr("'--skip-malformed'?"));
  EXPECT_THAT(Failure({"cuont", "x"}, {}, 2), HasSubstr("did you mean 'tally count'?"));
  EXPECT_THAT(Failure({"count", "-f", "wrods"}, {}, 2), HasSubstr("did you mean 'words'?"));
  EXPECT_THAT(Failure({"count", "-O", "jsno"}, {}, 2), HasSubstr("did you mean 'json'?"));
  EXPECT_THAT(Failure({"count", "-s", "keys"}, {}, 2), HasSubstr("did you mean 'key'?"));
  EXPECT_THAT(Failure({"count", "--frobnicate"}, {}, 2),
              AllOf(HasSubstr("--frobnicate"), Not(HasSubstr("did you mean"))));
  Write("book.txt", "a\n");
  EXPECT_THAT(Failure({"book.txt"}, {}, 2), HasSubstr("tally count book.txt"));
}

TEST_F(ErrorsCliTest, WrongValuesOfOptionsAreWrongUsage) {
  for (const std::vector<std::string>& options :
       std::vector<std::vector<std::string>>{{"-j", "0"},
                                             {"-j", "two"},
                                             {"-j", "-1"},
                                             {"-j", "1025"},
                                             {"--chunk-size", "0"},
                                             {"--chunk-size", "8X"},
                                             {"--chunk-size", "K"},
                                             {"-n", "-1"},
                                             {"-n", "1.5"},
                                             {"--min-count", "x"},
                                             {"--years", "2000-1990"},
                                             {"--years", "x"},
                                             {"--years", "-"},
                                             {"--tags", "some"},
                                             {"-f", "xml"},
                                             {"-O", "xml"},
                                             {"-s", "value"},
                                             {"-d", "ab"},
                                             {"-d", ""},
                                             {"-k", "0"},
                                             {"-v", "0"},
                                             {"--progress", "maybe"},
                                             {"-o", ""},
                                             {"--stats", ""},
                                             {"-n"}}) {
    std::vector<std::string> arguments = {"count"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const std::string message = Failure(arguments, {}, 2);
    EXPECT_EQ(std::count(message.begin(), message.end(), '\n'), 1) << message;
  }
}

TEST_F(ErrorsCliTest, TallyAlonePrintsTheHelpAndExitsWith2) {
  const Outcome alone = Tally({});
  EXPECT_THAT(alone, ExitsWith(2));
  EXPECT_EQ(alone.out, "");
  EXPECT_THAT(alone.err, StartsWith("Examples:\n"));
  Command at_terminal = TallyCommand({"count"});
  at_terminal.in.kind = Stdin::Kind::kTerminal;
  const Outcome waiting = RunCommand(at_terminal);
  EXPECT_THAT(waiting, ExitsWith(2));
  EXPECT_EQ(waiting.err, Tally({"count", "--help"}).out +
                             "\ntally: no FILE, and standard input is a terminal; name one, or '-' "
                             "to type\n");
}

TEST_F(ErrorsCliTest, HelpIsForPeopleAndFits80Columns) {
  const Outcome help = Tally({"count", "--help"});
  EXPECT_THAT(help, ExitsWith(0));
  EXPECT_EQ(help.err, "");
  EXPECT_THAT(help.out, StartsWith("Examples:\n"));
  std::istringstream lines(help.out);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80u) << line;
  for (const char* const option : {"-f, --format",     "-d, --delimiter",
                                   "-k, --key-column", "-v, --value-column",
                                   "-j, --workers",    "--chunk-size",
                                   "-n, --top",        "--min-count",
                                   "--find",           "-s, --sort",
                                   "--years",          "--tags",
                                   "-o, --output",     "-O, --output-format",
                                   "--header",         "--skip-malformed",
                                   "--progress",       "-q, --quiet",
                                   "--stats",          "-h, --help",
                                   "--version",        "auto"}) {
    EXPECT_THAT(help.out, HasSubstr(option));
  }
  for (const std::vector<std::string>& same : std::vector<std::vector<std::string>>{
           {"count", "-h"}, {"help", "count"}, {"count", "missing", "--help"}}) {
    EXPECT_EQ(Tally(same).out, help.out);
  }
  for (const char* const word : {"--help", "-h", "help"}) {
    EXPECT_EQ(Tally({word}).out, Tally({}).err);
  }
  EXPECT_THAT(Tally({"--version"}).out, ContainsRegex("^tally [0-9]+\\.[0-9]+"));
  EXPECT_EQ(Tally({"count", "--version"}).out, Tally({"--version"}).out);
}

}  // namespace
}  // namespace tally
