// Experiment `lost-update`: every worker adds 1 to a shared counter, again and again. An addition
// is a load, an addition in a register, and a store; another worker may slip in between.
#include <fmt/format.h>

#include <array>
#include <atomic>
#include <boost/interprocess/sync/scoped_lock.hpp>

#include "common/robust_mutex.h"
#include "master/race/experiments.h"

namespace tally::race {
namespace {

// The four ways to count. All have the same two calls; `log` is a ring that notes each step, or
// NoRing.

// With NullMutex there is no lock; with RobustMutex there is. Nothing else differs.
template <class Mutex>
class LockedCounter {
 public:
  template <class Log>
  void AddOne(uint32_t /*worker*/, RaceWindow window, Log& log) {
    const boost::interprocess::scoped_lock<Mutex> lock(mutex_);
    const uint64_t seen = value_.load(std::memory_order_relaxed);
    log.Note(Operation::kLoad, 0, seen);
    window.Pass();
    log.Note(Operation::kStore, 0, seen + 1);
    value_.store(seen + 1, std::memory_order_relaxed);
  }
  uint64_t total() const { return value_.load(); }

 private:
  Mutex mutex_;
  // An atomic, but only loaded and stored: it makes the race defined, and leaves it a race.
  std::atomic<uint64_t> value_{0};
};

// The processor does load, addition and store as one step.
class AtomicCounter {
 public:
  template <class Log>
  void AddOne(uint32_t /*worker*/, RaceWindow /*there is none*/, Log&) {
    value_.fetch_add(1, std::memory_order_relaxed);
  }
  uint64_t total() const { return value_.load(); }

 private:
  std::atomic<uint64_t> value_{0};
};

// Nothing is shared until all are done. This is how `tally count` counts.
class PrivateCounter {
 public:
  template <class Log>
  void AddOne(uint32_t worker, RaceWindow window, Log&) {
    const uint64_t seen = own_[worker].value.load(std::memory_order_relaxed);
    window.Pass();
    own_[worker].value.store(seen + 1, std::memory_order_relaxed);
  }
  uint64_t total() const {
    uint64_t sum = 0;
    for (const Own& own : own_) sum += own.value.load();
    return sum;
  }

 private:
  struct alignas(64) Own {
    std::atomic<uint64_t> value{0};
  };
  std::array<Own, kMaxCrew> own_;
};

// The classic listing: everybody adds 1 once, and the sum is checked; a hundred times.
template <class Counter>
std::string ShortTrials(const Setup& setup) {
  constexpr uint32_t kTrials = 100;
  struct Trial {
    Counter counter;
    std::atomic<uint32_t> additions{0};  // that have been made, lost or not
  };
  SharedValue<std::array<Trial, kTrials>> trials;
  Crew crew = setup.MakeCrew();
  crew.Run([&](uint32_t worker) {
    NoRing log;
    for (Trial& trial : *trials) {
      crew.WaitForAll();
      if (crew.stopped()) return;
      trial.counter.AddOne(worker, setup.window, log);
      trial.additions.fetch_add(1);
    }
  });
  uint32_t done = 0;
  uint32_t failed = 0;
  for (const Trial& trial : *trials) {
    if (trial.additions != setup.workers) continue;
    ++done;
    failed += trial.counter.total() != setup.workers ? 1 : 0;
  }
  return fmt::format("{} of {} short trials failed", failed, done);
}

template <class Counter>
Variant Measure(std::string name, const Setup& setup) {
  SharedValue<Counter> counter;
  Crew crew = setup.MakeCrew();
  const Crew::Trial trial = crew.Run([&](uint32_t worker) {
    NoRing log;
    for (uint64_t i = 0; i < setup.rounds && !crew.stopped(); ++i) {
      counter->AddOne(worker, setup.window, log);
    }
  });
  const uint64_t expected = setup.rounds * setup.workers;
  return MakeVariant(std::move(name), expected, counter->total(), trial,
                     trial.finished ? ShortTrials<Counter>(setup) : "");
}

// The unsafe variant once more, with every step noted.
std::vector<WorkerEvent> Record(const Setup& setup) {
  SharedValue<LockedCounter<NullMutex>> counter;
  const EventRings rings(setup.workers);
  Crew crew = setup.MakeCrew();
  crew.Run([&](uint32_t worker) {
    const uint64_t rounds = std::min(setup.rounds, kRecordedRounds);
    for (uint64_t i = 0; i < rounds && !crew.stopped(); ++i) {
      counter->AddOne(worker, setup.window, rings.of(worker));
    }
  });
  return rings.Merged();
}

}  // namespace

Report RunLostUpdate(const Setup& setup) {
  Report report;
  report.variants.push_back(Measure<LockedCounter<NullMutex>>("unsafe", setup));
  report.variants.push_back(Measure<LockedCounter<RobustMutex>>("mutex", setup));
  report.variants.push_back(Measure<AtomicCounter>("atomic", setup));
  report.variants.push_back(Measure<PrivateCounter>("private-then-merge", setup));
  Capture(
      setup, [&] { return Record(setup); }, FindLostUpdate, &report);
  report.explanation =
      "Two workers loaded the same number, each added 1 to what it had seen, and both stored the "
      "same sum: of two additions one is left. A mutex keeps the second worker out until the "
      "first has stored; an atomic addition is one step of the processor; and what is not shared "
      "needs neither. (A short trial is a single addition by each worker. The speeds include the "
      "wait between load and store, which an atomic addition has no place for.)";
  report.try_next = setup.window == RaceWindow::None()
                        ? "tally race lost-update -j 4   (do four lose more than two?)"
                        : "tally race lost-update --race-window none   (is the loss gone without "
                          "the wait?)";
  return report;
}

}  // namespace tally::race
