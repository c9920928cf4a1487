// Whether the machine was busy with something else, so that figures say more of that than of what
// was measured.
#ifndef TALLY_MASTER_COMPARE_OTHER_LOAD_H_
#define TALLY_MASTER_COMPARE_OTHER_LOAD_H_

#include <sched.h>

#include <chrono>
#include <cstdint>
#include <string>

namespace tally::compare {

/// Watches the CPUs that this process may use, from its construction on.
class OtherLoad {
 public:
  OtherLoad();

  /// How many of them, on average, worked for others than this process and its children that have
  /// ended. Exact to some hundredths over a second; 0 where the kernel does not tell.
  double CpusUsed() const;

 private:
  cpu_set_t cpus_{};
  std::chrono::steady_clock::time_point start_;
  double start_busy_s_;
  double start_own_s_;
};

/// The time that these CPUs have spent at work, by `proc_stat`, the content of /proc/stat, in its
/// ticks.
uint64_t BusyTicks(const std::string& proc_stat, const cpu_set_t& cpus);

}  // namespace tally::compare

#endif  // TALLY_MASTER_COMPARE_OTHER_LOAD_H_
