#include "master/fatal_signal.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>
#include <new>
#include <string>

namespace tally {
namespace {

constexpr std::array kFatal = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGTRAP, SIGSYS};

// Made beforehand: the handler may neither allocate nor lock.
std::array<std::string, kFatal.size()> messages;
std::array<struct sigaction, kFatal.size()> before;

void OnFatalSignal(int signal_number) {
  for (size_t i = 0; i < kFatal.size(); ++i) {
    if (kFatal[i] != signal_number) continue;
    (void)!write(STDERR_FILENO, messages[i].data(), messages[i].size());
    // On return, the fault happens again; what was sent is sent again.
    sigaction(signal_number, &before[i], nullptr);
  }
  raise(signal_number);
}

// What the kernel saves of the processor's state needs 11 KiB at most, by now.
constexpr size_t kStackBytes = 64 << 10;

}  // namespace

FatalSignalStack::FatalSignalStack() {
  stack_t stack{};
  if (sigaltstack(nullptr, &stack) != 0 || (stack.ss_flags & SS_DISABLE) == 0) return;
  memory_.reset(new (std::nothrow) char[kStackBytes]);
  if (memory_ == nullptr) return;  // all else goes on without it
  stack = {.ss_sp = memory_.get(), .ss_flags = 0, .ss_size = kStackBytes};
  sigaltstack(&stack, nullptr);
}

FatalSignalStack::~FatalSignalStack() {
  if (memory_ == nullptr) return;
  const stack_t none{.ss_sp = nullptr, .ss_flags = SS_DISABLE, .ss_size = 0};
  sigaltstack(&none, nullptr);
}

FatalSignalReport::FatalSignalReport() {
  // A status line may be there.
  const char* const erase = isatty(STDERR_FILENO) == 1 ? "\r\x1b[K" : "";
  for (size_t i = 0; i < kFatal.size(); ++i) {
    messages[i] = fmt::format(
        "{}tally: got SIG{}, and as its workers are no processes of their own, this ends all of "
        "it; "
        "nothing was written. --mode process replaces a worker that dies\n",
        erase, sigabbrev_np(kFatal[i]));
    struct sigaction action {};
    action.sa_handler = OnFatalSignal;
    action.sa_flags = SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    sigaction(kFatal[i], &action, &before[i]);
    // One that this process was started to ignore kills nothing.
    if (before[i].sa_handler == SIG_IGN) sigaction(kFatal[i], &before[i], nullptr);
  }
}

FatalSignalReport::~FatalSignalReport() {
  for (size_t i = 0; i < kFatal.size(); ++i) sigaction(kFatal[i], &before[i], nullptr);
}

}  // namespace tally
