// Makes bytes from outside (keys, lines, file names) safe to show to a person: nothing in them can
// move the cursor, change colours or reorder the text of a terminal.
#ifndef TALLY_COMMON_ESCAPE_H_
#define TALLY_COMMON_ESCAPE_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace tally {

/// How much of a key or a line a message shows.
constexpr size_t kShownBytes = 80;

/// Appends `bytes` to `out`. Control characters (C0, DEL, C1), Unicode's bidirectional controls
/// and bytes that are not valid UTF-8 appear as \xNN, byte by byte; all else is unchanged.
void AppendEscaped(std::string_view bytes, std::string* out);

/// `bytes` escaped as above. With `max_bytes`, at most that many bytes are shown (never half a
/// character), and "..." follows where something was cut.
std::string EscapeForMessage(std::string_view bytes, size_t max_bytes = std::string_view::npos);

/// Length of the valid UTF-8 character at the start of `bytes`, 1 to 4, or 0 where there is none.
/// (Unicode 15, table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF.)
size_t Utf8CharLength(std::string_view bytes);

}  // namespace tally

#endif  // TALLY_COMMON_ESCAPE_H_
