// How the work queue survives workers that die.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "common/heartbeat.h"
#include "common/work_queue.h"
#include "tests/test_util.h"
#include "tests/work_queue_fixture.h"

namespace tally {
namespace {

using Clock = std::chrono::steady_clock;

/// Notes that the worker's table has its savepoint now.
void Save(const TestQueue& queue, uint32_t worker) {
  queue.state(worker).saved = queue.state(worker).chunks_done;
}

TEST(WorkQueueRecoveryTest, StartOverPutsBackWhatIsNotSavedAndReturnsTheChunkInHand) {
  const TestQueue queue({.chunks_of_input = {6}});
  queue.ClaimAndFinish(/*worker=*/0, /*chunk=*/0);
  queue.ClaimAndFinish(/*worker=*/1, /*chunk=*/1);
  Save(queue, /*worker=*/0);
  queue.ClaimAndFinish(/*worker=*/0, /*chunk=*/2);
  queue.ClaimAndFinish(/*worker=*/0, /*chunk=*/3);
  ASSERT_EQ(queue.Claim(/*worker=*/0), Count(4));

  EXPECT_TRUE(queue->IsSaved(queue.chunk(0)));
  EXPECT_FALSE(queue->IsSaved(queue.chunk(2)));
  EXPECT_FALSE(queue->IsSaved(queue.chunk(4)));
  EXPECT_EQ(queue->StartOver(0), 4U);
  EXPECT_EQ(queue.chunk(4).owner, 0U);
  EXPECT_EQ(queue.chunk(1).owner, 1U);
  queue.Finish(/*worker=*/0, /*chunk=*/4);
  EXPECT_FALSE(queue->IsSaved(queue.chunk(4)));  // numbers are not used twice
  queue.ClaimAndFinish(/*worker=*/1, /*chunk=*/2);
  queue.ClaimAndFinish(/*worker=*/0, /*chunk=*/3);
  queue.ClaimAndFinish(/*worker=*/0, /*chunk=*/5);
  EXPECT_EQ(queue.Claim(), kNone);
}

TEST(WorkQueueRecoveryTest, StartOverOfAWorkerThatHadNothingChangesNothing) {
  const TestQueue queue({.chunks_of_input = {2}});
  ASSERT_EQ(queue.Claim(/*worker=*/1), Count(0));
  EXPECT_EQ(queue->StartOver(0), std::nullopt);
  EXPECT_EQ(queue.chunk(0).owner, 1U);
  EXPECT_EQ(queue.Claim(), Count(1));
}

TEST(WorkQueueRecoveryTest, AChunkInHandIsReturnedUpToAFailureButNotBehindIt) {
  for (const uint64_t offset : {0U, 9U, 10U, 25U}) {
    const TestQueue queue({.chunks_of_input = {2}});
    ASSERT_EQ(queue.Claim(/*worker=*/1), Count(0));
    ASSERT_EQ(queue.Claim(/*worker=*/0), Count(1));
    queue->FailAt({.input = 0, .offset = offset});
    const auto in_hand = queue->StartOver(0);
    EXPECT_EQ(in_hand.has_value(), offset >= 10) << offset;
    EXPECT_EQ(queue.chunk(1).owner, offset >= 10 ? 0 : kNobody) << offset;
    EXPECT_EQ(queue.Claim(), kNone);
  }
}

TEST(WorkQueueRecoveryTest, WhileATableIsSavedAllThatItsWorkerHasDoneIsSafe) {
  const TestQueue queue({.chunks_of_input = {4}});
  queue.ClaimAndFinish(/*worker=*/0, /*chunk=*/0);
  Save(queue, /*worker=*/0);
  queue.ClaimAndFinish(/*worker=*/0, /*chunk=*/1);
  ASSERT_EQ(queue.Claim(/*worker=*/0), Count(2));
  queue.state(0).saving = true;
  EXPECT_TRUE(queue->IsSaved(queue.chunk(1)));
  EXPECT_FALSE(queue->IsSaved(queue.chunk(2)));
  EXPECT_EQ(queue->StartOver(0), 2U);
  EXPECT_EQ(queue.chunk(1).owner, 0U);
  queue.Finish(/*worker=*/0, /*chunk=*/2);
  EXPECT_EQ(queue.Claim(), Count(3));
}

TEST(WorkQueueRecoveryTest, AStreamWhoseReaderDiedIsReadOnByAnotherFromWhereItWasPublished) {
  const TestQueue queue(OneStream(/*blocks=*/4));
  PublishTwo(queue);
  ASSERT_EQ(queue.Claim(kReader), Fill(2));  // and it dies with that
  EXPECT_EQ(queue->StartOver(kReader), std::nullopt);
  EXPECT_EQ(queue.stream(0).reader, kNobody);
  EXPECT_EQ(queue.stream(0).published, 20U);
  ASSERT_EQ(queue.Claim(/*worker=*/5), Count(0));
  ASSERT_EQ(queue.Claim(/*worker=*/5), Count(1));
  EXPECT_EQ(queue.Claim(/*worker=*/5), Open(0));
  EXPECT_EQ(queue.stream(0).reader, 5U);
  EXPECT_EQ(queue.stream(0).published, 20U);
  queue.FillAndPublish(/*worker=*/5, 20, /*block=*/2);
  EXPECT_EQ(queue.stream(0).published, 30U);
}

TEST(WorkQueueRecoveryTest, WhatAReaderHadPublishedIsNoLongerItsOwn) {
  const TestQueue queue(OneStream(/*blocks=*/4));
  PublishTwo(queue);
  EXPECT_EQ(queue.Claim(/*worker=*/1), Count(0));
  queue->StartOver(kReader);
  EXPECT_EQ(queue.chunk(0).owner, 1U);
  EXPECT_EQ(queue.Claim(/*worker=*/1), Count(1));
}

TEST(WorkQueueRecoveryTest, AStreamThatEndedIsNotOpenedAgainWhenItsReaderDies) {
  const TestQueue queue(OneStream(/*blocks=*/3));
  PublishTwo(queue);
  ASSERT_EQ(queue.Claim(kReader), Fill(2));
  queue->CloseStream(kReader, 2);
  queue->StartOver(kReader);
  EXPECT_TRUE(queue.stream(0).ended);
  queue.ClaimAndFinish(kReader, 0);
  queue.ClaimAndFinish(kReader, 1);
  EXPECT_EQ(queue.Claim(kReader), kNone);
}

TEST(WorkQueueRecoveryTest, AStreamThatFailedIsOpenedAgainIfThatReaderDiesAndNotIfAnotherDoes) {
  for (const uint32_t victim : {kReader, uint32_t{1}}) {
    const TestQueue queue(OneStream(/*blocks=*/3));
    PublishTwo(queue);
    ASSERT_EQ(queue.Claim(/*worker=*/1), Count(0));
    ASSERT_EQ(queue.Claim(/*worker=*/2), Count(1));
    ASSERT_EQ(queue.Claim(kReader), Fill(2));
    queue->CloseStream(kReader, 2, Position{.input = 1, .offset = 20});
    ASSERT_TRUE(queue.stream(0).ended);
    queue->StartOver(victim);
    if (victim == kReader) {
      EXPECT_EQ(queue.Claim(/*worker=*/3), Open(0));
      // The place of the failure is met again, and nothing behind it.
      queue.FillAndPublish(/*worker=*/3, 20, /*block=*/2);
      EXPECT_EQ(queue.Claim(/*worker=*/3), kStopReading);
    } else {
      EXPECT_EQ(queue.Claim(/*worker=*/3), kNone);
    }
  }
}

TEST(WorkQueueRecoveryTest, AStreamThatFailedBehindAnotherFailureIsNotOpenedAgain) {
  const TestQueue queue(OneStream(/*blocks=*/3));
  PublishTwo(queue);
  queue->CloseStream(kReader, std::nullopt, Position{.input = 1, .offset = 20});
  queue->FailAt({.input = 1, .offset = 12});
  queue->StartOver(kReader);
  queue.ClaimAndFinish(kReader, 0);
  queue.ClaimAndFinish(kReader, 1);
  EXPECT_EQ(queue.Claim(kReader), kNone);
}

TEST(WorkQueueRecoveryTest, BlocksBeingFilledByTheDeadAreFreeAndThoseWithUnsavedChunksAreNot) {
  const TestQueue queue(OneStream(/*blocks=*/4));
  PublishTwo(queue);
  queue.ClaimAndFinish(/*worker=*/1, /*chunk=*/0);
  queue.ClaimAndFinish(/*worker=*/2, /*chunk=*/1);
  ASSERT_EQ(queue.Claim(kReader), Fill(2));
  ASSERT_EQ(queue.Claim(kReader), Fill(3));
  queue->StartOver(kReader);
  ASSERT_EQ(queue.Claim(/*worker=*/3), Open(0));
  EXPECT_EQ(queue.Claim(/*worker=*/3), Fill(2));
  EXPECT_EQ(queue.Claim(/*worker=*/3), Fill(3));
  EXPECT_EQ(queue.chunk(0).block, 0U);
  // What a block is kept for: the chunk of a worker that dies is counted again from it.
  queue->StartOver(1);
  EXPECT_EQ(queue.Claim(/*worker=*/3), Count(0));
  EXPECT_EQ(queue.chunk(0).block, 0U);
}

TEST(WorkQueueRecoveryTest, ABlockIsKeptUntilTheTableWithItsChunkIsSaved) {
  const TestQueue queue(OneStream(/*blocks=*/2));
  PublishTwo(queue);
  queue.ClaimAndFinish(/*worker=*/1, /*chunk=*/0);
  queue.ClaimAndFinish(/*worker=*/2, /*chunk=*/1);
  EXPECT_EQ(queue.chunk(0).block, 0U);
  EXPECT_EQ(queue.chunk(1).block, 1U);
  Save(queue, /*worker=*/2);
  queue->TableSaved();
  EXPECT_EQ(queue.chunk(0).block, 0U);
  EXPECT_EQ(queue.chunk(1).block, kNoBlock);
  EXPECT_EQ(queue.Claim(kReader), Fill(1));
}

TEST(WorkQueueRecoveryTest, ASavedTableWakesTheReaderThatWaitsForItsBlocks) {
  for (int trial = 0; trial < 10; ++trial) {  // on a busy machine
    const TestQueue queue(OneStream(/*blocks=*/2));
    PublishTwo(queue);
    queue.ClaimAndFinish(/*worker=*/1, /*chunk=*/0);
    ASSERT_EQ(queue.Claim(/*worker=*/2), Count(1));
    Child reader = WaitingWorker(queue, kReader, Fill(0));
    EXPECT_EQ(queue.chunk(0).block, 0U);
    const auto start = Clock::now();
    Save(queue, /*worker=*/1);
    queue->TableSaved();
    ASSERT_EQ(reader.Wait(), 0);
    if (Clock::now() - start < kBeatEvery / 2) return;
  }
  FAIL() << "it was not woken";
}

// Whose worker died before it could say so.
TEST(WorkQueueRecoveryTest, TheBlocksOfASavedTableAreFreeOnceAReaderWantsOne) {
  for (const bool is_saving : {false, true}) {
    const TestQueue queue(OneStream(/*blocks=*/2));
    PublishTwo(queue);
    queue.ClaimAndFinish(/*worker=*/1, /*chunk=*/0);
    queue.ClaimAndFinish(/*worker=*/2, /*chunk=*/1);
    if (is_saving) {
      queue.state(1).saving = true;
    } else {
      Save(queue, /*worker=*/1);
    }
    ExpectClaimed(queue, kReader, Fill(0));
  }
}

// Each looks whether a block has become free, which must not wake the other one to do the same.
TEST(WorkQueueRecoveryTest, ReadersThatWaitForABlockLetEachOtherSleep) {
  const TestQueue queue(
      {.streams = {0, 1, 2}, .blocks = 1, .room_for_published = 9, .keep_blocks = true});
  for (const uint32_t reader : {0, 1, 2}) ASSERT_EQ(queue.Claim(reader), Open(reader));
  ASSERT_EQ(queue.Claim(/*worker=*/0), Fill(0));
  const auto waits_asleep = [&queue](uint32_t worker) {
    if (queue.Claim(worker) != Fill(0)) return false;
    rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_nvcsw < 50;  // it wakes up ten times a second anyway
  };
  Child first([&] { return waits_asleep(1); });
  Child second([&] { return waits_asleep(2); });
  first.WaitUntilBlocked();
  second.WaitUntilBlocked();
  usleep(300'000);
  // Whoever gets the block: the other one gets it next.
  queue->CloseStream(/*worker=*/0, 0);
  siginfo_t ended{};
  ASSERT_EQ(waitid(P_ALL, 0, &ended, WEXITED | WNOWAIT), 0);
  queue->CloseStream(ended.si_pid == first.pid() ? 1 : 2, 0);
  EXPECT_EQ(first.Wait(), 0);
  EXPECT_EQ(second.Wait(), 0);
}

TEST(WorkQueueRecoveryTest, TheFeederFillsPublishesAndClosesAsAReaderDoes) {
  const TestQueue queue(
      {.streams = {1}, .last_is_fed = true, .workers = 1, .blocks = 6, .room_for_published = 9});
  EXPECT_EQ(queue->TryClaimBlock(0, std::nullopt), Fill(0));
  EXPECT_EQ(queue->TryClaimBlock(0, 0), Fill(0));  // that one is not full yet
  EXPECT_EQ(queue->TryPublish(0, queue.Piece(0, 0, 0)), WorkQueue::Published::kYes);
  for (uint32_t block = 1; block < WorkQueue::kMostAhead; ++block) {
    EXPECT_EQ(queue->TryClaimBlock(0, std::nullopt), Fill(block));
    EXPECT_EQ(queue->TryPublish(0, queue.Piece(0, uint64_t{10} * block, block)),
              WorkQueue::Published::kYes);
  }
  EXPECT_EQ(queue->TryClaimBlock(0, std::nullopt), std::nullopt);  // enough for one worker
  EXPECT_EQ(queue.stream(0).published, 40U);
  queue.ClaimAndFinish(/*worker=*/0, /*chunk=*/0);
  EXPECT_EQ(queue->TryClaimBlock(0, std::nullopt), Fill(0));
  EXPECT_TRUE(queue->TryClose(0, 0, Position{.input = 1, .offset = 35}));
  EXPECT_TRUE(queue.stream(0).ended);
  EXPECT_EQ(queue.Claim(), Count(1));
  queue->StartOver(0);
  EXPECT_TRUE(queue.stream(0).ended);  // the master does not die
  EXPECT_EQ(queue.Claim(), Count(0));
}

TEST(WorkQueueRecoveryTest, TheFeederIsTurnedAwayWhileAStoppedWorkerHoldsTheLock) {
  const TestQueue queue({.chunks_of_input = {1},
                         .streams = {1},
                         .last_is_fed = true,
                         .blocks = 2,
                         .room_for_published = 9});
  ASSERT_EQ(queue->TryClaimBlock(0, std::nullopt), Fill(0));
  Child stopped = queue.StopWorkerWithLock(/*worker=*/1);
  const auto start = Clock::now();
  EXPECT_EQ(queue->TryClaimBlock(0, std::nullopt), std::nullopt);
  EXPECT_EQ(queue->TryPublish(0, queue.Piece(0, 0, 0)), WorkQueue::Published::kTryAgain);
  EXPECT_FALSE(queue->TryClose(0, 0, std::nullopt));
  EXPECT_LT(Clock::now() - start, std::chrono::seconds(1));
  EXPECT_FALSE(queue.stream(0).ended);
  EXPECT_EQ(queue->chunks_known(), 1U);

  EXPECT_TRUE(DiedBy(stopped.Kill(), SIGKILL));
  EXPECT_EQ(queue->TryPublish(0, queue.Piece(0, 0, 0)), WorkQueue::Published::kYes);
  EXPECT_EQ(queue->TryClaimBlock(0, std::nullopt), Fill(1));
  EXPECT_TRUE(queue->TryClose(0, 1, std::nullopt));
  EXPECT_EQ(queue.Claim(), Count(1));
  EXPECT_EQ(queue.Claim(), Count(0));
  EXPECT_EQ(queue.Claim(), kNone);
}

TEST(WorkQueueRecoveryTest, StopDoesNotWaitForAStoppedWorkerWithTheLock) {
  const TestQueue queue({.chunks_of_input = {2}});
  Child stopped = queue.StopWorkerWithLock(/*worker=*/1);
  const auto start = Clock::now();
  queue->Stop();
  EXPECT_FALSE(queue->IsWanted(kStartOfInputs));
  EXPECT_LT(Clock::now() - start, std::chrono::seconds(1));
  stopped.Kill();
  EXPECT_EQ(queue.Claim(), kNone);
}

TEST(WorkQueueRecoveryTest, AWorkerThatDiesWithTheLockHoldsUpNobody) {
  const TestQueue queue({.chunks_of_input = {3}, .streams = {1}, .last_is_fed = true});
  ASSERT_EQ(queue.Claim(), Count(0));
  queue.LetWorkerDieWithLock(7);
  queue.Finish(0, 0);
  EXPECT_EQ(queue.Claim(), Count(1));
  EXPECT_EQ(queue.Claim(), Count(2));
  Child waiting = WaitingWorker(queue, /*worker=*/5, kNone);
  ASSERT_TRUE(queue.DiesAtStore(0, [&] { return !queue->StartOver(7); }));
  waiting.WaitUntilBlocked();
  EXPECT_TRUE(queue->TryClose(0, std::nullopt, std::nullopt));
  EXPECT_EQ(waiting.Wait(), 0);
  EXPECT_EQ(queue->StartOver(7), std::nullopt);
}

}  // namespace
}  // namespace tally
