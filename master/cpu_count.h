// How many CPUs this process may really use.
#ifndef TALLY_MASTER_CPU_COUNT_H_
#define TALLY_MASTER_CPU_COUNT_H_

#include <string>

namespace tally {

/// The CPUs of the affinity mask, or fewer where a cgroup's quota (version 1 or 2, this process's
/// or one above it) allows less time than that; at least 1.
unsigned UsableCpuCount();

/// The CPUs that the quotas of the cgroups in `proc_self_cgroup` (the content of that file) allow,
/// rounded up; 0: no limit. `cgroup_root` is where they are mounted.
unsigned CgroupCpuLimit(const std::string& proc_self_cgroup, const std::string& cgroup_root);

}  // namespace tally

#endif  // TALLY_MASTER_CPU_COUNT_H_
