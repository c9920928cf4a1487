#include "master/cli.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Without std::regex, which overflows the stack on long arguments, and whose patterns would cost
// each start of the program half a millisecond.
#define CXXOPTS_NO_REGEX true
#include <cxxopts.hpp>

#include "common/error.h"
#include "common/escape.h"
#include "master/option_table.h"
#include "master/option_values.h"
#include "master/suggest.h"

namespace tally {
namespace {

template <typename Predicate>
const OptionSpec* FindOption(const OptionTable& table, const Predicate& is_wanted) {
  for (const OptionGroup& group : table) {
    for (const OptionSpec& option : group.options) {
      if (is_wanted(option)) return &option;
    }
  }
  return nullptr;
}

const OptionSpec* FindByName(const OptionTable& table, std::string_view name) {
  return FindOption(table, [=](const OptionSpec& option) { return option.name == name; });
}

const OptionSpec* FindByLetter(const OptionTable& table, char letter) {
  return FindOption(table, [=](const OptionSpec& option) { return option.letter == letter; });
}

// The name of the option that was meant; empty if none comes near.
std::string_view NearestOption(const OptionTable& table, std::string_view word) {
  std::vector<std::string_view> names;
  std::vector<std::string_view> other_names;
  for (const OptionGroup& group : table) {
    for (const OptionSpec& option : group.options) {
      names.push_back(option.name);
      std::ranges::copy(option.other_names, std::back_inserter(other_names));
    }
  }
  const std::string_view nearest = NearestName(word, names);
  if (!nearest.empty()) return nearest;
  const std::string_view other = NearestName(word, other_names);
  const OptionSpec* option = FindOption(table, [other](const OptionSpec& candidate) {
    return std::ranges::find(candidate.other_names, other) != candidate.other_names.end();
  });
  return option != nullptr ? std::string_view(option->name) : "";
}

/// Brings a command's arguments to the one form that cxxopts reads without surprises: "--name",
/// "value", ..., "--", files. Left to itself it refuses "-d,", and its errors do not say what was
/// typed. For one call of Spell().
class ArgumentSpeller {
 public:
  ArgumentSpeller(const OptionTable& table, std::string_view command)
      : table_(table), command_(command) {}

  /// Throws UsageError for an unknown option, a missing value, or one that is not taken.
  std::vector<std::string> Spell(Arguments arguments) {
    rest_ = arguments;
    while (!rest_.empty()) {
      const std::string_view argument = Next();
      if (argument == "--") break;
      if (argument.starts_with("--")) {
        SpellLong(argument);
      } else if (argument.starts_with('-') && argument != "-") {
        SpellLetters(argument);
      } else {
        files_.emplace_back(argument);
      }
    }
    files_.insert(files_.end(), rest_.begin(), rest_.end());
    spelled_.emplace_back("--");
    spelled_.insert(spelled_.end(), files_.begin(), files_.end());
    return std::move(spelled_);
  }

 private:
  std::string_view Next() {
    const std::string_view next = rest_.front();
    rest_ = rest_.subspan(1);
    return next;
  }

  void SpellLong(std::string_view argument) {
    const size_t equals = argument.find('=');
    const std::string_view typed = argument.substr(0, equals);
    const OptionSpec* option = FindByName(table_, typed.substr(2));
    if (option == nullptr) ThrowUnknown(Quoted(typed), typed.substr(2));
    spelled_.push_back("--" + option->name);
    if (equals == std::string_view::npos) {
      if (!option->argument.empty()) SpellNextAsValue(typed, *option);
    } else if (option->argument.empty()) {
      throw UsageError(fmt::format("option '{}' takes no value; leave out {}", typed,
                                   Quoted(argument.substr(equals))));
    } else {
      spelled_.emplace_back(argument.substr(equals + 1));
    }
  }

  void SpellLetters(std::string_view argument) {
    for (size_t i = 1; i < argument.size(); ++i) {
      const OptionSpec* option = FindByLetter(table_, argument[i]);
      if (option == nullptr) {
        ThrowUnknown(i == 1 ? Quoted(argument)
                            : fmt::format("{} in {}", Quoted(fmt::format("-{}", argument[i])),
                                          Quoted(argument)),
                     argument.substr(1, argument.find('=') - 1));
      }
      spelled_.push_back("--" + option->name);
      if (option->argument.empty()) continue;
      if (i + 1 < argument.size()) {
        spelled_.emplace_back(argument.substr(i + 1));
      } else {
        SpellNextAsValue(fmt::format("-{}", option->letter), *option);
      }
      return;
    }
  }

  // Whatever comes next, even if it begins with a dash: "--years -1990".
  void SpellNextAsValue(std::string_view typed, const OptionSpec& option) {
    if (rest_.empty()) {
      throw UsageError(
          fmt::format("option '{}' needs a value: {} {}", typed, typed, option.argument));
    }
    spelled_.emplace_back(Next());
  }

  [[noreturn]] void ThrowUnknown(const std::string& shown, std::string_view word) const {
    const std::string_view nearest = NearestOption(table_, word);
    throw UsageError(nearest.empty()
                         ? fmt::format("unknown option {}; see '{} --help'", shown, command_)
                         : fmt::format("unknown option {}; did you mean '--{}'?", shown, nearest));
  }

  const OptionTable& table_;
  std::string_view command_;
  Arguments rest_;
  std::vector<std::string> spelled_;
  std::vector<std::string> files_;
};

cxxopts::Options MakeParser(const OptionTable& table) {
  cxxopts::Options parser("tally");
  parser.set_width(80).custom_help("");
  for (const OptionGroup& group : table) {
    cxxopts::OptionAdder add = parser.add_options(group.title);
    for (const OptionSpec& option : group.options) {
      const std::string names =
          option.letter == 0 ? option.name : fmt::format("{},{}", option.letter, option.name);
      // Strings only: cxxopts would take 0x10 for a number and cut lists at their commas.
      add(names, option.help,
          option.argument.empty() ? cxxopts::value<bool>() : cxxopts::value<std::string>(),
          option.argument);
    }
  }
  return parser;
}

cxxopts::ParseResult Parse(cxxopts::Options* parser, const std::vector<std::string>& spelled) {
  std::vector<const char*> argv = {"tally"};
  for (const std::string& argument : spelled) argv.push_back(argument.c_str());
  try {
    return parser->parse(static_cast<int>(argv.size()), argv.data());
  } catch (const cxxopts::exceptions::exception& error) {
    throw UsageError(EscapeForMessage(error.what()));
  }
}

}  // namespace

ParsedArguments ParseArguments(const OptionTable& table, std::string_view command,
                               Arguments arguments) {
  cxxopts::Options parser = MakeParser(table);
  const cxxopts::ParseResult parsed =
      Parse(&parser, ArgumentSpeller(table, command).Spell(arguments));
  ParsedArguments result{.help = parsed.count("help") > 0,
                         .version = parsed.count("version") > 0,
                         .others = parsed.unmatched()};
  if (result.help || result.version) return result;
  for (const cxxopts::KeyValue& given : parsed.arguments()) {
    const OptionSpec& option = *FindByName(table, given.key());
    const std::string letter = option.letter == 0 ? "" : fmt::format("-{}, ", option.letter);
    option.set({letter + "--" + option.name, given.value()});
  }
  return result;
}

std::string FormatOptionList(const OptionTable& table) {
  std::vector<std::string> titles;
  for (const OptionGroup& group : table) titles.push_back(group.title);
  std::istringstream lines(MakeParser(table).help(titles, /*print_usage=*/false));
  std::string options;
  for (std::string line; std::getline(lines, line);) {
    // cxxopts begins with empty lines, leaves a space where it breaks one, and indents titles by
    // one space, all else by more.
    line.erase(line.find_last_not_of(' ') + 1);
    if (line.size() > 1 && line[1] != ' ') line.erase(0, 1);
    if (!line.empty() || !options.empty()) options += line + '\n';
  }
  return options;
}

}  // namespace tally
