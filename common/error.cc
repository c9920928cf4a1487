#include "common/error.h"

#include <fmt/format.h>

#include <cerrno>
#include <system_error>

#include "common/escape.h"

namespace tally {

Error SystemError(std::string_view path, std::string_view what, int errno_value) {
  const char* const remedy = errno_value == EMFILE ? "; raise that limit, ulimit -n" : "";
  return Error(fmt::format("{}: {}: {}{}", EscapeForMessage(path), what,
                           std::generic_category().message(errno_value), remedy));
}

std::string FormatMemory(uint64_t bytes, Rounding rounding) {
  struct Unit {
    uint64_t bytes;
    const char* name;
  };
  for (const Unit& unit : {Unit{uint64_t{1} << 20, "MiB"}, Unit{uint64_t{1} << 10, "KiB"}}) {
    // Where the part of a unit matters, the next smaller one tells it.
    constexpr uint64_t kMany = 16;
    const uint64_t rest = bytes % unit.bytes;
    if (bytes < kMany * unit.bytes && (rest != 0 || bytes == 0)) continue;
    const uint64_t up = rounding == Rounding::kUp && rest != 0 ? 1 : 0;
    return fmt::format("{} {}", bytes / unit.bytes + up, unit.name);
  }
  return fmt::format("{} bytes", bytes);
}

std::string_view AddressSpaceRemedy(uint64_t workers) {
  return workers > 1 ? "use fewer workers (-j) or raise the limit (ulimit -v)"
                     : "raise the limit (ulimit -v)";
}

Error OverflowError(std::string_view key) {
  return Error(fmt::format("the count of \"{}\" passes 2^64-1 (18446744073709551615)",
                           EscapeForMessage(key, kShownBytes)));
}

}  // namespace tally
