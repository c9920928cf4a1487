#include "master/input_warnings.h"

#include <fmt/format.h>

#include <system_error>

#include "common/escape.h"
#include "master/foreign_format.h"
#include "master/input_opener.h"

namespace tally {

std::string WarningOfForeignFormat(std::span<const Input> inputs,
                                   const std::vector<std::string>& paths) {
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Input& input = inputs[i];
    const std::string name = EscapeForMessage(input.name);
    const std::string_view start = FirstBytes(input, kForeignFormatBytes);
    const auto format = RecognizeForeignFormat(start);
    if (!format.name.empty()) {
      return fmt::format(
          "{}: looks like {} data, but its bytes are counted as they are; to count the text in it: "
          "{}{} | tally count",
          name, format.name, format.converter,
          paths[i] == "-" ? "" : " " + EscapeForMessage(paths[i]));
    }
    const bool is_empty = !input.is_stream() && input.text->empty();
    if (is_empty && input.name.ends_with(".gz")) return name + ": is empty, which no gzip file is";
  }
  return "";
}

std::string NoteOfUnmapped(std::span<const Input> inputs) {
  for (const Input& input : inputs) {
    if (input.cannot_map == 0) continue;
    return fmt::format("{}: cannot be mapped ({}), so it is read, by one worker at a time",
                       EscapeForMessage(input.name),
                       std::generic_category().message(input.cannot_map));
  }
  return "";
}

std::string WarningOfTouched(std::span<const Input> inputs, const std::vector<std::string>& paths) {
  const std::string name = FirstTouched(inputs, paths);
  if (name.empty()) return "";
  return fmt::format(
      "{}: its ctime has changed while it was read, but neither its size nor its time of "
      "modification: if it was written to and that time set back, count it again",
      EscapeForMessage(name));
}

}  // namespace tally
