// What the master and its workers share besides the tables: the queue, the progress, and what each
// worker has to report.
#ifndef TALLY_COMMON_CONTROL_BLOCK_H_
#define TALLY_COMMON_CONTROL_BLOCK_H_

#include <array>
#include <cstdint>
#include <new>
#include <span>
#include <string_view>
#include <utility>

#include "common/chunk.h"
#include "common/escape.h"
#include "common/fixed_text.h"
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
};

/// What one worker says beside its table. Written by that worker alone.
struct WorkerReport {
  static constexpr size_t kSamples = 5;

  uint64_t malformed = 0;
  std::array<MalformedLine, kSamples> samples;  // the first ones by position, in order
  InputFailure input_failure;                   // the first one by position
  OverflowedKey overflowed;
  FixedText<2048> fatal;  // why it gave up, where it did so in an orderly way

  // The stream that it is the reader of, for the message should it die. (The ledger tells which
  // chunk it counts.)
  static constexpr uint32_t kNoInput = ~uint32_t{0};
  uint32_t reading_input = kNoInput;

  size_t samples_used() const { return std::min<uint64_t>(malformed, kSamples); }
};

/// How the workers add to the progress.
struct ProgressRule {
  bool unsafe = false;                     // without the lock
  RaceWindow window = RaceWindow::None();  // only where it is unsafe
};

/// The root of the shared memory. Made by the master, before it starts workers, at the start of a
/// zeroed region; what there is one of for each worker follows it there.
class ControlBlock {
 public:
  static size_t BytesFor(uint32_t workers) {
    return sizeof(ControlBlock) + workers * (sizeof(WorkCounter) + sizeof(WorkerReport));
  }

  /// REQUIRES: `region` is aligned for any type and has BytesFor(workers). The further arguments
  /// are WorkQueue's.
  template <class... QueueArguments>
  static ControlBlock* Create(void* region, uint32_t workers, const ProgressRule& rule,
                              QueueArguments&&... arguments) {
    auto* block =
        new (region) ControlBlock(workers, rule, std::forward<QueueArguments>(arguments)...);
    for (WorkCounter& share : block->shares_) new (&share) WorkCounter;
    for (WorkerReport& report : block->reports_) new (&report) WorkerReport;
    return block;
  }

  WorkQueue& queue() { return queue_; }
  const WorkQueue& queue() const { return queue_; }
  std::span<const WorkerReport> reports() const { return reports_; }
  WorkerReport& report(uint32_t worker) { return reports_[worker]; }

  /// For `worker` alone to call.
  void AddProgress(uint32_t worker, const WorkDone& done) {
    if (rule_.unsafe) {
      unsafe_progress_.Add(done, &shares_[worker], shares_, rule_.window);
    } else {
      progress_.Add(done, &shares_[worker], shares_);
    }
  }
  /// What the counter says: less than what was done, where an unsafe one lost updates.
  WorkDone progress() const { return rule_.unsafe ? unsafe_progress_.Get() : progress_.Get(); }
  /// What was done: the workers' own shares, which have one writer each.
  WorkDone work_done() const { return Progress<RobustMutex>::Sum(shares_); }

 private:
  template <class... QueueArguments>
  ControlBlock(uint32_t workers, const ProgressRule& rule, QueueArguments&&... arguments)
      : queue_(std::forward<QueueArguments>(arguments)...),
        rule_(rule),
        reports_(reinterpret_cast<WorkerReport*>(this + 1), workers),
        shares_(reinterpret_cast<WorkCounter*>(reports_.data() + workers), workers) {}

  WorkQueue queue_;
  ProgressRule rule_;
  Progress<RobustMutex> progress_;
  Progress<NullMutex> unsafe_progress_;
  std::span<WorkerReport> reports_;
  std::span<WorkCounter> shares_;
};

}  // namespace tally

#endif  // TALLY_COMMON_CONTROL_BLOCK_H_
