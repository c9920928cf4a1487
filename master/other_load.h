// Whether the machine was busy with something else, so that figures say more of that than of what
// was measured.
#ifndef TALLY_MASTER_OTHER_LOAD_H_
#define TALLY_MASTER_OTHER_LOAD_H_

#include <sched.h>

#include <chrono>
#include <cstdint>
#include <string>

namespace tally {

/// Watches the CPUs that this process may use, from its construction on.
class OtherLoad {
 public:
  /// CPUs: what there is always, of a shell and a desktop.
  static constexpr double kHardlyAny = 0.2;

  OtherLoad();

  /// How many CPUs others took, on average, from the `usable` ones that this process and its
  /// children (that have ended) may use. 0 where the kernel does not tell, or after less than half
  /// a second, for it counts in hundredths.
  double CpusTaken(uint32_t usable) const;

 private:
  cpu_set_t cpus_{};
  std::chrono::steady_clock::time_point start_;
  double start_busy_s_;
  double start_own_s_;
};

/// Of `cpus` CPUs, of which a quota leaves `usable`, others used `others`: how many does that take?
double Taken(double others, uint32_t cpus, uint32_t usable);

/// The time that these CPUs have spent at work, by `proc_stat`, the content of /proc/stat, in its
/// ticks.
uint64_t BusyTicks(const std::string& proc_stat, const cpu_set_t& cpus);

}  // namespace tally

#endif  // TALLY_MASTER_OTHER_LOAD_H_
