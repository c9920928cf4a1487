#include "common/robust_mutex.h"

#include <cerrno>
#include <ctime>
#include <system_error>

#include "common/heartbeat.h"

namespace tally {
namespace {

void ThrowUnlessZero(int error, const char* what) {
  if (error != 0) throw std::system_error(error, std::generic_category(), what);
}

#ifdef __SANITIZE_THREAD__
// It does not see the other one, and then takes the unlocking for a fault.
constexpr clockid_t kLockClock = CLOCK_REALTIME;
int LockUntil(pthread_mutex_t* mutex, const timespec& until) {
  return pthread_mutex_timedlock(mutex, &until);
}
#else
constexpr clockid_t kLockClock = CLOCK_MONOTONIC;
int LockUntil(pthread_mutex_t* mutex, const timespec& until) {
  return pthread_mutex_clocklock(mutex, kLockClock, &until);
}
#endif

}  // namespace

RobustMutex::RobustMutex() {
  pthread_mutexattr_t attributes;
  ThrowUnlessZero(pthread_mutexattr_init(&attributes), "pthread_mutexattr_init");
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  const int error = pthread_mutex_init(&mutex_, &attributes);
  pthread_mutexattr_destroy(&attributes);
  ThrowUnlessZero(error, "pthread_mutex_init");
}

RobustMutex::~RobustMutex() { pthread_mutex_destroy(&mutex_); }

void RobustMutex::lock() {
  while (!try_lock() && !try_lock_for(kBeatEvery)) Beat();
}

bool RobustMutex::try_lock() { return Got(pthread_mutex_trylock(&mutex_), EBUSY); }

bool RobustMutex::try_lock_for(std::chrono::milliseconds timeout) {
  timespec until{};
  clock_gettime(kLockClock, &until);
  const auto ns = std::chrono::nanoseconds(timeout).count() + until.tv_nsec;
  until.tv_sec += ns / 1'000'000'000;
  until.tv_nsec = ns % 1'000'000'000;
  return Got(LockUntil(&mutex_, until), ETIMEDOUT);
}

void RobustMutex::unlock() { pthread_mutex_unlock(&mutex_); }

bool RobustMutex::Got(int error, int busy_error) {
  if (error == busy_error) return false;
  if (error == EOWNERDEAD) {
    // The note comes first: if this process dies between the two, the mutex still says so itself.
    owner_died_ = true;
    error = pthread_mutex_consistent(&mutex_);
  }
  ThrowUnlessZero(error, "a lock in shared memory");
  return true;
}

}  // namespace tally
