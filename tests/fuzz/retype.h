// What a command line was understood to be, typed out again.
#ifndef TALLY_TESTS_FUZZ_RETYPE_H_
#define TALLY_TESTS_FUZZ_RETYPE_H_

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/error.h"
#include "master/command_line.h"
#include "tests/fuzz/check.h"

namespace tally::fuzz {

using Typed = std::vector<std::string>;

/// Options typed out, one after another.
class Typist {
 public:
  explicit Typist(std::string command) : typed_{std::move(command)} {}

  void Flag(std::string_view name, bool is_set) {
    if (is_set) typed_.push_back(fmt::format("--{}", name));
  }
  template <typename T>
  void Value(std::string_view name, const T& value) {
    typed_.push_back(fmt::format("--{}={}", name, value));
  }
  void Path(std::string_view name, const std::string& path) {
    if (!path.empty()) Value(name, path);
  }
  template <typename Enum, size_t kCount>
  void Name(std::string_view name, Enum value, const std::string_view (&names)[kCount]) {
    Check(static_cast<size_t>(value) < kCount, "--{}: no value", name);
    Value(name, names[static_cast<size_t>(value)]);
  }
  void Window(const RaceWindow& window) {
    Value("race-window", window == RaceWindow::None()    ? "none"
                         : window == RaceWindow::Yield() ? "yield"
                                                         : std::to_string(window.microseconds()));
  }
  Typed WithOthers(const std::vector<std::string>& others) && {
    typed_.emplace_back("--");
    typed_.insert(typed_.end(), others.begin(), others.end());
    return std::move(typed_);
  }

 private:
  Typed typed_;
};

inline constexpr std::string_view kModes[] = {"process", "thread", "serial"};

inline void CheckLimits(const CountOptions& o) {
  Check(!o.files.empty() && std::count(o.files.begin(), o.files.end(), "") == 0, "no file");
  Check(o.delimiter != '\n', "a newline between columns");
  Check(o.key_column != 0 && o.value_column != 0, "column 0");
  Check(!o.years || o.years->from <= o.years->to, "no year");
  Check(!o.workers || (*o.workers >= 1 && *o.workers <= kMaxWorkers), "too many workers");
  Check(o.chunk_size_bytes >= 1, "empty chunks");
  Check(o.unsafe || !o.race_window, "a window behind a lock");
}

inline Typed Retype(const CountOptions& o) {
  CheckLimits(o);
  Typist typist("count");
  if (o.format) typist.Value("format", FormatName(*o.format));
  if (o.delimiter) {
    typist.Value("delimiter", fmt::format("\\x{:02x}", static_cast<unsigned char>(*o.delimiter)));
  }
  if (o.key_column) typist.Value("key-column", *o.key_column);
  if (o.value_column) typist.Value("value-column", *o.value_column);
  if (o.years) typist.Value("years", fmt::format("{}-{}", o.years->from, o.years->to));
  if (o.tags) typist.Name("tags", *o.tags, {"all", "untagged", "tagged"});
  if (o.workers) typist.Value("workers", *o.workers);
  typist.Value("chunk-size", o.chunk_size_bytes);
  if (o.top) typist.Value("top", *o.top);
  typist.Value("min-count", o.min_count);
  for (const std::string& key : o.find) typist.Value("find", key);
  typist.Name("sort", o.sort, {"count", "key", "none"});
  typist.Path("output", o.output_path);
  typist.Name("output-format", o.output_format, {"tsv", "csv", "json", "jsonl"});
  typist.Flag("header", o.header);
  typist.Name("mode", o.mode, kModes);
  typist.Flag("unsafe", o.unsafe);
  if (o.race_window) typist.Window(*o.race_window);
  typist.Flag("skip-malformed", o.skip_malformed);
  typist.Name("progress", o.progress, {"auto", "always", "never"});
  typist.Flag("quiet", o.quiet);
  typist.Path("stats", o.stats_path);
  return std::move(typist).WithOthers(o.files);
}

inline Typed Retype(const RaceOptions& o) {
  Check(o.workers >= 1 && o.workers <= kMaxCrew, "{} workers", o.workers);
  Typist typist("race");
  typist.Value("workers", o.workers);
  typist.Name("mode", o.mode, kModes);
  if (o.rounds) typist.Value("rounds", *o.rounds);
  typist.Window(o.race_window);
  typist.Flag("json", o.json);
  typist.Path("trace", o.trace_path);
  return std::move(typist).WithOthers({o.experiment, o.file});
}

inline Typed Retype(const CompareOptions& o) {
  Check(!o.worker_counts.empty() && o.runs >= 1, "nothing to compare");
  Typist typist("compare");
  if (!o.tasks.empty()) typist.Value("tasks", fmt::format("{}", fmt::join(o.tasks, ",")));
  typist.Value("workers", fmt::format("{}", fmt::join(o.worker_counts, ",")));
  typist.Value("runs", o.runs);
  typist.Flag("json", o.json);
  typist.Path("export", o.export_path);
  typist.Flag("verbose", o.verbose);
  typist.Flag("quiet", o.quiet);
  return std::move(typist).WithOthers(o.files);
}

inline Typed Retype(const PrintAndExit& print) {
  Check(print.text.ends_with('\n'), "{} is no text to print", print.text);
  Check(print.exit_status == kExitDone || print.exit_status == kExitUsage, "a strange status");
  return {};
}

}  // namespace tally::fuzz

#endif  // TALLY_TESTS_FUZZ_RETYPE_H_
