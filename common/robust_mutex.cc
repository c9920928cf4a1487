#include "common/robust_mutex.h"

#include <cerrno>
#include <system_error>

namespace tally {
namespace {

void ThrowUnlessZero(int error, const char* what) {
  if (error != 0) throw std::system_error(error, std::generic_category(), what);
}

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
  const int error = pthread_mutex_lock(&mutex_);
  if (error == EOWNERDEAD) return NoteOwnerDied();
  ThrowUnlessZero(error, "pthread_mutex_lock");
}

bool RobustMutex::try_lock() {
  const int error = pthread_mutex_trylock(&mutex_);
  if (error == EBUSY) return false;
  if (error == EOWNERDEAD) {
    NoteOwnerDied();
    return true;
  }
  ThrowUnlessZero(error, "pthread_mutex_trylock");
  return true;
}

void RobustMutex::unlock() { pthread_mutex_unlock(&mutex_); }

void RobustMutex::NoteOwnerDied() {
  // The note comes first: if this process dies between the two, the mutex still says so itself.
  owner_died_ = true;
  pthread_mutex_consistent(&mutex_);
}

}  // namespace tally
