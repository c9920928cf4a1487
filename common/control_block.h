// What the master and its workers share besides the tables: the queue, the progress, and what each
// worker has to report.
#ifndef TALLY_COMMON_CONTROL_BLOCK_H_
#define TALLY_COMMON_CONTROL_BLOCK_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <string_view>
#include <type_traits>

#include "common/block_pool.h"
#include "common/chunk.h"
#include "common/error.h"
#include "common/escape.h"
#include "common/fixed_text.h"
#include "common/heartbeat.h"
#include "common/memory_budget.h"
#include "common/progress.h"
#include "common/robust_mutex.h"
#include "common/work_queue.h"

namespace tally {

/// How much of a key or a line is kept for messages: more than they show, so that they can tell
/// that something was cut.
constexpr size_t kKeptBytes = kShownBytes + 16;

/// The first, by its bytes, of the keys whose totals pass 2^64-1. Kept to the length that messages
/// show.
class OverflowedKey {
 public:
  void Note(std::string_view key) {
    if (key.data() == nullptr) return;
    key = key.substr(0, kKeptBytes);
    if (found_ && key_.view() <= key) return;
    found_ = true;
    key_.Set(key);
  }
  bool found() const { return found_; }
  /// Null data() where there is none.
  std::string_view view() const { return found_ ? key_.view() : std::string_view(); }

 private:
  bool found_ = false;
  FixedText<kKeptBytes> key_;
};

/// A line that no record could be made of.
struct MalformedLine {
  Position position;
  uint64_t chunk = 0;
  uint64_t line_in_chunk = 0;    // 0-based
  bool has_line_number = false;  // a word has none
  uint64_t size_bytes = 0;
  FixedText<kKeptBytes> text;  // its first bytes
  FixedText<96> reason;
};

/// An input that could not be read on.
struct InputFailure {
  Position position = kEndOfInputs;
  FixedText<18432> message;  // room for the longest path, escaped
  ExitStatus exit_status = kExitFailed;

  void NoteFirst(Position at, std::string_view why, ExitStatus status = kExitFailed) {
    if (at >= position) return;
    position = at;
    message.Set(why);
    exit_status = status;
  }
};

/// A mapped page that a worker died of, since its file cannot be read there.
struct PageFailure {
  uint64_t input = 0;
  uint64_t file_offset = 0;
  int error = 0;  // errno; 0: there was none
};

/// What one worker says beside its table. Written by that worker alone.
struct WorkerReport {
  static constexpr size_t kSamples = 5;

  uint64_t malformed = 0;
  std::array<MalformedLine, kSamples> samples;  // the first ones by position, in order
  InputFailure input_failure;                   // the first one by position
  PageFailure page_failure;
  OverflowedKey overflowed;
  FixedText<2048> fatal;  // why it gave up, where it did so in an orderly way
  ExitStatus fatal_status = kExitFailed;

  size_t samples_used() const { return std::min<uint64_t>(malformed, kSamples); }
};

/// How the workers add to the progress.
struct ProgressRule {
  bool unsafe = false;                     // without the lock
  RaceWindow window = RaceWindow::None();  // only where it is unsafe
};

/// The root of the shared memory. Made by the master, before it starts workers, at the start of a
/// zeroed region; what there is one of for each worker, and the streams, follow it there.
class ControlBlock {
 public:
  struct Setup {
    uint32_t workers = 1;
    ProgressRule progress = {};
    uint64_t memory_limit_bytes = MemoryBudget::kNoLimit;
    std::span<Chunk> ledger = {};  // as for WorkQueue
    uint64_t mapped_chunks = 0;
    std::span<const Stream> streams = {};
    const BlockPool* blocks = nullptr;  // none where there is no stream
    bool keep_blocks = false;           // as for BlockRules
  };

  static size_t BytesFor(uint32_t workers, size_t streams, size_t blocks) {
    return sizeof(ControlBlock) + workers * sizeof(OneWorker) + streams * sizeof(Stream) +
           blocks * sizeof(std::atomic<uint64_t>) + alignof(Pulse);
  }

  /// REQUIRES: `region` is aligned for any type and has BytesFor(setup's workers, streams and
  /// blocks).
  static ControlBlock* Create(void* region, const Setup& setup) {
    return new (region) ControlBlock(setup);
  }

  WorkQueue& queue() { return queue_; }
  const WorkQueue& queue() const { return queue_; }
  MemoryBudget& memory() { return memory_; }
  const MemoryBudget& memory() const { return memory_; }
  std::span<const WorkerReport> reports() const { return reports_; }
  WorkerReport& report(uint32_t worker) { return reports_[worker]; }
  /// As it was at the savepoint of the worker's table.
  WorkerReport& saved_report(uint32_t worker) { return saved_reports_[worker]; }
  Pulse* pulse(uint32_t worker) { return &pulses_[worker]; }

  /// For `worker` alone to call.
  void AddProgress(uint32_t worker, const WorkDone& done) {
    if (rule_.unsafe) {
      unsafe_progress_.Add(done, &shares_[worker], shares_, rule_.window);
    } else {
      progress_.Add(done, &shares_[worker], shares_);
    }
  }
  /// For the successor of a worker that died: `kept` is left of its work.
  void StartProgressOver(uint32_t worker, const WorkDone& kept) {
    if (rule_.unsafe) {
      unsafe_progress_.StartOver(kept, &shares_[worker], shares_);
    } else {
      progress_.StartOver(kept, &shares_[worker], shares_);
    }
  }
  /// What the counter says: less than what was done, where an unsafe one lost updates.
  WorkDone progress() const { return rule_.unsafe ? unsafe_progress_.Get() : progress_.Get(); }
  /// How many chunks the counter lacks. An unsafe one may also have some too many: where a worker
  /// died, its work is taken back, and whoever has loaded the counter before stores it again.
  uint64_t updates_lost() const {
    const uint64_t done = work_done().chunks;
    return done - std::min(done, progress().chunks);
  }
  /// What was done: the workers' own shares, which have one writer each.
  WorkDone work_done() const { return Progress<RobustMutex>::Sum(shares_); }

 private:
  // Its members lie in arrays of their own.
  struct OneWorker {
    WorkerState state;
    WorkerReport report;
    WorkerReport saved_report;
    WorkCounter share;
    Pulse pulse;
    std::atomic<uint64_t> memory;
  };

  explicit ControlBlock(const Setup& setup)
      : free_(reinterpret_cast<char*>(this + 1)),
        reports_(Place<WorkerReport>(setup.workers)),
        saved_reports_(Place<WorkerReport>(setup.workers)),
        shares_(Place<WorkCounter>(setup.workers)),
        pulses_(Place<Pulse>(setup.workers)),
        memory_(setup.memory_limit_bytes, setup.workers,
                Place<std::atomic<uint64_t>>(setup.workers + BlockCount(setup))),
        rule_(setup.progress),
        queue_(setup.ledger, setup.mapped_chunks, Copied(setup.streams),
               Place<WorkerState>(setup.workers), RulesFor(setup)) {}

  static uint32_t BlockCount(const Setup& setup) {
    return setup.blocks != nullptr ? setup.blocks->count : 0;
  }
  BlockRules RulesFor(const Setup& setup) {
    const BlockPool* const pool = setup.blocks;
    if (pool == nullptr) return {};
    return {.count = pool->count,
            .keep = setup.keep_blocks,
            .target_bytes = pool->target_bytes,
            .on_free = [this, pool](uint32_t block) { pool->Trim(block, &memory_); }};
  }

  template <class T>
  std::span<T> Place(size_t count) {
    static_assert(sizeof(T) % alignof(uint64_t) == 0 &&
                      (alignof(T) <= alignof(uint64_t) || std::is_same_v<T, Pulse>),
                  "BytesFor() has no room to align more");
    free_ += -reinterpret_cast<uintptr_t>(free_) % alignof(T);
    auto* const first = reinterpret_cast<T*>(free_);
    // (To value-initialize them would write the bytes of each FixedText, and touch their pages.)
    std::uninitialized_default_construct_n(first, count);
    free_ += count * sizeof(T);
    return {first, count};
  }
  std::span<Stream> Copied(std::span<const Stream> streams) {
    const std::span<Stream> copies = Place<Stream>(streams.size());
    std::copy(streams.begin(), streams.end(), copies.begin());
    return copies;
  }

  char* free_;  // the rest of the region
  std::span<WorkerReport> reports_;
  std::span<WorkerReport> saved_reports_;
  std::span<WorkCounter> shares_;
  std::span<Pulse> pulses_;
  MemoryBudget memory_;
  ProgressRule rule_;
  WorkQueue queue_;
  Progress<RobustMutex> progress_;
  Progress<NullMutex> unsafe_progress_;
};

}  // namespace tally

#endif  // TALLY_COMMON_CONTROL_BLOCK_H_
