// Experiment `array`: each worker adds 1 to the cells of its part of a shared array, and the parts
// of neighbours overlap. What is wrong afterwards lies in the cells that have two owners.
#include <fmt/format.h>

#include <array>
#include <atomic>
#include <boost/interprocess/sync/scoped_lock.hpp>

#include "common/robust_mutex.h"
#include "master/race/experiments.h"
#include "master/text_table.h"

namespace tally::race {
namespace {

constexpr uint32_t kCells = 16;
constexpr uint32_t kPartCells = 8;
constexpr uint32_t kPartStep = 4;  // the next worker's part begins in the middle of this one's

// The cell of the worker's part that it comes to in step i. All go in step: in step i each is at a
// cell whose number leaves i modulo kPartCells, so that neighbours are at their common cells at
// once.
uint32_t CellOf(uint32_t worker, uint32_t i) {
  const uint32_t begin = worker * kPartStep;
  return (begin + (i + kPartCells - begin % kPartCells) % kPartCells) % kCells;
}

uint64_t Expected(uint32_t cell, const Setup& setup) {
  uint64_t owners = 0;
  for (uint32_t worker = 0; worker < setup.workers; ++worker) {
    for (uint32_t i = 0; i < kPartCells; ++i) owners += CellOf(worker, i) == cell ? 1 : 0;
  }
  return owners * setup.rounds;
}

using Cells = std::array<std::atomic<uint64_t>, kCells>;

// `kMutexes` locks guard the array: one for all cells, or one for each.
template <class Mutex, uint32_t kMutexes>
class LockedArray {
 public:
  template <class Log>
  void AddOne(uint32_t cell, RaceWindow window, Log& log) {
    const boost::interprocess::scoped_lock<Mutex> lock(mutexes_[cell % kMutexes]);
    const uint64_t seen = cells_[cell].load(std::memory_order_relaxed);
    log.Note(Operation::kLoad, cell, seen);
    window.Pass();
    log.Note(Operation::kStore, cell, seen + 1);
    cells_[cell].store(seen + 1, std::memory_order_relaxed);
  }
  const Cells& cells() const { return cells_; }

 private:
  std::array<Mutex, kMutexes> mutexes_;
  Cells cells_{};
};

class AtomicArray {
 public:
  template <class Log>
  void AddOne(uint32_t cell, RaceWindow /*there is none*/, Log&) {
    cells_[cell].fetch_add(1, std::memory_order_relaxed);
  }
  const Cells& cells() const { return cells_; }

 private:
  Cells cells_{};
};

template <class Array, class Log>
void AddToOwnPart(Array* array, uint32_t worker, uint64_t passes, const Setup& setup,
                  const Crew& crew, Log& log) {
  for (uint64_t pass = 0; pass < passes; ++pass) {
    for (uint32_t i = 0; i < kPartCells; ++i) {
      if (crew.stopped()) return;
      array->AddOne(CellOf(worker, i), setup.window, log);
    }
  }
}

template <class Array>
Variant Measure(std::string name, const Setup& setup, std::vector<std::string>* findings) {
  SharedValue<Array> array;
  Crew crew = setup.MakeCrew();
  const Crew::Trial trial = crew.Run([&](uint32_t worker) {
    NoRing log;
    AddToOwnPart(&*array, worker, setup.rounds, setup, crew, log);
  });
  uint64_t expected = 0;
  uint64_t actual = 0;
  uint32_t wrong = 0;
  for (uint32_t cell = 0; cell < kCells; ++cell) {
    const uint64_t wanted = Expected(cell, setup);
    const uint64_t found = array->cells()[cell];
    expected += wanted;
    actual += found;
    if (found == wanted || !trial.finished) continue;
    ++wrong;
    findings->push_back(fmt::format("{}: cell {} holds {}, expected {} (lost {})", name, cell,
                                    WithCommas(found), WithCommas(wanted),
                                    WithCommas(wanted - found)));
  }
  return MakeVariant(std::move(name), expected, actual, trial,
                     fmt::format("{} of {} cells wrong", wrong, kCells));
}

std::vector<WorkerEvent> Record(const Setup& setup) {
  SharedValue<LockedArray<NullMutex, 1>> array;
  const EventRings rings(setup.workers);
  Crew crew = setup.MakeCrew();
  crew.Run([&](uint32_t worker) {
    AddToOwnPart(&*array, worker, std::min(setup.rounds, kRecordedRounds / kPartCells), setup, crew,
                 rings.of(worker));
  });
  return rings.Merged();
}

}  // namespace

Report RunArray(const Setup& setup) {
  Report report;
  report.variants.push_back(Measure<LockedArray<NullMutex, 1>>("unsafe", setup, &report.findings));
  report.variants.push_back(Measure<LockedArray<RobustMutex, 1>>("mutex", setup, &report.findings));
  report.variants.push_back(
      Measure<LockedArray<RobustMutex, kCells>>("mutex-per-cell", setup, &report.findings));
  report.variants.push_back(Measure<AtomicArray>("atomic", setup, &report.findings));
  Capture(
      setup, [&] { return Record(setup); }, FindLostUpdate, &report);
  report.describe = [](const Event& event) {
    return fmt::format("{} [{}] {}", OperationName(event.operation), event.object, event.value);
  };
  report.explanation =
      "Only cells that two workers add to are wrong: where a cell has one writer, nobody can slip "
      "in. One lock for the whole array makes everybody wait for everybody; a lock for each cell "
      "only for those who want the same cell.";
  report.try_next = "tally race array -j 4   (the parts then overlap everywhere: which cells now?)";
  return report;
}

}  // namespace tally::race
