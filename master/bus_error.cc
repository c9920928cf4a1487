#include "master/bus_error.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <string_view>

#include "common/error.h"
#include "common/escape.h"

namespace tally {
namespace {

// All that the handler needs, made beforehand: it may neither allocate nor lock.
struct Mapping {
  std::string_view text;
  std::string path;
  std::string message_start;
};

std::vector<Mapping> mappings;

void Print(std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = write(STDERR_FILENO, text.data(), text.size());
    if (count <= 0) return;
    text.remove_prefix(static_cast<size_t>(count));
  }
}

void Print(uint64_t number) {
  char digits[20];
  const char* const end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  Print(std::string_view(digits, end));
}

[[noreturn]] void Report(const Mapping& mapping, const char* address) {
  Print(mapping.message_start);
  struct stat status;
  const bool is_there = mapping.path == "-" ? fstat(STDIN_FILENO, &status) == 0
                                            : stat(mapping.path.c_str(), &status) == 0;
  if (is_there && static_cast<uint64_t>(status.st_size) < mapping.text.size()) {
    Print("shrank from ");
    Print(mapping.text.size());
    Print(" to ");
    Print(static_cast<uint64_t>(status.st_size));
    Print(" bytes while being read; nothing was written\n");
  } else {
    Print("cannot be read at byte ");
    Print(static_cast<uint64_t>(address - mapping.text.data()));
    Print(": it changed, or its disk fails; nothing was written\n");
  }
  _exit(kExitFailed);
}

void OnBusError(int signal_number, siginfo_t* info, void*) {
  const auto* const address = static_cast<const char*>(info->si_addr);
  for (const Mapping& mapping : mappings) {
    const bool is_inside =
        address >= mapping.text.data() && address < mapping.text.data() + mapping.text.size();
    if (info->si_code > 0 && is_inside) Report(mapping, address);
  }
  // Somebody else's: it comes again on return, or is sent again.
  signal(signal_number, SIG_DFL);
  if (info->si_code <= 0) raise(signal_number);
}

}  // namespace

BusErrorReport::BusErrorReport(std::span<const Input> inputs,
                               const std::vector<std::string>& paths) {
  // A status line may be there.
  const std::string_view erase = isatty(STDERR_FILENO) == 1 ? "\r\x1b[K" : "";
  for (size_t i = 0; i < inputs.size(); ++i) {
    const std::string_view text = inputs[i].mapping.text();
    if (text.empty()) continue;
    mappings.push_back(
        {.text = text,
         .path = paths[i],
         .message_start = fmt::format("{}tally: {}: ", erase, EscapeForMessage(inputs[i].name))});
  }
  struct sigaction action {};
  action.sa_sigaction = OnBusError;
  action.sa_flags = SA_SIGINFO;
  sigemptyset(&action.sa_mask);
  sigaction(SIGBUS, &action, nullptr);
}

BusErrorReport::~BusErrorReport() {
  signal(SIGBUS, SIG_DFL);
  mappings.clear();
}

}  // namespace tally
