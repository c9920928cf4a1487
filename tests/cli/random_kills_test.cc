// Runs of the real program whose workers are killed from outside, whenever chance has it. Each time
// at others: TALLY_TEST_SEED repeats the choices of a run that failed, if not its moments.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "tests/cli/fault_log.h"
#include "tests/cli/oracle.h"
#include "tests/cli/run_tally.h"

namespace tally {
namespace {

using Clock = std::chrono::steady_clock;

uint32_t SeedOf(uint32_t part) {
  const char* const given = std::getenv("TALLY_TEST_SEED");
  return part + (given == nullptr ? std::random_device()() : static_cast<uint32_t>(atoll(given)));
}

int OccurrencesOf(std::string_view what, std::string_view text) {
  int count = 0;
  for (size_t at = 0; (at = text.find(what, at)) != std::string_view::npos; ++at) ++count;
  return count;
}

OracleAnswer Times(uint64_t factor, OracleAnswer answer) {
  for (auto& [key, count] : answer.counts) count *= factor;
  return answer;
}

class RandomKillsCliTest : public CliTest, public testing::WithParamInterface<uint32_t> {
 protected:
  void SetUp() override {
    if (TestMode() != "process") GTEST_SKIP() << "a thread cannot be killed alone";
    std::string text;
    for (int i = 0; i < 150'000; ++i) text += fmt::format("{}\n", random_() % 40'000);
    Write("in", text);
    Write("in.gz", Gzip(text, /*members=*/2));
    // So much that tables are saved on the way.
    constexpr uint64_t kTextsInPipe = 6;
    for (uint64_t i = 0; i < kTextsInPipe; ++i) pipe_text_ += text;
    const OracleAnswer once = AskOracle({text}, OptionsOf(Format::kLines));
    file_counts_ = once.ByKey();
    both_counts_ = Times(2, once).ByKey();
    pipe_counts_ = Times(kTextsInPipe, once).ByKey();
  }
  void TearDown() override {
    RecordProperty("kills", kills_);
    RecordProperty("runs", runs_);
    RecordProperty("roll_backs", roll_backs_);
  }

  void RunOnce() {
    switch (PickOf({0, 1, 2, 2, 3})) {
      case 0:
        return RunAndKill({"in"}, {}, file_counts_);
      case 1:
        return RunAndKill({"in.gz"}, {}, file_counts_);
      case 2:
        return RunAndKill({"-"}, Stdin::Text(pipe_text_), pipe_counts_);
      default:
        return RunAndKill({"-", "in"}, Stdin::Text(Read("in.gz")), both_counts_);
    }
  }

  uint32_t seed() const { return seed_; }
  int kills() const { return kills_; }
  int roll_backs() const { return roll_backs_; }

 private:
  void RunAndKill(const std::vector<std::string>& files, const Stdin& in,
                  const std::string& counts) {
    std::vector<std::string> arguments = {"count", "-f", "lines", "-s", "key"};
    arguments.push_back(fmt::format("-j{}", PickOf({1, 2, 2, 3, 7})));
    arguments.push_back(fmt::format("--chunk-size={}", PickOf({1000, 65536, 65536, 8 << 20})));
    arguments.insert(arguments.end(), files.begin(), files.end());
    Command command = TallyCommand(arguments, in);
    Write("log", "");
    command.environment["TALLY_FAULT_LOG"] = Path("log");
    Process tally(command);
    // Three deaths with one and the same chunk would be held against that.
    const int shots = PickOf({1, 2});
    for (int shot = 0; shot < shots; ++shot) KillSomeWorker(&tally);
    const Outcome outcome = tally.Wait();
    SCOPED_TRACE(testing::PrintToString(arguments) + outcome.err);
    EXPECT_THAT(outcome, ExitsWith(0));
    EXPECT_TRUE(outcome.out == counts) << outcome.out.size() << " bytes of " << counts.size();
    EXPECT_FALSE(tally.AnyProcessLeft());
    // Not those who had ended before they were hit.
    const int killed = OccurrencesOf("was killed by SIGKILL", outcome.err);
    EXPECT_LE(killed, shots);
    kills_ += killed;
    ++runs_;
    roll_backs_ += FaultLog(Read("log")).RollBacks();
  }

  void KillSomeWorker(Process* tally) {
    const auto ended = [tally] { return !tally->outcome().out.empty(); };
    std::vector<pid_t> workers;
    tally->WaitUntil(
        [&] {
          workers = ChildrenOf(tally->pid());
          return !workers.empty() || ended();
        },
        "a worker to kill");
    // Wherever it is in its input, and in the middle of what it does there.
    const size_t left = random_() % (tally->UntakenStdinBytes() + 1);
    tally->WaitUntil([&] { return tally->UntakenStdinBytes() <= left || ended(); },
                     "some of its input to be taken");
    const auto most = static_cast<unsigned>(PickOf({100, 1000, 10'000}));
    const auto until = Clock::now() + std::chrono::microseconds(random_() % most);
    while (Clock::now() < until) continue;
    workers = ChildrenOf(tally->pid());
    if (!workers.empty()) kill(workers[random_() % workers.size()], SIGKILL);
  }

  int PickOf(const std::vector<int>& choices) { return choices[random_() % choices.size()]; }

  const uint32_t seed_ = SeedOf(GetParam());
  std::mt19937 random_{seed_};
  std::string pipe_text_;
  std::string file_counts_;
  std::string both_counts_;
  std::string pipe_counts_;
  int kills_ = 0;
  int runs_ = 0;
  int roll_backs_ = 0;
};

TEST_P(RandomKillsCliTest, ChangeNothing) {
  const std::string seed_set = fmt::format("TALLY_TEST_SEED={}", seed() - GetParam());
  fmt::print("{}\n", seed_set);  // also where this test never ends
  fflush(stdout);
  SCOPED_TRACE(seed_set);
  const int enough = kSanitized ? 25 : 100;
  while (kills() < enough && !HasFailure()) RunOnce();
  // Some of them went back to a savepoint.
  const auto all_seen = [this] { return !kHasFaultPoints || roll_backs() > 0; };
  while (!all_seen() && kills() < 4 * enough && !HasFailure()) RunOnce();
  EXPECT_TRUE(all_seen()) << "no table went back to a savepoint";
}

// Five times a hundred.
INSTANTIATE_TEST_SUITE_P(Parts, RandomKillsCliTest, testing::Range(1U, 6U));

}  // namespace
}  // namespace tally
