#include "common/progress.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <span>
#include <thread>
#include <vector>

#include "common/control_block.h"
#include "common/robust_mutex.h"
#include "common/shared_region.h"
#include "tests/test_util.h"

namespace tally {
namespace {

constexpr WorkDone kOne{.chunks = 1, .text_bytes = 20, .file_bytes = 3, .records = 400};

/// A RobustMutex under which its owner dies when told to.
class DeadlyMutex : public RobustMutex {
 public:
  void lock() {
    RobustMutex::lock();
    if (kills_) raise(SIGKILL);
  }
  static void KillNextOwnerInThisProcess() { kills_ = true; }

 private:
  static inline bool kills_ = false;
};

template <class Mutex>
struct Board {
  Progress<Mutex> progress;
  std::array<WorkCounter, 4> shares;

  void Add(size_t worker, const WorkDone& done) { progress.Add(done, &shares[worker], shares); }
};

void ExpectDone(const WorkDone& done, uint64_t times_one) {
  EXPECT_EQ(done.chunks, kOne.chunks * times_one);
  EXPECT_EQ(done.text_bytes, kOne.text_bytes * times_one);
  EXPECT_EQ(done.file_bytes, kOne.file_bytes * times_one);
  EXPECT_EQ(done.records, kOne.records * times_one);
}

template <class Mutex>
class ProgressOfOneProcessTest : public testing::Test {};
using Mutexes = testing::Types<RobustMutex, NullMutex>;
TYPED_TEST_SUITE(ProgressOfOneProcessTest, Mutexes);

TYPED_TEST(ProgressOfOneProcessTest, AddsToTheTotalAndToTheShareOfTheWorker) {
  Board<TypeParam> board;
  ExpectDone(board.progress.Get(), 0);
  board.Add(0, kOne);
  board.Add(2, kOne);
  board.Add(2, kOne);
  ExpectDone(board.progress.Get(), 3);
  ExpectDone(board.shares[0].Get(), 1);
  ExpectDone(board.shares[1].Get(), 0);
  ExpectDone(board.shares[2].Get(), 2);
  ExpectDone(Progress<TypeParam>::Sum(board.shares), 3);
}

TEST(ProgressTest, ManyProcessesLoseNothing) {
  const SharedValue<Board<RobustMutex>> board;
  constexpr uint64_t kAdditions = 20'000;
  std::vector<Child> workers;
  for (size_t worker = 0; worker < board->shares.size(); ++worker) {
    workers.emplace_back([&board, worker] {
      for (uint64_t i = 0; i < kAdditions; ++i) board->Add(worker, kOne);
      return true;
    });
  }
  for (Child& worker : workers) EXPECT_EQ(worker.Wait(), 0);
  ExpectDone(board->progress.Get(), workers.size() * kAdditions);
  for (const WorkCounter& share : board->shares) ExpectDone(share.Get(), kAdditions);
}

TEST(ProgressTest, TheTotalIsPutRightFromTheSharesAfterADeathUnderTheLock) {
  const SharedValue<Board<DeadlyMutex>> board;
  board->Add(0, kOne);
  Child victim([&] {
    board->Add(1, kOne);
    board->shares[1].Set(board->shares[1].Get() + kOne);  // as far as it gets before the total
    DeadlyMutex::KillNextOwnerInThisProcess();
    board->Add(1, kOne);
    return true;
  });
  ASSERT_TRUE(DiedBy(victim.Wait(), SIGKILL));
  ExpectDone(board->progress.Get(), 2);
  board->Add(0, kOne);
  ExpectDone(board->progress.Get(), 4);
  board->shares[3].Set(board->shares[3].Get() +
                       kOne);  // if anybody looked at the shares again, this would show
  board->Add(2, kOne);
  ExpectDone(board->progress.Get(), 5);
}

TEST(ProgressTest, IsReadWithoutTheLock) {
  const SharedValue<Board<DeadlyMutex>> board;
  board->Add(0, kOne);
  Child victim([&] {
    DeadlyMutex::KillNextOwnerInThisProcess();
    board->Add(1, kOne);
    return true;
  });
  ASSERT_TRUE(DiedBy(victim.Wait(), SIGKILL));
  ExpectDone(board->progress.Get(), 1);
}

// Worker 1 dies, and its work is taken back, while worker 0 is between load and store: the counter
// then says more than was done.
TEST(ControlBlockTest, AnUnsafeCounterThatSaysTooMuchHasLostNoUpdates) {
  bool shown = false;
  for (int run = 0; run < 20 && !shown; ++run) {
    const auto region = SharedRegion::Reserve(ControlBlock::BytesFor(2, 0, /*blocks=*/0));
    ControlBlock* const control = ControlBlock::Create(
        region.data(),
        {.workers = 2, .progress = {.unsafe = true, .window = RaceWindow::Microseconds(100'000)}});
    control->AddProgress(1, {.chunks = 10});
    EXPECT_EQ(control->updates_lost(), 0U);
    std::thread other([control] { control->AddProgress(0, {.chunks = 1}); });
    while (control->work_done().chunks < 11) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    control->StartProgressOver(1, {});
    other.join();
    EXPECT_EQ(control->work_done().chunks, 1U);
    EXPECT_EQ(control->updates_lost(), 0U);
    shown = control->progress().chunks > 1;
  }
  EXPECT_TRUE(shown);
}

TEST(WorkCounterTest, SetReplacesWhatWasThere) {
  WorkCounter counter;
  counter.Set(kOne);
  counter.Set({.chunks = 5, .text_bytes = 6, .file_bytes = 7, .records = 8});
  counter.Set(counter.Get() +
              WorkDone{.chunks = 1, .text_bytes = 1, .file_bytes = 1, .records = 1});
  const WorkDone done = counter.Get();
  EXPECT_EQ(done.chunks, 6U);
  EXPECT_EQ(done.text_bytes, 7U);
  EXPECT_EQ(done.file_bytes, 8U);
  EXPECT_EQ(done.records, 9U);
}

}  // namespace
}  // namespace tally
