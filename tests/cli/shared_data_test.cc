// Real data, where it is at hand: n-grams of Google Books, Shakespeare, the Universal Declaration
// of Human Rights. In the folder that TALLY_SHARED_DATA names, else in ../shared/data.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/cli/oracle.h"
#include "tests/cli/python_oracle.h"
#include "tests/cli/run_tally.h"

namespace tally {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class SharedDataTest : public CliTest {
 protected:
  void SetUp() override {
    const char* const named = std::getenv("TALLY_SHARED_DATA");
    data_ = named != nullptr ? fs::path(named) : fs::path(TALLY_SOURCE_DIR) / "../shared/data";
    if (!fs::is_directory(data_)) {
      GTEST_SKIP() << "THE REAL DATA WAS NOT COUNTED: there is no folder " << data_
                   << "; TALLY_SHARED_DATA may name another";
    }
  }

  /// The path of a file there, or nothing, with a note, where it is not.
  std::string Data(const std::string& name) const {
    const fs::path path = data_ / name;
    if (fs::exists(path)) return path;
    std::cout << "NOT COUNTED: there is no " << path << "\n";
    return "";
  }

  json Stats() const { return json::parse(Read("stats")); }

  fs::path data_;
};

TEST_F(SharedDataTest, TheTotalsOfRealNgramsAreRight) {
  const std::string path = Data("ngrams-v2-words-in-q.tsv");
  if (path.empty()) GTEST_SKIP() << "one file is missing";
  const std::string wanted = AskOracle({ReadFile(path)}, OptionsOf(Format::kNgram)).ByCount();
  Write("packed", Gzip(ReadFile(path), 3));
  for (const std::string& input : {path, Path("packed")}) {
    for (const char* const chunk_size : {"1", "8M"}) {
      const Outcome outcome =
          Tally({"count", "-q", "-j3", "--chunk-size", chunk_size, "--stats", "stats", input});
      EXPECT_THAT(outcome, ExitsWith(0));
      EXPECT_TRUE(outcome.out == wanted);
      EXPECT_EQ(outcome.out.find('\r'), std::string::npos);
      EXPECT_EQ(Stats().at("records"), 18203);
      EXPECT_EQ(Stats().at("distinct"), 51);
      EXPECT_EQ(Stats().at("total"), 655561813);
      EXPECT_EQ(Stats().at("format"), "ngram");
    }
  }
  const Outcome found =
      Tally({"count", "-q", "--find", "question", "--find", "quite", "--find", "questions", path});
  EXPECT_EQ(found.out, "question\t105795523\nquite\t83533939\nquestions\t53889864\n");
}

TEST_F(SharedDataTest, TheWordsOfShakespeareAreCounted) {
  const std::string path = Data("tinyshakespeare.txt");
  if (path.empty()) GTEST_SKIP() << "one file is missing";
  for (const char* const chunk_size : {"7", "8M"}) {
    const Outcome outcome =
        Tally({"count", "-q", "--chunk-size", chunk_size, "-n3", "--stats", "stats", path});
    EXPECT_EQ(outcome.out, "the\t5437\nI\t4403\nto\t3923\n");
    EXPECT_EQ(Stats().at("records"), 202651);
    EXPECT_EQ(Stats().at("total"), 202651);
    EXPECT_EQ(Stats().at("distinct"), 25670);
    EXPECT_EQ(Stats().at("format"), "words");
  }
}

TEST_F(SharedDataTest, TextsOfFiveScriptsAreSplitAsPythonSplitsThem) {
  if (Data("udhr").empty()) GTEST_SKIP() << "one folder is missing";
  std::vector<std::string> paths;
  for (const auto& entry : fs::directory_iterator(data_ / "udhr")) paths.push_back(entry.path());
  const auto expected = AskPython(paths);
  if (!expected) GTEST_SKIP() << "there is no python3 here to compare with";
  EXPECT_GE(paths.size(), 5u);
  for (size_t i = 0; i < paths.size(); ++i) {
    for (const char* const chunk_size : {"1", "100", "8M"}) {
      const Outcome outcome =
          Tally({"count", "-f", "words", "-j2", "--chunk-size", chunk_size, paths[i]});
      EXPECT_THAT(outcome, ExitsWith(0));
      EXPECT_TRUE(outcome.out == (*expected)[i]) << paths[i];
    }
  }
}

}  // namespace
}  // namespace tally
