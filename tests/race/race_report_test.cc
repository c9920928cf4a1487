#include "master/race/race_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "master/race/experiments.h"

namespace tally::race {
namespace {

using nlohmann::json;
using testing::HasSubstr;

TEST(MakeVariantTest, CountsWhatIsMissingAndTheSpeed) {
  const Variant variant =
      MakeVariant("unsafe", 200, 150, {.finished = true, .seconds = 0.5}, "note");
  EXPECT_EQ(variant.name, "unsafe");
  EXPECT_EQ(variant.lost, 50u);
  EXPECT_EQ(variant.ops_per_s, 400);
  EXPECT_EQ(variant.note, "note");
}

TEST(MakeVariantTest, OfATrialThatWasStoppedNobodyKnowsWhatIsLost) {
  const Variant variant =
      MakeVariant("unsafe", 200, 150, {.finished = false, .seconds = 0}, "note");
  EXPECT_EQ(variant.lost, std::nullopt);
  EXPECT_EQ(variant.ops_per_s, 0);
  EXPECT_EQ(variant.note, "hit its deadline, which stopped it");
}

constexpr Experiment kExperiment = {.name = "name",
                                    .summary = "summary",
                                    .run = nullptr,
                                    .default_rounds = 7,
                                    .round = "round",
                                    .rounds = "rounds",
                                    .round_suffix = "by each"};

class RaceReportTest : public testing::Test {
 protected:
  RaceReportTest() {
    report_.variants = {{.name = "unsafe",
                         .expected = 8000,
                         .actual = 6000,
                         .lost = 2000,
                         .ops_per_s = 1234567,
                         .note = "a note"},
                        {.name = "stopped", .expected = 8000, .actual = 5, .lost = {}}};
    report_.explanation = "What goes wrong.";
  }

  std::string Text() const { return FormatText(kExperiment, setup_, report_); }

  const std::unique_ptr<Executor> executor_ = MakeExecutor(ExecutionMode::kProcess);
  race::Setup setup_{.executor = executor_.get(),
                     .workers = 2,
                     .rounds = 4000,
                     .window = RaceWindow::Microseconds(3),
                     .file = ""};
  Report report_;
};

TEST_F(RaceReportTest, HasEachFigureInItsColumn) {
  EXPECT_THAT(Text(),
              HasSubstr("name: summary\n"
                        "2 processes, 4,000 rounds by each; 3 microseconds between load and store "
                        "(--race-window)\n"
                        "\n"
                        "  variant  expected  actual   lost  lost %  operations/s\n"
                        "  unsafe      8,000   6,000  2,000    25.0     1,230,000  a note\n"
                        "  stopped     8,000       5      -       -             -\n"));
  EXPECT_THAT(Text(), HasSubstr("\nWhat goes wrong.\n"));
}

TEST_F(RaceReportTest, OneOfAThingIsNotSeveral) {
  setup_.workers = 1;
  setup_.rounds = 1;
  setup_.window = RaceWindow::Microseconds(1);
  EXPECT_THAT(Text(), HasSubstr("\n1 process, 1 round by each; 1 microsecond between load"));
}

TEST_F(RaceReportTest, WhereNothingWasLostItSaysSo) {
  report_.variants[0].lost = 0;
  EXPECT_THAT(Text(), HasSubstr("\nThis time nothing went wrong: that is luck, not safety."));
  setup_.workers = 1;
  EXPECT_THAT(Text(), HasSubstr("\nOne worker alone has nobody to race with."));
  EXPECT_THAT(Text(), HasSubstr("\n1 process, 4,000 rounds"));
}

TEST_F(RaceReportTest, JsonHasEachFigureUnderItsName) {
  const json report = json::parse(FormatJson(kExperiment, setup_, report_));
  EXPECT_EQ(report.at("variants").at(0), json({{"name", "unsafe"},
                                               {"expected", 8000},
                                               {"actual", 6000},
                                               {"lost", 2000},
                                               {"lost_percent", 25.0},
                                               {"ops_per_s", 1234567.0},
                                               {"note", "a note"}}));
  EXPECT_EQ(report.at("variants").at(1).at("lost"), nullptr);
  EXPECT_EQ(report.at("variants").at(1).at("lost_percent"), nullptr);
  EXPECT_EQ(report.at("variants").at(1).at("ops_per_s"), 0);
}

}  // namespace
}  // namespace tally::race
