// White space as Python's str.split() sees it, in UTF-8.
#ifndef TALLY_COMMON_UTF8_SPACE_H_
#define TALLY_COMMON_UTF8_SPACE_H_

#include <cstddef>

namespace tally {

/// The length of the white space character that `text`, of which `size_bytes` can be read, begins
/// with; 0 where it does not. These are the characters for which Python's str.isspace() holds
/// (bidirectional type WS, B or S, or category Zs): U+0009-U+000D, U+001C-U+0020, U+0085, U+00A0,
/// U+1680, U+2000-U+200A, U+2028, U+2029, U+202F, U+205F and U+3000.
///
/// Their first bytes never continue another character, so looking for them anywhere in a text, even
/// in one that is not valid UTF-8, finds just what decoding it finds.
inline unsigned Utf8SpaceLength(const char* text, size_t size_bytes) {
  const auto byte = [text](size_t i) { return static_cast<unsigned char>(text[i]); };
  if (size_bytes == 0) return 0;
  if (byte(0) < 0x80) {
    return (byte(0) >= 0x09 && byte(0) <= 0x0d) || (byte(0) >= 0x1c && byte(0) <= 0x20) ? 1 : 0;
  }
  if (size_bytes < 2) return 0;
  if (byte(0) == 0xc2) return byte(1) == 0x85 || byte(1) == 0xa0 ? 2 : 0;
  if (size_bytes < 3) return 0;
  const bool is_space = (byte(0) == 0xe1 && byte(1) == 0x9a && byte(2) == 0x80) ||
                        (byte(0) == 0xe2 && byte(1) == 0x80 &&
                         ((byte(2) >= 0x80 && byte(2) <= 0x8a) || byte(2) == 0xa8 ||
                          byte(2) == 0xa9 || byte(2) == 0xaf)) ||
                        (byte(0) == 0xe2 && byte(1) == 0x81 && byte(2) == 0x9f) ||
                        (byte(0) == 0xe3 && byte(1) == 0x80 && byte(2) == 0x80);
  return is_space ? 3 : 0;
}

}  // namespace tally

#endif  // TALLY_COMMON_UTF8_SPACE_H_
