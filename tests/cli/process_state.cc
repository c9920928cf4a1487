// What the kernel says of processes, in /proc.
#include <sys/types.h>

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

#include "tests/cli/run_tally.h"

namespace tally {
namespace {

namespace fs = std::filesystem;

/// The fields of /proc/PID/stat from the state on: the name before it may hold anything.
std::string StatAfterName(pid_t pid) {
  const std::string stat = ReadFile("/proc/" + std::to_string(pid) + "/stat");
  const size_t name_end = stat.rfind(") ");
  return name_end == std::string::npos ? "" : stat.substr(name_end + 2);
}

}  // namespace

std::vector<pid_t> ChildrenOf(pid_t pid) {
  std::vector<pid_t> children;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::istringstream stat(StatAfterName(static_cast<pid_t>(std::stol(name))));
    char state = 0;
    pid_t parent = 0;
    if (stat >> state >> parent && parent == pid)
      children.push_back(static_cast<pid_t>(std::stol(name)));
  }
  return children;
}

std::vector<pid_t> WorkersOf(pid_t pid) {
  return TestMode() == "process" ? ChildrenOf(pid) : ThreadsOf(pid);
}

std::vector<pid_t> ThreadsOf(pid_t pid) {
  std::vector<pid_t> threads;
  std::error_code gone;
  for (const auto& entry : fs::directory_iterator("/proc/" + std::to_string(pid) + "/task", gone)) {
    const auto thread = static_cast<pid_t>(std::stol(entry.path().filename()));
    if (thread != pid) threads.push_back(thread);
  }
  // ThreadSanitizer's own is the first.
  std::sort(threads.begin(), threads.end());
  if (kThreadSanitized && !threads.empty()) threads.erase(threads.begin());
  return threads;
}

char StateOf(pid_t pid) {
  const std::string stat = StatAfterName(pid);
  return stat.empty() ? '\0' : stat[0];
}

bool SleepsIn(pid_t pid, long system_call) {
  // "running", or the number and its arguments.
  std::istringstream call(ReadFile("/proc/" + std::to_string(pid) + "/syscall"));
  long number = -1;
  return StateOf(pid) == 'S' && call >> number && number == system_call;
}

bool Catches(pid_t pid, int signal_number) {
  std::istringstream status(ReadFile("/proc/" + std::to_string(pid) + "/status"));
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with("SigCgt:")) continue;
    return (std::stoull(line.substr(7), nullptr, 16) >> (signal_number - 1) & 1) != 0;
  }
  return false;
}

}  // namespace tally
