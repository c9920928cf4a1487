#include "master/option_table.h"

#include <fmt/format.h>

#include <limits>
#include <optional>

namespace tally {
namespace {

using Text = const OptionText&;

constexpr Choice<ExecutionMode> kModes[] = {{"process", ExecutionMode::kProcess},
                                            {"thread", ExecutionMode::kThread},
                                            {"serial", ExecutionMode::kSerial}};

constexpr uint64_t kMostRounds = 1'000'000'000;
constexpr uint64_t kMostRuns = 1000;
constexpr uint64_t kMostStallSeconds = 1'000'000;
constexpr uint64_t kAnyNumber = std::numeric_limits<uint64_t>::max();

OptionGroup InputOptions(CountOptions* to) {
  static constexpr Choice<std::optional<Format>> kFormats[] = {{"auto", std::nullopt},
                                                               {"ngram", Format::kNgram},
                                                               {"words", Format::kWords},
                                                               {"lines", Format::kLines},
                                                               {"columns", Format::kColumns}};
  return {
      "Input",
      {{'f', "format", "FORMAT", "auto, ngram, words, lines or columns, see below (default: auto)",
        [=](Text v) { to->format = ParseChoice(v, kFormats); }},
       {'d',
        "delimiter",
        "C",
        R"(columns: the byte between them, itself or tab, \t, \\, \0, \xNN (default: tab))",
        [=](Text v) { to->delimiter = ParseDelimiter(v); },
        {"separator", "sep", "field-separator"}},
       {'k',
        "key-column",
        "N",
        "columns: the one that holds the key (default: 1)",
        [=](Text v) { to->key_column = ParseWholeNumber(v, 1, kAnyNumber); },
        {"column", "field", "group-by"}},
       {'v',
        "value-column",
        "N",
        "columns: the one to add up (default: 1 a line)",
        [=](Text v) { to->value_column = ParseWholeNumber(v, 1, kAnyNumber); },
        {"sum"}},
       {0,
        "skip-malformed",
        "",
        "leave malformed lines out, and tell how many, instead of failing",
        [=](Text) { to->skip_malformed = true; },
        {"ignore-errors"}}}};
}

OptionGroup CountingOptions(CountOptions* to) {
  static constexpr Choice<TagFilter> kTagFilters[] = {
      {"all", TagFilter::kAll}, {"untagged", TagFilter::kUntagged}, {"tagged", TagFilter::kTagged}};
  return {"Counting",
          {{0, "years", "FROM-TO",
            "ngram: only these years, both included; either may be left out, as in 1990- or -1990",
            [=](Text v) { to->years = ParseYears(v); }},
           {0, "tags", "WHICH",
            "ngram: all, untagged or tagged rows, told by a suffix such as _NOUN (default: all)",
            [=](Text v) { to->tags = ParseChoice(v, kTagFilters); }}}};
}

OptionGroup SelectionOptions(CountOptions* to) {
  static constexpr Choice<SortOrder> kSortOrders[] = {
      {"count", SortOrder::kCount}, {"key", SortOrder::kKey}, {"none", SortOrder::kNone}};
  return {"Selection",
          {{'n',
            "top",
            "N",
            "print only the first N rows (default: all)",
            [=](Text v) { to->top = ParseWholeNumber(v, 0, kAnyNumber); },
            {"head", "limit", "lines"}},
           {0, "min-count", "N", "print only keys with a count of at least N",
            [=](Text v) { to->min_count = ParseWholeNumber(v, 0, kAnyNumber); }},
           {0,
            "find",
            "KEY",
            "print only this key, with 0 if it is absent; may be repeated",
            [=](Text v) { to->find.emplace_back(v.text); },
            {"word", "grep"}},
           {'s',
            "sort",
            "ORDER",
            "count (largest first, ties by key bytes), key or none (default: count)",
            [=](Text v) { to->sort = ParseChoice(v, kSortOrders); },
            {"order"}}}};
}

OptionGroup OutputOptions(CountOptions* to) {
  static constexpr Choice<OutputFormat> kOutputFormats[] = {{"tsv", OutputFormat::kTsv},
                                                            {"csv", OutputFormat::kCsv},
                                                            {"json", OutputFormat::kJson},
                                                            {"jsonl", OutputFormat::kJsonl}};
  return {"Output",
          {{'o', "output", "FILE",
            "write to FILE, whole or not at all (default: standard output, also '-')",
            [=](Text v) { to->output_path = v.text == "-" ? "" : ParsePath(v); }},
           {'O', "output-format", "FORMAT", "tsv, csv, json or jsonl (default: tsv)",
            [=](Text v) { to->output_format = ParseChoice(v, kOutputFormats); }},
           {0, "header", "", "tsv and csv: name the columns in a first row",
            [=](Text) { to->header = true; }},
           {0, "stats", "FILE", "write one JSON object about the run to FILE",
            [=](Text v) { to->stats_path = ParsePathOfItsOwn(v); }}}};
}

OptionGroup RunningOptions(CountOptions* to) {
  static constexpr Choice<ProgressMode> kProgressModes[] = {{"auto", ProgressMode::kAuto},
                                                            {"always", ProgressMode::kAlways},
                                                            {"never", ProgressMode::kNever}};
  return {
      "Running",
      {{'j',
        "workers",
        "N",
        fmt::format("how many count at once, at most {} (default: the CPUs this process may use)",
                    kMaxWorkers),
        [=](Text v) { to->workers = static_cast<unsigned>(ParseWholeNumber(v, 1, kMaxWorkers)); },
        {"jobs", "threads", "processes", "procs", "parallel", "nproc"}},
       {0,
        "mode",
        "MODE",
        "what a worker is: process, thread, or serial, one after another (default: process)",
        [=](Text v) { to->mode = ParseChoice(v, kModes); },
        {"executor"}},
       {0,
        "chunk-size",
        "SIZE",
        "what a worker takes at a time (default: 8M); no size changes the result",
        [=](Text v) { to->chunk_size_bytes = ParseSize(v); },
        {"block-size", "buffer-size", "blocksize"}},
       {0,
        "memory",
        "SIZE",
        "how much the tables may take in all (default: what is available)",
        [=](Text v) { to->memory_bytes = ParseSize(v); },
        {"max-memory", "memory-limit", "mem"}},
       {0,
        "stall-timeout",
        "SECONDS",
        "replace a worker that gives no sign of life for so long (default: never)",
        [=](Text v) {
          to->stall_timeout = std::chrono::seconds(ParseWholeNumber(v, 1, kMostStallSeconds));
        },
        {"timeout"}},
       {0, "progress", "WHEN", "auto (on a terminal), always or never (default: auto)",
        [=](Text v) { to->progress = ParseChoice(v, kProgressModes); }},
       {'q',
        "quiet",
        "",
        "no notes and no progress, only warnings and errors",
        [=](Text) { to->quiet = true; },
        {"silent"}},
       {'h', "help", "", "print this help", [](Text) {}},
       {0, "version", "", "print the version", [](Text) {}}}};
}

OptionGroup LearningOptions(CountOptions* to) {
  return {"Learning",
          {{0,
            "unsafe",
            "",
            "count the progress without its lock, and tell how many updates were lost",
            [=](Text) { to->unsafe = true; },
            {"no-lock"}},
           {0, "race-window", "WINDOW",
            "with --unsafe: none, yield or microseconds between load and store (default: yield)",
            [=](Text v) { to->race_window = ParseRaceWindow(v); }}}};
}

}  // namespace

OptionTable CountOptionTable(CountOptions* options) {
  return {InputOptions(options),  CountingOptions(options), SelectionOptions(options),
          OutputOptions(options), RunningOptions(options),  LearningOptions(options)};
}

OptionTable RaceOptionTable(RaceOptions* options) {
  RaceOptions* const to = options;
  return {
      {"Race",
       {{'j',
         "workers",
         "N",
         fmt::format("how many take part, at most {} (default: 2)", kMaxCrew),
         [=](Text v) { to->workers = static_cast<unsigned>(ParseWholeNumber(v, 1, kMaxCrew)); },
         {"jobs", "threads", "processes"}},
        {0, "mode", "MODE", "what a worker is: process or thread (default: process)",
         [=](Text v) { to->mode = ParseChoice(v, kModes); }},
        {0, "rounds", "N", "how often each worker does it (default: what suits the experiment)",
         [=](Text v) { to->rounds = ParseWholeNumber(v, 1, kMostRounds); }},
        {0, "race-window", "WINDOW",
         "none, yield or microseconds between load and store (default: yield)",
         [=](Text v) { to->race_window = ParseRaceWindow(v); }},
        {0, "json", "", "print one JSON object instead of tables", [=](Text) { to->json = true; }},
        {0, "trace", "FILE",
         "write what the workers noted to FILE, in the Chrome trace event format",
         [=](Text v) { to->trace_path = ParsePathOfItsOwn(v); }},
        {'h', "help", "", "print this help", [](Text) {}},
        {0, "version", "", "print the version", [](Text) {}}}}};
}

OptionTable CompareOptionTable(CompareOptions* options) {
  CompareOptions* const to = options;
  return {
      {"Compare",
       {{0, "tasks", "LIST",
         "some of count, cpu, fibonacci, io, sleep and spawn (default: all; cpu means fibonacci, "
         "too)",
         [=](Text v) { to->tasks = ParseNames(v); }},
        {'j',
         "workers",
         "LIST",
         fmt::format("how many threads and processes, each at most {} (default: 1,2,4)", kMaxCrew),
         [=](Text v) { to->worker_counts = ParseWholeNumbers(v, 1, kMaxCrew); },
         {"jobs", "threads", "processes"}},
        {0, "runs", "N",
         fmt::format("how often each is measured, after a warm-up, at most {} (default: 9)",
                     kMostRuns),
         [=](Text v) { to->runs = static_cast<unsigned>(ParseWholeNumber(v, 1, kMostRuns)); }},
        {0, "json", "", "print one JSON object instead of tables", [=](Text) { to->json = true; }},
        {0, "export", "FILE", "write that object to FILE as well",
         [=](Text v) { to->export_path = ParsePathOfItsOwn(v); }},
        {'v', "verbose", "", "tell each result, and the time of each run, on standard error",
         [=](Text) { to->verbose = true; }},
        {'q',
         "quiet",
         "",
         "no warnings and no progress on standard error",
         [=](Text) { to->quiet = true; },
         {"silent"}},
        {'h', "help", "", "print this help", [](Text) {}},
        {0, "version", "", "print the version", [](Text) {}}}}};
}

}  // namespace tally
