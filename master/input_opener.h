// Opens a run's inputs and looks at how they begin.
#ifndef TALLY_MASTER_INPUT_OPENER_H_
#define TALLY_MASTER_INPUT_OPENER_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/input.h"

namespace tally {

/// Opens each path ("-": standard input): plain regular files are mapped, all else becomes a
/// stream; gzip is told by content. Waits for a pipe's first line, and meanwhile calls
/// `while_waiting` about ten times a second; it may throw to give up. Throws an Error for the first
/// path that is missing, unreadable or a directory.
std::vector<Input> OpenInputs(const std::vector<std::string>& paths,
                              const std::function<void()>& while_waiting);

/// The first line of the input's text, decompressed, without a byte order mark and without its end;
/// none where the text is empty. A line of over a MiB is cut.
std::optional<std::string> FirstLine(const Input& input);

}  // namespace tally

#endif  // TALLY_MASTER_INPUT_OPENER_H_
