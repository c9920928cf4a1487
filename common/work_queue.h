// What is left to do, in shared memory: the workers' one place to ask for work.
#ifndef TALLY_COMMON_WORK_QUEUE_H_
#define TALLY_COMMON_WORK_QUEUE_H_

#include <array>
#include <atomic>
#include <boost/interprocess/sync/scoped_lock.hpp>
#include <cstdint>
#include <optional>
#include <span>

#include "common/chunk.h"
#include "common/robust_mutex.h"

namespace tally {

/// What a worker is told to do next.
struct Task {
  enum class Kind {
    kCount,        // count chunk `number`; then Finish() it
    kOpenStream,   // become the reader of input `number`
    kFill,         // as a reader: fill block `number`; then Publish() or CloseStream()
    kStopReading,  // as a reader: what follows is no longer wanted; CloseStream()
    kNone,         // all work is done or given away
  };
  Kind kind = Kind::kNone;
  uint64_t number = 0;
};

/// Chunks of mapped inputs are in the ledger from the start and are claimed in order. A stream has
/// one reader, a worker that fills blocks of shared memory with its text and publishes each as a
/// further chunk, for anyone to claim; while no block is free, the reader counts as well.
///
/// Every call may be made by any worker, in any process; each holds the lock for some instructions
/// only, and waits without it. The pointers in here are valid in all of them, since all were forked
/// from the master that made them.
class WorkQueue {
 public:
  /// `ledger`: shared memory; its first `mapped_chunks` entries are made, the rest are for the
  /// streams. `streams`: the inputs that are streams, in order. `blocks`: at most kMaxBlocks.
  WorkQueue(std::span<Chunk> ledger, uint64_t mapped_chunks, std::span<const uint32_t> streams,
            uint32_t blocks);

  static constexpr uint32_t kMaxBlocks = 2048;

  /// The next task for `worker`; waits while there is none but there may be one. A worker that is
  /// the reader of a stream says the place it has read up to.
  /// A claimed chunk is noted in the ledger as this worker's before anyone can see it is gone.
  Task Claim(uint32_t worker, std::optional<Position> reading);

  /// A claimed chunk is counted; its block is free again.
  void Finish(uint64_t chunk, uint64_t lines);

  /// A filled block becomes a chunk; `chunk` says all about it but its owner. False where the
  /// ledger is full.
  [[nodiscard]] bool Publish(const Chunk& chunk);

  /// The reader is done with its stream; `unused_block` is the one it was given to fill, if any.
  void CloseStream(std::optional<uint32_t> unused_block);

  /// The run fails at this place at the latest: nothing at or behind it is handed out any more.
  /// All that comes before still is, so that the first failure in the inputs' order is found
  /// whatever the scheduling.
  void FailAt(Position position);

  /// Whether what lies at `position` may still matter: no failure before it is known.
  bool IsWanted(Position position);

  /// Chunks known so far: streams may add more. For the progress line; takes no lock.
  uint64_t chunks_known() const { return chunks_end_.load(std::memory_order_relaxed); }

  std::span<const Chunk> ledger() const { return ledger_.first(chunks_known()); }

 private:
  using Lock = boost::interprocess::scoped_lock<RobustMutex>;

  void CheckOwner();
  std::optional<Task> TryClaim(uint32_t worker, const std::optional<Position>& reading);
  std::optional<Task> TryFill(const Position& reading);
  std::optional<Task> TryClaimChunk(uint32_t worker, uint64_t* next, uint64_t end);
  void Wait(Lock* lock);
  void WakeAll();

  RobustMutex mutex_;  // guards all below, and the owner, done and lines fields of the ledger
  std::span<Chunk> ledger_;
  std::span<const uint32_t> streams_;
  uint64_t next_mapped_ = 0;
  uint64_t mapped_end_;
  uint64_t next_published_;
  std::atomic<uint64_t> chunks_end_;  // mapped and published
  uint32_t next_stream_ = 0;
  uint32_t open_streams_ = 0;
  uint32_t block_count_;
  std::array<bool, kMaxBlocks> block_in_use_{};
  Position limit_ = kEndOfInputs;
  bool owner_died_ = false;

  uint32_t waiters_ = 0;
  std::atomic<uint32_t> epoch_{0};  // a futex: changes whenever a waiter might find work
  static_assert(std::atomic<uint32_t>::is_always_lock_free);
};

}  // namespace tally

#endif  // TALLY_COMMON_WORK_QUEUE_H_
