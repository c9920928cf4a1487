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

#include "common/error.h"
#include "master/signals.h"

namespace tally {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kTick = std::chrono::milliseconds(100);

// A forked process; killed and reaped by the destructor.
class ChildProcess {
 public:
  explicit ChildProcess(pid_t pid) : pid_(pid) { outcome_.pid = pid; }
  ChildProcess(ChildProcess&& other) noexcept
      : pid_(std::exchange(other.pid_, 0)), outcome_(other.outcome_) {}
  ChildProcess& operator=(ChildProcess&&) = delete;
  ~ChildProcess() {
    Kill();
    ReapNow();
  }

  bool running() const { return pid_ > 0; }
  const WorkerOutcome& outcome() const { return outcome_; }

  void ReapIfEnded() { Reap(WNOHANG); }

  void Kill() {
    if (!running()) return;
    kill(pid_, SIGKILL);
    outcome_.stopped = true;
  }

  void ReapNow() { Reap(0); }

 private:
  void Reap(int options) {
    if (!running()) return;
    int status = 0;
    rusage usage{};
    pid_t reaped;
    do {
      reaped = wait4(pid_, &status, options, &usage);
    } while (reaped < 0 && errno == EINTR);
    if (reaped == 0) return;
    pid_ = 0;
    if (reaped < 0) return;  // how it ended is unknown, so it did not succeed
    outcome_.usage = usage;
    if (WIFSIGNALED(status)) outcome_.signal_number = WTERMSIG(status);
    if (WIFEXITED(status)) outcome_.exit_status = WEXITSTATUS(status);
    outcome_.succeeded = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    // It may have ended by itself before the kill reached it.
    outcome_.stopped = outcome_.stopped && outcome_.signal_number == SIGKILL;
  }

  pid_t pid_;  // 0: it has ended
  WorkerOutcome outcome_;
};

// All of a run's, stopped together: each takes its time to let go of its memory.
class Children {
 public:
  explicit Children(uint32_t count) { children_.reserve(count); }
  ~Children() { KillAll(); }
  Children(const Children&) = delete;
  Children& operator=(const Children&) = delete;

  void Add(pid_t pid) { children_.emplace_back(pid); }
  std::vector<ChildProcess>& all() { return children_; }
  void KillAll() {
    for (ChildProcess& child : children_) child.Kill();
  }

 private:
  std::vector<ChildProcess> children_;
};

[[noreturn]] void RunChild(uint32_t worker, pid_t parent, const BlockedSignals& blocked,
                           const Executor::Body& body) noexcept {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(kExitFailed);  // it died before the line above
  ResetSignalsInWorker();
  blocked.Restore();
  _exit(body(worker) ? kExitDone : kExitFailed);
}

void ForkWorkers(uint32_t workers, const Executor::Body& body, const BlockedSignals& blocked,
                 Children* children) {
  // What stdio still holds would be written once by each process.
  std::fflush(nullptr);
  const pid_t parent = getpid();
  for (uint32_t worker = 0; worker < workers; ++worker) {
    const pid_t pid = fork();
    if (pid == 0) RunChild(worker, parent, blocked, body);
    if (pid < 0) {
      throw SystemError(fmt::format("worker {} of {}", worker + 1, workers),
                        "cannot be started (use fewer, with -j)", errno);
    }
    children->Add(pid);
  }
}

// `timeout` and others signal the whole process group: a worker may have died of what this process
// is about to get, too.
void WaitForOwnSignal(const BlockedSignals& blocked, int worker_signal) {
  if (worker_signal != SIGINT && worker_signal != SIGTERM && worker_signal != SIGHUP) return;
  const auto deadline = Clock::now() + kTick;
  while (StopSignal() == 0 && Clock::now() < deadline) {
    blocked.WaitForSignal(deadline - Clock::now());
  }
}

}  // namespace

std::vector<WorkerOutcome> ProcessExecutor::Run(uint32_t workers, const Body& body,
                                                const OnTick& on_tick,
                                                const AskToStop& /*they are killed*/) {
  const BlockedSignals blocked;
  Children children(workers);
  ForkWorkers(workers, body, blocked, &children);
  auto next_tick = Clock::now();
  for (;;) {
    bool running = false;
    const ChildProcess* failed = nullptr;
    for (ChildProcess& child : children.all()) {
      child.ReapIfEnded();
      running = running || child.running();
      if (!child.running() && !child.outcome().succeeded) failed = &child;
    }
    if (failed != nullptr) WaitForOwnSignal(blocked, failed->outcome().signal_number);
    ThrowIfStopped();
    if (failed != nullptr || !running) break;
    if (Clock::now() >= next_tick) {
      on_tick();
      next_tick = Clock::now() + kTick;
    }
    blocked.WaitForSignal(next_tick - Clock::now());
  }
  children.KillAll();
  std::vector<WorkerOutcome> outcomes;
  for (ChildProcess& child : children.all()) {
    child.ReapNow();
    outcomes.push_back(child.outcome());
  }
  return outcomes;
}

}  // namespace tally
