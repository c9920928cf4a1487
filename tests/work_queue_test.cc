#include "common/work_queue.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <memory>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/shared_region.h"
#include "tests/test_util.h"

namespace tally {

static bool operator==(const Task& a, const Task& b) {
  return a.kind == b.kind && (a.kind == Task::Kind::kNone || a.kind == Task::Kind::kStopReading ||
                              a.number == b.number);
}

static void PrintTo(const Task& task, std::ostream* out) {
  constexpr std::array<const char*, 5> kNames = {"count", "open stream", "fill", "stop reading",
                                                 "none"};
  *out << kNames.at(static_cast<size_t>(task.kind)) << " " << task.number;
}

namespace {

constexpr Task kNone{};
constexpr Task kStopReading{.kind = Task::Kind::kStopReading};
constexpr Task Count(uint64_t chunk) { return {.kind = Task::Kind::kCount, .number = chunk}; }
constexpr Task Open(uint64_t input) { return {.kind = Task::Kind::kOpenStream, .number = input}; }
constexpr Task Fill(uint64_t block) { return {.kind = Task::Kind::kFill, .number = block}; }

constexpr std::optional<Position> kNoReader;
Position Reading(uint64_t input, uint64_t offset = 0) { return {.input = input, .offset = offset}; }

/// A queue and its ledger in shared memory. Its mapped chunks have ten bytes each.
class TestQueue {
 public:
  struct Options {
    std::vector<uint32_t> chunks_of_input = {};  // mapped ones
    std::vector<uint32_t> streams = {};
    uint32_t blocks = 0;
    size_t room_for_published = 0;
  };

  explicit TestQueue(Options options) : streams_(std::move(options.streams)) {
    std::vector<Chunk> chunks;
    for (uint32_t input = 0; input < options.chunks_of_input.size(); ++input) {
      for (uint64_t i = 0; i < options.chunks_of_input[input]; ++i) {
        chunks.push_back({.begin = 10 * i, .end = 10 * i + 10, .input = input});
      }
    }
    const size_t ledger_size = chunks.size() + options.room_for_published;
    ledger_region_ = SharedRegion::Reserve(ledger_size * sizeof(Chunk) + 1);
    const std::span<Chunk> ledger(reinterpret_cast<Chunk*>(ledger_region_.data()), ledger_size);
    std::uninitialized_copy(chunks.begin(), chunks.end(), ledger.begin());
    queue_ =
        std::make_unique<SharedValue<WorkQueue>>(ledger, chunks.size(), streams_, options.blocks);
  }

  WorkQueue& operator*() const { return **queue_; }
  WorkQueue* operator->() const { return &**queue_; }

  /// As worker 0, which reads no stream.
  Task Claim() const { return (*queue_)->Claim(0, kNoReader); }

  [[nodiscard]] bool Publish(uint32_t input, uint64_t begin, uint32_t block) const {
    return (*queue_)->Publish({.begin = begin, .end = begin + 10, .input = input, .block = block});
  }

  /// A child that dies while it holds the queue's lock: it is to note something in a ledger that it
  /// cannot write.
  void LetWorkerDieWithLock() const {
    Child victim([this] {
      signal(SIGSEGV, SIG_DFL);
      mprotect(ledger_region_.data(), ledger_region_.size_bytes(), PROT_READ);
      return Publish(0, 0, /*block=*/0);
    });
    ASSERT_TRUE(DiedBy(victim.Wait(), SIGSEGV));
  }

 private:
  const std::vector<uint32_t> streams_;
  SharedRegion ledger_region_;
  std::unique_ptr<SharedValue<WorkQueue>> queue_;
};

/// A child that claims as worker 7, which has to wait, and expects this task then.
Child WaitingWorker(const TestQueue& queue, std::optional<Position> reading, Task expected) {
  Child child([&queue, reading, expected] { return queue->Claim(7, reading) == expected; });
  child.WaitUntilBlocked();
  return child;
}

TEST(WorkQueueTest, MappedChunksAreClaimedInOrderAndNotedInTheLedger) {
  const TestQueue queue({.chunks_of_input = {2, 1}});
  EXPECT_EQ(queue->chunks_known(), 3U);
  for (uint32_t chunk = 0; chunk < 3; ++chunk) {
    EXPECT_EQ(queue->ledger()[chunk].owner, kNobody);
    EXPECT_EQ(queue->Claim(/*worker=*/chunk + 5, kNoReader), Count(chunk));
    EXPECT_EQ(queue->ledger()[chunk].owner, chunk + 5);
    EXPECT_FALSE(queue->ledger()[chunk].done);
    queue->Finish(chunk, /*lines=*/chunk + 100);
    EXPECT_TRUE(queue->ledger()[chunk].done);
    EXPECT_EQ(queue->ledger()[chunk].lines, chunk + 100);
  }
  EXPECT_EQ(queue.Claim(), kNone);
  EXPECT_EQ(queue.Claim(), kNone);
}

TEST(WorkQueueTest, EachChunkIsClaimedOnceBySeveralProcesses) {
  constexpr size_t kChunks = 20'000;
  constexpr uint32_t kWorkers = 4;
  const TestQueue queue({.chunks_of_input = {kChunks / 2, kChunks / 2}});
  const SharedValue<std::array<std::array<std::atomic<uint8_t>, kChunks>, kWorkers>> claims;
  std::vector<Child> workers;
  for (uint32_t worker = 0; worker < kWorkers; ++worker) {
    workers.emplace_back([&, worker] {
      for (;;) {
        const Task task = queue->Claim(worker, kNoReader);
        if (task == kNone) return true;
        if (task.kind != Task::Kind::kCount) return false;
        ++(*claims)[worker][task.number];
        queue->Finish(task.number, 1);
      }
    });
  }
  for (Child& worker : workers) EXPECT_EQ(worker.Wait(), 0);
  for (size_t chunk = 0; chunk < kChunks; ++chunk) {
    for (uint32_t worker = 0; worker < kWorkers; ++worker) {
      const bool is_owner = queue->ledger()[chunk].owner == worker;
      ASSERT_EQ((*claims)[worker][chunk], is_owner ? 1 : 0) << "chunk " << chunk;
    }
    ASSERT_LT(queue->ledger()[chunk].owner, kWorkers);
    ASSERT_TRUE(queue->ledger()[chunk].done);
  }
}

TEST(WorkQueueTest, AStreamHasOneReaderWhichFillsEachFreeBlock) {
  const TestQueue queue({.streams = {3}, .blocks = 2, .room_for_published = 5});
  EXPECT_EQ(queue.Claim(), Open(3));
  EXPECT_EQ(queue->Claim(0, Reading(3)), Fill(0));
  EXPECT_TRUE(queue.Publish(3, 0, /*block=*/0));
  EXPECT_EQ(queue->Claim(0, Reading(3, 10)), Fill(1));
  EXPECT_TRUE(queue.Publish(3, 10, /*block=*/1));
  EXPECT_EQ(queue->chunks_known(), 2U);
  EXPECT_EQ(queue->ledger()[1].position(), Reading(3, 10));
}

TEST(WorkQueueTest, AReaderWithoutAFreeBlockCountsAndThenFillsTheBlockItFreed) {
  const TestQueue queue({.streams = {0}, .blocks = 1, .room_for_published = 5});
  ASSERT_EQ(queue.Claim(), Open(0));
  ASSERT_EQ(queue->Claim(0, Reading(0)), Fill(0));
  ASSERT_TRUE(queue.Publish(0, 0, /*block=*/0));
  EXPECT_EQ(queue->Claim(0, Reading(0, 10)), Count(0));
  queue->Finish(0, 1);
  EXPECT_EQ(queue->Claim(0, Reading(0, 10)), Fill(0));
  queue->CloseStream(/*unused_block=*/0);
  EXPECT_EQ(queue.Claim(), kNone);
}

TEST(WorkQueueTest, AReaderIsGivenNoSecondStream) {
  const TestQueue queue({.chunks_of_input = {1}, .streams = {1, 2}, .blocks = 1});
  ASSERT_EQ(queue.Claim(), Open(1));
  ASSERT_EQ(queue->Claim(0, Reading(1)), Fill(0));
  EXPECT_EQ(queue->Claim(0, Reading(1)), Count(0));
}

TEST(WorkQueueTest, ABlockThatAClosedStreamDidNotNeedIsFree) {
  const TestQueue queue({.streams = {0, 1}, .blocks = 1});
  ASSERT_EQ(queue.Claim(), Open(0));
  ASSERT_EQ(queue.Claim(), Open(1));
  ASSERT_EQ(queue->Claim(0, Reading(0)), Fill(0));
  Child waiting = WaitingWorker(queue, Reading(1), Fill(0));
  queue->CloseStream(/*unused_block=*/0);
  EXPECT_EQ(waiting.Wait(), 0);
}

TEST(WorkQueueTest, PublishedChunksComeBeforeStreamsAndTheseBeforeMappedChunks) {
  const TestQueue queue(
      {.chunks_of_input = {1}, .streams = {1, 2}, .blocks = 2, .room_for_published = 5});
  EXPECT_EQ(queue.Claim(), Open(1));
  EXPECT_EQ(queue->Claim(1, Reading(1)), Fill(0));
  EXPECT_TRUE(queue.Publish(1, 0, /*block=*/0));
  EXPECT_EQ(queue.Claim(), Count(1));
  EXPECT_EQ(queue.Claim(), Open(2));
  EXPECT_EQ(queue.Claim(), Count(0));
}

TEST(WorkQueueTest, ThereAreNeverMoreBlocksThanAskedForNorThanTheMost) {
  for (const uint32_t blocks : {1U, 7U, WorkQueue::kMaxBlocks, WorkQueue::kMaxBlocks + 1}) {
    const uint32_t expected = std::min(blocks, WorkQueue::kMaxBlocks);
    const TestQueue queue({.chunks_of_input = {1}, .streams = {1}, .blocks = blocks});
    ASSERT_EQ(queue.Claim(), Open(1));
    for (uint32_t block = 0; block < expected; ++block) {
      ASSERT_EQ(queue->Claim(0, Reading(1)), Fill(block));
    }
    EXPECT_EQ(queue->Claim(0, Reading(1)), Count(0));
  }
}

TEST(WorkQueueTest, AWaitingWorkerIsWokenByAPublishedChunk) {
  const TestQueue queue({.streams = {0}, .blocks = 2, .room_for_published = 5});
  ASSERT_EQ(queue.Claim(), Open(0));
  ASSERT_EQ(queue->Claim(0, Reading(0)), Fill(0));
  Child waiting = WaitingWorker(queue, kNoReader, Count(0));
  EXPECT_TRUE(queue.Publish(0, 0, /*block=*/0));
  EXPECT_EQ(waiting.Wait(), 0);
  EXPECT_EQ(queue->ledger()[0].owner, 7U);
}

TEST(WorkQueueTest, AWaitingReaderIsWokenByAFreedBlock) {
  const TestQueue queue({.streams = {0}, .blocks = 1, .room_for_published = 5});
  ASSERT_EQ(queue.Claim(), Open(0));
  ASSERT_EQ(queue->Claim(0, Reading(0)), Fill(0));
  ASSERT_TRUE(queue.Publish(0, 0, /*block=*/0));
  ASSERT_EQ(queue.Claim(), Count(0));
  Child waiting = WaitingWorker(queue, Reading(0, 10), Fill(0));
  queue->Finish(0, 1);
  EXPECT_EQ(waiting.Wait(), 0);
}

TEST(WorkQueueTest, ClosingTheLastStreamEndsAllWaiting) {
  const TestQueue queue({.streams = {0, 1}, .blocks = 1});
  ASSERT_EQ(queue.Claim(), Open(0));
  ASSERT_EQ(queue.Claim(), Open(1));
  Child first = WaitingWorker(queue, kNoReader, kNone);
  Child second = WaitingWorker(queue, kNoReader, kNone);
  queue->CloseStream(std::nullopt);
  first.WaitUntilBlocked();
  queue->CloseStream(std::nullopt);
  EXPECT_EQ(first.Wait(), 0);
  EXPECT_EQ(second.Wait(), 0);
}

TEST(WorkQueueTest, AFullLedgerTakesNoMoreChunks) {
  const TestQueue queue(
      {.chunks_of_input = {1}, .streams = {1}, .blocks = 3, .room_for_published = 2});
  ASSERT_EQ(queue.Claim(), Open(1));
  EXPECT_TRUE(queue.Publish(1, 0, /*block=*/0));
  EXPECT_TRUE(queue.Publish(1, 10, /*block=*/1));
  EXPECT_FALSE(queue.Publish(1, 20, /*block=*/2));
  EXPECT_EQ(queue->chunks_known(), 3U);
}

TEST(WorkQueueTest, AFailureGivesOutAllThatComesBeforeItAndNothingBehind) {
  struct Case {
    Position fail_at;
    uint64_t given_out;  // of chunks 0, 10, 20 of input 0, the same of input 1
  };
  for (const Case& c : {Case{{0, 0}, 0}, Case{{0, 1}, 1}, Case{{0, 10}, 1}, Case{{0, 11}, 2},
                        Case{{0, 25}, 3}, Case{{1, 0}, 3}, Case{{1, 1}, 4}, Case{{1, 20}, 5},
                        Case{{2, 0}, 6}, Case{kEndOfInputs, 6}}) {
    const TestQueue queue({.chunks_of_input = {3, 3}});
    queue->FailAt(c.fail_at);
    queue->FailAt({.input = 1, .offset = 25});  // a later one changes nothing
    for (uint64_t chunk = 0; chunk < c.given_out; ++chunk) EXPECT_EQ(queue.Claim(), Count(chunk));
    EXPECT_EQ(queue.Claim(), kNone) << c.fail_at.input << ", " << c.fail_at.offset;
  }
}

TEST(WorkQueueTest, WhatLiesAtOrBehindAFailureIsNotWanted) {
  const TestQueue queue({.chunks_of_input = {3}});
  EXPECT_TRUE(queue->IsWanted(Reading(100, 100)));
  queue->FailAt({.input = 1, .offset = 5});
  EXPECT_TRUE(queue->IsWanted(Reading(0, 100)));
  EXPECT_TRUE(queue->IsWanted(Reading(1, 4)));
  EXPECT_FALSE(queue->IsWanted(Reading(1, 5)));
  EXPECT_FALSE(queue->IsWanted(Reading(2, 0)));
}

TEST(WorkQueueTest, AStreamBehindAFailureIsNotOpened) {
  const TestQueue queue({.chunks_of_input = {1}, .streams = {1, 2, 3}, .blocks = 4});
  queue->FailAt({.input = 2, .offset = 0});
  EXPECT_EQ(queue.Claim(), Open(1));
  EXPECT_EQ(queue.Claim(), Count(0));
  queue->CloseStream(std::nullopt);
  EXPECT_EQ(queue.Claim(), kNone);
}

TEST(WorkQueueTest, AReaderStopsBehindAFailureAndReadsOnBeforeIt) {
  const TestQueue queue({.streams = {0, 1}, .blocks = 4});
  ASSERT_EQ(queue.Claim(), Open(0));
  ASSERT_EQ(queue.Claim(), Open(1));
  queue->FailAt({.input = 0, .offset = 100});
  EXPECT_EQ(queue->Claim(1, Reading(1)), kStopReading);
  EXPECT_EQ(queue->Claim(0, Reading(0, 99)), Fill(0));
  EXPECT_EQ(queue->Claim(0, Reading(0, 100)), kStopReading);
}

TEST(WorkQueueTest, AWaitingReaderIsWokenByAFailure) {
  const TestQueue queue({.streams = {0}, .blocks = 1});
  ASSERT_EQ(queue.Claim(), Open(0));
  ASSERT_EQ(queue->Claim(0, Reading(0)), Fill(0));
  Child waiting = WaitingWorker(queue, Reading(0, 10), kStopReading);
  queue->FailAt({.input = 0, .offset = 3});
  EXPECT_EQ(waiting.Wait(), 0);
}

TEST(WorkQueueTest, PublishedChunksBehindAFailureAreDroppedAndTheirBlocksAreFree) {
  const TestQueue queue({.streams = {0, 1}, .blocks = 2, .room_for_published = 5});
  ASSERT_EQ(queue.Claim(), Open(0));
  ASSERT_EQ(queue.Claim(), Open(1));
  ASSERT_EQ(queue->Claim(1, Reading(1, 0)), Fill(0));
  ASSERT_EQ(queue->Claim(1, Reading(1, 10)), Fill(1));
  ASSERT_TRUE(queue.Publish(1, 0, /*block=*/0));
  ASSERT_TRUE(queue.Publish(1, 10, /*block=*/1));
  queue->FailAt({.input = 1, .offset = 0});
  // In a process that may hang, should the blocks not be free.
  Child reader([&] { return queue->Claim(0, Reading(0)) == Fill(0); });
  EXPECT_EQ(reader.Wait(), 0);
}

TEST(WorkQueueTest, AWorkerThatDiesWithTheLockHoldsUpNobody) {
  const TestQueue queue({.chunks_of_input = {5}, .room_for_published = 1});
  EXPECT_EQ(queue.Claim(), Count(0));
  queue.LetWorkerDieWithLock();
  queue->Finish(0, 1);
  EXPECT_EQ(queue.Claim(), kNone);
  EXPECT_EQ(queue.Claim(), kNone);
}

TEST(WorkQueueTest, AWorkerThatDiesWithTheLockEndsTheWaitingOfOthers) {
  const TestQueue queue({.streams = {0}, .blocks = 1, .room_for_published = 1});
  ASSERT_EQ(queue.Claim(), Open(0));
  ASSERT_EQ(queue->Claim(0, Reading(0)), Fill(0));
  Child idle = WaitingWorker(queue, kNoReader, kNone);
  Child reader = WaitingWorker(queue, Reading(0, 10), kNone);
  queue.LetWorkerDieWithLock();
  EXPECT_EQ(queue.Claim(), kNone);
  EXPECT_EQ(idle.Wait(), 0);
  EXPECT_EQ(reader.Wait(), 0);
}

/// The workers of the test below: they read streams of numbers, a block for each, and count them.
class StreamWorkers {
 public:
  static constexpr uint32_t kWorkers = 4;
  static constexpr uint32_t kStreams = 3;
  static constexpr uint64_t kPieces = 400;  // of each stream
  static constexpr uint32_t kMapped = 50;   // chunks of input 0; the streams come after it
  static constexpr uint32_t kBlocks = 3;    // fewer than workers and streams would like

  bool Run(uint32_t worker) {
    std::optional<Position> reading;
    for (;;) {
      const Task task = queue_->Claim(worker, reading);
      switch (task.kind) {
        case Task::Kind::kCount:
          if (!CountChunk(task.number)) return false;
          break;
        case Task::Kind::kOpenStream:
          reading = Reading(task.number);
          break;
        case Task::Kind::kFill:
          if (!FillBlock(static_cast<uint32_t>(task.number), &reading)) return false;
          break;
        case Task::Kind::kStopReading:
          return false;  // nothing fails
        case Task::Kind::kNone:
          return true;
      }
    }
  }

  /// How often a piece was counted.
  unsigned TimesCounted(uint32_t stream, uint64_t piece) const {
    return shared_->counted[stream][piece];
  }
  const TestQueue& queue() const { return queue_; }

 private:
  struct Memory {
    std::array<std::atomic<uint64_t>, kBlocks> blocks;  // the offset of what each holds
    std::array<std::array<std::atomic<uint8_t>, kPieces>, kStreams + 1> counted;
  };

  bool CountChunk(uint64_t number) {
    const Chunk chunk = queue_->ledger()[number];
    if (chunk.block != kNoBlock) {
      if (shared_->blocks[chunk.block] != chunk.begin) return false;
      ++shared_->counted[chunk.input][chunk.begin / 10];
    }
    queue_->Finish(number, 1);
    return true;
  }

  bool FillBlock(uint32_t block, std::optional<Position>* reading) {
    if ((*reading)->offset == 10 * kPieces) {
      queue_->CloseStream(block);
      reading->reset();
      return true;
    }
    shared_->blocks[block] = (*reading)->offset;
    const bool published =
        queue_.Publish(static_cast<uint32_t>((*reading)->input), (*reading)->offset, block);
    (*reading)->offset += 10;
    return published;
  }

  const TestQueue queue_{{.chunks_of_input = {kMapped},
                          .streams = {1, 2, 3},
                          .blocks = kBlocks,
                          .room_for_published = kStreams * kPieces}};
  const SharedValue<Memory> shared_;
};

TEST(WorkQueueTest, EachPieceOfEachStreamIsCountedOnceBySeveralProcesses) {
  StreamWorkers work;
  std::vector<Child> workers;
  for (uint32_t worker = 0; worker < StreamWorkers::kWorkers; ++worker) {
    workers.emplace_back([&work, worker] { return work.Run(worker); });
  }
  for (Child& worker : workers) EXPECT_EQ(worker.Wait(), 0);
  for (uint32_t stream = 1; stream <= StreamWorkers::kStreams; ++stream) {
    for (uint64_t piece = 0; piece < StreamWorkers::kPieces; ++piece) {
      ASSERT_EQ(work.TimesCounted(stream, piece), 1U) << stream << ", " << piece;
    }
  }
  for (const Chunk& chunk : work.queue()->ledger()) ASSERT_TRUE(chunk.done);
}

}  // namespace
}  // namespace tally
