#include "master/cpu_count.h"

#include <sched.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <sstream>
#include <thread>

#include "master/cgroup.h"

namespace tally {
namespace {

std::optional<int64_t> ReadNumber(const std::string& path) {
  std::istringstream content(ReadSystemFile(path));
  int64_t number;
  if (content >> number) return number;
  return std::nullopt;
}

// "MAX PERIOD", both in microseconds; MAX may be "max" (Linux, Documentation/admin-guide/
// cgroup-v2.rst).
unsigned QuotaV2(const std::string& directory) {
  std::istringstream content(ReadSystemFile(directory + "/cpu.max"));
  int64_t quota;
  int64_t period;
  if (!(content >> quota >> period) || quota <= 0 || period <= 0) return 0;
  return static_cast<unsigned>((quota + period - 1) / period);
}

unsigned QuotaV1(const std::string& directory) {
  const auto quota = ReadNumber(directory + "/cpu.cfs_quota_us");
  if (!quota || *quota <= 0) return 0;
  const auto period = ReadNumber(directory + "/cpu.cfs_period_us");
  if (!period || *period <= 0) return 0;
  return static_cast<unsigned>((*quota + *period - 1) / *period);
}

}  // namespace

unsigned CgroupCpuLimit(const std::string& proc_self_cgroup, const std::string& cgroup_root) {
  unsigned least = 0;
  VisitCgroups(proc_self_cgroup, cgroup_root, "cpu",
               [&least](CgroupVersion version, const std::string& directory) {
                 const unsigned quota =
                     version == CgroupVersion::k2 ? QuotaV2(directory) : QuotaV1(directory);
                 if (quota != 0) least = least == 0 ? quota : std::min(least, quota);
               });
  return least;
}

unsigned UsableCpuCount() {
  unsigned cpus = std::max(1u, std::thread::hardware_concurrency());
  cpu_set_t affinity;
  if (sched_getaffinity(0, sizeof affinity, &affinity) == 0) {
    cpus = static_cast<unsigned>(CPU_COUNT(&affinity));
  }
  const unsigned limit = CgroupCpuLimit(ReadSystemFile(kOwnCgroups), kCgroupRoot);
  return std::max(1u, limit == 0 ? cpus : std::min(cpus, limit));
}

}  // namespace tally
