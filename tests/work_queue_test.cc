#include "common/work_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "common/heartbeat.h"
#include "common/shared_value.h"
#include "tests/test_util.h"
#include "tests/work_queue_fixture.h"

namespace tally {
namespace {

using Clock = std::chrono::steady_clock;

/// Lets a worker wait in a queue that was prepared: something that happens then is to wake it at
/// once, and not only when it looks again by itself. On a busy machine, in one of several trials.
void ExpectWoken(const TestQueue::Options& options,
                 const std::function<void(const TestQueue&)>& prepare, uint32_t worker,
                 Task expected, const std::function<void(const TestQueue&)>& happens) {
  for (int trial = 0; trial < 10; ++trial) {
    const TestQueue queue(options);
    prepare(queue);
    // Noted by itself: under sanitizers, a process takes a while to end.
    const SharedValue<Clock::time_point> woken;
    Child waiting([&] {
      const bool as_expected = queue.Claim(worker) == expected;
      *woken = Clock::now();
      return as_expected;
    });
    waiting.WaitUntilBlocked();
    const auto start = Clock::now();
    happens(queue);
    ASSERT_EQ(waiting.Wait(), 0);
    if (*woken - start < kBeatEvery / 2) return;
  }
  FAIL() << "it was not woken";
}

TEST(WorkQueueTest, MappedChunksAreClaimedInOrderAndNotedInTheLedger) {
  const TestQueue queue({.chunks_of_input = {2, 1}});
  EXPECT_EQ(queue->chunks_known(), 3U);
  for (uint32_t chunk = 0; chunk < 3; ++chunk) {
    const uint32_t worker = chunk + 5;
    EXPECT_EQ(queue.chunk(chunk).owner, kNobody);
    EXPECT_EQ(queue.Claim(worker), Count(chunk));
    EXPECT_EQ(queue.chunk(chunk).owner, worker);
    EXPECT_EQ(queue.chunk(chunk).done, 0U);
    queue->Finish(worker, chunk, {.lines = chunk + 100, .records = chunk + 10, .amount = chunk});
    EXPECT_EQ(queue.chunk(chunk).done, 1U);
    EXPECT_EQ(queue.chunk(chunk).count.lines, chunk + 100);
    EXPECT_EQ(queue.chunk(chunk).count.records, chunk + 10);
    EXPECT_EQ(queue.chunk(chunk).count.amount, chunk);
  }
  EXPECT_EQ(queue.Claim(), kNone);
  EXPECT_EQ(queue.Claim(), kNone);
}

TEST(WorkQueueTest, TheLedgerSaysInWhichOrderAWorkerCountedItsChunks) {
  const TestQueue queue({.chunks_of_input = {4}});
  queue.ClaimAndFinish(/*worker=*/0, /*chunk=*/0);
  queue.ClaimAndFinish(/*worker=*/1, /*chunk=*/1);
  queue.ClaimAndFinish(/*worker=*/0, /*chunk=*/2);
  EXPECT_EQ(queue.chunk(0).done, 1U);
  EXPECT_EQ(queue.chunk(1).done, 1U);
  EXPECT_EQ(queue.chunk(2).done, 2U);
  EXPECT_EQ(queue.state(0).chunks_done, 2U);
  EXPECT_EQ(queue.state(1).chunks_done, 1U);
}

TEST(WorkQueueTest, EachChunkIsClaimedOnceBySeveralProcesses) {
  constexpr size_t kChunks = 20'000;
  constexpr uint32_t kWorkers = 4;
  const TestQueue queue({.chunks_of_input = {kChunks / 2, kChunks / 2}, .workers = kWorkers});
  const SharedValue<std::array<std::array<std::atomic<uint8_t>, kChunks>, kWorkers>> claims;
  std::vector<Child> workers;
  for (uint32_t worker = 0; worker < kWorkers; ++worker) {
    workers.emplace_back([&, worker] {
      for (;;) {
        const Task task = queue.Claim(worker);
        if (task == kNone) return true;
        if (task.kind != Task::Kind::kCount) return false;
        ++(*claims)[worker][task.number];
        queue.Finish(worker, task.number);
      }
    });
  }
  for (Child& worker : workers) EXPECT_EQ(worker.Wait(), 0);
  for (size_t chunk = 0; chunk < kChunks; ++chunk) {
    for (uint32_t worker = 0; worker < kWorkers; ++worker) {
      const bool is_owner = queue.chunk(chunk).owner == worker;
      ASSERT_EQ((*claims)[worker][chunk], is_owner ? 1 : 0) << "chunk " << chunk;
    }
    ASSERT_LT(queue.chunk(chunk).owner, kWorkers);
    ASSERT_NE(queue.chunk(chunk).done, 0U);
  }
}

TEST(WorkQueueTest, AStreamHasOneReaderWhichFillsEachFreeBlock) {
  const TestQueue queue({.streams = {3}, .blocks = 2, .room_for_published = 5});
  EXPECT_EQ(queue.Claim(), Open(0));
  EXPECT_EQ(queue.stream(0).reader, 0U);
  queue.FillAndPublish(/*worker=*/0, 0, /*block=*/0);
  queue.FillAndPublish(/*worker=*/0, 10, /*block=*/1);
  EXPECT_EQ(queue->chunks_known(), 2U);
  EXPECT_EQ(queue.chunk(1).position(), (Position{.input = 3, .offset = 10}));
  EXPECT_EQ(queue.stream(0).published, 20U);
}

TEST(WorkQueueTest, AStreamHasTheNgramVersionOfItsChunks) {
  const TestQueue queue({.streams = {3}, .blocks = 2, .room_for_published = 5});
  ASSERT_EQ(queue.Claim(), Open(0));
  ASSERT_EQ(queue.Claim(), Fill(0));
  Chunk chunk = queue.Piece(/*stream=*/0, /*begin=*/0, /*block=*/0);
  chunk.ngram_version = NgramVersion::kV3;
  ASSERT_TRUE(queue->Publish(0, chunk));
  EXPECT_EQ(queue.stream(0).ngram_version, NgramVersion::kV3);
}

TEST(WorkQueueTest, AReaderWithoutAFreeBlockCountsAndThenFillsTheBlockItFreed) {
  const TestQueue queue({.streams = {0}, .blocks = 1, .room_for_published = 5});
  ASSERT_EQ(queue.Claim(), Open(0));
  queue.FillAndPublish(/*worker=*/0, 0, /*block=*/0);
  queue.ClaimAndFinish(/*worker=*/0, /*chunk=*/0);
  EXPECT_EQ(queue.Claim(), Fill(0));
  queue->CloseStream(0, /*unused_block=*/0);
  EXPECT_TRUE(queue.stream(0).ended);
  EXPECT_EQ(queue.stream(0).reader, kNobody);
  EXPECT_EQ(queue.Claim(), kNone);
}

TEST(WorkQueueTest, ABlockIsToldOfBeforeItIsFree) {
  std::vector<uint32_t> freed;
  const TestQueue queue(
      {.streams = {0}, .blocks = 2, .room_for_published = 5, .on_free = [&freed](uint32_t block) {
         freed.push_back(block);
       }});
  ASSERT_EQ(queue.Claim(), Open(0));
  queue.FillAndPublish(/*worker=*/0, 0, /*block=*/0);
  queue.FillAndPublish(/*worker=*/0, 10, /*block=*/1);
  EXPECT_EQ(queue.Claim(), Count(0));
  EXPECT_EQ(queue.Claim(), Count(1));
  queue.Finish(/*worker=*/0, /*chunk=*/1);
  EXPECT_EQ(freed, std::vector<uint32_t>{1});
  queue.Finish(/*worker=*/0, /*chunk=*/0);
  EXPECT_EQ(freed, (std::vector<uint32_t>{1, 0}));
}

TEST(WorkQueueTest, LongRecordsCountForAsManyAsTheyAreLong) {
  const TestQueue queue({.streams = {0}, .workers = 1, .blocks = 9, .room_for_published = 20});
  ASSERT_EQ(queue.Claim(), Open(0));
  ASSERT_EQ(queue.Claim(), Fill(0));
  Chunk chunk = queue.Piece(/*stream=*/0, /*begin=*/0, /*block=*/0);
  chunk.end = 40;  // as four of ten bytes
  ASSERT_TRUE(queue->Publish(0, chunk));
  EXPECT_EQ(queue.Claim(), Count(0));
  EXPECT_EQ(queue.Claim(), Fill(1));
}

TEST(WorkQueueTest, AReaderDoesNotRunAheadByMoreThanSoManyChunksForEachWorker) {
  static_assert(WorkQueue::kMostAhead == 4);
  const TestQueue queue({.streams = {0}, .workers = 1, .blocks = 9, .room_for_published = 20});
  ASSERT_EQ(queue.Claim(), Open(0));
  for (uint32_t block = 0; block < 4; ++block) {
    queue.FillAndPublish(/*worker=*/0, uint64_t{10} * block, block);
  }
  EXPECT_EQ(queue.Claim(), Count(0));
  EXPECT_EQ(queue.Claim(), Fill(4));
  ASSERT_TRUE(queue.Publish(0, 40, /*block=*/4));
  EXPECT_EQ(queue.Claim(), Count(1));
}

TEST(WorkQueueTest, AReaderIsGivenNoSecondStream) {
  const TestQueue queue({.chunks_of_input = {1}, .streams = {1, 2}, .blocks = 1});
  ASSERT_EQ(queue.Claim(), Open(0));
  ASSERT_EQ(queue.Claim(), Fill(0));
  EXPECT_EQ(queue.Claim(), Count(0));
}

TEST(WorkQueueTest, ABlockThatAClosedStreamDidNotNeedIsFree) {
  ExpectWoken(
      {.streams = {0, 1}, .blocks = 1},
      [](const TestQueue& queue) {
        ASSERT_EQ(queue.Claim(0), Open(0));
        ASSERT_EQ(queue.Claim(7), Open(1));
        ASSERT_EQ(queue.Claim(0), Fill(0));
      },
      /*worker=*/7, Fill(0),
      [](const TestQueue& queue) { queue->CloseStream(0, /*unused_block=*/0); });
}

TEST(WorkQueueTest, PublishedChunksComeBeforeStreamsAndTheseBeforeMappedChunks) {
  const TestQueue queue(
      {.chunks_of_input = {1}, .streams = {1, 2}, .blocks = 2, .room_for_published = 5});
  EXPECT_EQ(queue.Claim(1), Open(0));
  queue.FillAndPublish(/*worker=*/1, 0, /*block=*/0);
  EXPECT_EQ(queue.Claim(), Count(1));
  EXPECT_EQ(queue.Claim(2), Open(1));
  EXPECT_EQ(queue.Claim(), Count(0));
}

TEST(WorkQueueTest, ThereAreNeverMoreBlocksThanAskedForNorThanTheMost) {
  for (const uint32_t blocks : {1U, 7U, WorkQueue::kMaxBlocks, WorkQueue::kMaxBlocks + 1}) {
    const uint32_t expected = std::min(blocks, WorkQueue::kMaxBlocks);
    const TestQueue queue({.chunks_of_input = {1}, .streams = {1}, .blocks = blocks});
    ASSERT_EQ(queue.Claim(), Open(0));
    for (uint32_t block = 0; block < expected; ++block) ASSERT_EQ(queue.Claim(), Fill(block));
    EXPECT_EQ(queue.Claim(), Count(0));
  }
}

TEST(WorkQueueTest, AWaitingWorkerIsWokenByAPublishedChunk) {
  ExpectWoken(
      {.streams = {0}, .blocks = 2, .room_for_published = 5},
      [](const TestQueue& queue) {
        ASSERT_EQ(queue.Claim(), Open(0));
        ASSERT_EQ(queue.Claim(), Fill(0));
      },
      /*worker=*/7, Count(0),
      [](const TestQueue& queue) { EXPECT_TRUE(queue.Publish(0, 0, /*block=*/0)); });
}

TEST(WorkQueueTest, AWaitingReaderIsWokenByAFreedBlock) {
  ExpectWoken(
      {.streams = {0}, .blocks = 1, .room_for_published = 5},
      [](const TestQueue& queue) {
        ASSERT_EQ(queue.Claim(7), Open(0));
        queue.FillAndPublish(/*worker=*/7, 0, /*block=*/0);
        ASSERT_EQ(queue.Claim(), Count(0));
      },
      /*worker=*/7, Fill(0), [](const TestQueue& queue) { queue.Finish(0, 0); });
}

TEST(WorkQueueTest, AWaitingReaderIsWokenByAFailure) {
  ExpectWoken(
      {.streams = {0}, .blocks = 1, .room_for_published = 5},
      [](const TestQueue& queue) {
        ASSERT_EQ(queue.Claim(7), Open(0));
        queue.FillAndPublish(/*worker=*/7, 0, /*block=*/0);
        ASSERT_EQ(queue.Claim(), Count(0));
      },
      /*worker=*/7, kStopReading,
      [](const TestQueue& queue) { queue->FailAt({.input = 0, .offset = 3}); });
}

TEST(WorkQueueTest, ClosingTheLastStreamEndsAllWaiting) {
  ExpectWoken(
      {.streams = {0, 1}, .blocks = 1},
      [](const TestQueue& queue) {
        ASSERT_EQ(queue.Claim(0), Open(0));
        ASSERT_EQ(queue.Claim(1), Open(1));
      },
      /*worker=*/7, kNone,
      [](const TestQueue& queue) {
        Child second = WaitingWorker(queue, /*worker=*/6, kNone);
        queue->CloseStream(0, std::nullopt);
        second.WaitUntilBlocked();
        queue->CloseStream(1, std::nullopt);
        EXPECT_EQ(second.Wait(), 0);
      });
}

TEST(WorkQueueTest, StopEndsAllWaitingAndNothingIsHandedOutAfterIt) {
  const TestQueue::Options options{.chunks_of_input = {1}, .streams = {1}, .blocks = 1};
  ExpectWoken(
      options,
      [](const TestQueue& queue) {
        ASSERT_EQ(queue.Claim(0), Open(0));
        ASSERT_EQ(queue.Claim(0), Fill(0));
        ASSERT_EQ(queue.Claim(1), Count(0));
      },
      /*worker=*/7, kNone, [](const TestQueue& queue) { queue->Stop(); });
  const TestQueue queue(options);
  EXPECT_TRUE(queue->IsWanted(kStartOfInputs));
  queue->Stop();
  EXPECT_FALSE(queue->IsWanted(kStartOfInputs));
  EXPECT_EQ(queue.Claim(), kNone);
  EXPECT_EQ(queue->TryClaimBlock(0, std::nullopt), kStopReading);
  EXPECT_EQ(queue->TryClaimBlock(0, 0), kStopReading);
}

TEST(WorkQueueTest, AWorkerThatWaitsGivesSignsOfLife) {
  const TestQueue queue({.streams = {0}, .blocks = 1});
  ASSERT_EQ(queue.Claim(), Open(0));
  const SharedValue<Pulse> pulse;
  Child waiting([&] {
    const Heart heart(&*pulse);
    return queue.Claim(7) == kNone;
  });
  const auto end = Clock::now() + std::chrono::seconds(20);
  while (pulse->beats < 2 && Clock::now() < end) usleep(1000);
  EXPECT_GE(pulse->beats, 2U);
  queue->CloseStream(0, std::nullopt);
  EXPECT_EQ(waiting.Wait(), 0);
}

TEST(WorkQueueTest, AFullLedgerTakesNoMoreChunks) {
  const TestQueue queue(
      {.chunks_of_input = {1}, .streams = {1}, .blocks = 3, .room_for_published = 2});
  ASSERT_EQ(queue.Claim(), Open(0));
  EXPECT_TRUE(queue.Publish(0, 0, /*block=*/0));
  EXPECT_TRUE(queue.Publish(0, 10, /*block=*/1));
  EXPECT_FALSE(queue.Publish(0, 20, /*block=*/2));
  EXPECT_EQ(queue->TryPublish(0, queue.Piece(0, 20, 2)), WorkQueue::Published::kLedgerFull);
  EXPECT_EQ(queue->chunks_known(), 3U);
  EXPECT_EQ(queue.stream(0).published, 20U);
}

TEST(WorkQueueTest, EachPieceOfEachStreamIsCountedOnceBySeveralProcesses) {
  for (const bool keep_blocks : {false, true}) {
    // Fewer blocks than workers and streams would like.
    const Crew crew({.workers = 4,
                     .mapped = 50,
                     .streams = 3,
                     .pieces = 400,
                     .blocks = 3,
                     .keep_blocks = keep_blocks});
    std::vector<Child> workers;
    for (uint32_t worker = 0; worker < 4; ++worker) {
      workers.emplace_back([&crew, worker] { return crew.Run(worker); });
    }
    for (Child& worker : workers) EXPECT_EQ(worker.Wait(), 0);
    crew.ExpectEachPieceCountedOnce();
  }
}

}  // namespace
}  // namespace tally
