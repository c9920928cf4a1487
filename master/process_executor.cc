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
#include <utility>
#include <vector>

#include "common/error.h"
#include "master/signals.h"

namespace tally {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kTick = std::chrono::milliseconds(100);

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

  void Started(pid_t pid) {
    pid_ = pid;
    outcome_ = {.pid = pid};
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

  bool wanted = true;  // it is to be started, or started again

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
  void StartWanted();
  bool Start(uint32_t worker);
  [[noreturn]] void RunChild(uint32_t worker, pid_t parent) const noexcept;
  void ReapEnded();
  void Decide(uint32_t worker);
  void WaitForOwnSignal(int worker_signal) const;
  bool AnyRunning() const {
    return std::any_of(workers_.begin(), workers_.end(), [](const auto& w) { return w.running(); });
  }
  void Tick();
  void Wait();
  void KillAll() {
    for (WorkerProcess& worker : workers_) worker.Kill();
  }

  const BlockedSignals blocked_;
  const Executor::Body& body_;
  const Supervision& supervision_;
  std::vector<WorkerProcess> workers_;
  bool too_few_ = false;  // and said so
  bool stop_ = false;
  Clock::time_point next_tick_ = Clock::now();
  std::vector<pollfd> waits_;
};

std::vector<WorkerOutcome> ProcessRun::Run() {
  for (;;) {
    ReapEnded();
    ThrowIfStopped();
    if (stop_) break;
    StartWanted();
    if (!AnyRunning()) break;
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

void ProcessRun::StartWanted() {
  // After a failure, it is tried again now and then.
  if (too_few_ && AnyRunning() && Clock::now() < next_tick_) return;
  uint32_t started = 0;
  for (uint32_t worker = 0; worker < workers_.size(); ++worker) {
    if (workers_[worker].wanted && !Start(worker)) {
      const int error = errno;
      if (!AnyRunning() || !supervision_.on_too_few) {
        throw SystemError(fmt::format("worker {} of {}", worker + 1, workers_.size()),
                          "cannot be started (use fewer, with -j)", error);
      }
      if (!std::exchange(too_few_, true)) supervision_.on_too_few(started, error);
      return;
    }
    if (workers_[worker].running()) ++started;
  }
}

bool ProcessRun::Start(uint32_t worker) {
  // What stdio still holds would be written once by each process.
  std::fflush(nullptr);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) RunChild(worker, parent);
  if (pid < 0) return false;
  workers_[worker].wanted = false;
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
  ThrowIfStopped();
  Next next = outcome.succeeded ? Next::kGoOn : Next::kStop;
  if (supervision_.on_end) next = supervision_.on_end(worker, outcome);
  workers_[worker].wanted = next == Next::kReplace;
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
