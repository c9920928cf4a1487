#include "master/stall_watch.h"

#include <algorithm>
#include <sstream>
#include <string>

#include "master/cgroup.h"

namespace tally {

bool StallWatch::IsHung(uint32_t worker, uint64_t sign) {
  if (!timeout_) return false;
  const auto now = std::chrono::steady_clock::now();
  Sign& last = signs_[worker];
  if (!last.seen || last.value != sign) last = {.value = sign, .seen = now};
  return now - *last.seen >= *timeout_;
}

uint64_t CpuTicksOf(pid_t pid) {
  const std::string stat = ReadSystemFile("/proc/" + std::to_string(pid) + "/stat");
  // Behind the name, in which there may be anything: the state, ten other fields, then user and
  // system time (proc(5)).
  std::istringstream fields(stat.substr(std::min(stat.rfind(')') + 1, stat.size())));
  std::string other;
  for (int i = 0; i < 11; ++i) fields >> other;
  uint64_t user = 0;
  uint64_t system = 0;
  fields >> user >> system;
  return user + system;
}

}  // namespace tally
