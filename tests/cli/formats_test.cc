// What each format makes of its input, by the real program, and how inputs may reach it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/cli/oracle.h"
#include "tests/cli/run_tally.h"

namespace tally {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class FormatsCliTest : public CliTest {
 protected:
  /// The output of a run that must succeed with nothing on standard error.
  std::string Count(std::vector<std::string> arguments, Stdin in = {}) const {
    arguments.insert(arguments.begin(), "count");
    const Outcome outcome = Tally(arguments, std::move(in));
    EXPECT_THAT(outcome, ExitsWith(0));
    EXPECT_EQ(outcome.err, "");
    return outcome.out;
  }

  std::string CountText(std::vector<std::string> arguments, const std::string& text) const {
    return Count(std::move(arguments), Stdin::Text(text));
  }

  /// What the program says on standard error when it is to choose the format of `text`.
  std::string NoteOnText(const std::string& text) const {
    Write("chosen", text);
    const Outcome outcome = Tally({"count", "chosen"});
    EXPECT_THAT(outcome, ExitsWith(0));
    return outcome.err;
  }
};

TEST_F(FormatsCliTest, MatchCountsAreAddedUpPerNgram) {
  EXPECT_EQ(
      CountText({"-f", "ngram"}, "dobbs\t2007\t20\t18\t15\ndobbs\t2008\t3\t2\t1\na\t1\t4\t1\t1\n"),
      "dobbs\t23\na\t4\n");
  EXPECT_EQ(CountText({"-f", "ngram"}, "A'Aang_NOUN\t1879\t45\t5\nA'Aang_NOUN\t1880\t1\t1\n"),
            "A'Aang_NOUN\t46\n");
  EXPECT_EQ(CountText({"-f", "ngram"}, "Alcohol\t1983,905,353\t1984,1285,433\nx,y\t1,2,3\n"),
            "Alcohol\t2190\nx,y\t2\n");
}

TEST_F(FormatsCliTest, TheVersionIsToldApartPerFile) {
  Write("v1", "a\t2000\t1\t10\t10\nb\t2000\t1\t10\t10\n");
  Write("v2", "a\t2000\t20\t10\n");
  Write("v3", "a\t2000,300,1\t2001,4000,1\n");
  Write("v1.gz", Gzip("a\t2000\t50000\t10\t10\n"));
  EXPECT_EQ(Count({"-f", "ngram", "v3", "v2", "v1", "v1.gz"}), "a\t54321\nb\t1\n");
  EXPECT_EQ(Count({"-f", "ngram", "v1", "-", "v2"}, Stdin::File(Path("v3"))), "a\t4321\nb\t1\n");
}

TEST_F(FormatsCliTest, ACarriageReturnBeforeTheNewlineIsNoPartOfAField) {
  EXPECT_EQ(CountText({"-f", "ngram"}, "a\t1\t2\t3\r\nb\t1\t2\t3\r"), "a\t2\nb\t2\n");
  EXPECT_EQ(CountText({"-f", "ngram"}, "a\t1,2,3\r\nb\t1,2,3\t4,5,6\r\n"), "b\t7\na\t2\n");
  EXPECT_EQ(CountText({"-f", "columns", "-k2"}, "1\ta\r\n2\ta\n3\ta\r\r\n"), "a\t2\na\r\t1\n");
}

// An n-gram may be as long as any key; the version must be found behind it.
TEST_F(FormatsCliTest, AVersion1LineIsKnownAlsoBehindAVeryLongNgram) {
  const std::string ngram(100000, 'n');
  const std::string text = ngram + "\t2000\t7\t1\t1\n" + ngram + "\t2001\t1\t1\t1\n";
  Write("long", text);
  Write("long.gz", Gzip(text));
  for (const char* const file : {"long", "long.gz"}) {
    EXPECT_TRUE(Count({"-f", "ngram", file}) == ngram + "\t8\n") << file;
    EXPECT_TRUE(Count({"-q", file}) == ngram + "\t8\n") << file << ", format chosen by tally";
  }
  EXPECT_TRUE(CountText({"-f", "ngram"}, text) == ngram + "\t8\n");
  EXPECT_TRUE(CountText({"-q"}, text) == ngram + "\t8\n");
}

// Wherever a window that is looked at may end, the first line must not look like another version.
TEST_F(FormatsCliTest, AVersion1LineIsNotTakenForVersion2WhereASampleCutsIt) {
  for (const size_t window : {size_t{4096}, size_t{32768}, size_t{65536}}) {
    for (size_t back = 1; back < 14; back += 2) {
      const std::string ngram(window - back, 'n');
      Write("cut", ngram + "\t2000\t7\t1\t1\nb\t2000\t7\t1\t1\n");
      EXPECT_TRUE(Count({"-q", "cut"}) == "b\t7\n" + ngram + "\t7\n") << window << " - " << back;
    }
  }
}

TEST_F(FormatsCliTest, MalformedLinesBeforeTheFirstGoodOneDoNotChangeTheVersion) {
  const std::string row = "a\t2000\t7\t1\t1\n";
  Write("late", "\nno n-gram\na\t1\n\n" + row + row + row + row);
  EXPECT_EQ(Count({"-q", "-f", "ngram", "--skip-malformed", "late"}), "a\t28\n");
}

// The answer is the same for any chunk size and any way to bring the file.
TEST_F(FormatsCliTest, TheVersionDoesNotDependOnHowTheFileIsRead) {
  std::vector<std::string> texts;
  for (const size_t lines : {3000u, 6000u, 20000u, 120000u}) {
    std::string& text = texts.emplace_back();
    for (size_t i = 0; i < lines; ++i) text += "no n-gram\n";
    text += "a\t2000\t7\t1\t1\n";
  }
  // Of the first hundred rows, most are of version 1; of those in the first 32 KiB, of version 2.
  std::string& text_of_both = texts.emplace_back();
  for (int i = 0; i < 40; ++i) text_of_both += std::string(500, 'a') + "\t2000\t7\t1\n";
  for (int i = 0; i < 2000; ++i) text_of_both += std::string(500, 'b') + "\t2000\t7\t1\t1\n";
  for (const std::string& text : texts) {
    Write("late", text);
    Write("late.gz", Gzip(text));
    const std::vector<std::string> always = {"count",       "-q", "-f", "ngram", "--skip-malformed",
                                             "--chunk-size"};
    std::vector<std::string> answers;
    for (const char* const chunk_size : {"1", "64K", "8M"}) {
      for (const std::vector<std::string>& input :
           std::vector<std::vector<std::string>>{{"late"}, {"late.gz"}, {}}) {
        std::vector<std::string> arguments = always;
        arguments.emplace_back(chunk_size);
        arguments.insert(arguments.end(), input.begin(), input.end());
        const Outcome outcome = Tally(arguments, input.empty() ? Stdin::Text(text) : Stdin{});
        EXPECT_THAT(outcome, ExitsWith(0));
        answers.push_back(outcome.out + outcome.err);
      }
    }
    EXPECT_THAT(answers, testing::Each(answers.front())) << text.size();
  }
}

TEST_F(FormatsCliTest, YearsAreInclusiveAndEitherEndMayBeLeftOut) {
  const std::string v2 = "a\t1899\t1\t1\na\t1900\t10\t1\na\t1950\t100\t1\na\t1951\t1000\t1\n";
  const std::string v3 = "a\t1899,1,1\t1900,10,1\t1950,100,1\t1951,1000,1\n";
  const std::string v1 =
      "a\t1899\t1\t1\t9\na\t1900\t10\t1\t9\na\t1950\t100\t1\t9\na\t1951\t1000\t1\t9\n";
  for (const std::string& text : {v1, v2, v3}) {
    EXPECT_EQ(CountText({"-f", "ngram", "--years", "1900-1950"}, text), "a\t110\n");
    EXPECT_EQ(CountText({"-f", "ngram", "--years", "1950-"}, text), "a\t1100\n");
    EXPECT_EQ(CountText({"-f", "ngram", "--years", "-1899"}, text), "a\t1\n");
    EXPECT_EQ(CountText({"-f", "ngram", "--years=1900-1900"}, text), "a\t10\n");
    EXPECT_EQ(CountText({"-f", "ngram", "--years", "2000-"}, text), "");
  }
}

TEST_F(FormatsCliTest, TagsAreOnlyTheKnownOnesAtTheEndOfAWord) {
  std::string text;
  for (const char* const ngram :
       {"plain", "run_VERB", "._.", "_NOUN_", "_START_ a", "a _END_", "big_ADJ dog", "A_",
        "AUTO_INCREMENT_NOUN", "AUTO_INCREMENT", "_NOUN", "x_noun", "snake_X", "X_"}) {
    text += std::string(ngram) + "\t2000\t1\t1\n";
  }
  const std::string tagged = CountText({"-f", "ngram", "--tags", "tagged", "-s", "key"}, text);
  EXPECT_EQ(tagged,
            "._.\t1\nAUTO_INCREMENT_NOUN\t1\n_NOUN_\t1\n_START_ a\t1\na _END_\t1\nbig_ADJ dog\t1\n"
            "run_VERB\t1\nsnake_X\t1\n");
  const std::string untagged = CountText({"-f", "ngram", "--tags=untagged", "-s", "key"}, text);
  EXPECT_EQ(untagged, "AUTO_INCREMENT\t1\nA_\t1\nX_\t1\n_NOUN\t1\nplain\t1\nx_noun\t1\n");
  FormatOptions options = OptionsOf(Format::kNgram);
  EXPECT_EQ(CountText({"-f", "ngram", "--tags", "all"}, text),
            AskOracle({text}, options).ByCount());
  options.tags = TagFilter::kTagged;
  EXPECT_EQ(tagged, AskOracle({text}, options).ByKey());
  options.tags = TagFilter::kUntagged;
  EXPECT_EQ(untagged, AskOracle({text}, options).ByKey());
}

TEST_F(FormatsCliTest, OptionsOfOneFormatAreRefusedWithAnother) {
  for (const std::vector<std::string>& options :
       std::vector<std::vector<std::string>>{{"-f", "words", "--years", "1900-"},
                                             {"-f", "lines", "--tags", "tagged"},
                                             {"-f", "ngram", "-k", "2"},
                                             {"-f", "words", "-d", ","},
                                             {"-f", "lines", "-v", "1"}}) {
    std::vector<std::string> arguments = {"count"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const Outcome outcome = Tally(arguments, Stdin::Text("a\t1\t2\t3\n"));
    EXPECT_THAT(outcome, ExitsWith(2));
    EXPECT_THAT(outcome.err, HasSubstr(options[2].starts_with("--") ? options[2] : "-f"));
  }
  // Also where the first line, not -f, made it another one.
  EXPECT_THAT(Tally({"count", "--years", "1900-"}, Stdin::Text("just words\n")), ExitsWith(2));
}

TEST_F(FormatsCliTest, WordsAreWhatPythonSplits) {
  EXPECT_EQ(CountText({"-f", "words", "-s", "key"},
                      "a\x1c"
                      "b\x1d\x1e\x1f"
                      "c\v\f\xc2\x85"
                      "d\xe3\x80\x80"
                      "e\xe2\x80\x8b"
                      "f\r\n a"),
            "a\t2\nb\t1\nc\t1\nd\t1\ne\xe2\x80\x8b"
            "f\t1\n");
  EXPECT_EQ(CountText({"-f", "words", "-s", "key"}, "\xff a\x80\x85 \xc2 \xe2\x80 a\xff"),
            "a\x80\x85\t1\na\xff\t1\n\xc2\t1\n\xe2\x80\t1\n\xff\t1\n");
}

TEST_F(FormatsCliTest, EveryLineIsAKeyWithoutItsFinalCarriageReturn) {
  EXPECT_EQ(CountText({"-f", "lines", "-s", "key"}, "b\r\na b\n\n\r\na\rb\r\r\n\nb"),
            "\t3\na\rb\r\t1\na b\t1\nb\t2\n");
}

TEST_F(FormatsCliTest, ColumnsAreSplitAtOneByteAndNeverQuoted) {
  const std::string text = "\"x,1\",5\ny,2,6\ny,2,7\n";
  EXPECT_EQ(CountText({"-f", "columns", "-d", ",", "-k", "2"}, text), "2\t2\n1\"\t1\n");
  EXPECT_EQ(CountText({"-f", "columns", "-d,", "-k1", "-v3"}, text), "y\t13\n\"x\t5\n");
  const std::vector<std::vector<std::string>> tabs = {
      {}, {"-d", "tab"}, {"-d", "\\t"}, {"-d", "\\x09"}, {"-d\t"}};
  for (std::vector<std::string> arguments : tabs) {
    arguments.insert(arguments.end(), {"-f", "columns", "-k", "2", "-v", "1"});
    EXPECT_EQ(CountText(arguments, "4\ta b\n5\ta b\n"), "a b\t9\n");
  }
  EXPECT_EQ(CountText({"-f", "columns", "-d", "\\0"}, std::string("a\0b\n", 4)), "a\t1\n");
  EXPECT_EQ(CountText({"-f", "columns", "-k1", "-v1"}, "5\n5\n007\n"), "5\t10\n007\t7\n");
}

TEST_F(FormatsCliTest, AValueThatIsNoNonNegativeIntegerIsMalformed) {
  for (const char* const value : {"-1", "+1", "1.5", "1e3", "", " 1", "1 ", "0x10", "1,000",
                                  "1\xd9\xa0", "18446744073709551616", "123456789012345678901"}) {
    const Outcome outcome = Tally({"count", "-f", "columns", "-v", "2"},
                                  Stdin::Text("good\t1\nbad\t" + std::string(value) + "\n"));
    EXPECT_THAT(outcome, ExitsWith(1)) << value;
    EXPECT_EQ(outcome.out, "");
    EXPECT_THAT(outcome.err, AllOf(HasSubstr("line 2"), HasSubstr("byte 7")));
  }
  EXPECT_EQ(CountText({"-f", "columns", "-v2"}, "a\t18446744073709551615\n"),
            "a\t18446744073709551615\n");
}

TEST_F(FormatsCliTest, TheFirstLineDecidesWhatAutoIs) {
  for (const char* const ngrams :
       {"a\t2000\t1\t1\n", "a\t2000\t1\t1\t1\r\n", "a\t2000,1,1\n", "a\t2000,1,1\t2001,1,1",
        "\xef\xbb\xbfx y z\t2000\t1\t1\n", "a\t2000\t1\t1"}) {
    EXPECT_THAT(NoteOnText(ngrams), AllOf(HasSubstr("n-grams"), Not(HasSubstr("words")))) << ngrams;
  }
  for (const char* const words : {"plain words\n", "a\tb\tc\td\n", "a\t2000\t1\n",
                                  "a\t2000\t1\t1\t1\t1\n", "\n\na\t2000\t1\n", "a\t2000\t-1\t1\n",
                                  "a\t2000,1\n", "a 2000 1 1\n", "x", "a,1999,1,1\n"}) {
    EXPECT_THAT(NoteOnText(words), AllOf(HasSubstr("words"), Not(HasSubstr("n-grams")))) << words;
  }
}

TEST_F(FormatsCliTest, AFileOfNothingButAByteOrderMarkDecidesNothing) {
  Write("mark", "\xef\xbb\xbf");
  Write("grams", "a\t2000\t1\t1\n");
  EXPECT_EQ(Count({"-q", "mark", "grams"}), "a\t1\n");
}

TEST_F(FormatsCliTest, OneLineOnStandardErrorSaysWhatAutoChose) {
  Write("empty", "");
  Write("grams.gz", Gzip("a\t2000\t1\t1\n"));
  const Outcome outcome = Tally({"count", "empty", "grams.gz"});
  EXPECT_EQ(outcome.out, "a\t1\n");
  EXPECT_THAT(outcome.err,
              testing::MatchesRegex("tally: [^\n]*n-grams[^\n]*grams\\.gz[^\n]*-f[^\n]*\n"));
  EXPECT_EQ(Count({"-q", "empty", "grams.gz"}), "a\t1\n");
  EXPECT_EQ(Count({"--quiet", "grams.gz"}), "a\t1\n");
  EXPECT_THAT(Tally({"count", "-f", "auto"}, Stdin::Text("some words\n")).err,
              testing::MatchesRegex("tally: [^\n]*words[^\n]*standard input[^\n]*\n"));
}

TEST_F(FormatsCliTest, AFormatThatIsNamedIsTakenWhateverTheFirstLineIs) {
  const std::string text = "a\t2000\t1\t1\n";
  EXPECT_EQ(CountText({"-f", "words", "-s", "key"}, text), "1\t2\n2000\t1\na\t1\n");
  EXPECT_EQ(CountText({"--format=lines"}, text), "a\t2000\t1\t1\t1\n");
  EXPECT_EQ(CountText({"-fcolumns", "-k2"}, text), "2000\t1\n");
  EXPECT_THAT(Tally({"count", "-f", "ngram"}, Stdin::Text("no n-grams\n")), ExitsWith(1));
}

TEST_F(FormatsCliTest, WhereThereIsNoIsalZlibInflates) {
  Write("in.gz", Gzip("a\t2000\t7\t1\nb\t2000\t5\t1\n", 2));
  Write("libisal.so.2", "no library");
  for (const bool version : {true, false}) {
    Command command = TallyCommand(version ? std::vector<std::string>{"--version"}
                                           : std::vector<std::string>{"count", "-q", "in.gz"});
    command.environment["LD_LIBRARY_PATH"] = Path("");
    const Outcome outcome = RunCommand(command);
    EXPECT_THAT(outcome, ExitsWith(0));
    EXPECT_THAT(outcome.out, HasSubstr(version ? "gzip: zlib " : "a\t7\nb\t5\n"));
  }
}

TEST_F(FormatsCliTest, GzipIsToldByContentNotByName) {
  Write("plain.gz", "a b\n");
  Write("packed.txt", Gzip("a c\n"));
  EXPECT_EQ(Count({"-f", "words", "plain.gz", "packed.txt"}), "a\t2\nb\t1\nc\t1\n");
  EXPECT_EQ(CountText({"-f", "words"}, Gzip("x y x\n")), "x\t2\ny\t1\n");
  EXPECT_EQ(Count({"-f", "words"}, Stdin::File(Path("packed.txt"))), "a\t1\nc\t1\n");
}

TEST_F(FormatsCliTest, OtherCompressionsAndEncodingsAreToldButCountedAsTheyAre) {
  Write("plain", "a b\n");
  Write("books.zst", "\x28\xb5\x2f\xfd a b\n");
  const std::vector<std::string> arguments = {"count", "-f", "words", "plain", "books.zst"};
  const Outcome outcome = Tally(arguments);
  EXPECT_THAT(outcome, ExitsWith(0));
  EXPECT_EQ(outcome.out, "a\t2\nb\t2\n\x28\xb5\x2f\xfd\t1\n");
  EXPECT_EQ(outcome.err,
            "tally: books.zst: looks like zstd data, but its bytes are counted as they are; to "
            "count the text in it: zstd -dc books.zst | tally count\n");
  EXPECT_THAT(Tally({"count", "-f", "lines"}, Stdin::Text("\xff\xfe x")).err,
              AllOf(HasSubstr("standard input: looks like UTF-16"),
                    HasSubstr("iconv -f UTF-16 -t UTF-8 | tally")));
  // The counts are hardly what anybody wants: -q is no reason to keep that back.
  EXPECT_THAT(Tally({"count", "-q", "-f", "words", "books.zst"}).err,
              HasSubstr("books.zst: looks like zstd data"));
  Write("twice.gz", Gzip(Gzip("a\n")));
  EXPECT_EQ(Tally({"count", "-f", "words", "twice.gz"}).err,
            "tally: twice.gz: holds gzip data, but its bytes are counted as they are; to count the "
            "text in it: gzip -dc twice.gz | gzip -dc | tally count\n");
  EXPECT_THAT(Tally({"count", "-f", "words"}, Stdin::Text(Gzip("\xff\xfe"))).err,
              HasSubstr("gzip -dc | iconv -f UTF-16 -t UTF-8 | tally count"));
  EXPECT_THAT(Tally({"count", "-f", "words"}, Stdin::Text("PK\x03\x04")).err,
              HasSubstr("the text in it: funzip | tally count"));
}

TEST_F(FormatsCliTest, EveryMemberOfAGzipFileIsRead) {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "w" + std::to_string(i % 10) + "\n";
  // Members end anywhere, within lines too, and may be empty.
  Write("many.gz", Gzip("") + Gzip(text, 97) + Gzip("") + Gzip("w0", 1));
  EXPECT_EQ(Count({"-f", "lines", "-n1", "many.gz"}), "w0\t501\n");
  Write("none.gz", Gzip(""));
  EXPECT_EQ(Count({"-f", "lines", "none.gz"}), "");
}

TEST_F(FormatsCliTest, ProcFilesAreReadThoughTheySaySizeZero) {
  for (const char* const path : {"/proc/version", "/proc/filesystems"}) {
    const std::string text = ReadFile(path);
    ASSERT_NE(text, "");
    EXPECT_EQ(Count({"-f", "words", path}), AskOracle({text}, OptionsOf(Format::kWords)).ByCount());
    EXPECT_EQ(Count({"-f", "lines"}, Stdin::File(path)),
              AskOracle({text}, OptionsOf(Format::kLines)).ByCount());
  }
}

TEST_F(FormatsCliTest, AFileOnStandardInputIsCountedFromWhereItsOffsetStands) {
  Write("lines", "first\nsecond\nthird\n");
  EXPECT_EQ(Shell("(read -r line; \"tally\" count -f lines -s key) < lines").out,
            "second\t1\nthird\t1\n");
  EXPECT_EQ(Shell("(cat > /dev/null; \"tally\" count -f lines) < lines").out, "");
  Write("packed", "header\n" + Gzip("inside\n"));
  EXPECT_EQ(Shell("(read -r line; \"tally\" count -f lines) < packed").out, "inside\t1\n");
}

TEST_F(FormatsCliTest, ProcessSubstitutionsAndFifosAreRead) {
  const Outcome substituted =
      Shell("\"tally\" count -f words <(echo a b) <(echo a c | gzip) <(:) -j 2");
  EXPECT_EQ(substituted.out, "a\t2\nb\t1\nc\t1\n");
  EXPECT_EQ(substituted.err, "");
  const Outcome fifo = Shell(
      "mkfifo pipe; (echo one; echo two; echo one) > pipe & "
      "\"tally\" count -f lines pipe");
  EXPECT_EQ(fifo.out, "one\t2\ntwo\t1\n");
}

TEST_F(FormatsCliTest, APipeThatComesInDribblesIsReadWhole) {
  Process tally(TallyCommand({"count", "-q"}, {Stdin::Kind::kOpenPipe, ""}));
  for (const char* const piece : {"a", "b\n", "\037", "c d"}) {
    tally.WriteStdin(piece);
    tally.WaitUntil([&] { return tally.UnreadStdinBytes() == 0; }, "the piece to be read");
  }
  tally.CloseStdin();
  const Outcome outcome = tally.Wait();
  EXPECT_EQ(outcome.out, "ab\t1\nc\t1\nd\t1\n");
  EXPECT_EQ(outcome.err, "");
}

TEST_F(FormatsCliTest, ADashIsStandardInputAndNamesMayBeginWithOne) {
  Write("-x", "from the file\n");
  Write("y", "and y\n");
  EXPECT_EQ(Count({"-f", "lines", "-s", "key", "y", "-", "--", "-x"}, Stdin::Text("piped\n")),
            "and y\t1\nfrom the file\t1\npiped\t1\n");
  const Outcome twice = Tally({"count", "-", "-"}, Stdin::Text("x"));
  EXPECT_THAT(twice, ExitsWith(2));
  // The same file twice is counted twice.
  EXPECT_EQ(Count({"-f", "lines", "y", "y"}), "and y\t2\n");
}

}  // namespace
}  // namespace tally
