// Each experiment shows its effect where it is unsafe, and never where it is safe.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "master/race/experiment.h"
#include "master/race/race_report.h"
#include "tests/cli/run_tally.h"
#include "tests/test_util.h"

namespace tally::race {
namespace {

using testing::HasSubstr;

const Experiment& Named(std::string_view name) {
  return *std::ranges::find(AllExperiments(), name, &Experiment::name);
}

using Case = std::tuple<std::string, ExecutionMode>;

class ExperimentTest : public testing::TestWithParam<Case> {
 protected:
  ExperimentTest() {
    NoteStopSignalsAfresh();
    std::string text;
    for (int i = 0; i < 300; ++i) text += "word" + std::to_string(i) + " the ";
    WriteFile(dir_.path() + "/book", text);
  }

  Report Run(uint64_t rounds, uint32_t workers = 2) {
    const auto& [name, mode] = GetParam();
    executor_ = MakeExecutor(mode);
    return Named(name).run({.executor = executor_.get(),
                            .workers = workers,
                            .rounds = rounds,
                            .window = RaceWindow::Yield(),
                            .file = book()});
  }

  std::string book() const { return dir_.path() + "/book"; }

 private:
  TempDir dir_;
  std::unique_ptr<Executor> executor_;
};

std::vector<Case> AllCases() {
  std::vector<Case> cases;
  for (const Experiment& experiment : AllExperiments()) {
    cases.emplace_back(experiment.name, ExecutionMode::kProcess);
    if (!experiment.processes_only) cases.emplace_back(experiment.name, ExecutionMode::kThread);
  }
  return cases;
}

std::string NameOf(const testing::TestParamInfo<Case>& info) {
  std::string name = std::get<0>(info.param);
  std::erase(name, '-');
  return name + (std::get<1>(info.param) == ExecutionMode::kThread ? "Threads" : "Processes");
}

INSTANTIATE_TEST_SUITE_P(All, ExperimentTest, testing::ValuesIn(AllCases()), NameOf);

/// Small rounds, so that 200 runs take seconds; large enough for the effect to show.
uint64_t SmallRounds(const std::string& name) {
  static const std::map<std::string, uint64_t> kRounds = {
      {"lost-update", 500}, {"array", 100},     {"check-then-act", 500}, {"shared-table", 2},
      {"torn-read", 500},   {"deadlock", 2000}, {"false-sharing", 1000}, {"killed-holder", 3}};
  return kRounds.at(name);
}

TEST_P(ExperimentTest, TheUnsafeVariantShowsItsEffectAndTheSafeOnesNeverDo) {
  const std::string name = std::get<0>(GetParam());
  const bool waits = name == "deadlock" || name == "killed-holder";  // for a tick, or for nothing
  const int runs = kSanitized ? 10 : waits ? 5 : 200;
  int shown = 0;
  for (int run = 0; run < runs; ++run) {
    const Report report = Run(SmallRounds(name));
    shown += report.variants[0].lost > 0u ? 1 : 0;
    for (size_t i = 1; i < report.variants.size(); ++i) {
      const Variant& variant = report.variants[i];
      ASSERT_EQ(variant.lost, 0u) << name << " " << variant.name << ", run " << run;
      ASSERT_EQ(variant.actual, variant.expected);
    }
    EXPECT_FALSE(report.explanation.empty());
    EXPECT_FALSE(report.try_next.empty());
  }
  // On a machine that is busy with other tests, now and then one worker is done before the other
  // gets a CPU; and sanitizers make the window a small part of what a worker does.
  const int least = name == "false-sharing" ? 0 : kSanitized ? 1 : runs * 3 / 4;
  EXPECT_GE(shown, least) << "of " << runs;
}

bool IsAmong(const WorkerEvent& row, const std::vector<WorkerEvent>& events) {
  return std::ranges::any_of(events, [&row](const WorkerEvent& event) {
    return event.worker == row.worker && event.event.time_ns == row.event.time_ns &&
           event.event.value == row.event.value && event.event.object == row.event.object &&
           event.event.operation == row.event.operation;
  });
}

/// The reader's second number is older than its first one; and the pair that this belongs to had
/// its first number stored before it was loaded, and its second one not before that was.
void CheckTornRead(const std::vector<WorkerEvent>& rows) {
  ASSERT_EQ(rows.size(), 4u);
  std::map<std::pair<Operation, uint32_t>, Event> events;  // object 0 is the first number
  for (const WorkerEvent& row : rows) {
    EXPECT_EQ(row.worker == 0, row.event.operation == Operation::kStore);
    events[{row.event.operation, row.event.object}] = row.event;
  }
  ASSERT_EQ(events.size(), 4u);
  const Event& first_load = events[{Operation::kLoad, 0}];
  const Event& second_load = events[{Operation::kLoad, 1}];
  const Event& first_store = events[{Operation::kStore, 0}];
  const Event& second_store = events[{Operation::kStore, 1}];
  EXPECT_LT(second_load.value, first_load.value);
  EXPECT_EQ(first_store.value, first_load.value);
  EXPECT_EQ(second_store.value, first_load.value);
  EXPECT_LE(first_store.time_ns, first_load.time_ns);
  EXPECT_LT(second_load.time_ns, second_store.time_ns);
}

TEST_P(ExperimentTest, WhatIsShownWasRecordedInThatRun) {
  const std::string name = std::get<0>(GetParam());
  const Report report = Run(name == "false-sharing" ? 1000 : Named(name).default_rounds);
  if (name == "false-sharing" || name == "killed-holder") {
    EXPECT_FALSE(report.evidence.has_value());
    return;
  }
  ASSERT_TRUE(report.evidence.has_value());
  const auto& rows = report.evidence->rows;
  EXPECT_GE(rows.size(), 3u);
  for (const WorkerEvent& row : rows) EXPECT_TRUE(IsAmong(row, report.events));
  EXPECT_TRUE(std::ranges::is_sorted(rows, {}, [](const auto& row) { return row.event.time_ns; }));
  if (name == "deadlock") return;
  if (name == "torn-read") return CheckTornRead(rows);
  // Two loads of one value of one object, by two workers, and then both stores.
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_EQ(rows[0].event.operation, Operation::kLoad);
  EXPECT_EQ(rows[1].event.operation, Operation::kLoad);
  EXPECT_EQ(rows[2].event.operation, Operation::kStore);
  EXPECT_EQ(rows[3].event.operation, Operation::kStore);
  EXPECT_NE(rows[0].worker, rows[1].worker);
  EXPECT_EQ(rows[0].event.value, rows[1].event.value);
  EXPECT_EQ(rows[2].event.value, rows[3].event.value);
  EXPECT_LT(rows[1].event.time_ns, rows[2].event.time_ns);
}

TEST_P(ExperimentTest, RunsWithOneWorkerAndWithMany) {
  const std::string name = std::get<0>(GetParam());
  const uint64_t rounds = name == "deadlock" ? 100 : std::min<uint64_t>(SmallRounds(name), 50);
  const Report alone = Run(rounds, /*workers=*/1);
  for (size_t i = name == "killed-holder" ? 1 : 0; i < alone.variants.size(); ++i) {
    EXPECT_EQ(alone.variants[i].lost, 0u) << alone.variants[i].name;
  }
  const Report many = Run(rounds, /*workers=*/7);
  for (size_t i = 1; i < many.variants.size(); ++i) EXPECT_EQ(many.variants[i].lost, 0u);
}

TEST_P(ExperimentTest, OfWhatItsDeadlineStoppedNothingIsKnown) {
  const std::string name = std::get<0>(GetParam());
  if (name == "killed-holder" || name == "false-sharing") GTEST_SKIP() << "has no window";
  const auto& [unused, mode] = GetParam();
  const auto executor = MakeExecutor(mode);
  const auto begin = std::chrono::steady_clock::now();
  const Report report = Named(name).run({.executor = executor.get(),
                                         .workers = 2,
                                         .rounds = 1'000'000,
                                         .window = RaceWindow::Microseconds(10'000),
                                         .file = book(),
                                         .deadline = std::chrono::milliseconds(200)});
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20)) << "for all of it";
  bool stopped = false;
  for (const Variant& variant : report.variants) {
    if (variant.note != "hit its deadline, which stopped it") continue;
    stopped = true;
    EXPECT_EQ(variant.lost, std::nullopt) << variant.name;
    EXPECT_EQ(variant.ops_per_s, 0) << variant.name;
  }
  EXPECT_TRUE(stopped);
}

TEST(LostUpdateTest, ShortTrialsThatWereNotRunDidNotFail) {
  NoteStopSignalsAfresh();
  const auto executor = MakeExecutor(ExecutionMode::kProcess);
  const Report report = Named("lost-update")
                            .run({.executor = executor.get(),
                                  .workers = 2,
                                  .rounds = 1,
                                  .window = RaceWindow::Microseconds(50'000),
                                  .file = "",
                                  .deadline = std::chrono::milliseconds(500)});
  EXPECT_THAT(report.variants[1].note, testing::MatchesRegex("0 of [0-9]+ short trials failed"));
  EXPECT_THAT(report.variants[1].note, testing::Not(HasSubstr("of 100")));
}

TEST(DeadlockTest, TheCycleIsToldInWords) {
  NoteStopSignalsAfresh();
  const auto executor = MakeExecutor(ExecutionMode::kProcess);
  const Report report = Named("deadlock")
                            .run({.executor = executor.get(),
                                  .workers = 2,
                                  .rounds = 1'000'000,
                                  .window = RaceWindow::Yield(),
                                  .file = ""});
  ASSERT_EQ(report.findings.size(), 2u);
  EXPECT_EQ(report.findings[0], "worker 1 holds A and waits for B, which worker 2 holds");
  EXPECT_EQ(report.findings[1], "worker 2 holds B and waits for A, which worker 1 holds");
  EXPECT_THAT(report.variants[0].note, HasSubstr("deadlock, found after 0."));
}

}  // namespace
}  // namespace tally::race
