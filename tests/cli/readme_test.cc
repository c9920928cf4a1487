// Runs the examples of README.md and holds their output against what it says.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/cli/run_tally.h"

namespace tally {
namespace {

namespace fs = std::filesystem;

// A command of a ```console block, after "$ " ("> " where it goes on), and the lines under it.
struct Example {
  std::string command;
  std::string output;
};

std::vector<Example> ReadExamples(const fs::path& readme) {
  std::ifstream file(readme);
  std::vector<Example> examples;
  bool in_console = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("```")) {
      in_console = line == "```console";
    } else if (!in_console) {
      continue;
    } else if (line.starts_with("$ ")) {
      examples.push_back({.command = line.substr(2) + "\n", .output = ""});
    } else if (line.starts_with("> ")) {
      examples.back().command += line.substr(2) + "\n";
    } else {
      examples.back().output += line + "\n";
    }
  }
  return examples;
}

constexpr char kMark[] = "@@ end of example @@\n";

// One shell runs them all, so that they share files and $?.
std::string RunAll(const std::vector<Example>& examples, const fs::path& directory) {
  std::ofstream script(directory / "examples.sh");
  script << "PATH='" << fs::path(TALLY_BINARY).parent_path().string() << "':$PATH\n";
  for (const Example& example : examples) {
    script << example.command << "last=$?; printf '"
           << "@@ end of example @@\\n"
           << "'; (exit $last)\n";
  }
  script.close();
  const std::string command = "cd '" + directory.string() + "' && sh ./examples.sh </dev/null 2>&1";
  std::FILE* pipe = popen(command.c_str(), "r");
  std::string output;
  char buffer[4096];
  while (const size_t count = std::fread(buffer, 1, sizeof buffer, pipe)) {
    output.append(buffer, count);
  }
  pclose(pipe);
  return output;
}

TEST(ReadmeTest, ExamplesPrintWhatItSays) {
  const std::vector<Example> examples = ReadExamples(fs::path(TALLY_SOURCE_DIR) / "README.md");
  ASSERT_GE(examples.size(), 10u);
  std::string directory = testing::TempDir() + "/readme.XXXXXX";
  ASSERT_NE(mkdtemp(directory.data()), nullptr);
  std::string output = RunAll(examples, directory);
  fs::remove_all(directory);
  for (const Example& example : examples) {
    const size_t end = output.find(kMark);
    ASSERT_NE(end, std::string::npos) << "the shell ended before: " << example.command;
    EXPECT_EQ(output.substr(0, end), example.output) << "of: " << example.command;
    output.erase(0, end + sizeof kMark - 1);
  }
}

// "`WorkQueueDeathsTest`", "`FaultPointsCliTest.AnErrorInTheMasterLeavesNothingBehind`".
TEST(ReadmeTest, TheTestsThatItNamesExist) {
  const fs::path root = TALLY_SOURCE_DIR;
  std::string tests;
  for (const auto& entry : fs::recursive_directory_iterator(root / "tests")) {
    if (entry.path().extension() == ".cc") tests += ReadFile(entry.path());
  }
  const std::string readme = ReadFile(root / "README.md");
  int names = 0;
  for (size_t at = readme.find('`'); at != std::string::npos;) {
    const size_t end = readme.find('`', at + 1);
    const std::string quoted = readme.substr(at + 1, end - at - 1);
    at = readme.find('`', end + 1);
    const size_t dot = std::min(quoted.find('.'), quoted.size());
    const std::string suite = quoted.substr(0, dot);
    if (!suite.ends_with("Test") || suite.find(' ') != std::string::npos) continue;
    const std::string test = quoted.substr(std::min(dot + 1, quoted.size()));
    EXPECT_NE(tests.find("(" + suite + ", " + test), std::string::npos) << quoted;
    ++names;
  }
  EXPECT_GT(names, 20);
}

}  // namespace
}  // namespace tally
