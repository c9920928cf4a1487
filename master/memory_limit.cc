#include "master/memory_limit.h"

#include <algorithm>
#include <limits>
#include <sstream>

#include "master/cgroup.h"

namespace tally {
namespace {

constexpr uint64_t kNoLimit = std::numeric_limits<uint64_t>::max();

std::optional<uint64_t> ReadNumber(const std::string& path) {
  std::istringstream content(ReadSystemFile(path));
  uint64_t number;
  if (content >> number) return number;
  return std::nullopt;
}

// Of a text with lines "NAME NUMBER".
uint64_t ValueOf(const std::string& text, const std::string& wanted) {
  std::istringstream lines(text);
  std::string name;
  for (uint64_t number; lines >> name >> number;) {
    if (name == wanted) return number;
  }
  return 0;
}

// None where the group has no limit (version 2 says "max", version 1 a number past any memory).
std::optional<uint64_t> LeftInGroup(CgroupVersion version, const std::string& directory) {
  const bool is_v2 = version == CgroupVersion::k2;
  const auto limit = ReadNumber(directory + (is_v2 ? "/memory.max" : "/memory.limit_in_bytes"));
  const auto used = ReadNumber(directory + (is_v2 ? "/memory.current" : "/memory.usage_in_bytes"));
  constexpr uint64_t kPastAnyMemory = uint64_t{1} << 60;
  if (!limit || !used || *limit >= kPastAnyMemory) return std::nullopt;
  const std::string stat = ReadSystemFile(directory + "/memory.stat");
  const std::string prefix = is_v2 ? "" : "total_";
  const uint64_t of_files =
      ValueOf(stat, prefix + "inactive_file") + ValueOf(stat, prefix + "active_file");
  const uint64_t kept = *used - std::min(*used, of_files);
  return *limit - std::min(*limit, kept);
}

}  // namespace

std::optional<uint64_t> CgroupMemoryLeft(const std::string& proc_self_cgroup,
                                         const std::string& cgroup_root) {
  uint64_t least = kNoLimit;
  VisitCgroups(proc_self_cgroup, cgroup_root, "memory",
               [&least](CgroupVersion version, const std::string& directory) {
                 least = std::min(least, LeftInGroup(version, directory).value_or(kNoLimit));
               });
  if (least == kNoLimit) return std::nullopt;
  return least;
}

std::optional<uint64_t> AvailableMemory(const std::string& proc_meminfo) {
  std::istringstream lines(proc_meminfo);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string name;
    uint64_t kib;
    if (words >> name >> kib && name == "MemAvailable:") return kib << 10;
  }
  return std::nullopt;
}

uint64_t OutOfMemoryKills(const std::string& proc_vmstat) {
  return ValueOf(proc_vmstat, "oom_kill");
}

uint64_t OutOfMemoryKills() { return OutOfMemoryKills(ReadSystemFile("/proc/vmstat")); }

MemoryLimit FindMemoryLimit(std::optional<uint64_t> asked_for) {
  MemoryLimit least{.bytes = kNoLimit, .what = "no limit", .remedy = "use a larger machine"};
  const auto lower = [&least](std::optional<uint64_t> bytes, const char* what, const char* remedy) {
    if (bytes && *bytes < least.bytes) least = {.bytes = *bytes, .what = what, .remedy = remedy};
  };
  lower(AvailableMemory(ReadSystemFile("/proc/meminfo")), "the memory that is available",
        "end other programs");
  lower(CgroupMemoryLeft(ReadSystemFile(kOwnCgroups), kCgroupRoot),
        "what is left of the memory limit of its cgroup", "raise that limit");
  lower(asked_for, "--memory", "raise --memory");
  return least;
}

}  // namespace tally
