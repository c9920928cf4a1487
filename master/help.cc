#include "master/help.h"

#include <fmt/format.h>

namespace tally {
namespace {

constexpr std::string_view kExamples = R"(Examples:
  tally count book.txt                          how often each word occurs
  tally count -n 10 googlebooks-eng-1M-*.gz     the ten most frequent n-grams
  tally count --find war --find peace --years 1900-1950 1grams-*.gz
  tally count -f columns -d , -k 2 -v 3 -O csv -o sums.csv sales.csv
  zcat access.log.gz | tally count -f lines --min-count 2

Usage:
  tally count [OPTIONS] [FILE...]      '-' or no FILE: standard input

)";

constexpr std::string_view kRules = R"(
Formats:
  auto        the first line decides: ngram if it is a line of the Google Books
              n-grams, v1, v2 or v3 as below; words if it is anything else
  ngram       the total of match_count per n-gram, of lines such as
              v1  ngram TAB year TAB match_count TAB page_count TAB volume_count
              v2  ngram TAB year TAB match_count TAB volume_count
              v3  ngram TAB year,match_count,volume_count TAB year,...
  words       what white space separates, Unicode's included
  lines       each whole line is a key
  columns     the key is in column -k; column -v is added up
  Files may be plain or gzip; their content tells.

SIZE is a number of bytes; K, M, G and T stand for 1024, 1024^2 and so on.
'--' ends the options: what follows are files, even if they begin with '-'.

Exit status: 0 done, 1 failed, 2 wrong usage, 3 workers kept dying, 4 not enough
memory, 70 a bug in tally; ended by a signal, 128 and its number, as a shell
shows it (130 after Ctrl-C).
)";

constexpr std::string_view kRaceExamples = R"(Examples:
  tally race                                  the experiments, a line each
  tally race lost-update                      two processes, one counter
  tally race lost-update --mode thread -j 4   the same with four threads
  tally race shared-table book.txt            all workers count into one table
  tally race array --trace race.json          look at it in ui.perfetto.dev

Usage:
  tally race [EXPERIMENT [FILE]] [OPTIONS]

)";

constexpr std::string_view kRaceRules = R"(
A trial that takes over 10 seconds is stopped, and its row says so.

Exit status: 0 done, whatever was lost; 1 failed; 2 wrong usage.
)";

constexpr std::string_view kCompareExamples = R"(Examples:
  tally compare                          serial, threads, processes on six tasks
  tally compare --tasks count book.txt   the same for counting a file of yours
  tally compare --tasks cpu,sleep -j 8   what computes, and what waits
  tally compare --export compare.json    for tools/plot to draw

Usage:
  tally compare [OPTIONS] [FILE...]      no FILE: count a text made up for it

)";

constexpr std::string_view kCompareRules = R"(
Tasks:
  count       the whole of tally count, on FILE or a text made up for it
  cpu         20 sums of i*i over 3 million numbers
  fibonacci   20 times fib(32), by recursion
  io          20 files written, synced and read back, in TMPDIR or /tmp
  sleep       20 waits of 5 ms, as for answers of a network
  spawn       100 workers started and joined that do nothing

Exit status: 0 done; 1 something failed, or results differ; 2 wrong usage.
)";

constexpr std::string_view kTallyHelp = R"(Examples:
  tally count book.txt                          how often each word occurs
  tally count -n 10 googlebooks-eng-1M-*.gz     the ten most frequent n-grams
  tally count --find war --find peace --years 1900-1950 1grams-*.gz
  tally race lost-update                        see two processes lose updates
  tally compare                                 processes or threads?

Commands:
  tally count [OPTIONS] [FILE...]         count n-grams, words, lines or columns
  tally race [EXPERIMENT [FILE]] [OPTIONS]  watch concurrency go wrong
  tally compare [OPTIONS] [FILE...]       serial, threads and processes, timed

'tally COMMAND --help' has the options. 'tally --version' prints the version.
)";

}  // namespace

std::string TallyHelp() { return std::string(kTallyHelp); }

std::string RaceHelp(std::string_view options) {
  return fmt::format("{}{}{}", kRaceExamples, options, kRaceRules);
}

std::string CompareHelp(std::string_view options) {
  return fmt::format("{}{}{}", kCompareExamples, options, kCompareRules);
}

std::string CountHelp(std::string_view options) {
  return fmt::format("{}{}{}", kExamples, options, kRules);
}

}  // namespace tally
