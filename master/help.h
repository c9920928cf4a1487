// The text of --help: what no list of options can tell.
#ifndef TALLY_MASTER_HELP_H_
#define TALLY_MASTER_HELP_H_

#include <string>
#include <string_view>

namespace tally {

/// What there is; what `tally` alone prints.
std::string TallyHelp();

/// A command's whole help: examples, usage, `options` (their list, made by who parses them), and
/// what holds for all of them. Lines of at most 80 columns.
std::string CountHelp(std::string_view options);
std::string RaceHelp(std::string_view options);
std::string CompareHelp(std::string_view options);

}  // namespace tally

#endif  // TALLY_MASTER_HELP_H_
