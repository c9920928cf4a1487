#include "master/thread_executor.h"

#include <fmt/format.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <memory>
#include <system_error>
#include <thread>

#include "common/error.h"
#include "common/unique_fd.h"
#include "master/signals.h"

namespace tally {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kTick = std::chrono::milliseconds(100);
constexpr auto kPatience = std::chrono::milliseconds(100);

enum class State : uint8_t { kRunning, kSucceeded, kFailed };

// The threads of a run; joined by the destructor, once they have been asked to stop.
class Threads {
 public:
  Threads(uint32_t workers, const Executor::Body& body, const Executor::AskToStop& ask_to_stop)
      : body_(body),
        ask_to_stop_(ask_to_stop),
        ended_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        states_(std::make_unique<std::atomic<State>[]>(workers)) {
    if (!ended_) throw SystemError("worker threads", "cannot be waited for", errno);
    threads_.reserve(workers);
    try {
      for (uint32_t worker = 0; worker < workers; ++worker) {
        states_[worker] = State::kRunning;
        threads_.emplace_back([this, worker] { RunBody(worker); });
      }
    } catch (const std::system_error& error) {
      AskToStop();
      throw SystemError(fmt::format("worker {} of {}", threads_.size() + 1, workers),
                        "cannot be started (use fewer, with -j)", error.code().value());
    }
  }
  ~Threads() {
    if (AnyRunning()) AskToStop();
  }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

  bool AnyRunning() const { return Any(State::kRunning); }
  bool AnyFailed() const { return Any(State::kFailed); }

  void AskToStop() const {
    if (ask_to_stop_) ask_to_stop_();
  }

  /// Until a thread ends, a signal comes, or `timeout` has passed.
  void Wait(const BlockedSignals& blocked, Clock::duration timeout) const {
    blocked.WaitForSignal(timeout, ended_.get());
    eventfd_t count;
    (void)eventfd_read(ended_.get(), &count);
  }

  std::vector<WorkerOutcome> Outcomes() const {
    std::vector<WorkerOutcome> outcomes(threads_.size());
    for (size_t worker = 0; worker < outcomes.size(); ++worker) {
      outcomes[worker].succeeded = states_[worker] == State::kSucceeded;
      outcomes[worker].exit_status = outcomes[worker].succeeded ? kExitDone : kExitFailed;
    }
    return outcomes;
  }

 private:
  void RunBody(uint32_t worker) {
    states_[worker] = body_(worker) ? State::kSucceeded : State::kFailed;
    (void)eventfd_write(ended_.get(), 1);
  }
  bool Any(State state) const {
    const auto* const end = states_.get() + threads_.size();
    return std::any_of(static_cast<const std::atomic<State>*>(states_.get()), end,
                       [state](const std::atomic<State>& each) { return each == state; });
  }

  const Executor::Body& body_;
  const Executor::AskToStop& ask_to_stop_;
  const UniqueFd ended_;
  const std::unique_ptr<std::atomic<State>[]> states_;
  std::vector<std::jthread> threads_;
};

// What an unwinding main thread releases, the others may still use.
[[noreturn]] void EndBySignal(const Threads& threads, const BlockedSignals& blocked) {
  threads.AskToStop();
  const auto deadline = Clock::now() + kPatience;
  while (threads.AnyRunning()) {
    if (Clock::now() >= deadline) DieBySignal(StopSignal());
    threads.Wait(blocked, deadline - Clock::now());
  }
  throw Interrupted(StopSignal());
}

}  // namespace

std::vector<WorkerOutcome> ThreadExecutor::Run(uint32_t workers, const Body& body,
                                               const OnTick& on_tick,
                                               const AskToStop& ask_to_stop) {
  // Inherited by the threads: signals are for this one, when it waits.
  const BlockedSignals blocked;
  const Threads threads(workers, body, ask_to_stop);
  auto next_tick = Clock::now();
  bool asked_to_stop = false;
  while (threads.AnyRunning()) {
    if (StopSignal() != 0) EndBySignal(threads, blocked);
    if (threads.AnyFailed() && !asked_to_stop) {
      threads.AskToStop();
      asked_to_stop = true;
    }
    if (Clock::now() >= next_tick) {
      on_tick();
      next_tick = Clock::now() + kTick;
    }
    threads.Wait(blocked, next_tick - Clock::now());
  }
  ThrowIfStopped();
  return threads.Outcomes();
}

}  // namespace tally
