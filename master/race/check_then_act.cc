// Experiment `check-then-act`: a cupboard holds one knife. Each worker looks whether it is there,
// takes it, uses it, and puts it back. What was true when it looked may be no longer when it takes.
#include <fmt/format.h>

#include <array>
#include <atomic>
#include <bit>
#include <boost/interprocess/sync/scoped_lock.hpp>

#include "common/robust_mutex.h"
#include "master/race/experiments.h"
#include "master/text_table.h"

namespace tally::race {
namespace {

// Who holds the knife by what they did, whatever the cupboard says: this is how the experiment
// knows.
class Holders {
 public:
  /// Those who hold it already, a bit each.
  uint64_t Enter(uint32_t worker) { return bits_.fetch_or(uint64_t{1} << worker); }
  void Leave(uint32_t worker) { bits_.fetch_and(~(uint64_t{1} << worker)); }

 private:
  std::atomic<uint64_t> bits_{0};
};

// Look, then take: with NullMutex two visits may overlap, with RobustMutex they cannot.
template <class Mutex>
class Cupboard {
 public:
  /// Calls use() with the knife in hand; false where it was not there.
  template <class Log, class Use>
  bool Visit(RaceWindow window, Log& log, const Use& use) {
    const boost::interprocess::scoped_lock<Mutex> lock(mutex_);
    const uint64_t seen = knives_.load();
    log.Note(Operation::kLoad, 0, seen);
    if (seen == 0) return false;
    window.Pass();
    log.Note(Operation::kStore, 0, 0);
    knives_.store(0);
    use();
    knives_.store(1);
    return true;
  }

 private:
  Mutex mutex_;
  std::atomic<uint64_t> knives_{1};
};

// Looking and taking are one step of the processor.
class AtomicCupboard {
 public:
  template <class Log, class Use>
  bool Visit(RaceWindow /*there is none*/, Log&, const Use& use) {
    uint64_t seen = 1;
    if (!knives_.compare_exchange_strong(seen, 0)) return false;
    use();
    knives_.store(1);
    return true;
  }

 private:
  std::atomic<uint64_t> knives_{1};
};

struct Tally {
  uint64_t taken = 0;
  uint64_t shared = 0;  // taken while somebody else held it
  uint64_t not_there = 0;
  std::array<uint64_t, kMaxCrew> shared_with{};
};

template <class CupboardType>
Variant Measure(std::string name, const Setup& setup, std::vector<std::string>* findings) {
  struct Kitchen {
    CupboardType cupboard;
    Holders holders;
    std::array<Tally, kMaxCrew> tallies;  // each written by one worker
  };
  SharedValue<Kitchen> kitchen;
  Crew crew = setup.MakeCrew();
  const Crew::Trial trial = crew.Run([&](uint32_t worker) {
    NoRing log;
    Tally& tally = kitchen->tallies[worker];
    for (uint64_t visit = 0; visit < setup.rounds && !crew.stopped(); ++visit) {
      const bool there = kitchen->cupboard.Visit(setup.window, log, [&] {
        const uint64_t others = kitchen->holders.Enter(worker);
        setup.window.Pass();
        kitchen->holders.Leave(worker);
        ++tally.taken;
        tally.shared += others != 0 ? 1 : 0;
        if (others != 0) ++tally.shared_with[static_cast<size_t>(std::countr_zero(others))];
      });
      tally.not_there += there ? 0 : 1;
    }
  });
  Tally all;
  for (uint32_t worker = 0; worker < setup.workers; ++worker) {
    const Tally& tally = kitchen->tallies[worker];
    all.taken += tally.taken;
    all.shared += tally.shared;
    all.not_there += tally.not_there;
    for (uint32_t other = 0; other < setup.workers; ++other) {
      if (tally.shared_with[other] == 0) continue;
      findings->push_back(
          fmt::format("{}: worker {} took the knife {} times while worker {} held it", name,
                      worker + 1, WithCommas(tally.shared_with[other]), other + 1));
    }
  }
  return MakeVariant(std::move(name), all.taken, all.taken - all.shared, trial,
                     fmt::format("not there {} times", WithCommas(all.not_there)));
}

std::vector<WorkerEvent> Record(const Setup& setup) {
  SharedValue<Cupboard<NullMutex>> cupboard;
  const EventRings rings(setup.workers);
  Crew crew = setup.MakeCrew();
  crew.Run([&](uint32_t worker) {
    const uint64_t visits = std::min(setup.rounds, kRecordedRounds);
    for (uint64_t visit = 0; visit < visits && !crew.stopped(); ++visit) {
      cupboard->Visit(setup.window, rings.of(worker), [&] { setup.window.Pass(); });
    }
  });
  return rings.Merged();
}

}  // namespace

Report RunCheckThenAct(const Setup& setup) {
  Report report;
  report.variants.push_back(Measure<Cupboard<NullMutex>>("unsafe", setup, &report.findings));
  report.variants.push_back(Measure<Cupboard<RobustMutex>>("mutex", setup, &report.findings));
  report.variants.push_back(Measure<AtomicCupboard>("atomic", setup, &report.findings));
  Capture(
      setup, [&] { return Record(setup); }, FindLostUpdate, &report);
  if (report.evidence) report.evidence->verdict = "<- both hold the one knife";
  report.describe = [](const Event& event) -> std::string {
    if (event.operation == Operation::kStore) return "take it";
    return event.value == 1 ? "see the knife" : "see no knife";
  };
  report.explanation =
      "Expected are the times that the knife was taken, actual those that one worker held it "
      "alone. Both looked before either had taken, and both saw it: the check was right, and out "
      "of date. A lock must be held from the check to the end of the act; or both are one atomic "
      "step, and who comes too late is told so.";
  report.try_next = "tally race check-then-act -j 4   (who meets whom?)";
  return report;
}

}  // namespace tally::race
