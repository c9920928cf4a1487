// Finds in the rings what went wrong, and shows it.
#ifndef TALLY_MASTER_RACE_EVIDENCE_H_
#define TALLY_MASTER_RACE_EVIDENCE_H_

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "master/race/event_ring.h"

namespace tally::race {

/// Events of a run that together prove something, by time.
struct Evidence {
  std::vector<WorkerEvent> rows;
  std::string verdict;  // stands beside the last row
};

/// Two workers that loaded the same value of the same object before either had stored: of their two
/// updates one is lost. The one that took the least time, for it is the easiest to follow.
/// `events`: by time, as EventRings::Merged() has them.
std::optional<Evidence> FindLostUpdate(std::span<const WorkerEvent> events);

/// The rows as a timeline with one column a worker, times from the first row on:
///     time    worker 1   worker 2
///     +0 ns   load 41
///     +52 ns             load 41
///     ...
/// `describe` says what an event is; by default its operation and value.
using Describe = std::function<std::string(const Event&)>;
std::string FormatTimeline(const Evidence& evidence, uint32_t workers,
                           const Describe& describe = {});

/// The events in the Chrome trace event format (JSON, times in microseconds from the first event),
/// for chrome://tracing or ui.perfetto.dev: each worker is a thread, each event an instant, and
/// what lies between a load and the following store of an object a span.
std::string FormatTrace(std::span<const WorkerEvent> events, std::string_view experiment,
                        const Describe& describe = {});

}  // namespace tally::race

#endif  // TALLY_MASTER_RACE_EVIDENCE_H_
