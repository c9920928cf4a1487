// Experiment `false-sharing`: each worker adds to a counter of its own. Nothing is shared, and
// nothing is wrong. But counters that lie side by side share a cache line, which only one CPU can
// write to at a time.
#include <fmt/format.h>

#include <array>
#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include "common/cache_line.h"
#include "master/race/experiments.h"
#include "master/statistics.h"

namespace tally::race {
namespace {

template <size_t kAlignment>
struct Counters {
  struct alignas(kAlignment) Counter {
    std::atomic<uint64_t> value{0};
  };
  alignas(kCacheLineBytes) std::array<Counter, kMaxCrew> own;
};

template <class CountersType>
Variant Measure(std::string name, const Setup& setup) {
  SharedValue<CountersType> counters;
  Crew crew = setup.MakeCrew();
  const Crew::Trial trial = crew.Run([&](uint32_t worker) {
    std::atomic<uint64_t>& own = counters->own[worker].value;
    for (uint64_t i = 0; i < setup.rounds; ++i) {
      own.store(own.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
      // Looks at it now and then, not at every addition.
      if (i % 4096 == 0 && crew.stopped()) return;
    }
  });
  uint64_t total = 0;
  for (const auto& counter : counters->own) total += counter.value;
  return MakeVariant(std::move(name), setup.rounds * setup.workers, total, trial,
                     fmt::format("{} bytes apart", sizeof counters->own[0]));
}

// Of several runs of one variant the first that went wrong, else one with their median speed.
Variant Summary(const std::vector<Variant>& runs) {
  Variant summary = runs.front();
  std::vector<double> speeds;
  for (const Variant& run : runs) {
    if (run.lost != 0) return run;
    speeds.push_back(run.ops_per_s);
  }
  summary.ops_per_s = Median(speeds);
  return summary;
}

constexpr double kNoDifference = 1.25;  // times as fast

}  // namespace

Report RunFalseSharing(const Setup& setup) {
  constexpr int kRuns = 5;
  std::vector<Variant> packed;
  std::vector<Variant> aligned;
  for (int run = 0; run < kRuns; ++run) {  // in turn: what disturbs one disturbs the other
    packed.push_back(Measure<Counters<sizeof(uint64_t)>>("packed", setup));
    aligned.push_back(Measure<Counters<kCacheLineBytes>>("aligned", setup));
    if (packed.back().lost != 0 || aligned.back().lost != 0) break;
  }
  Report report;
  report.variants = {Summary(packed), Summary(aligned)};
  const double times = report.variants[0].ops_per_s > 0
                           ? report.variants[1].ops_per_s / report.variants[0].ops_per_s
                           : 0;
  report.findings.push_back(fmt::format(
      "aligned is {:.1f} times as fast as packed (medians of {} runs each)", times, packed.size()));
  if (setup.workers == 1) {
    report.explanation = "One worker alone has nobody to take a cache line from it. With two: ";
  } else if (times < kNoDifference) {
    report.explanation =
        "This time the difference is small; workers that take turns on a CPU do not disturb each "
        "other. Where they really run at once: ";
  }
  report.explanation +=
      "Both are right: each counter has one writer, so no lock is needed. But a CPU writes to "
      "whole lines of 64 bytes, and takes the line away from the others to do so: packed counters "
      "travel from CPU to CPU all the time. Aligned ones stay where they are.";
  report.try_next = setup.workers == 1
                        ? "tally race false-sharing   (and with two?)"
                        : "tally race false-sharing -j 1   (alone, is there still a difference?)";
  return report;
}

}  // namespace tally::race
