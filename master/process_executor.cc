#include "master/process_executor.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <optional>
#include <utility>
#include <vector>

#include "common/error.h"
#include "common/fault_point.h"
#include "master/signals.h"
#include "master/worker_failure.h"

namespace tally {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kTick = std::chrono::milliseconds(100);
constexpr auto kPatience = std::chrono::milliseconds(500);

// A worker's process, or the one that replaced it; killed and reaped by the destructor.
class WorkerProcess {
 public:
  WorkerProcess() = default;
  WorkerProcess(WorkerProcess&& other) noexcept
      : pid_(std::exchange(other.pid_, 0)), outcome_(other.outcome_) {}
  WorkerProcess& operator=(WorkerProcess&&) = delete;
  ~WorkerProcess() {
    Kill();
    ReapNow();
  }

  enum class State {
    kNew,  // it was not started yet
    kRunning,
    kToReplace,    // it died: another one is to take its place,
    kLeftToHeirs,  // or those that run are
    kOver,
  };

  void Started(pid_t pid) {
    pid_ = pid;
    outcome_ = {.pid = pid};
    state = State::kRunning;
  }
  bool running() const { return pid_ > 0; }
  const WorkerOutcome& outcome() const { return outcome_; }
  /// Why it could not be waited for (errno); 0: it could.
  int reap_error() const { return reap_error_; }

  /// True where it has just ended.
  bool ReapIfEnded() { return Reap(WNOHANG); }
  void ReapNow() { Reap(0); }

  void Kill() {
    if (!running()) return;
    kill(pid_, SIGKILL);
    outcome_.stopped = true;
  }
  void KillAsHung() {
    kill(pid_, SIGKILL);
    outcome_.hung = true;
  }
  void Inherited() {
    outcome_.inherited = true;
    state = State::kOver;
  }

  State state = State::kNew;

 private:
  bool Reap(int options) {
    if (!running()) return false;
    int status = 0;
    rusage usage{};
    pid_t reaped;
    do {
      reaped = wait4(pid_, &status, options, &usage);
    } while (reaped < 0 && errno == EINTR);
    if (reaped == 0) return false;
    if (reaped < 0) {
      // Whether it has ended is unknown, but nobody may take its place while it lives.
      reap_error_ = errno;
      kill(pid_, SIGKILL);
    }
    pid_ = 0;
    if (reap_error_ != 0) return true;
    outcome_.usage = usage;
    if (WIFSIGNALED(status)) outcome_.signal_number = WTERMSIG(status);
    if (WIFEXITED(status)) outcome_.exit_status = WEXITSTATUS(status);
    outcome_.succeeded = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    // It may have ended by itself before the kill reached it.
    outcome_.stopped = outcome_.stopped && outcome_.signal_number == SIGKILL;
    outcome_.hung = outcome_.hung && outcome_.signal_number == SIGKILL;
    return true;
  }

  pid_t pid_ = 0;  // 0: it was not started, or has ended
  int reap_error_ = 0;
  WorkerOutcome outcome_{.stopped = true};
};

using State = WorkerProcess::State;

// One call of Run().
class ProcessRun {
 public:
  ProcessRun(uint32_t workers, const Executor::Body& body, const Supervision& supervision)
      : body_(body), supervision_(supervision), workers_(workers) {}
  // Stopped together: each takes its time to let go of its memory.
  ~ProcessRun() { KillAll(); }
  ProcessRun(const ProcessRun&) = delete;
  ProcessRun& operator=(const ProcessRun&) = delete;

  std::vector<WorkerOutcome> Run();

 private:
  void StartMissing();
  int StartAsFarAsPossible();
  bool Start(uint32_t worker);
  void GoOnWithFewer(int error);
  void ThrowIfAnyIsMissing(int error) const;
  void AskHeirs();
  [[noreturn]] void RunChild(uint32_t worker, pid_t parent) const noexcept;
  void ReapEnded();
  void Decide(uint32_t worker);
  void WaitForOwnSignal(int worker_signal) const;
  uint32_t Count(State state) const {
    return static_cast<uint32_t>(
        std::count_if(workers_.begin(), workers_.end(),
                      [state](const auto& worker) { return worker.state == state; }));
  }
  bool AnyRunning() const { return Count(State::kRunning) > 0; }
  void EndIfStopped() const;
  void Tick();
  void Wait();
  void KillAll() {
    for (WorkerProcess& worker : workers_) worker.Kill();
  }

  const BlockedSignals blocked_;
  const Executor::Body& body_;
  const Supervision& supervision_;
  std::vector<WorkerProcess> workers_;
  std::optional<Clock::time_point> fails_since_;  // fork() does
  Clock::time_point next_try_ = Clock::now();
  bool said_too_few_ = false;
  bool stop_ = false;
  Clock::time_point next_tick_ = Clock::now();
  std::vector<pollfd> waits_;
};

std::vector<WorkerOutcome> ProcessRun::Run() {
  for (;;) {
    ReapEnded();
    EndIfStopped();
    if (stop_) break;
    AskHeirs();
    StartMissing();
    if (Count(State::kOver) == workers_.size()) break;
    Tick();
    Wait();
  }
  KillAll();
  std::vector<WorkerOutcome> outcomes;
  for (WorkerProcess& worker : workers_) {
    worker.ReapNow();
    outcomes.push_back(worker.outcome());
  }
  return outcomes;
}

void ProcessRun::StartMissing() {
  if (Clock::now() < next_try_) return;
  const int error = StartAsFarAsPossible();
  if (error == 0) {
    fails_since_.reset();
    return;
  }
  next_try_ = Clock::now() + kTick;
  if (!fails_since_) fails_since_ = Clock::now();
  GoOnWithFewer(error);
}

// 0, or why it was not possible for all.
int ProcessRun::StartAsFarAsPossible() {
  for (uint32_t worker = 0; worker < workers_.size(); ++worker) {
    const State state = workers_[worker].state;
    if (state != State::kNew && state != State::kToReplace) continue;
    if (!Start(worker)) return errno;
  }
  return 0;
}

void ProcessRun::GoOnWithFewer(int error) {
  const bool any_running = AnyRunning();
  const bool any_succeeded = std::any_of(workers_.begin(), workers_.end(),
                                         [](const auto& each) { return each.outcome().succeeded; });
  for (uint32_t worker = 0; worker < workers_.size(); ++worker) {
    State& state = workers_[worker].state;
    // Nobody ends well before all work is given away.
    if (state == State::kNew && any_succeeded && supervision_.on_too_few) state = State::kOver;
    if (state == State::kToReplace && any_running && supervision_.heirs != nullptr) {
      supervision_.heirs->Appoint(worker, error);
      state = State::kLeftToHeirs;
    }
  }
  const bool hopeless = !any_running && Clock::now() - *fails_since_ >= kPatience;
  if (!supervision_.on_too_few || hopeless) ThrowIfAnyIsMissing(error);
  const uint32_t not_started = Count(State::kNew);
  if (not_started > 0 && any_running && !std::exchange(said_too_few_, true)) {
    supervision_.on_too_few(static_cast<uint32_t>(workers_.size()) - not_started, error);
  }
}

void ProcessRun::ThrowIfAnyIsMissing(int error) const {
  for (uint32_t worker = 0; worker < workers_.size(); ++worker) {
    const State state = workers_[worker].state;
    if (state != State::kNew && state != State::kToReplace) continue;
    throw CannotStart(
        Error(fmt::format("worker {} of {} cannot be started: {}{}", worker + 1, workers_.size(),
                          WhyNotStarted(error), AnyRunning() ? "; use fewer, with -j" : "")));
  }
}

void ProcessRun::AskHeirs() {
  for (uint32_t worker = 0; worker < workers_.size(); ++worker) {
    if (workers_[worker].state != State::kLeftToHeirs) continue;
    if (supervision_.heirs->AreDone(worker)) {
      workers_[worker].Inherited();
    } else if (!AnyRunning()) {
      supervision_.heirs->Dismiss(worker);
      workers_[worker].state = State::kToReplace;
    }
  }
}

bool ProcessRun::Start(uint32_t worker) {
  // What stdio still holds would be written once by each process.
  std::fflush(nullptr);
  const pid_t parent = getpid();
  const pid_t pid = TALLY_FAULT_FAILS("fork") ? -1 : fork();
  if (pid == 0) RunChild(worker, parent);
  if (pid < 0) return false;
  workers_[worker].Started(pid);
  return true;
}

void ProcessRun::RunChild(uint32_t worker, pid_t parent) const noexcept {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(kExitFailed);  // it died before the line above
  ResetSignalsInWorker();
  blocked_.Restore();
  _exit(body_(worker) ? kExitDone : kExitFailed);
}

void ProcessRun::ReapEnded() {
  for (uint32_t worker = 0; worker < workers_.size(); ++worker) {
    if (workers_[worker].ReapIfEnded()) Decide(worker);
    if (stop_) return;
  }
}

void ProcessRun::Decide(uint32_t worker) {
  const WorkerOutcome& outcome = workers_[worker].outcome();
  if (const int error = workers_[worker].reap_error(); error != 0) {
    throw SystemError(fmt::format("worker {} of {}", worker + 1, workers_.size()),
                      "cannot be waited for", error);
  }
  WaitForOwnSignal(outcome.signal_number);
  EndIfStopped();
  Next next = outcome.succeeded ? Next::kGoOn : Next::kStop;
  if (supervision_.on_end) next = supervision_.on_end(worker, outcome);
  workers_[worker].state = next == Next::kReplace ? State::kToReplace : State::kOver;
  stop_ = next == Next::kStop;
}

// `timeout` and others signal the whole process group: a worker may have died of what this process
// is about to get, too.
void ProcessRun::WaitForOwnSignal(int worker_signal) const {
  if (worker_signal != SIGINT && worker_signal != SIGTERM && worker_signal != SIGHUP) return;
  const auto deadline = Clock::now() + kTick;
  while (StopSignal() == 0 && Clock::now() < deadline) {
    blocked_.WaitForSignal(deadline - Clock::now());
  }
}

// Before the workers are killed, which takes a while where they have much memory to let go of.
void ProcessRun::EndIfStopped() const {
  if (StopSignal() != 0 && supervision_.ask_to_stop) supervision_.ask_to_stop();
  ThrowIfStopped();
}

void ProcessRun::Tick() {
  if (Clock::now() < next_tick_) return;
  if (supervision_.on_tick) supervision_.on_tick();
  if (supervision_.is_hung) {
    for (uint32_t worker = 0; worker < workers_.size(); ++worker) {
      WorkerProcess& process = workers_[worker];
      if (process.running() && supervision_.is_hung(worker, process.outcome().pid)) {
        process.KillAsHung();
      }
    }
  }
  next_tick_ = Clock::now() + kTick;
}

void ProcessRun::Wait() {
  waits_.clear();
  std::chrono::nanoseconds timeout = next_tick_ - Clock::now();
  if (supervision_.feeder != nullptr) {
    timeout = std::min(timeout, supervision_.feeder->AddWaits(&waits_));
  }
  blocked_.WaitForSignal(timeout, waits_);
  if (supervision_.feeder != nullptr) supervision_.feeder->Feed();
}

}  // namespace

std::vector<WorkerOutcome> ProcessExecutor::Run(uint32_t workers, const Body& body,
                                                const Supervision& supervision) {
  return ProcessRun(workers, body, supervision).Run();
}

}  // namespace tally
