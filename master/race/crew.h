// The workers of an experiment: started together, timed, and stopped at a deadline.
#ifndef TALLY_MASTER_RACE_CREW_H_
#define TALLY_MASTER_RACE_CREW_H_

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>

#include "common/shared_value.h"
#include "master/executor.h"
#include "master/options.h"

namespace tally::race {

/// Runs bodies side by side on an executor. What the bodies share must be in shared memory.
class Crew {
 public:
  using Body = std::function<void(uint32_t worker)>;
  using OnTick = std::function<void()>;

  /// A trial that takes longer than `deadline` is stopped. `on_tick` is called about ten times a
  /// second during each.
  Crew(Executor* executor, uint32_t workers, std::chrono::milliseconds deadline,
       OnTick on_tick = {});

  struct Trial {
    bool finished = true;  // false: it hit the deadline, or Stop() was called
    double seconds = 0;    // from the first worker's start to the last one's end
  };

  /// No body starts before every worker is there. `watch` is called as on_tick, and may call
  /// Stop().
  Trial Run(const Body& body, const OnTick& watch = {});

  uint32_t workers() const { return workers_; }

  /// Ends the trial: processes are killed, threads asked.
  void Stop() { stopped_here_ = true; }

  /// For the bodies: whether to give up. Whatever waits for another worker asks now and then.
  bool stopped() const { return shared_->stop.load(std::memory_order_relaxed); }

  /// For the bodies: returns once all workers have called it equally often, or the trial is
  /// stopped.
  void WaitForAll();

 private:
  struct Shared {
    std::atomic<uint32_t> arrived{0};
    std::atomic<uint32_t> round{0};
    std::atomic<bool> stop{false};
    std::array<int64_t, kMaxCrew> begin_ns{};
    std::array<int64_t, kMaxCrew> end_ns{};
  };

  void RunBody(const Body& body, uint32_t worker);

  Executor* executor_;
  uint32_t workers_;
  std::chrono::milliseconds deadline_;
  OnTick on_tick_;
  SharedValue<Shared> shared_;
  bool stopped_here_ = false;
};

}  // namespace tally::race

#endif  // TALLY_MASTER_RACE_CREW_H_
