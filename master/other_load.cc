#include "master/other_load.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>

namespace tally {
namespace {

double BusySeconds(const cpu_set_t& cpus) {
  std::ifstream file("/proc/stat");
  std::ostringstream text;
  text << file.rdbuf();
  return static_cast<double>(BusyTicks(text.str(), cpus)) /
         static_cast<double>(sysconf(_SC_CLK_TCK));
}

double OwnSeconds() {
  double seconds = 0;
  for (const int who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    rusage usage{};
    getrusage(who, &usage);
    for (const timeval& time : {usage.ru_utime, usage.ru_stime}) {
      seconds += static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    }
  }
  return seconds;
}

}  // namespace

uint64_t BusyTicks(const std::string& proc_stat, const cpu_set_t& cpus) {
  uint64_t busy = 0;
  std::istringstream lines(proc_stat);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string name;
    words >> name;
    // "cpu" alone is their sum.
    if (!name.starts_with("cpu") || name.size() == 3) continue;
    if (!CPU_ISSET(std::stoul(name.substr(3)), &cpus)) continue;
    uint64_t user = 0, nice = 0, system = 0, idle = 0, io_wait = 0, irq = 0, softirq = 0, steal = 0;
    words >> user >> nice >> system >> idle >> io_wait >> irq >> softirq >> steal;
    busy += user + nice + system + irq + softirq + steal;
  }
  return busy;
}

OtherLoad::OtherLoad() : start_(std::chrono::steady_clock::now()) {
  sched_getaffinity(0, sizeof cpus_, &cpus_);
  start_busy_s_ = BusySeconds(cpus_);
  start_own_s_ = OwnSeconds();
}

double OtherLoad::CpusTaken(uint32_t usable) const {
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start_;
  if (elapsed < std::chrono::milliseconds(500)) return 0;
  const double busy_s = BusySeconds(cpus_) - start_busy_s_;
  const double own_s = OwnSeconds() - start_own_s_;
  return Taken((busy_s - own_s) / elapsed.count(), static_cast<uint32_t>(CPU_COUNT(&cpus_)),
               usable);
}

double Taken(double others, uint32_t cpus, uint32_t usable) {
  const double to_spare = std::max(0.0, static_cast<double>(cpus) - usable);
  return std::clamp(others - to_spare, 0.0, static_cast<double>(usable));
}

}  // namespace tally
