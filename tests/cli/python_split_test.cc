// The words format against Python's own str.split(), on bytes that are anything but nice.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "tests/cli/oracle.h"
#include "tests/cli/python_oracle.h"
#include "tests/cli/run_tally.h"
#include "tests/white_space.h"

namespace tally {
namespace {

const char* const kNoPython = "there is no python3 here to compare with";

/// A few bytes: letters, white space, characters of every length, halves of them, and any byte.
std::string RandomPiece(std::mt19937* random) {
  static const std::vector<std::string> kFragments = {"\xc2",
                                                      "\xe1",
                                                      "\xe1\x9a",
                                                      "\xe2",
                                                      "\xe2\x80",
                                                      "\xe2\x81",
                                                      "\xe3",
                                                      "\xe3\x80",
                                                      "\x80",
                                                      "\x85",
                                                      "\xa0",
                                                      "\xc3\xa9",
                                                      "\xe2\x82\xac",
                                                      "\xf0\x9f\x98\x80",
                                                      "\xf0\x9f\x98",
                                                      "\xf0\x9f",
                                                      "\xf0",
                                                      "\xed\xa0\x80",
                                                      "\xc0\x80",
                                                      "\xe0\x80\x80",
                                                      "\xf4\x90\x80\x80",
                                                      "\xef\xbb\xbf",
                                                      "\xe2\x80\x8b",
                                                      "\xe2\x80\x8c",
                                                      "\xe1\xa0\x8e",
                                                      "\xe2\x81\xa0",
                                                      "\xe3\x80\x81",
                                                      "\xe2\x80\xa7"};
  const auto below = [random](size_t limit) { return (*random)() % limit; };
  switch (below(8)) {
    case 0:
      return std::string(1, static_cast<char>(below(256)));
    case 1:
    case 2:
      return ToUtf8(kPythonSpaces[below(kPythonSpaces.size())]);
    case 3:
    case 4:
      return kFragments[below(kFragments.size())];
    case 5:
      return ToUtf8(static_cast<char32_t>(below(0xd800)));
    default:
      return std::string(1 + below(3), static_cast<char>('a' + below(4)));
  }
}

class PythonSplitTest : public CliTest {
 protected:
  /// Makes a file of so many random texts, a line each, and returns its path.
  std::string RandomFile(const std::string& name, int texts, std::mt19937* random) const {
    std::string bytes;
    for (int i = 0; i < texts; ++i) {
      const size_t pieces = (*random)() % 40;
      for (size_t piece = 0; piece < pieces; ++piece) bytes += RandomPiece(random);
      bytes += '\n';
    }
    // What ends a file is as random as the rest.
    for (size_t piece = (*random)() % 5; piece > 0; --piece) bytes += RandomPiece(random);
    Write(name, bytes);
    return Path(name);
  }
};

TEST_F(PythonSplitTest, RandomBytesAreSplitAsPythonSplitsThem) {
  std::mt19937 random(20240229);
  std::vector<std::string> paths(30);
  for (size_t i = 0; i < paths.size(); ++i) {
    paths[i] = RandomFile("random" + std::to_string(i), 200, &random);
  }
  const auto expected = AskPython(paths);
  if (!expected) GTEST_SKIP() << kNoPython;
  constexpr const char* kChunkSizes[] = {"1", "7", "64", "2K", "8M"};
  for (size_t i = 0; i < paths.size(); ++i) {
    const std::string text = ReadFile(paths[i]);
    std::vector<std::string> arguments = {
        "count",           "-f", "words", "-j", std::to_string(1 + i % 4), "--chunk-size",
        kChunkSizes[i % 5]};
    const Outcome piped = Tally(arguments, Stdin::Text(i % 2 == 0 ? text : Gzip(text)));
    arguments.push_back(paths[i]);
    const Outcome mapped = Tally(arguments);
    EXPECT_THAT(mapped, ExitsWith(0));
    EXPECT_TRUE(mapped.out == (*expected)[i]) << testing::PrintToString(arguments);
    EXPECT_TRUE(piped.out == (*expected)[i]) << "piped " << testing::PrintToString(arguments);
    EXPECT_TRUE(AskOracle({text}, OptionsOf(Format::kWords)).ByCount() == (*expected)[i])
        << "the oracle is wrong";
  }
}

TEST_F(PythonSplitTest, EveryCodePointIsWhiteSpaceOrNotAsInPython) {
  std::string text;
  for (char32_t code = 1; code < 0x10000; ++code) {
    if (code < 0xd800 || code > 0xdfff) text += "a" + ToUtf8(code) + "b\n";
  }
  Write("all", text);
  const auto expected = AskPython({Path("all")});
  if (!expected) GTEST_SKIP() << kNoPython;
  const Outcome outcome = Tally({"count", "-f", "words", "all"});
  EXPECT_THAT(outcome, ExitsWith(0));
  EXPECT_TRUE(outcome.out == expected->front());
}

}  // namespace
}  // namespace tally
