// Experiment `deadlock`: each worker needs two locks at once. If one takes A and then B, and
// another B and then A, the day comes when each has one and waits for the other's.
#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <new>

#include "common/robust_mutex.h"
#include "common/shared_region.h"
#include "master/race/experiments.h"

namespace tally::race {
namespace {

constexpr uint32_t kNone = 2;  // no lock
constexpr std::array<char, 2> kLockNames = {'A', 'B'};

// What a worker says of itself, so that others can see who waits for whom.
struct WorkerState {
  std::atomic<uint32_t> holds{kNone};  // the first of its two locks
  std::atomic<uint32_t> waits_for{kNone};
  std::atomic<uint64_t> rounds_done{0};
};

struct Scene {
  std::array<RobustMutex, 2> locks;
  std::array<WorkerState, kMaxCrew> workers;

  uint64_t rounds_done() const {
    uint64_t sum = 0;
    for (const WorkerState& worker : workers) sum += worker.rounds_done;
    return sum;
  }
};

// The policies: which of its two locks a worker takes first.
struct Opposite {
  static uint32_t First(uint32_t worker) { return worker % 2; }
};
struct Ordered {
  static uint32_t First(uint32_t /*worker*/) { return 0; }
};

// False where the trial was stopped. (A worker that sleeps in lock() could not be asked to stop.)
bool Lock(Scene* scene, uint32_t worker, uint32_t lock, const Crew& crew, EventRing* ring) {
  WorkerState& self = scene->workers[worker];
  if (!scene->locks[lock].try_lock()) {
    self.waits_for = lock;
    ring->Note(Operation::kWait, lock, 0);
    while (!scene->locks[lock].try_lock()) {
      if (crew.stopped()) return false;
      sched_yield();
    }
    if (crew.stopped()) {  // it is free because others gave up
      scene->locks[lock].unlock();
      return false;
    }
    self.waits_for = kNone;
  }
  ring->Note(Operation::kLock, lock, 0);
  return true;
}

template <class Policy>
void TakeBothAgainAndAgain(Scene* scene, uint32_t worker, const Setup& setup, const Crew& crew,
                           EventRing* ring) {
  WorkerState& self = scene->workers[worker];
  const uint32_t first = Policy::First(worker);
  const uint32_t second = 1 - first;
  for (uint64_t round = 0; round < setup.rounds && !crew.stopped(); ++round) {
    if (!Lock(scene, worker, first, crew, ring)) return;
    self.holds = first;
    setup.window.Pass();
    if (!Lock(scene, worker, second, crew, ring)) {
      scene->locks[first].unlock();
      return;
    }
    self.holds = kNone;
    scene->locks[second].unlock();
    scene->locks[first].unlock();
    self.rounds_done.fetch_add(1);
  }
}

// Two workers each of which holds what the other waits for. The master looks at it twice, a tenth
// of a second apart: what nobody leaves in that time is no passing moment.
class DeadlockDetector {
 public:
  explicit DeadlockDetector(const Scene& scene, uint32_t workers)
      : scene_(scene), workers_(workers) {}

  bool FindsCycle() {
    const uint64_t done = scene_.rounds_done();
    const bool stands_still = done == done_before_;
    done_before_ = done;
    return stands_still && FindCycle();
  }

  /// What they hold and wait for, a sentence each.
  const std::vector<std::string>& sentences() const { return sentences_; }
  const std::vector<uint32_t>& cycle() const { return cycle_; }

 private:
  bool FindCycle() {
    for (uint32_t a = 0; a < workers_; ++a) {
      for (uint32_t b = a + 1; b < workers_; ++b) {
        if (WaitsFor(a, b) && WaitsFor(b, a)) {
          cycle_ = {a, b};
          sentences_ = {Describe(a, b), Describe(b, a)};
          return true;
        }
      }
    }
    return false;
  }
  bool WaitsFor(uint32_t a, uint32_t b) const {
    const uint32_t wanted = scene_.workers[a].waits_for;
    return wanted != kNone && scene_.workers[b].holds == wanted;
  }

  std::string Describe(uint32_t worker, uint32_t other) const {
    const WorkerState& state = scene_.workers[worker];
    return fmt::format("worker {} holds {} and waits for {}, which worker {} holds", worker + 1,
                       kLockNames[state.holds], kLockNames[state.waits_for], other + 1);
  }

  const Scene& scene_;
  uint32_t workers_;
  uint64_t done_before_ = ~uint64_t{0};
  std::vector<uint32_t> cycle_;
  std::vector<std::string> sentences_;
};

// The last that each worker in the cycle did: it took one lock and began to wait for the other.
Evidence LastStepsOf(const std::vector<uint32_t>& cycle, const std::vector<WorkerEvent>& events) {
  Evidence evidence{.rows = {}, .verdict = "<- and so for ever"};
  for (const uint32_t worker : cycle) {
    size_t wanted = 2;
    for (size_t i = events.size(); i-- > 0 && wanted > 0;) {
      if (events[i].worker != worker) continue;
      evidence.rows.push_back(events[i]);
      --wanted;
    }
  }
  std::stable_sort(evidence.rows.begin(), evidence.rows.end(),
                   [](const auto& a, const auto& b) { return a.event.time_ns < b.event.time_ns; });
  return evidence;
}

template <class Policy>
Variant Stage(std::string name, const Setup& setup, Report* report) {
  // Never destroyed: its locks may be held by the dead.
  const SharedRegion region = SharedRegion::Reserve(sizeof(Scene));
  auto* const scene = new (region.data()) Scene;
  const EventRings rings(setup.workers);
  DeadlockDetector detector(*scene, setup.workers);
  Crew crew = setup.MakeCrew();
  const auto begin = std::chrono::steady_clock::now();
  const Crew::Trial trial = crew.Run(
      [&](uint32_t worker) {
        TakeBothAgainAndAgain<Policy>(scene, worker, setup, crew, &rings.of(worker));
      },
      [&] {
        if (detector.FindsCycle()) crew.Stop();
      });
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
  Variant variant =
      MakeVariant(std::move(name), setup.rounds * setup.workers, scene->rounds_done(), trial);
  if (detector.cycle().empty()) return variant;
  variant.lost = variant.expected - variant.actual;
  variant.note = fmt::format("deadlock, found after {:.1f} s", elapsed.count());
  report->findings = detector.sentences();
  report->events = rings.Merged();
  report->evidence = LastStepsOf(detector.cycle(), report->events);
  return variant;
}

}  // namespace

Report RunDeadlock(const Setup& setup) {
  Report report;
  report.variants.push_back(Stage<Opposite>("opposite-order", setup, &report));
  report.variants.push_back(Stage<Ordered>("same-order", setup, &report));
  report.describe = [](const Event& event) {
    return fmt::format("{} {}", OperationName(event.operation), kLockNames[event.object]);
  };
  report.explanation =
      "Each has what the other needs, and lets go of it only once it has got that: a cycle that "
      "nobody inside can leave. The master saw it in what the workers say they hold and wait for, "
      "and ended them. If all take the locks in the same order, whoever has the first one gets "
      "the second.";
  report.try_next = "tally race deadlock --race-window none   (how many rounds does luck last?)";
  return report;
}

}  // namespace tally::race
