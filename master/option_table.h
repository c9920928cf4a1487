// The options of each command, once: parsing, the list in the help and the suggestions for typing
// errors all come from here. Knows nothing of the library that reads the command line.
#ifndef TALLY_MASTER_OPTION_TABLE_H_
#define TALLY_MASTER_OPTION_TABLE_H_

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "master/option_values.h"
#include "master/options.h"

namespace tally {

struct OptionSpec {
  char letter;           // 0: none
  std::string name;      // without its dashes
  std::string argument;  // its name in the help; empty: the option takes none
  std::string help;
  // Called in the order of the command line; throws UsageError.
  std::function<void(const OptionText&)> set;
  // What other programs call it: understood in suggestions only.
  std::vector<std::string_view> other_names = {};
};

struct OptionGroup {
  std::string title;  // of the task that its options are for; the help adds the word "options"
  std::vector<OptionSpec> options;
};

using OptionTable = std::vector<OptionGroup>;

/// `options` must outlive the table. --help and --version set nothing.
OptionTable CountOptionTable(CountOptions* options);
OptionTable RaceOptionTable(RaceOptions* options);
OptionTable CompareOptionTable(CompareOptions* options);

}  // namespace tally

#endif  // TALLY_MASTER_OPTION_TABLE_H_
