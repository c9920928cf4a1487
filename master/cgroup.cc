#include "master/cgroup.h"

#include <fstream>
#include <sstream>

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

std::string ReadSystemFile(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

}  // namespace tally
