#include "master/command_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "common/error.h"
#include "master/cli.h"
#include "master/help.h"
#include "master/option_table.h"
#include "master/option_values.h"
#include "master/output_file.h"
#include "master/suggest.h"
#include "worker/inflater.h"
#include "worker/simd_target.h"

namespace tally {
namespace {

std::string CountHelpText() {
  CountOptions unused;
  return CountHelp(FormatOptionList(CountOptionTable(&unused)));
}

PrintAndExit VersionText() {
  return {.text = fmt::format("tally " TALLY_VERSION "\nSIMD: {}\ngzip: {}\n", SimdTargetName(),
                              NameOf(InflateLibraries().front())),
          .exit_status = kExitDone};
}

void CheckFileNames(const std::vector<std::string>& files) {
  if (std::ranges::find(files, "") == files.end()) return;
  throw UsageError("a file name is empty; name a file, or say '-' for standard input");
}

void CheckCombinations(const CountOptions& options) {
  if (options.format) ResolveFormat(options, *options.format);
  if (options.header && (options.output_format == OutputFormat::kJson ||
                         options.output_format == OutputFormat::kJsonl)) {
    throw UsageError(
        "--header goes with '-O tsv' and '-O csv' only: JSON names its fields in every object; "
        "leave out --header");
  }
  if (!options.output_path.empty() && !options.stats_path.empty() &&
      NameOneFile(options.output_path, options.stats_path)) {
    throw UsageError(fmt::format("--output and --stats both name {}; give each a file of its own",
                                 Quoted(options.stats_path)));
  }
  if (options.race_window && !options.unsafe) {
    throw UsageError(
        "--race-window goes with --unsafe only: behind a lock nobody can slip in; add --unsafe");
  }
  CheckFileNames(options.files);
}

CommandLine ParseCount(Arguments arguments, bool stdin_is_terminal) {
  CountOptions options;
  const ParsedArguments parsed =
      ParseArguments(CountOptionTable(&options), "tally count", arguments);
  if (parsed.help) return PrintAndExit{CountHelpText(), kExitDone};
  if (parsed.version) return VersionText();
  options.files = parsed.others;
  CheckCombinations(options);

  // Quiet is about notes; progress that was asked for by name stays.
  if (options.quiet && options.progress == ProgressMode::kAuto) {
    options.progress = ProgressMode::kNever;
  }
  if (options.files.empty()) {
    if (stdin_is_terminal) {
      constexpr std::string_view kReason =
          "\ntally: no FILE, and standard input is a terminal; name one, or '-' to type\n";
      return PrintAndExit{CountHelpText().append(kReason), kExitUsage};
    }
    options.files.emplace_back("-");
  }
  return options;
}

CommandLine ParseRace(Arguments arguments, bool /*stdin_is_terminal*/) {
  RaceOptions options;
  const ParsedArguments parsed = ParseArguments(RaceOptionTable(&options), "tally race", arguments);
  if (parsed.help) {
    RaceOptions unused;
    return PrintAndExit{RaceHelp(FormatOptionList(RaceOptionTable(&unused))), kExitDone};
  }
  if (parsed.version) return VersionText();
  if (parsed.others.size() > 2) {
    throw UsageError(fmt::format("one experiment at a time, and one file; leave out {}",
                                 Quoted(parsed.others[2])));
  }
  if (!parsed.others.empty()) options.experiment = parsed.others[0];
  if (parsed.others.size() > 1) options.file = parsed.others[1];
  RaceOptions only_listing;
  only_listing.json = options.json;
  if (options.experiment.empty() && !(options == only_listing)) {
    throw UsageError("these options are for an experiment; name one, or 'tally race' lists them");
  }
  return options;
}

CommandLine ParseCompare(Arguments arguments, bool /*stdin_is_terminal*/) {
  CompareOptions options;
  const ParsedArguments parsed =
      ParseArguments(CompareOptionTable(&options), "tally compare", arguments);
  if (parsed.help) {
    CompareOptions unused;
    return PrintAndExit{CompareHelp(FormatOptionList(CompareOptionTable(&unused))), kExitDone};
  }
  if (parsed.version) return VersionText();
  options.files = parsed.others;
  CheckFileNames(options.files);
  return options;
}

struct Command {
  std::string_view name;
  CommandLine (*parse)(Arguments arguments, bool stdin_is_terminal);
};

constexpr Command kCommands[] = {
    {"count", ParseCount}, {"race", ParseRace}, {"compare", ParseCompare}};

bool CanBeCounted(std::string_view word) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(word, error);
  return word == "-" || (std::filesystem::exists(status) && !std::filesystem::is_directory(status));
}

[[noreturn]] void ThrowUnknownCommand(std::string_view word) {
  if (CanBeCounted(word)) {
    throw UsageError(fmt::format("unknown command {}; did you mean {}?", Quoted(word),
                                 Quoted(fmt::format("tally count {}", word))));
  }
  std::vector<std::string_view> names;
  for (const Command& command : kCommands) names.push_back(command.name);
  const std::string all = fmt::format("{}", fmt::join(names, ", "));
  names.emplace_back("help");
  const std::string_view nearest = NearestName(word, names);
  throw UsageError(
      nearest.empty()
          ? fmt::format("unknown command {}; there is: {} (see 'tally --help')", Quoted(word), all)
          : fmt::format("unknown command {}; did you mean 'tally {}'?", Quoted(word), nearest));
}

[[noreturn]] void ThrowOptionBeforeCommand(Arguments arguments) {
  CountOptions unused;
  // A mistyped option is told as such first.
  ParseArguments(CountOptionTable(&unused), "tally", arguments);
  throw UsageError(fmt::format("option {} comes before the command; say {}",
                               Quoted(arguments.front()),
                               Quoted(fmt::format("tally count {} ...", arguments.front()))));
}

}  // namespace

CommandLine ParseCommandLine(std::span<const char* const> arguments, bool stdin_is_terminal) {
  if (arguments.empty()) return PrintAndExit{TallyHelp(), kExitUsage};
  const std::string_view word = arguments.front();
  if (word == "help" && arguments.size() > 1) {
    for (const Command& command : kCommands) {
      static constexpr std::array<const char*, 1> kHelp = {"--help"};
      if (command.name == arguments[1]) return command.parse(kHelp, stdin_is_terminal);
    }
  }
  if (word == "help" || word == "-h" || word == "--help") {
    return PrintAndExit{TallyHelp(), kExitDone};
  }
  if (word == "version" || word == "-V" || word == "--version") return VersionText();
  for (const Command& command : kCommands) {
    if (word == command.name) return command.parse(arguments.subspan(1), stdin_is_terminal);
  }
  if (word.starts_with('-') && word != "-") ThrowOptionBeforeCommand(arguments);
  ThrowUnknownCommand(word);
}

}  // namespace tally
