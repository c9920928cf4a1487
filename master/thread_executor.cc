#include "master/thread_executor.h"

#include <fmt/format.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <thread>

#include "common/error.h"
#include "common/unique_fd.h"
#include "master/fatal_signal.h"
#include "master/messages.h"
#include "master/signals.h"
#include "master/worker_failure.h"

namespace tally {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kTick = std::chrono::milliseconds(100);
constexpr auto kPatience = std::chrono::milliseconds(30);

enum class State : uint8_t { kRunning, kSucceeded, kFailed };

// The threads of a run; joined by the destructor, once they have been asked to stop.
class Threads {
 public:
  Threads(uint32_t workers, const Executor::Body& body, const Supervision& supervision)
      : body_(body),
        supervision_(supervision),
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
      if (!threads_.empty() && supervision.on_too_few) {
        supervision.on_too_few(static_cast<uint32_t>(threads_.size()), error.code().value());
        return;
      }
      AskToStop();
      throw Error(fmt::format("worker {} of {} cannot be started: {}{}", threads_.size() + 1,
                              workers, WhyNotStarted(error.code().value()),
                              threads_.empty() ? "" : "; use fewer, with -j"));
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
    if (supervision_.ask_to_stop) supervision_.ask_to_stop();
  }

  /// Until a thread ends, a signal comes, `timeout` has passed, or there is something to feed.
  void Wait(const BlockedSignals& blocked, std::chrono::nanoseconds timeout) {
    waits_.assign(1, {.fd = ended_.get(), .events = POLLIN, .revents = 0});
    Feeder* const feeder = supervision_.feeder;
    if (feeder != nullptr) timeout = std::min(timeout, feeder->AddWaits(&waits_));
    blocked.WaitForSignal(timeout, waits_);
    eventfd_t count;
    (void)eventfd_read(ended_.get(), &count);
    if (feeder != nullptr) feeder->Feed();
  }

  /// The number of one that hangs.
  std::optional<uint32_t> Hung() const {
    if (!supervision_.is_hung) return std::nullopt;
    for (uint32_t worker = 0; worker < threads_.size(); ++worker) {
      if (states_[worker] == State::kRunning && supervision_.is_hung(worker, /*pid=*/0))
        return worker;
    }
    return std::nullopt;
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
    const FatalSignalStack stack;
    states_[worker] = body_(worker) ? State::kSucceeded : State::kFailed;
    (void)eventfd_write(ended_.get(), 1);
  }
  bool Any(State state) const {
    const auto* const end = states_.get() + threads_.size();
    return std::any_of(static_cast<const std::atomic<State>*>(states_.get()), end,
                       [state](const std::atomic<State>& each) { return each == state; });
  }

  const Executor::Body& body_;
  const Supervision& supervision_;
  const UniqueFd ended_;
  const std::unique_ptr<std::atomic<State>[]> states_;
  std::vector<pollfd> waits_;
  std::vector<std::jthread> threads_;
};

// Whether all have ended within a moment of being asked to.
bool EndSoon(Threads* threads, const BlockedSignals& blocked) {
  threads->AskToStop();
  const auto deadline = Clock::now() + kPatience;
  while (threads->AnyRunning() && Clock::now() < deadline) {
    threads->Wait(blocked, deadline - Clock::now());
  }
  return !threads->AnyRunning();
}

// What an unwinding main thread releases, the others may still use: where these do not end, nothing
// is unwound.
[[noreturn]] void EndBySignal(Threads* threads, const BlockedSignals& blocked) {
  if (!EndSoon(threads, blocked)) DieBySignal(StopSignal());
  throw Interrupted(StopSignal());
}

[[noreturn]] void EndAsHung(uint32_t worker, Threads* threads, const BlockedSignals& blocked) {
  const std::string message = fmt::format(
      "worker {} hangs, and a thread cannot be killed alone; nothing was written. --mode process "
      "replaces a worker that hangs",
      worker + 1);
  if (EndSoon(threads, blocked)) throw Error(message);
  Say(message);
  _exit(kExitFailed);
}

}  // namespace

std::vector<WorkerOutcome> ThreadExecutor::Run(uint32_t workers, const Body& body,
                                               const Supervision& supervision) {
  // Inherited by the threads: signals are for this one, when it waits.
  const BlockedSignals blocked;
  Threads threads(workers, body, supervision);
  auto next_tick = Clock::now();
  bool asked_to_stop = false;
  while (threads.AnyRunning()) {
    if (StopSignal() != 0) EndBySignal(&threads, blocked);
    if (threads.AnyFailed() && !asked_to_stop) {
      threads.AskToStop();
      asked_to_stop = true;
    }
    if (Clock::now() >= next_tick) {
      if (supervision.on_tick) supervision.on_tick();
      if (const auto hung = threads.Hung()) EndAsHung(*hung, &threads, blocked);
      next_tick = Clock::now() + kTick;
    }
    threads.Wait(blocked, next_tick - Clock::now());
  }
  ThrowIfStopped();
  return threads.Outcomes();
}

}  // namespace tally
