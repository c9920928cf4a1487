// The control groups that this process belongs to, and the limits that they set.
#ifndef TALLY_MASTER_CGROUP_H_
#define TALLY_MASTER_CGROUP_H_

#include <functional>
#include <string>
#include <string_view>

namespace tally {

enum class CgroupVersion { k1, k2 };

/// Calls visit(version, directory) for each group, from this process's own up to the root, that has
/// `controller` ("cpu", "memory"). `proc_self_cgroup` is the content of that file, `root` is where
/// groups are mounted. Directories may be missing: in a container the paths are the host's.
void VisitCgroups(
    const std::string& proc_self_cgroup, const std::string& root, std::string_view controller,
    const std::function<void(CgroupVersion version, const std::string& directory)>& visit);

/// The content of a file in /proc or of a group; empty where there is none.
std::string ReadSystemFile(const std::string& path);

/// Where the groups of this process are told, and where groups are mounted.
constexpr char kOwnCgroups[] = "/proc/self/cgroup";
constexpr char kCgroupRoot[] = "/sys/fs/cgroup";

}  // namespace tally

#endif  // TALLY_MASTER_CGROUP_H_
