// The options of a run as the user typed them, and how those of the format are resolved once the
// inputs are known. Nothing past cli.cc sees the command line.
#ifndef TALLY_MASTER_OPTIONS_H_
#define TALLY_MASTER_OPTIONS_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/format.h"
#include "common/race_window.h"
#include "master/executor.h"

namespace tally {

enum class SortOrder { kCount, kKey, kNone };
enum class OutputFormat { kTsv, kCsv, kJson, kJsonl };
enum class ProgressMode { kAuto, kAlways, kNever };

/// `tally count` as asked for. Every value is within its limits; what depends on the inputs (the
/// automatic format) or on the machine (the number of workers) is still open.
struct CountOptions {
  std::vector<std::string> files;  // "-" is standard input; never empty

  std::optional<Format> format;  // none: the first line decides
  std::optional<char> delimiter;
  std::optional<size_t> key_column;
  std::optional<size_t> value_column;
  std::optional<YearRange> years;
  std::optional<TagFilter> tags;

  std::optional<unsigned> workers;  // none: as many as CPUs this process may use
  uint64_t chunk_size_bytes = uint64_t{8} << 20;

  std::optional<uint64_t> top;
  uint64_t min_count = 0;
  std::vector<std::string> find;  // empty: every key
  SortOrder sort = SortOrder::kCount;

  std::string output_path;  // empty: standard output
  OutputFormat output_format = OutputFormat::kTsv;
  bool header = false;

  ExecutionMode mode = ExecutionMode::kProcess;
  bool unsafe = false;                    // the progress counter without its lock
  std::optional<RaceWindow> race_window;  // of the unsafe counter; none: a yield

  std::optional<uint64_t> memory_bytes;               // none: as much as there is
  std::optional<std::chrono::seconds> stall_timeout;  // none: for ever

  bool skip_malformed = false;
  ProgressMode progress = ProgressMode::kAuto;
  bool quiet = false;      // no notes; warnings stay,
  bool warnings = true;    // but for those that would come with each of many runs
  std::string stats_path;  // empty: none
};

/// `tally race` as asked for.
struct RaceOptions {
  std::string experiment;  // empty: list them
  std::string file;        // empty: none
  unsigned workers = 2;
  ExecutionMode mode = ExecutionMode::kProcess;
  std::optional<uint64_t> rounds;  // none: what suits the experiment
  RaceWindow race_window = RaceWindow::Yield();
  bool json = false;
  std::string trace_path;  // empty: none

  bool operator==(const RaceOptions&) const = default;
};

/// `tally compare` as asked for.
struct CompareOptions {
  std::vector<std::string> files;  // of the task count; empty: a sample is made
  std::vector<std::string> tasks;  // by name; empty: all
  std::vector<unsigned> worker_counts = {1, 2, 4};
  unsigned runs = 9;
  bool json = false;
  std::string export_path;  // empty: none
  bool verbose = false;
  bool quiet = false;
};

/// Most workers an experiment or a comparison may have.
constexpr unsigned kMaxCrew = 64;

/// Most workers a run may have: a limit on mistakes, far above any machine's CPUs.
constexpr unsigned kMaxWorkers = 1024;

/// Settles the options that need the format. Throws UsageError where an option does not go with
/// it ("--years" with words).
FormatOptions ResolveFormat(const CountOptions& options, Format format);

}  // namespace tally

#endif  // TALLY_MASTER_OPTIONS_H_
