// What a run with fault points says of itself (TALLY_FAULT_LOG, common/fault_point.h): who came to
// which of them, in this order, and what happened there.
#ifndef TALLY_TESTS_CLI_FAULT_LOG_H_
#define TALLY_TESTS_CLI_FAULT_LOG_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tally {

/// Whether the program has fault points; else it does not keep a log either.
#ifdef TALLY_FAULT_POINTS
constexpr bool kHasFaultPoints = true;
#else
constexpr bool kHasFaultPoints = false;
#endif

class FaultLog {
 public:
  /// Somebody came to a point.
  struct Visit {
    std::string point;
    uint32_t worker = 0;  // from 1; 0: the master
    std::string action;   // empty: nothing happened

    bool by_master() const { return worker == 0; }
  };

  explicit FaultLog(std::string_view text);

  const std::vector<Visit>& visits() const { return visits_; }

  /// How often workers came to each point, and how often the master did.
  std::map<std::string, uint64_t> HitsOfWorkers() const { return Hits(/*of_master=*/false); }
  std::map<std::string, uint64_t> HitsOfMaster() const { return Hits(/*of_master=*/true); }

  /// Where this action was taken.
  std::vector<Visit> Faults(std::string_view action) const;

  /// Visits of successors from their start until they have put in order what they found: for each
  /// point, which times these were among those of any worker.
  std::map<std::string, std::set<uint64_t>> HitsInTakeOvers() const;
  /// And those of workers while they put in order what another one left, that has no successor.
  std::map<std::string, std::set<uint64_t>> HitsInInheritances() const;

  /// How many successors went back to a savepoint of their predecessor's table.
  int RollBacks() const;

 private:
  std::map<std::string, uint64_t> Hits(bool of_master) const;

  std::vector<Visit> visits_;
};

/// The names of all fault points in the source.
std::set<std::string> FaultPointsOfTheSource();

}  // namespace tally

#endif  // TALLY_TESTS_CLI_FAULT_LOG_H_
