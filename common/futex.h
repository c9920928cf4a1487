// Sleeping until another process changes a number in shared memory, futex(2).
#ifndef TALLY_COMMON_FUTEX_H_
#define TALLY_COMMON_FUTEX_H_

#include <atomic>
#include <chrono>
#include <cstdint>

namespace tally {

/// While `word` is `expected`, sleeps until it is woken, but not for longer than `at_most`: whoever
/// was to wake it may have died. May return for no reason. Any process or thread may call it.
/// (std::atomic::wait uses a futex that is private to one process.)
void FutexWait(std::atomic<uint32_t>* word, uint32_t expected, std::chrono::nanoseconds at_most);

void FutexWakeAll(std::atomic<uint32_t>* word);

}  // namespace tally

#endif  // TALLY_COMMON_FUTEX_H_
