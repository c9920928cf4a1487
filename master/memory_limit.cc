#include "master/memory_limit.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <sstream>
#include <string_view>
#include <system_error>

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

// Of a text with lines "NAME NUMBER" or "NAME: NUMBER".
std::optional<uint64_t> ValueOf(std::string_view text, std::string_view name) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (!line.starts_with(name)) continue;
    std::string_view value = line.substr(name.size());
    if (!value.starts_with(' ')) continue;
    value.remove_prefix(std::min(value.size(), value.find_first_not_of(' ')));
    uint64_t number;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error == std::errc()) return number;
  }
  return std::nullopt;
}

// None where the group has no limit (version 2 says "max", version 1 a number past any memory).
std::optional<uint64_t> LeftInGroup(CgroupVersion version, const std::string& directory) {
  const bool is_v2 = version == CgroupVersion::k2;
  const auto limit = ReadNumber(directory + (is_v2 ? "/memory.max" : "/memory.limit_in_bytes"));
  constexpr uint64_t kPastAnyMemory = uint64_t{1} << 60;
  if (!limit || *limit >= kPastAnyMemory) return std::nullopt;
  const auto used = ReadNumber(directory + (is_v2 ? "/memory.current" : "/memory.usage_in_bytes"));
  if (!used) return std::nullopt;
  const std::string stat = ReadSystemFile(directory + "/memory.stat");
  const std::string prefix = is_v2 ? "" : "total_";
  const uint64_t of_files = ValueOf(stat, prefix + "inactive_file").value_or(0) +
                            ValueOf(stat, prefix + "active_file").value_or(0);
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
  const auto kib = ValueOf(proc_meminfo, "MemAvailable:");
  if (!kib) return std::nullopt;
  return *kib << 10;
}

uint64_t OutOfMemoryKills(const std::string& proc_vmstat) {
  return ValueOf(proc_vmstat, "oom_kill").value_or(0);
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
