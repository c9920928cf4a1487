// Experiment `torn-read`: one worker writes a pair of equal numbers, in two stores; the others read
// both and compare. Who reads between the two stores sees half of each pair.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <boost/interprocess/sync/scoped_lock.hpp>
#include <map>
#include <utility>

#include "common/robust_mutex.h"
#include "master/race/experiments.h"

namespace tally::race {
namespace {

constexpr uint32_t kFirst = 0;
constexpr uint32_t kSecond = 1;
constexpr int kRests = 8;  // windows between two writes

struct Pair {
  uint64_t first = 0;
  uint64_t second = 0;

  bool torn() const { return first != second; }
};

// The two stores and the two loads, each noted. A load is noted after it is made and a store
// before.
class Cells {
 public:
  template <class Log>
  void Write(uint64_t number, RaceWindow window, Log& log) {
    log.Note(Operation::kStore, kFirst, number);
    first_.store(number);
    window.Pass();
    log.Note(Operation::kStore, kSecond, number);
    second_.store(number);
  }
  template <class Log>
  Pair Read(RaceWindow window, Log& log) const {
    // In the other order than they are written: who comes between the two stores finds the old
    // second number, and the new first one whenever it looks.
    Pair pair;
    pair.second = second_.load();
    log.Note(Operation::kLoad, kSecond, pair.second);
    window.Pass();
    pair.first = first_.load();
    log.Note(Operation::kLoad, kFirst, pair.first);
    return pair;
  }

 private:
  std::atomic<uint64_t> first_{0};
  std::atomic<uint64_t> second_{0};
};

template <class Mutex>
class LockedPair {
 public:
  template <class Log>
  void Write(uint64_t number, RaceWindow window, Log& log) {
    const boost::interprocess::scoped_lock<Mutex> lock(mutex_);
    cells_.Write(number, window, log);
  }
  template <class Log>
  Pair Read(RaceWindow window, Log& log) {
    const boost::interprocess::scoped_lock<Mutex> lock(mutex_);
    return cells_.Read(window, log);
  }

 private:
  Mutex mutex_;
  Cells cells_;
};

// A sequence lock (Hemminger, Linux 2.5.60): the writer makes a number odd while it writes; a
// reader that finds it odd or changed reads again. Readers never hold up the writer.
class SequencedPair {
 public:
  template <class Log>
  void Write(uint64_t number, RaceWindow window, Log& log) {
    sequence_.fetch_add(1);
    cells_.Write(number, window, log);
    sequence_.fetch_add(1);
  }
  template <class Log>
  Pair Read(RaceWindow window, Log& log) {
    for (;;) {
      const uint64_t before = sequence_.load();
      const Pair pair = cells_.Read(window, log);
      if (before % 2 == 0 && sequence_.load() == before) return pair;
    }
  }

 private:
  std::atomic<uint64_t> sequence_{0};
  Cells cells_;
};

// Worker 0 writes until the others have read `rounds` times each.
template <class PairType, class LogOf>
Crew::Trial WriteAndRead(PairType* pair, const Setup& setup, uint64_t rounds, const LogOf& log_of,
                         std::atomic<uint64_t>* torn) {
  SharedValue<std::atomic<uint32_t>> readers(setup.workers - 1);
  Crew crew = setup.MakeCrew();
  return crew.Run([&](uint32_t worker) {
    auto&& log = log_of(worker);
    if (worker == 0) {
      for (uint64_t number = 1; readers->load() > 0 && !crew.stopped(); ++number) {
        pair->Write(number, setup.window, log);
        // A writer that never rests leaves the readers of a sequence lock no time to read.
        for (int rest = 0; rest < kRests; ++rest) setup.window.Pass();
      }
      return;
    }
    for (uint64_t round = 0; round < rounds && !crew.stopped(); ++round) {
      if (pair->Read(setup.window, log).torn()) torn->fetch_add(1);
    }
    readers->fetch_sub(1);
  });
}

template <class PairType>
Variant Measure(std::string name, const Setup& setup) {
  SharedValue<PairType> pair;
  SharedValue<std::atomic<uint64_t>> torn(0);
  const Crew::Trial trial = WriteAndRead(
      &*pair, setup, setup.rounds, [](uint32_t) { return NoRing(); }, &*torn);
  const uint64_t reads = setup.rounds * (setup.workers - 1);
  return MakeVariant(std::move(name), reads, reads - torn->load(), trial);
}

std::vector<WorkerEvent> Record(const Setup& setup) {
  SharedValue<LockedPair<NullMutex>> pair;
  SharedValue<std::atomic<uint64_t>> torn(0);
  const EventRings rings(setup.workers);
  WriteAndRead(
      &*pair, setup, std::min(setup.rounds, kRecordedRounds),
      [&rings](uint32_t worker) -> EventRing& { return rings.of(worker); }, &*torn);
  return rings.Merged();
}

int64_t SpanOf(const std::vector<WorkerEvent>& rows) {
  return rows.back().event.time_ns - rows.front().event.time_ns;
}

// A reader's loads of an old second number and a new first one, and the writer's two stores of that
// new one, in an order that the times prove: the first was stored before it was loaded, the second
// not before it was.
std::optional<Evidence> FindTornRead(std::span<const WorkerEvent> events) {
  std::map<std::pair<uint32_t, uint64_t>, WorkerEvent> stores;  // by cell and number
  for (const WorkerEvent& event : events) {
    if (event.worker == 0) stores[{event.event.object, event.event.value}] = event;
  }
  std::map<uint32_t, WorkerEvent> second_loads;  // the last one of each reader
  std::optional<Evidence> best;                  // the shortest: it is the easiest to follow
  for (const WorkerEvent& load : events) {
    if (load.worker == 0) continue;
    if (load.event.object == kSecond) {
      second_loads[load.worker] = load;
      continue;
    }
    const auto second_load = second_loads.find(load.worker);
    const auto first_store = stores.find({kFirst, load.event.value});
    const auto second_store = stores.find({kSecond, load.event.value});
    if (second_load == second_loads.end() || first_store == stores.end() ||
        second_store == stores.end() || second_load->second.event.value >= load.event.value ||
        second_store->second.event.time_ns <= second_load->second.event.time_ns) {
      continue;
    }
    std::vector<WorkerEvent> rows = {first_store->second, second_load->second, load,
                                     second_store->second};
    std::ranges::stable_sort(rows, {}, [](const WorkerEvent& row) { return row.event.time_ns; });
    if (!best || SpanOf(rows) < SpanOf(best->rows)) {
      best = {.rows = std::move(rows), .verdict = "<- half of each pair"};
    }
  }
  return best;
}

}  // namespace

Report RunTornRead(const Setup& setup) {
  Report report;
  report.variants.push_back(Measure<LockedPair<NullMutex>>("unsafe", setup));
  report.variants.push_back(Measure<LockedPair<RobustMutex>>("mutex", setup));
  report.variants.push_back(Measure<SequencedPair>("seqlock", setup));
  Capture(
      setup, [&] { return Record(setup); }, FindTornRead, &report);
  report.describe = [](const Event& event) {
    return fmt::format("{} {} = {}", OperationName(event.operation),
                       event.object == kFirst ? "first" : "second", event.value);
  };
  report.explanation =
      "Worker 1 only writes pairs of equal numbers, and yet a reader got two that differ: each "
      "store is whole, but the pair is not. Expected are all reads, actual those of a whole pair. "
      "A mutex keeps readers out while the pair is half written; a sequence lock lets them in, "
      "and has them read again.";
  report.try_next = "tally race torn-read --race-window 20   (how many reads are torn now?)";
  return report;
}

}  // namespace tally::race
