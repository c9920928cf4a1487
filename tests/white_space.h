// The white space characters, for the tests that hold something against them.
#ifndef TALLY_TESTS_WHITE_SPACE_H_
#define TALLY_TESTS_WHITE_SPACE_H_

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace tally {

/// Code points where Python's str.isspace() holds.
constexpr std::array<char32_t, 29> kPythonSpaces = {
    0x09,   0x0a,   0x0b,   0x0c,   0x0d,   0x1c,   0x1d,   0x1e,   0x1f,   0x20,
    0x85,   0xa0,   0x1680, 0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005, 0x2006,
    0x2007, 0x2008, 0x2009, 0x200a, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000};

inline bool IsPythonSpace(char32_t code_point) {
  return std::find(kPythonSpaces.begin(), kPythonSpaces.end(), code_point) != kPythonSpaces.end();
}

/// REQUIRES: below U+10000 and no surrogate.
inline std::string ToUtf8(char32_t code_point) {
  const auto byte = [](char32_t value) { return std::string(1, static_cast<char>(value)); };
  if (code_point < 0x80) return byte(code_point);
  const std::string last = byte(0x80 | (code_point & 0x3f));
  if (code_point < 0x800) return byte(0xc0 | code_point >> 6) + last;
  return byte(0xe0 | code_point >> 12) + byte(0x80 | (code_point >> 6 & 0x3f)) + last;
}

/// All of them, in UTF-8.
inline std::vector<std::string> Utf8Spaces() {
  std::vector<std::string> spaces;
  spaces.reserve(kPythonSpaces.size());
  for (const char32_t code_point : kPythonSpaces) spaces.push_back(ToUtf8(code_point));
  return spaces;
}

}  // namespace tally

#endif  // TALLY_TESTS_WHITE_SPACE_H_
