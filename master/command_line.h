// What the program is asked to do: from arguments to the options of a command.
#ifndef TALLY_MASTER_COMMAND_LINE_H_
#define TALLY_MASTER_COMMAND_LINE_H_

#include <span>
#include <string>
#include <variant>

#include "master/options.h"

namespace tally {

/// Print this text and exit with this status: help and --version on stdout with 0, help that
/// nobody asked for on stderr with 2.
struct PrintAndExit {
  std::string text;
  int exit_status = 0;
};

using CommandLine = std::variant<CountOptions, RaceOptions, CompareOptions, PrintAndExit>;

/// Reads the arguments after the program's name. Throws UsageError; its message suggests the
/// nearest option or command for a mistyped one. `stdin_is_terminal`: then `tally count` without
/// a file is a call for help rather than one to read the keyboard.
CommandLine ParseCommandLine(std::span<const char* const> arguments, bool stdin_is_terminal);

}  // namespace tally

#endif  // TALLY_MASTER_COMMAND_LINE_H_
