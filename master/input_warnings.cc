#include "master/input_warnings.h"

#include <fmt/format.h>

#include <system_error>
#include <utility>

#include "common/escape.h"
#include "master/foreign_format.h"
#include "master/input_opener.h"
#include "worker/ngram_parser.h"

namespace tally {

namespace {

// Of thousands of files, no more are opened or inflated for this than the first gzip input.
std::string FirstBytes(const Input& input, bool* any_gzip) {
  if (input.gzip) return std::exchange(*any_gzip, true) ? "" : FirstText(input);
  const std::string_view text = input.is_stream() ? std::string_view(input.prefix) : *input.text;
  return std::string(text.substr(0, kForeignFormatBytes));
}

std::string HowToConvert(const Input& input, const std::string& path, const ForeignFormat& format) {
  const bool is_stdin = path == "-";
  const std::string name = is_stdin ? "" : " " + EscapeForMessage(path);
  if (input.gzip) return fmt::format("gzip -dc{} | {}", name, format.filter);
  return fmt::format("{}{}", is_stdin ? format.filter : format.converter, name);
}

}  // namespace

std::string WarningOfForeignFormat(std::span<const Input> inputs,
                                   const std::vector<std::string>& paths) {
  bool any_gzip = false;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Input& input = inputs[i];
    const auto format = RecognizeForeignFormat(FirstBytes(input, &any_gzip));
    if (format.name.empty()) continue;
    return fmt::format(
        "{}: {} {} data, but its bytes are counted as they are; to count the text in it: {} | "
        "tally count",
        EscapeForMessage(input.name), input.gzip ? "holds" : "looks like", format.name,
        HowToConvert(input, paths[i], format));
  }
  return "";
}

std::string WarningOfNgramsBehind(const Input& input) {
  constexpr size_t kSampleBytes = size_t{32} << 10;
  const std::string read = input.is_stream() ? FirstText(input) : std::string();
  std::string_view text =
      (input.is_stream() ? std::string_view(read) : *input.text).substr(0, kSampleBytes);
  size_t number = 1;
  for (size_t end; (end = text.find('\n')) != text.npos; ++number) {
    if (number > 1 && ClassifyNgramLine(text.substr(0, end))) {
      return fmt::format(
          "warning: {}: line {} is one of n-grams, but line 1 is not, so words are counted; "
          "'-f ngram --skip-malformed' counts the n-grams, and '-f words' ends this warning",
          EscapeForMessage(input.name), number);
    }
    text.remove_prefix(end + 1);
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
