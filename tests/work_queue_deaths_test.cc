// Workers that die at any store in the work queue, or whenever chance has it.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "common/heartbeat.h"
#include "common/work_queue.h"
#include "tests/sanitized.h"
#include "tests/store_trap.h"
#include "tests/test_util.h"
#include "tests/work_queue_fixture.h"

namespace tally {
namespace {

using Clock = std::chrono::steady_clock;

TEST(WorkQueueDeathsTest, WhoeverHasTheLockNextRepairsWhatAReaderLeftHalfPublished) {
  for (const bool feeder_is_next : {false, true}) {
    StoreTrap::ForEachStore([feeder_is_next](uint64_t store) {
      TestQueue::Options options = OneStream(/*blocks=*/3);
      options.streams = {1, 2};
      options.last_is_fed = true;
      const TestQueue queue(options);
      EXPECT_EQ(queue.Claim(kReader), Open(0));
      EXPECT_EQ(queue.Claim(kReader), Fill(0));
      const bool died = queue.DiesAtStore(store, [&] { return queue.Publish(kReader, 0, 0); });
      if (feeder_is_next) {
        EXPECT_EQ(queue->TryClaimBlock(1, std::nullopt), Fill(1));
      } else if (queue->chunks_known() == 1) {
        ExpectClaimed(queue, /*worker=*/1, Count(0));
      } else {
        EXPECT_TRUE(queue->IsWanted(kStartOfInputs));
      }
      EXPECT_EQ(queue.stream(0).published, 10 * queue->chunks_known()) << "store " << store;
      return died;
    });
  }
}

/// One worker, which does all there is to do in a queue, and not often, so that there is time to
/// let it die everywhere.
constexpr Crew::Options kSmallCrew{.mapped = 2, .pieces = 5, .blocks = 2};

void ExpectTheRestIsDone(const Crew& crew) {
  Child successor([&] { return crew.Run(0); });
  ASSERT_EQ(successor.Wait(), 0);
  crew.ExpectEachPieceCountedOnce();
}

TEST(WorkQueueDeathsTest, AWorkerThatDiesAtAnyStoreLosesNothingAndCountsNothingTwice) {
  StoreTrap::ForEachStore([](uint64_t store) {
    SCOPED_TRACE("store " + std::to_string(store));
    const Crew crew(kSmallCrew);
    const bool died = crew.queue().DiesAtStore(store, [&] { return crew.Run(0); });
    if (died) ExpectTheRestIsDone(crew);
    return died;
  });
}

/// False where the first did not die.
bool ExpectDeathsLoseNothing(uint64_t first_store) {
  bool first_died = true;
  StoreTrap::CountDeaths([first_store, &first_died](uint64_t store) {
    SCOPED_TRACE("stores " + std::to_string(first_store) + ", " + std::to_string(store));
    const Crew crew(kSmallCrew);
    first_died = crew.queue().DiesAtStore(first_store, [&] { return crew.Run(0); });
    if (!first_died) return false;
    const bool died = crew.queue().DiesAtStore(store, [&] {
      crew.TakeOver(0);
      return true;
    });
    ExpectTheRestIsDone(crew);
    return died;
  });
  return first_died;
}

TEST(WorkQueueDeathsTest, ASuccessorThatDiesAtAnyStoreWhileItStartsOverLosesNothing) {
  StoreTrap::ForEachStore(ExpectDeathsLoseNothing, /*step=*/kSanitized ? 29 : 7);
}

// Who opens a stream looks without the lock from where it is to be read.
TEST(WorkQueueDeathsTest, HowFarAStreamWasPublishedIsNeverUnderstated) {
  StoreTrap::ForEachStore([](uint64_t store) {
    const TestQueue queue(OneStream(/*blocks=*/2));
    PublishTwo(queue);
    queue.ClaimAndFinish(/*worker=*/1, /*chunk=*/0);
    const bool died = queue.DiesAtStore(store, [&] {
      queue->StartOver(1);
      return true;
    });
    EXPECT_EQ(queue.stream(0).published, 20U) << "store " << store;
    return died;
  });
}

/// A master whose workers are killed again and again, some of them after they were stopped for a
/// while. It replaces each or leaves its work to the others, and feeds a stream of its own
/// meanwhile.
class Slaughter {
 public:
  Slaughter(uint64_t seed, int kills)
      : random_(seed),
        kills_left_(kills),
        crew_({.workers = kWorkers,
               .mapped = 100,
               .streams = 3,
               .pieces = 400,
               .last_is_fed = true,
               .blocks = 2 + static_cast<uint32_t>(random_.Below(8))}) {}

  void Run() {
    const auto give_up = Clock::now() + std::chrono::seconds(30);
    for (uint32_t worker = 0; worker < kWorkers; ++worker) Start(worker);
    while (!alive_.empty() || !left_.empty()) {
      ASSERT_LT(Clock::now(), give_up) << "it hangs";
      const auto until = Clock::now() + std::chrono::microseconds(random_.Below(1000));
      while (crew_.Feed() && Clock::now() < until) continue;
      while (Clock::now() < until) usleep(50);
      if (kills_left_ > 0) KillOne();
      for (uint32_t worker = 0; worker < kWorkers; ++worker) ASSERT_TRUE(Attend(worker));
      AskHeirs();
    }
    crew_.ExpectEachPieceCountedOnce();
  }

 private:
  static constexpr uint32_t kWorkers = 4;

  void Start(uint32_t worker) {
    alive_.emplace(worker, [this, worker] { return crew_.Run(worker); });
  }

  void KillOne() {
    const auto victim = alive_.find(static_cast<uint32_t>(random_.Below(kWorkers)));
    if (victim == alive_.end()) return;
    if (random_.Below(4) == 0) {
      kill(victim->second.pid(), SIGSTOP);
      for (uint64_t tries = random_.Below(20); tries > 0; --tries) crew_.Feed();
    }
    kill(victim->second.pid(), SIGKILL);
    --kills_left_;
  }

  /// False where the worker ended as none may.
  bool Attend(uint32_t worker) {
    const auto child = alive_.find(worker);
    siginfo_t info{};
    if (child == alive_.end()) return true;
    waitid(P_PID, static_cast<id_t>(child->second.pid()), &info, WEXITED | WNOHANG | WNOWAIT);
    if (info.si_pid == 0) return true;
    const int status = child->second.Wait();
    alive_.erase(child);
    if (status != 0) Replace(worker);
    return status == 0 || DiedBy(status, SIGKILL);
  }

  void Replace(uint32_t worker) {
    if (alive_.empty() || random_.Below(3) > 0) return Start(worker);
    crew_.queue()->LeaveToOthers(worker);
    left_.insert(worker);
  }

  void AskHeirs() {
    std::erase_if(left_,
                  [this](uint32_t worker) { return crew_.queue().state(worker).inherited.load(); });
    if (!alive_.empty()) return;
    for (const uint32_t worker : left_) {
      crew_.queue()->TakeBack(worker);
      Start(worker);
    }
    left_.clear();
  }

  Random random_;
  int kills_left_;
  Crew crew_;
  std::map<uint32_t, Child> alive_;
  std::set<uint32_t> left_;  // to the others
};

TEST(WorkQueueDeathsTest, WorkersThatAreKilledAgainAndAgainCountEachPieceOnce) {
  const auto end = Clock::now() + std::chrono::milliseconds(1500);
  uint64_t seed = std::random_device()();
  do {
    SCOPED_TRACE("seed " + std::to_string(++seed));
    Slaughter(seed, /*kills=*/40).Run();
  } while (Clock::now() < end && !HasFailure());
}

}  // namespace
}  // namespace tally
