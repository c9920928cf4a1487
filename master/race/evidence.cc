#include "master/race/evidence.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "master/json_value.h"
#include "master/text_table.h"

namespace tally::race {
namespace {

// A load and the store that follows it, by one worker on one object.
struct Update {
  uint32_t worker;
  Event load;
  Event store;
};

std::vector<Update> FindUpdates(std::span<const WorkerEvent> events) {
  std::vector<Update> updates;
  std::map<std::pair<uint32_t, uint32_t>, Event> open_loads;  // by worker and object
  for (const auto& [worker, event] : events) {
    const std::pair key(worker, event.object);
    if (event.operation == Operation::kLoad) {
      open_loads[key] = event;
    } else if (event.operation == Operation::kStore) {
      const auto load = open_loads.find(key);
      if (load == open_loads.end()) continue;
      updates.push_back({.worker = worker, .load = load->second, .store = event});
      open_loads.erase(load);
    }
  }
  return updates;
}

bool BothLoadedBeforeEitherStored(const Update& a, const Update& b) {
  return a.load.time_ns < b.store.time_ns && b.load.time_ns < a.store.time_ns;
}

int64_t SpanOf(const Update& a, const Update& b) {
  return std::max(a.store.time_ns, b.store.time_ns) - std::min(a.load.time_ns, b.load.time_ns);
}

std::string DescribePlainly(const Event& event) {
  return fmt::format("{} {}", OperationName(event.operation), event.value);
}

}  // namespace

std::optional<Evidence> FindLostUpdate(std::span<const WorkerEvent> events) {
  std::map<std::pair<uint32_t, uint64_t>, std::vector<Update>> by_value;  // object, value loaded
  std::optional<std::pair<Update, Update>> best;
  for (const Update& update : FindUpdates(events)) {
    std::vector<Update>& same = by_value[{update.load.object, update.load.value}];
    // They come by the time of their store: before one that had stored already, all had.
    for (size_t i = same.size(); i-- > 0;) {
      const Update& other = same[i];
      if (other.store.time_ns <= update.load.time_ns) break;
      if (other.worker == update.worker || !BothLoadedBeforeEitherStored(other, update)) continue;
      if (!best || SpanOf(other, update) < SpanOf(best->first, best->second)) {
        best = {other, update};
      }
    }
    same.push_back(update);
  }
  if (!best) return std::nullopt;
  Evidence evidence;
  for (const Update& update : {best->first, best->second}) {
    evidence.rows.push_back({.worker = update.worker, .event = update.load});
    evidence.rows.push_back({.worker = update.worker, .event = update.store});
  }
  std::stable_sort(evidence.rows.begin(), evidence.rows.end(),
                   [](const auto& a, const auto& b) { return a.event.time_ns < b.event.time_ns; });
  evidence.verdict = "<- lost";
  return evidence;
}

std::string FormatTimeline(const Evidence& evidence, uint32_t workers, const Describe& describe) {
  const Describe& text_of = describe ? describe : DescribePlainly;
  // Workers that do not take part would be empty columns.
  std::vector<uint32_t> shown;
  for (uint32_t worker = 0; worker < workers; ++worker) {
    if (std::ranges::any_of(evidence.rows,
                            [worker](const auto& row) { return row.worker == worker; })) {
      shown.push_back(worker);
    }
  }
  std::vector<TextColumn> columns = {{.title = "time", .align = Align::kRight}};
  for (const uint32_t worker : shown) {
    columns.push_back({.title = fmt::format("worker {}", worker + 1), .align = Align::kLeft});
  }
  columns.push_back({.title = "", .align = Align::kLeft});
  TextTable table(columns);
  for (const auto& [worker, event] : evidence.rows) {
    std::vector<std::string> cells = {
        fmt::format("+{} ns", event.time_ns - evidence.rows.front().event.time_ns)};
    for (const uint32_t column : shown) {
      cells.push_back(column == worker ? text_of(event) : "");
    }
    const bool is_last = &event == &evidence.rows.back().event;
    cells.push_back(is_last ? evidence.verdict : "");
    table.AddRow(cells);
  }
  return table.Format();
}

std::string FormatTrace(std::span<const WorkerEvent> events, std::string_view experiment,
                        const Describe& describe) {
  const Describe& text_of = describe ? describe : DescribePlainly;
  const int64_t start_ns = events.empty() ? 0 : events.front().event.time_ns;
  const auto microseconds = [](int64_t ns) { return static_cast<double>(ns) / 1000; };
  JsonValue rows = JsonValue::array();
  rows.push_back({{"name", "process_name"},
                  {"ph", "M"},
                  {"pid", 1},
                  {"args", {{"name", fmt::format("tally race {}", experiment)}}}});
  const auto add = [&](std::string_view name, std::string_view phase, uint32_t worker,
                       const Event& event) -> JsonValue& {
    return rows.emplace_back(JsonValue{{"name", name},
                                       {"ph", phase},
                                       {"pid", 1},
                                       {"tid", worker + 1},
                                       {"ts", microseconds(event.time_ns - start_ns)},
                                       {"args", {{"object", event.object}}}});
  };
  for (const auto& [worker, load, store] : FindUpdates(events)) {
    JsonValue& span = add(fmt::format("{} -> {}", load.value, store.value), "X", worker, load);
    span["dur"] = microseconds(store.time_ns - load.time_ns);
  }
  for (const auto& [worker, event] : events) {
    JsonValue& instant = add(text_of(event), "i", worker, event);
    instant["s"] = "t";
    instant["args"]["value"] = event.value;
  }
  return DumpJson({{"displayTimeUnit", "ns"}, {"traceEvents", rows}});
}

}  // namespace tally::race
