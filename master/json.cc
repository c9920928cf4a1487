#include "master/json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/escape.h"

namespace tally {

bool AppendJsonString(std::string_view bytes, std::string* out, JsonCharset charset) {
  // Nearly every key is copied as it is: the library would make two strings for each.
  bool valid = true;
  bool verbatim = true;
  for (size_t at = 0; at < bytes.size();) {
    const auto byte = static_cast<unsigned char>(bytes[at]);
    if (byte < 0x80) {
      verbatim &= byte >= 0x20 && byte != '"' && byte != '\\';
      ++at;
      continue;
    }
    const size_t length = Utf8CharLength(bytes.substr(at));
    valid &= length != 0;
    at += std::max<size_t>(length, 1);
  }
  if (valid && verbatim && charset == JsonCharset::kUtf8) {
    *out += '"';
    *out += bytes;
    *out += '"';
  } else {
    *out += nlohmann::json(bytes).dump(-1, ' ', charset == JsonCharset::kAscii,
                                       nlohmann::json::error_handler_t::replace);
  }
  return !valid;
}

}  // namespace tally
