// For the tests of the work queue: queues in shared memory, workers that die or stop in the middle
// of a call, and a crew that counts pieces as the program's workers count text.
#ifndef TALLY_TESTS_WORK_QUEUE_FIXTURE_H_
#define TALLY_TESTS_WORK_QUEUE_FIXTURE_H_

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <span>
#include <utility>
#include <vector>

#include "common/shared_region.h"
#include "common/shared_value.h"
#include "common/work_queue.h"
#include "tests/store_trap.h"
#include "tests/test_util.h"

namespace tally {

inline bool operator==(const Task& a, const Task& b) {
  const bool has_number = a.kind == Task::Kind::kCount || a.kind == Task::Kind::kOpenStream ||
                          a.kind == Task::Kind::kFill || a.kind == Task::Kind::kTakeOver;
  return a.kind == b.kind && (!has_number || a.number == b.number);
}

inline void PrintTo(const Task& task, std::ostream* out) {
  constexpr std::array<const char*, 6> kNames = {"count",        "open stream", "fill",
                                                 "stop reading", "take over",   "none"};
  *out << kNames.at(static_cast<size_t>(task.kind)) << " " << task.number;
}

constexpr Task kNone{};
constexpr Task kStopReading{.kind = Task::Kind::kStopReading};
constexpr Task Count(uint64_t chunk) { return {.kind = Task::Kind::kCount, .number = chunk}; }
constexpr Task Open(uint64_t stream) { return {.kind = Task::Kind::kOpenStream, .number = stream}; }
constexpr Task TakeOver(uint64_t dead) { return {.kind = Task::Kind::kTakeOver, .number = dead}; }
constexpr Task Fill(uint64_t block) { return {.kind = Task::Kind::kFill, .number = block}; }

/// A queue in shared memory. Its mapped chunks, and those published here, have ten bytes each.
class TestQueue {
 public:
  struct Options {
    std::vector<uint32_t> chunks_of_input = {};  // mapped ones
    std::vector<uint32_t> streams = {};          // their inputs
    bool last_is_fed = false;                    // the last stream is read by the master
    uint32_t workers = 8;
    uint32_t blocks = 0;
    size_t room_for_published = 0;
    bool keep_blocks = false;
    uint64_t block_target_bytes = 10;
    std::function<void(uint32_t)> on_free = {};
  };

  explicit TestQueue(const Options& options) {
    std::vector<Chunk> chunks;
    for (uint32_t input = 0; input < options.chunks_of_input.size(); ++input) {
      for (uint64_t i = 0; i < options.chunks_of_input[input]; ++i) {
        chunks.push_back({.begin = 10 * i, .end = 10 * i + 10, .input = input, .count = {}});
      }
    }
    const size_t ledger_size = chunks.size() + options.room_for_published;
    memory_ = SharedRegion::Reserve(RoundUpToPages(options.workers * sizeof(WorkerState) +
                                                   options.streams.size() * sizeof(Stream) +
                                                   ledger_size * sizeof(Chunk)));
    workers_ = {reinterpret_cast<WorkerState*>(memory_.data()), options.workers};
    streams_ = {reinterpret_cast<Stream*>(workers_.data() + workers_.size()),
                options.streams.size()};
    ledger_ = {reinterpret_cast<Chunk*>(streams_.data() + streams_.size()), ledger_size};
    std::uninitialized_default_construct(workers_.begin(), workers_.end());
    std::uninitialized_default_construct(streams_.begin(), streams_.end());
    std::uninitialized_copy(chunks.begin(), chunks.end(), ledger_.begin());
    for (size_t i = 0; i < streams_.size(); ++i) streams_[i].input = options.streams[i];
    if (options.last_is_fed) streams_.back().reader = kFeeder;
    queue_ = std::make_unique<SharedValue<WorkQueue>>(
        ledger_, chunks.size(), streams_, workers_,
        BlockRules{.count = options.blocks,
                   .keep = options.keep_blocks,
                   .target_bytes = options.block_target_bytes,
                   .on_free = options.on_free});
  }

  WorkQueue& operator*() const { return **queue_; }
  WorkQueue* operator->() const { return &**queue_; }

  const Chunk& chunk(uint64_t number) const { return ledger_[number]; }
  const Stream& stream(uint64_t number) const { return streams_[number]; }
  WorkerState& state(uint32_t worker) const { return workers_[worker]; }

  Task Claim(uint32_t worker = 0) const { return (*queue_)->Claim(worker); }
  void Finish(uint32_t worker, uint64_t chunk) const {
    (*queue_)->Finish(worker, chunk, {.lines = 1});
  }

  /// What this worker reads goes on at `begin`, in this block.
  [[nodiscard]] bool Publish(uint32_t worker, uint64_t begin, uint32_t block) const {
    return (*queue_)->Publish(worker, Piece(workers_[worker].stream, begin, block));
  }
  Chunk Piece(uint32_t stream, uint64_t begin, uint32_t block) const {
    return {.begin = begin,
            .end = begin + 10,
            .input = streams_[stream].input,
            .block = block,
            .count = {}};
  }

  /// The worker is told to fill this block, does it, and publishes it.
  void FillAndPublish(uint32_t worker, uint64_t begin, uint32_t block) const {
    ASSERT_EQ(Claim(worker), Fill(block));
    ASSERT_TRUE(Publish(worker, begin, block));
  }

  /// The worker is told to count this chunk, and does it.
  void ClaimAndFinish(uint32_t worker, uint64_t chunk) const {
    ASSERT_EQ(Claim(worker), Count(chunk));
    Finish(worker, chunk);
  }

  /// Lets a child do this and kills it right before its n-th store, counted from 0, in the ledger,
  /// the streams or what is known of the workers. False where it ended before.
  template <class Body>
  bool DiesAtStore(uint64_t store, Body body) const {
    return StoreTrap::Kills(memory_, store, body);
  }

  /// A worker that dies while it holds the lock: it wanted a chunk, and there must be one.
  void LetWorkerDieWithLock(uint32_t worker) const {
    ASSERT_TRUE(DiesAtStore(0, [this, worker] { return Claim(worker) == kNone; }));
  }

  /// The same, but it does not die: it is stopped.
  Child StopWorkerWithLock(uint32_t worker) const {
    Child stopped([this, worker] {
      StoreTrap::Set(memory_, 0, SIGSTOP);
      return Claim(worker) == kNone;
    });
    int status = 0;
    EXPECT_EQ(waitpid(stopped.pid(), &status, WUNTRACED), stopped.pid());
    EXPECT_TRUE(WIFSTOPPED(status));
    return stopped;
  }

 private:
  SharedRegion memory_;
  std::span<WorkerState> workers_;
  std::span<Stream> streams_;
  std::span<Chunk> ledger_;
  std::unique_ptr<SharedValue<WorkQueue>> queue_;
};

/// A child that claims as this worker, which has to wait, and expects this task then.
inline Child WaitingWorker(const TestQueue& queue, uint32_t worker, Task expected) {
  Child child([&queue, worker, expected] { return queue.Claim(worker) == expected; });
  child.WaitUntilBlocked();
  return child;
}

/// Workers that count: each piece of text is a single number, and a table says how often each was
/// counted. Input 0 is mapped, the streams are the inputs after it.
class Crew {
 public:
  static constexpr uint32_t kMostWorkers = 4;
  static constexpr uint32_t kMostBlocks = 16;
  static constexpr uint64_t kMostPieces = 2000;

  struct Options {
    uint32_t workers = 1;
    uint32_t mapped = 0;  // pieces of input 0
    uint32_t streams = 1;
    uint32_t pieces = 1;  // of each stream
    bool last_is_fed = false;
    uint32_t blocks = 1;
    bool keep_blocks = true;
  };

  explicit Crew(const Options& options) : options_(options), queue_(QueueOptions(options)) {}

  uint64_t piece_count() const { return options_.mapped + options_.streams * options_.pieces; }
  const TestQueue& queue() const { return queue_; }

  /// A worker's life. False where it was told, or found, what cannot be.
  bool Run(uint32_t worker) const {
    std::optional<uint64_t> in_hand;
    if (std::exchange(queue_.state(worker).started, true)) in_hand = TakeOver(worker);
    if (in_hand && !CountChunk(worker, *in_hand)) return false;
    uint64_t offset = 0;
    for (;;) {
      const Task task = queue_.Claim(worker);
      switch (task.kind) {
        case Task::Kind::kCount:
          if (!CountChunk(worker, task.number)) return false;
          break;
        case Task::Kind::kOpenStream:
          offset = queue_.stream(task.number).published;
          break;
        case Task::Kind::kFill:
          if (!FillBlock(worker, static_cast<uint32_t>(task.number), &offset)) return false;
          break;
        case Task::Kind::kStopReading:
          return false;  // nothing fails
        case Task::Kind::kTakeOver:
          RestoreTable(static_cast<uint32_t>(task.number));
          queue_->Inherit(static_cast<uint32_t>(task.number));
          break;
        case Task::Kind::kNone:
          queue_.state(worker).finished = true;
          return true;
      }
    }
  }

  /// What becomes of a worker's memory once it has died, as its successor does it.
  std::optional<uint64_t> TakeOver(uint32_t worker) const {
    RestoreTable(worker);
    return queue_->StartOver(worker);
  }

  /// As the master, which has a stream of its own: fills or publishes a block, if it can be done
  /// now. Returns whether anything was done.
  bool Feed() {
    const uint32_t stream = options_.streams - 1;
    const Chunk next = queue_.Piece(stream, fed_to_, fed_block_.value_or(kNoBlock));
    if (filled_) {
      if (queue_->TryPublish(stream, next) != WorkQueue::Published::kYes) return false;
      filled_ = false;
      fed_block_.reset();
      fed_to_ = next.end;
      return true;
    }
    if (feeder_closed_) return false;
    if (fed_to_ == uint64_t{10} * options_.pieces) {
      feeder_closed_ = queue_->TryClose(stream, fed_block_, std::nullopt);
      return feeder_closed_;
    }
    const auto task = queue_->TryClaimBlock(stream, fed_block_);
    if (!task) return false;
    EXPECT_EQ(task->kind, Task::Kind::kFill);
    fed_block_ = static_cast<uint32_t>(task->number);
    memory_->blocks[*fed_block_] = Number(next);
    return filled_ = true;
  }

  /// Each piece is one chunk, which is in the table of its owner once, and in no other.
  void ExpectEachPieceCountedOnce() const {
    const auto ledger = queue_->ledger();
    ASSERT_EQ(ledger.size(), piece_count());
    std::vector<uint8_t> seen(piece_count());
    for (const Chunk& chunk : ledger) {
      const uint64_t piece = Number(chunk);
      ASSERT_EQ(seen[piece]++, 0) << "published twice: " << piece;
      ASSERT_NE(chunk.done, 0U) << "lost: " << piece;
      for (uint32_t worker = 0; worker < options_.workers; ++worker) {
        ASSERT_EQ(memory_->tables[worker][piece], worker == chunk.owner ? 1 : 0)
            << "piece " << piece << ", worker " << worker << ", owner " << chunk.owner;
      }
    }
  }

 private:
  using Table = std::array<uint8_t, kMostPieces>;
  struct Memory {
    std::array<std::atomic<uint64_t>, kMostBlocks> blocks;  // the piece that each holds
    std::array<Table, kMostWorkers> tables;
    std::array<Table, kMostWorkers> saved_tables;
  };

  static TestQueue::Options QueueOptions(const Options& options) {
    std::vector<uint32_t> streams;
    while (streams.size() < options.streams) {
      streams.push_back(static_cast<uint32_t>(streams.size()) + 1);
    }
    return {.chunks_of_input = {options.mapped},
            .streams = streams,
            .last_is_fed = options.last_is_fed,
            .workers = options.workers,
            .blocks = options.blocks,
            // With room for what must not be: a piece that is published twice.
            .room_for_published = 2 * size_t{options.streams} * options.pieces,
            .keep_blocks = options.keep_blocks};
  }

  uint64_t Number(const Chunk& chunk) const {
    const uint64_t before =
        chunk.input == 0 ? 0 : options_.mapped + (chunk.input - 1) * options_.pieces;
    return before + chunk.begin / 10;
  }

  bool CountChunk(uint32_t worker, uint64_t number) const {
    const Chunk chunk = queue_->ledger()[number];
    if (chunk.owner != worker || chunk.done != 0) return false;
    const auto has_text = [&] {
      return chunk.block == kNoBlock ? chunk.input == 0
                                     : memory_->blocks[chunk.block] == Number(chunk);
    };
    if (!has_text()) return false;
    const uint8_t times = ++memory_->tables[worker][Number(chunk)];
    if (times != 1 || !has_text()) return false;
    queue_.Finish(worker, number);
    if (options_.keep_blocks) SaveTable(worker);
    return true;
  }

  bool FillBlock(uint32_t worker, uint32_t block, uint64_t* offset) const {
    if (*offset == uint64_t{10} * options_.pieces) {
      queue_->CloseStream(worker, block);
      return true;
    }
    memory_->blocks[block] = Number(queue_.Piece(queue_.state(worker).stream, *offset, block));
    return queue_.Publish(worker, std::exchange(*offset, *offset + 10), block);
  }

  void SaveTable(uint32_t worker) const {
    queue_.state(worker).saving = true;
    CopyTable(worker);
    queue_->TableSaved();
  }

  void RestoreTable(uint32_t worker) const {
    if (queue_.state(worker).saving) {
      CopyTable(worker);
    } else if (queue_.state(worker).saved == 0) {
      memory_->tables[worker] = {};
    } else {
      memory_->tables[worker] = memory_->saved_tables[worker];
    }
  }

  void CopyTable(uint32_t worker) const {
    WorkerState& state = queue_.state(worker);
    memory_->saved_tables[worker] = memory_->tables[worker];
    state.saved = state.chunks_done;
    state.saving = false;
  }

  const Options options_;
  const TestQueue queue_;
  const SharedValue<Memory> memory_;

  uint64_t fed_to_ = 0;
  std::optional<uint32_t> fed_block_;
  bool filled_ = false;
  bool feeder_closed_ = false;
};

/// Worker 0 reads stream 0, of input 1, and has published two pieces, in blocks 0 and 1.
constexpr uint32_t kReader = 0;
inline TestQueue::Options OneStream(uint32_t blocks) {
  return {.chunks_of_input = {0},
          .streams = {1},
          .blocks = blocks,
          .room_for_published = 9,
          .keep_blocks = true};
}
inline void PublishTwo(const TestQueue& queue) {
  ASSERT_EQ(queue.Claim(kReader), Open(0));
  queue.FillAndPublish(kReader, 0, /*block=*/0);
  queue.FillAndPublish(kReader, 10, /*block=*/1);
}

/// In a process of its own: it may hang.
inline void ExpectClaimed(const TestQueue& queue, uint32_t worker, Task expected) {
  Child child([&] { return queue.Claim(worker) == expected; });
  EXPECT_EQ(child.Wait(), 0);
}

}  // namespace tally

#endif  // TALLY_TESTS_WORK_QUEUE_FIXTURE_H_
