#include "common/cut.h"

#include <cstring>

#include "common/utf8_space.h"

namespace tally {
namespace {

size_t SpaceLengthAt(std::string_view text, size_t offset) {
  return Utf8SpaceLength(text.data() + offset, text.size() - offset);
}

}  // namespace

CutRule CutRuleFor(Format format) {
  return format == Format::kWords ? CutRule::kAtSpace : CutRule::kAtNewline;
}

size_t FirstCut(std::string_view text, size_t from, CutRule rule) {
  if (rule == CutRule::kAtNewline) {
    const size_t newline = text.find('\n', from);
    return newline == std::string_view::npos ? text.size() : newline + 1;
  }
  for (; from < text.size(); ++from) {
    if (const size_t length = SpaceLengthAt(text, from); length > 0) return from + length;
  }
  return text.size();
}

size_t LastCut(std::string_view text, CutRule rule, size_t from) {
  if (rule == CutRule::kAtNewline) {
    const void* const newline = memrchr(text.data() + from, '\n', text.size() - from);
    return newline == nullptr
               ? 0
               : static_cast<size_t>(static_cast<const char*>(newline) - text.data()) + 1;
  }
  for (size_t offset = text.size(); offset-- > from;) {
    if (const size_t length = SpaceLengthAt(text, offset); length > 0) return offset + length;
  }
  return 0;
}

}  // namespace tally
