#include "common/cut.h"

#include <algorithm>
#include <cstring>

namespace tally {
namespace {

// The ASCII part of what Python's str.split() takes for white space.
bool IsAsciiSpace(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte >= 0x09 && byte <= 0x0d) || (byte >= 0x1c && byte <= 0x20);
}

}  // namespace

CutRule CutRuleFor(Format format) {
  return format == Format::kWords ? CutRule::kAtSpace : CutRule::kAtNewline;
}

size_t FirstCut(std::string_view text, size_t from, CutRule rule) {
  if (from >= text.size()) return text.size();
  const std::string_view rest = text.substr(from);
  const auto end =
      rule == CutRule::kAtSpace
          ? static_cast<size_t>(std::find_if(rest.begin(), rest.end(), IsAsciiSpace) - rest.begin())
          : rest.find('\n');
  return end >= rest.size() ? text.size() : from + end + 1;
}

size_t LastCut(std::string_view text, CutRule rule) {
  if (rule == CutRule::kAtNewline) return text.rfind('\n') + 1;  // npos + 1 is 0
  const auto last = std::find_if(text.rbegin(), text.rend(), IsAsciiSpace);
  return static_cast<size_t>(text.rend() - last);
}

}  // namespace tally
