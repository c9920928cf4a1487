#include "master/race/event_ring.h"

#include <algorithm>
#include <memory>

namespace tally::race {

std::string_view OperationName(Operation operation) {
  switch (operation) {
    case Operation::kLoad:
      return "load";
    case Operation::kStore:
      return "store";
    case Operation::kLock:
      return "lock";
    case Operation::kWait:
      return "wait for";
  }
  return "";
}

std::vector<Event> EventRing::Events() const {
  std::vector<Event> events;
  const uint64_t kept = std::min<uint64_t>(noted_, kCapacity);
  events.reserve(kept);
  for (uint64_t i = noted_ - kept; i < noted_; ++i) events.push_back(events_[i % kCapacity]);
  return events;
}

EventRings::EventRings(uint32_t workers)
    : region_(SharedRegion::Reserve(workers * sizeof(EventRing))),
      rings_(reinterpret_cast<EventRing*>(region_.data()), workers) {
  // Without value initialization: memory that is not touched is not taken.
  std::uninitialized_default_construct(rings_.begin(), rings_.end());
}

std::vector<WorkerEvent> EventRings::Merged() const {
  std::vector<WorkerEvent> all;
  for (uint32_t worker = 0; worker < rings_.size(); ++worker) {
    for (const Event& event : rings_[worker].Events()) {
      all.push_back({.worker = worker, .event = event});
    }
  }
  std::stable_sort(all.begin(), all.end(), [](const WorkerEvent& a, const WorkerEvent& b) {
    return a.event.time_ns < b.event.time_ns;
  });
  return all;
}

}  // namespace tally::race
