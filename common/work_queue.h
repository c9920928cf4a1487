// What is left to do, in shared memory: the workers' one place to ask for work.
#ifndef TALLY_COMMON_WORK_QUEUE_H_
#define TALLY_COMMON_WORK_QUEUE_H_

#include <array>
#include <atomic>
#include <boost/interprocess/sync/scoped_lock.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "common/chunk.h"
#include "common/robust_mutex.h"

namespace tally {

/// What a worker is told to do next.
struct Task {
  enum class Kind {
    kCount,        // count chunk `number`; then Finish() it
    kOpenStream,   // become the reader of stream `number`, from where its text was published up to
    kFill,         // as a reader: fill block `number`; then Publish() or CloseStream()
    kStopReading,  // as a reader: what follows is no longer wanted; CloseStream()
    kTakeOver,     // bring the table of worker `number`, which died, into order; then Inherit()
    kNone,         // all work is done or given away
  };
  Kind kind = Kind::kNone;
  uint64_t number = 0;
};

/// An input that cannot be mapped. It has one reader at a time, which publishes its text piece by
/// piece as chunks.
struct Stream {
  uint32_t input = 0;
  uint32_t reader = kNobody;  // a worker, or kFeeder
  bool ended = false;
  NgramVersion ngram_version = NgramVersion::kV2;  // of its chunks, once there are any
  uint32_t failed_for = kNobody;                   // the reader that ended it because of a failure
  uint64_t published = 0;                          // how much of its text has become chunks
  // What its last reader, once at the end, had read: for the books.
  uint64_t text_bytes_read = 0;
  uint64_t file_bytes_read = 0;
};

/// The reader of streams that can be read only once: the master itself, since a worker that dies
/// would take with it what it has read.
constexpr uint32_t kFeeder = kNobody - 1;

/// What the queue knows of a worker.
struct WorkerState {
  static constexpr uint32_t kNoStream = ~uint32_t{0};

  bool started = false;   // written by the worker itself: whoever finds it set is a successor
  bool finished = false;  // nothing is left to do for it
  std::atomic<bool> left_to_others{false};  // it died, and no successor can be started
  uint32_t heir = kNobody;                  // who takes over then,
  std::atomic<bool> inherited{false};       // and has
  uint32_t stream = kNoStream;              // the one that it reads
  uint64_t chunks_done = 0;                 // in all lives
  // The chunks in its table that outlive it: those done up to `saved`, where the table's savepoint
  // is, and while `saving`, when the table does not change, all of them (worker/table_savepoint.h).
  std::atomic<uint64_t> saved{0};
  std::atomic<bool> saving{false};
};

/// The blocks that streams are read into.
struct BlockRules {
  uint32_t count = 0;  // at most WorkQueue::kMaxBlocks
  bool keep = false;   // workers can die alone; else a block is free once it was counted
  uint64_t target_bytes = ~uint64_t{0};  // of text in a block; more where a record is longer
  /// Called, where given, before a block with this number becomes free.
  std::function<void(uint32_t block)> on_free = {};
};

/// Chunks of mapped inputs are in the ledger from the start and are claimed in order. A stream has
/// a reader that fills blocks of shared memory with its text and publishes each as a further chunk,
/// for anyone to claim; while no block is free, a worker that is a reader counts as well.
///
/// A worker may die at any instruction, also in here. What it has put into its table since the last
/// savepoint is lost then, so the block of a chunk is kept up to the next one. A successor with its
/// number calls StartOver(), which gives its chunks back to all. Whatever can be derived from the
/// ledger and the streams is derived anew after a death; what cannot is changed by a single store.
///
/// Every call may be made by any worker, in any process; each holds the lock for some instructions
/// only (and while the memory of a long record is given back), and waits without it. The pointers
/// in here are valid in all of them, since all were forked from the master that made them. The
/// master never waits for the lock for long: a worker that was stopped might hold it.
class WorkQueue {
 public:
  /// `ledger`: shared memory; its first `mapped_chunks` entries are made, the rest are for the
  /// streams. `streams`: in the order of their inputs.
  WorkQueue(std::span<Chunk> ledger, uint64_t mapped_chunks, std::span<Stream> streams,
            std::span<WorkerState> workers, BlockRules blocks);

  static constexpr uint32_t kMaxBlocks = 2048;
  /// How many chunks for each worker, of a block's usual size, readers publish before any is
  /// claimed.
  static constexpr uint32_t kMostAhead = 4;

  // For workers. `worker` is the caller's own number.

  /// The next task; waits while there is none but there may be one. A claimed chunk is noted in the
  /// ledger as this worker's before anyone can see it is gone.
  Task Claim(uint32_t worker);

  /// A claimed chunk is in the worker's table.
  void Finish(uint32_t worker, uint64_t chunk, const ChunkCount& count);

  /// A filled block becomes a chunk; `chunk` says all about it but its owner. False where the
  /// ledger is full.
  [[nodiscard]] bool Publish(uint32_t worker, const Chunk& chunk);

  /// The reader is done with its stream: at its end, or because no more of it is wanted, or because
  /// it failed there, which is then as FailAt(). `unused_block` is the one it was given to fill.
  void CloseStream(uint32_t worker, std::optional<uint32_t> unused_block,
                   std::optional<Position> failed_at = {});

  /// For the reader of a stream that is at its end, before it closes it.
  void NoteRead(uint32_t stream, uint64_t text_bytes, uint64_t file_bytes);

  /// The run fails at this place at the latest: no chunk that begins behind it is handed out any
  /// more. All that comes before still is, so that the first failure in the inputs' order is found
  /// whatever the scheduling.
  void FailAt(Position position);

  /// Whether what lies at `position` may still matter: no failure before it is known.
  bool IsWanted(Position position);

  /// The caller's table has its savepoint behind all the chunks that it has done.
  void TableSaved();

  /// For the successor of a worker that died, before it claims anything: takes back all that is not
  /// saved. The chunk that was being counted is the first one for the successor, if there
  /// is any, so that one which kills whoever counts it costs nobody else's table.
  std::optional<uint64_t> StartOver(uint32_t worker);

  /// The same for another worker, where no successor can be started: all goes back to all.
  void Inherit(uint32_t dead);

  /// For the master: another worker, whichever asks next for a task, is to take over from this one,
  /// which died. Once that is done, it is `inherited`.
  void LeaveToOthers(uint32_t dead);
  /// It gets a successor after all. REQUIRES: no worker runs.
  void TakeBack(uint32_t dead);

  // For the master, as the feeder. Nothing happens where the lock cannot be had at once: try again.

  /// kFill or kStopReading for a stream; none where no block is free, or enough are full. kFill is
  /// for the block that it `has` already, if any.
  std::optional<Task> TryClaimBlock(uint32_t stream, std::optional<uint32_t> has);
  enum class Published { kYes, kTryAgain, kLedgerFull };
  [[nodiscard]] Published TryPublish(uint32_t stream, const Chunk& chunk);
  [[nodiscard]] bool TryClose(uint32_t stream, std::optional<uint32_t> unused_block,
                              std::optional<Position> failed_at);

  /// Nothing is handed out any more, by whoever holds the lock now. For the master.
  void Stop();

  /// Chunks known so far: streams may add more. For the progress line; takes no lock.
  uint64_t chunks_known() const { return chunks_end_.load(std::memory_order_relaxed); }

  std::span<const Chunk> ledger() const { return ledger_.first(chunks_known()); }
  std::span<const Stream> streams() const { return streams_; }
  std::span<const WorkerState> workers() const { return workers_; }
  std::span<WorkerState> workers() { return workers_; }

  /// Whether this chunk of a worker that died need not be counted again.
  bool IsSaved(const Chunk& chunk) const {
    if (chunk.done == 0) return false;
    const WorkerState& owner = workers_[chunk.owner];
    return chunk.done <= owner.saved || owner.saving;
  }

 private:
  static constexpr uint64_t kNoChunk = ~uint64_t{0};

  using Lock = boost::interprocess::scoped_lock<RobustMutex>;

  /// The lock for the master: not owned where it was not to be had in a moment.
  Lock TryLock();
  void DeriveAnew();
  bool IsFarAhead() const;
  bool IsBeforeLimit(Position position) const { return position <= limits_[current_limit_]; }
  void LowerLimit(Position position);
  void RepairAfterDeath();
  std::optional<uint64_t> GiveBack(uint32_t dead);
  std::optional<Task> TryClaim(uint32_t worker);
  std::optional<Task> TryTakeOver(uint32_t worker);
  std::optional<Task> TryFill(uint32_t stream, uint32_t reader);
  std::optional<Task> TryOpenStream(uint32_t worker);
  std::optional<Task> TryClaimChunk(uint32_t worker, uint64_t* next, uint64_t end);
  bool PublishAs(uint32_t stream, const Chunk& chunk);
  void Close(uint32_t stream, std::optional<uint32_t> unused_block,
             std::optional<Position> failed_at);
  void Release(Chunk* chunk);
  void ReleaseSavedBlocks();
  void Wait(Lock* lock);
  void WakeAll();
  void WakeWithoutLock();

  RobustMutex mutex_;  // guards all below, and what the ledger says after a chunk was published
  std::span<Chunk> ledger_;
  std::span<Stream> streams_;
  std::span<WorkerState> workers_;
  uint64_t mapped_end_;
  BlockRules blocks_;

  std::atomic<uint64_t> chunks_end_;  // mapped and published
  std::array<uint32_t, kMaxBlocks> block_filler_;
  std::array<Position, 2> limits_{kEndOfInputs, kEndOfInputs};
  uint32_t current_limit_ = 0;
  std::atomic<bool> stopped_{false};
  std::atomic<bool> any_left_to_others_{false};

  // Derived from the above: no unclaimed chunk and no closed stream comes before these places, ...
  uint64_t next_mapped_ = 0;
  uint64_t next_published_ = 0;
  uint32_t next_stream_ = 0;
  uint32_t open_streams_ = 0;
  std::array<uint64_t, kMaxBlocks> chunk_in_block_;

  uint32_t waiters_ = 0;            // at least
  std::atomic<uint32_t> epoch_{0};  // a futex: changes whenever a waiter might find work
  static_assert(std::atomic<uint32_t>::is_always_lock_free);
};

}  // namespace tally

#endif  // TALLY_COMMON_WORK_QUEUE_H_
