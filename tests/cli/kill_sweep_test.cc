// Workers and the master are killed at every fault point of the program (common/fault_point.h), the
// first time that somebody comes there, and later ones. A run without faults tells which points
// there are and how often they are come to, so that no list of them can fall behind.
#ifdef TALLY_FAULT_POINTS

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/cli/fault_log.h"
#include "tests/cli/fault_points_fixture.h"
#include "tests/cli/run_tally.h"

namespace tally {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;

using HitsOfPoints = std::map<std::string, std::set<uint64_t>>;

int OccurrencesOf(std::string_view what, std::string_view text) {
  int count = 0;
  for (size_t at = 0; (at = text.find(what, at)) != std::string_view::npos; at += what.size()) {
    ++count;
  }
  return count;
}

/// Deaths whose successors find a table to be emptied, one to be taken back to its savepoint, and
/// savepoints that are not complete.
const std::vector<std::string> kDeathsToTakeOverFrom = {
    "mid-chunk:any:2:kill", "mid-chunk:any:40:kill", "saving:any:1:kill", "saved:any:1:kill"};

class KillSweep : public FaultPointsCliTest {
 protected:
  void SetUp() override {
    if (TestMode() != "process") GTEST_SKIP() << "a thread cannot be killed alone";
  }
  void TearDown() override {
    RecordProperty("kills", kills_);
    RecordProperty("not_come_to", not_come_to_);
  }

  HitsOfPoints PlacesOfWorkers() {
    HitsOfPoints places;
    for (const auto& [point, hits] : Survives("", workers_).log.HitsOfWorkers()) {
      places[point] = SpreadOver(hits);
    }
    return places;
  }

  HitsOfPoints PlacesOfTakeOver(const std::string& death) {
    const FaultyRun run = Survives(death, workers_);
    EXPECT_EQ(run.log.Faults().size(), 1U) << death;
    return run.log.HitsInTakeOvers();
  }

  /// Kills whoever comes to these places, one in each run. How often some are come to is different
  /// in each run, so where nobody was killed at a point, it is looked where that is now.
  template <class Places>
  void KillAt(Places places_now, const std::string& other_faults = {}) {
    constexpr int kMostTries = 10;
    const HitsOfPoints all = places_now();
    HitsOfPoints missing = all;
    for (int tries = 0; !missing.empty() && tries < kMostTries && !HasFailure(); ++tries) {
      const HitsOfPoints places = tries == 0 ? all : places_now();
      for (const auto& [point, hits] : places) {
        if (!missing.contains(point)) continue;
        for (const uint64_t hit : hits) {
          if (Kills(point, hit, other_faults)) missing.erase(point);
        }
      }
    }
    EXPECT_TRUE(missing.empty()) << "nobody was killed at " << missing.begin()->first;
  }

  int workers_ = 2;

 private:
  /// False where nobody came there so often, or nobody who takes over from whom the others kill.
  bool Kills(const std::string& point, uint64_t hit, const std::string& other_faults) {
    const std::string fault = fmt::format("{}:any:{}:kill", point, hit);
    SCOPED_TRACE(fmt::format("{} {}, -j {}", other_faults, fault, workers_));
    const bool is_alone = other_faults.empty();
    const FaultyRun run = Survives(is_alone ? fault : other_faults + "," + fault, workers_);
    const auto killed = static_cast<int>(run.log.Faults().size());
    const int expected = is_alone ? 1 : 2;
    EXPECT_LE(killed, expected);
    EXPECT_EQ(OccurrencesOf("was killed by SIGKILL", run.outcome.err), killed) << run.outcome;
    EXPECT_EQ(OccurrencesOf("another one takes its place", run.outcome.err), killed) << run.outcome;
    kills_ += killed;
    if (killed < expected) {
      EXPECT_LT(run.log.HitsOfWorkers()[point], hit) << "it was come to, and nothing happened";
      ++not_come_to_;
      return false;
    }
    return is_alone || run.log.HitsInTakeOvers()[point].contains(hit);
  }

  int kills_ = 0;
  int not_come_to_ = 0;
};

class KillSweepCliTest : public KillSweep, public testing::WithParamInterface<int> {
 protected:
  KillSweepCliTest() { workers_ = GetParam(); }
};

TEST_P(KillSweepCliTest, OfWorkers) {
  KillAt([this] { return PlacesOfWorkers(); });
}

TEST_P(KillSweepCliTest, OfThoseWhoTakeOver) {
  for (const std::string& death : kDeathsToTakeOverFrom) {
    KillAt([&] { return PlacesOfTakeOver(death); }, death);
  }
}

INSTANTIATE_TEST_SUITE_P(Workers, KillSweepCliTest, testing::Values(1, 2, 7));

class MasterKillSweepCliTest : public KillSweep {
 protected:
  void SetUp() override {}  // it can be killed in every mode
};

TEST_F(MasterKillSweepCliTest, LeavesNothingBehind) {
  for (const auto& [point, hits] : Survives("", 3).log.HitsOfMaster()) {
    bool any_killed = false;
    for (const uint64_t hit : SpreadOver(hits)) {
      const std::string faults = fmt::format("{}:master:{}:kill", point, hit);
      SCOPED_TRACE(faults);
      const FaultyRun run = RunWithFaults(faults, 3);
      if (run.log.Faults().empty()) {
        EXPECT_LT(run.log.HitsOfMaster()[point], hit);
        ExpectWhole(run.outcome);
        continue;
      }
      any_killed = true;
      EXPECT_THAT(run.outcome, DiesBy(SIGKILL));
      if (point == "before-stats") {
        EXPECT_THAT(Files(), ElementsAre("in", "in.gz", "out"));
        EXPECT_TRUE(Read("out") == expected_);
        RemoveOutputs();
      }
      EXPECT_THAT(Files(), ElementsAre("in", "in.gz"));
    }
    EXPECT_TRUE(any_killed) << "it was not killed at " << point;
  }
}

class SweptPointsCliTest : public KillSweep {};

TEST_F(SweptPointsCliTest, AreAllThatTheSourceHas) {
  std::set<std::string> swept;
  for (const auto& [point, hits] : PlacesOfWorkers()) swept.insert(point);
  for (const std::string& death : kDeathsToTakeOverFrom) {
    for (const auto& [point, hits] : PlacesOfTakeOver(death)) swept.insert(point);
  }
  for (const auto& [point, hits] : Survives("", 3).log.HitsOfMaster()) swept.insert(point);
  const std::set<std::string> all = FaultPointsOfTheSource();
  EXPECT_THAT(swept, ElementsAreArray(all));
  EXPECT_GE(all.size(), 30U) << "the source was not read";
  RecordProperty("points", static_cast<int>(all.size()));
}

TEST_F(SweptPointsCliTest, IncludeTablesThatGoBackToTheirSavepoints) {
  // Of several workers, the one that dies may not have come to a savepoint yet.
  EXPECT_EQ(Survives("mid-chunk:any:40:kill", /*workers=*/1).log.RollBacks(), 1);
  EXPECT_EQ(Survives("mid-chunk:any:2:kill", /*workers=*/1).log.RollBacks(), 0);
}

}  // namespace
}  // namespace tally

#endif
