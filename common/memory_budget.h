// How much memory the workers' tables, and long records of streams, may take in all.
#ifndef TALLY_COMMON_MEMORY_BUDGET_H_
#define TALLY_COMMON_MEMORY_BUDGET_H_

#include <atomic>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>

namespace tally {

/// In shared memory. A worker says beforehand what it is about to take, so that a run ends with a
/// message rather than by the kernel's choice of a victim. What each has is kept apart: that of one
/// that dies is taken back by its successor.
class MemoryBudget {
 public:
  static constexpr uint64_t kNoLimit = std::numeric_limits<uint64_t>::max();

  /// `taken`: zeros, for each worker and then for each block.
  MemoryBudget(uint64_t limit_bytes, uint32_t workers, std::span<std::atomic<uint64_t>> taken)
      : limit_bytes_(limit_bytes), workers_(workers), taken_(taken) {}

  /// The memory of `worker` becomes `bytes` in all; false, and nothing changes, where that would
  /// pass the limit. Two that ask at once for the last bytes may both be refused.
  bool Take(uint32_t worker, uint64_t bytes) { return TakeFor(worker, bytes); }

  /// The same for what a block of a stream's text takes beyond its usual size.
  bool TakeForBlock(uint32_t block, uint64_t bytes) { return TakeFor(workers_ + block, bytes); }
  uint64_t taken_for_block(uint32_t block) const { return taken_[workers_ + block]; }

  uint64_t taken_for_blocks() const {
    return std::accumulate(taken_.begin() + workers_, taken_.end(), uint64_t{0});
  }

  uint64_t limit_bytes() const { return limit_bytes_; }
  uint64_t taken_bytes() const {
    return std::accumulate(taken_.begin(), taken_.end(), uint64_t{0});
  }

 private:
  bool TakeFor(size_t taker, uint64_t bytes) {
    const uint64_t before = taken_[taker].exchange(bytes);
    if (bytes <= before || taken_bytes() <= limit_bytes_) return true;
    taken_[taker] = before;
    return false;
  }

  uint64_t limit_bytes_;
  uint32_t workers_;
  std::span<std::atomic<uint64_t>> taken_;
};

}  // namespace tally

#endif  // TALLY_COMMON_MEMORY_BUDGET_H_
