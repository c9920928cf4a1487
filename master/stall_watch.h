// Tells workers that hang from those that take their time.
#ifndef TALLY_MASTER_STALL_WATCH_H_
#define TALLY_MASTER_STALL_WATCH_H_

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

namespace tally {

/// A worker hangs if what shows that it gets on has not changed for so long. For the master.
class StallWatch {
 public:
  /// Without a `timeout`, nobody hangs.
  StallWatch(uint32_t workers, std::optional<std::chrono::seconds> timeout)
      : timeout_(timeout), signs_(workers) {}

  /// `sign` is what shows it now: a pulse, or the CPU time of its process.
  bool IsHung(uint32_t worker, uint64_t sign);

  /// Another one takes its place.
  void StartOver(uint32_t worker) { signs_[worker] = {}; }

 private:
  struct Sign {
    uint64_t value = 0;
    std::optional<std::chrono::steady_clock::time_point> seen = {};
  };

  std::optional<std::chrono::seconds> timeout_;
  std::vector<Sign> signs_;
};

/// The CPU time that a process has used, in ticks of the clock; 0 where that cannot be told.
uint64_t CpuTicksOf(pid_t pid);

}  // namespace tally

#endif  // TALLY_MASTER_STALL_WATCH_H_
