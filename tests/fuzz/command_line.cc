// Any arguments make a command, a text or a UsageError.
// A UsageError is one line. What a command was understood to be, said again option by option, is
// understood to be the same.
#include "master/command_line.h"

#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/error.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/retype.h"

namespace tally::fuzz {
namespace {

CommandLine Parse(const Typed& typed, bool stdin_is_terminal) {
  std::vector<const char*> arguments;
  for (const std::string& argument : typed) arguments.push_back(argument.c_str());
  return ParseCommandLine(arguments, stdin_is_terminal);
}

void CheckArguments(const Typed& typed, bool stdin_is_terminal) {
  Typed again;
  try {
    again = std::visit([](const auto& command) { return Retype(command); },
                       Parse(typed, stdin_is_terminal));
  } catch (const UsageError& error) {
    const std::string_view message = error.what();
    Check(!message.empty(), "an error says nothing");
    CheckEqual(EscapeForMessage(message), message, "a message, escaped");
    return;
  }
  if (again.empty()) return;
  const std::string shown = fmt::format("{}", fmt::join(again, " "));
  try {
    const Typed third = std::visit([](const auto& command) { return Retype(command); },
                                   Parse(again, stdin_is_terminal));
    CheckEqual(fmt::format("{}", fmt::join(third, " ")), shown, "the options, said again");
  } catch (const UsageError& error) {
    Check(false, "{} is refused: {}", shown, error.what());
  }
}

}  // namespace
}  // namespace tally::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzedDataProvider input(data, size);
  const bool stdin_is_terminal = input.ConsumeBool();
  // A zero ends an argument, as it does for the kernel.
  tally::fuzz::Typed typed;
  std::string rest = input.ConsumeRemainingBytesAsString();
  for (size_t end; !rest.empty(); rest.erase(0, end)) {
    end = std::min(rest.find('\0'), rest.size() - 1) + 1;
    typed.push_back(rest.substr(0, end).c_str());
  }
  tally::fuzz::CheckArguments(typed, stdin_is_terminal);
  return 0;
}
