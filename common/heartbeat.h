// Signs of life: how a worker that works or waits is told from one that hangs.
#ifndef TALLY_COMMON_HEARTBEAT_H_
#define TALLY_COMMON_HEARTBEAT_H_

#include <atomic>
#include <chrono>
#include <cstdint>

#include "common/cache_line.h"

namespace tally {

/// A number in shared memory that changes for as long as its worker gets on. One writer, which is
/// here at every turn: alone in its cache line, as workers would take a common one from each other
/// each time.
struct alignas(kCacheLineBytes) Pulse {
  std::atomic<uint64_t> beats{0};
};
static_assert(std::atomic<uint64_t>::is_always_lock_free);

/// Whatever may wait for longer than this gives a sign of life meanwhile.
constexpr std::chrono::milliseconds kBeatEvery{100};

namespace heartbeat {
inline thread_local Pulse* pulse = nullptr;
}  // namespace heartbeat

/// While it lives, Beat() in this thread is that worker's.
class Heart {
 public:
  explicit Heart(Pulse* pulse) { heartbeat::pulse = pulse; }
  ~Heart() { heartbeat::pulse = nullptr; }
  Heart(const Heart&) = delete;
  Heart& operator=(const Heart&) = delete;
};

/// A sign of life of the worker that this thread is, if it is one.
inline void Beat() {
  if (heartbeat::pulse == nullptr) return;
  std::atomic<uint64_t>& beats = heartbeat::pulse->beats;
  beats.store(beats.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

}  // namespace tally

#endif  // TALLY_COMMON_HEARTBEAT_H_
