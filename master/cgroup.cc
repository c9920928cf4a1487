#include "master/cgroup.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <sstream>

#include "common/unique_fd.h"

namespace tally {
namespace {

template <class Visitor>
void VisitUpwards(const std::string& mount, std::string group, const Visitor& visit) {
  for (;;) {
    visit(mount + group);
    const size_t slash = group.rfind('/');
    if (slash == std::string::npos) return;
    group.erase(slash);
  }
}

}  // namespace

void VisitCgroups(
    const std::string& proc_self_cgroup, const std::string& root, std::string_view controller,
    const std::function<void(CgroupVersion version, const std::string& directory)>& visit) {
  std::istringstream lines(proc_self_cgroup);
  for (std::string line; std::getline(lines, line);) {
    // "ID:CONTROLLERS:PATH"; version 2 has ID 0 and no controllers.
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string group = line.substr(second + 1);
    const auto visit_v1 = [&](const std::string& path) { visit(CgroupVersion::k1, path); };
    if (controllers.empty()) {
      VisitUpwards(root, group, [&](const std::string& path) { visit(CgroupVersion::k2, path); });
    } else if (("," + controllers + ",").find("," + std::string(controller) + ",") !=
               std::string::npos) {
      // Mounted together, or under its own name.
      VisitUpwards(root + "/" + controllers, group, visit_v1);
      if (controllers != controller) {
        VisitUpwards(root + "/" + std::string(controller), group, visit_v1);
      }
    }
  }
}

// By system calls: a file stream costs more than the kernel's own work, and a run begins with a
// dozen of these files.
std::string ReadSystemFile(const std::string& path) {
  const UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string content;
  if (!file) return content;
  std::array<char, 8192> piece;
  for (;;) {
    const ssize_t size = read(file.get(), piece.data(), piece.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return content;
    content.append(piece.data(), static_cast<size_t>(size));
  }
}

}  // namespace tally
