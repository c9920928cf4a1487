// Every task comes to the same result every way, and leaves nothing behind.
#include "master/compare/tasks.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "common/shared_value.h"
#include "common/uint128.h"
#include "master/compare/comparison.h"
#include "master/compare/sample.h"
#include "tests/cli/run_tally.h"
#include "tests/test_util.h"

namespace tally::compare {
namespace {

using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

std::vector<std::string> NamesOf(const std::vector<std::string>& asked) {
  CompareOptions options;
  options.tasks = asked;
  std::vector<std::string> names;
  for (const Task& task : MakeTasks(options)) names.push_back(task.name);
  return names;
}

TEST(MakeTasksTest, MakesAllOrThoseAskedFor) {
  EXPECT_THAT(NamesOf({}), ElementsAre("count", "cpu", "fibonacci", "io", "sleep", "spawn"));
  EXPECT_THAT(NamesOf({"sleep", "count", "sleep"}), ElementsAre("count", "sleep"));
  EXPECT_THAT(NamesOf({"cpu"}), ElementsAre("cpu", "fibonacci"));
  EXPECT_THAT(NamesOf({"fibonacci"}), ElementsAre("fibonacci"));
}

TEST(MakeTasksTest, SuggestsTheNearestName) {
  try {
    NamesOf({"cpu", "slep"});
    ADD_FAILURE();
  } catch (const UsageError& error) {
    EXPECT_STREQ(error.what(),
                 "--tasks: 'slep' is not one of count, cpu, fibonacci, io, sleep, spawn; did you "
                 "mean 'sleep'?");
  }
}

/// Passes on, and notes the most workers that it was asked for.
class WorkerCounter : public Executor {
 public:
  WorkerCounter(Executor* executor, std::atomic<uint32_t>* most)
      : executor_(executor), most_(most) {}

  std::vector<WorkerOutcome> Run(uint32_t workers, const Body& body,
                                 const Supervision& supervision = {}) override {
    *most_ = std::max(most_->load(), workers);
    return executor_->Run(workers, body, supervision);
  }
  std::string_view name() const override { return executor_->name(); }

 private:
  Executor* executor_;
  std::atomic<uint32_t>* most_;
};

class TasksTest : public testing::Test {
 protected:
  TasksTest() {
    NoteStopSignalsAfresh();
    setenv("TMPDIR", dir_.path().c_str(), 1);
  }
  ~TasksTest() override { unsetenv("TMPDIR"); }

  std::string path() const { return dir_.path(); }

  static TaskReport Run(const std::string& name, const std::vector<std::string>& files = {}) {
    CompareOptions options;
    options.tasks = {name};
    options.files = files;
    return Compare(MakeTasks(options).front(), {.ways = WaysFor({1, 3}), .runs = 1},
                   {.on_tick = {}, .on_result = {}});
  }

 private:
  TempDir dir_;
};

TEST_F(TasksTest, ComeToTheResultThatArithmeticSays) {
  uint128 sum_of_squares = 0;
  for (uint64_t n = 3'000'000; n < 3'000'020; ++n) {
    const uint128 wide = n;
    sum_of_squares += (wide - 1) * wide * (2 * wide - 1) / 6;
  }
  const std::map<std::string, std::string> results = {{"cpu", fmt::format("{}", sum_of_squares)},
                                                      {"fibonacci", std::to_string(20 * 2'178'309)},
                                                      {"io", std::to_string(20 * 256 * 1024)},
                                                      {"sleep", "20"},
                                                      {"spawn", "100"}};
  for (const auto& [name, result] : results) {
    const TaskReport report = Run(name);
    EXPECT_EQ(report.name, name);
    EXPECT_THAT(report.errors, IsEmpty());
    for (const Row& row : report.rows) EXPECT_EQ(row.result, result) << NameOf(row.way);
  }
  EXPECT_TRUE(std::filesystem::is_empty(path())) << "of io nothing is left";
}

TEST_F(TasksTest, SpawnAndCountStartAsManyWorkersAsAskedFor) {
  std::string text;  // of several chunks: there are no more workers than that
  while (text.size() < (size_t{20} << 20)) text += "to be or not\n";
  WriteFile(path() + "/a", text);
  CompareOptions options;
  options.tasks = {"spawn", "count"};
  options.files = {path() + "/a"};
  for (Task& task : MakeTasks(options)) {
    const SharedValue<std::atomic<uint32_t>> most(0);
    const auto run = task.run;
    task.run = [&](Launch launch) {
      WorkerCounter counter(launch.executor, &*most);
      launch.executor = &counter;
      return run(launch);
    };
    Compare(task, {.ways = {{ExecutionMode::kProcess, 3}}, .runs = 1}, {});
    EXPECT_EQ(*most, 3U) << task.name;
  }
}

TEST_F(TasksTest, CountIsOfTheFiles) {
  WriteFile(path() + "/a", "to be or\n");
  WriteFile(path() + "/b", "not to be\n");
  const TaskReport report = Run("count", {path() + "/a", path() + "/b"});
  EXPECT_THAT(report.errors, IsEmpty());
  EXPECT_THAT(report.summary, testing::EndsWith("/a and 1 more"));
  for (const Row& row : report.rows) {
    EXPECT_THAT(row.result, HasSubstr("4 keys, "));
    EXPECT_TRUE(row.equal);
  }
  EXPECT_NE(report.rows[0].result, Run("count", {path() + "/a"}).rows[0].result);
}

TEST_F(TasksTest, CountFailsWhereCountingDoes) {
  WriteFile(path() + "/bad", "quite\t1999\t120\t80\nquite\t2000\n");
  const TaskReport report = Run("count", {path() + "/bad"});
  EXPECT_THAT(report.errors,
              ElementsAre(AllOf(StartsWith("count, serial (and 4 other ways): tally count: "),
                                HasSubstr("bad: line 2: byte 18: too few columns"))));
  for (const Row& row : report.rows) EXPECT_TRUE(row.failed);
}

TEST_F(TasksTest, IoNamesTheDirectoryThatItCannotUse) {
  setenv("TMPDIR", (path() + "/missing").c_str(), 1);
  const TaskReport report = Run("io");
  EXPECT_THAT(report.errors, testing::SizeIs(20));
  EXPECT_THAT(report.errors, Each(HasSubstr("missing: no file can be made there")));
}

TEST_F(TasksTest, IoTellsThatMemoryIsNoDisk) {
  setenv("TMPDIR", "/dev/shm", 1);
  EXPECT_THAT(IoTask().not_shown, HasSubstr("/dev/shm is in memory"));
  setenv("TMPDIR", "/dev/null", 1);
  EXPECT_EQ(IoTask().not_shown, "") << "no directory at all";
}

TEST(SampleTest, IsTheSameEveryTimeAndFollowsZipf) {
  constexpr size_t kBytes = 1 << 20;
  std::string texts[2];
  for (std::string& text : texts) {
    const UniqueFd file = MakeMemoryFile();
    WriteSample(file, kBytes);
    text = ReadFile(PathOf(file));
  }
  EXPECT_EQ(texts[0], texts[1]);
  EXPECT_GE(texts[0].size(), kBytes);
  EXPECT_LT(texts[0].size(), kBytes + 100);
  std::map<std::string, int> counts;
  std::istringstream words(texts[0]);
  int total = 0;
  for (std::string word; words >> word; ++total) ++counts[word];
  EXPECT_NEAR(static_cast<double>(counts["a"]) / total, 0.0877, 0.003)
      << "1 / (1 + 1/2 + ... + 1/50,000)";
  EXPECT_NEAR(static_cast<double>(counts["a"]) / counts["c"], 3, 0.2);
  EXPECT_GT(counts.size(), 10'000u);
}

}  // namespace
}  // namespace tally::compare
