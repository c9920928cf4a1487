// Locks for memory that processes share, all with the Lockable interface, for use through
// boost::interprocess::scoped_lock.
#ifndef TALLY_COMMON_ROBUST_MUTEX_H_
#define TALLY_COMMON_ROBUST_MUTEX_H_

#include <pthread.h>

#include <chrono>

namespace tally {

/// A process-shared mutex that outlives its owner's death. Boost's interprocess_mutex does not:
/// in 1.74 a process killed while holding it hangs every other one for ever.
///
/// When an owner died, the next lock() succeeds and owner_died() is true: what the mutex guards may
/// be half written. Repair it, then call MarkRepaired(). If the repairer dies as well, the next
/// owner sees owner_died() again.
class RobustMutex {
 public:
  RobustMutex();
  ~RobustMutex();
  RobustMutex(const RobustMutex&) = delete;
  RobustMutex& operator=(const RobustMutex&) = delete;

  /// While it waits, it gives signs of life (common/heartbeat.h).
  void lock();
  bool try_lock();
  bool try_lock_for(std::chrono::milliseconds timeout);
  void unlock();

  /// REQUIRES for both: the caller holds the lock.
  bool owner_died() const { return owner_died_; }
  void MarkRepaired() { owner_died_ = false; }

 private:
  bool Got(int error, int busy_error);

  pthread_mutex_t mutex_;
  bool owner_died_ = false;
};

/// Locks nothing: what is left of a program when its mutex is taken away.
class NullMutex {
 public:
  void lock() {}
  bool try_lock() { return true; }
  void unlock() {}
  bool owner_died() const { return false; }
  void MarkRepaired() {}
};

}  // namespace tally

#endif  // TALLY_COMMON_ROBUST_MUTEX_H_
