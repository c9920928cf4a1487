#include "master/cpu_count.h"

#include <sched.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <optional>
#include <sstream>
#include <thread>

namespace tally {
namespace {

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

std::optional<int64_t> ReadNumber(const std::string& path) {
  std::istringstream content(ReadFile(path));
  int64_t number;
  if (content >> number) return number;
  return std::nullopt;
}

// "MAX PERIOD", both in microseconds; MAX may be "max" (Linux, Documentation/admin-guide/
// cgroup-v2.rst).
unsigned QuotaV2(const std::string& directory) {
  std::istringstream content(ReadFile(directory + "/cpu.max"));
  int64_t quota;
  int64_t period;
  if (!(content >> quota >> period) || quota <= 0 || period <= 0) return 0;
  return static_cast<unsigned>((quota + period - 1) / period);
}

unsigned QuotaV1(const std::string& directory) {
  const auto quota = ReadNumber(directory + "/cpu.cfs_quota_us");
  const auto period = ReadNumber(directory + "/cpu.cfs_period_us");
  if (!quota || !period || *quota <= 0 || *period <= 0) return 0;
  return static_cast<unsigned>((*quota + *period - 1) / *period);
}

// The least limit of the cgroup and of those above it.
template <class Quota>
unsigned LeastQuota(const std::string& mount, std::string group, Quota quota_of) {
  unsigned least = 0;
  for (;;) {
    const unsigned quota = quota_of(mount + group);
    if (quota != 0) least = least == 0 ? quota : std::min(least, quota);
    const size_t slash = group.rfind('/');
    if (slash == std::string::npos) return least;
    group.erase(slash);
  }
}

}  // namespace

unsigned CgroupCpuLimit(const std::string& proc_self_cgroup, const std::string& cgroup_root) {
  unsigned least = 0;
  const auto lower = [&least](unsigned quota) {
    if (quota != 0) least = least == 0 ? quota : std::min(least, quota);
  };
  std::istringstream lines(proc_self_cgroup);
  for (std::string line; std::getline(lines, line);) {
    // "ID:CONTROLLERS:PATH"; version 2 has ID 0 and no controllers.
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string group = line.substr(second + 1);
    if (controllers.empty()) {
      lower(LeastQuota(cgroup_root, group, QuotaV2));
    } else if (("," + controllers + ",").find(",cpu,") != std::string::npos) {
      lower(LeastQuota(cgroup_root + "/" + controllers, group, QuotaV1));
      lower(LeastQuota(cgroup_root + "/cpu", group, QuotaV1));
    }
  }
  return least;
}

unsigned UsableCpuCount() {
  unsigned cpus = std::max(1u, std::thread::hardware_concurrency());
  cpu_set_t affinity;
  if (sched_getaffinity(0, sizeof affinity, &affinity) == 0) {
    cpus = static_cast<unsigned>(CPU_COUNT(&affinity));
  }
  const unsigned limit = CgroupCpuLimit(ReadFile("/proc/self/cgroup"), "/sys/fs/cgroup");
  return std::max(1u, limit == 0 ? cpus : std::min(cpus, limit));
}

}  // namespace tally
