// An executor for tests: no processes, and failures on demand.
#ifndef TALLY_TESTS_FAKE_EXECUTOR_H_
#define TALLY_TESTS_FAKE_EXECUTOR_H_

#include <csignal>
#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "master/executor.h"

namespace tally {

/// Runs the workers one after another in the calling thread.
class FakeExecutor : public Executor {
 public:
  enum class Order { kForward, kReverse };

  explicit FakeExecutor(Order order = Order::kForward) : order_(order) {}

  /// This worker's body is not run; it ends with status 1.
  void FailWorker(uint32_t worker) { endings_[worker] = {.exit_status = 1}; }

  /// This worker's body is not run; the worker is killed by a signal.
  void KillWorker(uint32_t worker, int signal_number = SIGKILL) {
    endings_[worker] = {.signal_number = signal_number};
  }

  std::vector<WorkerOutcome> Run(uint32_t workers, const Body& body, const OnTick& on_tick,
                                 const AskToStop& /*ask_to_stop*/ = {}) override {
    std::vector<WorkerOutcome> outcomes(workers);
    for (uint32_t turn = 0; turn < workers; ++turn) {
      on_tick();
      const uint32_t worker = order_ == Order::kForward ? turn : workers - 1 - turn;
      WorkerOutcome& outcome = outcomes[worker];
      outcome.pid = kFirstPid + static_cast<pid_t>(worker);
      if (const auto ending = endings_.find(worker); ending != endings_.end()) {
        outcome.exit_status = ending->second.exit_status;
        outcome.signal_number = ending->second.signal_number;
      } else {
        outcome.succeeded = body(worker);
        outcome.exit_status = outcome.succeeded ? 0 : 1;
      }
    }
    return outcomes;
  }

  std::string_view name() const override { return "fake"; }

 private:
  static constexpr pid_t kFirstPid = 1000;

  struct Ending {
    int exit_status = 0;
    int signal_number = 0;
  };

  Order order_;
  std::map<uint32_t, Ending> endings_;
};

}  // namespace tally

#endif  // TALLY_TESTS_FAKE_EXECUTOR_H_
