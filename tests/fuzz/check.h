// What the fuzzers check with. What does not hold is told on standard error and ends the process,
// which is what libFuzzer takes for a finding.
#ifndef TALLY_TESTS_FUZZ_CHECK_H_
#define TALLY_TESTS_FUZZ_CHECK_H_

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "common/escape.h"

namespace tally::fuzz {

/// A value as a message shows it: numbers as they are, texts quoted and escaped.
template <typename T>
std::string Show(const T& value) {
  if constexpr (std::is_convertible_v<const T&, std::string_view>) {
    return "\"" + EscapeForMessage(value, /*max_bytes=*/200) + "\"";
  } else {
    return fmt::to_string(value);
  }
}

/// `what`, with the values for its {}.
template <typename... Values>
std::string Describe(std::string_view what, const Values&... values) {
  const auto format = [what](const auto&... shown) {
    return fmt::vformat(what, fmt::make_format_args(shown...));
  };
  return format(Show(values)...);
}

/// Ends the process with a message, unless `holds`. Nothing is formatted before.
template <typename... Values>
void Check(bool holds, std::string_view what, const Values&... values) {
  if (holds) [[likely]]
    return;
  fmt::print(stderr, "fuzzer: {}\n", Describe(what, values...));
  std::abort();
}

/// As Check(), of two values that have to be equal; `what` names them.
template <typename A, typename B, typename... Values>
void CheckEqual(const A& actual, const B& expected, std::string_view what,
                const Values&... values) {
  if (actual == expected) [[likely]]
    return;
  fmt::print(stderr, "fuzzer: {}:\n  is        {}\n  should be {}\n", Describe(what, values...),
             Show(actual), Show(expected));
  std::abort();
}

}  // namespace tally::fuzz

#endif  // TALLY_TESTS_FUZZ_CHECK_H_
