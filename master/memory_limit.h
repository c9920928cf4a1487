// How much memory a run may take.
#ifndef TALLY_MASTER_MEMORY_LIMIT_H_
#define TALLY_MASTER_MEMORY_LIMIT_H_

#include <cstdint>
#include <optional>
#include <string>

namespace tally {

struct MemoryLimit {
  uint64_t bytes;
  std::string what;    // where it comes from, for messages: "--memory"
  std::string remedy;  // "raise --memory"
};

/// The least of what was asked for, if anything, of the memory that is free or can be freed on this
/// machine, and of what is left of the limits of this process's cgroups. The pages of files that
/// the kernel keeps count as free.
MemoryLimit FindMemoryLimit(std::optional<uint64_t> asked_for);

/// How many processes the kernel has killed for lack of memory since it started, as
/// `proc_vmstat` (the content of that file) tells.
uint64_t OutOfMemoryKills(const std::string& proc_vmstat);
/// The same of this machine now.
uint64_t OutOfMemoryKills();

/// What the cgroups in `proc_self_cgroup` (the content of that file), mounted at `cgroup_root`,
/// have left of their limits; none where there is no limit.
std::optional<uint64_t> CgroupMemoryLeft(const std::string& proc_self_cgroup,
                                         const std::string& cgroup_root);

/// The available memory that `proc_meminfo` (the content of that file) tells, if it does.
std::optional<uint64_t> AvailableMemory(const std::string& proc_meminfo);

}  // namespace tally

#endif  // TALLY_MASTER_MEMORY_LIMIT_H_
