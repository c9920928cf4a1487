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

using testing::ContainsRegex;
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

  /// Which places of a run are meant, by its log.
  using Places = HitsOfPoints (*)(const FaultLog& log);

  static HitsOfPoints OfWorkers(const FaultLog& log) {
    HitsOfPoints places;
    for (const auto& [point, hits] : log.HitsOfWorkers()) places[point] = SpreadOver(hits);
    return places;
  }
  static HitsOfPoints OfTakeOvers(const FaultLog& log) { return log.HitsInTakeOvers(); }
  static HitsOfPoints OfHeirs(const FaultLog& log) { return log.HitsInInheritances(); }

  HitsOfPoints PlacesNow(Places places, const std::string& death) {
    const FaultyRun run = Survives(death, workers_);
    EXPECT_EQ(run.log.Faults("kill").size(), death.empty() ? 0U : 1U) << death;
    return places(run.log);
  }

  /// Kills whoever comes to these places, one in each run, and after another death where there is
  /// to be one. How often some are come to is different in each run, so where nobody was killed at
  /// a point, it is looked where that is now.
  void KillAt(Places places, const std::string& death = {}) {
    constexpr int kMostTries = 40;
    HitsOfPoints now = PlacesNow(places, death);
    HitsOfPoints missing = now;
    for (int tries = 0; !missing.empty() && tries < kMostTries && !HasFailure(); ++tries) {
      if (tries > 0) now = PlacesNow(places, death);
      for (const auto& [point, hits] : now) {
        if (!missing.contains(point)) continue;
        for (const uint64_t hit : hits) {
          if (Kills(point, hit, places, death)) missing.erase(point);
        }
      }
    }
    EXPECT_TRUE(missing.empty()) << "nobody was killed at " << missing.begin()->first;
  }

  int workers_ = 2;

 private:
  /// False where nobody came there so often, or it was no such place any more.
  bool Kills(const std::string& point, uint64_t hit, Places places, const std::string& death) {
    const std::string fault = fmt::format("{}:any:{}:kill", point, hit);
    SCOPED_TRACE(fmt::format("{} {}, -j {}", death, fault, workers_));
    const FaultyRun run = Survives(death.empty() ? fault : death + "," + fault, workers_);
    const auto killed = static_cast<int>(run.log.Faults("kill").size());
    const int expected = death.empty() ? 1 : 2;
    EXPECT_LE(killed, expected);
    EXPECT_EQ(OccurrencesOf("was killed by SIGKILL", run.outcome.err), killed) << run.outcome;
    EXPECT_EQ(OccurrencesOf(" again\n", run.outcome.err), killed) << run.outcome;
    kills_ += killed;
    if (killed < expected) {
      EXPECT_LT(run.log.HitsOfWorkers()[point], hit) << "it was come to, and nothing happened";
      ++not_come_to_;
      return false;
    }
    return death.empty() || places(run.log)[point].contains(hit);
  }

  int kills_ = 0;
  int not_come_to_ = 0;
};

class KillSweepCliTest : public KillSweep, public testing::WithParamInterface<int> {
 protected:
  KillSweepCliTest() { workers_ = GetParam(); }
};

TEST_P(KillSweepCliTest, OfWorkers) { KillAt(OfWorkers); }

TEST_P(KillSweepCliTest, OfThoseWhoTakeOver) {
  for (const std::string& death : kDeathsToTakeOverFrom) KillAt(OfTakeOvers, death);
}

INSTANTIATE_TEST_SUITE_P(Workers, KillSweepCliTest, testing::Values(1, 2, 7));

/// The master's first call of fork() after the start of three workers fails: the others inherit. An
/// heir that dies has a successor; were there none, the last one might have left by then.
const std::string kNoSuccessor = "fork:master:4:fail";

class HeirKillSweepCliTest : public KillSweep {
 protected:
  HeirKillSweepCliTest() { workers_ = 3; }
};

TEST_F(HeirKillSweepCliTest, OfThoseWhoInherit) {
  for (const std::string& death : kDeathsToTakeOverFrom) {
    KillAt(OfHeirs, death + "," + kNoSuccessor);
  }
}

TEST_F(HeirKillSweepCliTest, TheDeathOfAnHeirIsTold) {
  const std::string faults =
      fmt::format("{},{},inheriting:any:1:kill", kDeathsToTakeOverFrom[0], kNoSuccessor);
  for (int tries = 0; tries < 40; ++tries) {
    const FaultyRun run = Survives(faults, workers_);
    if (run.log.Faults("kill").size() < 2) continue;  // nobody was there to inherit
    EXPECT_THAT(run.outcome.err, ContainsRegex("while taking over the work of worker [123]; "));
    return;
  }
  FAIL() << "nobody inherited";
}

class MasterKillSweepCliTest : public KillSweep {
 protected:
  void SetUp() override {}  // it can be killed in every mode

  void ExpectNothingLeftBehind(const std::string& point) const {
    EXPECT_TRUE(Read("out") == (point == "before-stats" ? expected_ : kOld));
    std::vector<std::string> files = Files();
    // An output that replaces another one has a name of its own for a moment.
    if (point == "before-rename" && !files.empty() && files[0].starts_with(".out.")) {
      EXPECT_TRUE(Read(files[0]) == expected_);
      unlink(Path(files[0]).c_str());
      files.erase(files.begin());
    }
    EXPECT_THAT(files, ElementsAre("in", "in.gz", "out"));
  }

  const std::string kOld = "as it was";
};

TEST_F(MasterKillSweepCliTest, LeavesNothingBehind) {
  Write("out", kOld);
  for (const auto& [point, hits] : Survives("", 3).log.HitsOfMaster()) {
    bool any_killed = false;
    for (const uint64_t hit : SpreadOver(hits)) {
      const std::string faults = fmt::format("{}:master:{}:kill", point, hit);
      SCOPED_TRACE(faults);
      Write("out", kOld);
      const FaultyRun run = RunWithFaults(faults, 3);
      if (run.log.Faults("kill").empty()) {
        EXPECT_LT(run.log.HitsOfMaster()[point], hit);
        ExpectWhole(run.outcome);
        continue;
      }
      any_killed = true;
      EXPECT_THAT(run.outcome, DiesBy(SIGKILL));
      ExpectNothingLeftBehind(point);
    }
    EXPECT_TRUE(any_killed) << "it was not killed at " << point;
  }
}

class SweptPointsCliTest : public KillSweep {};

TEST_F(SweptPointsCliTest, AreAllThatTheSourceHas) {
  std::set<std::string> swept;
  const auto add = [&](const HitsOfPoints& places) {
    for (const auto& [point, hits] : places) swept.insert(point);
  };
  workers_ = 3;
  add(PlacesNow(OfWorkers, ""));
  for (const std::string& death : kDeathsToTakeOverFrom) {
    add(PlacesNow(OfTakeOvers, death));
    add(PlacesNow(OfHeirs, death + "," + kNoSuccessor));
  }
  Write("out", "is replaced");
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
