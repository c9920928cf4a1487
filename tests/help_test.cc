#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <sstream>
#include <string>
#include <variant>
#include <vector>

#include "master/cli.h"
#include "master/option_table.h"
#include "master/options.h"

namespace tally {
namespace {

using ::testing::HasSubstr;

std::string Help() {
  const std::array arguments = {"--help"};
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
  EXPECT_THAT(help, HasSubstr("SIZE is a number of bytes"));
  EXPECT_THAT(help, HasSubstr("Exit status: 0 done, 1 failed, 2 wrong usage"));
  EXPECT_LT(help.find("Examples:"), help.find("Usage:"));
  EXPECT_LT(help.find("Usage:"), help.find("Input options:"));
}

TEST(OptionTableTest, GivesNoNameOrLetterTwice) {
  CountOptions unused;
  std::vector<std::string> names;
  for (const OptionGroup& group : CountOptionTable(&unused)) {
    for (const OptionSpec& option : group.options) {
      names.push_back(option.name);
      if (option.letter != 0) names.push_back(std::string{option.letter});
    }
  }
  std::ranges::sort(names);
  EXPECT_EQ(std::ranges::adjacent_find(names), names.end());
}

}  // namespace
}  // namespace tally
