// How far a run is: the shared counter that every worker adds to under a lock.
#ifndef TALLY_COMMON_PROGRESS_H_
#define TALLY_COMMON_PROGRESS_H_

#include <atomic>
#include <boost/interprocess/sync/scoped_lock.hpp>
#include <cstdint>
#include <span>

#include "common/fault_point.h"
#include "common/race_window.h"

namespace tally {

/// Work that was done: by one worker, or by all.
struct WorkDone {
  uint64_t chunks = 0;
  uint64_t text_bytes = 0;  // as parsed
  uint64_t file_bytes = 0;  // as stored: less than text_bytes where the file is compressed
  uint64_t records = 0;

  WorkDone operator+(const WorkDone& other) const {
    return {.chunks = chunks + other.chunks,
            .text_bytes = text_bytes + other.text_bytes,
            .file_bytes = file_bytes + other.file_bytes,
            .records = records + other.records};
  }
};

/// A WorkDone in shared memory. The atomics let anyone read it at any time, and make even a lost
/// update defined behaviour. They do not make an addition atomic: that is a Get(), then a Set().
class WorkCounter {
 public:
  WorkDone Get() const {
    return {.chunks = chunks_.load(std::memory_order_relaxed),
            .text_bytes = text_bytes_.load(std::memory_order_relaxed),
            .file_bytes = file_bytes_.load(std::memory_order_relaxed),
            .records = records_.load(std::memory_order_relaxed)};
  }
  void Set(const WorkDone& done) {
    chunks_.store(done.chunks, std::memory_order_relaxed);
    text_bytes_.store(done.text_bytes, std::memory_order_relaxed);
    file_bytes_.store(done.file_bytes, std::memory_order_relaxed);
    records_.store(done.records, std::memory_order_relaxed);
  }

 private:
  using Number = std::atomic<uint64_t>;
  static_assert(Number::is_always_lock_free, "a lock inside an atomic is not shared");

  Number chunks_{0};
  Number text_bytes_{0};
  Number file_bytes_{0};
  Number records_{0};
};

/// The progress of the whole run, in shared memory. `Mutex` decides whether additions are safe
/// (RobustMutex) or a race (NullMutex): two that load at once store the same, and one is lost.
template <class Mutex>
class Progress {
 public:
  /// Adds `done` to the worker's own share and to the total. `shares` are those of all workers:
  /// where another one died inside here, the total is put right from them.
  /// REQUIRES: only the worker that owns `own_share` calls this with it.
  void Add(const WorkDone& done, WorkCounter* own_share, std::span<const WorkCounter> shares,
           RaceWindow window = RaceWindow::None()) {
    const boost::interprocess::scoped_lock<Mutex> lock(mutex_);
    if (mutex_.owner_died()) {
      total_.Set(Sum(shares));
      mutex_.MarkRepaired();
    }
    TALLY_FAULT_POINT("progress-locked");
    own_share->Set(own_share->Get() + done);
    TALLY_FAULT_POINT("mid-progress");
    const WorkDone seen = total_.Get();
    window.PassUntil([&] { return total_.Get().chunks != seen.chunks; });
    total_.Set(seen + done);
#ifdef __SANITIZE_THREAD__
    ++additions_;
#endif
  }

  /// For the successor of a worker that died: its share becomes `kept`, what is left of its work.
  void StartOver(const WorkDone& kept, WorkCounter* own_share,
                 std::span<const WorkCounter> shares) {
    const boost::interprocess::scoped_lock<Mutex> lock(mutex_);
    own_share->Set(kept);
    total_.Set(Sum(shares));
    mutex_.MarkRepaired();
  }

  /// May be called by anyone, without the lock: a killed or stopped worker cannot hold it up.
  WorkDone Get() const { return total_.Get(); }

  static WorkDone Sum(std::span<const WorkCounter> shares) {
    WorkDone sum;
    for (const WorkCounter& share : shares) sum = sum + share.Get();
    return sum;
  }

 private:
  Mutex mutex_;
  WorkCounter total_;
#ifdef __SANITIZE_THREAD__
  // ThreadSanitizer takes atomics for correct however they are used. This plain number has the same
  // guard, so it shows whether that is one.
  uint64_t additions_ = 0;
#endif
};

}  // namespace tally

#endif  // TALLY_COMMON_PROGRESS_H_
