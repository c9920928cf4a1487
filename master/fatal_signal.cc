#include "master/fatal_signal.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>
#include <string>

namespace tally {
namespace {

constexpr std::array kFatal = {SIGSEGV, SIGABRT, SIGFPE, SIGILL, SIGTRAP, SIGSYS};

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

}  // namespace

FatalSignalReport::FatalSignalReport() {
  // A status line may be there.
  const char* const erase = isatty(STDERR_FILENO) == 1 ? "\r\x1b[K" : "";
  for (size_t i = 0; i < kFatal.size(); ++i) {
    messages[i] = fmt::format(
        "{}tally: a worker got SIG{}, and as it is no process of its own, this ends all of tally; "
        "nothing was written. --mode process replaces a worker that dies\n",
        erase, sigabbrev_np(kFatal[i]));
    struct sigaction action {};
    action.sa_handler = OnFatalSignal;
    sigemptyset(&action.sa_mask);
    sigaction(kFatal[i], &action, &before[i]);
  }
}

FatalSignalReport::~FatalSignalReport() {
  for (size_t i = 0; i < kFatal.size(); ++i) sigaction(kFatal[i], &before[i], nullptr);
}

}  // namespace tally
