// What the program says to a person, on standard error.
#ifndef TALLY_MASTER_MESSAGES_H_
#define TALLY_MASTER_MESSAGES_H_

#include <string_view>

namespace tally {

/// For the start of the program: a standard stream that it was started without (`>&-`) becomes
/// /dev/null opened the wrong way round, so that using it fails. Else the next file to be opened
/// would take its number, and what is meant for the stream.
void OccupyStandardStreams();

/// Writes "tally: TEXT" and a newline. Where standard error is closed, full or gone, nothing can be
/// said, and that is no reason to fail: the exit status still tells.
void Say(std::string_view text);

/// The same for a whole text, as it is.
void SayAsIs(std::string_view text);

/// Writes to standard error as it is, or nothing at all where that would have to wait for long (a
/// tenth of a second): a terminal that was stopped must not stop the work.
void ShowIfReady(std::string_view text);

}  // namespace tally

#endif  // TALLY_MASTER_MESSAGES_H_
