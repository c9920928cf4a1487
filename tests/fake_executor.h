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

/// Runs the workers one after another in the calling thread. Streams that the supervision is to
/// feed are not for it.
class FakeExecutor : public Executor {
 public:
  enum class Order { kForward, kReverse };

  explicit FakeExecutor(Order order = Order::kForward) : order_(order) {}

  /// This worker's body is not run in its first lives; it ends with this status.
  void FailWorker(uint32_t worker, int exit_status = 1, int lives = 1) {
    endings_[worker] = {.lives = lives, .exit_status = exit_status};
  }

  /// This worker's body is run, unless `before` it, in its first lives; then the worker is killed
  /// by a signal.
  void KillWorker(uint32_t worker, int signal_number = SIGKILL, int lives = 1, bool before = true) {
    endings_[worker] = {.lives = lives, .signal_number = signal_number, .body_is_run = !before};
  }

  std::vector<WorkerOutcome> Run(uint32_t workers, const Body& body,
                                 const Supervision& supervision = {}) override {
    std::vector<WorkerOutcome> outcomes(workers);
    for (uint32_t turn = 0; turn < workers; ++turn) {
      if (supervision.on_tick) supervision.on_tick();
      const uint32_t worker = order_ == Order::kForward ? turn : workers - 1 - turn;
      for (Next next = Next::kReplace; next == Next::kReplace;) {
        outcomes[worker] = LiveOnce(worker, body);
        next = outcomes[worker].succeeded ? Next::kGoOn : Next::kStop;
        if (supervision.on_end) next = supervision.on_end(worker, outcomes[worker]);
        if (next == Next::kStop) return outcomes;
      }
    }
    return outcomes;
  }

  std::string_view name() const override { return "fake"; }

 private:
  struct Ending {
    int lives = 0;
    int exit_status = 0;
    int signal_number = 0;
    bool body_is_run = false;
  };

  WorkerOutcome LiveOnce(uint32_t worker, const Body& body) {
    WorkerOutcome outcome;
    outcome.pid = next_pid_++;
    Ending& ending = endings_[worker];
    if (ending.lives > 0) {
      --ending.lives;
      if (ending.body_is_run) body(worker);
      outcome.exit_status = ending.exit_status;
      outcome.signal_number = ending.signal_number;
      outcome.succeeded = ending.exit_status == 0 && ending.signal_number == 0;
    } else {
      outcome.succeeded = body(worker);
      outcome.exit_status = outcome.succeeded ? 0 : 1;
    }
    return outcome;
  }

  Order order_;
  pid_t next_pid_ = 1000;
  std::map<uint32_t, Ending> endings_;
};

}  // namespace tally

#endif  // TALLY_TESTS_FAKE_EXECUTOR_H_
