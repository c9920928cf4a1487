// Threads that help the master's own one, as far as they can be had.
#ifndef TALLY_MASTER_HELPER_THREADS_H_
#define TALLY_MASTER_HELPER_THREADS_H_

#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

namespace tally {

/// Starts `count` threads, of which each calls body(its number, from 0); or fewer, where no more
/// can be started. Signals are for the calling thread, which waits where they matter: the others
/// have them all blocked. `body` may not throw, and has to live as long as the threads.
std::vector<std::jthread> StartHelpers(uint32_t count, const std::function<void(uint32_t)>& body);

}  // namespace tally

#endif  // TALLY_MASTER_HELPER_THREADS_H_
