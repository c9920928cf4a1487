#include "common/escape.h"

#include <algorithm>

namespace tally {
namespace {

unsigned char ByteAt(std::string_view bytes, size_t i) {
  return static_cast<unsigned char>(bytes[i]);
}

/// REQUIRES: `character` is one valid UTF-8 character, whole.
char32_t Decode(std::string_view character) {
  if (character.size() == 1) return ByteAt(character, 0);
  char32_t code = ByteAt(character, 0) & (0x7fU >> character.size());
  for (size_t i = 1; i < character.size(); ++i) code = code << 6 | (ByteAt(character, i) & 0x3fU);
  return code;
}

/// The line and paragraph separators are among them: some terminals break the line there.
bool IsControl(char32_t code) {
  return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x061c || code == 0x200e ||
         code == 0x200f || (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

}  // namespace

size_t Utf8CharLength(std::string_view bytes) {
  if (bytes.empty()) return 0;
  const unsigned char lead = ByteAt(bytes, 0);
  if (lead < 0x80) return 1;
  // Only the second byte's range depends on the first: that is what keeps out overlong forms,
  // surrogates and code points above U+10FFFF.
  size_t length = 0;
  unsigned char second_min = 0x80;
  unsigned char second_max = 0xbf;
  if (lead >= 0xc2 && lead <= 0xdf) {
    length = 2;
  } else if (lead >= 0xe0 && lead <= 0xef) {
    length = 3;
    if (lead == 0xe0) second_min = 0xa0;
    if (lead == 0xed) second_max = 0x9f;
  } else if (lead >= 0xf0 && lead <= 0xf4) {
    length = 4;
    if (lead == 0xf0) second_min = 0x90;
    if (lead == 0xf4) second_max = 0x8f;
  } else {
    return 0;
  }
  if (bytes.size() < length) return 0;
  if (ByteAt(bytes, 1) < second_min || ByteAt(bytes, 1) > second_max) return 0;
  for (size_t i = 2; i < length; ++i) {
    if ((ByteAt(bytes, i) & 0xc0) != 0x80) return 0;
  }
  return length;
}

void AppendEscaped(std::string_view bytes, std::string* out) {
  constexpr std::string_view kHexDigits = "0123456789abcdef";
  while (!bytes.empty()) {
    const size_t length = Utf8CharLength(bytes);
    const std::string_view unit = bytes.substr(0, std::max<size_t>(length, 1));
    if (length == 0 || IsControl(Decode(unit))) {
      for (size_t i = 0; i < unit.size(); ++i) {
        *out += "\\x";
        *out += kHexDigits[ByteAt(unit, i) >> 4];
        *out += kHexDigits[ByteAt(unit, i) & 0xf];
      }
    } else {
      out->append(unit);
    }
    bytes.remove_prefix(unit.size());
  }
}

std::string EscapeForMessage(std::string_view bytes, size_t max_bytes) {
  size_t shown = 0;
  while (shown < bytes.size()) {
    const size_t next = shown + std::max<size_t>(Utf8CharLength(bytes.substr(shown)), 1);
    if (next > max_bytes) break;
    shown = next;
  }
  std::string escaped;
  AppendEscaped(bytes.substr(0, shown), &escaped);
  if (shown < bytes.size()) escaped += "...";
  return escaped;
}

}  // namespace tally
