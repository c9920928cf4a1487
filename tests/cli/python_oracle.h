// What Python makes of the words of a text.
#ifndef TALLY_TESTS_CLI_PYTHON_ORACLE_H_
#define TALLY_TESTS_CLI_PYTHON_ORACLE_H_

#include <optional>
#include <string>
#include <vector>

namespace tally {

/// Rows as OracleAnswer::ByCount() has them for the words of each file, as Python's str.split()
/// finds them; none where there is no python3.
std::optional<std::vector<std::string>> AskPython(const std::vector<std::string>& paths);

}  // namespace tally

#endif  // TALLY_TESTS_CLI_PYTHON_ORACLE_H_
