#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <sstream>
#include <string>
#include <variant>
#include <vector>

#include "master/command_line.h"
#include "master/option_table.h"
#include "master/options.h"

namespace tally {
namespace {

using ::testing::HasSubstr;

std::string Help() {
  const std::array arguments = {"count", "--help"};
  return std::get<PrintAndExit>(ParseCommandLine(arguments, /*stdin_is_terminal=*/false)).text;
}

TEST(HelpTest, NamesEveryOptionAndFits80Columns) {
  const std::string help = Help();
  CountOptions unused;
  for (const OptionGroup& group : CountOptionTable(&unused)) {
    EXPECT_THAT(help, HasSubstr(fmt::format("\n{} options:\n", group.title)));
    for (const OptionSpec& option : group.options) {
      const std::string letter = option.letter == 0 ? "  " : fmt::format("-{},", option.letter);
      const std::string names = fmt::format("{:3} --{} {}", letter, option.name, option.argument);
      EXPECT_THAT(help, HasSubstr(fmt::format("\n  {} ", names)));
    }
  }
  std::istringstream lines(help);
  for (std::string line; std::getline(lines, line);) {
    EXPECT_LE(line.size(), 80u) << line;
    EXPECT_FALSE(line.ends_with(' ')) << line;
  }
}

TEST(HelpTest, StatesTheRuleOfAutoSizesAndExitStatuses) {
  const std::string help = Help();
  EXPECT_THAT(help, HasSubstr("the first line decides"));
  EXPECT_THAT(help, HasSubstr("SIZE is a number of bytes; K, M, G and T stand for"));
  EXPECT_THAT(help, HasSubstr("Exit status: 0 done, 1 failed, 2 wrong usage"));
  EXPECT_LT(help.find("Examples:"), help.find("Usage:"));
  EXPECT_LT(help.find("Usage:"), help.find("Input options:"));
}

TEST(HelpTest, EveryHelpFits80ColumnsAndBeginsWithExamples) {
  for (const std::vector<const char*>& typed :
       std::vector<std::vector<const char*>>{{"--help"},
                                             {"help"},
                                             {"help", "race"},
                                             {"race", "-h"},
                                             {"count", "-h"},
                                             {"compare", "-h"}}) {
    const std::string help =
        std::get<PrintAndExit>(ParseCommandLine(typed, /*stdin_is_terminal=*/false)).text;
    EXPECT_TRUE(help.starts_with("Examples:\n"));
    std::istringstream lines(help);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80u) << line;
  }
}

TEST(OptionTableTest, GivesNoNameOrLetterTwice) {
  CountOptions count;
  RaceOptions race;
  for (const OptionTable& table : {CountOptionTable(&count), RaceOptionTable(&race)}) {
    std::vector<std::string> names;
    for (const OptionGroup& group : table) {
      for (const OptionSpec& option : group.options) {
        names.push_back(option.name);
        if (option.letter != 0) names.push_back(std::string{option.letter});
      }
    }
    std::ranges::sort(names);
    EXPECT_EQ(std::ranges::adjacent_find(names), names.end());
  }
}

}  // namespace
}  // namespace tally
