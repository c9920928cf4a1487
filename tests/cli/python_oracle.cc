#include "tests/cli/python_oracle.h"

#include "tests/cli/run_tally.h"

namespace tally {

std::optional<std::vector<std::string>> AskPython(const std::vector<std::string>& paths) {
  const std::string script = R"(
import collections, os, sys
for number, path in enumerate(sys.argv[2:]):
    with open(path, 'rb') as file:
        data = file.read()
    if data.startswith(b'\xef\xbb\xbf'):
        data = data[3:]
    text = data.decode('utf-8', 'surrogateescape')
    counts = collections.Counter(word.encode('utf-8', 'surrogateescape') for word in text.split())
    with open(os.path.join(sys.argv[1], str(number)), 'wb') as file:
        for word, count in sorted(counts.items(), key=lambda row: (-row[1], row[0])):
            file.write(b'%s\t%d\n' % (word, count))
)";
  const TempDir answers;
  std::vector<std::string> arguments = {
      "-c", R"(command -v python3 > /dev/null || exit 9; exec python3 -c "$0" "$@")", script,
      answers.path()};
  arguments.insert(arguments.end(), paths.begin(), paths.end());
  const Outcome outcome = RunCommand({.arguments = arguments, .program = "sh"});
  if (outcome.exit_status == 9) return std::nullopt;
  EXPECT_THAT(outcome, ExitsWith(0));
  std::vector<std::string> rows;
  for (size_t i = 0; i < paths.size(); ++i) {
    rows.push_back(ReadFile(answers.path() + '/' + std::to_string(i)));
  }
  return rows;
}

}  // namespace tally
