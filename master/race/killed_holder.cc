// Experiment `killed-holder`: a process is killed while it holds the lock that all others want.
#include <fmt/format.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/interprocess/sync/interprocess_mutex.hpp>
#include <boost/interprocess/sync/scoped_lock.hpp>
#include <new>

#include "common/robust_mutex.h"
#include "common/shared_region.h"
#include "master/race/experiments.h"

namespace tally::race {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kPatience{500};

template <class Mutex>
struct Scene {
  Mutex mutex;
  std::atomic<bool> holder_is_dead{false};
  std::atomic<uint64_t> taken{0};      // by those who are left
  std::atomic<uint64_t> recovered{0};  // of these, with the news that the owner had died
};

// Forks a victim, which takes the lock and is killed with it.
template <class Mutex>
void KillAHolder(Scene<Mutex>* scene) {
  const pid_t victim = fork();
  if (victim == 0) {
    scene->mutex.lock();
    raise(SIGKILL);
  }
  waitpid(victim, nullptr, 0);
  scene->holder_is_dead = true;
}

// What the next owner does with the news. A plain mutex has none.
void Repair(RobustMutex* mutex, std::atomic<uint64_t>* recovered) {
  if (!mutex->owner_died()) return;
  recovered->fetch_add(1);
  mutex->MarkRepaired();
}
void Repair(boost::interprocess::interprocess_mutex*, std::atomic<uint64_t>*) {}

template <class Mutex>
Variant Stage(std::string name, const Setup& setup) {
  // Never destroyed: a locked mutex cannot be.
  const SharedRegion region = SharedRegion::Reserve(sizeof(Scene<Mutex>));
  auto* const scene = new (region.data()) Scene<Mutex>;
  Crew crew = setup.MakeCrew();
  bool hung = false;
  const auto stop_if_hung = [&, seen = ~uint64_t{0}, since = Clock::now()]() mutable {
    if (const uint64_t taken = scene->taken; taken != seen) {
      seen = taken;
      since = Clock::now();
    }
    hung = Clock::now() - since >= kPatience;
    if (hung) crew.Stop();
  };
  const Crew::Trial trial = crew.Run(
      [&](uint32_t worker) {
        if (worker == 0) KillAHolder(scene);
        while (!scene->holder_is_dead) sched_yield();
        for (uint64_t round = 0; round < setup.rounds; ++round) {
          const boost::interprocess::scoped_lock<Mutex> lock(scene->mutex);
          Repair(&scene->mutex, &scene->recovered);
          scene->taken.fetch_add(1);
        }
      },
      stop_if_hung);
  Variant variant = MakeVariant(std::move(name), setup.rounds * setup.workers, scene->taken, trial);
  if (hung) {
    variant.note = fmt::format("hung: nobody took it for {} ms", kPatience.count());
    variant.lost = variant.expected - variant.actual;
  } else if (trial.finished) {
    variant.note = fmt::format("recovered {} time{}", scene->recovered.load(),
                               scene->recovered == 1 ? "" : "s");
  }
  return variant;
}

}  // namespace

Report RunKilledHolder(const Setup& setup) {
  Report report;
  report.variants.push_back(Stage<boost::interprocess::interprocess_mutex>("plain", setup));
  report.variants.push_back(Stage<RobustMutex>("robust", setup));
  report.explanation =
      "A further process took the lock and was killed by SIGKILL, so nobody will ever unlock it. "
      "Whoever waits for a plain interprocess mutex waits for ever; a robust one is handed on by "
      "the kernel, with the news that its owner died, so that the next one can repair what it "
      "guards.";
  report.try_next = "tally race killed-holder -j 8   (how many of them get the news?)";
  return report;
}

}  // namespace tally::race
