// How far a run is: the shared counter that every worker adds to under a lock.
#ifndef TALLY_COMMON_PROGRESS_H_
#define TALLY_COMMON_PROGRESS_H_

#include <atomic>
#include <boost/interprocess/sync/scoped_lock.hpp>
#include <cstdint>
#include <span>

namespace tally {

/// Work that was done: by one worker, or by all.
struct WorkDone {
  uint64_t chunks = 0;
  uint64_t text_bytes = 0;  // as parsed
  uint64_t file_bytes = 0;  // as stored: less than text_bytes where the file is compressed
  uint64_t records = 0;
};

/// A WorkDone in shared memory. Each number is loaded, then stored: an addition by two processes
/// at once loses one of them unless a lock keeps them apart, and that is the point (see `Progress`
/// below). The atomics make even the lost update defined behaviour, and let anyone read without
/// the lock.
class WorkCounter {
 public:
  void Add(const WorkDone& done) {
    Bump(&chunks_, done.chunks);
    Bump(&text_bytes_, done.text_bytes);
    Bump(&file_bytes_, done.file_bytes);
    Bump(&records_, done.records);
  }
  void Set(const WorkDone& done) {
    chunks_.store(done.chunks, std::memory_order_relaxed);
    text_bytes_.store(done.text_bytes, std::memory_order_relaxed);
    file_bytes_.store(done.file_bytes, std::memory_order_relaxed);
    records_.store(done.records, std::memory_order_relaxed);
  }
  WorkDone Get() const {
    return {.chunks = chunks_.load(std::memory_order_relaxed),
            .text_bytes = text_bytes_.load(std::memory_order_relaxed),
            .file_bytes = file_bytes_.load(std::memory_order_relaxed),
            .records = records_.load(std::memory_order_relaxed)};
  }

 private:
  using Number = std::atomic<uint64_t>;
  static_assert(Number::is_always_lock_free, "a lock inside an atomic is not shared");

  static void Bump(Number* number, uint64_t amount) {
    const uint64_t seen = number->load(std::memory_order_relaxed);
    number->store(seen + amount, std::memory_order_relaxed);
  }

  Number chunks_{0};
  Number text_bytes_{0};
  Number file_bytes_{0};
  Number records_{0};
};

/// The progress of the whole run, in shared memory. `Mutex` decides whether additions are safe
/// (RobustMutex) or a race (NullMutex).
template <class Mutex>
class Progress {
 public:
  /// Adds `done` to the worker's own share and to the total. `shares` are those of all workers:
  /// where another one died inside here, the total is put right from them.
  /// REQUIRES: only the worker that owns `own_share` calls this with it.
  void Add(const WorkDone& done, WorkCounter* own_share, std::span<const WorkCounter> shares) {
    const boost::interprocess::scoped_lock<Mutex> lock(mutex_);
    if (mutex_.owner_died()) {
      total_.Set(Sum(shares));
      mutex_.MarkRepaired();
    }
    own_share->Add(done);
    total_.Add(done);
  }

  /// May be called by anyone, without the lock: a killed or stopped worker cannot hold it up.
  WorkDone Get() const { return total_.Get(); }

  static WorkDone Sum(std::span<const WorkCounter> shares) {
    WorkDone sum;
    for (const WorkCounter& share : shares) {
      const WorkDone done = share.Get();
      sum.chunks += done.chunks;
      sum.text_bytes += done.text_bytes;
      sum.file_bytes += done.file_bytes;
      sum.records += done.records;
    }
    return sum;
  }

 private:
  Mutex mutex_;
  WorkCounter total_;
};

}  // namespace tally

#endif  // TALLY_COMMON_PROGRESS_H_
