// Experiment `false-sharing`: each worker adds to a counter of its own. Nothing is shared, and
// nothing is wrong. But counters that lie side by side share a cache line, which only one CPU can
// write to at a time.
#include <fmt/format.h>

#include <array>
#include <atomic>

#include "master/race/experiments.h"

namespace tally::race {
namespace {

constexpr size_t kCacheLineBytes = 64;

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

}  // namespace

Report RunFalseSharing(const Setup& setup) {
  Report report;
  report.variants.push_back(Measure<Counters<sizeof(uint64_t)>>("packed", setup));
  report.variants.push_back(Measure<Counters<kCacheLineBytes>>("aligned", setup));
  const double times = report.variants[0].ops_per_s > 0
                           ? report.variants[1].ops_per_s / report.variants[0].ops_per_s
                           : 0;
  report.findings.push_back(fmt::format("aligned is {:.1f} times as fast as packed", times));
  report.explanation =
      "Both are right: each counter has one writer, so no lock is needed. But a CPU writes to "
      "whole "
      "lines of 64 bytes, and takes the line away from the others to do so: packed counters travel "
      "from CPU to CPU all the time. Aligned ones stay where they are.";
  report.try_next = "tally race false-sharing -j 1   (alone, is there still a difference?)";
  return report;
}

}  // namespace tally::race
