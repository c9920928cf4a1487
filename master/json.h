// JSON text. The one place that knows the JSON library.
#ifndef TALLY_MASTER_JSON_H_
#define TALLY_MASTER_JSON_H_

#include <string>
#include <string_view>

namespace tally {

/// Which characters of a string are written as they are: all that JSON allows to be, or no more
/// than ASCII (the same string to every reader of JSON, and harmless on a terminal).
enum class JsonCharset { kUtf8, kAscii };

/// Appends `bytes` to `out` as a JSON string, quotes included. What is not valid UTF-8 becomes
/// U+FFFD, one for each maximal subpart of a character (Unicode 15, section 3.9; what Python's
/// errors="replace" does). Returns whether anything was replaced.
bool AppendJsonString(std::string_view bytes, std::string* out,
                      JsonCharset charset = JsonCharset::kUtf8);

}  // namespace tally

#endif  // TALLY_MASTER_JSON_H_
