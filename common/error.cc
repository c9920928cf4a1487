#include "common/error.h"

#include <fmt/format.h>

#include <system_error>

#include "common/escape.h"

namespace tally {

Error SystemError(std::string_view path, std::string_view what, int errno_value) {
  return Error(fmt::format("{}: {}: {}", EscapeForMessage(path), what,
                           std::generic_category().message(errno_value)));
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
