// The values of command-line options: text to a number, a size, a byte or a range. Each function
// throws a UsageError that names the option and says what is allowed.
#ifndef TALLY_MASTER_OPTION_VALUES_H_
#define TALLY_MASTER_OPTION_VALUES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/format.h"
#include "common/race_window.h"

namespace tally {

/// A value as typed, and the option that it was given to ("--top").
struct OptionText {
  std::string_view option;
  std::string_view text;
};

/// What the user typed, in single quotes, safe to show and cut where it is long.
std::string Quoted(std::string_view typed);

/// Digits only: no sign, no space, no suffix.
uint64_t ParseWholeNumber(const OptionText& value, uint64_t least, uint64_t most);

/// Such numbers with commas between them; each once, in the order given.
std::vector<unsigned> ParseWholeNumbers(const OptionText& value, uint64_t least, uint64_t most);

/// Names with commas between them.
std::vector<std::string> ParseNames(const OptionText& value);

/// Bytes, 1 or more: digits, then nothing or one of K, M, G, T (powers of 1024, in either case).
uint64_t ParseSize(const OptionText& value);

/// One byte: itself, or spelled tab, \t, \\, \0 or \xNN. A newline is refused.
char ParseDelimiter(const OptionText& value);

/// FROM-TO, FROM-, -TO, or one year.
YearRange ParseYears(const OptionText& value);

/// "none", "yield", or a number of microseconds.
RaceWindow ParseRaceWindow(const OptionText& value);

/// A name of a file: any text but none at all, and none that looks like an option.
std::string ParsePath(const OptionText& value);

/// The same for what must not mix with standard output.
std::string ParsePathOfItsOwn(const OptionText& value);

template <typename T>
struct Choice {
  std::string_view name;
  T value;
};

/// Throws the UsageError for a value that is none of `names`.
[[noreturn]] void ThrowNoSuchChoice(const OptionText& value,
                                    const std::vector<std::string_view>& names);

template <typename T, size_t kCount>
T ParseChoice(const OptionText& value, const Choice<T> (&choices)[kCount]) {
  std::vector<std::string_view> names;
  for (const Choice<T>& choice : choices) {
    if (choice.name == value.text) return choice.value;
    names.push_back(choice.name);
  }
  ThrowNoSuchChoice(value, names);
}

}  // namespace tally

#endif  // TALLY_MASTER_OPTION_VALUES_H_
