// What a command line comes to.
#ifndef TALLY_TESTS_PARSED_COMMAND_LINE_H_
#define TALLY_TESTS_PARSED_COMMAND_LINE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/error.h"
#include "master/command_line.h"
#include "master/options.h"

namespace tally {

using Typed = std::vector<std::string>;

inline CommandLine Parse(const Typed& typed, bool stdin_is_terminal = false) {
  std::vector<const char*> arguments;
  for (const std::string& argument : typed) arguments.push_back(argument.c_str());
  return ParseCommandLine(arguments, stdin_is_terminal);
}

/// The options of `tally count ...`.
inline CountOptions Count(Typed typed) {
  typed.insert(typed.begin(), "count");
  CommandLine line = Parse(typed);
  if (auto* options = std::get_if<CountOptions>(&line)) return *options;
  ADD_FAILURE() << "prints instead of counting: " << ::testing::PrintToString(typed);
  return {};
}

inline PrintAndExit Printed(const Typed& typed, bool stdin_is_terminal = false) {
  CommandLine line = Parse(typed, stdin_is_terminal);
  if (auto* print = std::get_if<PrintAndExit>(&line)) return *print;
  ADD_FAILURE() << "counts instead of printing: " << ::testing::PrintToString(typed);
  return {};
}

/// The UsageError of a command line, which has to be one line.
inline std::string MessageFor(const Typed& typed) {
  try {
    Parse(typed);
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), ::testing::Not(::testing::HasSubstr("\n")));
    return error.what();
  }
  return "no error";
}

inline std::string CountMessageFor(Typed typed) {
  typed.insert(typed.begin(), "count");
  return MessageFor(typed);
}

}  // namespace tally

#endif  // TALLY_TESTS_PARSED_COMMAND_LINE_H_
