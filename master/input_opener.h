// Opens a run's inputs, looks at how they begin, and at the end, whether they are still the same.
#ifndef TALLY_MASTER_INPUT_OPENER_H_
#define TALLY_MASTER_INPUT_OPENER_H_

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/input.h"

namespace tally {

/// Called about ten times a second with the name of what is waited for; may throw to give up.
using WhileWaiting = std::function<void(const std::string& name)>;

/// Throws an Error for the first path that is missing, unreadable or a directory, before anything
/// is opened: a FIFO makes its opener wait. UsageError where a pipe or terminal is among them
/// twice, by whatever names.
void CheckReadable(const std::vector<std::string>& paths);

/// Opens each path ("-": standard input): plain regular files are mapped, all else becomes a
/// stream; gzip is told by content. Waits for a pipe's first line. Throws an Error for the first
/// path that cannot be opened or read.
std::vector<Input> OpenInputs(const std::vector<std::string>& paths,
                              const WhileWaiting& while_waiting_for);

/// The start of the input's text, decompressed, as far as that is known: at least the first line or
/// a MiB, unless it breaks off before.
std::string FirstText(const Input& input);

/// The first line of the input's text, decompressed, without a byte order mark and without its end;
/// none where the text is empty. A line of over a MiB is cut.
std::optional<std::string> FirstLine(const Input& input);

/// Throws an Error for the first of the inputs, opened from these paths, that is no longer the file
/// it was, by its inode, size and time of modification: what was read of it may be neither the old
/// one nor the new one. Pipes and /proc files cannot tell.
void ThrowIfChanged(std::span<const Input> inputs, const std::vector<std::string>& paths);

/// The name of the first input whose ctime alone has changed, with no other attribute that explains
/// it; empty where there is none. Its text may have changed, and its time of modification been set
/// back; but labels and times of access change the ctime as well.
std::string FirstTouched(std::span<const Input> inputs, const std::vector<std::string>& paths);

}  // namespace tally

#endif  // TALLY_MASTER_INPUT_OPENER_H_
