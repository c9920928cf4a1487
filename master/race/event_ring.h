// What each worker of an experiment did and when: the raw material of the evidence.
#ifndef TALLY_MASTER_RACE_EVENT_RING_H_
#define TALLY_MASTER_RACE_EVENT_RING_H_

#include <array>
#include <cstdint>
#include <ctime>
#include <span>
#include <string_view>
#include <vector>

#include "common/shared_region.h"

namespace tally::race {

enum class Operation : uint8_t { kLoad, kStore, kLock, kWait };

std::string_view OperationName(Operation operation);

struct Event {
  int64_t time_ns = 0;  // CLOCK_MONOTONIC, the same clock for all processes
  uint64_t value = 0;
  uint32_t object = 0;  // the number of the counter, cell, slot or lock; each experiment names them
  Operation operation = Operation::kLoad;
};

/// The last events of one worker, in shared memory. Written by that worker alone, read once it has
/// ended.
///
/// So that the times prove an order, note a load after it was made and a store before it is: if one
/// worker's load is noted before another's store, it was made before it.
class EventRing {
 public:
  static constexpr size_t kCapacity = 1 << 14;

  void Note(Operation operation, uint32_t object, uint64_t value) {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    events_[noted_++ % kCapacity] = {.time_ns = int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec,
                                     .value = value,
                                     .object = object,
                                     .operation = operation};
  }

  /// Oldest first.
  std::vector<Event> Events() const;

 private:
  uint64_t noted_ = 0;
  std::array<Event, kCapacity> events_;
};

/// Stands for a ring where nothing is to be noted, and costs nothing: measured runs use it.
struct NoRing {
  void Note(Operation, uint32_t, uint64_t) const {}
};

/// An event and whose it is.
struct WorkerEvent {
  uint32_t worker = 0;  // 0-based
  Event event;
};

/// A ring for each worker.
class EventRings {
 public:
  explicit EventRings(uint32_t workers);

  EventRing& of(uint32_t worker) const { return rings_[worker]; }

  /// All events, by time.
  std::vector<WorkerEvent> Merged() const;

 private:
  SharedRegion region_;
  std::span<EventRing> rings_;
};

}  // namespace tally::race

#endif  // TALLY_MASTER_RACE_EVENT_RING_H_
