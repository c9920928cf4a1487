#include "master/compare/verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "master/other_load.h"

namespace tally::compare {
namespace {

constexpr double kTooWide = 0.5;    // uncertainty, of the median
constexpr size_t kFewestRuns = 5;   // that MedianInterval() can be sure of
constexpr double kGain = 1.1;       // times as fast, and worth a word
constexpr double kTie = 1.05;       // times as fast, and nobody can tell
constexpr double kMostlyCpu = 0.8;  // of the serial time
constexpr double kMostlyWaiting = 0.2;
constexpr double kSlowedDown = 1.3;  // times the CPU time of the same work
constexpr double kTickMs = 10;       // of less CPU time the kernel may know nothing

const Row* Find(const TaskReport& report, ExecutionMode mode, uint32_t workers) {
  const auto found = std::ranges::find_if(report.rows, [&](const Row& row) {
    return row.way.mode == mode && row.way.workers == workers && !row.failed;
  });
  return found == report.rows.end() ? nullptr : &*found;
}

bool IsTooWide(const Row& row) { return row.Spread() > kTooWide; }

// Threads and processes, equally many.
struct Pair {
  const Row* threads;
  const Row* processes;

  uint32_t workers() const { return threads->way.workers; }
  double slower() const { return std::min(threads->speedup, processes->speedup); }
  double faster() const { return std::max(threads->speedup, processes->speedup); }
  bool TooWide() const { return IsTooWide(*threads) || IsTooWide(*processes); }
  bool TooFew() const { return threads->runs_ms.size() < kFewestRuns; }
  // Their medians may be the same, for all that is known.
  bool Overlap() const {
    return threads->likely_ms.low <= processes->likely_ms.high &&
           processes->likely_ms.low <= threads->likely_ms.high;
  }
};

std::vector<Pair> Pairs(const TaskReport& report) {
  std::vector<Pair> pairs;
  for (const Row& row : report.rows) {
    if (row.way.mode != ExecutionMode::kThread || row.failed) continue;
    const Row* const processes = Find(report, ExecutionMode::kProcess, row.way.workers);
    if (processes != nullptr) pairs.push_back({&row, processes});
  }
  std::ranges::sort(pairs, {}, [](const Pair& pair) { return pair.workers(); });
  return pairs;
}

// The most workers that all have a CPU; where none have, the fewest.
const Pair& TheOneToJudge(const std::vector<Pair>& pairs, uint32_t cpus) {
  const Pair* best = &pairs.front();
  for (const Pair& pair : pairs) {
    if (pair.workers() <= cpus) best = &pair;
  }
  return *best;
}

double CpuMs(const Row& row) { return row.user_ms + row.system_ms; }

std::string Kind(const Row& serial) {
  const double busy = CpuMs(serial) / serial.median_ms;
  if (busy >= kMostlyCpu) return "CPU-bound";
  const std::string percent = fmt::format("the CPU is busy {:.0f} % of the time", 100 * busy);
  return busy <= kMostlyWaiting ? fmt::format("Mostly waiting ({})", percent)
                                : fmt::format("Partly waiting ({})", percent);
}

std::string Workers(uint32_t count) {
  return count == 1 ? "1 worker is" : fmt::format("{} workers are", count);
}

std::string Times(double factor) { return fmt::format("{:.2f}x", factor); }

std::string ThreadsAgainstProcesses(const Row& serial, const Pair& pair) {
  const bool one_figure = Times(pair.slower()) == Times(pair.faster());
  const std::string range =
      one_figure ? Times(pair.faster()) : Times(pair.slower()) + " to " + Times(pair.faster());
  const std::string claim = fmt::format("{} {} serial", Workers(pair.workers()), range);
  if (pair.TooFew()) return claim + ", but so few runs conclude nothing";
  if (IsTooWide(serial) || pair.TooWide())
    return claim + ", but the runs differ too much to conclude";
  if (pair.faster() <= kTie * pair.slower()) return claim + "; threads and processes tie";
  if (pair.Overlap()) return claim + "; these runs cannot tell threads from processes";
  const bool threads_win = pair.threads->speedup > pair.processes->speedup;
  return fmt::format("{} {} serial as {}, {} as {}", Workers(pair.workers()), Times(pair.faster()),
                     threads_win ? "threads" : "processes", Times(pair.slower()),
                     threads_win ? "processes" : "threads");
}

// What became of those that had to share CPUs.
std::string BeyondTheCpus(const Pair& judged, const Pair& most, uint32_t cpus) {
  if (most.workers() <= std::max(cpus, judged.workers()) || most.TooFew()) return "";
  const std::string who =
      fmt::format(" {} workers on {} CPU{}", most.workers(), cpus, cpus == 1 ? "" : "s");
  if (most.TooWide() || judged.TooWide()) return who + ": the runs differ too much to tell.";
  const double by_threads = most.threads->speedup / judged.threads->speedup;
  const double by_processes = most.processes->speedup / judged.processes->speedup;
  const double least = std::min(by_threads, by_processes);
  const double largest = std::max(by_threads, by_processes);
  if (largest > kGain * std::max(least, 1.0)) {
    return fmt::format("{} are {:.1f}x as fast as {} as threads, {:.1f}x as processes.", who,
                       by_threads, judged.workers(), by_processes);
  }
  if (least > kGain)
    return fmt::format("{} are {:.1f}x as fast as {}.", who, least, judged.workers());
  if (largest < 1 / kGain) return fmt::format("{} are slower than {}.", who, judged.workers());
  return fmt::format("{} gain nothing over {}.", who, judged.workers());
}

// The same work should take the same CPU time, whoever does it.
std::string SlowedDown(const Row& serial, const Pair& pair) {
  const double factor =
      std::min(CpuMs(*pair.threads), CpuMs(*pair.processes)) / std::max(CpuMs(serial), kTickMs);
  if (pair.workers() == 1 || factor < kSlowedDown) return "";
  return fmt::format(
      " Their CPU time is {:.1f}x serial's: they slow each other down, as CPUs do that share a "
      "core.",
      factor);
}

std::string SpeedUpVerdict(const Row& serial, const std::vector<Pair>& pairs, uint32_t cpus) {
  const Pair& judged = TheOneToJudge(pairs, cpus);
  return fmt::format("{}.{}{}", ThreadsAgainstProcesses(serial, judged), SlowedDown(serial, judged),
                     BeyondTheCpus(judged, pairs.back(), cpus));
}

std::string CostVerdict(const Pair& pair, uint32_t items) {
  const auto microseconds = [items](const Row& row) {
    const double us = 1000 * row.median_ms / items;
    return fmt::format("{:.{}f} us", us, us < 10 ? 1 : 0);
  };
  const std::string at_once =
      pair.workers() == 1 ? "" : fmt::format(", {} at a time,", pair.workers());
  const std::string claim =
      fmt::format("To start and join a worker{} takes {} as a process and {} as a thread", at_once,
                  microseconds(*pair.processes), microseconds(*pair.threads));
  if (pair.TooFew()) return claim + ", but so few runs conclude nothing.";
  if (pair.TooWide()) return claim + ", but the runs differ too much to conclude.";
  return fmt::format("{} ({:.1f}x).", claim, pair.processes->median_ms / pair.threads->median_ms);
}

std::string OthersUsed(const TaskReport& report, uint32_t cpus) {
  if (report.other_cpus < OtherLoad::kHardlyAny) return "";
  return fmt::format("other programs used {:.1f} of {} CPU{}", report.other_cpus, cpus,
                     cpus == 1 ? "" : "s");
}

}  // namespace

std::string Verdict(const TaskReport& report, uint32_t cpus) {
  const Row* const serial = Find(report, ExecutionMode::kSerial, 1);
  const std::vector<Pair> pairs = Pairs(report);
  if (serial == nullptr || pairs.empty()) {
    return "No verdict: what there would be to compare has failed.";
  }
  const bool of_cost = report.question == Question::kCostOfItem;
  const std::string verdict =
      of_cost ? CostVerdict(pairs.front(), report.items) : SpeedUpVerdict(*serial, pairs, cpus);
  const std::string others = OthersUsed(report, cpus);
  // Who waits for a CPU looks as if it waited for something else.
  if (!others.empty()) return fmt::format("While {}: {}", others, verdict);
  return of_cost ? verdict : fmt::format("{}: {}", Kind(*serial), verdict);
}

std::string SpreadWarning(const TaskReport& report) {
  std::vector<std::string> wide;
  double widest = 0;
  for (const Row& row : report.rows) {
    const bool of_no_use =
        report.question == Question::kCostOfItem && row.way.mode == ExecutionMode::kSerial;
    if (row.failed || of_no_use) continue;
    if (row.runs_ms.size() < kFewestRuns) {
      return fmt::format(
          "{}: fewer than {} runs say too little of how far they spread; use more "
          "--runs",
          report.name, kFewestRuns);
    }
    if (!IsTooWide(row)) continue;
    wide.push_back(NameOf(row.way));
    widest = std::max(widest, row.Spread());
  }
  if (wide.empty()) return "";
  return fmt::format(
      "{}: the median of {} is uncertain by up to {:.0f} %, too much to conclude anything from it; "
      "use more --runs, or a quieter machine",
      report.name, fmt::join(wide, ", "), 100 * widest);
}

std::string OtherLoadWarning(const TaskReport& report, uint32_t cpus) {
  const std::string others = OthersUsed(report, cpus);
  if (others.empty()) return "";
  return fmt::format("{}: {} meanwhile, so the figures may be theirs; use a quieter machine",
                     report.name, others);
}

std::string TooManyWorkersWarning(const std::vector<Way>& ways, uint32_t cpus) {
  uint32_t most = 0;
  for (const Way& way : ways) most = std::max(most, way.workers);
  if (most <= cpus) return "";
  return fmt::format(
      "{} workers on {} CPU{}: what computes cannot be more than {}x serial, what waits can", most,
      cpus, cpus == 1 ? "" : "s", cpus);
}

}  // namespace tally::compare
