#include "master/signals.h"

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>

#include "common/error.h"

namespace tally {
namespace {

// A handler may only touch atomics that need no lock.
static_assert(std::atomic<int>::is_always_lock_free);
static_assert(std::atomic<int64_t>::is_always_lock_free);
std::atomic<int> stop_signal{0};
std::atomic<int64_t> stop_signal_ms{0};

// Of the one BlockedSignals that lives, if any.
const sigset_t* mask_of_waits = nullptr;

constexpr int kStopSignals[] = {SIGINT, SIGTERM, SIGHUP};

// One request may come as two signals: timeout(1) signals its child, then the child's whole group.
// A person who presses Ctrl-C again takes longer than this.
constexpr int64_t kSameRequestMs = 250;

// A stop signal that comes between the last look for one and a call that waits, say for the other
// end of a FIFO, does not end that call: an alarm does.
constexpr unsigned kLooksEverySeconds = 1;

int64_t MonotonicMs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

void OnStopSignal(int signal_number) {
  const int saved_errno = errno;
  int none = 0;
  if (stop_signal.compare_exchange_strong(none, signal_number)) {
    stop_signal_ms = MonotonicMs();
    alarm(kLooksEverySeconds);
  } else if (MonotonicMs() - stop_signal_ms > kSameRequestMs) {
    DieBySignal(signal_number);
  }
  errno = saved_errno;
}

void OnChildSignal(int) {}

void OnAlarm(int) { alarm(kLooksEverySeconds); }

void SetHandler(int signal_number, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  // A stop signal that interrupts another's handler would find no time noted yet.
  for (const int other : kStopSignals) sigaddset(&action.sa_mask, other);
  if (signal_number == SIGCHLD) action.sa_flags = SA_NOCLDSTOP;
  sigaction(signal_number, &action, nullptr);
}

bool IsIgnored(int signal_number) {
  struct sigaction current {};
  sigaction(signal_number, nullptr, &current);
  return current.sa_handler == SIG_IGN;
}

}  // namespace

void NoteStopSignals() {
  for (const int signal_number : kStopSignals) {
    if (!IsIgnored(signal_number)) SetHandler(signal_number, OnStopSignal);
  }
  SetHandler(SIGCHLD, OnChildSignal);
  SetHandler(SIGALRM, OnAlarm);
  SetHandler(SIGXFSZ, SIG_IGN);
  SetHandler(SIGPIPE, SIG_IGN);
}

int StopSignal() { return stop_signal; }

void ThrowIfStopped() {
  if (stop_signal != 0) throw Interrupted(stop_signal);
}

BlockedSignals::BlockedSignals() {
  sigset_t all;
  sigemptyset(&all);
  sigaddset(&all, SIGCHLD);
  for (const int signal_number : kStopSignals) sigaddset(&all, signal_number);
  pthread_sigmask(SIG_BLOCK, &all, &before_);
  // Whoever started this program may have blocked it, and then no child's end would end a wait.
  while_waiting_ = before_;
  sigdelset(&while_waiting_, SIGCHLD);
  mask_of_waits = &while_waiting_;
}

void BlockedSignals::Restore() const {
  mask_of_waits = nullptr;
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void BlockedSignals::WaitForSignal(std::chrono::nanoseconds timeout,
                                   std::span<pollfd> waits) const {
  const auto ns = std::max<int64_t>(0, timeout.count());
  const timespec limit{.tv_sec = ns / 1'000'000'000, .tv_nsec = ns % 1'000'000'000};
  ppoll(waits.data(), waits.size(), &limit, &while_waiting_);
}

bool WaitUntilWritable(int fd) {
  for (;;) {
    pollfd wait{.fd = fd, .events = POLLOUT, .revents = 0};
    const timespec at_once{};
    const bool stopped = StopSignal() != 0;
    // What is closed or has no reader is an error of the write to come.
    if (ppoll(&wait, 1, stopped ? &at_once : nullptr, mask_of_waits) > 0) return true;
    if (stopped) return false;
  }
}

void ResetSignalsInWorker() {
  SetHandler(SIGINT, SIG_IGN);
  SetHandler(SIGHUP, SIG_IGN);
  SetHandler(SIGTERM, SIG_DFL);
  SetHandler(SIGCHLD, SIG_DFL);
  SetHandler(SIGBUS, SIG_DFL);
}

// Also called by a handler: nothing here may allocate, lock or run destructors.
void DieBySignal(int signal_number) {
  SetHandler(signal_number, SIG_DFL);
  sigset_t only_this;
  sigemptyset(&only_this);
  sigaddset(&only_this, signal_number);
  raise(signal_number);
  sigprocmask(SIG_UNBLOCK, &only_this, nullptr);
  // The first process of a container survives a signal it does not catch.
  _exit(128 + signal_number);
}

}  // namespace tally
