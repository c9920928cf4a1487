// Opens a run's inputs and looks at how they begin.
#ifndef TALLY_MASTER_INPUT_OPENER_H_
#define TALLY_MASTER_INPUT_OPENER_H_

#include <string>
#include <vector>

#include "common/input.h"

namespace tally {

/// Opens each path ("-": standard input): plain regular files are mapped, all else becomes a
/// stream; gzip is told by content. Waits for a pipe's first bytes. Throws an Error for the first
/// path that is missing, unreadable or a directory.
std::vector<Input> OpenInputs(const std::vector<std::string>& paths);

/// The first bytes of the input's text, decompressed, without a byte order mark: enough to tell
/// formats apart. Empty only where the text is.
std::string FirstBytes(const Input& input);

}  // namespace tally

#endif  // TALLY_MASTER_INPUT_OPENER_H_
