// Reads a command's arguments by its table of options. The one module that knows the library which
// reads command lines.
#ifndef TALLY_MASTER_CLI_H_
#define TALLY_MASTER_CLI_H_

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "master/option_table.h"

namespace tally {

using Arguments = std::span<const char* const>;

struct ParsedArguments {
  bool help = false;  // asked for; then no option was set
  bool version = false;
  std::vector<std::string> others;  // what is no option: files, names
};

/// Calls the set() of each option that is given, in order. Throws UsageError; its message suggests
/// the nearest option for a mistyped one. `command` is for messages: "tally count".
ParsedArguments ParseArguments(const OptionTable& table, std::string_view command,
                               Arguments arguments);

/// The options with what the help says of them, by groups; lines of at most 80 columns.
std::string FormatOptionList(const OptionTable& table);

}  // namespace tally

#endif  // TALLY_MASTER_CLI_H_
